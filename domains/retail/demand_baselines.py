"""Forecasts of demand that need no learning across items: what a forecaster has to beat."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from domains.retail.demand_panel import DemandPanel
from domains.retail.demand_table import quantile_name
from domains.retail.week_calendar import WEEK

__all__ = ["baseline_forecast", "baselines"]

_YEAR = 52
_LEAST_WEEKS = 8  # of history before a forecast counts among the errors that quantiles come from
_LEAST_ERRORS = 15  # of an item's own, below which those of all items are used, as multiples of its level
_ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)

Path = Callable[[np.ndarray], np.ndarray]


def baselines() -> Mapping[str, Path]:
    """Return methods by name: each from known demand ``(n_items, n_weeks)`` to what is forecast after each week.

    ``"naive"`` is the last week known, ``"moving_average"`` the mean of 13 weeks, ``"exponential_smoothing"`` simple
    smoothing; ``"croston"``, ``"sba"`` and ``"tsb"`` are smoothing for demand with many weeks of zero. Factors of
    smoothing are the ones that forecast an item's own past best, one week ahead. Weeks sold out are skipped.

    References
    ----------
    Croston (1972). Forecasting and Stock Control for Intermittent Demands. Operational Research Quarterly 23.
    Syntetos and Boylan (2005). The accuracy of intermittent demand estimates. Int. J. Forecasting 21 (SBA).
    Teunter, Syntetos, Babai (2011). Intermittent demand: Linking forecasting to inventory obsolescence. EJOR 214 (TSB).

    Examples
    --------
    >>> baselines()["moving_average"](np.array([[2.0, 4.0, np.nan, 6.0]]))
    array([[2., 3., 3., 4.]])
    """
    return _BASELINES


def baseline_forecast(
    series: pd.DataFrame,
    method: str,
    *,
    horizon: int = 4,
    levels: Sequence[float] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95),
) -> pd.DataFrame:
    """Return forecasts as ``DemandForecaster.predict`` does, by a method that looks at one item at a time.

    Quantiles are the forecast plus quantiles of the errors that the method made so many weeks ahead, of the item itself
    where there are 15 or more, else of all items in proportion to their level. ``"seasonal_naive"`` is the same week a
    year before where it is known, and ``"naive"`` elsewhere: of a series of a year or less they are the same.

    Parameters
    ----------
    series
        Of ``demand_series``.
    method
        One of :func:`baselines`, or ``"seasonal_naive"``.
    horizon
        Weeks ahead.
    levels
        Of quantiles.

    Returns
    -------
    DataFrame
        ``item``, ``week``, ``horizon``, ``mean`` (the forecast itself) and a column for each of ``levels``; of items
        whose series reaches the last week.

    Examples
    --------
    >>> weeks = pd.date_range("2024-01-01", periods=30, freq="W-MON")
    >>> series = pd.DataFrame({"item": "tea", "week": weeks, "demand": [2.0, 4.0] * 15})
    >>> found = baseline_forecast(series, "moving_average", horizon=1, levels=(0.1, 0.5, 0.9))
    >>> found[["mean", "q10", "q50", "q90"]].round(1).values.tolist()
    [[3.1, 2.0, 3.1, 4.2]]
    """
    names = [*_BASELINES, "seasonal_naive"]
    if method not in names:
        raise ValueError(f"method must be one of {', '.join(names)}, got {method!r}.")
    panel = DemandPanel(series)
    path = _BASELINES["naive" if method == "seasonal_naive" else method](panel.known)
    level = _BASELINES["moving_average"](panel.known)
    item = np.flatnonzero(panel.row[:, -1] >= 0)
    parts = []
    for step in range(1, horizon + 1):
        forecast = _a_year_before(panel.known, path, step) if method == "seasonal_naive" else path
        error = panel.known[:, step:] - forecast[:, :-step]
        error[panel.age[:, :-step] < _LEAST_WEEKS] = np.nan
        quantiles = forecast[:, [-1]] + _error_quantiles(error, level[:, :-step], level[:, -1], levels)
        week = (panel.weeks[-1] + step * WEEK).astype("datetime64[s]")
        known = {"item": panel.items[item], "week": week, "horizon": step, "mean": forecast[item, -1]}
        found = np.maximum(quantiles[item], 0).T
        parts.append(pd.DataFrame(known | dict(zip(map(quantile_name, levels), found, strict=True))))
    forecasts = pd.concat(parts, ignore_index=True)
    return forecasts.sort_values(["item", "horizon"], kind="stable", ignore_index=True)


def _a_year_before(known: np.ndarray, naive: np.ndarray, step: int) -> np.ndarray:
    """Return, after each week, the demand 52 weeks before the week ``step`` ahead."""
    forecast = naive.copy()
    if known.shape[1] > _YEAR - step:
        last_year = known[:, : known.shape[1] - (_YEAR - step)]
        later = forecast[:, _YEAR - step :]
        later[:] = np.where(np.isnan(last_year), later, last_year)
    return forecast


def _error_quantiles(
    error: np.ndarray, level: np.ndarray, newest_level: np.ndarray, levels: Sequence[float]
) -> np.ndarray:
    """Return quantiles of each item's errors, or of all errors as multiples of the level, ``(n_items, n_levels)``."""
    is_enough = (~np.isnan(error)).sum(axis=1) >= _LEAST_ERRORS
    relative = (error / np.where(level > 0, level, np.nan)).ravel()
    relative = relative[np.isfinite(relative)]
    shared = np.quantile(relative, levels) if len(relative) else np.zeros(len(levels))
    found = newest_level[:, None] * shared
    if is_enough.any():
        found[is_enough] = np.nanquantile(error[is_enough], levels, axis=1).T
    return found


def _naive(known: np.ndarray) -> np.ndarray:
    return pd.DataFrame(known.T).ffill().fillna(0.0).to_numpy().T


def _moving_average(known: np.ndarray, weeks: int = 13) -> np.ndarray:
    return pd.DataFrame(known.T).rolling(weeks, min_periods=1).mean().ffill().fillna(0.0).to_numpy().T


def _smoothed(known: np.ndarray, alpha: float) -> np.ndarray:
    """Return the level after each week: it moves by ``alpha`` towards each demand."""
    path, level = np.zeros(known.shape), np.full(len(known), np.nan)
    for t, demand in enumerate(known.T):
        moved = np.where(np.isnan(level), demand, level + alpha * (demand - level))
        level = np.where(np.isnan(demand), level, moved)
        path[:, t] = level
    return np.nan_to_num(path)


def _croston(known: np.ndarray, alpha: float) -> np.ndarray:
    """Return size over interval: both are smoothed at sales alone."""
    path = np.zeros(known.shape)
    size, interval, since = np.full(len(known), np.nan), np.ones(len(known)), np.ones(len(known))
    for t, demand in enumerate(known.T):
        is_sale, is_first = np.nan_to_num(demand) > 0, np.isnan(size)
        size = np.where(is_sale, np.where(is_first, demand, size + alpha * (demand - size)), size)
        interval = np.where(is_sale & ~is_first, interval + alpha * (since - interval), interval)
        since = np.where(is_sale, 1.0, since + ~np.isnan(demand))
        path[:, t] = np.nan_to_num(size / interval)
    return path


def _sba(known: np.ndarray, alpha: float) -> np.ndarray:
    return (1 - alpha / 2) * _croston(known, alpha)


def _tsb(known: np.ndarray, alpha: float) -> np.ndarray:
    """Return size times probability: the probability of a sale is smoothed every week, so it falls without one."""
    probability = _smoothed(np.where(np.isnan(known), np.nan, known > 0), alpha)
    size = _smoothed(np.where(known > 0, known, np.nan), alpha)
    return probability * size


def _best(path: Callable[[np.ndarray, float], np.ndarray]) -> Path:
    """Return a method whose factor is, for each item, the one that forecast its own past best."""

    def chosen(known: np.ndarray) -> np.ndarray:
        paths = np.stack([path(known, alpha) for alpha in _ALPHAS])
        loss = np.nansum((known[None, :, 1:] - paths[:, :, :-1]) ** 2, axis=2)
        return paths[loss.argmin(axis=0), np.arange(len(known))]

    return chosen


_BASELINES: Mapping[str, Path] = MappingProxyType(
    {
        "naive": _naive,
        "moving_average": _moving_average,
        "exponential_smoothing": _best(_smoothed),
        "croston": _best(_croston),
        "sba": _best(_sba),
        "tsb": _best(_tsb),
    }
)
