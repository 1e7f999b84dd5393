"""The bootstrap, over weights: each resample is a vector of counts, so that statistics run on many at once."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction.estimate import Estimate

__all__ = ["Statistic", "bootstrap", "bootstrap_estimate", "interval_of_resamples", "resample_counts"]

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
