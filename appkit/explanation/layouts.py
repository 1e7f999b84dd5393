"""Where players lie in data that is no table: what a plot needs to draw values back onto an image or a series."""

from dataclasses import dataclass

import numpy as np

__all__ = ["HistoryLayout", "ImageLayout", "Layout", "WindowLayout"]


@dataclass(frozen=True)
class ImageLayout:
    """Which segment each pixel belongs to.

    Parameters
    ----------
    images
        ``(n_rows, height, width)`` or ``(n_rows, height, width, n_channels)``, as the user gave them.
    segments
        int64 ``(n_rows, height, width)``: player of each pixel.
    """

    images: np.ndarray
    segments: np.ndarray


@dataclass(frozen=True)
class WindowLayout:
    """Which sensor over which stretch of time each player is: player ``sensor * n_segments + segment``.

    Parameters
    ----------
    series
        float64 ``(n_rows, n_times, n_sensors)``, in the user's units.
    sensors
        Names of the sensors.
    bounds
        int64 ``(n_segments + 1,)``: first time step of each segment, and the end of the last; oldest first.
    """

    series: np.ndarray
    sensors: tuple[str, ...]
    bounds: np.ndarray

    @property
    def n_segments(self) -> int:
        """Stretches of time."""
        return len(self.bounds) - 1


@dataclass(frozen=True)
class HistoryLayout:
    """Which item of a history each player is; rows with shorter histories have fewer players.

    Parameters
    ----------
    items
        object ``(n_rows, n_players)``: the items, oldest first, ``None`` where a row has no such player.
    """

    items: np.ndarray


Layout = ImageLayout | WindowLayout | HistoryLayout
