"""Intervals in closed form: for proportions, and for any statistic whose influence function is known."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_weights

__all__ = [
    "clopper_pearson_interval",
    "exact_share",
    "jeffreys_interval",
    "linear_estimate",
    "mean_estimate",
    "normal_estimate",
    "proportion",
    "standard_error",
    "wilson_interval",
]


def wilson_interval(successes: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the score interval of a proportion (Wilson, 1927); arguments broadcast.

    Examples
    --------
    >>> low, high = wilson_interval(8, 10)
    >>> round(float(low), 3), round(float(high), 3)
    (0.49, 0.943)
    """
    successes, n = _counts(successes, n)
    z = stats.norm.ppf((1 + level) / 2)
    centre = (successes + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(successes * (n - successes) / n + z**2 / 4)
    # at 0 and n the formula gives 0 and 1 up to rounding
    return np.where(successes == 0, 0.0, centre - half), np.where(successes == n, 1.0, centre + half)


def jeffreys_interval(successes: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the equal-tailed posterior interval of a proportion under Jeffreys' prior; arguments broadcast.

    The lower end is 0 without a success and the upper end 1 without a failure (Brown, Cai and DasGupta, 2001).
    """
    successes, n = _counts(successes, n)
    tail = (1 - level) / 2
    low = stats.beta.ppf(tail, successes + 0.5, n - successes + 0.5)
    high = stats.beta.ppf(1 - tail, successes + 0.5, n - successes + 0.5)
    return np.where(successes == 0, 0.0, low), np.where(successes == n, 1.0, high)


def clopper_pearson_interval(
    successes: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact interval of a proportion, which covers at least ``level``; arguments broadcast."""
    successes, n = _counts(successes, n)
    return _beta_ends(successes, n, level=level)


_PROPORTION_INTERVALS = {
    "Wilson": wilson_interval,
    "Jeffreys": jeffreys_interval,
    "Clopper-Pearson": clopper_pearson_interval,
}


def proportion(name: str, successes: int, n: int, *, method: str = "Wilson", level: float = 0.95) -> Estimate:
    """Return a share of independent rows with its interval.

    Parameters
    ----------
    name
        Name of the quantity.
    successes, n
        Rows counted, and rows looked at; ``n`` at least 1.
    method
        ``"Wilson"``, ``"Jeffreys"`` or ``"Clopper-Pearson"``.
    level
        Coverage the interval aims at.

    Examples
    --------
    >>> str(proportion("sensitivity", 8, 10))
    'sensitivity 0.800 (0.490 to 0.943)'
    """
    if method not in _PROPORTION_INTERVALS:
        raise ValueError(f"method must be one of {sorted(_PROPORTION_INTERVALS)}, got {method!r}.")
    low, high = _PROPORTION_INTERVALS[method](successes, n, level=level)
    return Estimate(name, successes / n, float(low), float(high), method=method, n=int(n), level=level)


def exact_share(name: str, hits: ArrayLike, *, groups: ArrayLike | None = None, level: float = 0.95) -> Estimate:
    """Return a share of rows with an interval that is exact, or as near to it as rows that go together allow.

    Of independent rows it is Clopper and Pearson's. Of rows of ``groups`` it is Korn and Graubard's (1998): the same
    interval for as many rows as would, drawn independently, vary as much as these do, with Student's quantile. In
    simulations of 12 to 60 groups it covers in 92 to 99 % of samples, where redrawing groups covers in 87 to 94 %.
    Where the share is 0 or 1 nothing varies, and every group counts as one trial.

    Parameters
    ----------
    name
        Name of the quantity.
    hits
        Rows counted, bool ``(n_rows,)``.
    groups
        Rows of one patient, customer or machine, shape (n_rows,); rows of groups of one are independent.
    level
        Coverage the interval aims at.

    Examples
    --------
    >>> print(exact_share("sensitivity", np.arange(10) < 8))
    sensitivity 0.800 (0.444 to 0.975)
    >>> print(exact_share("sensitivity", np.arange(10) < 8, groups=[1, 1, 1, 1, 2, 2, 2, 3, 4, 5]))
    sensitivity 0.800 (0.206 to 0.998)
    """
    rows = np.asarray(hits, dtype=bool)
    n, n_hits = len(rows), int(rows.sum())
    if n == 0:
        return Estimate(name, math.nan, math.nan, math.nan, method="none: no such row", n=0, level=level)
    n_groups = n if groups is None else len(np.unique(_codes(groups, n)))
    if n_groups == n:
        return proportion(name, n_hits, n, method="Clopper-Pearson", level=level)
    value = n_hits / n
    if n_hits in (0, n):
        trials, method = float(n_groups), f"Clopper-Pearson of {n_groups} groups"
    elif n_groups == 1:
        return Estimate(name, value, math.nan, math.nan, method="no interval: one group only", n=n, level=level)
    else:
        trials = _effective_rows(rows, value, n_groups, groups=groups, level=level)
        method = f"Korn-Graubard, clustered by {n_groups} groups"
    low, high = _beta_ends(np.array(value * trials), np.array(trials), level=level)
    return Estimate(name, value, float(low), float(high), method=method, n=n, level=level)


def normal_estimate(
    name: str, value: float, error: float, *, n: int, method: str = "Wald", level: float = 0.95
) -> Estimate:
    """Return a value with the normal interval of its standard error."""
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    return Estimate(name, float(value), float(value - half), float(value + half), method=method, n=n, level=level)


def standard_error(influence: np.ndarray, *, groups: ArrayLike | None = None) -> float:
    """Return the standard error of a statistic from the influence of each row.

    Parameters
    ----------
    influence
        First-order effect of each row on the statistic, shape (n_rows,); sums to 0. For a mean: ``(x - mean) / n``.
    groups
        Rows of one patient, customer or machine, shape (n_rows,): they are summed before squaring, so that ten images
        of one patient do not count as ten patients.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 6.0])
    >>> bool(np.isclose(standard_error((x - x.mean()) / 4), x.std(ddof=1) / 2))
    True
    """
    if groups is not None:
        influence = np.bincount(_codes(groups, len(influence)), weights=influence)
    n = len(influence)
    if n < 2:
        return math.nan
    return math.sqrt(n / (n - 1) * float(influence @ influence))


def linear_estimate(
    name: str,
    value: float,
    influence: np.ndarray,
    *,
    groups: ArrayLike | None = None,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    n_independent: int | None = None,
    method: str = "linearised",
    level: float = 0.95,
) -> Estimate:
    """Return a statistic with the interval that its influence function gives.

    Parameters
    ----------
    name, value
        Name and point estimate.
    influence
        First-order effect of each row, shape (n_rows,).
    groups
        Clusters of rows, shape (n_rows,); the interval is then Student's with one degree of freedom less than groups.
    bounds
        Range of the quantity; the interval is cut there.
    n_independent
        Rows (or groups) that bear on the quantity. Where a share comes out at exactly 0 or 1 its influence vanishes
        and says nothing, so the interval is Clopper-Pearson's for that many successes.
    method
        Name of the method for the reader.
    level
        Coverage the interval aims at.
    """
    n = len(influence)
    n_units = n if groups is None else len(np.unique(_codes(groups, n)))
    label = method if groups is None else f"{method}, clustered by {n_units} groups"
    error = standard_error(influence, groups=groups)
    if error < 1e-12 and bounds == (0.0, 1.0) and min(value, 1 - value) < 1e-12:
        trials = min(n_independent or n_units, n_units)
        low, high = clopper_pearson_interval(round(value) * trials, trials, level=level)
        return Estimate(name, float(round(value)), float(low), float(high), method="Clopper-Pearson", n=n, level=level)
    quantile = stats.norm.ppf((1 + level) / 2) if groups is None else stats.t.ppf((1 + level) / 2, n_units - 1)
    low, high = value - quantile * error, value + quantile * error
    return Estimate(name, float(value), float(max(low, bounds[0])), float(min(high, bounds[1])), label, n, level)


def mean_estimate(
    name: str,
    values: np.ndarray,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    level: float = 0.95,
) -> Estimate:
    """Return a (weighted) mean over rows with its interval; Wilson's for 0/1 values without weights and groups.

    Examples
    --------
    >>> print(mean_estimate("absolute error", np.array([1.0, 2.0, 3.0, 6.0])))
    absolute error 3.000 (0.883 to 5.117)
    """
    if values.dtype == bool and sample_weight is None and groups is None:
        return proportion(name, int(values.sum()), len(values), level=level)
    weights = as_weights(sample_weight, len(values))
    value = float(weights @ values / weights.sum())
    influence = weights * (values - value) / weights.sum()
    limits = (0.0, 1.0) if values.dtype == bool else bounds
    return linear_estimate(name, value, influence, groups=groups, bounds=limits, method="Wald", level=level)


def _effective_rows(rows: np.ndarray, value: float, n_groups: int, *, groups: ArrayLike | None, level: float) -> float:
    """Return how many independent rows would give the share the spread that it has, at most as many as there are."""
    n, tail = len(rows), (1 + level) / 2
    variance = standard_error((rows - value) / n, groups=groups) ** 2
    if variance < 1e-24:  # the share is the same in every group
        return float(n)
    shrunk = (stats.t.ppf(tail, n - 1) / stats.t.ppf(tail, n_groups - 1)) ** 2
    return float(min(n, shrunk * value * (1 - value) / variance))


def _beta_ends(successes: np.ndarray, n: np.ndarray, *, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Clopper and Pearson's interval; counts need not be whole."""
    tail = (1 - level) / 2
    # the inner choice keeps the parameters of the unused branch legal
    low = stats.beta.ppf(tail, np.where(successes == 0, 1.0, successes), n - successes + 1)
    high = stats.beta.ppf(1 - tail, successes + 1, np.where(successes == n, 1.0, n - successes))
    return np.where(successes == 0, 0.0, low), np.where(successes == n, 1.0, high)


def _counts(successes: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    successes, n = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if np.any(n < 1) or np.any(successes < 0) or np.any(successes > n):
        raise ValueError(f"successes must lie between 0 and n, and n be at least 1, got {successes} of {n}.")
    return successes, n


def _codes(groups: ArrayLike, n_rows: int) -> np.ndarray:
    array = np.asarray(groups)
    if array.shape != (n_rows,):
        raise ValueError(f"groups must have shape ({n_rows},), one entry per row, got {array.shape}.")
    return np.unique(array, return_inverse=True)[1]
