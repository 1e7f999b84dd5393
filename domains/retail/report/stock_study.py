"""Forecasts of demand as they would have been made week after week, beside what came and what simple rules said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.exceptions import SchemaError
from domains.retail.demand_baselines import baseline_forecast
from domains.retail.demand_table import quantile_name
from domains.retail.week_calendar import WEEK, monday_of

__all__ = ["RULES", "StockStudy", "stock_study"]

RULES: Mapping[str, str] = {
    "naive": "the last week known",
    "moving_average": "the mean of 13 weeks",
    "exponential_smoothing": "simple smoothing, its factor by the item’s own past",
    "tsb": "smoothing of size and of chance, for items with weeks of zero",
    "seasonal_naive": "the same week a year before",
}
_YEAR = 52
_MOST_ORIGINS = 8


@dataclass(frozen=True, eq=False)
class StockStudy:
    """Judged forecasts, one row per item, week and weeks ahead; arrays of shape (n_rows,).

    Parameters
    ----------
    X
        What the model read, ``(n_rows, n_columns)``.
    item, week, horizon
        Which item, the Monday of the week forecast, and how many weeks ahead it was.
    level
        The item's usual week when it was forecast, in pieces.
    demand
        Pieces bought, float64; of weeks sold out the least that demand was.
    is_censored
        Whether the week was sold out, bool.
    levels
        Of the quantiles, rising, float64 ``(n_levels,)``.
    quantiles
        The model's, in pieces, float64 ``(n_rows, n_levels)``.
    rules
        The same of simple rules, by name.
    n_origins, n_weeks
        Weeks at whose end forecasts were made, and weeks between the first and the last of them that might have been.
    understock, overstock
        Cost of a piece missing and of a piece left over; ``None`` where nobody said.
    """

    X: pd.DataFrame
    item: np.ndarray
    week: np.ndarray
    horizon: np.ndarray
    level: np.ndarray
    demand: np.ndarray
    is_censored: np.ndarray
    levels: np.ndarray
    quantiles: np.ndarray
    rules: Mapping[str, np.ndarray]
    n_origins: int
    n_weeks: int
    understock: float | None = None
    overstock: float | None = None

    @property
    def median(self) -> int:
        """Position of the median among the levels."""
        return int(np.flatnonzero(np.isclose(self.levels, 0.5))[0])


def stock_study(
    model: Any, series: pd.DataFrame, *, understock: float | None = None, overstock: float | None = None
) -> StockStudy:
    """Return what a forecaster would have said at the end of each week after its fit, at most eight of them.

    Each forecast is made from the weeks up to its origin alone, by the model and by every rule.

    Parameters
    ----------
    model
        A fitted ``DemandForecaster``.
    series
        Of ``demand_series``: the weeks after those of the fit, or all of them.
    understock, overstock
        Cost of a piece missing and of a piece left over.

    Raises
    ------
    SchemaError
        If the series holds no week after those of the fit.
    """
    whole = _with_history(model, series)
    week = pd.to_datetime(whole["week"])
    learnt = pd.to_datetime(model.series_["week"]).max()
    possible = np.sort(week[(week >= learnt) & (week < week.max())].unique())
    if not len(possible):
        raise SchemaError(
            f"series must hold weeks after {learnt:%Y-%m-%d}, the last of the fit, got {week.max():%Y-%m-%d} at most."
        )
    places = np.unique(np.linspace(0, len(possible) - 1, min(len(possible), _MOST_ORIGINS)).round().astype(int))
    origins = possible[places]
    parts = [_judged(model, whole, pd.Timestamp(origin)) for origin in origins]
    rows = pd.concat([part for part, _ in parts], ignore_index=True)
    levels = np.asarray(model.estimator_.head_.levels, dtype=np.float64)
    names = [quantile_name(level) for level in levels]
    X = pd.concat([X for _, X in parts], ignore_index=True)
    labels = rows["item"].astype(str) + ", " + rows["week"].dt.strftime("%Y-%m-%d") + ", "
    ahead: pd.Series = rows["horizon"].astype(str) + np.where(rows["horizon"] == 1, " week ahead", " weeks ahead")
    return StockStudy(
        X=X.set_axis(pd.Index(labels + ahead)),
        item=rows["item"].to_numpy(dtype=object),
        week=rows["week"].to_numpy(),
        horizon=rows["horizon"].to_numpy(dtype=np.int64),
        level=rows["level"].to_numpy(dtype=np.float64),
        demand=rows["demand"].to_numpy(dtype=np.float64),
        is_censored=rows["is_censored"].to_numpy(dtype=bool),
        levels=levels,
        quantiles=rows[names].to_numpy(dtype=np.float64),
        rules={
            rule: rows[[f"{rule} {name}" for name in names]].to_numpy(dtype=np.float64) for rule in _rules_for(whole)
        },
        n_origins=len(origins),
        n_weeks=len(possible),
        understock=understock,
        overstock=overstock,
    )


def _with_history(model: Any, series: pd.DataFrame) -> pd.DataFrame:
    """Return the series with the weeks of the fit before it, where it begins after them."""
    known = model.series_
    later = series.assign(week=monday_of(series["week"]).astype("datetime64[s]"))
    if later["week"].min() > known["week"].max():
        columns = [name for name in known if name in later]
        if later["week"].min() != known["week"].max() + WEEK:
            raise SchemaError(
                f"series must go on where the fit ended, {known['week'].max():%Y-%m-%d}, got a first week of "
                f"{later['week'].min():%Y-%m-%d}. Pass all weeks."
            )
        later = pd.concat([known[columns], later[columns]], ignore_index=True)
        later = later[later["item"].isin(series["item"])]
    if "is_censored" not in later:
        later = later.assign(is_censored=False)
    return later.reset_index(drop=True)


def _rules_for(series: pd.DataFrame) -> tuple[str, ...]:
    """Return the rules to hold forecasts against; the week a year before only where there is one."""
    weeks = pd.to_datetime(series["week"])
    n_weeks = (weeks.max() - weeks.min()).days // 7
    return tuple(rule for rule in RULES if rule != "seasonal_naive" or n_weeks > _YEAR)


def _judged(model: Any, series: pd.DataFrame, origin: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return forecasts made at the end of one week, with what came, and what the model read."""
    known = series[series["week"] <= origin]
    table = model.table(known)
    own = {"item": table.item, "week": table.week, "horizon": table.horizon, "level": table.level}
    levels = tuple(model.estimator_.head_.levels)
    pieces = model.estimator_.predict_quantiles(table.X) * table.level[:, None]
    found = pd.DataFrame(own | dict(zip(map(quantile_name, levels), pieces.T, strict=True)))
    found["place"] = np.arange(len(found))
    for rule in _rules_for(series):
        said = baseline_forecast(known, rule, horizon=model.horizon, levels=levels).drop(columns="mean")
        keys = ["item", "week", "horizon"]
        found = found.merge(said.rename(columns={c: f"{rule} {c}" for c in said if c not in keys}), on=keys)
    came = series[["item", "week", "demand", "is_censored"]]
    found = found.merge(came, on=["item", "week"]).sort_values("place", ignore_index=True)
    return found, table.X.iloc[found["place"]].reset_index(drop=True)
