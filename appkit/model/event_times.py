"""Times to an event that some units have not had yet: how they are given, and what is wrong with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["EventTimes", "check_event_times"]

_COLUMNS = ("event", "duration")


@dataclass(frozen=True, eq=False)
class EventTimes:
    """When something happened, or until when it had not.

    Parameters
    ----------
    event
        bool ``(n_rows,)``: whether the event was seen; otherwise the row is censored.
    duration
        float64 ``(n_rows,)``: time to the event, or time it is known not to have come in; not negative.
    """

    event: np.ndarray
    duration: np.ndarray


def check_event_times(y: Any, *, n_rows: int) -> EventTimes:
    """Return event times from a frame with columns ``event`` and ``duration``, an array of two columns, or durations.

    Durations alone mean that every row had the event. A frame whose columns are 0 and 1 counts as an array.

    Raises
    ------
    ValueError
        For a wrong shape, a missing or negative duration, or an event that is neither 0 nor 1, naming the row.

    Examples
    --------
    >>> check_event_times(pd.DataFrame({"event": [True, False], "duration": [3, 8]}), n_rows=2).duration
    array([3., 8.])
    """
    event, duration = _two_columns(y)
    if len(duration) != n_rows:
        raise ValueError(f"y must have one event time per row, got {len(duration)} for {n_rows} rows.")
    rows = y.index if isinstance(y, pd.DataFrame | pd.Series) else pd.RangeIndex(n_rows)
    _refuse(~np.isin(event, (0.0, 1.0)), event, "event must be 0 or 1", rows)
    _refuse(np.isnan(duration), duration, "Each event needs its duration: duration must be a number", rows)
    _refuse(~np.isfinite(duration) | (duration < 0), duration, "duration must be finite and not negative", rows)
    return EventTimes(event.astype(bool), duration)


def _two_columns(y: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(y, pd.DataFrame) and list(y.columns) != [0, 1]:
        missing = [name for name in _COLUMNS if name not in y]
        if missing:
            raise ValueError(f"y must have the columns event and duration, got {list(y.columns)}: no {missing[0]!r}.")
        return tuple(y[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _COLUMNS)  # type: ignore[return-value]
    values = np.asarray(y, dtype=np.float64)
    if values.ndim == 1:
        return np.ones(len(values)), values
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError(f"y must have two columns, event and duration, got shape {values.shape}.")
    return values[:, 0], values[:, 1]


def _refuse(is_wrong: np.ndarray, values: np.ndarray, promise: str, rows: pd.Index) -> None:
    if is_wrong.any():
        first, n_more = int(is_wrong.argmax()), int(is_wrong.sum()) - 1
        more = f" and {n_more:,} more" if n_more else ""
        raise ValueError(f"{promise}, got {values[first]:g} in row {rows[first]}{more}.")
