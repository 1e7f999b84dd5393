"""Tables as integers and back, for packages that can only count."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from appkit.explanation.games.frame import pooled_column

__all__ = ["CodedColumns"]


@dataclass(frozen=True)
class CodedColumns:
    """Every column as positions among its distinct values, in ``X`` and background together; missing is one of them.

    Numbers are coded in their order, so that near codes are near values; whatever a package makes of the codes,
    decoding gives values that were seen, in the column's own dtype.

    Parameters
    ----------
    distinct
        For each column its distinct values, sorted, a missing one last.

    Examples
    --------
    >>> X = pd.DataFrame({"colour": ["red", None, "blue"], "price": [2.5, 1.0, 2.5]})
    >>> coded = CodedColumns.of(X, X)
    >>> coded.encode(X).tolist()
    [[1.0, 1.0], [2.0, 0.0], [0.0, 1.0]]
    """

    distinct: dict[str, pd.Series]

    @classmethod
    def of(cls, X: pd.DataFrame, background: pd.DataFrame) -> "CodedColumns":
        """Return the coding of all values of both tables."""
        return cls({column: _distinct(pooled_column(X[column], background[column])) for column in X.columns})

    @property
    def is_ordered(self) -> np.ndarray:
        """Which columns hold numbers, bool ``(n_columns,)``."""
        return np.array([is_numeric_dtype(v.dtype) and not is_bool_dtype(v.dtype) for v in self.distinct.values()])

    @property
    def is_constant(self) -> np.ndarray:
        """Which columns hold one value only, bool ``(n_columns,)``."""
        return np.array([len(values) == 1 for values in self.distinct.values()])

    def encode(self, X: pd.DataFrame) -> np.ndarray:
        """Return codes, float64 ``(n_rows, n_columns)``."""
        return np.column_stack([_codes(X[column], values) for column, values in self.distinct.items()])

    def decode(self, codes: np.ndarray) -> pd.DataFrame:
        """Return the table of ``codes``; those between or beyond are taken for the nearest."""
        nearest = np.rint(codes).astype(np.int64)
        return pd.DataFrame(
            {
                column: values.array.take(nearest[:, i].clip(0, len(values) - 1))
                for i, (column, values) in enumerate(self.distinct.items())
            }
        )


def _distinct(column: pd.Series) -> pd.Series:
    values = column.drop_duplicates()
    present = values[values.notna()]
    in_order = present.sort_values() if is_numeric_dtype(present.dtype) else present.sort_values(key=_as_words)
    return pd.concat([in_order, values[values.isna()]], ignore_index=True)


def _as_words(column: pd.Series) -> pd.Series:
    return column.astype(str)


def _codes(column: pd.Series, distinct: pd.Series) -> np.ndarray:
    present = distinct[distinct.notna()]
    position = {value: code for code, value in enumerate(present)}
    return np.array([position.get(value, len(present)) for value in column], dtype=np.float64)
