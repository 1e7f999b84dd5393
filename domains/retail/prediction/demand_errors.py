"""How far forecasts of demand are off, in shares of the demand or of a naive forecast's error."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from domains.retail.prediction.item_totals import as_demand, as_forecast, item_totals_estimate, quotient

__all__ = ["demand_bias", "mase", "relative_error", "seasonal_scales", "wape", "wape_difference"]

_NO_DEMAND = "demand is 0 in every row"


def wape(
    y: ArrayLike,
    predicted: ArrayLike,
    *,
    items: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the weighted absolute percentage error: the sum of absolute errors over the sum of demand.

    Unlike a mean of percentages it exists where some weeks sell nothing, and counts pieces: items that sell much rule
    it.

    Parameters
    ----------
    y
        Demand of each item and week, shape (n_rows,). Leave out weeks that were sold out: their demand is not known.
    predicted
        Forecasts, shape (n_rows,); the median makes it smallest.
    items
        Item of each row, redrawn whole for the interval; by default every row is a draw of its own.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> wape([10.0, 0.0, 30.0], [8.0, 2.0, 30.0]).value
    0.1
    """
    demand = as_demand(y)
    errors = np.abs(as_forecast(predicted, demand.shape) - demand)
    return item_totals_estimate(
        "WAPE",
        quotient,
        np.column_stack([errors, demand]),
        items=items,
        undefined=_NO_DEMAND,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def demand_bias(
    y: ArrayLike,
    predicted: ArrayLike,
    *,
    items: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the sum of predicted minus true over the sum of demand: above 0 too much is bought in.

    A median of demand that is often 0 lies below its mean, so that good medians have a negative bias. Parameters as in
    :func:`wape`.

    Examples
    --------
    >>> demand_bias([10.0, 0.0, 30.0], [8.0, 0.0, 28.0]).value
    -0.1
    """
    demand = as_demand(y)
    errors = as_forecast(predicted, demand.shape) - demand
    return item_totals_estimate(
        "Bias",
        quotient,
        np.column_stack([errors, demand]),
        items=items,
        undefined=_NO_DEMAND,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def wape_difference(
    y: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    items: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the WAPE of the first forecasts minus that of the second, both redrawn together.

    Below 0 the first are better, for certain where the interval does not hold 0. Parameters as in :func:`wape`.

    Examples
    --------
    >>> round(wape_difference([10.0, 30.0], [10.0, 34.0], [12.0, 22.0]).value, 3)
    -0.15
    """
    demand = as_demand(y)
    errors = [np.abs(as_forecast(predicted, demand.shape) - demand) for predicted in (first, second)]
    return item_totals_estimate(
        "WAPE difference",
        lambda sums: quotient(sums, 0) - quotient(sums, 1),
        np.column_stack([*errors, demand]),
        items=items,
        undefined=_NO_DEMAND,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def relative_error(
    y: ArrayLike,
    predicted: ArrayLike,
    baseline: ArrayLike,
    *,
    items: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the absolute error over that of a baseline on the same rows: below 1 the baseline is beaten.

    What :func:`mase` is for, without its trap: the baseline is judged on the weeks the forecast is judged on, so that a
    short history does no harm. Parameters as in :func:`wape`.

    Examples
    --------
    >>> relative_error([10.0, 30.0], [12.0, 30.0], [14.0, 26.0]).value
    0.25
    """
    demand = as_demand(y)
    errors = [
        np.abs(as_forecast(values, demand.shape, name=name) - demand)
        for name, values in (("predicted", predicted), ("baseline", baseline))
    ]
    return item_totals_estimate(
        "Error relative to the baseline",
        quotient,
        np.column_stack(errors),
        items=items,
        undefined="the baseline makes no error",
        n_resamples=n_resamples,
        random_state=random_state,
    )


def seasonal_scales(demand: ArrayLike, *, items: ArrayLike, season: int = 52, least_pairs: int = 13) -> pd.Series:
    """Return the mean absolute error of each item's seasonal naive forecast over its history, for :func:`mase`.

    A history of 53 weeks holds one pair of weeks a year apart: its scale would be one difference, and the error divided
    by it noise. Items with fewer than ``least_pairs`` pairs have no scale, nor do items that never changed.

    Parameters
    ----------
    demand
        History, one row per item and week without gaps, in order of time within each item, shape (n_rows,).
    items
        Item of each row, shape (n_rows,).
    season
        Rows from one week to the same week of the season before; 1 compares with the week before.
    least_pairs
        Pairs of weeks that make a scale.

    Returns
    -------
    pandas.Series
        float64 by item; NaN where there is no scale.

    Examples
    --------
    >>> seasonal_scales([1.0, 5.0, 3.0, 6.0, 7.0], items=list("aaaab"), season=2, least_pairs=2)
    a    1.5
    b    NaN
    dtype: float64
    """
    if season < 1 or least_pairs < 1:
        raise ValueError(f"season and least_pairs must be at least 1, got {season!r} and {least_pairs!r}.")
    history = as_demand(demand)
    codes, names = pd.factorize(np.asarray(items), sort=True)
    if codes.shape != history.shape:
        raise ValueError(f"items must have shape {history.shape}, one entry per row, got {codes.shape}.")
    order = np.argsort(codes, kind="stable")
    codes, history = codes[order], history[order]
    is_pair = codes[season:] == codes[:-season]
    change = np.abs(history[season:] - history[:-season])[is_pair]
    n_pairs = np.bincount(codes[season:][is_pair], minlength=len(names))
    total = np.bincount(codes[season:][is_pair], weights=change, minlength=len(names))
    known = (n_pairs >= least_pairs) & (total > 0)
    return pd.Series(np.divide(total, n_pairs, out=np.full(len(names), np.nan), where=known), index=names)


def mase(
    y: ArrayLike,
    predicted: ArrayLike,
    *,
    items: ArrayLike,
    scales: pd.Series,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean absolute scaled error (Hyndman and Koehler, 2006): each error in units of its item's scale.

    All items count alike, whatever they sell. Rows of items without a scale are left out, and the method says how many
    items that were; where it is most of them, use :func:`relative_error`.

    Parameters
    ----------
    y, predicted
        Demand and forecasts, shape (n_rows,).
    items
        Item of each row, shape (n_rows,).
    scales
        Of :func:`seasonal_scales`, made of the history before these rows.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> scales = pd.Series({"a": 2.0, "b": float("nan")})
    >>> estimate = mase([4.0, 5.0, 9.0], [5.0, 2.0, 1.0], items=["a", "a", "b"], scales=scales)
    >>> estimate.value, estimate.method
    (1.0, 'no interval: one item only; 1 of 2 items left out for want of a scale')
    """
    demand = as_demand(y)
    errors = np.abs(as_forecast(predicted, demand.shape) - demand)
    named = np.asarray(items)
    scale = scales.reindex(named).to_numpy(dtype=np.float64)
    known = scale > 0
    estimate = item_totals_estimate(
        "MASE",
        quotient,
        np.column_stack([errors[known] / scale[known], np.ones(known.sum())]),
        items=named[known],
        undefined="no item has a scale",
        n_resamples=n_resamples,
        random_state=random_state,
    )
    n_items, n_known = len(np.unique(named)), len(np.unique(named[known]))
    if n_known == n_items:
        return estimate
    said = f"{estimate.method}; {n_items - n_known} of {n_items} items left out for want of a scale"
    return Estimate(estimate.name, estimate.value, estimate.low, estimate.high, method=said, n=estimate.n)
