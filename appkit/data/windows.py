"""Stretches of series that end at chosen rows, cut when they are asked for and never across units."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from appkit.data.series import Series

__all__ = ["Windows", "window_rows", "windows_of"]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one length over a series; they hold where they end and no reading.

    A window reaches back ``length`` steps from its last row. Where its unit has fewer rows up to there (a unit's first
    rows, a unit with one row), the window is padded at the start: the newest reading is always the last step.

    Parameters
    ----------
    series
        Where the readings are.
    ends
        int64 ``(n_windows,)``: the last row of each.
    length
        Steps of each.

    Examples
    --------
    >>> from appkit.data.series import read_series
    >>> series = read_series([[[1.0], [2.0], [3.0]], [[9.0]]], unit="pump", time="hour")
    >>> windows = windows_of(series, length=2, rows="last")
    >>> readings, padding = windows.cut()
    >>> readings[..., 0], windows.names()
    (array([[ 2.,  3.],
           [nan,  9.]]), ['pump 0, hour 2', 'pump 1, hour 0'])
    """

    series: Series
    ends: np.ndarray
    length: int

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, rows: slice | np.ndarray) -> "Windows":
        """Return some of the windows; a slice of them shares its ends with these."""
        return Windows(self.series, np.atleast_1d(self.ends[rows]), self.length)

    @property
    def units(self) -> np.ndarray:
        """Position of each window's unit in ``series.units``, int64 ``(n_windows,)``."""
        return self.series.units_at(self.ends)

    @property
    def starts(self) -> np.ndarray:
        """First row of each window's unit, int64 ``(n_windows,)``: no window reaches beyond it."""
        return self.series.bounds[self.units]

    def cut(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the readings and which steps are padding.

        Returns
        -------
        readings
            Float ``(n_windows, length, n_sensors)`` of the dtype of the series, oldest step first; NaN in padded steps
            and where a reading is missing.
        padding
            bool ``(n_windows, length)``, true where the unit had no row yet.
        """
        rows, padding = window_rows(self.ends, self.starts, self.length)
        readings = np.take(self.series.values, rows, axis=0)
        readings[padding] = np.nan
        return readings, padding

    def names(self, *, words: tuple[str, str] | None = None) -> list[str]:
        """Return each window by unit and last moment: ``"engine 3, cycle 120"``; ``words`` replaces the two nouns."""
        return self.series.row_names(self.ends, words=words)


def windows_of(series: Series, *, length: int, rows: Literal["all", "last"] | np.ndarray, stride: int = 1) -> Windows:
    """Return the windows of a series that end at ``rows``.

    Parameters
    ----------
    series
        Readings.
    length
        Steps of each window, at least 1; may be longer than a unit.
    rows
        ``"all"``: one window ends at each row; ``"last"``: at the newest row of each unit; or rows of the series, int
        ``(n_windows,)``.
    stride
        With ``"all"``, every how many rows of a unit a window ends, counted back from its newest, which always has one.

    Raises
    ------
    ValueError
        If length or stride is not a positive integer, or rows are not rows of the series.

    Examples
    --------
    >>> from appkit.data.series import read_series
    >>> series = read_series([np.zeros((5, 1)), np.zeros((2, 1))], unit=None, time=None)
    >>> windows_of(series, length=3, rows="all", stride=2).ends
    array([0, 2, 4, 6])
    """
    for name, value in (("length", length), ("stride", stride)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    return Windows(series, _ends(series, rows, stride=int(stride)), int(length))


def window_rows(ends: np.ndarray, starts: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of windows by arithmetic on their ends alone.

    Parameters
    ----------
    ends
        Last row of each window, int ``(n_windows,)``.
    starts
        First row of each window's unit, int ``(n_windows,)``.
    length
        Steps of each window.

    Returns
    -------
    rows
        int64 ``(n_windows, length)``, oldest first; a step before the unit's first row is clamped to that row.
    padding
        bool ``(n_windows, length)``, true at the clamped steps.

    Examples
    --------
    >>> window_rows(np.array([1, 7]), np.array([0, 5]), 3)
    (array([[0, 0, 1],
           [5, 6, 7]]), array([[ True, False, False],
           [False, False, False]]))
    """
    first = np.asarray(starts, dtype=np.int64)[:, None]
    rows = np.asarray(ends, dtype=np.int64)[:, None] + np.arange(1 - length, 1)
    return np.maximum(rows, first), rows < first


def _ends(series: Series, rows: str | np.ndarray, *, stride: int) -> np.ndarray:
    if isinstance(rows, str) and rows == "all":
        if stride == 1:
            return np.arange(series.n_rows)
        from_newest = np.repeat(series.last_rows, np.diff(series.bounds)) - np.arange(series.n_rows)
        return np.flatnonzero(from_newest % stride == 0)
    if stride != 1:
        raise ValueError(f"stride needs rows='all', got stride={stride} and rows={rows!r}.")
    if isinstance(rows, str) and rows == "last":
        return series.last_rows
    return _checked_rows(rows, n_rows=series.n_rows)


def _checked_rows(rows: str | np.ndarray, *, n_rows: int) -> np.ndarray:
    chosen = np.asarray(rows)
    if chosen.ndim != 1 or (chosen.dtype.kind not in "ui" and chosen.size):
        raise ValueError(f"rows must be 'all', 'last' or rows of the series as integers, got {rows!r}.")
    outside = chosen[(chosen < 0) | (chosen >= n_rows)]
    if len(outside):
        raise ValueError(f"rows must lie in the {n_rows:,} rows of the series, got {outside[0]}.")
    return chosen.astype(np.int64)
