"""What share of the buyers is reached by writing to a share of the customers, the most likely ones first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction import Estimate, bootstrap

__all__ = ["GainCurve", "gain_curve"]

_POINTS = 101


@dataclass(frozen=True, eq=False)
class GainCurve:
    """Buyers reached at even shares of customers contacted, with a pointwise band; arrays of shape (101,).

    Parameters
    ----------
    contacted
        Share of the customers, 0, 0.01, ..., 1.
    reached
        Share of the buyers among them; of equal scores as many buyers as of their customers.
    low, high
        Ends of the 95 % bootstrap interval at each point.
    n
        Rows behind it.
    method
        How the band was made.
    """

    contacted: np.ndarray
    reached: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int
    method: str

    def at(self, share: float) -> Estimate:
        """Return the share of buyers reached by a whole percentage of the customers."""
        place = round(share * (_POINTS - 1))
        ends = float(self.low[place]), float(self.high[place])
        return Estimate("Buyers reached", float(self.reached[place]), *ends, method=self.method, n=self.n)


def gain_curve(
    is_buyer: ArrayLike,
    score: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = 400,
    random_state: int | None = 0,
) -> GainCurve:
    """Return the gain curve, also called the cumulative accuracy profile, with a bootstrap band.

    Parameters
    ----------
    is_buyer
        Who bought, bool ``(n_rows,)``, somebody among them.
    score
        What customers are ranked by, shape (n_rows,).
    groups
        Customer of each row, redrawn whole; by default every row is a customer of its own.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> curve = gain_curve([True, False, True, False], [0.9, 0.7, 0.5, 0.1])
    >>> curve.at(0.5).value, curve.at(0.75).value
    (0.5, 1.0)
    """
    scores, bought = np.asarray(score, dtype=np.float64), np.asarray(is_buyer, dtype=bool)
    order = np.argsort(-scores, kind="stable")
    bought = bought[order]
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    grid = np.linspace(0, 1, _POINTS)

    def statistic(counts: np.ndarray) -> np.ndarray:
        customers = np.cumsum(counts, axis=1)[:, last_of_tie]
        buyers = np.cumsum(counts * bought, axis=1)[:, last_of_tie]
        return np.stack([_on_grid(grid, *pair) for pair in zip(customers, buyers, strict=True)])

    redrawn = None if groups is None else np.asarray(groups)[order]
    draws = {"groups": redrawn, "n_resamples": n_resamples, "random_state": random_state}
    resamples = bootstrap(statistic, len(bought), **draws)
    reached = statistic(np.ones((1, len(bought))))[0]
    low, high = np.nanquantile(resamples, [0.025, 0.975], axis=0)
    of_groups = "" if redrawn is None else f" of {len(np.unique(redrawn))} customers"
    return GainCurve(
        contacted=grid,
        reached=reached,
        low=np.minimum(low, reached),
        high=np.maximum(high, reached),
        n=len(bought),
        method=f"bootstrap, {n_resamples} resamples{of_groups}",
    )


def _on_grid(grid: np.ndarray, customers: np.ndarray, buyers: np.ndarray) -> np.ndarray:
    if buyers[-1] == 0:
        return np.full(len(grid), np.nan)
    share = np.concatenate([[0.0], customers / customers[-1]])
    reached = np.concatenate([[0.0], buyers / buyers[-1]])
    return np.interp(grid, share, reached)
