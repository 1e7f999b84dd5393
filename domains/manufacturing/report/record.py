"""What a model said along the life of each machine, and when each machine failed, as far as labels tell."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from appkit.data.series import Series
from appkit.reporting import ReportContext
from appkit.reporting.content.subject import SeriesSubject
from appkit.reporting.facts import NotFilled

__all__ = ["LEVEL", "Lives", "Record", "reference_record", "reported_record", "time_unit"]

LEVEL = 0.9  # what intervals of remaining life promise
_SAME = 1e-6  # of the largest time: two labels put the end of a machine at one moment


@dataclass(frozen=True, eq=False)
class Lives:
    """When machines failed.

    Parameters
    ----------
    ends
        Time of failure of each unit of the series, float64 ``(n_units,)``; NaN where it is not known.
    is_watched
        Whether the readings of a unit go on until it fails, bool ``(n_units,)``.
    cut
        Remaining life at which labels are cut, ``None`` where they are not.
    horizon
        Time before the failure from which on labels say that it is near; ``None`` where labels are remaining lives.
    """

    ends: np.ndarray
    is_watched: np.ndarray
    cut: float | None
    horizon: float | None


@dataclass(frozen=True, eq=False)
class Record:
    """Outputs of a series model on all readings, and the labels of the judged ones.

    Parameters
    ----------
    subject
        Model and readings.
    y
        Label or remaining life of each judged window, ``(n_windows,)``; ``None`` where unknown.
    """

    subject: SeriesSubject
    y: np.ndarray | None

    @property
    def series(self) -> Series:
        """All readings."""
        return self.subject.series

    @property
    def judged(self) -> np.ndarray:
        """Rows of the series whose label is known, int64 ``(n_windows,)``."""
        return self.subject.windows.ends

    @property
    def output(self) -> np.ndarray:
        """Output at each row of the series, float64 ``(n_rows,)``."""
        return self.subject.outputs

    @cached_property
    def interval(self) -> np.ndarray | None:
        """Ends of the interval at each row of the series, float64 ``(n_rows, 2)``; ``None`` where there is none."""
        model: Any = self.subject.model
        if self.subject.is_probability or not hasattr(model, "predict_interval"):
            return None
        try:
            ends = model.predict_interval(self.subject.data, alpha=1 - LEVEL)
        except ValueError:  # predict has taken these readings: too few machines were held out in fit
            return None
        return np.asarray(ends, dtype=np.float64)[self.series.order]

    @cached_property
    def lives(self) -> Lives | NotFilled:
        """When machines failed; or why labels do not tell."""
        if self.y is None:
            return _unclear("Nobody said when machines failed")
        if self.subject.is_probability:
            return _lives_by_event(self.series, self.judged, np.asarray(self.y) == self.subject.output)
        cap = getattr(self.subject.model, "cap", None)
        return _lives_by_time_left(self.series, self.judged, np.asarray(self.y, dtype=np.float64), cap=cap)


def reported_record(context: ReportContext) -> Record:
    """Return the record of the rows reported on; the context must be of a series model."""
    assert isinstance(context.subject, SeriesSubject)
    return Record(context.subject, context.y)


def reference_record(context: ReportContext) -> Record | None:
    """Return the record of the training readings, ``None`` where they or their labels were not given."""
    if context.reference_subject is None or context.reference_y is None:
        return None
    return Record(context.reference_subject, context.reference_y)


def time_unit(context: ReportContext) -> str:
    """Return what time is counted in, empty where nobody says: what lives are, where they are predicted."""
    if context.words["unit"]:
        return context.words["unit"]
    assert isinstance(context.subject, SeriesSubject)
    if context.subject.series.is_dated:
        return "days"
    return "" if context.words["step"] == "time" else context.words["steps"]


def _lives_by_time_left(series: Series, rows: np.ndarray, left: np.ndarray, *, cap: float | None) -> Lives | NotFilled:
    """Return ends from remaining lives, which may be cut from above: the latest end a unit's labels name is its own."""
    if not np.isfinite(left).all() or (left < 0).any():
        return _unclear("Some labels are no remaining life: they must not be negative")
    tolerance = _SAME * max(1.0, float(np.abs(series.time).max()))
    units, said = series.units_at(rows), series.time[rows] + left
    ends = np.full(series.n_units, -np.inf)
    np.maximum.at(ends, units, said)
    is_cut = ends[units] - said > tolerance
    cut = None if cap is None or left.max() < cap - tolerance or left.max() > cap + tolerance else float(cap)
    if is_cut.any():
        cut = float(left[is_cut].max())
        if left[is_cut].min() < cut - tolerance or left.max() > cut + tolerance:
            return _unclear("Labels and times of a machine do not add up to one time of failure")
    if cut is not None:  # a life that is cut at the newest label says no end
        known = np.full(series.n_units, False)
        known[units[left < cut - tolerance]] = True
        ends = np.where(known, ends, np.nan)
    ends = np.where(np.isneginf(ends), np.nan, ends)
    last = series.time[series.last_rows]
    if (last > ends + tolerance).any():
        return _unclear("Some machines have readings after their failure: give each life a unit of its own")
    return Lives(ends, ends - last <= _step(series) + tolerance, cut, None)


def _lives_by_event(series: Series, rows: np.ndarray, fails_soon: np.ndarray) -> Lives | NotFilled:
    """Return ends from labels of failures to come: a unit whose labels end with them fails at its last row."""
    units, times = series.units_at(rows), series.time[rows]
    first_alarm, last_quiet = np.full(series.n_units, np.inf), np.full(series.n_units, -np.inf)
    np.minimum.at(first_alarm, units[fails_soon], times[fails_soon])
    np.maximum.at(last_quiet, units[~fails_soon], times[~fails_soon])
    failed = np.isfinite(first_alarm)
    if (last_quiet[failed] > first_alarm[failed]).any():
        return _unclear("Some machines have quiet labels after a failure: give each life a unit of its own")
    last = series.time[series.last_rows]
    if not failed.any():
        return Lives(np.full(series.n_units, np.nan), failed, None, None)
    return Lives(np.where(failed, last, np.nan), failed, None, float((last - first_alarm)[failed].max()))


def _step(series: Series) -> float:
    """Return the usual time from one reading to the next, 0 where no unit has two."""
    steps = np.delete(np.diff(series.time), series.bounds[1:-1] - 1)
    return float(np.median(steps)) if len(steps) else 0.0


def _unclear(why: str) -> NotFilled:
    return NotFilled(item="Times of failure", why=why, fill="remaining lives in the unit of the time", argument="y=")
