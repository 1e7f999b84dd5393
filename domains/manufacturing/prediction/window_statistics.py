"""Statistics of windows as plain columns: what a practitioner would give to trees or a ridge."""

import numpy as np

from appkit.data.windows import Windows, window_rows

__all__ = ["STATISTICS", "window_feature_names", "window_features"]

STATISTICS = ("last", "mean", "std", "slope", "min", "max")
_READINGS_AT_ONCE = 2**20  # 8 MB per intermediate array


def window_features(windows: Windows, *, use_age: bool = True) -> np.ndarray:
    """Return one row of statistics per window.

    Missing and padded steps are left out; a sensor without a reading in a window gives NaN, a single reading a slope of
    0. Slopes are per unit of time, by least squares, whatever the steps between readings.

    Parameters
    ----------
    windows
        Of :func:`appkit.data.windows.windows_of`.
    use_age
        Whether the last column is the age of the unit at the window's end.

    Returns
    -------
    numpy.ndarray
        float64 ``(n_windows, n_sensors * 6 + 1)`` with the age, statistic by statistic as in :data:`STATISTICS`.

    Examples
    --------
    >>> from appkit.data.series import read_series
    >>> from appkit.data.windows import windows_of
    >>> series = read_series([[[5.0], [1.0], [2.0], [6.0]]], unit="pump", time="hour", sensors=["heat"])
    >>> window_features(windows_of(series, length=3, rows="last"))[0].round(3)
    array([6.  , 3.  , 2.16, 2.5 , 1.  , 6.  , 3.  ])
    """
    n_sensors = len(windows.series.sensors)
    features = np.empty((len(windows), n_sensors * len(STATISTICS) + use_age))
    step = max(1, _READINGS_AT_ONCE // (windows.length * n_sensors))
    for start in range(0, len(windows), step):
        some = windows[start : start + step]
        features[start : start + step, : n_sensors * len(STATISTICS)] = _statistics(some)
    if use_age:
        features[:, -1] = windows.series.age[windows.ends]
    return features


def window_feature_names(sensors: tuple[str, ...], *, use_age: bool = True) -> list[str]:
    """Return the names of the columns of :func:`window_features`.

    Examples
    --------
    >>> window_feature_names(("heat",))[-3:]
    ['heat min', 'heat max', 'age']
    """
    return [f"{sensor} {statistic}" for statistic in STATISTICS for sensor in sensors] + ["age"] * use_age


def _statistics(windows: Windows) -> np.ndarray:
    readings, _ = windows.cut()
    readings = readings.astype(np.float64, copy=False)
    rows, _ = window_rows(windows.ends, windows.starts, windows.length)
    times = (windows.series.time[rows] - windows.series.time[windows.ends][:, None])[:, :, None]
    is_read = ~np.isnan(readings)
    n = is_read.sum(axis=1)
    mean = _ratio(np.where(is_read, readings, 0.0).sum(axis=1), n)
    mean_time = _ratio((is_read * times).sum(axis=1), n)
    away = np.where(is_read, readings - mean[:, None], 0.0)
    apart = np.where(is_read, times - mean_time[:, None], 0.0)
    slope = _ratio((away * apart).sum(axis=1), (apart**2).sum(axis=1))
    slope = np.where(n == 1, 0.0, slope)
    std = np.sqrt(_ratio((away**2).sum(axis=1), n))
    low = np.where(is_read, readings, np.inf).min(axis=1)
    high = np.where(is_read, readings, -np.inf).max(axis=1)
    low, high = (np.where(n > 0, ends, np.nan) for ends in (low, high))
    return np.concatenate([readings[:, -1], mean, std, slope, low, high], axis=1)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the quotient, NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
