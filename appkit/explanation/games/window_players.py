"""Players of sensor windows: one sensor, or group of sensors, over one stretch of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.games.players import TablePlayers
from appkit.explanation.layouts import WindowLayout

__all__ = ["DEFAULT_STRETCHES", "WindowPlayers"]

DEFAULT_STRETCHES = 6


@dataclass(frozen=True)
class WindowPlayers:
    """Who owns which reading of a window: player ``row * n_segments + segment``.

    Parameters
    ----------
    rows
        Sensors, or groups of them.
    bounds
        int64 ``(n_segments + 1,)``: first step of each stretch, and the end of the last.

    Examples
    --------
    >>> WindowPlayers.of(4, ["heat", "speed"], n_segments=2).names
    ('heat, steps 0-1', 'heat, steps 2-3', 'speed, steps 0-1', 'speed, steps 2-3')
    >>> WindowPlayers.of(4, ["heat", "speed"], n_segments=1).names
    ('heat', 'speed')
    """

    rows: TablePlayers
    bounds: np.ndarray

    @classmethod
    def of(
        cls,
        n_times: int,
        sensors: Sequence[str],
        *,
        n_segments: int | None = None,
        segment_bounds: Sequence[int] | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> "WindowPlayers":
        """Return the players of windows of ``n_times`` steps; ``n_segments=None`` means six stretches, or fewer steps.

        Raises
        ------
        ValueError
            If stretches or groups do not fit.
        """
        bounds = _checked_bounds(n_times, n_segments=n_segments, segment_bounds=segment_bounds)
        return cls(_grouped(list(sensors), groups), bounds)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the players; a stretch that is the whole window goes unsaid."""
        if len(self.bounds) == 2:
            return self.rows.names
        return tuple(f"{name}, {_steps(*ends)}" for name in self.rows.names for ends in pairwise(self.bounds))

    @property
    def owner(self) -> np.ndarray:
        """Player of each reading, int64 ``(n_times, n_sensors)``."""
        stretch = np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))
        return self.rows.player_of_column[None, :] * (len(self.bounds) - 1) + stretch[:, None]

    def owners(self, padding: np.ndarray) -> np.ndarray:
        """Return the player of each reading of each window, int64 ``(n, n_times, n_sensors)``; -1 where padded."""
        return np.where(padding[..., None], -1, self.owner)

    def shown(self, windows: np.ndarray, padding: np.ndarray | None = None) -> np.ndarray:
        """Return the mean of each player's readings, object ``(n, n_players)``."""
        owners = np.broadcast_to(self.owner, windows.shape) if padding is None else self.owners(padding)
        return _mean_readings(windows, owners, n_players=len(self.names)).astype(object)

    def layout(self, windows: np.ndarray) -> WindowLayout:
        """Return where the players lie in these windows."""
        return WindowLayout(series=_by_group(windows, self.rows), sensors=self.rows.names, bounds=self.bounds)

    def reference_features(self, background: np.ndarray) -> Tensor:
        """Return each player's mean in each background window, one that is missing at the mean of the others."""
        owners = np.broadcast_to(self.owner, background.shape)
        means = _mean_readings(background, owners, n_players=len(self.names))
        known = ~np.isnan(means)
        typical = np.where(known, means, 0.0).sum(0) / known.sum(0).clip(min=1)
        return torch.as_tensor(np.where(known, means, typical))


def _checked_bounds(n_times: int, *, n_segments: int | None, segment_bounds: Sequence[int] | None) -> np.ndarray:
    if segment_bounds is None:
        wanted = min(DEFAULT_STRETCHES, n_times) if n_segments is None else n_segments
        if isinstance(wanted, bool) or not isinstance(wanted, (int, np.integer)) or not 1 <= wanted <= n_times:
            raise ValueError(f"n_segments must be an integer from 1 to the {n_times} steps, got {n_segments!r}.")
        return np.arange(wanted + 1) * n_times // wanted
    if n_segments is not None:
        raise ValueError(f"Give n_segments or segment_bounds, not both, got {n_segments!r} and {segment_bounds!r}.")
    bounds = np.asarray(segment_bounds)
    is_whole = bounds.ndim == 1 and bounds.dtype.kind in "ui" and len(bounds) > 1
    if not is_whole or bounds[0] != 0 or bounds[-1] != n_times or (np.diff(bounds.astype(np.int64)) < 1).any():
        raise ValueError(f"segment_bounds must rise from 0 to the {n_times} steps, got {segment_bounds!r}.")
    return bounds.astype(np.int64)


def _grouped(sensors: list[str], groups: Mapping[str, Sequence[str]] | None) -> TablePlayers:
    try:
        return TablePlayers.of(sensors, groups)
    except ValueError as error:
        raise ValueError(f"sensor_groups must group sensors among {sensors}, each in one group: {error}") from error


def _steps(start: int, end: int) -> str:
    return f"step {start}" if end - start == 1 else f"steps {start}-{end - 1}"


def _mean_readings(series: np.ndarray, owners: np.ndarray, *, n_players: int) -> np.ndarray:
    """Return the mean of each player's readings that are there, float64 ``(n, n_players)``; NaN where none is."""
    means = np.full((len(series), n_players), np.nan)
    for row, (readings, owner) in enumerate(zip(series.astype(np.float64), owners, strict=True)):
        known = ~np.isnan(readings) & (owner >= 0)
        count = np.bincount(owner[known], minlength=n_players)
        total = np.bincount(owner[known], weights=readings[known], minlength=n_players)
        means[row, count > 0] = total[count > 0] / count[count > 0]
    return means


def _by_group(windows: np.ndarray, rows: TablePlayers) -> np.ndarray:
    """Return float64 ``(n_windows, n_times, n_rows)``: each sensor, or the mean of each group's."""
    members = [rows.player_of_column == row for row in range(len(rows.names))]
    return np.stack([windows[..., own].astype(np.float64).mean(-1) for own in members], axis=-1)
