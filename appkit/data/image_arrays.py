"""Check arrays of images, and bring them to the depth that keeps every one of their values."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from appkit.exceptions import SchemaError

__all__ = ["as_dtype", "checked_pictures", "common_dtype", "picture_dtypes"]

Pictures = (
    np.ndarray | list[np.ndarray]
)  # (n_images, height, width, n_channels), or one (height, width, n_channels) each

_BLOCK_VALUES = 1 << 24  # looked at in one go: a memory map is never held whole
_CHANNELS = (1, 3, 4)
_PLAIN_MODES = ("L", "RGB", "I;16", "F")  # of pictures whose array is what one sees: no palette, no transparency
_UINT8, _UINT16, _FLOAT32 = np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)
_WORDS = {_UINT8: "of 8 bits", _UINT16: "of 8 or 16 bits", _FLOAT32: "of floats"}


def checked_pictures(X: np.ndarray | Sequence[Any]) -> Pictures:
    """Return arrays of images with their channels last: a view of an array, or a list of views.

    Parameters
    ----------
    X
        ``(n_images, height, width)`` or ``(n_images, height, width, n_channels)``; or a list of arrays ``(height,
        width)`` or ``(height, width, n_channels)`` of any size. Numbers or booleans.

    Raises
    ------
    SchemaError
        Naming the images whose axes are not those of an image, or that hold no numbers, no pixels, NaN or infinity.

    Examples
    --------
    >>> checked_pictures(np.zeros((5, 28, 28))).shape
    (5, 28, 28, 1)
    """
    if isinstance(X, np.ndarray):
        pictures: Pictures = _checked_stack(X)
    else:
        pictures = _checked_list(X)
    problems = list(_infinite(pictures))
    if problems:
        raise SchemaError(problems)
    return pictures


def _checked_stack(stack: np.ndarray) -> np.ndarray:
    if stack.dtype.kind not in "buif":
        raise SchemaError(f"Images must hold numbers, got {stack.dtype}. Convert them: X.astype('uint8').")
    shape = stack.shape
    is_single = stack.ndim == 3 and shape[2] in _CHANNELS[1:] and shape[1] > 4
    if stack.ndim == 2 or is_single:
        raise SchemaError(
            f"A single image needs a first axis: images have the axes (images, height, width) or (images, height, "
            f"width, channels), got the shape {shape}. Write X[None]; grey ones {shape[-1]} pixels wide: X[..., None]."
        )
    if stack.ndim not in (3, 4):
        raise SchemaError(f"An array of images must have 3 or 4 axes, got the shape {shape}.")
    if stack.ndim == 4 and _has_channels_first(shape[1:]):
        raise SchemaError(f"Channels must be the last axis, got the shape {shape}. Write np.moveaxis(X, 1, -1).")
    if 0 in shape[1:]:
        raise SchemaError(f"Images must have pixels and channels, got the shape {shape}.")
    return stack if stack.ndim == 4 else stack[..., None]


def _checked_list(items: Sequence[Any]) -> list[np.ndarray]:
    arrays = [np.asarray(item) for item in items]
    opened = [row for row, item in enumerate(items) if isinstance(item, Image.Image) and item.mode not in _PLAIN_MODES]
    problems = [_problem(array, row) for row, array in enumerate(arrays)]
    problems += [
        f"Image {row} must be grey or red, green and blue, got a picture in Pillow's mode {items[row].mode!r}. Give "
        f"the path of its file, or convert it."
        for row in opened
    ]
    if any(problems):
        raise SchemaError([problem for problem in problems if problem])
    return [array if array.ndim == 3 else array[..., None] for array in arrays]


def _problem(array: np.ndarray, row: int) -> str | None:
    if array.dtype.kind not in "buif":
        return f"Image {row} must be an array of numbers, got {array.dtype}. Convert it, or give its path."
    if array.ndim not in (2, 3) or 0 in array.shape:
        return f"Image {row} must have the axes (height, width) or (height, width, channels), got {array.shape}."
    if array.ndim == 3 and _has_channels_first(array.shape):
        return (
            f"Channels must be the last axis, got the shape {array.shape} of image {row}. Write np.moveaxis(x, 0, -1)."
        )
    return None


def _has_channels_first(shape: Sequence[int]) -> bool:
    return shape[0] in _CHANNELS and shape[2] not in _CHANNELS and min(shape[1:]) > 4


def _infinite(pictures: Pictures) -> Iterator[str]:
    """Yield one sentence per image with a value that no 32-bit float holds."""
    for start, block in _blocks(pictures):
        if block.dtype.kind != "f":
            continue
        with np.errstate(over="ignore"):
            is_bad = ~np.isfinite(block.astype(np.float32, copy=False))
        for row in np.flatnonzero(is_bad.any(axis=(1, 2, 3))):
            bad = block[row][is_bad[row]]
            what = "NaN" if np.isnan(bad).any() else "infinity"
            yield f"Image {start + row} must hold finite values, got {what} in {len(bad):,} of them. Fill them."


def _blocks(pictures: Pictures) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the row of the first image of each block, and the block with four axes."""
    if isinstance(pictures, list):
        yield from ((row, picture[None]) for row, picture in enumerate(pictures))
        return
    step = max(1, _BLOCK_VALUES // max(1, int(np.prod(pictures.shape[1:]))))
    yield from ((start, pictures[start : start + step]) for start in range(0, len(pictures), step))


def picture_dtypes(pictures: Pictures) -> list[np.dtype]:
    """Return the depth of each array: booleans have 8 bits, other integers those their values need.

    Integers wider than 16 bits, or signed, hold 8 bits where all of them together lie in 0 to 255, 16 bits where they
    lie in 0 to 65535, and are floats otherwise (Hounsfield units).
    """
    arrays = pictures if isinstance(pictures, list) else [pictures]
    is_wide = [_is_wide(array.dtype) for array in arrays]
    if any(is_wide):
        wide = [array for array, chosen in zip(arrays, is_wide, strict=True) if chosen]
        held = _dtype_of_range(min(int(a.min()) for a in wide), max(int(a.max()) for a in wide))
    return [
        held if chosen else _FLOAT32 if array.dtype.kind == "f" else _UINT16 if array.dtype.itemsize == 2 else _UINT8
        for array, chosen in zip(arrays, is_wide, strict=True)
    ]


def _is_wide(dtype: np.dtype) -> bool:
    return dtype.kind == "i" or (dtype.kind == "u" and dtype.itemsize > 2)


def _dtype_of_range(low: int, high: int) -> np.dtype:
    if low < 0 or high > 65_535:
        return _FLOAT32
    return _UINT16 if high > 255 else _UINT8


def common_dtype(dtypes: Sequence[np.dtype], names: Sequence[str]) -> np.dtype:
    """Return the least depth that holds all: uint8, uint16 or float32.

    Raises
    ------
    SchemaError
        If some are floats and others are not, since nobody knows which float is white.
    """
    distinct = set(dtypes)
    if _FLOAT32 in distinct and len(distinct) > 1:
        whole = next(row for row, dtype in enumerate(dtypes) if dtype != _FLOAT32)
        raise SchemaError(
            f"Images must be all integers or all floats, got {dtypes[whole]} in {names[whole]!r} and float32 in "
            f"{names[list(dtypes).index(_FLOAT32)]!r}. Convert the ones or the others."
        )
    return max(distinct, key=lambda dtype: dtype.itemsize)


def as_dtype(pixels: np.ndarray, dtype: np.dtype, *, name: str) -> np.ndarray:
    """Return pixels in a depth that holds them: 8 bits become 16 times 257, so that white stays white.

    Parameters
    ----------
    pixels
        Numbers or booleans of any shape; False is 0 and True 255. Integers wider than 16 bits, or signed, are taken at
        their value.
    dtype
        uint8, uint16 or float32.
    name
        What an error calls the image.

    Raises
    ------
    SchemaError
        If bits would be lost, or integers become floats.
    """
    given = pixels.dtype
    if given.kind == "b":
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    if _is_wide(given):
        return _wide_as_dtype(pixels, dtype, name=name)
    if pixels.dtype.kind == "u" and dtype.kind == "u" and pixels.dtype.itemsize <= dtype.itemsize:
        factor = 257 if pixels.dtype.itemsize < dtype.itemsize else 1
        return pixels.astype(dtype) * dtype.type(factor) if factor > 1 else pixels.astype(dtype, copy=False)
    if pixels.dtype.kind == "f" and dtype.kind == "f":
        return pixels.astype(dtype, copy=False)
    raise SchemaError(_misfit(name, given, dtype))


def _wide_as_dtype(pixels: np.ndarray, dtype: np.dtype, *, name: str) -> np.ndarray:
    if dtype.kind == "u":
        low, high = int(pixels.min()), int(pixels.max())
        if low < 0 or high > np.iinfo(dtype).max:
            raise SchemaError(_misfit(name, f"{pixels.dtype} from {low} to {high}", dtype))
    return pixels.astype(dtype)


def _misfit(name: str, given: Any, wanted: np.dtype) -> str:
    return (
        f"{name} must be {_WORDS[wanted]}, got {given}. Nothing is scaled to another depth unasked: convert it to "
        f"{wanted}, in the units of the others."
    )
