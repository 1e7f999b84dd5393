"""What is known of users and items besides events, as one matrix of numbers."""

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.ids import Ids
from appkit.data.schema import Schema
from appkit.data.table_encoder import Layout, TableEncoder
from appkit.exceptions import SchemaError

__all__ = ["encode_features", "ids_of_features"]


def ids_of_features(features: pd.DataFrame, known: Ids, *, of: str) -> Ids:
    """Return the known ids and those that only the table of features names.

    Raises
    ------
    SchemaError
        If an id comes twice, or ids are text here and numbers there.
    """
    if not isinstance(features, pd.DataFrame):
        raise TypeError(f"{of}_features must be a DataFrame indexed by the ids of each {of}, got {type(features)!r}.")
    if not features.index.is_unique:
        first = features.index[features.index.duplicated()][0]
        raise SchemaError(f"{of}_features must have one row for each {of}, got {shown(first)} twice. Keep one.")
    known.codes(features.index, column=f"index of {of}_features")  # the same kind of id
    return Ids.of([*known.values.tolist(), *features.index.tolist()], column=of)


def encode_features(features: pd.DataFrame, ids: Ids, *, of: str) -> np.ndarray:
    """Return one row of numbers for each id, float32 ``(n_ids, width)``; an id the table lacks is all missing.

    Numbers are scaled and clipped, categories become one flag each, the rare ones a common one.

    Examples
    --------
    >>> table = pd.DataFrame({"colour": ["red", "blue"]}, index=["cup", "pot"])
    >>> encode_features(table, Ids.of(["cup", "pot", "tea"]), of="item").shape[0]
    3
    """
    if features.shape[1] == 0:
        raise SchemaError(f"{of}_features must have at least one column besides its index, got none.")
    aligned = features.reindex(ids.values)
    schema = Schema.infer(features)
    encoder = TableEncoder(min_category_count=1).fit(schema.conform_arrays(features), schema)
    return _flagged(encoder.transform(schema.conform_arrays(aligned)), encoder.layout_)


def _flagged(encoded: np.ndarray, layout: Layout) -> np.ndarray:
    """Return the matrix with each column of codes as one flag per code."""
    plain = np.setdiff1d(np.arange(layout.width), layout.categories)
    flags = [
        encoded[:, [column]] == np.arange(n_codes)
        for column, n_codes in zip(layout.categories, layout.cardinalities, strict=True)
    ]
    return np.concatenate([encoded[:, plain], *flags], axis=1).astype(np.float32)
