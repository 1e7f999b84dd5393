"""Alarms and what became of them: found in time, too late, missed or false, unit by unit.

The first alarm of a unit counts: it brings the machine in. What it is worth depends on its lead time, the time from
the alarm to the failure.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from appkit.prediction.resampling import grouped_share, median_estimate
from domains.manufacturing.prediction.monitoring import Quantity, monitor

__all__ = [
    "OUTCOMES",
    "AlarmOutcomes",
    "AlarmPolicy",
    "LeadTime",
    "LeadTimeCurve",
    "alarm_outcomes",
    "alarm_precision",
    "alarm_recall",
    "lead_time_curve",
    "median_lead_time",
    "outcomes_of",
]

OUTCOMES = ("detected", "late", "missed", "false alarm", "quiet", "undecided")


@dataclass(frozen=True)
class AlarmPolicy:
    """When an alarm sounds.

    Parameters
    ----------
    threshold
        The risk at or above which, or the predicted remaining life at or below which, a reading is alarming. Plus
        (minus) infinity never sounds.
    on
        ``"risk"`` or ``"remaining life"``.
    persistence
        Consecutive alarming readings needed.

    Examples
    --------
    >>> print(AlarmPolicy(0.4, persistence=3))
    risk of at least 0.4 in 3 readings in a row
    """

    threshold: float
    on: Quantity = "risk"
    persistence: int = 1

    def __post_init__(self) -> None:
        if math.isnan(self.threshold):
            raise ValueError("threshold must be a number, got nan.")

    def __str__(self) -> str:
        side = "risk of at least" if self.on == "risk" else "remaining life of at most"
        lasting = "" if self.persistence == 1 else f" in {self.persistence} readings in a row"
        return f"{side} {self.threshold:.4g}{lasting}"


@dataclass(frozen=True)
class LeadTime:
    """Which alarms help: neither too late to act on nor too early to be believed.

    Parameters
    ----------
    needed
        Time that maintenance needs between alarm and failure.
    longest
        An alarm earlier than this before the failure counts as false: nobody would find anything. Infinity counts
        every alarm before a failure as true, and every alarm of a unit not seen to fail as false.
    """

    needed: float = 0.0
    longest: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.needed <= self.longest:
            raise ValueError(f"needed must lie between 0 and longest, got {self.needed!r} and {self.longest!r}.")


@dataclass(frozen=True, eq=False)
class AlarmOutcomes:
    """First alarm of each unit and what became of it.

    Parameters
    ----------
    units
        Labels ``(n_units,)``.
    outcome
        One of :data:`OUTCOMES` for each unit. A unit not seen to fail is ``"quiet"`` without an alarm; with one,
        ``"undecided"`` if it was watched for less than the longest lead time afterwards.
    alarm_times, lead_times
        float64 ``(n_units,)``; NaN without an alarm, lead times also without a failure.
    first_times, last_times
        Of the unit's rows, float64 ``(n_units,)``.
    failure_times
        float64 ``(n_units,)``, NaN where no failure was seen.
    """

    units: pd.Index
    outcome: np.ndarray
    alarm_times: np.ndarray
    lead_times: np.ndarray
    first_times: np.ndarray
    last_times: np.ndarray
    failure_times: np.ndarray

    @property
    def failed(self) -> np.ndarray:
        """Whether each unit was seen to fail, bool ``(n_units,)``."""
        return ~np.isnan(self.failure_times)

    @property
    def alarmed(self) -> np.ndarray:
        """Whether each unit had an alarm, bool ``(n_units,)``."""
        return ~np.isnan(self.alarm_times)

    def counts(self) -> dict[str, int]:
        """Return how many units had each outcome."""
        return {outcome: int((self.outcome == outcome).sum()) for outcome in OUTCOMES}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per unit: outcome, alarm time, lead time, failure time."""
        columns = {
            "outcome": self.outcome,
            "alarm_time": self.alarm_times,
            "lead_time": self.lead_times,
            "failure_time": self.failure_times,
        }
        return pd.DataFrame(columns, index=self.units.rename("unit"))


def alarm_outcomes(
    truth: ArrayLike,
    output: ArrayLike,
    policy: AlarmPolicy,
    *,
    units: ArrayLike,
    times: ArrayLike,
    lead: LeadTime = LeadTime(),
) -> AlarmOutcomes:
    """Return what became of each unit under an alarm policy.

    Parameters
    ----------
    truth
        True remaining life of each row, not capped, shape (n_rows,); NaN in the rows of units not seen to fail.
    output
        Predicted risk or remaining life, shape (n_rows,).
    policy
        When an alarm sounds.
    units, times
        Machine and time of each row, shape (n_rows,), rows in any order; times in the unit of the truth.
    lead
        Which alarms help.

    Examples
    --------
    >>> truth, risk = [3.0, 2.0, 1.0, np.nan, np.nan], [0.1, 0.8, 0.9, 0.2, 0.3]
    >>> watched = {"units": ["a", "a", "a", "b", "b"], "times": [1, 2, 3, 1, 2]}
    >>> alarm_outcomes(truth, risk, AlarmPolicy(0.5), **watched).to_frame()
           outcome  alarm_time  lead_time  failure_time
    unit
    a     detected         2.0        2.0           4.0
    b        quiet         NaN        NaN           NaN
    """
    watch = monitor(truth, output, units=units, times=times, on=policy.on, persistence=policy.persistence)
    alarms = watch.first_alarms(policy.threshold)
    failures, last = watch.failure_times, watch.rows.last_times
    return AlarmOutcomes(
        units=watch.rows.labels,
        outcome=outcomes_of(alarms, failures, last, lead=lead),
        alarm_times=alarms,
        lead_times=failures - alarms,
        first_times=watch.rows.first_times,
        last_times=last,
        failure_times=failures,
    )


def outcomes_of(alarms: np.ndarray, failures: np.ndarray, last: np.ndarray, *, lead: LeadTime) -> np.ndarray:
    """Return one of :data:`OUTCOMES` for each alarm time (NaN: none), failure time (NaN: not seen) and last time."""
    time_before = failures - alarms
    watched_after = last - alarms
    failed, alarmed = ~np.isnan(failures), ~np.isnan(alarms)
    decided = (watched_after >= lead.longest) | math.isinf(lead.longest)
    cases = [
        (failed & ~alarmed, "missed"),
        (failed & (time_before > lead.longest), "false alarm"),
        (failed & (time_before >= lead.needed), "detected"),
        (failed, "late"),
        (~alarmed, "quiet"),
        (decided, "false alarm"),
    ]
    return np.select([case for case, _ in cases], [outcome for _, outcome in cases], default="undecided")


def alarm_recall(outcomes: AlarmOutcomes) -> Estimate:
    """Return the share of seen failures that were detected in time, with its exact interval."""
    detected = outcomes.outcome[outcomes.failed] == "detected"
    return grouped_share("Alarm recall", detected, undefined="no failure was seen")


def alarm_precision(outcomes: AlarmOutcomes) -> Estimate:
    """Return the share of decided alarms that were followed by a failure in time, with its exact interval."""
    decided = outcomes.outcome[outcomes.alarmed & (outcomes.outcome != "undecided")]
    return grouped_share("Alarm precision", decided == "detected", undefined="no decided alarm")


def median_lead_time(outcomes: AlarmOutcomes, *, n_resamples: int = 1000, random_state: int | None = 0) -> Estimate:
    """Return the median lead time of the failures that had an alarm, in time or late."""
    leads = outcomes.lead_times[np.isin(outcomes.outcome, ("detected", "late"))]
    return median_estimate(
        "Median lead time",
        leads,
        n_resamples=n_resamples,
        random_state=random_state,
        undefined="no failure had an alarm",
    )


@dataclass(frozen=True)
class LeadTimeCurve:
    """Recall and precision of alarms by the lead time that is asked for.

    Parameters
    ----------
    lead_times
        Lead times asked for, ascending.
    recall
        For each, the share of failures with an alarm at least that early, of those watched for so long.
    precision
        For each, the share of decided alarms followed by a failure no sooner than that.
    policy
        When alarms sounded.
    """

    lead_times: tuple[float, ...]
    recall: tuple[Estimate, ...]
    precision: tuple[Estimate, ...]
    policy: AlarmPolicy

    def to_frame(self) -> pd.DataFrame:
        """Return one row per lead time: recall and precision, each with low and high."""
        columns = {
            f"{name}{suffix}": [getattr(estimate, end) for estimate in estimates]
            for name, estimates in (("recall", self.recall), ("precision", self.precision))
            for suffix, end in (("", "value"), ("_low", "low"), ("_high", "high"))
        }
        return pd.DataFrame(columns, index=pd.Index(self.lead_times, name="lead_time"))


def lead_time_curve(
    truth: ArrayLike,
    output: ArrayLike,
    policy: AlarmPolicy,
    *,
    units: ArrayLike,
    times: ArrayLike,
    lead_times: ArrayLike,
    longest: float = math.inf,
) -> LeadTimeCurve:
    """Return recall and precision of a policy for each lead time asked for, with exact intervals.

    Parameters
    ----------
    truth, output, policy, units, times
        As in :func:`alarm_outcomes`.
    lead_times
        Ascending, not negative, shape (n_leads,).
    longest
        As in :class:`LeadTime`.

    Examples
    --------
    >>> truth, risk = [3.0, 2.0, 1.0, 2.0, 1.0], [0.1, 0.8, 0.9, 0.2, 0.6]
    >>> watched = {"units": ["a", "a", "a", "b", "b"], "times": [1, 2, 3, 1, 2]}
    >>> lead_time_curve(truth, risk, AlarmPolicy(0.5), **watched, lead_times=[1, 2]).to_frame()["recall"].tolist()
    [1.0, 0.5]
    """
    grid = np.asarray(lead_times, dtype=np.float64)
    if grid.ndim != 1 or not len(grid) or grid[0] < 0 or not (np.diff(grid) > 0).all():
        raise ValueError(f"lead_times must be ascending numbers from 0 on, got {lead_times!r}.")
    watched = {"units": units, "times": times}
    outcomes = alarm_outcomes(truth, output, policy, **watched, lead=LeadTime(0.0, longest))
    decided = outcomes.alarmed & (outcomes.outcome != "undecided")
    is_true = outcomes.outcome == "detected"
    could = outcomes.failure_times - outcomes.first_times  # NaN compares as false: no failure to find
    recall, precision = [], []
    for needed in grid.tolist():
        in_time = is_true & (outcomes.lead_times >= needed)
        recall.append(
            grouped_share(
                f"Recall {needed:g} ahead", in_time[could >= needed], undefined="no failure was watched so long"
            )
        )
        precision.append(grouped_share(f"Precision {needed:g} ahead", in_time[decided], undefined="no decided alarm"))
    return LeadTimeCurve(tuple(grid.tolist()), tuple(recall), tuple(precision), policy)
