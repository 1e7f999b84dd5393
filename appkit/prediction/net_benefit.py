"""What acting on a model gains over acting on everybody or on nobody, in events caught per row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_outcomes, as_probabilities
from appkit.prediction.intervals import mean_estimate

__all__ = ["DecisionCurve", "decision_curve", "net_benefit"]


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit by threshold; arrays of shape (n_thresholds,).

    Parameters
    ----------
    threshold
        Probability of the event from which one acts.
    net_benefit, low, high
        Of acting on the model, with a pointwise 95 % interval.
    act_on_all
        Of acting on every row; acting on none has 0.
    """

    threshold: np.ndarray
    net_benefit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    act_on_all: np.ndarray


def net_benefit(
    y: ArrayLike, p: ArrayLike, *, threshold: float, groups: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Return the share of events caught less the share of false alarms, weighed as the threshold says.

    Acting from a probability ``t`` on says that a false alarm costs ``t / (1 - t)`` of what an event caught gains
    (Vickers and Elkin, 2006). It holds for the share of events in these very rows.

    Parameters
    ----------
    y, p
        Events, and their probabilities, shape (n_rows,).
    threshold
        Strictly between 0 and 1.
    groups
        Rows that go together, shape (n_rows,).
    level
        Coverage the interval aims at.

    Examples
    --------
    >>> net_benefit([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8], threshold=0.5).value
    0.0
    >>> print(net_benefit([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8], threshold=0.2))
    Net benefit 0.438 (-0.207 to 1.000)
    """
    outcomes = as_outcomes(y)
    alarm = as_probabilities(p, len(outcomes)) >= _checked(threshold)
    return _mean_gain(outcomes, alarm, threshold, groups=groups, level=level)


def decision_curve(
    y: ArrayLike, p: ArrayLike, *, thresholds: ArrayLike | None = None, groups: ArrayLike | None = None
) -> DecisionCurve:
    """Return the net benefit of a model over a range of thresholds, 0.01 to 0.99 by default.

    Examples
    --------
    >>> curve = decision_curve([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8], thresholds=[0.2, 0.5])
    >>> curve.net_benefit, curve.act_on_all
    (array([0.4375, 0.    ]), array([0.375, 0.   ]))
    """
    outcomes = as_outcomes(y)
    p = as_probabilities(p, len(outcomes))
    grid = np.linspace(0.01, 0.99, 99) if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    figures = [_mean_gain(outcomes, p >= _checked(t), float(t), groups=groups) for t in grid]
    value, low, high = (np.array([getattr(figure, end) for figure in figures]) for end in ("value", "low", "high"))
    share = outcomes.mean()
    return DecisionCurve(grid, value, low, high, share - (1 - share) * grid / (1 - grid))


def _mean_gain(
    y: np.ndarray, alarm: np.ndarray, threshold: float, *, groups: ArrayLike | None, level: float = 0.95
) -> Estimate:
    odds = threshold / (1 - threshold)
    gain = np.where(y, 1.0, -odds) * alarm
    return mean_estimate("Net benefit", gain, groups=groups, bounds=(-odds, 1.0), level=level)


def _checked(threshold: float) -> float:
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must be a probability strictly between 0 and 1, got {threshold!r}.")
    return float(threshold)
