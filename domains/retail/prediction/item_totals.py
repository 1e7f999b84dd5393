"""Quotients of sums over forecasts, with intervals by redrawing whole items."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from appkit.prediction.cluster_bootstrap import expanded_level
from appkit.prediction.resampling import Statistic, totals_estimate

__all__ = ["as_demand", "as_forecast", "item_totals_estimate", "quotient"]


def item_totals_estimate(
    name: str,
    statistic: Statistic,
    totals: np.ndarray,
    *,
    items: ArrayLike | None,
    undefined: str,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return a statistic of sums over rows with a 95 % interval by redrawing items, made wider where there are few.

    The weeks of one item rise and fall together: drawn one by one they would pass for many witnesses. Where few items
    sell most, intervals of 95 % held the truth in 90 to 93 % of simulations with 10 to 100 items. That all items share
    the weeks of the test is not allowed for: figures of a few weeks are about these weeks.

    Parameters
    ----------
    name
        Name of the quantity.
    statistic
        From summed totals ``(n_resamples, n_totals)`` to values ``(n_resamples,)``.
    totals
        What is summed, float ``(n_rows, n_totals)``.
    items
        Item of each row, shape (n_rows,); ``None``: every row is a draw of its own.
    undefined
        Why, where the statistic of all rows does not exist.
    n_resamples, random_state
        Of the bootstrap.
    """
    n_draws = len(totals) if items is None else len(np.unique(np.asarray(items)))
    estimate = totals_estimate(
        name,
        statistic,
        totals,
        groups=items,
        n_resamples=n_resamples,
        level=expanded_level(n_draws) if n_draws > 1 else 0.95,
        random_state=random_state,
        undefined=undefined,
    )
    return replace(estimate, level=0.95, method=estimate.method.replace("groups", "items").replace("group", "item"))


def quotient(sums: np.ndarray, above: int = 0, below: int = -1) -> np.ndarray:
    """Return one column of sums over another, NaN where that is 0."""
    top, bottom = sums[:, above], sums[:, below]
    return np.divide(top, bottom, out=np.full(len(sums), np.nan), where=bottom > 0)


def as_demand(y: ArrayLike) -> np.ndarray:
    """Return demand, finite and not negative, float64 ``(n_rows,)``."""
    demand = np.asarray(y, dtype=np.float64)
    if demand.ndim != 1 or not demand.size:
        raise ValueError(f"y must have shape (n_rows,) with at least one row, got {demand.shape}.")
    wrong = ~(np.isfinite(demand) & (demand >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"y must hold demand of 0 or more, got {demand[row]:g} in row {row}. Take returns out first.")
    return demand


def as_forecast(predicted: ArrayLike, shape: tuple[int, ...], *, name: str = "predicted") -> np.ndarray:
    """Return forecasts, finite float64 of this shape."""
    values = np.asarray(predicted, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, one row for each of y, got {values.shape}.")
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise ValueError(f"{name} must be finite, got {values[row]} in row {row}. Leave such rows out.")
    return values
