"""Decode one image file: any mode that Pillow reads, or DICOM, to grey or colour of 8 bits, 16 bits or floats."""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from appkit.data.dicom import is_dicom, open_dicom, read_dicom
from appkit.data.image_resizing import Frame
from appkit.exceptions import SchemaError

__all__ = ["ImageHeader", "decode_image", "read_header"]

# Not every format Pillow knows: PostScript, for one, would run a program.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM", "TGA")
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, OverflowError)
_GREY = {"1", "L", "LA", "La"}
_TURNED = {5, 6, 7, 8}  # EXIF orientations that exchange height and width
_ORIENTATION, _BITS, _PHOTOMETRIC = 274, 258, 262  # tags of EXIF and TIFF
_WHITE_IS_ZERO = 0


@dataclass(frozen=True)
class ImageHeader:
    """What is known of an image before its pixels are decoded; ``n_channels`` may be 3 for a grey picture."""

    height: int
    width: int
    n_channels: int
    dtype: np.dtype


def read_header(path: str) -> ImageHeader:
    """Return size, channels and depth of the image in a file, upright as :func:`decode_image` gives it.

    Raises
    ------
    SchemaError
        Naming the file: absent, empty, or no image.
    """
    with _explained(path):
        if is_dicom(path):
            return _dicom_header(path)
        with _opened(path) as image:
            width, height = image.size
            # Pillow has turned the size of a TIFF already
            if image.format != "TIFF" and image.getexif().get(_ORIENTATION) in _TURNED:
                width, height = height, width
            return ImageHeader(height, width, 1 if _is_grey(image) else 3, np.dtype(_dtype_of(image)))


def decode_image(path: str, *, frame: Frame | None = None) -> np.ndarray:
    """Return the pixels of the image in a file.

    Palettes are resolved, what is transparent is laid over black, EXIF's orientation applied, bright made large (a TIFF
    may store white as 0), and CMYK, YCbCr and Lab turned into red, green and blue.

    Parameters
    ----------
    path
        PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, PPM or TGA, whatever the name says; or DICOM.
    frame
        What the picture will be scaled to. Given, a JPEG at least four times as large is decoded at a half, a quarter
        or an eighth of its size, never less than twice what is needed.

    Returns
    -------
    numpy.ndarray
        ``(height, width, 1 or 3)``: uint8 for up to 8 bits, uint16 for up to 16, else float32.

    Raises
    ------
    SchemaError
        Naming the file: absent, empty, no image, damaged or cut off, with several frames, or with more bits than can be
        kept.
    MissingDependencyError
        If it is a DICOM file and pydicom is absent.
    """
    with _explained(path):
        if is_dicom(path):
            return _decoded_dicom(path)
        with _opened(path) as image:
            _check_frames(image, path)
            _check_depth(image, path)
            if frame is not None:
                _draft(image, frame)
            return _pixels(image, path)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one sentence about the file."""
    try:
        yield
    except SchemaError:
        raise
    except FileNotFoundError as err:
        raise SchemaError(f"File {path!r} does not exist. Correct the path.") from err
    except IsADirectoryError as err:
        raise SchemaError(f"{path!r} must be a file, got a folder. Give the paths of its images.") from err
    except PermissionError as err:
        raise SchemaError(f"File {path!r} may not be read by you. Change its permissions.") from err
    except Image.DecompressionBombError as err:
        raise SchemaError(f"File {path!r} says it has more pixels than Pillow opens ({err}). Scale it down.") from err
    except _DAMAGE as err:
        reason = str(err).strip() or type(err).__name__
        raise SchemaError(f"File {path!r} is damaged: {reason}. Get it anew, or leave it out.") from err


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    """Open an image by its file: by its path, Pillow maps a TIFF into memory, wrongly where it lies on its side."""
    with open(path, "rb") as file:
        try:
            image = Image.open(file, formats=_FORMATS)
        except Image.UnidentifiedImageError as err:
            if not file.seek(0, os.SEEK_END):
                raise SchemaError(f"File {path!r} is empty (0 bytes). Get it anew, or leave it out.") from err
            raise SchemaError(
                f"File {path!r} is no image that can be read, or is damaged at its start. Save it as PNG, JPEG, TIFF "
                f"or DICOM."
            ) from err
        with image:
            yield image


_DICOM_TAGS = ["Rows", "Columns", "PhotometricInterpretation", "BitsStored", "RedPaletteColorLookupTableDescriptor"]


def _dicom_header(path: str) -> ImageHeader:
    header = open_dicom(path, only=_DICOM_TAGS)
    photometric = str(header.get("PhotometricInterpretation"))
    if header.get("Rows") is None or header.get("Columns") is None:
        _decoded_dicom(path)  # raises, and says what is the matter
    if photometric.startswith("MONOCHROME"):
        return ImageHeader(int(header.Rows), int(header.Columns), 1, np.dtype(np.uint16))
    palette = header.get("RedPaletteColorLookupTableDescriptor")
    n_bits = palette[2] if palette else header.get("BitsStored", 8)
    return ImageHeader(int(header.Rows), int(header.Columns), 3, np.dtype(np.uint8 if n_bits <= 8 else np.uint16))


def _decoded_dicom(path: str) -> np.ndarray:
    pixels = read_dicom(path)
    return pixels if pixels.ndim == 3 else pixels[..., None]


@contextmanager
def _damage_named() -> Iterator[None]:
    """Call by its name what Pillow, past opening, lets through from tags that are absent or of another type."""
    try:
        yield
    except (IndexError, KeyError, TypeError) as err:
        raise SyntaxError(f"{type(err).__name__}: {err}") from err


def _is_grey(image: Image.Image) -> bool:
    return image.mode in _GREY or image.mode[0] in "IF"


def _dtype_of(image: Image.Image) -> type:
    """Return the depth that keeps every bit of an image."""
    if image.mode[0] == "I":
        return np.uint16
    return np.float32 if image.mode == "F" else np.uint8


def _check_frames(image: Image.Image, path: str) -> None:
    with _damage_named():
        n_frames = getattr(image, "n_frames", 1)
    if n_frames > 1 and image.format != "MPO":  # a camera's second picture is a preview or the other eye's
        raise SchemaError(
            f"File {path!r} must hold one picture, got {n_frames} frames or pages. Save those you want as files of "
            f"their own."
        )


def _check_depth(image: Image.Image, path: str) -> None:
    """Refuse colour of 16 bits, of which Pillow would drop 8 without a word."""
    tiles = getattr(image, "tile", None)  # where the bytes lie and how they are packed
    raw_mode = str(tiles[0][3]) if tiles else ""
    if ";16" in raw_mode and _dtype_of(image) is np.uint8:
        raise SchemaError(
            f"File {path!r} holds 16 bits in several channels, of which only 8 would be read. Save it as grey of 16 "
            f"bits or as colour of 8, or give an array."
        )


def _draft(image: Image.Image, frame: Frame) -> None:
    """Let a JPEG be decoded at a part of its size where that is plenty."""
    is_turned = image.format != "TIFF" and image.getexif().get(_ORIENTATION) in _TURNED
    width, height = reversed(image.size) if is_turned else image.size
    needed_height, needed_width = frame.content_size(height, width)
    needed = (needed_height, needed_width) if is_turned else (needed_width, needed_height)
    image.draft(None, (2 * needed[0], 2 * needed[1]))


def _pixels(image: Image.Image, path: str) -> np.ndarray:
    with _damage_named():
        image.load()
        white = _stored_white(image)
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode[0] == "I":
        return _sixteen_bits(np.asarray(image), white, path)[..., None]
    if image.mode == "F":
        return _checked_floats(np.asarray(image), path)[..., None]
    pixels = np.asarray(_opaque(image))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _stored_white(image: Image.Image) -> int | None:
    """Return the largest value of a TIFF that stores white as 0: Pillow turns those round in images of 8 bits only."""
    tags = getattr(image, "tag_v2", {})
    return (1 << tags[_BITS][0]) - 1 if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else None


def _sixteen_bits(values: np.ndarray, white: int | None, path: str) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65_535:
        raise SchemaError(
            f"File {path!r} must hold values from 0 to 65535, got {low} to {high}. Shift or scale them, or give arrays "
            f"of floats."
        )
    return (values if white is None else white - values.astype(np.int64)).astype(np.uint16)


def _checked_floats(values: np.ndarray, path: str) -> np.ndarray:
    n_bad = int(np.count_nonzero(~np.isfinite(values)))
    if n_bad:
        raise SchemaError(f"File {path!r} must hold finite values, got NaN or infinity in {n_bad:,} pixels. Fill them.")
    return values


def _opaque(image: Image.Image) -> Image.Image:
    """Return grey or red, green and blue, with what is transparent over black."""
    mode = "L" if image.mode in _GREY else "RGB"
    if not image.has_transparency_data:
        return image.convert(mode)
    seen = image.convert("LA" if mode == "L" else "RGBA")
    black = Image.new(mode, image.size)
    black.paste(seen.convert(mode), mask=seen.getchannel("A"))
    return black
