"""Windows as tensors, cut out of their series when asked for: 10^7 windows cost one index each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["WindowTensor"]


@dataclass(frozen=True, eq=False)
class WindowTensor:
    """Encoded series and where windows end in them; what training and prediction index like a tensor.

    Parameters
    ----------
    rows
        float32 ``(n_rows + 1, n_channels)``: encoded rows, 1 in the last channel; and one row of zeros, the padding.
    ends
        int64 ``(n_windows,)``: last row of each window.
    starts
        int64 ``(n_windows,)``: first row of its unit; windows reach no further back and are padded there.
    length
        Steps of a window.

    Examples
    --------
    >>> series = torch.tensor([[5.0, 1.0], [6.0, 1.0], [0.0, 0.0]])
    >>> WindowTensor(series, torch.tensor([0, 1]), torch.tensor([0, 0]), 2)[:].tolist()
    [[[0.0, 0.0], [5.0, 1.0]], [[5.0, 1.0], [6.0, 1.0]]]
    """

    rows: Tensor
    ends: Tensor
    starts: Tensor
    length: int

    @property
    def shape(self) -> Sequence[int]:
        """``(n_windows, length, n_channels)``."""
        return len(self.ends), self.length, self.rows.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the series lie."""
        return self.rows.device

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, chosen: Any, /) -> Tensor:
        """Return the chosen windows, float32 ``(n, length, n_channels)``."""
        back = torch.arange(1 - self.length, 1, device=self.device)
        index = self.ends[chosen][:, None] + back
        padding = len(self.rows) - 1
        return self.rows[torch.where(index >= self.starts[chosen][:, None], index, padding)]

    def take(self, chosen: Any) -> "WindowTensor":
        """Return the chosen windows, still uncut."""
        return WindowTensor(self.rows, self.ends[chosen], self.starts[chosen], self.length)

    def to(self, device: Any, /) -> "WindowTensor":
        """Return the same on another device."""
        return WindowTensor(self.rows.to(device), self.ends.to(device), self.starts.to(device), self.length)
