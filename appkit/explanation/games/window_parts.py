"""Windows that a network reads by linear statistics alone: mixed windows are sums of parts, known beforehand.

Explanations ask about thousands of mixtures of few windows. A statistic of a mixture, a mean say, is the sum over
stretches of time of what each stretch adds to it, taken from the window itself or from what fills it: a few numbers to
choose among, where the window has thousands of readings. Asking costs a fifth.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.games.window_players import WindowPlayers

__all__ = ["WindowParts"]

_MOST_COPIES = 128  # of what fills add: one per stretch and way of padding


class WindowParts:
    """What each stretch of each window adds to each statistic, and who owns it.

    Parameters
    ----------
    network
        An ``OutputModule`` that is linear first.
    rows, fills
        Encoded windows ``(n, n_times, n_channels)``. A mixed window has the padding of its row.
    players
        Who owns which reading.
    sensor_of
        Sensor of each channel, int ``(n_channels,)``.
    """

    def __init__(
        self, network: Any, rows: Tensor, fills: Tensor, *, players: WindowPlayers, sensor_of: np.ndarray
    ) -> None:
        paddings, self._padding = rows[..., -1].unique(dim=0, return_inverse=True)  # (n_paddings, n_times); one a row
        self._rows = _parts(network, rows, players.bounds, real=rows[..., -1])
        filled = [_parts(network, fills, players.bounds, real=real.expand(len(fills), -1)) for real in paddings]
        self._fills = torch.stack(filled)  # (n_paddings, n_fills, n_segments, n_known)
        sensor = sensor_of[network.known_channels.cpu().numpy()]
        n_segments = len(players.bounds) - 1
        owner = players.rows.player_of_column[sensor][None] * n_segments + np.arange(n_segments)[:, None]
        self._owner = torch.as_tensor(owner, device=rows.device)  # (n_segments, n_known)

    def mixed(self, rows: Tensor, references: Tensor, present: Tensor) -> Tensor:
        """Return the statistics of mixed windows, ``(n, n_known)``; arguments as in ``TensorGame.mixed``."""
        is_own = present[:, self._owner.flatten()].view(len(present), *self._owner.shape)
        return torch.where(is_own, self._rows[rows], self._fills[self._padding[rows], references]).sum(1)

    @staticmethod
    def fits(network: Any, rows: Tensor, *, players: WindowPlayers) -> bool:
        """Return whether a network reads such statistics alone, and rows are padded in few enough ways."""
        n_paddings = len(rows[..., -1].sum(1).unique())
        return network.is_linear_first and n_paddings * (len(players.bounds) - 1) <= _MOST_COPIES


def _parts(network: Any, windows: Tensor, bounds: np.ndarray, *, real: Tensor) -> Tensor:
    """Return what each stretch adds to each statistic where steps are ``real``, ``(n, n_segments, n_known)``."""
    parts = []
    for start, end in pairwise(bounds):
        alone = torch.zeros_like(windows)
        alone[:, start:end] = windows[:, start:end]
        alone[..., -1] = real
        parts.append(network.known(alone))
    return torch.stack(parts, dim=1)
