"""A series of weekly demand as a grid of items and weeks."""

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.exceptions import SchemaError
from domains.retail.week_calendar import WEEK, monday_of

__all__ = ["DemandPanel"]


class DemandPanel:
    """A series as a grid of items and weeks.

    Parameters
    ----------
    series
        ``item``, ``week``, ``demand`` and, where known, ``is_censored``; one row for each week of an item from its
        first to its last.

    Attributes
    ----------
    items : Index
        Ids, sorted.
    weeks : ndarray
        Mondays from the first to the last, datetime64[D].
    row : ndarray
        Row of the series in each cell, int64 ``(n_items, n_weeks)``; -1 before and after the item's weeks.
    demand, is_censored : ndarray
        float64 and bool ``(n_rows,)``.
    known : ndarray
        Demand in each cell, float64 ``(n_items, n_weeks)``; NaN where there is none or sales were censored.
    age : ndarray
        Weeks on sale up to each, int64 ``(n_items, n_weeks)``.
    """

    def __init__(self, series: pd.DataFrame) -> None:
        missing = [name for name in ("item", "week", "demand") if name not in series]
        if missing or not len(series):
            raise SchemaError(
                f"series must hold the columns item, week and demand, and a row, got {len(series)} rows without "
                f"{missing}. See demand_series."
            )
        self.series = series
        item, self.items = pd.factorize(series["item"], sort=True)
        mondays = monday_of(series["week"])
        self.weeks = np.arange(mondays.min(), mondays.max() + WEEK, WEEK)
        self.shape = len(self.items), len(self.weeks)
        week = ((mondays - self.weeks[0]) // WEEK).astype(np.int64)
        self.row = np.full(self.shape, -1)
        self.row[item, week] = np.arange(len(series))
        self.demand = series["demand"].to_numpy(dtype=np.float64)
        flags = series["is_censored"] if "is_censored" in series else np.zeros(len(series))
        self.is_censored = np.asarray(flags, dtype=bool)
        self._check(item, week)
        self.known = np.where(self.row >= 0, np.where(self.is_censored, np.nan, self.demand)[self.row], np.nan)
        self.age = np.cumsum(self.row >= 0, axis=1)

    def _check(self, item: np.ndarray, week: np.ndarray) -> None:
        n_taken = (self.row >= 0).sum(axis=1)
        first, last = (self.row >= 0).argmax(axis=1), self.shape[1] - (self.row >= 0)[:, ::-1].argmax(axis=1)
        has_gap = n_taken != last - first
        if has_gap.any() or n_taken.sum() != len(self.series):
            is_wrong = has_gap if has_gap.any() else np.bincount(item) > n_taken
            name = self.items[int(is_wrong.argmax())]
            raise SchemaError(
                f"Item {shown(name)} must have one row for each week from its first to its last. Use demand_series."
            )
        is_wrong = ~(np.isfinite(self.demand) & (self.demand >= 0))
        if is_wrong.any():
            row = int(is_wrong.argmax())
            raise SchemaError(
                f"Column 'demand' must hold numbers of 0 or more, got {self.demand[row]:g} in row {row}. "
                "Clean returns first."
            )
