"""Check what images are asked to be brought to: a size, channels, and a depth."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from appkit.data.image_resizing import Frame

__all__ = ["ImageOptions"]

_DTYPES = tuple(np.dtype(name) for name in ("uint8", "uint16", "float32"))
_CHANNEL_WORDS = {"auto": None, "grey": 1, "rgb": 3}
_LONGEST = 224  # pixels: the side that pretrained networks saw; larger images cost time before they gain accuracy
_MIXED = 128


@dataclass(frozen=True)
class ImageOptions:
    """What images are brought to; ``None`` is to be found from the images themselves.

    Examples
    --------
    >>> options = ImageOptions.checked(size="auto", channels="grey", resize="pad", dtype=None)
    >>> options.n_channels, options.frame({(448, 300)})
    (1, Frame(height=224, width=150, resize='pad'))
    """

    size: tuple[int, int] | None
    n_channels: int | None
    resize: Literal["pad", "stretch"]
    dtype: np.dtype | None

    @classmethod
    def checked(cls, *, size: Any, channels: Any, resize: Any, dtype: Any) -> "ImageOptions":
        """Return the options that :func:`~appkit.data.images.read_images` was given.

        Raises
        ------
        ValueError
            Naming the option that means nothing.
        """
        if resize not in ("pad", "stretch"):
            raise ValueError(f"resize must be 'pad' or 'stretch', got {resize!r}.")
        return cls(_checked_size(size), _checked_channels(channels), resize, _checked_dtype(dtype))

    def frame(self, sizes: set[tuple[int, int]]) -> Frame:
        """Return what images of these sizes ``(height, width)`` are brought to."""
        if self.size is not None:
            return Frame(*self.size, self.resize)
        if len(sizes) > 1:
            return Frame(_MIXED, _MIXED, self.resize)
        (height, width) = next(iter(sizes))
        scale = min(1.0, _LONGEST / max(height, width))
        return Frame(max(1, round(height * scale)), max(1, round(width * scale)), self.resize)


def _checked_size(size: Any) -> tuple[int, int] | None:
    if isinstance(size, str) and size == "auto":
        return None
    sides = (size, size) if isinstance(size, int | np.integer) else size
    is_pair = isinstance(sides, tuple | list) and len(sides) == 2
    if not is_pair or not all(isinstance(s, int | np.integer) and not isinstance(s, bool) and s > 0 for s in sides):
        raise ValueError(f"size must be 'auto', a positive number of pixels or (height, width), got {size!r}.")
    return int(sides[0]), int(sides[1])


def _checked_channels(channels: Any) -> int | None:
    if isinstance(channels, str) and channels in _CHANNEL_WORDS:
        return _CHANNEL_WORDS[channels]
    if isinstance(channels, bool) or not isinstance(channels, int | np.integer) or channels < 1:
        raise ValueError(f"channels must be 'auto', 'grey', 'rgb' or a positive number, got {channels!r}.")
    return int(channels)


def _checked_dtype(dtype: Any) -> np.dtype | None:
    if dtype is None or np.dtype(dtype) in _DTYPES:
        return None if dtype is None else np.dtype(dtype)
    raise ValueError(f"dtype must be None, 'uint8', 'uint16' or 'float32', got {dtype!r}.")
