"""Bring one picture to a size and a number of channels: scaled with antialiasing, on black borders or stretched."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from appkit.exceptions import SchemaError

__all__ = ["Frame", "has_colour", "luma", "resized", "with_channels"]

_GREEN, _BLUE = np.float32(0.587), np.float32(0.114)  # of brightness, by ITU-R BT.601 as in JPEG; red has the rest
_SPREAD = 1 / 8  # of the range: channels of a pixel with colour are further apart; JPEG's noise stays below
_SHARE = 0.05  # of the pixels with colour; arrows and watermarks stay below


@dataclass(frozen=True)
class Frame:
    """The size that pictures are brought to, and how those of other proportions get there.

    Examples
    --------
    >>> frame = Frame(2, 4, "pad")
    >>> frame.padded(frame.scaled(np.full((3, 3, 1), 9, dtype=np.uint8)))[..., 0]
    array([[0, 9, 9, 0],
           [0, 9, 9, 0]], dtype=uint8)
    """

    height: int
    width: int
    resize: Literal["pad", "stretch"] = "pad"

    def content_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width that a picture of this size has within the frame."""
        if self.resize == "stretch":
            return self.height, self.width
        scale = min(self.height / height, self.width / width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def scaled(self, pixels: np.ndarray) -> np.ndarray:
        """Return one picture ``(h, w, c)`` at the size it has within the frame."""
        return resized(pixels, *self.content_size(*pixels.shape[:2]))

    def padded(self, content: np.ndarray) -> np.ndarray:
        """Return a scaled picture in the middle of the frame, ``(height, width, c)``, what is around it 0."""
        height, width, n_channels = content.shape
        if (height, width) == (self.height, self.width):
            return content
        canvas = np.zeros((self.height, self.width, n_channels), dtype=content.dtype)
        top, left = (self.height - height) // 2, (self.width - width) // 2
        canvas[top : top + height, left : left + width] = content
        return canvas


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return one picture scaled, by a triangle over all pixels it covers (Pillow's bilinear filter): never overshoots.

    Parameters
    ----------
    pixels
        uint8, uint16 or float32, ``(h, w, n_channels)``. A picture of the right size is returned as it is.
    height, width
        Wanted size in pixels.

    Returns
    -------
    numpy.ndarray
        ``(height, width, n_channels)`` of the same dtype; integers rounded to nearest.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        return np.asarray(_scaled(pixels, height, width))
    planes = [_resized_plane(pixels[..., channel], height, width) for channel in range(pixels.shape[2])]
    return np.stack(planes, axis=-1)


def _resized_plane(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    if plane.dtype != np.uint16:
        return np.asarray(_scaled(plane, height, width))
    # by way of 32-bit floats, which hold 16 bits exactly
    scaled = np.asarray(_scaled(plane.astype(np.float32), height, width))
    return np.clip(np.rint(scaled), 0, 65_535).astype(np.uint16)


def _scaled(pixels: np.ndarray, height: int, width: int) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), Image.Resampling.BILINEAR)


def with_channels(pixels: np.ndarray, n_channels: int, *, name: str) -> np.ndarray:
    """Return pictures ``(..., c)`` with so many channels: grey is repeated for colour, colour becomes its brightness.

    Raises
    ------
    SchemaError
        If neither number is 1 beside a 3.
    """
    given = pixels.shape[-1]
    if given == n_channels:
        return pixels
    if (given, n_channels) == (1, 3):
        return np.repeat(pixels, 3, axis=-1)
    if (given, n_channels) == (3, 1):
        return luma(pixels)
    raise SchemaError(f"{name} must have {n_channels} channels, got {given}. Give images with the same channels.")


def luma(pixels: np.ndarray) -> np.ndarray:
    """Return the brightness of pictures with 3 channels, ``(..., 1)`` of the same dtype.

    Examples
    --------
    >>> luma(np.array([[200, 100, 50]], dtype=np.uint8))
    array([[124]], dtype=uint8)
    """
    red, green, blue = (pixels[..., channel].astype(np.float32) for channel in range(3))
    # from red on, so that grey stays exactly what it was
    brightness = (red + _GREEN * (green - red) + _BLUE * (blue - red))[..., None]
    return brightness if pixels.dtype == np.float32 else np.rint(brightness).astype(pixels.dtype)


def has_colour(pixels: np.ndarray) -> bool:
    """Return whether a picture of integers ``(h, w, c)`` has colour: more than 32 of 255 in a twentieth of its pixels.

    Grey pictures are often stored with three channels, with JPEG's noise or a coloured mark of the device in them.
    """
    if pixels.shape[2] != 3:
        return False
    red, green, blue = (
        pixels[..., 0],
        pixels[..., 1],
        pixels[..., 2],
    )  # reducing so short an axis takes ten times as long
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return bool((spread > _SPREAD * np.iinfo(pixels.dtype).max).mean() >= _SHARE)
