"""How far apart rows of a table are: numbers by their ranks, words by whether they are the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import torch
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype, is_timedelta64_dtype
from torch import Tensor

from appkit.data import Column, Schema
from appkit.explanation.games.frame import pooled_column

__all__ = [
    "RankedColumns",
    "column_numbers",
    "declared_columns",
    "mid_ranks",
    "pooled_table",
    "squared_distances",
]

_UNIT = 4096  # a whole range, so that features are whole numbers and sums of their products exact in float64
_SAME = 2896  # _UNIT over the root of two: two words that differ are one unit apart
_HALF = _UNIT // 2
_ABSENT = 3547  # with the half range that a missing number keeps from either end this is one unit


@dataclass(frozen=True)
class RankedColumns:
    """Rows and background end to end as whole numbers whose squared differences are squared distances.

    Each column spans one unit. A number counts by its mid-rank among the background's, which is its quantile: no unit
    of measure and no outlier stretches it. Two words are a unit apart or the same. A missing number stands between .87
    and 1 from every other, missing words are words of their own.

    Parameters
    ----------
    features
        float64 ``(n_rows + n_background, n_features)``, whole numbers: no sum of their products is ever rounded, so
        distances and the order of neighbours do not depend on how rows are blocked.
    column_of
        int64 ``(n_features,)``: which column each feature comes from.
    n_rows, n_columns
        Rows before the background; columns.

    Examples
    --------
    >>> X = pd.DataFrame({"price": [1.0, 2.0], "colour": ["red", "blue"]})
    >>> ranked = RankedColumns.of(pooled_table(X, X), n_rows=2)
    >>> round(float(ranked.distances(ranked.features[:1], ranked.background)[0, 1]), 2)
    0.79
    """

    features: Tensor
    column_of: np.ndarray
    n_rows: int
    n_columns: int

    @classmethod
    def of(
        cls, pooled: pd.DataFrame, *, n_rows: int, declared: Mapping[str, Column] = MappingProxyType({})
    ) -> "RankedColumns":
        """Return the features of ``n_rows`` rows with their background below them, see :func:`pooled_table`.

        ``declared`` holds what a schema says of columns: a number may be a category there, or have special codes, which
        count as missing.
        """
        by_column = [
            _features(column, n_rows=n_rows, declared=declared.get(str(name))) for name, column in pooled.items()
        ]
        column_of = np.repeat(np.arange(len(by_column)), [part.shape[1] for part in by_column])
        return cls(torch.as_tensor(np.hstack(by_column)), column_of, n_rows, len(by_column))

    @property
    def background(self) -> Tensor:
        """Features of the background, ``(n_background, n_features)``."""
        return self.features[self.n_rows :]

    def distances(self, features: Tensor, others: Tensor) -> Tensor:
        """Return root mean squared distances over the columns, between 0 and 1, ``(n, n_others)``."""
        return self.in_units(squared_distances(features, others))

    def in_units(self, squared: Tensor) -> Tensor:
        """Return root mean squared distances of what :func:`squared_distances` gives."""
        return (squared / self.n_columns).sqrt() / _UNIT


def pooled_table(X: pd.DataFrame, background: pd.DataFrame) -> pd.DataFrame:
    """Return rows and background end to end, each column of the background in a dtype that both share."""
    columns = {}
    for column in background.columns:
        own, seen = X[column], background[column]
        try:
            columns[column] = pooled_column(own, seen)
        except ValueError:  # a model of ours reads numbers written as text, so its rows need not share a dtype
            columns[column] = pooled_column(own.astype(seen.dtype), seen)
    return pd.DataFrame(columns)


def declared_columns(model: Any) -> dict[str, Column]:
    """Return what the schema of a model says of its columns, by name; nothing for a model without one."""
    schema = getattr(model, "schema_", None)
    return {column.name: column for column in schema} if isinstance(schema, Schema) else {}


def squared_distances(features: Tensor, others: Tensor) -> Tensor:
    """Return squared Euclidean distances ``(n, n_others)``; exact for whole numbers."""
    return features.square().sum(1)[:, None] + others.square().sum(1) - 2 * features @ others.T


def column_numbers(column: pd.Series, declared: Column | None = None) -> tuple[np.ndarray, bool]:
    """Return a column as float64 ``(n_rows,)``, NaN where missing, and whether the numbers have an order.

    Special codes that are declared count as missing; a number declared a category has no order.
    """
    numbers, is_ordered = _plain_numbers(column)
    if declared is None or not is_ordered:
        return numbers, is_ordered
    if declared.kind == "category" and not isinstance(column.dtype, pd.CategoricalDtype):
        return numbers, False
    return np.where(np.isin(numbers, declared.special_codes), np.nan, numbers), True


def mid_ranks(numbers: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the share of ``seen`` below each number, ties counted half; NaN where the number is missing.

    Examples
    --------
    >>> mid_ranks(np.array([1.0, 5.0]), np.array([1.0, 2.0]))
    array([0.25, 1.  ])
    """
    known = np.sort(seen[~np.isnan(seen)])
    if not len(known):
        return np.where(np.isnan(numbers), np.nan, 0.5)
    twice = np.searchsorted(known, numbers, side="left") + np.searchsorted(known, numbers, side="right")
    return np.where(np.isnan(numbers), np.nan, twice / (2 * len(known)))


def _plain_numbers(column: pd.Series) -> tuple[np.ndarray, bool]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        positions = column.cat.codes.to_numpy().astype(np.float64)
        return np.where(positions < 0, np.nan, positions), bool(column.cat.ordered)
    if is_datetime64_any_dtype(column.dtype) or is_timedelta64_dtype(column.dtype):
        return np.where(column.isna(), np.nan, column.astype("int64").to_numpy(dtype=np.float64)), True
    if is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan), True
    codes, _ = pd.factorize(column, sort=False)
    return np.where(codes < 0, np.nan, codes.astype(np.float64)), False


def _features(column: pd.Series, *, n_rows: int, declared: Column | None) -> np.ndarray:
    numbers, is_ordered = column_numbers(column, declared)
    if is_ordered:
        rank = np.rint(mid_ranks(numbers, numbers[n_rows:]) * _UNIT)
        missing = np.isnan(rank)
        if not missing.any():
            return rank[:, None]
        return np.column_stack([np.where(missing, _HALF, rank), missing * _ABSENT])
    level = np.where(np.isnan(numbers), -1, numbers)
    return _SAME * (level[:, None] == np.unique(level)).astype(np.float64)
