"""Outputs of a model along the life of each unit, arranged so that first alarms of every threshold are at hand."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from domains.manufacturing.prediction.unit_rows import (
    UnitRows,
    as_remaining_life,
    as_rows,
    ends_of_life,
    unit_rows,
)

__all__ = ["Monitoring", "Quantity", "monitor"]

Quantity = Literal["risk", "remaining life"]
"""What a threshold is set on: alarms come at a high risk, or at a short remaining life."""


@dataclass(frozen=True, eq=False)
class Monitoring:
    """What a model said of each unit over time, as the threshold at which it would have sounded so far.

    Parameters
    ----------
    rows
        Rows by unit and time.
    level
        Highest threshold that has sounded by each row, float64 ``(n_rows,)``; minus infinity before ``persistence``
        readings. Remaining life is negated, so that high is always alarming.
    failure_times
        float64 ``(n_units,)``, NaN where no failure was seen.
    sign
        1 for a risk, -1 for remaining life: ``sign * level`` is in the user's terms.
    """

    rows: UnitRows
    level: np.ndarray
    failure_times: np.ndarray
    sign: float

    def first_alarms(self, threshold: float) -> np.ndarray:
        """Return the time of each unit's first alarm at ``threshold``, float64 ``(n_units,)``, NaN where none."""
        is_silent = (self.level < self.sign * threshold) | np.isneginf(self.level)
        silent = np.add.reduceat(is_silent.astype(np.int64), self.rows.bounds[:-1])
        row = self.rows.bounds[:-1] + silent
        sounded = row < self.rows.bounds[1:]
        times = self.rows.times[np.minimum(row, len(self.level) - 1)]
        return np.where(sounded, times, np.nan)

    @property
    def steps(self) -> np.ndarray:
        """Ordered rows at which a threshold sounds that had not before, int64 ``(n_steps,)``."""
        before = np.concatenate([[-np.inf], self.level[:-1]])
        before[self.rows.bounds[:-1]] = -np.inf
        return np.flatnonzero(self.level > before)

    def totals_by_threshold(self, at_steps: np.ndarray, silent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a sum over units at every threshold that makes a difference, the least sensitive first.

        Parameters
        ----------
        at_steps
            What a unit adds if its first alarm is at each of :attr:`steps`, ``(n_steps,)``.
        silent
            What each unit adds without an alarm, ``(n_units,)``.

        Returns
        -------
        thresholds, totals
            float64 ``(n_thresholds,)``, in the user's terms; the first sounds for no unit.
        """
        steps = self.steps
        unit = self.rows.unit_of_row[steps]
        # a falling threshold replaces what the next later step of the unit added, at first its silence
        is_last = np.append(unit[1:] != unit[:-1], True)[: len(unit)]
        replaced = np.where(is_last, silent[unit], np.append(at_steps[1:], 0.0)[: len(unit)])
        falling = np.argsort(-self.level[steps], kind="stable")
        levels = self.level[steps][falling]
        totals = silent.sum() + np.cumsum((at_steps - replaced)[falling])
        ends = np.append(levels[1:] != levels[:-1], True)[: len(levels)]
        return (
            self.sign * np.concatenate([[np.inf], levels[ends]]),
            np.concatenate([[silent.sum()], totals[ends]]),
        )


def monitor(
    truth: ArrayLike | None,
    output: ArrayLike,
    *,
    units: ArrayLike,
    times: ArrayLike,
    on: Quantity,
    persistence: int = 1,
) -> Monitoring:
    """Return the outputs of each unit over time and when it failed.

    Parameters
    ----------
    truth
        True remaining life of each row, not capped, NaN in the rows of units not seen to fail, shape (n_rows,);
        ``None`` where nobody asks about failures.
    output
        Predicted risk or remaining life, shape (n_rows,).
    units, times
        Machine of each row and time in the unit of the truth, shape (n_rows,), rows in any order.
    on
        What ``output`` is.
    persistence
        Consecutive readings that must be beyond a threshold before it sounds.

    Examples
    --------
    >>> watch = monitor(None, [0.1, 0.6, 0.4, 0.7], units=[1, 1, 1, 1], times=[1, 2, 3, 4], on="risk", persistence=2)
    >>> watch.level.tolist(), watch.first_alarms(0.4).tolist()
    ([-inf, 0.1, 0.4, 0.4], [3.0])
    """
    if on not in ("risk", "remaining life"):
        raise ValueError(f"on must be 'risk' or 'remaining life', got {on!r}.")
    if isinstance(persistence, bool) or not isinstance(persistence, int | np.integer) or persistence < 1:
        raise ValueError(f"persistence must be a positive number of readings, got {persistence!r}.")
    rows = unit_rows(units, times)
    sign = 1.0 if on == "risk" else -1.0
    signal = sign * as_rows(output, len(rows.order), name="output")[rows.order]
    failure_times = np.full(rows.n_units, np.nan)
    if truth is not None:
        y = as_remaining_life(truth, may_be_open=True)
        if len(y) != len(signal):
            raise ValueError(f"truth must have one number for each of {len(signal)} rows, got {len(y)}.")
        failure_times = ends_of_life(rows, y[rows.order])
    return Monitoring(rows, _highest_so_far(_lasting(signal, rows, int(persistence)), rows), failure_times, sign)


def _lasting(signal: np.ndarray, rows: UnitRows, persistence: int) -> np.ndarray:
    """Return the least of the last ``persistence`` readings of the unit, minus infinity before there are so many."""
    lasting = signal.copy()
    for back in range(1, min(persistence, len(signal))):
        np.minimum(lasting[back:], signal[:-back], out=lasting[back:])
    place = np.arange(len(signal)) - rows.bounds[rows.unit_of_row]
    lasting[place < persistence - 1] = -np.inf
    return lasting


def _highest_so_far(values: np.ndarray, rows: UnitRows) -> np.ndarray:
    """Return the running maximum within each unit: units are lifted above one another, so that one pass does."""
    levels, rank = np.unique(values, return_inverse=True)
    lift = rows.unit_of_row * len(levels)
    return levels[np.maximum.accumulate(rank + lift) - lift]
