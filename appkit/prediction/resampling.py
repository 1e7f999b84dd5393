"""The bootstrap, over weights: each resample is a vector of counts, so that statistics run on many at once."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction.estimate import Estimate
from appkit.prediction.intervals import clopper_pearson_interval, proportion

__all__ = [
    "Statistic",
    "bootstrap",
    "bootstrap_estimate",
    "grouped_share",
    "interval_of_resamples",
    "median_estimate",
    "resample_counts",
    "totals_estimate",
    "undefined_estimate",
]

Statistic = Callable[[np.ndarray], np.ndarray]
"""From counts, float64 ``(n_resamples, n_rows)``, to values, ``(n_resamples, ...)``."""

_CHUNK = 2**18  # counts held at once: stays in the processor's cache


def resample_counts(
    n_rows: int,
    *,
    n_resamples: int = 1000,
    strata: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    random_state: int | None = 0,
) -> Iterator[np.ndarray]:
    """Yield how often each row was drawn, float64 ``(n_chunk, n_rows)``, until ``n_resamples`` are out.

    Parameters
    ----------
    n_rows
        Rows to draw from, with replacement.
    n_resamples
        Resamples in all.
    strata
        Drawn within each stratum, so that its size stays (shape (n_rows,)).
    groups
        Whole groups are drawn, as many as there are (shape (n_rows,)). Not together with ``strata``.
    random_state
        Seed; equal seeds give equal draws, whatever the statistic.
    """
    if strata is not None and groups is not None:
        raise ValueError("strata and groups must not be given together: a group may lie in several strata.")
    rng = np.random.default_rng(random_state)
    labels = groups if groups is not None else strata
    codes = np.zeros(n_rows, dtype=np.intp) if labels is None else np.unique(np.asarray(labels), return_inverse=True)[1]
    if codes.shape != (n_rows,):
        raise ValueError(f"strata and groups must have one entry for each of {n_rows} rows, got shape {codes.shape}.")
    n_chunk = max(1, _CHUNK // n_rows)
    for start in range(0, n_resamples, n_chunk):
        size = min(n_chunk, n_resamples - start)
        if groups is not None:
            yield _draw(rng, codes.max() + 1, size)[:, codes]
        elif strata is not None:
            yield _draw_strata(rng, codes, size)
        else:
            yield _draw(rng, n_rows, size)


def bootstrap(statistic: Statistic, n_rows: int, **draws: object) -> np.ndarray:
    """Return the statistic of every resample, ``(n_resamples, ...)``; ``draws`` as in :func:`resample_counts`.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> means = bootstrap(lambda counts: counts @ x / counts.sum(axis=1), 10, n_resamples=2000)
    >>> bool(abs(means.std() - x.std() / np.sqrt(10)) < 0.05)
    True
    """
    chunks = [np.asarray(statistic(counts)) for counts in resample_counts(n_rows, **draws)]  # type: ignore[arg-type]
    return np.concatenate(chunks)


def bootstrap_estimate(
    name: str,
    statistic: Statistic,
    n_rows: int,
    *,
    n_resamples: int = 1000,
    strata: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    reflected: bool = False,
    floor: float | None = None,
    level: float = 0.95,
    random_state: int | None = 0,
) -> Estimate:
    """Return a statistic with its bootstrap interval.

    Parameters
    ----------
    name
        Name of the quantity.
    statistic
        From counts ``(n_resamples, n_rows)`` to values ``(n_resamples,)``; ones give the point estimate.
    n_rows
        Rows behind the number.
    n_resamples, strata, groups, random_state
        As in :func:`resample_counts`.
    reflected
        Mirror the resamples at the estimate. For quantities that sampling noise can only push up, such as an expected
        calibration error, resamples lie above the estimate by as much as the estimate lies above the truth.
    floor
        Smallest possible value; the interval is cut there.
    level
        Coverage the interval aims at.
    """
    value = float(np.asarray(statistic(np.ones((1, n_rows))))[0])
    values = bootstrap(
        statistic, n_rows, n_resamples=n_resamples, strata=strata, groups=groups, random_state=random_state
    )
    low, high = interval_of_resamples(values, value, reflected=reflected, floor=floor, level=level)
    method = f"{'reflected ' if reflected else ''}bootstrap, {n_resamples} resamples"
    if groups is not None:
        method += f" of {len(np.unique(np.asarray(groups)))} groups"
    return Estimate(name, value, low, high, method=method, n=n_rows, level=level)


def totals_estimate(
    name: str,
    statistic: Statistic,
    totals: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int | None = 0,
    undefined: str = "nothing to measure",
) -> Estimate:
    """Return a statistic of sums over rows, with the interval of redrawing whole groups.

    Rows are summed within each group first, so that a resample costs as much as there are groups, not rows.

    Parameters
    ----------
    name
        Name of the quantity.
    statistic
        From summed totals ``(n_resamples, n_totals)`` to values ``(n_resamples,)``; NaN where it does not exist.
    totals
        What is summed, float ``(n_rows, n_totals)``; a column of ones counts rows.
    groups
        Patient, customer or machine of each row, shape (n_rows,); by default every row is its own.
    n_resamples, random_state, level
        As in :func:`bootstrap_estimate`.
    undefined
        Reason to give where the statistic of all rows is NaN.

    Examples
    --------
    >>> errors = np.array([1.0, -2.0, 0.0, 3.0])
    >>> squares = np.column_stack([errors**2, np.ones(4)])
    >>> estimate = totals_estimate("RMSE", lambda sums: np.sqrt(sums[:, 0] / sums[:, 1]), squares, groups=list("aabb"))
    >>> round(estimate.value, 3), estimate.method
    (1.871, 'bootstrap, 1000 resamples of 2 groups')
    """
    rows = np.asarray(totals, dtype=np.float64)
    sums = rows if groups is None else _sums_by_group(rows, groups)
    value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    if np.isnan(value):
        return undefined_estimate(name, undefined, n=len(rows), level=level)
    if len(sums) < 2:
        nan = float("nan")
        return Estimate(name, value, nan, nan, method="no interval: one group only", n=len(rows), level=level)
    values = bootstrap(
        lambda counts: statistic(counts @ sums), len(sums), n_resamples=n_resamples, random_state=random_state
    )
    low, high = interval_of_resamples(values, value, level=level)
    method = f"bootstrap, {n_resamples} resamples" + ("" if groups is None else f" of {len(sums)} groups")
    return Estimate(name, value, low, high, method=method, n=len(rows), level=level)


def grouped_share(
    name: str,
    hits: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int | None = 0,
    undefined: str = "no row to count",
) -> Estimate:
    """Return the share of rows that are hits, with an interval that treats a group's rows as one draw.

    Groups of one row each are independent trials, so that their interval is exact (Clopper-Pearson); larger groups are
    redrawn whole. A share of 0 or 1 resamples to itself: its interval is that of as many trials as there are groups.

    Examples
    --------
    >>> print(grouped_share("coverage", [True, True, False, True], groups=[7, 8, 9, 10]))
    coverage 0.750 (0.194 to 0.994)
    """
    rows = np.asarray(hits, dtype=bool)
    n, n_hits = len(rows), int(rows.sum())
    if n == 0:
        return undefined_estimate(name, undefined, n=0, level=level)
    n_groups = n if groups is None else len(np.unique(np.asarray(groups)))
    if n_groups == n:
        return proportion(name, n_hits, n, method="Clopper-Pearson", level=level)
    if n_hits in (0, n):
        low, high = clopper_pearson_interval(n_groups if n_hits else 0, n_groups, level=level)
        method = f"Clopper-Pearson of {n_groups} groups"
        return Estimate(name, n_hits / n, float(low), float(high), method=method, n=n, level=level)
    return totals_estimate(
        name,
        lambda sums: sums[:, 0] / sums[:, 1],
        np.column_stack([rows, np.ones(n)]),
        groups=groups,
        n_resamples=n_resamples,
        level=level,
        random_state=random_state,
    )


def median_estimate(
    name: str,
    values: ArrayLike,
    *,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int | None = 0,
    undefined: str = "no value",
) -> Estimate:
    """Return the median of independent values, such as one per unit; a single value has no interval.

    Examples
    --------
    >>> median_estimate("lead time", [30.0, 10.0, 20.0, 50.0]).value
    25.0
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if not len(ordered):
        return undefined_estimate(name, undefined, n=0, level=level)
    if len(ordered) == 1:
        nan = float("nan")
        return Estimate(name, float(ordered[0]), nan, nan, method="no interval: one value only", n=1, level=level)

    def statistic(counts: np.ndarray) -> np.ndarray:
        drawn = np.cumsum(counts, axis=1)
        half = drawn[:, -1:] / 2
        # of an even number the two middle values are averaged
        return (ordered[(drawn >= half).argmax(axis=1)] + ordered[(drawn > half).argmax(axis=1)]) / 2

    return bootstrap_estimate(
        name, statistic, len(ordered), n_resamples=n_resamples, level=level, random_state=random_state
    )


def undefined_estimate(name: str, reason: str, *, n: int, level: float = 0.95) -> Estimate:
    """Return NaN for a quantity that these rows do not define; its method says why.

    Examples
    --------
    >>> undefined_estimate("concordance", "no event among 3 rows", n=3).method
    'undefined: no event among 3 rows'
    """
    nan = float("nan")
    return Estimate(name, nan, nan, nan, method=f"undefined: {reason}", n=n, level=level)


def interval_of_resamples(
    resamples: np.ndarray, value: float, *, reflected: bool = False, floor: float | None = None, level: float = 0.95
) -> tuple[float, float]:
    """Return the ends of the percentile interval, mirrored at ``value`` if ``reflected``, that always holds ``value``.

    Resamples in which the statistic does not exist (NaN: one class only) are left out.
    """
    tail = (1 - level) / 2
    if np.isnan(resamples).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(resamples, [tail, 1 - tail])
    if reflected:
        low, high = 2 * value - high, 2 * value - low
    if floor is not None:
        low, high = max(low, floor), max(high, floor)
    return float(min(low, value)), float(max(high, value))


def _sums_by_group(rows: np.ndarray, groups: ArrayLike) -> np.ndarray:
    labels = np.asarray(groups)
    if labels.shape != (len(rows),):
        raise ValueError(f"groups must have one entry for each of {len(rows)} rows, got shape {labels.shape}.")
    codes = np.unique(labels, return_inverse=True)[1]
    return np.column_stack([np.bincount(codes, weights=column) for column in rows.T])


def _draw(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Return multinomial counts ``(size, n)`` of ``n`` draws each."""
    drawn = rng.integers(n, size=(size, n))
    drawn += n * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _draw_strata(rng: np.random.Generator, codes: np.ndarray, size: int) -> np.ndarray:
    counts = np.empty((size, len(codes)))
    for code in range(codes.max() + 1):
        members = np.flatnonzero(codes == code)
        counts[:, members] = _draw(rng, len(members), size)
    return counts
