"""Read images, however they come, into one array of pixels of one size and depth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from appkit.exceptions import SchemaError

__all__ = ["ImageShape", "Images", "read_images"]


@dataclass(frozen=True)
class ImageShape:
    """What a network is told about the images it sees."""

    n_channels: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Images:
    """Images of one size and depth, decoded.

    Parameters
    ----------
    pixels
        uint8, uint16 or float32, ``(n_images, height, width, n_channels)``. May be a read-only memory map or a view of
        the caller's array: nobody writes to it.
    names
        str ``(n_images,)``: the path as it was given, or ``"image 3"``.

    Examples
    --------
    >>> images = read_images(np.zeros((3, 28, 28), dtype=np.uint8))
    >>> len(images), images.shape, images[1:].names
    (3, ImageShape(n_channels=1, height=28, width=28), array(['image 1', 'image 2'], dtype='<U7'))
    """

    pixels: np.ndarray
    names: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: slice | Sequence[int] | np.ndarray) -> "Images":
        """Return the images at a slice, a bool mask or integer positions."""
        if isinstance(rows, int | np.integer):
            raise TypeError(f"Images must be taken by a slice, a mask or a list, got {rows!r}. Write [{rows!r}].")
        return Images(self.pixels[rows], self.names[rows])

    @property
    def shape(self) -> ImageShape:
        """Channels, height and width of every image."""
        height, width, n_channels = self.pixels.shape[1:]
        return ImageShape(n_channels=n_channels, height=height, width=width)


def read_images(
    X: Any,
    *,
    image: str = "path",
    size: Literal["auto"] | int | tuple[int, int] = "auto",
    channels: Literal["auto"] | int = "auto",
    resize: Literal["pad", "stretch"] = "pad",
    dtype: Any = None,
    cache: Any = None,
    n_workers: int | None = None,
    progress: bool = False,
) -> Images:
    """Return images as one array of pixels."""
    pixels = np.asarray(X)
    if pixels.ndim not in (3, 4):
        raise SchemaError(
            f"An array of images must have 3 or 4 axes (images, height, width, channels), got {pixels.ndim}."
        )
    if pixels.dtype not in (np.uint8, np.uint16):
        pixels = pixels.astype(np.float32)
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    return Images(pixels, np.array([f"image {row}" for row in range(len(pixels))]))
