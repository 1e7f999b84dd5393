"""One window as a table of effects, sensors by stretches of time."""

from dataclasses import dataclass

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.layouts import WindowLayout
from appkit.plots.selection import RowValues

__all__ = ["WindowCells", "window_cells"]


@dataclass(frozen=True)
class WindowCells:
    """Effects of one window.

    Parameters
    ----------
    sensors
        Names of the sensors.
    values, standard_error
        float64 ``(n_sensors, n_segments)``, oldest segment first; errors are NaN where the method gives none.
    bounds
        int64 ``(n_segments + 1,)``: first step of each segment, counted from the end of the window, and 0.
    series
        float64 ``(n_times, n_sensors)``.
    """

    sensors: tuple[str, ...]
    values: np.ndarray
    standard_error: np.ndarray
    bounds: np.ndarray
    series: np.ndarray

    @property
    def totals(self) -> np.ndarray:
        """Sum over the segments of each sensor, float64 ``(n_sensors,)``."""
        return self.values.sum(axis=1)

    @property
    def total_errors(self) -> np.ndarray:
        """Standard errors of the sums, those of the segments taken as independent."""
        return np.sqrt((self.standard_error**2).sum(axis=1))

    def is_told_from_zero(self) -> np.ndarray:
        """Return bool, as the values: beyond two standard errors; any but 0 where there are no errors."""
        return np.abs(self.values) > 2 * np.nan_to_num(self.standard_error)


def window_cells(explanation: Explanation, row: int, own: RowValues) -> WindowCells:
    """Return the effects of a row as a table; ``ValueError`` for an explanation of anything but windows."""
    layout = explanation.layout
    if not isinstance(layout, WindowLayout):
        raise ValueError(f"explanation must have a WindowLayout, got {type(layout).__name__}. Use bar or waterfall.")
    shape = (len(layout.sensors), layout.n_segments)
    values, errors = np.zeros(shape), np.zeros(shape)
    values.flat[own.players], errors.flat[own.players] = own.values, own.standard_error
    return WindowCells(
        sensors=layout.sensors,
        values=values,
        standard_error=errors,
        bounds=np.asarray(layout.bounds) - int(layout.bounds[-1]),
        series=np.asarray(layout.series[row], dtype=np.float64),
    )
