"""What errors cost, and the decision that costs least."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Costs", "bayes_decision", "cost_threshold"]


@dataclass(frozen=True)
class Costs:
    """Cost of each outcome of a yes/no decision, per row.

    Parameters
    ----------
    missed_event
        Cost of an event that raised no alarm: a loan granted that defaults, a failure not foreseen.
    false_alarm
        Cost of an alarm without an event: a good applicant declined, a healthy machine stopped.
    caught_event, correct_pass
        Costs of the two right decisions; negative is a gain.
    currency
        Unit of all four, such as ``"EUR"``; empty where only their ratio is known.

    Examples
    --------
    >>> costs = Costs(missed_event=1900, false_alarm=380, currency="EUR")
    >>> round(costs.threshold, 4)
    0.1667
    >>> costs.of(event=[True, True, False, False], alarm=[True, False, True, False])
    array([   0., 1900.,  380.,    0.])
    """

    missed_event: float
    false_alarm: float
    caught_event: float = 0.0
    correct_pass: float = 0.0
    currency: str = ""

    def __post_init__(self) -> None:
        for name in ("missed_event", "false_alarm", "caught_event", "correct_pass"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be a finite number, got {getattr(self, name)!r}.")
        cost_threshold(
            missed_event=self.missed_event,
            false_alarm=self.false_alarm,
            caught_event=self.caught_event,
            correct_pass=self.correct_pass,
        )

    @property
    def threshold(self) -> float:
        """Probability of the event from which an alarm costs less than silence."""
        return float(
            cost_threshold(
                missed_event=self.missed_event,
                false_alarm=self.false_alarm,
                caught_event=self.caught_event,
                correct_pass=self.correct_pass,
            )
        )

    def of(self, event: ArrayLike, alarm: ArrayLike) -> np.ndarray:
        """Return what each row cost, float64 ``(n_rows,)``, given bool ``event`` and ``alarm``."""
        event, alarm = np.asarray(event, dtype=bool), np.asarray(alarm, dtype=bool)
        if event.shape != alarm.shape:
            raise ValueError(f"event and alarm must have one shape, got {event.shape} and {alarm.shape}.")
        with_event = np.where(alarm, self.caught_event, self.missed_event)
        without_event = np.where(alarm, self.false_alarm, self.correct_pass)
        return np.where(event, with_event, without_event).astype(np.float64)


def cost_threshold(
    *,
    missed_event: ArrayLike,
    false_alarm: ArrayLike,
    caught_event: ArrayLike = 0.0,
    correct_pass: ArrayLike = 0.0,
) -> np.ndarray:
    """Return the probability from which an alarm has the lower expected cost (Elkan, 2001).

    Arguments are numbers, or arrays with one entry per row (a loss that grows with the loan), and broadcast. It holds
    for calibrated probabilities; for others no threshold can be had from costs alone.

    Raises
    ------
    ValueError
        Where a right decision costs as much as the wrong one, so that no alarm, or every alarm, would pay.

    Examples
    --------
    >>> float(cost_threshold(missed_event=5, false_alarm=1).round(4))
    0.1667
    >>> cost_threshold(missed_event=[4.0, 9.0], false_alarm=1.0)
    array([0.2, 0.1])
    """
    of_alarm = np.asarray(false_alarm, dtype=np.float64) - np.asarray(correct_pass, dtype=np.float64)
    of_silence = np.asarray(missed_event, dtype=np.float64) - np.asarray(caught_event, dtype=np.float64)
    if not np.all(of_alarm > 0):
        raise ValueError(f"false_alarm must cost more than correct_pass, got {false_alarm!r} and {correct_pass!r}.")
    if not np.all(of_silence > 0):
        raise ValueError(f"missed_event must cost more than caught_event, got {missed_event!r} and {caught_event!r}.")
    return of_alarm / (of_alarm + of_silence)


def bayes_decision(probabilities: ArrayLike, costs: Costs | ArrayLike) -> np.ndarray:
    """Return where to raise an alarm, bool ``(n_rows,)``: the decision of least expected cost.

    Parameters
    ----------
    probabilities
        Calibrated probabilities of the event, shape (n_rows,).
    costs
        One :class:`Costs` for all rows, or thresholds per row from :func:`cost_threshold`.

    Examples
    --------
    >>> bayes_decision([0.1, 0.2], Costs(missed_event=5, false_alarm=1))
    array([False,  True])
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 1:
        raise ValueError(
            f"probabilities must be those of the event, shape (n_rows,), got {probabilities.shape}; "
            "pass the event's column of predict_proba."
        )
    threshold = costs.threshold if isinstance(costs, Costs) else np.asarray(costs, dtype=np.float64)
    return probabilities >= threshold
