"""Means over users with their intervals, and paired differences of such means."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from appkit.prediction.estimate import Estimate
from appkit.prediction.intervals import clopper_pearson_interval, linear_estimate, mean_estimate
from appkit.prediction.resampling import Statistic, bootstrap, interval_of_resamples, undefined_estimate

__all__ = ["Redraws", "mean_estimates", "quotient_estimate"]

_MOST_REDRAWN = 20_000  # beyond, the normal interval is the same to three digits
_UNIT = (0.0, 1.0)


@dataclass(frozen=True)
class Redraws:
    """How intervals over users are made: resamples, seed and coverage aimed at."""

    n_resamples: int = 1000
    random_state: int | None = 0
    level: float = 0.95

    @property
    def method(self) -> str:
        """The bootstrap in words."""
        return f"bootstrap, {self.n_resamples} resamples of users"

    def of(self, statistic: Statistic, n_users: int) -> np.ndarray:
        """Return the statistic of every resample of ``n_users``."""
        return bootstrap(statistic, n_users, n_resamples=self.n_resamples, random_state=self.random_state)


_DEFAULT = Redraws()


def mean_estimates(
    vectors: Mapping[str, np.ndarray],
    *,
    bounds: tuple[float, float] = _UNIT,
    draws: Redraws = _DEFAULT,
) -> tuple[Estimate, ...]:
    """Return the mean over users of each vector, with an interval by redrawing users, the same for all vectors.

    Beyond 20,000 users the interval is the normal one. Where all users are alike, redrawing would claim certainty: the
    interval then allows for as many others as Clopper and Pearson's would for that many trials.

    Parameters
    ----------
    vectors
        By name, float ``(n_users,)``, of the same users.
    bounds
        Range of all vectors.
    draws
        How the intervals are made.

    Examples
    --------
    >>> print(*mean_estimates({"Recall@1": np.array([1.0, 0.0, 0.0, 1.0])}))
    Recall@1 0.500 (0.000 to 1.000)
    """
    level = draws.level
    table = np.column_stack([np.asarray(values, dtype=np.float64) for values in vectors.values()])
    n = len(table)
    if not n:
        return tuple(undefined_estimate(name, "no user to measure", n=0, level=level) for name in vectors)
    if n > _MOST_REDRAWN:
        return tuple(
            _alike(name, values, bounds, level) or mean_estimate(name, values, bounds=bounds, level=level)
            for name, values in zip(vectors, table.T, strict=True)
        )
    resamples = draws.of(lambda counts: counts @ table / n, n)
    estimates = []
    for name, values, drawn in zip(vectors, table.T, resamples.T, strict=True):
        low, high = interval_of_resamples(drawn, float(values.mean()), level=level)
        redrawn = Estimate(name, float(values.mean()), low, high, method=draws.method, n=n, level=level)
        estimates.append(_alike(name, values, bounds, level) or redrawn)
    return tuple(estimates)


def quotient_estimate(
    name: str,
    above: np.ndarray,
    below: np.ndarray,
    *,
    undefined: str,
    draws: Redraws = _DEFAULT,
) -> Estimate:
    """Return the sum of ``above`` over the sum of ``below``, float ``(n_users,)`` both, users redrawn.

    Neither is negative. Where ``above`` is 0 throughout, it is taken for a share: each user is a trial without success.

    Examples
    --------
    >>> quotient_estimate("Found", np.array([1.0, 0.0]), np.array([2.0, 3.0]), undefined="no pair").value
    0.2
    """
    level = draws.level
    n, total = len(above), float(np.sum(below))
    if not total > 0:
        return undefined_estimate(name, undefined, n=n, level=level)
    value = float(np.sum(above)) / total
    if n < 2:
        nan = float("nan")
        return Estimate(name, value, nan, nan, method="no interval: one user only", n=n, level=level)
    if not np.any(above):
        high = float(clopper_pearson_interval(0, n, level=level)[1])
        return Estimate(name, 0.0, 0.0, high, method=f"Clopper-Pearson of {n} users, none above 0", n=n, level=level)
    sums = np.column_stack([above, below])
    if n > _MOST_REDRAWN:
        return linear_estimate(name, value, (above - value * below) / total, bounds=(0.0, np.inf), level=level)
    drawn = draws.of(lambda counts: _quotient(counts @ sums), n)
    low, high = interval_of_resamples(drawn, value, level=level)
    return Estimate(name, value, low, high, method=draws.method, n=n, level=level)


def _quotient(sums: np.ndarray) -> np.ndarray:
    above, below = sums.T
    return np.divide(above, below, out=np.full(len(sums), np.nan), where=below > 0)


def _alike(name: str, values: np.ndarray, bounds: tuple[float, float], level: float) -> Estimate | None:
    """Return the mean of users who are all alike; ``None`` where they differ."""
    if np.ptp(values) > 0:
        return None
    n, value = len(values), float(values[0])
    if n < 2 or not np.isfinite(bounds).all():
        nan, reason = float("nan"), "one user only" if n < 2 else "all users are alike"
        return Estimate(name, value, nan, nan, method=f"no interval: {reason}", n=n, level=level)
    others = float(clopper_pearson_interval(0, n, level=level)[1])
    low, high = value - others * (value - bounds[0]), value + others * (bounds[1] - value)
    return Estimate(name, value, low, high, method=f"Clopper-Pearson of {n} users, all alike", n=n, level=level)
