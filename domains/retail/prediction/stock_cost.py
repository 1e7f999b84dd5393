"""What stocking to a quantile of demand costs, the level that costs least, and what that saves against a habit."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from domains.retail.prediction.demand_quantiles import as_levels
from domains.retail.prediction.item_totals import as_demand, as_forecast, item_totals_estimate, quotient

__all__ = ["StockCostCurve", "critical_level", "stock_at", "stock_cost_curve", "stock_costs"]


@dataclass(frozen=True, eq=False)
class StockCostCurve:
    """Mean cost of an item's week by the level of demand it is stocked to.

    Parameters
    ----------
    levels
        float64 ``(n_levels,)``.
    cost
        At each level, with its interval.
    understock, overstock
        Parts of the cost, of too little and too much, float64 ``(n_levels,)``.
    served
        Share of the demand that the stock meets at each level, with its interval.
    critical_level
        The level that costs least in theory, ``understock / (understock + overstock)``; ``None`` where prices differ
        from row to row, and each row has its own.
    at_critical
        Cost of stocking each row to its critical level: chosen by prices alone, so that it is a fair figure.
    best_level
        The level that cost least in these rows. They chose it: :attr:`best_cost` is too low on average.
    best_cost
        Its cost.
    naive
        Cost of the stock that habit would order; ``None`` where none was given.
    saving
        Cost of the habit minus ``at_critical``, row by row, with its interval; ``None`` where there is no habit.
    """

    levels: np.ndarray
    cost: tuple[Estimate, ...]
    understock: np.ndarray
    overstock: np.ndarray
    served: tuple[Estimate, ...]
    critical_level: float | None
    at_critical: Estimate
    best_level: float
    best_cost: Estimate
    naive: Estimate | None
    saving: Estimate | None

    def to_frame(self) -> pd.DataFrame:
        """Return one row per level: cost with low and high, its parts, and the share of demand served."""
        columns = {
            "cost": [point.value for point in self.cost],
            "low": [point.low for point in self.cost],
            "high": [point.high for point in self.cost],
            "understock": self.understock,
            "overstock": self.overstock,
            "served": [share.value for share in self.served],
        }
        return pd.DataFrame(columns, index=pd.Index(self.levels, name="level"))


def stock_cost_curve(
    y: ArrayLike,
    quantiles: ArrayLike,
    *,
    levels: ArrayLike,
    understock: ArrayLike,
    overstock: ArrayLike,
    naive: ArrayLike | None = None,
    items: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> StockCostCurve:
    """Return what stocking to each quantile costs, with intervals by redrawing items.

    The newsvendor's question: stock is ordered before demand is known, what is missing costs its margin, what is left
    over its holding. It costs least to stock to the level ``understock / (understock + overstock)`` of the demand
    (Arrow, Harris and Marschak, 1951). Every week stands alone: what is left over is not sold later.

    Parameters
    ----------
    y
        Demand, shape (n_rows,). Sales of a week that was sold out are less than demand: leave such weeks out.
    quantiles
        Forecasts, shape (n_rows, n_levels); a stock below 0 counts as 0.
    levels
        Of the quantiles, rising, shape (n_levels,).
    understock, overstock
        Cost of a piece missing, and of a piece left over; one number, or one per row.
    naive
        Stock that habit would order, such as what was sold a week or a year before, shape (n_rows,).
    items
        Item of each row, redrawn whole; by default every row is a draw of its own.
    n_resamples, random_state
        Of the bootstrap.

    Raises
    ------
    ValueError
        If a critical level lies beyond the levels forecast, or quantiles cross.

    Examples
    --------
    >>> y, quantiles = [4.0, 10.0], [[3.0, 8.0], [5.0, 9.0]]
    >>> curve = stock_cost_curve(y, quantiles, levels=[0.5, 0.9], understock=3, overstock=1, naive=[4, 4])
    >>> [point.value for point in curve.cost], curve.critical_level, curve.best_level
    ([9.0, 3.5], 0.75, 0.9)
    >>> curve.at_critical.value, curve.saving.value
    (4.8125, 4.1875)
    """
    demand, shares = as_demand(y), as_levels(levels)
    table = as_forecast(quantiles, (len(demand), len(shares)), name="quantiles")
    prices = _prices(understock, overstock, len(demand))
    mean = partial(_mean_cost, items=items, n_resamples=n_resamples, random_state=random_state)
    level = critical_level(*prices)
    costs = [stock_costs(demand, stock, understock=prices[0], overstock=prices[1]) for stock in table.T]
    planned = stock_costs(
        demand, stock_at(table, levels=shares, at=level), understock=prices[0], overstock=prices[1]
    ).sum(axis=1)
    points = tuple(mean("Cost per week of an item", parts.sum(axis=1)) for parts in costs)
    best = int(np.argmin([point.value for point in points]))
    habit = None
    if naive is not None:
        ordered = as_forecast(naive, demand.shape, name="naive")
        habit = stock_costs(demand, ordered, understock=prices[0], overstock=prices[1]).sum(axis=1)
    return StockCostCurve(
        levels=shares,
        cost=points,
        understock=np.array([parts[:, 0].mean() for parts in costs]),
        overstock=np.array([parts[:, 1].mean() for parts in costs]),
        served=tuple(
            _served(demand, stock, items=items, n_resamples=n_resamples, random_state=random_state) for stock in table.T
        ),
        critical_level=float(level[0]) if np.ptp(level) == 0 else None,
        at_critical=mean("Cost at the critical level", planned),
        best_level=float(shares[best]),
        best_cost=points[best],
        naive=None if habit is None else mean("Cost of the habit", habit),
        saving=None if habit is None else mean("Saving against the habit", habit - planned),
    )


def critical_level(understock: ArrayLike, overstock: ArrayLike) -> np.ndarray:
    """Return the share of demand that stock should cover, float64, of the shape of the prices.

    Examples
    --------
    >>> critical_level([3.0, 9.0], 1.0)
    array([0.75, 0.9 ])
    """
    missing, left = np.asarray(understock, dtype=np.float64), np.asarray(overstock, dtype=np.float64)
    return missing / (missing + left)


def stock_at(quantiles: np.ndarray, *, levels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the stock at one level per row, on the straight line between the quantiles beside it, ``(n_rows,)``.

    Examples
    --------
    >>> stock_at(np.array([[3.0, 8.0]]), levels=np.array([0.5, 0.9]), at=np.array([0.7]))
    array([5.5])
    """
    if at.min() < levels[0] or at.max() > levels[-1]:
        beyond = at.min() if at.min() < levels[0] else at.max()
        raise ValueError(
            f"levels must reach the critical level {beyond:.3g}, got {levels[0]:g} to {levels[-1]:g}. "
            "Forecast that level too, or change the prices."
        )
    crossing = np.diff(quantiles, axis=1) < 0
    if crossing.any():
        row = int(np.argwhere(crossing)[0][0])
        raise ValueError(
            f"quantiles must rise with their levels, got {quantiles[row].tolist()} in row {row}. Sort each row."
        )
    if len(levels) == 1:
        return quantiles[:, 0]
    upper = np.clip(np.searchsorted(levels, at), 1, len(levels) - 1)
    share = (at - levels[upper - 1]) / (levels[upper] - levels[upper - 1])
    each = np.arange(len(quantiles))
    return (1 - share) * quantiles[each, upper - 1] + share * quantiles[each, upper]


def stock_costs(demand: np.ndarray, stock: np.ndarray, *, understock: ArrayLike, overstock: ArrayLike) -> np.ndarray:
    """Return what each row cost for want and for excess, float64 ``(n_rows, 2)``.

    Examples
    --------
    >>> stock_costs(np.array([4.0, 9.0]), np.array([6.0, 8.0]), understock=3.0, overstock=1.0)
    array([[0., 2.],
           [3., 0.]])
    """
    had = np.maximum(stock, 0)
    return np.column_stack([understock * np.maximum(demand - had, 0), overstock * np.maximum(had - demand, 0)])


def _prices(understock: ArrayLike, overstock: ArrayLike, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    prices = []
    for name, given in (("understock", understock), ("overstock", overstock)):
        price = np.asarray(given, dtype=np.float64)
        if price.shape not in ((), (n_rows,)) or not (np.isfinite(price) & (price > 0)).all():
            raise ValueError(f"{name} must be positive, one cost or one for each of {n_rows} rows, got {given!r}.")
        prices.append(np.broadcast_to(price, (n_rows,)))
    return prices[0], prices[1]


def _mean_cost(
    name: str, costs: np.ndarray, *, items: ArrayLike | None, n_resamples: int, random_state: int | None
) -> Estimate:
    return item_totals_estimate(
        name,
        quotient,
        np.column_stack([costs, np.ones(len(costs))]),
        items=items,
        undefined="no row",
        n_resamples=n_resamples,
        random_state=random_state,
    )


def _served(
    demand: np.ndarray,
    stock: np.ndarray,
    *,
    items: ArrayLike | None,
    n_resamples: int,
    random_state: int | None,
) -> Estimate:
    return item_totals_estimate(
        "Share of demand served",
        quotient,
        np.column_stack([np.minimum(demand, np.maximum(stock, 0)), demand]),
        items=items,
        undefined="demand is 0 in every row",
        n_resamples=n_resamples,
        random_state=random_state,
    )
