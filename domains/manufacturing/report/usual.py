"""What sensors show of late, and what they usually show in the operating conditions they were run in."""

from typing import Any

import numpy as np

from appkit.data.windows import Windows, window_rows
from appkit.reporting import ReportContext

__all__ = ["LATE_STEPS", "late_readings", "usual_readings"]

LATE_STEPS = 10


def late_readings(context: ReportContext, windows: Windows) -> np.ndarray:
    """Return each sensor's mean over the last steps of each window, float64 ``(n_windows, n_sensors)``; age the newest.

    The last ten steps: long windows have seen healthy times, whose mean would hide what a machine shows now.
    """
    model: Any = context.model
    readings = model.readings(windows)[0]
    late = np.stack([_means(window[-LATE_STEPS:]) for window in readings])
    if model.layout_.age is not None:
        late[:, -1] = readings[:, -1, -1]
    return late


def usual_readings(context: ReportContext, windows: Windows) -> np.ndarray:
    """Return the usual reading beside each window's late one, float64 ``(n_windows, n_sensors)``.

    A pump at full load shakes more than an idle one, and models judge readings within their operating condition. So
    each late step of a window is held against the background's mean in the same condition, and settings themselves,
    like conditions the background never saw, against its mean in all of them.
    """
    model: Any = context.model
    rows = context.background.rows
    usual = model.background_readings_ if rows is None else model.readings(rows)[0]
    steps = usual.reshape(-1, usual.shape[-1])
    overall = _means(steps)
    if model.layout_.age is not None:
        overall[-1] = np.nanmean(usual[:, -1, -1])
    settings = _setting_places(model)
    if not settings:
        return np.tile(overall, (len(windows), 1))
    conditions = model.encoder_.conditions_
    codes = conditions.codes(steps[:, settings])
    by_condition = np.stack([_means(steps[codes == code]) for code in range(conditions.n_conditions_)])
    by_condition = np.where(np.isnan(by_condition), overall, by_condition)
    by_condition[:, settings] = overall[settings]
    if model.layout_.age is not None:
        by_condition[:, -1] = overall[-1]
    return _shares_of_conditions(model, windows) @ by_condition


def _shares_of_conditions(model: Any, windows: Windows) -> np.ndarray:
    """Return the share of each window's late steps run in each condition, float64 ``(n_windows, n_conditions)``."""
    codes = model.encoder_.condition_codes(windows.series)
    rows, padding = window_rows(windows.ends, windows.starts, min(LATE_STEPS, windows.length))
    n_conditions = model.encoder_.conditions_.n_conditions_
    is_run = (codes[rows][..., None] == np.arange(n_conditions)) & ~padding[..., None]
    return is_run.sum(axis=1) / (~padding).sum(axis=1, keepdims=True)


def _setting_places(model: Any) -> list[int]:
    """Return where the settings stand among the sensors; none where one of them is not read, such as a constant."""
    conditions = getattr(model.encoder_, "conditions_", None)
    names = () if conditions is None else tuple(conditions.columns)
    sensors = model.layout_.sensors
    return [sensors.index(name) for name in names] if all(name in sensors for name in names) else []


def _means(steps: np.ndarray) -> np.ndarray:
    """Return the mean of each sensor's known readings, NaN where there are none."""
    known = ~np.isnan(steps)
    count = known.sum(axis=0)
    total = np.where(known, steps, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
