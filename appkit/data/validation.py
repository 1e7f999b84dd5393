"""Check what comes with a table: its shape, the target, weights, groups and ids."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from appkit.data.cells import shown
from appkit.data.columns import Column
from appkit.data.schema import Schema
from appkit.exceptions import DataWarning, SchemaError

__all__ = [
    "as_frame",
    "check_groups",
    "check_labels",
    "check_sample_weight",
    "check_unique_ids",
    "check_values",
    "warn_of_uninformative_columns",
]


def as_frame(X: Any) -> pd.DataFrame:
    """Return a table as a DataFrame with text names: frames as they are, arrays with columns ``x0``, ``x1``, ...

    A frame none of whose names is text is read by position, as scikit-learn does.

    Raises
    ------
    TypeError
        For sparse input.
    ValueError
        For input that is not two-dimensional, is complex, or has no rows or no columns.
    SchemaError
        For a name that two columns share.

    Examples
    --------
    >>> list(as_frame(np.zeros((3, 2))).columns)
    ['x0', 'x1']
    """
    if sparse.issparse(X):
        raise TypeError("Sparse data was passed, but dense data is required. Use '.toarray()' to convert it.")
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(_two_dimensional(X))
    for count, what in zip(frame.shape, ("sample(s)", "feature(s)"), strict=True):
        if count == 0:
            raise ValueError(f"Found array with 0 {what} (shape={frame.shape}) while a minimum of 1 is required.")
    if not frame.columns.is_unique:
        name = frame.columns[frame.columns.duplicated()][0]
        raise SchemaError(f"Column {name!r} appears more than once. Keep one, or rename the others.")
    if any(isinstance(name, str) for name in frame.columns):
        return frame
    return frame.set_axis([f"x{position}" for position in range(frame.shape[1])], axis=1)


def check_labels(y: Any, *, n_rows: int, sample_weight: np.ndarray | None = None) -> np.ndarray:
    """Return class labels as an array, shape (n_rows,), holding at least two classes.

    Parameters
    ----------
    y
        Labels: numbers, text or booleans, shape (n_rows,).
    n_rows
        Rows of the table.
    sample_weight
        Checked weights; a class whose rows all weigh nothing does not count.

    Raises
    ------
    ValueError
        For a missing label, a wrong length, a continuous target, or fewer than two classes.
    """
    labels = _target(y, n_rows=n_rows)
    if labels.dtype.kind == "f" and np.isinf(labels).any():
        raise ValueError(f"Input y contains infinity in row {np.flatnonzero(np.isinf(labels))[0]}. Labels are finite.")
    if labels.dtype == object and pd.api.types.infer_dtype(labels).startswith("mixed"):
        other = next(label for label in labels if type(label) is not type(labels[0]))
        raise ValueError(
            f"y must hold labels of one type, got {shown(labels[0])} and {shown(other)}. Write all as text."
        )
    check_classification_targets(labels)
    classes = np.unique(labels if sample_weight is None else labels[sample_weight > 0])
    if len(classes) < 2:
        found = f"one class ({shown(classes[0])})" if len(classes) else "none"
        raise ValueError(f"y must hold at least two classes among the rows that count, got {found}.")
    return labels


def check_values(y: Any, *, n_rows: int) -> np.ndarray:
    """Return a numeric target as float64, shape (n_rows,), all finite.

    Raises
    ------
    ValueError
        For a missing, infinite, complex or non-numeric value, or a wrong length.
    """
    target = _target(y, n_rows=n_rows)
    if target.dtype.kind == "c":
        raise ValueError("Complex data not supported: y must be real numbers.")
    try:
        values = target.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y must be numeric, got {shown(target[0])} in its first row.") from error
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise ValueError(f"Input y contains infinity in {len(infinite)} rows (first: row {infinite[0]}). Drop them.")
    return values


def check_sample_weight(sample_weight: Any, *, n_rows: int) -> np.ndarray | None:
    """Return weights as float64, shape (n_rows,), or ``None`` for no weights.

    Raises
    ------
    ValueError
        For a wrong shape, a negative, missing or infinite weight, or weights that are all zero.
    """
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must be numbers, one per row: {error}.") from error
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight must have shape ({n_rows},), one weight per row, got {weights.shape}.")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise ValueError(
            f"sample_weight must be finite and not negative, got {len(bad)} other values "
            f"(first: {weights[bad[0]]} in row {bad[0]}). Give 0 to a row that should not count."
        )
    if not weights.any():
        raise ValueError("sample_weight must have a positive value, got only zeros.")
    return weights


def check_groups(groups: Any, *, n_rows: int) -> np.ndarray | None:
    """Return group codes as int64, shape (n_rows,), numbered by first appearance, or ``None`` for no groups.

    Raises
    ------
    ValueError
        For a wrong length or a missing group.

    Examples
    --------
    >>> check_groups(["b", "a", "b"], n_rows=3)
    array([0, 1, 0])
    """
    if groups is None:
        return None
    codes = pd.factorize(pd.Series(column_or_1d(groups)))[0]
    if len(codes) != n_rows:
        raise ValueError(f"groups must have one entry per row, got {len(codes)} for {n_rows} rows.")
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise ValueError(
            f"groups must have no missing entry, got {len(missing)} (first: row {missing[0]}). "
            "Give a row without a group a group of its own."
        )
    return codes.astype(np.int64)


def check_unique_ids(ids: Any, *, name: str = "id") -> None:
    """Raise ``SchemaError`` where an id names more than one row.

    Examples
    --------
    >>> check_unique_ids([7, 8, 7], name="loan_id")
    Traceback (most recent call last):
        ...
    appkit.exceptions.SchemaError: loan_id must name one row each, got 1 repeated (first: 7 in rows 0 and 2). ...
    """
    column = pd.Series(ids)
    again = column[column.duplicated() & column.notna()]
    if len(again):
        rows = column.index[column == again.iloc[0]]
        raise SchemaError(
            f"{name} must name one row each, got {again.nunique()} repeated (first: {shown(again.iloc[0])} in rows "
            f"{rows[0]} and {rows[1]}). Drop the copies, or pass them as groups."
        )


def warn_of_uninformative_columns(schema: Schema) -> None:
    """Warn once, by name, of features that are constant or missing throughout: no model can learn from them."""
    empty = [column.name for column in schema.features if _is_empty(column)]
    constant = [column.name for column in schema.features if _is_constant(column)]
    if empty or constant:
        facts = [f"missing in every row: {', '.join(map(repr, empty))}"] if empty else []
        facts += [f"constant: {', '.join(map(repr, constant))}"] if constant else []
        warnings.warn(f"Some columns carry no information ({'; '.join(facts)}). Drop them.", DataWarning, stacklevel=3)


def _two_dimensional(X: Any) -> np.ndarray:
    array = np.asarray(X)
    if np.iscomplexobj(array):
        raise ValueError(f"Complex data not supported: X must be real, got {array.dtype}.")
    if array.ndim < 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead. Reshape your data either using array.reshape(-1, 1) "
            "if your data has a single feature or array.reshape(1, -1) if it contains a single sample."
        )
    if array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}, while dim <= 2 is required: one row per sample.")
    return array


def _target(y: Any, *, n_rows: int) -> np.ndarray:
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    target = column_or_1d(_without_extension(y), warn=True)
    if len(target) != n_rows:
        raise ValueError(f"y must have one entry per row of X, got {len(target)} for {n_rows} rows.")
    missing = np.flatnonzero(pd.isna(target))
    if len(missing):
        raise ValueError(
            f"Input y contains NaN: {len(missing)} of {n_rows} labels are missing (first: row {missing[0]}). "
            "Drop these rows, or label them."
        )
    return np.asarray(pd.Series(target).infer_objects()) if target.dtype == object else target


def _without_extension(y: Any) -> Any:
    """Return labels of a nullable dtype in their plain one: scikit-learn would make floats of Int64 and boolean."""
    plain = getattr(getattr(y, "dtype", None), "numpy_dtype", None)
    if isinstance(y, pd.Series) and plain is not None and plain.kind in "iub":
        return y.to_numpy(dtype=object if y.hasnans else plain)
    return y


def _is_empty(column: Column) -> bool:
    return column.minimum is None and not column.categories and not column.special_codes


def _is_constant(column: Column) -> bool:
    if column.has_missing or column.special_codes:
        return False
    if column.categories is not None:
        return len(column.categories) == 1
    return column.minimum is not None and column.minimum == column.maximum
