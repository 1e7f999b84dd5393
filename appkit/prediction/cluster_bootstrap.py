"""Intervals of every metric of an evaluation by redrawing whole groups: patients, customers, machines.

Rows of one group are no independent witnesses: what is redrawn is the group with all its rows. Rows are summed within
groups first, so that a resample costs as much as there are groups.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit, logit

from appkit.prediction.estimate import Estimate
from appkit.prediction.resampling import Statistic, bootstrap, interval_of_resamples

__all__ = ["Clusters", "expanded_level", "redraw_events", "redraw_labels", "redraw_values"]

_RESAMPLES = 1000
_MOST_REDRAWN = 2_000
_CELLS = 2**19  # of a table of groups by ranks
_MOST_RANKS = 4096
_MOST_SCORES = 256  # of a refitted calibration: pooled scores shift all resamples alike
_NEWTON_STEPS, _LONGEST_STEP, _SETTLED = 50, 2.0, 1e-6
_EDGE = 1e-9

Redraw = Callable[[Estimate], Estimate]


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which rows go together.

    Parameters
    ----------
    codes
        int64 ``(n_rows,)``: group of each row, from 0 without holes.
    word
        What groups are called: ``"engines"``.
    random_state
        Seed of the draws; all metrics share them.
    """

    codes: np.ndarray
    word: str = "groups"
    random_state: int | None = 0

    @property
    def n(self) -> int:
        """Number of groups."""
        return int(self.codes.max()) + 1

    def sums(self, *rows: np.ndarray) -> np.ndarray:
        """Return the sum over each group of each of ``rows``, float64 ``(n_groups, len(rows))``."""
        return np.column_stack([np.bincount(self.codes, weights=values, minlength=self.n) for values in rows])

    def redraw(
        self, estimate: Estimate, statistic: Statistic, *, floor: float | None = None, shift: bool = False
    ) -> Estimate:
        """Return an estimate with the interval of redrawing whole groups.

        One group says nothing about others: the interval is NaN then. Where every resample says the same (a share of 0
        or 1), and beyond 2,000 groups, where both agree, the interval the estimate came with is kept.

        Parameters
        ----------
        estimate
            Value, and its interval clustered by the same groups in closed form.
        statistic
            From counts ``(n_resamples, n_groups)`` to values ``(n_resamples,)``; NaN where it does not exist.
        floor
            Smallest possible value.
        shift
            Whether the statistic is the estimate's up to a small constant, by which resamples are then moved.
        """
        if not np.isfinite(estimate.value) or self.n > _MOST_REDRAWN:
            return self.labelled(estimate)
        if self.n < 2:
            return without_interval(estimate, "one group only")
        resamples = bootstrap(statistic, self.n, n_resamples=_RESAMPLES, random_state=self.random_state)
        if shift:
            resamples = resamples + estimate.value - float(statistic(np.ones((1, self.n)))[0])
        known = resamples[~np.isnan(resamples)]
        if not len(known) or np.ptp(known) < 1e-12:
            return self.labelled(estimate)
        level = expanded_level(self.n, level=estimate.level)
        low, high = interval_of_resamples(resamples, estimate.value, floor=floor, level=level)
        method = f"bootstrap, {_RESAMPLES} resamples of {self.n} {self.word}"
        return replace(estimate, low=low, high=high, method=method)

    def labelled(self, estimate: Estimate) -> Estimate:
        """Return an estimate that keeps its clustered interval, whose method says so."""
        if not np.isfinite(estimate.value) or "clustered" in estimate.method:
            return estimate
        return replace(estimate, method=f"{estimate.method}, clustered by {self.n} {self.word}")


def expanded_level(n_groups: int, *, level: float = 0.95) -> float:
    """Return the level at which percentiles of resamples of few groups cover ``level``.

    A bootstrap of n draws is too narrow by the root of (n - 1) / n and has the tails of the normal, not of Student's t
    (the expanded percentile interval of Hesterberg, 2015).

    Examples
    --------
    >>> round(expanded_level(8), 4), round(expanded_level(1000), 4)
    (0.9885, 0.9504)
    """
    reach = np.sqrt(n_groups / (n_groups - 1)) * stats.t.ppf((1 + level) / 2, n_groups - 1)
    return float(2 * stats.norm.cdf(reach) - 1)


def without_interval(estimate: Estimate, reason: str) -> Estimate:
    """Return an estimate whose interval is not known, and why."""
    return replace(estimate, low=np.nan, high=np.nan, method=f"no interval: {reason}")


def redraw_events(
    estimates: list[Estimate],
    y: np.ndarray,
    p: np.ndarray,
    *,
    alarm: np.ndarray,
    costs: np.ndarray | None,
    weights: np.ndarray,
    clusters: Clusters,
) -> list[Estimate]:
    """Return the metrics of probabilities ``p`` of outcomes ``y``, bool, with intervals of redrawn groups.

    The expected calibration error keeps its own interval, made from the same groups: redrawing never covers a true 0.
    ``costs`` are those of each row.
    """
    hit = alarm == y
    of_outcome = np.clip(np.where(y, p, 1 - p), np.finfo(np.float64).eps, 1.0)
    found: dict[str, Redraw] = {
        "AUC": _ranking(_auc, y, p, weights=weights, clusters=clusters),
        "Average precision": _ranking(_average_precision, y, p, weights=weights, clusters=clusters),
        "Log-loss": _mean(-np.log(of_outcome), weights, clusters),
        "Brier score": _mean((p - y) ** 2, weights, clusters),
        "Calibration slope": _coefficient(y, p, weights=weights, clusters=clusters, has_slope=True),
        "Calibration in the large": _coefficient(y, p, weights=weights, clusters=clusters, has_slope=False),
        "Accuracy": _mean(hit, weights, clusters),
        "Balanced accuracy": _mean_of_shares(hit, [y, ~y], weights, clusters),
        "Sensitivity": _mean(alarm, weights * y, clusters),
        "Specificity": _mean(~alarm, weights * ~y, clusters),
        "Precision": _mean(y, weights * alarm, clusters),
    }
    if costs is not None:
        found["Cost per row"] = _mean(costs, weights, clusters)
    return _redrawn(estimates, found, clusters)


def redraw_labels(
    estimates: list[Estimate],
    codes: np.ndarray,
    p: np.ndarray,
    *,
    predicted: np.ndarray,
    weights: np.ndarray,
    clusters: Clusters,
) -> list[Estimate]:
    """Return the metrics of class probabilities ``p`` of class numbers with intervals of redrawn groups."""
    hit, present = codes == predicted, np.unique(codes)
    of_label = np.clip(p[np.arange(len(codes)), codes], np.finfo(np.float64).eps, 1.0)
    tables = [_rank_tables(codes == code, p[:, code], weights=weights, clusters=clusters) for code in present]
    members = [np.stack([codes == c, predicted == c]) for c in np.unique(np.concatenate([codes, predicted]))]
    sums = [clusters.sums(weights * own.all(axis=0), weights * own.sum(axis=0)) for own in members]

    def macro_f1(counts: np.ndarray) -> np.ndarray:
        return _mean_known([2 * _ratio(counts @ own[:, 0], counts @ own[:, 1]) for own in sums])

    def macro_auc(counts: np.ndarray) -> np.ndarray:
        return _mean_known([_auc(counts, *own) for own in tables])

    found: dict[str, Redraw] = {
        "Accuracy": _mean(hit, weights, clusters),
        "Balanced accuracy": _mean_of_shares(hit, [codes == code for code in present], weights, clusters),
        "Macro F1": lambda estimate: clusters.redraw(estimate, macro_f1),
        "Macro AUC (one against rest)": lambda estimate: clusters.redraw(estimate, macro_auc, shift=True),
        "Log-loss": _mean(-np.log(of_label), weights, clusters),
    }
    return _redrawn(estimates, found, clusters)


def redraw_values(
    estimates: list[Estimate],
    y: np.ndarray,
    predicted: np.ndarray,
    *,
    ends: np.ndarray | None,
    weights: np.ndarray,
    clusters: Clusters,
) -> list[Estimate]:
    """Return the metrics of predicted values, and of their intervals ``(n_rows, 2)``, by redrawn groups."""
    errors, centred = y - predicted, y - weights @ y / weights.sum()
    squares = clusters.sums(weights * errors**2, weights * centred, weights * centred**2, weights)

    def rmse(counts: np.ndarray) -> np.ndarray:
        totals = counts @ squares
        return np.sqrt(_ratio(totals[:, 0], totals[:, 3]))

    def r2(counts: np.ndarray) -> np.ndarray:
        unexplained, total, square, weight = (counts @ squares).T
        return 1 - _ratio(unexplained, square - _ratio(total**2, weight))

    found: dict[str, Redraw] = {
        "Root mean squared error": lambda estimate: clusters.redraw(estimate, rmse),
        "Mean absolute error": _mean(np.abs(errors), weights, clusters),
        "R2": lambda estimate: clusters.redraw(estimate, r2),
    }
    if ends is not None:
        found["Interval coverage"] = _mean((ends[:, 0] <= y) & (y <= ends[:, 1]), weights, clusters)
        found["Interval width"] = _mean(ends[:, 1] - ends[:, 0], weights, clusters)
    return _redrawn(estimates, found, clusters)


def _redrawn(estimates: list[Estimate], found: dict[str, Redraw], clusters: Clusters) -> list[Estimate]:
    """Return each estimate by its redraw; what has none keeps its interval, unless there is but one group."""
    if clusters.n < 2:
        return [without_interval(estimate, "one group only") for estimate in estimates]
    return [found.get(estimate.name, clusters.labelled)(estimate) for estimate in estimates]


def _mean(values: np.ndarray, weights: np.ndarray, clusters: Clusters) -> Redraw:
    """Return the redraw of a weighted mean."""
    sums = clusters.sums(weights * values, weights)

    def statistic(counts: np.ndarray) -> np.ndarray:
        totals = counts @ sums
        return _ratio(totals[:, 0], totals[:, 1])

    return lambda estimate: clusters.redraw(estimate, statistic)


def _mean_of_shares(hit: np.ndarray, members: list[np.ndarray], weights: np.ndarray, clusters: Clusters) -> Redraw:
    """Return the redraw of the mean over classes of the share of ``hit`` among their members."""
    sums = [clusters.sums(weights * (own & hit), weights * own) for own in members]

    def statistic(counts: np.ndarray) -> np.ndarray:
        return _mean_known([_ratio(counts @ own[:, 0], counts @ own[:, 1]) for own in sums])

    return lambda estimate: clusters.redraw(estimate, statistic)


def _ranking(
    statistic: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    y: np.ndarray,
    p: np.ndarray,
    *,
    weights: np.ndarray,
    clusters: Clusters,
) -> Redraw:
    """Return the redraw of a measure of how events rank; ``statistic`` takes counts and both tables."""
    if clusters.n > _MOST_REDRAWN:
        return lambda estimate: estimate
    events, rest = _rank_tables(y, p, weights=weights, clusters=clusters)
    return lambda estimate: clusters.redraw(estimate, lambda counts: statistic(counts, events, rest), shift=True)


def _rank_tables(
    y: np.ndarray, p: np.ndarray, *, weights: np.ndarray, clusters: Clusters, most: int = _MOST_RANKS
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights of events and of the rest, by group and rank of ``p``, lowest first; close ranks are pooled."""
    n_ranks = min(len(np.unique(p)), most, _CELLS // clusters.n)
    cell = clusters.codes * n_ranks + _pooled(p, n_ranks)
    events, rest = (
        np.bincount(cell, weights=weights * own, minlength=clusters.n * n_ranks).reshape(clusters.n, n_ranks)
        for own in (y, ~y)
    )
    return events, rest


def _pooled(p: np.ndarray, n_ranks: int) -> np.ndarray:
    """Return the rank of each of ``p``, neighbours pooled into ``n_ranks`` ranks."""
    values, rank = np.unique(p, return_inverse=True)
    return rank * n_ranks // len(values)


def _auc(counts: np.ndarray, events: np.ndarray, rest: np.ndarray) -> np.ndarray:
    caught, passed = counts @ events, counts @ rest
    below = np.cumsum(passed, axis=1) - passed / 2
    return _ratio((caught * below).sum(axis=1), caught.sum(axis=1) * passed.sum(axis=1))


def _average_precision(counts: np.ndarray, events: np.ndarray, rest: np.ndarray) -> np.ndarray:
    caught = (counts @ events)[:, ::-1]
    alarmed = np.cumsum((counts @ (events + rest))[:, ::-1], axis=1)
    precision = np.divide(np.cumsum(caught, axis=1), alarmed, out=np.zeros_like(alarmed), where=alarmed > 0)
    return _ratio((caught * precision).sum(axis=1), caught.sum(axis=1))


def _coefficient(y: np.ndarray, p: np.ndarray, *, weights: np.ndarray, clusters: Clusters, has_slope: bool) -> Redraw:
    """Return the redraw of the slope of outcomes on log-odds, or of the intercept where the slope is held at 1."""
    if clusters.n > _MOST_REDRAWN:
        return lambda estimate: estimate
    scores = logit(np.clip(p, _EDGE, 1 - _EDGE))
    events, rest = _rank_tables(y, p, weights=weights, clusters=clusters, most=_MOST_SCORES)
    mass = np.bincount(_pooled(p, events.shape[1]), minlength=events.shape[1])
    pooled = np.bincount(_pooled(p, events.shape[1]), weights=scores, minlength=events.shape[1]) / mass

    def statistic(counts: np.ndarray) -> np.ndarray:
        return _fitted(counts @ events, counts @ (events + rest), pooled, has_slope=has_slope)

    return lambda estimate: clusters.redraw(estimate, statistic, shift=True)


def _fitted(events: np.ndarray, total: np.ndarray, scores: np.ndarray, *, has_slope: bool) -> np.ndarray:
    """Return the slope, or the intercept beside a slope of 1, of each row of ``events`` out of ``total`` by Newton.

    Both are ``(n_resamples, n_scores)``. NaN where it does not settle: outcomes that the scores separate.
    """
    intercept, slope = np.zeros(len(events)), np.ones(len(events))
    step = np.full(len(events), np.inf)
    for _ in range(_NEWTON_STEPS):
        chance = expit(intercept[:, None] + slope[:, None] * scores)
        residual, spread = events - total * chance, total * chance * (1 - chance)
        g0, h00 = residual.sum(axis=1), spread.sum(axis=1)
        if not has_slope:
            step = np.clip(_ratio(g0, h00), -_LONGEST_STEP, _LONGEST_STEP)
            intercept = intercept + step
        else:
            g1, h01, h11 = residual @ scores, spread @ scores, spread @ scores**2
            determinant = h00 * h11 - h01**2
            step = np.clip(_ratio(h00 * g1 - h01 * g0, determinant), -_LONGEST_STEP, _LONGEST_STEP)
            intercept = intercept + np.clip(_ratio(h11 * g0 - h01 * g1, determinant), -_LONGEST_STEP, _LONGEST_STEP)
            slope = slope + step
        if not (np.abs(step) > _SETTLED).any():
            break
    return np.where(np.abs(step) <= _SETTLED, slope if has_slope else intercept, np.nan)


def _mean_known(values: list[np.ndarray]) -> np.ndarray:
    """Return the mean over classes, of those a resample holds."""
    table = np.stack(values)
    known = ~np.isnan(table)
    return _ratio(np.where(known, table, 0.0).sum(axis=0), known.sum(axis=0))


def _ratio(above: ArrayLike, below: ArrayLike) -> np.ndarray:
    """Return a quotient, NaN where there is nothing below."""
    top, bottom = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    return np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom > 0)
