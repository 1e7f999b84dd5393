"""Kaplan and Meier's curves of failures and of censorings, and the sums over time that they share with metrics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from appkit.prediction.inputs import as_outcomes

__all__ = [
    "SurvivalCurve",
    "SurvivalRows",
    "as_event_and_duration",
    "censoring_curve",
    "cumulated",
    "kaplan_meier",
]


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """A share that is still there, as it falls with time.

    Parameters
    ----------
    times
        Where the curve may fall, float64 ``(n_times,)``, ascending: the distinct durations.
    survival
        Share left just after each of them, float64 ``(n_times,)``.
    low, high
        Pointwise interval by Greenwood's variance on the log-minus-log scale, which stays within [0, 1]
        (Kalbfleisch and Prentice, 1980); NaN where the share is 1 or 0 and the variance says nothing.
    at_risk, events
        Rows watched up to each time, and those that left there, float64 ``(n_times,)``.
    level
        Coverage the intervals aim at.
    """

    times: np.ndarray
    survival: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    level: float = 0.95

    def at(self, times: ArrayLike, *, just_before: bool = False) -> np.ndarray:
        """Return the share left after (or ``just_before``) each of ``times``: 1 before the first fall.

        Beyond the last duration the curve is carried on; nothing is known there unless it is 0.
        """
        place = np.searchsorted(self.times, times, side="left" if just_before else "right")
        return np.concatenate([[1.0], self.survival])[place]


def kaplan_meier(event: ArrayLike, duration: ArrayLike, *, level: float = 0.95) -> SurvivalCurve:
    """Return the share of units still running over time (Kaplan and Meier, 1958).

    Parameters
    ----------
    event
        Whether the failure was seen, bool or 0 and 1, shape (n_rows,).
    duration
        How long each row was watched, shape (n_rows,), not negative.
    level
        Coverage the pointwise intervals aim at.

    Examples
    --------
    >>> curve = kaplan_meier([1, 0, 1, 1], [2.0, 3.0, 5.0, 8.0])
    >>> curve.survival
    array([0.75 , 0.75 , 0.375, 0.   ])
    >>> curve.at([1.0, 5.0]), curve.at([5.0], just_before=True)
    (array([1.   , 0.375]), array([0.75]))
    """
    rows = SurvivalRows(event, duration)
    at_risk, events, _ = rows.tallies(np.ones((1, rows.n)))
    return _curve(rows.times, at_risk[0], events[0], level=level)


def censoring_curve(event: ArrayLike, duration: ArrayLike, *, level: float = 0.95) -> SurvivalCurve:
    """Return the share of units not yet censored over time: :func:`kaplan_meier` with the parts exchanged.

    Units that fail at a duration have left before those censored at it.

    Examples
    --------
    >>> censoring_curve([1, 0, 1, 1], [2.0, 3.0, 5.0, 8.0]).survival.round(3)
    array([1.   , 0.667, 0.667, 0.667])
    """
    rows = SurvivalRows(event, duration)
    at_risk, events, censored = rows.tallies(np.ones((1, rows.n)))
    return _curve(rows.times, (at_risk - events)[0], censored[0], level=level)


def as_event_and_duration(event: ArrayLike, duration: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return checked outcomes: bool ``(n_rows,)``, and finite float64 ``(n_rows,)`` that is not negative."""
    events = as_outcomes(event, both=False)
    shape = np.shape(duration)
    if shape != events.shape:
        raise ValueError(f"duration must have one entry for each of {len(events)} events, got shape {shape}.")
    durations = np.asarray(duration, dtype=np.float64)
    unknown = np.flatnonzero(~np.isfinite(durations))
    if len(unknown):
        row = int(unknown[0])
        what = "an event without a duration" if events[row] else "a censored row without a duration"
        raise ValueError(
            f"duration must be known in every row, got {what} (row {row}; {len(unknown)} in all). "
            "Give the time of the failure, or the time last seen with event 0."
        )
    if durations.min() < 0:
        row = int(np.flatnonzero(durations < 0)[0])
        raise ValueError(f"duration must not be negative, got {durations[row]:g} in row {row}.")
    return events, durations


class SurvivalRows:
    """Outcomes put in order of time, events first at ties, so that resamples only need cumulated counts."""

    def __init__(self, event: ArrayLike, duration: ArrayLike) -> None:
        self.event, self.duration = as_event_and_duration(event, duration)
        self.n = len(self.event)
        self.order = np.lexsort((~self.event, self.duration))
        self.times, self.code = np.unique(self.duration, return_inverse=True)  # code: place of a row among the times
        n_at, n_events = np.bincount(self.code), np.bincount(self.code, weights=self.event).astype(np.int64)
        # rows, in order, before each time, up to its events and up to its censorings
        self.end = np.cumsum(n_at)
        self.start = self.end - n_at
        self.middle = self.start + n_events

    def tallies(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows at risk, events and censorings at each time, ``(n_resamples, n_times)``."""
        seen = cumulated(counts[:, self.order])
        start, middle, end = seen[:, self.start], seen[:, self.middle], seen[:, self.end]
        return seen[:, -1:] - start, middle - start, end - middle

    def uncensored(self, counts: np.ndarray) -> np.ndarray:
        """Return the censoring curve before the first and after each time, ``(n_resamples, 1 + n_times)``."""
        at_risk, events, censored = self.tallies(counts)
        ones = np.ones((len(counts), 1))
        return np.concatenate([ones, _product(at_risk - events, censored)], axis=1)


def _curve(times: np.ndarray, at_risk: np.ndarray, events: np.ndarray, *, level: float) -> SurvivalCurve:
    survival = _product(at_risk, events)
    inner = (survival > 0) & (survival < 1)
    left = at_risk - events
    terms = np.divide(events, at_risk * left, out=np.zeros_like(survival), where=left > 0)
    log_survival = np.log(survival, out=np.full_like(survival, np.nan), where=inner)
    error = np.sqrt(np.cumsum(terms)) / np.abs(log_survival)
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    known = np.where(inner, survival, np.nan)  # 1 to whatever power is 1
    low, high = known ** np.exp(half), known ** np.exp(-half)
    return SurvivalCurve(times, survival, low, high, at_risk, events, level)


def _product(at_risk: np.ndarray, leaving: np.ndarray) -> np.ndarray:
    """Return the product-limit estimate along the last axis; nobody at risk leaves it as it is."""
    share = np.divide(leaving, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    return np.cumprod(1 - share, axis=-1)


def cumulated(counts: np.ndarray) -> np.ndarray:
    """Return sums of the first 0, 1, ..., n columns, ``(n_resamples, n + 1)``."""
    sums = np.zeros((counts.shape[0], counts.shape[1] + 1))
    np.cumsum(counts, axis=1, out=sums[:, 1:])
    return sums
