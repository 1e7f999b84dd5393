"""Images as tensors, kept as they were decoded and standardised batch by batch: a byte stays a byte until asked for."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["ImageTensor", "image_tensor"]

_SHARE_OF_MEMORY = 0.5  # of a GPU's free memory that images may take; larger sets stay where they are


@dataclass(frozen=True, eq=False)
class ImageTensor:
    """Decoded images and which of them are meant; what training and prediction index like a tensor.

    Parameters
    ----------
    pixels
        ``(n, height, width, n_channels)``: uint8, float32, or the bits of uint16 as int16, which is all that torch
        knows to index on every device.
    chosen
        int64 ``(n_chosen,)``: positions in ``pixels``.
    centre, scale
        float32 ``(n_channels, 1, 1)``: subtracted, then divided by.

    Examples
    --------
    >>> tensor = image_tensor(np.array([[[[7]]], [[[9]]]], dtype=np.uint8), centre=(8.0,), scale=(2.0,))
    >>> tensor[:].flatten().tolist(), tensor.shape
    ([-0.5, 0.5], (2, 1, 1, 1))
    """

    pixels: Tensor
    chosen: Tensor
    centre: Tensor
    scale: Tensor

    @property
    def shape(self) -> Sequence[int]:
        """``(n_chosen, n_channels, height, width)``."""
        _, height, width, n_channels = self.pixels.shape
        return len(self.chosen), n_channels, height, width

    @property
    def device(self) -> torch.device:
        """Where batches come out."""
        return self.centre.device

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, rows: Any, /) -> Tensor:
        """Return the chosen images, float32 ``(n, n_channels, height, width)``, channels last in memory."""
        pixels = self.pixels[self.chosen[rows].to(self.pixels.device)].to(self.device, non_blocking=True)
        if pixels.dtype == torch.int16:
            pixels = pixels.int() & 0xFFFF
        return (pixels.permute(0, 3, 1, 2).float() - self.centre) / self.scale

    def take(self, rows: Any) -> "ImageTensor":
        """Return the chosen images, still bytes, not copied."""
        return replace(self, chosen=self.chosen[rows])

    def to(self, device: Any, /) -> "ImageTensor":
        """Return the same on another device; a set too large for it stays in place and is sent batch by batch."""
        moved = {name: getattr(self, name).to(device) for name in ("chosen", "centre", "scale")}
        return replace(self, pixels=self.pixels.to(device) if _fits(self.pixels, device) else self.pixels, **moved)


def image_tensor(pixels: np.ndarray, *, centre: Sequence[float], scale: Sequence[float]) -> ImageTensor:
    """Return uint8, uint16 or float32 ``(n, height, width, n_channels)`` as a tensor on the CPU, not copied."""
    bits = pixels.view(np.int16) if pixels.dtype == np.uint16 else pixels
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # it is only read
        tensor = torch.from_numpy(bits)
    numbers = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in (centre, scale))
    return ImageTensor(tensor, torch.arange(len(pixels)), *numbers)


def _fits(pixels: Tensor, device: Any) -> bool:
    if torch.device(device).type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return pixels.nbytes < _SHARE_OF_MEMORY * free
