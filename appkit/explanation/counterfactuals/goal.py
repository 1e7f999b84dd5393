"""Which outputs count as the decision that is wanted, row by row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

__all__ = ["ClassGoal", "EventGoal", "Goal", "ValueGoal", "goal_of"]


class Goal(Protocol):
    """What each row is to reach; arrays of the dataclasses below have one entry per row, ``(n_rows,)``."""

    def margin(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return how far ``outputs`` ``(n, n_outputs)`` of ``rows`` ``(n,)`` are past the goal, below 0 before it."""

    def is_reached(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return whether the wanted decision is made, bool ``(n,)``."""

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        """Return what is decided at these outputs, object ``(n,)``: labels, or the values themselves."""

    def helpful_signs(self, n_rows: int) -> np.ndarray:
        """Return where the first output must go, ``(n_rows,)``: 1 up, -1 down, 0 where that is not known."""

    def words(self, row: int) -> str:
        """Return what the row is to reach."""


@dataclass(frozen=True)
class EventGoal:
    """The other side of a threshold on the probability of an event."""

    labels: tuple[Any, Any]  # without and with the event
    threshold: float
    is_event_at_threshold: bool
    wants_event: np.ndarray

    def margin(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        past = outputs[:, 0] - self.threshold
        return np.where(self.wants_event[rows], past, -past)

    def is_reached(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self._is_event(outputs) == self.wants_event[rows]

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        return _objects(self.labels)[self._is_event(outputs).astype(np.int64)]

    def helpful_signs(self, n_rows: int) -> np.ndarray:
        return np.where(self.wants_event, 1, -1)

    def words(self, row: int) -> str:
        side = "at least" if self.is_event_at_threshold else "more than"
        other = "less than" if self.is_event_at_threshold else "at most"
        wants = bool(self.wants_event[row])
        event, wanted = self.labels[1], self.labels[int(wants)]
        return f"{wanted!r}, a probability of {event!r} of {side if wants else other} {self.threshold:.4g}"

    def _is_event(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0] >= self.threshold if self.is_event_at_threshold else outputs[:, 0] > self.threshold


@dataclass(frozen=True)
class ClassGoal:
    """One class among several as the most probable, or any but the present one."""

    labels: tuple[Any, ...]
    wanted: np.ndarray  # position in labels; -1 for any but ``today``
    today: np.ndarray

    def margin(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        is_open = self.wanted[rows] < 0
        column = np.where(is_open, self.today[rows], self.wanted[rows])[:, None]
        own = np.take_along_axis(outputs, column, axis=1)[:, 0]
        others = outputs.copy()
        np.put_along_axis(others, column, -np.inf, axis=1)
        ahead = own - others.max(axis=1)
        return np.where(is_open, -ahead, ahead)

    def is_reached(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        winner = outputs.argmax(axis=1)
        return np.where(self.wanted[rows] < 0, winner != self.today[rows], winner == self.wanted[rows])

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        return _objects(self.labels)[outputs.argmax(axis=1)]

    def helpful_signs(self, n_rows: int) -> np.ndarray:
        return np.zeros(n_rows, dtype=np.int64)

    def words(self, row: int) -> str:
        if self.wanted[row] < 0:
            return f"a class other than {self.labels[self.today[row]]!r}"
        return f"{self.labels[self.wanted[row]]!r} as the most probable class"


@dataclass(frozen=True)
class ValueGoal:
    """A value within limits; infinite where open."""

    low: np.ndarray
    high: np.ndarray
    signs: np.ndarray

    def margin(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.minimum(outputs[:, 0] - self.low[rows], self.high[rows] - outputs[:, 0])

    def is_reached(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self.margin(outputs, rows) >= 0

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0].astype(object)

    def helpful_signs(self, n_rows: int) -> np.ndarray:
        return self.signs

    def words(self, row: int) -> str:
        low, high = self.low[row], self.high[row]
        if np.isinf(high):
            return f"at least {low:.4g}"
        return f"at most {high:.4g}" if np.isinf(low) else f"{low:.4g} to {high:.4g}"


def goal_of(model: Any, outputs: np.ndarray, *, desired: Any, threshold: float | None) -> Goal:
    """Return the goal of rows whose ``outputs`` are ``(n_rows, n_outputs)``.

    Parameters
    ----------
    model
        Fitted classifier, regressor or function.
    outputs
        Probabilities (of the event alone where there are two classes) or values.
    desired
        Label to reach, ``None`` for any other than the present one; for values a number to reach from where the row
        lies, or a pair ``(lowest, highest)`` with ``None`` for an open end.
    threshold
        Probability from which the event is decided; ``None`` takes ``model.threshold_``, else the more probable class.
    """
    if not hasattr(model, "classes_"):
        return _value_goal(outputs, desired, threshold)
    labels = tuple(np.asarray(model.classes_).tolist())
    if desired is not None and desired not in labels:
        raise ValueError(f"desired must be one of the classes {labels}, got {desired!r}.")
    if len(labels) == 2:
        return _event_goal(model, outputs, labels, desired=desired, threshold=threshold)
    if threshold is not None:
        raise ValueError(f"threshold needs two classes, got {len(labels)}: {labels[:5]}.")
    today = outputs.argmax(axis=1)
    wanted = np.full(len(outputs), -1 if desired is None else labels.index(desired))
    return ClassGoal(labels, wanted, today)


def _event_goal(
    model: Any, outputs: np.ndarray, labels: tuple[Any, ...], *, desired: Any, threshold: float | None
) -> EventGoal:
    if threshold is not None and not 0 < threshold < 1:
        raise ValueError(f"threshold must lie strictly between 0 and 1, got {threshold!r}.")
    own = getattr(model, "threshold_", None) if threshold is None else threshold
    place = int(getattr(model, "event_index_", 1))
    goal = EventGoal(
        labels=(labels[1 - place], labels[place]),
        threshold=0.5 if own is None else float(own),
        is_event_at_threshold=own is not None,  # of two equally probable classes argmax takes the first
        wants_event=np.zeros(len(outputs), dtype=bool),
    )
    is_event = goal.decisions(outputs) == labels[place]
    wants = ~is_event if desired is None else np.full(len(outputs), desired == labels[place])
    return EventGoal(goal.labels, goal.threshold, goal.is_event_at_threshold, wants)


def _value_goal(outputs: np.ndarray, desired: Any, threshold: float | None) -> ValueGoal:
    if threshold is not None:
        raise ValueError("threshold is for classifiers; a value to reach goes into desired.")
    if isinstance(desired, Mapping) or desired is None or isinstance(desired, str):
        raise ValueError(f"desired must be the value to reach or a pair (lowest, highest), got {desired!r}.")
    if outputs.shape[1] != 1:
        raise ValueError(f"A value to reach needs a model with one output, got {outputs.shape[1]}.")
    value = outputs[:, 0]
    if np.ndim(desired) == 0:
        low = np.where(value <= float(desired), float(desired), -np.inf)
        high = np.where(value > float(desired), float(desired), np.inf)
    else:
        low, high = (np.full(len(value), end, dtype=np.float64) for end in _ends(desired))
    return ValueGoal(low, high, (value < low).astype(np.int64) - (value > high))


def _ends(desired: Any) -> tuple[float, float]:
    if len(desired) != 2 or all(end is None for end in desired):
        raise ValueError(f"desired must be a pair (lowest, highest) with at most one None, got {desired!r}.")
    low = -np.inf if desired[0] is None else float(desired[0])
    high = np.inf if desired[1] is None else float(desired[1])
    if not low <= high:
        raise ValueError(f"desired must run from the lowest to the highest value, got {desired!r}.")
    return low, high


def _objects(labels: tuple[Any, ...]) -> np.ndarray:
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array
