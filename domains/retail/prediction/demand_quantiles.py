"""What quantiles of demand are worth: their loss, and how often demand stays below them."""

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share
from domains.retail.prediction.item_totals import as_demand, as_forecast, item_totals_estimate, quotient

__all__ = [
    "as_levels",
    "interval_coverage",
    "pinball_loss",
    "pinball_losses",
    "quantile_coverage",
    "weighted_quantile_loss",
]


def pinball_losses(y: ArrayLike, quantiles: ArrayLike, *, levels: ArrayLike) -> np.ndarray:
    """Return the loss of each quantile in each row (Koenker and Bassett, 1978), float64 ``(n_rows, n_levels)``.

    ``level`` times what demand lies above the quantile, ``1 - level`` times what it lies below.

    Parameters
    ----------
    y
        Demand, shape (n_rows,).
    quantiles
        Forecasts, shape (n_rows, n_levels).
    levels
        Shares of demand that should lie below, rising, each in (0, 1), shape (n_levels,).

    Examples
    --------
    >>> pinball_losses([10.0], [[8.0, 14.0]], levels=[0.5, 0.9]).round(2)
    array([[1. , 0.4]])
    """
    demand, shares = as_demand(y), as_levels(levels)
    above = demand[:, None] - as_forecast(quantiles, (len(demand), len(shares)), name="quantiles")
    return np.maximum(shares * above, (shares - 1) * above)


def pinball_loss(
    y: ArrayLike,
    predicted: ArrayLike,
    *,
    level: float,
    items: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean loss of one quantile, in pieces; parameters as in :func:`weighted_quantile_loss`.

    Examples
    --------
    >>> round(pinball_loss([10.0, 4.0], [8.0, 6.0], level=0.9).value, 3)
    1.0
    """
    losses = pinball_losses(y, np.asarray(predicted, dtype=np.float64)[:, None], levels=[level])[:, 0]
    return item_totals_estimate(
        f"Pinball loss at {level:g}",
        quotient,
        np.column_stack([losses, np.ones(len(losses))]),
        items=items,
        undefined="no row",
        n_resamples=n_resamples,
        random_state=random_state,
    )


def weighted_quantile_loss(
    y: ArrayLike,
    quantiles: ArrayLike,
    *,
    levels: ArrayLike,
    items: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean over levels of twice the summed pinball loss over the summed demand.

    The risk of Salinas, Flunkert, Gasthaus and Januschowski (2020). At the median alone it is the WAPE; over many
    levels it approaches the continuous ranked probability score in shares of the demand.

    Parameters
    ----------
    y
        Demand, shape (n_rows,).
    quantiles
        Forecasts, shape (n_rows, n_levels).
    levels
        Of the quantiles, shape (n_levels,).
    items
        Item of each row, redrawn whole for the interval; by default every row is a draw of its own.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> weighted_quantile_loss([10.0, 30.0], [[8.0], [30.0]], levels=[0.5]).value
    0.05
    """
    losses = 2 * pinball_losses(y, quantiles, levels=levels).mean(axis=1)
    return item_totals_estimate(
        "Mean weighted quantile loss",
        quotient,
        np.column_stack([losses, as_demand(y)]),
        items=items,
        undefined="demand is 0 in every row",
        n_resamples=n_resamples,
        random_state=random_state,
    )


def interval_coverage(y: ArrayLike, low: ArrayLike, high: ArrayLike, *, items: ArrayLike | None = None) -> Estimate:
    """Return the share of rows whose demand lies within its interval, ends included.

    The interval of the share allows for the weeks of one item going together (Korn and Graubard, 1998). Demand is
    whole and often 0, a lower end of 0 then holds it with certainty: more than the promised share is no mistake.

    Parameters
    ----------
    y
        Demand, shape (n_rows,).
    low, high
        Ends of the intervals, shape (n_rows,).
    items
        Item of each row; by default rows are independent.

    Examples
    --------
    >>> interval_coverage([0.0, 5.0, 9.0, 2.0], [0.0, 1.0, 2.0, 0.0], [3.0, 5.0, 8.0, 4.0]).value
    0.75
    """
    demand = as_demand(y)
    below, above = (as_forecast(end, demand.shape, name=name) for name, end in (("low", low), ("high", high)))
    if (below > above).any():
        row = int((below > above).argmax())
        raise ValueError(f"low must not exceed high, got {below[row]:g} and {above[row]:g} in row {row}.")
    return exact_share("Interval coverage", (below <= demand) & (demand <= above), groups=items)


def quantile_coverage(
    y: ArrayLike, quantiles: ArrayLike, *, levels: ArrayLike, items: ArrayLike | None = None
) -> tuple[Estimate, ...]:
    """Return for each level the share of rows whose demand is at or below the quantile; parameters as above.

    Good quantiles have shares of their levels, or more where demand is often exactly the quantile, such as 0.

    Examples
    --------
    >>> [share.value for share in quantile_coverage([1.0, 3.0], [[1.0, 4.0], [2.0, 5.0]], levels=[0.5, 0.9])]
    [0.5, 1.0]
    """
    demand, shares = as_demand(y), as_levels(levels)
    values = as_forecast(quantiles, (len(demand), len(shares)), name="quantiles")
    return tuple(
        exact_share(f"At or below {level:g}", demand <= column, groups=items)
        for level, column in zip(shares, values.T, strict=True)
    )


def as_levels(levels: ArrayLike) -> np.ndarray:
    """Return rising levels within (0, 1), float64 ``(n_levels,)``."""
    shares = np.asarray(levels, dtype=np.float64)
    if shares.ndim != 1 or not shares.size or not ((shares > 0) & (shares < 1)).all() or (np.diff(shares) <= 0).any():
        raise ValueError(f"levels must rise and lie strictly between 0 and 1, got {np.atleast_1d(shares).tolist()}.")
    return shares
