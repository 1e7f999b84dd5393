"""Rows of many units put together by unit, oldest first, with what is known of each unit's end."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

__all__ = ["UnitRows", "as_remaining_life", "as_rows", "ends_of_life", "unit_rows"]

_SAME_END = 1e-6  # relative: two rows of a unit put its end at the same time


@dataclass(frozen=True, eq=False)
class UnitRows:
    """Which rows belong to which unit, in order of time.

    Parameters
    ----------
    order
        int64 ``(n_rows,)``: the caller's row of each ordered row.
    bounds
        int64 ``(n_units + 1,)``: unit ``u`` owns ordered rows ``bounds[u]:bounds[u + 1]``.
    labels
        Unit labels ``(n_units,)``, in order of first appearance.
    times
        float64 ``(n_rows,)``, ordered.
    """

    order: np.ndarray
    bounds: np.ndarray
    labels: pd.Index
    times: np.ndarray

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.labels)

    @property
    def unit_of_row(self) -> np.ndarray:
        """Unit of each ordered row, int64 ``(n_rows,)``."""
        return np.repeat(np.arange(self.n_units), np.diff(self.bounds))

    @property
    def first_times(self) -> np.ndarray:
        """Time of each unit's first row, float64 ``(n_units,)``."""
        return self.times[self.bounds[:-1]]

    @property
    def last_times(self) -> np.ndarray:
        """Time of each unit's last row, float64 ``(n_units,)``."""
        return self.times[self.bounds[1:] - 1]


def unit_rows(units: ArrayLike, times: ArrayLike, *, time_name: str = "times") -> UnitRows:
    """Return rows by unit and time; two rows of a unit at one time are an error that names both.

    Examples
    --------
    >>> rows = unit_rows(["b", "a", "b"], [2.0, 1.0, 1.0])
    >>> rows.order.tolist(), rows.labels.tolist(), rows.bounds.tolist()
    ([2, 0, 1], ['b', 'a'], [0, 2, 3])
    """
    labels_of_rows = np.asarray(units)
    if labels_of_rows.ndim != 1 or not len(labels_of_rows):
        raise ValueError(f"units must have one label per row, at least one, got shape {labels_of_rows.shape}.")
    moments = as_rows(times, len(labels_of_rows), name=time_name)
    codes, labels = pd.factorize(labels_of_rows)
    if (codes < 0).any():
        raise ValueError(f"units must be known in every row, got none in row {int(np.argmax(codes < 0))}.")
    order = np.lexsort((moments, codes))
    again = np.flatnonzero((np.diff(codes[order]) == 0) & (np.diff(moments[order]) == 0))
    if len(again):
        rows = sorted(order[again[0] : again[0] + 2].tolist())
        raise ValueError(
            f"A unit must have one row per time, got rows {rows[0]} and {rows[1]} of unit {labels_of_rows[rows[0]]} at "
            f"{moments[rows[0]]:g}. Keep one of them."
        )
    bounds = np.concatenate([[0], np.cumsum(np.bincount(codes))])
    return UnitRows(order, bounds, pd.Index(labels), moments[order])


def as_rows(
    values: ArrayLike, n_rows: int, *, name: str, advice: str = "Drop such rows, or fill them in."
) -> np.ndarray:
    """Return finite float64 ``(n_rows,)``."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n_rows,):
        raise ValueError(f"{name} must have one number for each of {n_rows} rows, got shape {array.shape}.")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[row]} in row {row}. {advice}")
    return array


def as_remaining_life(truth: Any, *, may_be_open: bool = False) -> np.ndarray:
    """Return true remaining life, float64 ``(n_rows,)``, not negative; NaN, if allowed, where no failure was seen."""
    array = np.asarray(truth, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"truth must be one-dimensional and not empty, got shape {array.shape}.")
    if not may_be_open or np.isinf(array).any():
        as_rows(array, len(array), name="truth", advice="Leave out units whose failure was not seen.")
    if (array < 0).any():
        row = int(np.flatnonzero(array < 0)[0])
        raise ValueError(f"truth is time until failure and must not be negative, got {array[row]:g} in row {row}.")
    return array


def ends_of_life(rows: UnitRows, truth: np.ndarray) -> np.ndarray:
    """Return when each unit failed, float64 ``(n_units,)``, NaN where it was not seen to.

    Parameters
    ----------
    rows
        The rows in order.
    truth
        Remaining life of each ordered row, ``(n_rows,)``: time and remaining life must add up to the same end in all
        rows of a unit, so it must not be capped.
    """
    ends = rows.times + truth
    last = ends[rows.bounds[1:] - 1]
    expected = last[rows.unit_of_row]
    # both unknown counts as the same
    differs = ~np.isclose(ends, expected, rtol=_SAME_END, atol=_SAME_END, equal_nan=True)
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        raise ValueError(
            f"time and truth must add up to one time of failure in all rows of a unit, got {ends[row]:g} in row "
            f"{rows.order[row]} and {expected[row]:g} in the last row of unit {rows.labels[rows.unit_of_row[row]]}. "
            "Give the remaining life uncapped, in the unit of the time, and NaN throughout where no failure was seen."
        )
    return last
