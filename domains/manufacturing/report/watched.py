"""Machines that alarms can be judged on, and the thresholds to judge."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from appkit.reporting import ReportContext
from appkit.reporting.facts import NotFilled
from domains.manufacturing.prediction.alarm_costs import AlarmCosts, cheapest_policy
from domains.manufacturing.prediction.alarms import AlarmOutcomes, AlarmPolicy, LeadTime, alarm_outcomes
from domains.manufacturing.prediction.monitoring import Quantity
from domains.manufacturing.report.alarm_words import round_time
from domains.manufacturing.report.record import Lives, Record, reference_record

__all__ = ["Watched", "alarm_costs", "plain_policies", "point_label", "policy_in_force"]

_SHARES_OF_HORIZON = (0.1, 0.2, 0.4)


@dataclass(frozen=True, eq=False)
class Watched:
    """Outputs along the life of machines whose end is known and was watched, or that were not seen to fail.

    Parameters
    ----------
    truth
        Time to failure, NaN in the rows of machines not seen to fail, float64 ``(n_rows,)``.
    output, units, times
        Outputs, machine and time of each row, ``(n_rows,)``.
    on
        What the output is.
    within
        An alarm is right if the failure follows within this time.
    n_failed, n_quiet, n_left_out
        Machines watched until they failed, not seen to fail, and left out because their readings end before their
        failure.
    """

    truth: np.ndarray
    output: np.ndarray
    units: np.ndarray
    times: np.ndarray
    on: Quantity
    within: float
    n_failed: int
    n_quiet: int
    n_left_out: int

    @property
    def lead(self) -> LeadTime:
        """Which alarms help."""
        return LeadTime(0.0, self.within)

    @property
    def moments(self) -> dict[str, Any]:
        """Machine and time of each row, as functions of alarms take them."""
        return {"units": self.units, "times": self.times}

    def outcomes(self, policy: AlarmPolicy) -> AlarmOutcomes:
        """Return what becomes of each machine under a policy."""
        return alarm_outcomes(self.truth, self.output, policy, **self.moments, lead=self.lead)

    @classmethod
    def of(cls, record: Record, *, within: float | None = None) -> "Watched | None":
        """Return the machines that alarms can be judged on; ``None`` where none was watched until it failed."""
        lives = record.lives
        if isinstance(lives, NotFilled) or not lives.is_watched.any():
            return None
        series = record.series
        is_open = np.isnan(lives.ends)
        rows = np.flatnonzero((lives.is_watched | is_open)[series.unit_of_row])
        units = series.units_at(rows)
        return cls(
            truth=np.maximum(lives.ends[units] - series.time[rows], 0.0),
            output=record.output[rows],
            units=units,
            times=series.time[rows],
            on="risk" if record.subject.is_probability else "remaining life",
            within=_within(record, lives) if within is None else within,
            n_failed=int(lives.is_watched.sum()),
            n_quiet=int(is_open.sum()),
            n_left_out=int((~lives.is_watched & ~is_open).sum()),
        )


def policy_in_force(context: ReportContext, watched: Watched) -> tuple[AlarmPolicy | None, str]:
    """Return the policy and how it was chosen, never on these machines; ``None`` where nothing says."""
    if watched.on == "risk":
        assert context.threshold is not None
        return AlarmPolicy(context.threshold), "the threshold in force"
    costs, reference = alarm_costs(context), reference_record(context)
    if costs is None or reference is None:
        return None, ""
    seen = Watched.of(reference, within=watched.within)
    if seen is None:
        return None, ""
    policy = cheapest_policy(seen.truth, seen.output, costs, **seen.moments, lead=seen.lead, on=seen.on)
    if not math.isfinite(policy.threshold):
        return None, ""
    return policy, f"chosen by costs on {seen.n_failed + seen.n_quiet} {context.words['groups']} of the reference"


def plain_policies(watched: Watched) -> list[AlarmPolicy]:
    """Return three thresholds to look at where nobody has chosen one: round shares of the time within which to warn."""
    thresholds = dict.fromkeys(round_time(share * watched.within) for share in _SHARES_OF_HORIZON)
    return [AlarmPolicy(threshold, on=watched.on) for threshold in thresholds]


def alarm_costs(context: ReportContext) -> AlarmCosts | None:
    """Return the costs of alarms: what each error costs more than the right decision."""
    costs = context.costs
    if costs is None:
        return None
    return AlarmCosts(
        late=costs.missed_event - costs.caught_event,
        false_alarm=costs.false_alarm - costs.correct_pass,
        currency=costs.currency,
    )


def point_label(watched: Watched) -> str:
    """Return what the threshold judged is called on a chart."""
    return "In force" if watched.on == "risk" else "Chosen beforehand"


def _within(record: Record, lives: Lives) -> float:
    """Return within what time an alarm should be followed by a failure.

    That of the labels where they speak of a horizon, the cap beyond which the model tells no life apart, else half the
    median life of machines that failed.
    """
    if lives.horizon:
        return lives.horizon
    cap = getattr(record.subject.model, "cap", None)
    if cap is not None:
        return float(cap)
    series = record.series
    life = lives.ends - series.time[series.bounds[:-1]]
    return float(np.median(life[lives.is_watched])) / 2 or 1.0
