"""Where players lie in data that is no table: what a plot needs to draw values back onto an image or a series."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Advice", "HistoryLayout", "ImageLayout", "Layout", "WindowLayout"]


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


@dataclass(frozen=True, eq=False)
class Advice:
    """Which advice each row explains, and the item it is held against: the k-th best of the others.

    Of an item on the list that is the item at rank ``k + 1``, so a margin above 0 means that the item is advised.

    Parameters
    ----------
    users, items, rivals
        object ``(n_rows,)``: ids as the user of the model knows them.
    item_names, rival_names
        object ``(n_rows,)``: the same for the reader.
    ranks
        int64 ``(n_rows,)``: place of the item, from 1, among all that may be advised.
    k
        Length of the list.
    filter_seen
        Whether items of the history are left out of the list.
    """

    users: np.ndarray
    items: np.ndarray
    rivals: np.ndarray
    item_names: np.ndarray
    rival_names: np.ndarray
    ranks: np.ndarray
    k: int
    filter_seen: bool

    @property
    def rival_ranks(self) -> np.ndarray:
        """Place of each rival on the list with the item, int64 ``(n_rows,)``: ``k + 1``, or ``k`` before an item below.

        Examples
        --------
        >>> nobody = np.full(2, None)
        >>> Advice(*[nobody] * 5, ranks=np.array([2, 14]), k=10, filter_seen=True).rival_ranks.tolist()
        [11, 10]
        """
        return np.where(self.ranks <= self.k, self.k + 1, self.k)


@dataclass(frozen=True)
class HistoryLayout:
    """Which item of a history each player is; rows with shorter histories have fewer players.

    Parameters
    ----------
    items
        object ``(n_rows, n_players)``: the items, oldest first, ``None`` where a row has no such player.
    ids
        Same shape: their ids as the user of the model knows them, where these are not the items themselves.
    counts
        int64, same shape: how often each item comes in the history, 0 where a row has no such player.
    advice
        What is explained, where it is an item's margin over another.
    """

    items: np.ndarray
    ids: np.ndarray | None = None
    counts: np.ndarray | None = None
    advice: Advice | None = None


Layout = ImageLayout | WindowLayout | HistoryLayout
