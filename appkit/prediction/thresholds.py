"""Where to decide, what decisions cost, and how often each kind of decision is right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from appkit.model.costs import Costs
from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_outcomes, as_values, as_weights
from appkit.prediction.intervals import mean_estimate
from appkit.prediction.metrics import precision, sensitivity, specificity
from appkit.prediction.resampling import bootstrap_estimate, interval_of_resamples

__all__ = [
    "OperatingPoint",
    "cost_difference",
    "expected_cost",
    "operating_point",
    "operating_point_at_sensitivity",
    "operating_point_at_specificity",
    "threshold_at_sensitivity",
    "threshold_at_specificity",
    "threshold_of_youden",
]


def expected_cost(
    y: ArrayLike,
    alarm: ArrayLike,
    costs: Costs,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean cost per row of the decisions ``alarm``, in ``costs.currency``, with a bootstrap interval.

    ``sample_weight`` may carry exposures (loan amounts) where costs are per unit of exposure.

    Examples
    --------
    >>> costs = Costs(missed_event=5, false_alarm=1)
    >>> expected_cost([1, 1, 0, 0], [True, False, True, False], costs).value
    1.5
    """
    return _mean_cost(
        "Cost per row",
        costs.of(as_outcomes(y, both=False), as_outcomes(alarm, both=False)),
        sample_weight=sample_weight,
        groups=groups,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def cost_difference(
    y: ArrayLike,
    alarm: ArrayLike,
    other: ArrayLike,
    *,
    costs: Costs,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean cost of ``alarm`` minus that of ``other`` on the same rows, with a paired bootstrap interval."""
    y = as_outcomes(y, both=False)
    ours, theirs = (costs.of(y, as_outcomes(decision, both=False)) for decision in (alarm, other))
    return _mean_cost(
        "Cost difference per row",
        ours - theirs,
        sample_weight=sample_weight,
        groups=groups,
        n_resamples=n_resamples,
        random_state=random_state,
    )


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what happens there.

    Parameters
    ----------
    threshold
        An alarm is raised from this score on.
    sensitivity, specificity, precision
        Shares of events caught, of non-events passed, of alarms that were events.
    alarm_rate
        Share of rows with an alarm.
    """

    threshold: float
    sensitivity: Estimate
    specificity: Estimate
    precision: Estimate
    alarm_rate: Estimate


def operating_point(
    y: ArrayLike,
    score: ArrayLike,
    *,
    threshold: float,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> OperatingPoint:
    """Return what happens if an alarm is raised wherever ``score >= threshold``.

    Examples
    --------
    >>> point = operating_point([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], threshold=0.3)
    >>> point.sensitivity.value, point.specificity.value, point.alarm_rate.value
    (1.0, 0.5, 0.75)
    """
    y = as_outcomes(y)
    alarm = as_values(score, len(y), name="score") >= threshold
    rate = mean_estimate("Alarm rate", alarm, sample_weight=sample_weight, groups=groups)
    return OperatingPoint(
        float(threshold),
        sensitivity(y, alarm, sample_weight=sample_weight, groups=groups),
        specificity(y, alarm, sample_weight=sample_weight, groups=groups),
        precision(y, alarm, sample_weight=sample_weight, groups=groups),
        rate,
    )


def operating_point_at_sensitivity(
    y: ArrayLike,
    score: ArrayLike,
    target: float,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> OperatingPoint:
    """Return the highest threshold that catches at least the share ``target`` of events.

    Choose it on validation rows: measured on the rows that chose it, the target is met by construction.
    """
    threshold = threshold_at_sensitivity(y, score, target, sample_weight=sample_weight)
    return operating_point(y, score, threshold=threshold, sample_weight=sample_weight, groups=groups)


def operating_point_at_specificity(
    y: ArrayLike,
    score: ArrayLike,
    target: float,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> OperatingPoint:
    """Return the lowest threshold that passes at least the share ``target`` of non-events; see above for the rows."""
    threshold = threshold_at_specificity(y, score, target, sample_weight=sample_weight)
    return operating_point(y, score, threshold=threshold, sample_weight=sample_weight, groups=groups)


def threshold_at_sensitivity(
    y: ArrayLike, score: ArrayLike, target: float, *, sample_weight: ArrayLike | None = None
) -> float:
    """Return the highest score from which on at least the share ``target`` of events lies; choose on validation rows.

    Examples
    --------
    >>> threshold_at_sensitivity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.9)
    0.35
    """
    return _threshold_at_share(as_outcomes(y), score, target, sample_weight=sample_weight)


def threshold_at_specificity(
    y: ArrayLike, score: ArrayLike, target: float, *, sample_weight: ArrayLike | None = None
) -> float:
    """Return the lowest threshold below which at least the share ``target`` of non-events lies.

    It is the next number above a score, as an alarm is raised from the threshold on.

    Examples
    --------
    >>> round(threshold_at_specificity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.5), 6)
    0.1
    """
    y = as_outcomes(y)
    # non-events pass below the threshold: the mirrored question, answered by the next score above
    mirrored = -as_values(score, len(y), name="score")
    return float(np.nextafter(-_threshold_at_share(~y, mirrored, target, sample_weight=sample_weight), np.inf))


def threshold_of_youden(y: ArrayLike, score: ArrayLike) -> float:
    """Return the score at which sensitivity plus specificity is largest (Youden, 1950); the lowest of several.

    Examples
    --------
    >>> threshold_of_youden([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.35
    """
    y = as_outcomes(y)
    levels, rank = np.unique(as_values(score, len(y), name="score"), return_inverse=True)
    events, rest = np.bincount(rank, weights=y), np.bincount(rank, weights=~y)
    caught, passed = events.sum() - np.cumsum(events) + events, np.cumsum(rest) - rest
    # whole numbers, so that equal sums compare as equal
    return float(levels[np.argmax(caught * rest.sum() + passed * events.sum())])


def _threshold_at_share(
    members: np.ndarray, score: ArrayLike, target: float, *, sample_weight: ArrayLike | None
) -> float:
    """Return the highest observed score at or above which at least ``target`` of ``members`` lie."""
    if not 0 < target <= 1:
        raise ValueError(f"target must lie in (0, 1], got {target!r}.")
    scores = as_values(score, len(members), name="score")[members]
    weights = as_weights(sample_weight, len(members))[members]
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(scores[order][np.searchsorted(reached, target - 1e-12)])


def _mean_cost(
    name: str,
    costs: np.ndarray,
    *,
    sample_weight: ArrayLike | None,
    groups: ArrayLike | None,
    n_resamples: int,
    random_state: int | None,
) -> Estimate:
    if sample_weight is None and groups is None:
        return _mean_of_few_values(name, costs, n_resamples=n_resamples, random_state=random_state)
    weights = as_weights(sample_weight, len(costs))
    return bootstrap_estimate(
        name,
        lambda counts: (counts @ (weights * costs)) / (counts @ weights),
        len(costs),
        n_resamples=n_resamples,
        groups=groups,
        random_state=random_state,
    )


def _mean_of_few_values(name: str, costs: np.ndarray, *, n_resamples: int, random_state: int | None) -> Estimate:
    """Bootstrap the mean of a handful of distinct costs by redrawing how often each occurs: the same law, any n."""
    values, counts = np.unique(costs, return_counts=True)
    n = len(costs)
    drawn = np.random.default_rng(random_state).multinomial(n, counts / n, size=n_resamples)
    value = float(counts @ values / n)
    low, high = interval_of_resamples(drawn @ values / n, value)
    return Estimate(name, value, low, high, method=f"bootstrap, {n_resamples} resamples", n=n)
