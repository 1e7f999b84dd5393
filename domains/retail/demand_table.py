"""What is known of an item at the end of a week, and what was bought of it some weeks later: one row per forecast."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from appkit.exceptions import SchemaError
from domains.retail.demand_panel import DemandPanel
from domains.retail.week_calendar import WEEK, week_calendar

__all__ = ["LOOK_BACK", "DemandTable", "demand_table", "forecast_table", "quantile_name"]

LOOK_BACK = 57  # weeks any column looks at: the week a year before the furthest week, and one on either side
_SEASON, _PRIOR = 13, 4  # weeks that make the level, and weeks of the item's year that steady it
_YEAR = 52


@dataclass(frozen=True, eq=False)
class DemandTable:
    """Forecasts to learn from or to make.

    Parameters
    ----------
    X
        What is known when the forecast is made, and the calendar of the week it is for; see :func:`demand_table`.
    item, week
        Which item and which week (its Monday) each row is of, ``(n_rows,)``.
    horizon
        Weeks from the last one known to that week, int64 ``(n_rows,)``.
    level
        The unit that demand is counted in, pieces a week, float64 ``(n_rows,)``.
    y
        ``value``, demand as a multiple of the level, and ``is_censored``; ``None`` where nobody knows yet.
    """

    X: pd.DataFrame
    item: np.ndarray
    week: np.ndarray
    horizon: np.ndarray
    level: np.ndarray
    y: pd.DataFrame | None = None


def demand_table(
    series: pd.DataFrame,
    *,
    horizon: int = 4,
    features: Sequence[str] = (),
    holidays: Iterable[Any] = (),
    least_weeks: int = 4,
    max_rows: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> DemandTable:
    """Return every forecast of 1 to ``horizon`` weeks ahead that a series can judge.

    Demand is counted in multiples of the item's level when the forecast is made, its mean of the last 13 weeks, drawn
    towards that of its year as by 4 weeks more: so that all items can be learnt from at once. Weeks sold out are left
    out of all means and lags.

    Parameters
    ----------
    series
        Of ``demand_series``: ``item``, ``week``, ``demand``, and as far as known ``price``, ``n_customers`` and
        ``is_censored``. Every item has a row for each week from its first to its last.
    horizon
        Weeks ahead.
    features
        Further columns of ``series``, such as a department: their value in the last week known.
    holidays
        Dates, for the column ``n_holidays``.
    least_weeks
        Weeks an item must have been on sale.
    max_rows
        Rows to draw, all alike; ``None``: all there are.
    random_state
        Of the draw.

    Returns
    -------
    DemandTable
        Of columns, in multiples of the level: ``lag_1`` to ``lag_4`` (the last week known is lag 1), ``mean_4``,
        ``mean_26``, ``spread_13`` (standard deviation), ``most_13``, ``last_year`` (three weeks around the same week).
        In units of their own: ``level``, ``share_of_zero_weeks`` (of 13), ``weeks_since_sale``, ``weeks_on_sale`` (up
        to 52), ``pieces_per_customer``, ``price``, ``price_change`` (last price over that of the half year), ``shop_1``
        and ``shop_4`` (the whole shop's last week and month over its last 13 weeks), ``horizon`` and the columns of
        ``week_calendar`` for the week forecast.

    Examples
    --------
    >>> weeks = pd.date_range("2024-01-01", periods=8, freq="W-MON")
    >>> series = pd.DataFrame({"item": "tea", "week": weeks, "demand": [2.0, 4, 0, 2, 2, 2, 2, 2]})
    >>> table = demand_table(series, horizon=1, least_weeks=6)
    >>> table.level.round(2), table.y["value"].round(2).tolist(), table.X["lag_1"].round(2).tolist()
    (array([2., 2.]), [1.0, 1.0], [1.0, 1.0])
    """
    if horizon < 1 or horizon > LOOK_BACK - _YEAR - 1:
        raise ValueError(f"horizon must be 1 to {LOOK_BACK - _YEAR - 1} weeks, got {horizon!r}.")
    panel = _Known(series)
    last = panel.shape[1] - 1
    item, origin = np.nonzero((panel.age >= least_weeks) & (np.arange(last + 1) < last))
    steps = np.arange(1, horizon + 1)
    item, origin, step = np.repeat(item, horizon), np.repeat(origin, horizon), np.tile(steps, len(item))
    is_known = origin + step <= last
    is_known[is_known] = panel.row[item[is_known], (origin + step)[is_known]] >= 0
    rows = np.flatnonzero(is_known)
    if not len(rows):
        raise SchemaError(f"series must hold an item of at least {least_weeks + 1} weeks to learn from, got none.")
    if max_rows is not None and len(rows) > max_rows:
        rng = check_random_state(random_state)
        rows = np.sort(rng.choice(rows, max_rows, replace=False))
    asked = _Asked(item[rows], origin[rows], step[rows])
    table = panel.table(asked, features=features, holidays=holidays)
    target = panel.row[asked.item, asked.origin + asked.step]
    y = pd.DataFrame({"value": panel.demand[target] / table.level, "is_censored": panel.is_censored[target]})
    return replace(table, y=y)


def forecast_table(
    series: pd.DataFrame, *, horizon: int = 4, features: Sequence[str] = (), holidays: Iterable[Any] = ()
) -> DemandTable:
    """Return the forecasts to make at the end of a series: items whose last week is that of the series.

    Parameters are those of :func:`demand_table`.
    """
    panel = _Known(series)
    item = np.flatnonzero(panel.row[:, -1] >= 0)
    n_items, steps = len(item), np.arange(1, horizon + 1)
    origin = np.full(n_items * horizon, panel.shape[1] - 1)
    return panel.table(
        _Asked(np.repeat(item, horizon), origin, np.tile(steps, n_items)), features=features, holidays=holidays
    )


def quantile_name(level: float) -> str:
    """Return the column of a quantile.

    Examples
    --------
    >>> quantile_name(0.05), quantile_name(0.975)
    ('q5', 'q97.5')
    """
    return f"q{round(100 * level, 6):g}"


@dataclass(frozen=True)
class _Asked:
    """Which forecasts: place of the item, of the last week known, and weeks ahead, int64 ``(n_rows,)`` each."""

    item: np.ndarray
    origin: np.ndarray
    step: np.ndarray


class _Known(DemandPanel):
    """What is known of items at the end of each week."""

    def table(self, asked: _Asked, *, features: Sequence[str], holidays: Iterable[Any]) -> DemandTable:
        """Return what is known at each origin, without targets."""
        at = asked.item, asked.origin
        season, year = (_mean(self.known, weeks) for weeks in (_SEASON, _YEAR))
        n_season = _rolling(~np.isnan(self.known), _SEASON)
        steady = np.nan_to_num(season) * n_season + np.nan_to_num(year) * _PRIOR
        level = (steady / (n_season + _PRIOR))[at]
        level = np.where(level > 0, level, 1.0)  # nothing but weeks sold out so far
        columns = {"level": level}
        columns |= {f"lag_{back}": self._lag(self.known, back)[at] / level for back in range(1, 5)}
        columns |= {f"mean_{weeks}": _mean(self.known, weeks)[at] / level for weeks in (4, 26)}
        spread = np.sqrt(np.maximum(_mean(self.known**2, _SEASON) - season**2, 0))
        columns |= {"spread_13": spread[at] / level, "most_13": self._most(_SEASON)[at] / level}
        columns["last_year"] = self._last_year(asked) / level
        columns["share_of_zero_weeks"] = _mean(np.where(np.isnan(self.known), np.nan, self.known == 0), _SEASON)[at]
        columns["weeks_since_sale"] = self._weeks_since_sale()[at]
        columns["weeks_on_sale"] = np.minimum(self.age, _YEAR)[at].astype(np.float64)
        columns |= self._prices_and_customers(at)
        columns |= self._shop(asked.origin)
        columns["horizon"] = asked.step.astype(np.float64)
        week = self.weeks[asked.origin] + asked.step * WEEK
        X = pd.DataFrame(columns)
        for name in features:
            X[name] = self.series[name].iloc[self.row[at]].to_numpy()
        X = pd.concat([X, week_calendar(week, holidays=holidays)], axis=1)
        return DemandTable(X, np.asarray(self.items[asked.item]), week.astype("datetime64[s]"), asked.step, level)

    def _lag(self, values: np.ndarray, back: int) -> np.ndarray:
        lagged = np.full(self.shape, np.nan)
        lagged[:, back - 1 :] = values[:, : self.shape[1] - back + 1]
        return lagged

    def _most(self, weeks: int) -> np.ndarray:
        return pd.DataFrame(self.known.T).rolling(weeks, min_periods=1).max().to_numpy().T

    def _last_year(self, asked: _Asked) -> np.ndarray:
        """Return the mean of the three weeks around the one 52 weeks before the week forecast; NaN if none is known."""
        middle = asked.origin + asked.step - _YEAR
        around = np.stack([self._at(asked.item, middle + shift) for shift in (-1, 0, 1)])
        return _ratio(np.nansum(around, axis=0), (~np.isnan(around)).sum(axis=0))

    def _at(self, item: np.ndarray, week: np.ndarray) -> np.ndarray:
        return np.where(week >= 0, self.known[item, np.maximum(week, 0)], np.nan)

    def _weeks_since_sale(self) -> np.ndarray:
        place = np.arange(self.shape[1], dtype=np.float64)
        sold = np.where(np.nan_to_num(self.known) > 0, place, -np.inf)
        since = place - np.maximum.accumulate(sold, axis=1)
        return np.minimum(since, _YEAR)

    def _prices_and_customers(self, at: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
        columns = {}
        if "price" in self.series:
            price = self._plane("price")
            columns["price"] = price[at]
            columns["price_change"] = _ratio(price, _mean(price, 26))[at]
        if "n_customers" in self.series:
            customers = _mean(self._plane("n_customers"), _SEASON)[at]
            pieces = _mean(self.known, _SEASON)[at]
            columns["pieces_per_customer"] = _ratio(pieces, customers)
        return columns

    def _plane(self, name: str) -> np.ndarray:
        values = self.series[name].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(self.row >= 0, values[self.row], np.nan)

    def _shop(self, origin: np.ndarray) -> dict[str, np.ndarray]:
        """Return how the whole shop did of late against its last 13 weeks, closed weeks left out."""
        is_open = (~np.isnan(self.known)).any(axis=0)
        total = np.where(is_open, np.nansum(self.known, axis=0), np.nan)[None]
        season = _mean(total, _SEASON)[0]
        return {f"shop_{weeks}": _ratio(_mean(total, weeks)[0], season)[origin] for weeks in (1, 4)}


def _mean(values: np.ndarray, weeks: int) -> np.ndarray:
    """Return the mean of the known among the last weeks, at each week, same shape; NaN of none."""
    return _ratio(*(_rolling(part, weeks) for part in (np.nan_to_num(values), ~np.isnan(values))))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the quotient; NaN where there is nothing to divide by."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=np.nan_to_num(below) > 0)


def _rolling(values: np.ndarray, weeks: int) -> np.ndarray:
    """Return the sum of the last ``weeks`` at each week, fewer at the start, same shape."""
    total = np.cumsum(values, axis=1, dtype=np.float64)
    total[:, weeks:] = total[:, weeks:] - total[:, :-weeks]
    return total
