"""Metrics of predicted survival where some units were still running at the end: all that is seen of them is used.

Outcomes come as ``(event, duration)``: whether the failure was seen, and how long the unit was watched. A duration
without an event is *censored*: the failure comes later. Censored rows are neither dropped (that would favour units
which fail early) nor taken for failures; each row that does count is weighted by the inverse of its chance of not
having been censored so far, which Kaplan and Meier's curve of the censorings gives. The curve is made anew in every
resample, so that its error is part of the intervals.

At equal durations events come before censorings: a unit censored at 120 cycles was seen to live through cycle 120.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid

from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_values
from appkit.prediction.kaplan_meier import SurvivalRows, cumulated
from appkit.prediction.resampling import bootstrap_estimate, undefined_estimate

__all__ = ["brier_at", "harrell_concordance", "integrated_brier", "uno_concordance"]


def harrell_concordance(
    event: ArrayLike,
    duration: ArrayLike,
    risk: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the share of comparable pairs in which the row that failed first had the higher risk (Harrell, 1982).

    A pair is comparable if one row failed while the other was still watched. Equal risks count one half. What the
    share tends to depends on when rows were censored; :func:`uno_concordance` does not have this fault.

    Parameters
    ----------
    event, duration
        As in :func:`appkit.prediction.kaplan_meier.kaplan_meier`.
    risk
        Higher where failure is expected sooner, shape (n_rows,): a risk, or minus the predicted remaining life.
    groups
        Unit of each row, where a unit has several; units are redrawn whole. Shape (n_rows,).
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> round(harrell_concordance([1, 1, 0, 1], [1.0, 2.0, 3.0, 4.0], [0.9, 0.3, 0.5, 0.1]).value, 3)
    0.8
    """
    return _concordance(
        "Concordance (Harrell)",
        SurvivalRows(event, duration),
        risk,
        until=np.inf,
        weighted=False,
        groups=groups,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def uno_concordance(
    event: ArrayLike,
    duration: ArrayLike,
    risk: ArrayLike,
    *,
    until: float | None = None,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the concordance with inverse censoring weights, which does not depend on when rows were censored.

    Each pair is weighted by the inverse squared chance that the earlier failure was not censored (Uno, Cai, Pencina,
    D'Agostino and Wei, 2011); the risk must not depend on who is censored.

    Parameters
    ----------
    event, duration, risk, groups, n_resamples, random_state
        As in :func:`harrell_concordance`.
    until
        Only failures before this time count. Weights grow where few are left uncensored: choose it so that some
        10 % are still watched. Default: all failures.

    Examples
    --------
    >>> round(uno_concordance([1, 0, 1, 1], [1.0, 2.0, 3.0, 4.0], [0.9, 0.5, 0.1, 0.3]).value, 3)
    0.571
    """
    return _concordance(
        "Concordance (Uno)",
        SurvivalRows(event, duration),
        risk,
        until=np.inf if until is None else float(until),
        weighted=True,
        groups=groups,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def brier_at(
    event: ArrayLike,
    duration: ArrayLike,
    survival: ArrayLike,
    *,
    time: float,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean squared difference of predicted survival at a time and what became of the row.

    Rows censored by then count through those like them that were not: inverse censoring weights of Graf, Schmoor,
    Sauerbrei and Schumacher (1999).

    Parameters
    ----------
    event, duration, groups, n_resamples, random_state
        As in :func:`harrell_concordance`.
    survival
        Predicted probability that the row is still running after ``time``, shape (n_rows,).
    time
        Before the last censoring, if that is the longest duration: afterwards nothing is known.

    Examples
    --------
    >>> round(brier_at([1, 0, 1, 1], [1.0, 2.0, 3.0, 4.0], [0.2, 0.5, 0.6, 0.9], time=2.5).value, 4)
    0.0738
    """
    predicted = np.asarray(survival, dtype=np.float64)
    if predicted.ndim != 1:
        raise ValueError(f"survival must have shape (n_rows,), one probability per row, got {predicted.shape}.")
    return _brier(
        f"Brier score at {time:g}",
        SurvivalRows(event, duration),
        predicted[:, None],
        times=[time],
        groups=groups,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def integrated_brier(
    event: ArrayLike,
    duration: ArrayLike,
    survival: ArrayLike,
    *,
    times: ArrayLike,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the Brier score averaged over time by the trapezoidal rule (Graf et al., 1999).

    Parameters
    ----------
    event, duration, groups, n_resamples, random_state
        As in :func:`harrell_concordance`.
    survival
        Predicted probability that each row is still running after each time, shape (n_rows, n_times).
    times
        Ascending, at least two, shape (n_times,); as in :func:`brier_at`.

    Examples
    --------
    >>> survival = [[0.5, 0.2], [0.7, 0.5], [0.8, 0.6], [0.9, 0.8]]
    >>> round(integrated_brier([1, 0, 1, 1], [1.0, 2.0, 3.0, 4.0], survival, times=[1.5, 2.5]).value, 4)
    0.0912
    """
    grid = np.asarray(times, dtype=np.float64)
    if grid.ndim != 1 or len(grid) < 2 or not (np.diff(grid) > 0).all():
        raise ValueError(f"times must be at least two ascending numbers, got {times!r}.")
    return _brier(
        "Integrated Brier score",
        SurvivalRows(event, duration),
        np.asarray(survival, dtype=np.float64),
        times=grid,
        groups=groups,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def _concordance(
    name: str,
    rows: SurvivalRows,
    risk: ArrayLike,
    *,
    until: float,
    weighted: bool,
    groups: ArrayLike | None,
    n_resamples: int,
    random_state: int | None,
) -> Estimate:
    risks = as_values(risk, rows.n, name="risk")
    first = np.flatnonzero(rows.event & (rows.duration < until))
    later = _LaterRows(rows, risks, first)

    def statistic(counts: np.ndarray) -> np.ndarray:
        weights = counts[:, first]
        if weighted:
            chance = rows.uncensored(counts)[:, rows.code[first]]  # just before each failure
            # a failure that was drawn has a positive chance; others have no weight anyway
            weights = np.divide(weights, chance**2, out=np.zeros_like(weights), where=chance > 0)
        lower, all_later = later.sums(counts)
        pairs = np.einsum("rf,rf->r", weights, all_later)
        concordant = np.einsum("rf,rf->r", weights, lower)
        return np.divide(concordant, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)

    if not later.n_pairs:
        return undefined_estimate(name, _why_no_pairs(rows, until), n=rows.n)
    return bootstrap_estimate(
        name, statistic, rows.n, n_resamples=n_resamples, groups=groups, random_state=random_state
    )


def _why_no_pairs(rows: SurvivalRows, until: float) -> str:
    if not rows.event.any():
        return f"no event among {rows.n} rows"
    if not (rows.event & (rows.duration < until)).any():
        return f"no event before {until:g}"
    return f"no row outlives an event among {rows.n} rows"


class _LaterRows:
    """For chosen rows, sums over the rows that outlive them: all, and those of lower risk (half for equal risk).

    Latest rows first, those that outlive a row are a prefix. A prefix of q rows is one aligned block for each binary
    digit of q; within each block rows are sorted by risk once, and a resample then needs one cumulated sum per digit:
    O(n log n) for each vector of counts instead of all n^2 pairs.
    """

    def __init__(self, rows: SurvivalRows, risk: np.ndarray, first: np.ndarray) -> None:
        self._backwards = rows.order[::-1]
        # at equal durations censored rows outlive an event, other events do not
        self._prefix = rows.n - rows.middle[rows.code[first]]
        self.n_pairs = int(self._prefix.sum())
        rank = np.unique(risk, return_inverse=True)[1]
        self._levels = list(_levels(rank[self._backwards], self._prefix, rank[first]))

    def sums(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both sums, float64 ``(n_resamples, n_first)``: of lower risk, and all."""
        backwards = counts[:, self._backwards]
        lower = np.zeros((len(counts), len(self._prefix)))
        for level in self._levels:
            seen = cumulated(backwards[:, level.order])
            below, upto, begin = seen[:, level.below], seen[:, level.upto], seen[:, level.begin]
            lower[:, level.queries] += (below + upto) / 2 - begin
        return lower, cumulated(backwards)[:, self._prefix]


@dataclass(frozen=True, eq=False)
class _Level:
    """Blocks of one size: rows sorted by risk within them, and where each query's block begins and is cut."""

    order: np.ndarray  # int64 (n_rows,)
    queries: np.ndarray  # int64 (n_queries,) places among the chosen rows
    begin: np.ndarray  # int64 (n_queries,) start of the block
    below: np.ndarray  # int64 (n_queries,) end of its rows of lower risk
    upto: np.ndarray  # int64 (n_queries,) end of its rows of lower or equal risk


def _levels(rank: np.ndarray, prefix: np.ndarray, prefix_rank: np.ndarray) -> Sequence[_Level]:
    n, n_ranks = len(rank), int(rank.max()) + 1
    levels = []
    for digit in range(n.bit_length()):
        queries = np.flatnonzero((prefix >> digit) & 1)
        if not len(queries):
            continue
        blocks = np.arange(n) >> digit
        key = blocks * n_ranks + rank
        order = np.argsort(key, kind="stable")
        block = (prefix[queries] >> digit) - 1
        wanted = block * n_ranks + prefix_rank[queries]
        below, upto = (np.searchsorted(key[order], wanted, side=side) for side in ("left", "right"))
        levels.append(_Level(order, queries, block << digit, below, upto))
    return levels


def _brier(
    name: str,
    rows: SurvivalRows,
    survival: np.ndarray,
    *,
    times: ArrayLike,
    groups: ArrayLike | None,
    n_resamples: int,
    random_state: int | None,
) -> Estimate:
    grid = np.asarray(times, dtype=np.float64)
    _check_survival(survival, (rows.n, len(grid)))
    _check_horizon(rows, grid)
    # a row's share of the score where it failed by the time, and where it outlived it
    outlived = rows.duration[:, None] > grid
    of_failed = survival**2 * (rows.event[:, None] & ~outlived)
    of_running = (1 - survival) ** 2 * outlived
    place = np.searchsorted(rows.times, grid, side="right")  # in the censoring curve: after each time

    def statistic(counts: np.ndarray) -> np.ndarray:
        curve = rows.uncensored(counts)
        chance = curve[:, rows.code]
        failed = np.divide(counts, chance, out=np.zeros_like(counts), where=chance > 0) @ of_failed
        left = curve[:, place]
        # nobody left uncensored: not known in this resample
        running = np.divide(counts @ of_running, left, out=np.full(left.shape, np.nan), where=left > 0)
        return _mean_over_time((failed + running) / counts.sum(axis=1, keepdims=True), grid)

    return bootstrap_estimate(
        name, statistic, rows.n, n_resamples=n_resamples, groups=groups, random_state=random_state
    )


def _mean_over_time(scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    if len(grid) == 1:
        return scores[:, 0]
    return trapezoid(scores, grid, axis=1) / (grid[-1] - grid[0])


def _check_survival(survival: np.ndarray, shape: tuple[int, int]) -> None:
    if survival.shape != shape:
        raise ValueError(f"survival must have shape {shape}: rows and times, got {survival.shape}.")
    if not ((survival >= 0) & (survival <= 1)).all():
        row = int(np.flatnonzero(~((survival >= 0) & (survival <= 1)).all(axis=1))[0])
        raise ValueError(f"survival must hold probabilities in [0, 1], got {survival[row].tolist()} in row {row}.")


def _check_horizon(rows: SurvivalRows, grid: np.ndarray) -> None:
    if not np.isfinite(grid).all() or grid.min() < 0:
        raise ValueError(f"times must be finite and not negative, got {grid.tolist()}.")
    last = rows.times[-1]
    ends_censored = not rows.event[rows.duration == last].all()
    if ends_censored and grid.max() >= last:
        raise ValueError(
            f"times must lie before {last:g}, the longest duration, which is censored: nothing is known from there on; "
            f"got {grid.max():g}."
        )
