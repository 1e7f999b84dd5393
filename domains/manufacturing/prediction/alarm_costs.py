"""What a policy's alarms cost, late against early, and the threshold that costs least."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from appkit.prediction.resampling import totals_estimate
from domains.manufacturing.prediction.alarms import AlarmOutcomes, AlarmPolicy, LeadTime, outcomes_of
from domains.manufacturing.prediction.monitoring import Monitoring, Quantity, monitor

__all__ = ["AlarmCosts", "CostCurve", "cheapest_policy", "cost_curve", "cost_per_unit", "costs_by_unit"]


@dataclass(frozen=True)
class AlarmCosts:
    """What each outcome of an alarm policy costs.

    Parameters
    ----------
    late
        A failure without an alarm, or with one later than the needed lead time: repair and standstill.
    early_per_time
        Useful life thrown away, per unit of time that an alarm comes before the needed lead time.
    false_alarm
        An inspection that finds nothing. An alarm too long before a failure costs this, and ``late`` for the failure
        that then comes unannounced.
    currency
        Unit of all, such as ``"EUR"``; empty where only their ratios are known.
    """

    late: float
    early_per_time: float = 0.0
    false_alarm: float = 0.0
    currency: str = ""

    def __post_init__(self) -> None:
        for name in ("late", "early_per_time", "false_alarm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite cost that is not negative, got {value!r}.")


def costs_by_unit(outcomes: AlarmOutcomes, costs: AlarmCosts, *, lead: LeadTime) -> np.ndarray:
    """Return what each unit cost by kind: late, early, false alarm; float64 ``(n_units, 3)``.

    Parameters
    ----------
    outcomes
        Of :func:`domains.manufacturing.prediction.alarms.alarm_outcomes`, made with the same ``lead``.
    costs
        Prices.
    lead
        Needed lead time, from which on time counts as thrown away.
    """
    return _costs_of(outcomes.alarm_times, outcomes.failure_times, outcomes.last_times, costs=costs, lead=lead)


def cost_per_unit(
    outcomes: AlarmOutcomes,
    costs: AlarmCosts,
    *,
    lead: LeadTime = LeadTime(),  # noqa: B008 (frozen)
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean cost of a unit, with an interval by redrawing units; parameters as in :func:`costs_by_unit`."""
    totals = costs_by_unit(outcomes, costs, lead=lead).sum(axis=1)
    return _mean_cost(totals, n_resamples=n_resamples, random_state=random_state)


@dataclass(frozen=True, eq=False)
class CostCurve:
    """Mean cost of a unit by threshold, and the threshold that costs least.

    Parameters
    ----------
    thresholds
        float64 ``(n_points,)``, the least sensitive first; the first never sounds.
    late, early, false_alarm
        Parts of the cost, float64 ``(n_points,)``.
    cost
        Their sum at each threshold, with its interval.
    best
        Policy of the least cost of all thresholds, not only of those drawn.
    best_cost
        Its cost on the same units, which chose it: too low on average. Measure it on others.
    """

    thresholds: np.ndarray
    late: np.ndarray
    early: np.ndarray
    false_alarm: np.ndarray
    cost: tuple[Estimate, ...]
    best: AlarmPolicy
    best_cost: Estimate

    def to_frame(self) -> pd.DataFrame:
        """Return one row per threshold: cost with low and high, and its parts."""
        columns = {
            "cost": [point.value for point in self.cost],
            "low": [point.low for point in self.cost],
            "high": [point.high for point in self.cost],
            "late": self.late,
            "early": self.early,
            "false_alarm": self.false_alarm,
        }
        return pd.DataFrame(columns, index=pd.Index(self.thresholds, name="threshold"))


def cost_curve(
    truth: ArrayLike,
    output: ArrayLike,
    costs: AlarmCosts,
    *,
    units: ArrayLike,
    times: ArrayLike,
    lead: LeadTime = LeadTime(),  # noqa: B008 (frozen)
    on: Quantity = "risk",
    persistence: int = 1,
    n_points: int = 50,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> CostCurve:
    """Return the cost of a unit over thresholds, with intervals by redrawing units.

    Parameters
    ----------
    truth, output, units, times
        As in :func:`domains.manufacturing.prediction.alarms.alarm_outcomes`.
    costs, lead
        Prices, and which alarms help.
    on, persistence
        As in :class:`domains.manufacturing.prediction.alarms.AlarmPolicy`.
    n_points
        Thresholds drawn at most, evenly among those that make a difference.
    n_resamples, random_state
        Of the bootstrap.
    """
    watch = monitor(truth, output, units=units, times=times, on=on, persistence=persistence)
    thresholds, totals = _totals(watch, costs, lead)
    drawn = np.unique(np.linspace(0, len(thresholds) - 1, max(2, n_points)).round().astype(int))
    estimate = partial(_mean_cost, n_resamples=n_resamples, random_state=random_state)
    parts = np.stack([_parts_at(watch, threshold, costs, lead) for threshold in thresholds[drawn]])
    best = _cheapest(thresholds, totals, on=on, persistence=persistence)
    late, early, false_alarm = parts.mean(axis=1).T
    return CostCurve(
        thresholds=thresholds[drawn],
        late=late,
        early=early,
        false_alarm=false_alarm,
        cost=tuple(estimate(part.sum(axis=1)) for part in parts),
        best=best,
        best_cost=estimate(_parts_at(watch, best.threshold, costs, lead).sum(axis=1)),
    )


def cheapest_policy(
    truth: ArrayLike,
    output: ArrayLike,
    costs: AlarmCosts,
    *,
    units: ArrayLike,
    times: ArrayLike,
    lead: LeadTime = LeadTime(),  # noqa: B008 (frozen)
    on: Quantity = "risk",
    persistence: int = 1,
) -> AlarmPolicy:
    """Return the policy that costs least on these units; among equals, the one with the fewest alarms.

    Give validation units: on those that chose the threshold, its cost is too low. All thresholds that make a
    difference are tried, in O(n log n). Parameters as in :func:`cost_curve`.

    Examples
    --------
    >>> truth, risk = [3.0, 2.0, 1.0, np.nan, np.nan], [0.1, 0.8, 0.9, 0.2, 0.3]
    >>> watched = {"units": ["a", "a", "a", "b", "b"], "times": [1, 2, 3, 1, 2]}
    >>> print(cheapest_policy(truth, risk, AlarmCosts(late=100, early_per_time=1, false_alarm=20), **watched))
    risk of at least 0.9
    """
    watch = monitor(truth, output, units=units, times=times, on=on, persistence=persistence)
    return _cheapest(*_totals(watch, costs, lead), on=on, persistence=persistence)


def _totals(watch: Monitoring, costs: AlarmCosts, lead: LeadTime) -> tuple[np.ndarray, np.ndarray]:
    """Return every threshold that makes a difference and the cost of all units there."""
    rows, steps = watch.rows, watch.steps
    unit, last = rows.unit_of_row[steps], rows.last_times
    at_steps = _costs_of(rows.times[steps], watch.failure_times[unit], last[unit], costs=costs, lead=lead)
    silent = _costs_of(np.full(rows.n_units, np.nan), watch.failure_times, last, costs=costs, lead=lead)
    return watch.totals_by_threshold(at_steps.sum(axis=1), silent.sum(axis=1))


def _cheapest(thresholds: np.ndarray, totals: np.ndarray, *, on: Quantity, persistence: int) -> AlarmPolicy:
    # sums in different orders differ in the last digits: equals must tie
    best = int(np.argmax(totals <= totals.min() + 1e-9 * max(1.0, abs(totals).max())))
    return AlarmPolicy(float(thresholds[best]), on=on, persistence=persistence)


def _parts_at(watch: Monitoring, threshold: float, costs: AlarmCosts, lead: LeadTime) -> np.ndarray:
    alarms = watch.first_alarms(threshold)
    return _costs_of(alarms, watch.failure_times, watch.rows.last_times, costs=costs, lead=lead)


def _costs_of(
    alarms: np.ndarray, failures: np.ndarray, last: np.ndarray, *, costs: AlarmCosts, lead: LeadTime
) -> np.ndarray:
    """Return late, early and false-alarm cost of each alarm time, ``(n, 3)``; NaN for no alarm or no failure."""
    outcome = outcomes_of(alarms, failures, last, lead=lead)
    is_false = outcome == "false alarm"
    is_late = np.isin(outcome, ("late", "missed")) | (is_false & ~np.isnan(failures))
    wasted = np.where(outcome == "detected", failures - alarms - lead.needed, 0.0)
    return np.column_stack([costs.late * is_late, costs.early_per_time * wasted, costs.false_alarm * is_false])


def _mean_cost(per_unit: np.ndarray, *, n_resamples: int, random_state: int | None) -> Estimate:
    return totals_estimate(
        "Cost per unit",
        lambda sums: sums[:, 0] / sums[:, 1],
        np.column_stack([per_unit, np.ones(len(per_unit))]),
        n_resamples=n_resamples,
        random_state=random_state,
    )
