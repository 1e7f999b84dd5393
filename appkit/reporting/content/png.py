"""An image as an 8-bit PNG, small enough for a page."""

import base64
import struct
import zlib

import numpy as np

__all__ = ["colour_png_text", "encode_png", "page_size", "png_text", "shrink"]

MAX_SIDE = 256
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode_png(pixels: np.ndarray) -> bytes:
    """Return uint8 ``(height, width)`` as the bytes of a grey PNG, ``(height, width, 3)`` as those of a coloured one.

    Examples
    --------
    >>> encode_png(np.zeros((1, 2), dtype=np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ValueError(
            f"pixels must be uint8 (height, width) or (height, width, 3), got {pixels.dtype} {pixels.shape}."
        )
    height, width = pixels.shape[:2]
    kind = 0 if pixels.ndim == 2 else 2  # grey or red, green, blue
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)  # 8 bits, no interlace
    lines = np.pad(pixels.reshape(height, -1), ((0, 0), (1, 0)))  # each line begins with its filter, 0
    body = zlib.compress(lines.tobytes(), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def png_text(grey: np.ndarray, size: tuple[int, int] | None = None) -> str:
    """Return float64 ``(height, width)`` from 0 to 1, shrunk to ``size`` or to the page, as a PNG in base64."""
    small = shrink(grey, page_size(grey.shape) if size is None else size)
    return base64.b64encode(encode_png(np.round(255 * small.clip(0, 1)).astype(np.uint8))).decode("ascii")


def colour_png_text(image: np.ndarray, size: tuple[int, int]) -> str:
    """Return red, green and blue, float64 ``(height, width, 3)`` from 0 to 1, as a PNG of ``size`` in base64."""
    small = np.stack([shrink(channel, size) for channel in np.moveaxis(image, 2, 0)], axis=2)
    return base64.b64encode(encode_png(np.round(255 * small.clip(0, 1)).astype(np.uint8))).decode("ascii")


def page_size(shape: tuple[int, ...], *, most: int = MAX_SIDE) -> tuple[int, int]:
    """Return height and width of an image on the page: its own, or with the longer side ``most``.

    Examples
    --------
    >>> page_size((1024, 512)), page_size((28, 28))
    ((256, 128), (28, 28))
    """
    height, width = shape[:2]
    factor = min(1.0, most / max(height, width))
    return max(round(height * factor), 1), max(round(width * factor), 1)


def shrink(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return means over blocks, float64 ``size``.

    Examples
    --------
    >>> shrink(np.array([[0.0, 2.0, 4.0, 6.0]]), (1, 2))
    array([[1., 5.]])
    """
    out = np.asarray(pixels, dtype=np.float64)
    for axis, n in enumerate(size):
        edges = np.linspace(0, out.shape[axis], n + 1).astype(np.int64)
        sums = np.add.reduceat(out, edges[:-1], axis=axis)
        out = sums / np.diff(edges).reshape([-1 if i == axis else 1 for i in range(2)])
    return out


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
