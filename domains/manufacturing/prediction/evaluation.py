"""All figures of remaining life, of survival or of alarms at once, each with its interval by redrawing units."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.prediction import Estimate, Evaluation
from appkit.prediction.kaplan_meier import kaplan_meier
from appkit.prediction.survival import harrell_concordance, integrated_brier, uno_concordance
from domains.manufacturing.prediction import horizon, remaining_life
from domains.manufacturing.prediction.alarm_budget import alarms_per_month
from domains.manufacturing.prediction.alarm_costs import AlarmCosts, cost_per_unit
from domains.manufacturing.prediction.alarms import (
    AlarmPolicy,
    LeadTime,
    alarm_outcomes,
    alarm_precision,
    alarm_recall,
    median_lead_time,
)
from domains.manufacturing.prediction.unit_rows import as_remaining_life

__all__ = [
    "PrognosticEvaluation",
    "compare_evaluations",
    "evaluate_alarms",
    "evaluate_remaining_life",
    "evaluate_survival",
]


@dataclass(frozen=True)
class PrognosticEvaluation(Evaluation):
    """What was measured on one set of units; reached, listed and framed as :class:`appkit.prediction.Evaluation`.

    ``task`` is ``"remaining life"``, ``"survival"`` or ``"alarms"``.

    Parameters
    ----------
    n_units
        Units behind the figures.
    conditions
        How they were measured, in words: the cap, the policy.
    """

    n_units: int = 0
    conditions: str = ""

    def _heading(self) -> str:
        return f"{self.n_units} units, {self.n} rows, {self.task}" + (f": {self.conditions}" if self.conditions else "")


def evaluate_remaining_life(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    units: ArrayLike | None = None,
    ages: ArrayLike | None = None,
    interval: ArrayLike | None = None,
    level: float = 0.9,
    cap: float | None = None,
    early: float = 13.0,
    late: float = 10.0,
    time_unit: str = "cycles",
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> PrognosticEvaluation:
    """Measure predicted remaining life, and its intervals where there are any.

    Parameters
    ----------
    truth
        True remaining life, not capped, shape (n_rows,).
    predicted
        Predicted remaining life, shape (n_rows,).
    units
        Machine of each row, shape (n_rows,); by default each row is its own.
    ages
        How long the unit had run, shape (n_rows,). Adds alpha-lambda accuracy and prognostic horizon, which need
        several rows per unit.
    interval
        Predicted low and high, shape (n_rows, 2).
    level
        Coverage that the intervals promise.
    cap
        Cuts the truth, as the target was cut in training. Errors against the uncut truth are then told as well.
    early, late
        Scales of the NASA score and ends of the window of errors counted as right.
    time_unit
        What time is counted in.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> evaluation = evaluate_remaining_life([20.0, 130.0, 60.0], [23.0, 121.0, 56.0], cap=125)
    >>> print(evaluation["Bias"])
    Bias -1.667 (-4.000 to 3.000)
    >>> evaluation["NASA score, truth not cut"].value > evaluation["NASA score"].value
    True
    """
    uncut = as_remaining_life(truth)
    if cap is not None and not cap > 0:
        raise ValueError(f"cap must be positive, got {cap!r}.")
    y = uncut if cap is None else np.minimum(uncut, cap)
    draws: dict[str, Any] = {"units": units, "n_resamples": n_resamples, "random_state": random_state}
    estimates = [*_errors_of(y, predicted, early=early, late=late, draws=draws)]
    if cap is not None:
        of_uncut = _errors_of(uncut, predicted, early=early, late=late, draws=draws)
        estimates += [replace(figure, name=f"{figure.name}, truth not cut") for figure in of_uncut]
    if ages is not None:
        if units is None:
            raise ValueError("ages need units: whose life is it?")
        lives: dict[str, Any] = {"units": units, "ages": ages}
        estimates.append(horizon.alpha_lambda_accuracy(uncut, predicted, **lives))
        estimates.append(
            horizon.median_prognostic_horizon(
                uncut, predicted, **lives, n_resamples=n_resamples, random_state=random_state
            )
        )
    if interval is not None:
        estimates += _interval_figures(y, interval, level=level, draws=draws)
    words = f"in {time_unit}" + ("" if cap is None else f", truth cut at {cap:g}")
    return PrognosticEvaluation(
        tuple(estimates), "remaining life", n=len(y), n_units=_count_units(units, len(y)), conditions=words
    )


def evaluate_survival(
    event: ArrayLike,
    duration: ArrayLike,
    *,
    risk: ArrayLike,
    survival: ArrayLike | None = None,
    times: ArrayLike | None = None,
    until: float | None = None,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> PrognosticEvaluation:
    """Measure predicted survival where some units had not failed by the end.

    Parameters
    ----------
    event, duration
        Whether the failure was seen, and the time watched from the prediction on, shape (n_rows,).
    risk
        Higher where failure is expected sooner, shape (n_rows,).
    survival, times
        Predicted probability of running beyond each time, shape (n_rows, n_times), and the times. Adds the integrated
        Brier score, beside that of the Kaplan-Meier curve of these very rows, which knows no sensor.
    until
        Only failures before it count in Uno's concordance.
    units
        Machine of each row, shape (n_rows,); by default each row is its own.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> evaluation = evaluate_survival([1, 0, 1, 1], [1.0, 2.0, 3.0, 4.0], risk=[0.9, 0.5, 0.1, 0.3])
    >>> round(evaluation["Concordance (Uno)"].value, 3)
    0.571
    """
    if (survival is None) != (times is None):
        raise ValueError("survival and times must be given together: probabilities, and the times they are for.")
    draws: dict[str, Any] = {"groups": units, "n_resamples": n_resamples, "random_state": random_state}
    estimates = [
        uno_concordance(event, duration, risk, until=until, **draws),
        harrell_concordance(event, duration, risk, **draws),
    ]
    n = estimates[0].n
    if survival is not None and times is not None:
        score = integrated_brier(event, duration, survival, times=times, **draws)
        without_sensors = np.tile(kaplan_meier(event, duration).at(times), (n, 1))
        reference = integrated_brier(event, duration, without_sensors, times=times, **draws)
        estimates += [score, replace(reference, name="Integrated Brier score, Kaplan-Meier")]
    n_events = int(np.sum(np.asarray(event, dtype=bool)))
    return PrognosticEvaluation(
        tuple(estimates),
        "survival",
        n=n,
        n_events=n_events,
        n_units=_count_units(units, n),
        conditions=f"{n_events} failures seen, {n - n_events} rows censored",
    )


def evaluate_alarms(
    truth: ArrayLike,
    output: ArrayLike,
    policy: AlarmPolicy,
    *,
    units: ArrayLike,
    times: ArrayLike,
    lead: LeadTime = LeadTime(),  # noqa: B008 (frozen)
    costs: AlarmCosts | None = None,
    month: float | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> PrognosticEvaluation:
    """Measure an alarm policy that was chosen on other units.

    Parameters
    ----------
    truth, output, policy, units, times, lead
        As in :func:`domains.manufacturing.prediction.alarms.alarm_outcomes`.
    costs
        Adds the cost per unit.
    month
        Length of a month in the unit of the times; adds the alarms per machine-month.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> truth, risk = [3.0, 2.0, 1.0, np.nan, np.nan], [0.1, 0.8, 0.9, 0.2, 0.3]
    >>> watched = {"units": ["a", "a", "a", "b", "b"], "times": [1, 2, 3, 1, 2]}
    >>> print(evaluate_alarms(truth, risk, AlarmPolicy(0.5), **watched))
    2 units, 5 rows, alarms: risk of at least 0.5; 1 detected, 1 quiet
    Alarm recall         1.0000  (0.0250 to 1.0000)
    Alarm precision      1.0000  (0.0250 to 1.0000)
    Median lead time     2.0000  (nan to nan)
    """
    outcomes = alarm_outcomes(truth, output, policy, units=units, times=times, lead=lead)
    draws: dict[str, Any] = {"n_resamples": n_resamples, "random_state": random_state}
    estimates = [alarm_recall(outcomes), alarm_precision(outcomes), median_lead_time(outcomes, **draws)]
    if month is not None:
        estimates.append(alarms_per_month(outcomes, month=month, **draws))
    if costs is not None:
        estimates.append(cost_per_unit(outcomes, costs, lead=lead, **draws))
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.counts().items() if count)
    return PrognosticEvaluation(
        tuple(estimates),
        "alarms",
        n=len(np.asarray(output)),
        n_events=int(outcomes.failed.sum()),
        threshold=policy.threshold,
        currency="" if costs is None else costs.currency,
        n_units=len(outcomes.units),
        conditions=f"{policy}; {counts}",
    )


def compare_evaluations(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Return one row per model and metric: value, low, high and how they were made.

    Examples
    --------
    >>> rows = {"ours": evaluate_remaining_life([5.0, 9.0], [5.0, 9.0])}
    >>> float(compare_evaluations(rows).loc[("ours", "Root mean squared error"), "value"])
    0.0
    """
    if not evaluations:
        raise ValueError("evaluations must hold at least one model.")
    frames = {name: evaluation.to_frame() for name, evaluation in evaluations.items()}
    return pd.concat(frames, names=["model", "metric"])


def _errors_of(
    y: np.ndarray, predicted: ArrayLike, *, early: float, late: float, draws: dict[str, Any]
) -> list[Estimate]:
    return [
        remaining_life.rmse(y, predicted, **draws),
        remaining_life.mae(y, predicted, **draws),
        remaining_life.bias(y, predicted, **draws),
        remaining_life.nasa_score(y, predicted, early_scale=early, late_scale=late, **draws),
        remaining_life.share_within(y, predicted, early=early, late=late, **draws),
    ]


def _interval_figures(y: np.ndarray, interval: ArrayLike, *, level: float, draws: dict[str, Any]) -> list[Estimate]:
    ends = np.asarray(interval, dtype=np.float64)
    if ends.shape != (len(y), 2):
        raise ValueError(f"interval must have shape ({len(y)}, 2): low and high, got {ends.shape}.")
    low, high = ends.T
    return [
        remaining_life.interval_coverage(y, low, high, **draws),
        remaining_life.interval_width(y, low, high, **draws),
        remaining_life.interval_score(y, low, high, level=level, **draws),
    ]


def _count_units(units: ArrayLike | None, n_rows: int) -> int:
    return n_rows if units is None else len(np.unique(np.asarray(units)))
