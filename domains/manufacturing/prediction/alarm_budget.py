"""How many alarms a crew gets, and the most sensitive policy that it can keep up with."""

import math

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from appkit.prediction.resampling import totals_estimate
from domains.manufacturing.prediction.alarms import AlarmOutcomes, AlarmPolicy
from domains.manufacturing.prediction.monitoring import Monitoring, Quantity, monitor

__all__ = ["alarms_per_month", "policy_for_budget"]


def alarms_per_month(
    outcomes: AlarmOutcomes, *, month: float, n_resamples: int = 1000, random_state: int | None = 0
) -> Estimate:
    """Return alarms per machine-month in service, with an interval by redrawing units.

    A unit is in service from its first row to its alarm, or to its last row: the alarm brings it in.

    Parameters
    ----------
    outcomes
        Of :func:`domains.manufacturing.prediction.alarms.alarm_outcomes`.
    month
        Length of a month in the unit of the times: 730.5 for hours, 30.44 for days, the usual number of cycles.
    n_resamples, random_state
        Of the bootstrap.
    """
    _check_month(month)
    ends = np.where(outcomes.alarmed, outcomes.alarm_times, outcomes.last_times)
    months = (ends - outcomes.first_times) / month
    return totals_estimate(
        "Alarms per machine-month",
        _rate,
        np.column_stack([outcomes.alarmed, months]),
        n_resamples=n_resamples,
        random_state=random_state,
        undefined="no time in service",
    )


def policy_for_budget(
    output: ArrayLike,
    *,
    units: ArrayLike,
    times: ArrayLike,
    budget: float,
    month: float,
    on: Quantity = "risk",
    persistence: int = 1,
) -> AlarmPolicy:
    """Return the most sensitive policy with at most ``budget`` alarms per machine-month in service.

    Choose it on validation units: measured there, the budget is met by construction. A budget that not one alarm fits
    into gives a policy that never sounds.

    Parameters
    ----------
    output, units, times, on, persistence
        As in :mod:`domains.manufacturing.prediction.alarms`.
    budget
        Alarms per machine-month that the crew can look at, not negative.
    month
        As in :func:`alarms_per_month`.

    Examples
    --------
    >>> watched = {"units": ["a", "a", "b", "b"], "times": [0, 10, 0, 10]}
    >>> policy_for_budget([0.1, 0.9, 0.2, 0.8], **watched, budget=0.5, month=10).threshold
    0.9
    """
    _check_month(month)
    if not budget >= 0:
        raise ValueError(f"budget must be a number of alarms that is not negative, got {budget!r}.")
    watch = monitor(None, output, units=units, times=times, on=on, persistence=persistence)
    thresholds, alarms, months = _service_by_threshold(watch, month)
    if months[0] == 0:
        raise ValueError("times must span some time in at least one unit: no unit has two rows.")
    # fewer alarms and more time in service the higher the threshold: the rate falls with it
    fits = np.flatnonzero(alarms <= budget * months)
    return AlarmPolicy(float(thresholds[fits[-1]]), on=on, persistence=persistence)


def _service_by_threshold(watch: Monitoring, month: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return thresholds, alarms and machine-months in service, least sensitive first."""
    rows, steps = watch.rows, watch.steps
    thresholds, alarms = watch.totals_by_threshold(np.ones(len(steps)), np.zeros(rows.n_units))
    until_alarm = rows.times[steps] - rows.first_times[rows.unit_of_row[steps]]
    _, service = watch.totals_by_threshold(until_alarm, rows.last_times - rows.first_times)
    return thresholds, alarms, service / month


def _rate(sums: np.ndarray) -> np.ndarray:
    return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)


def _check_month(month: float) -> None:
    if not (0 < month < math.inf):
        raise ValueError(f"month must be a positive length in the unit of the times, got {month!r}.")
