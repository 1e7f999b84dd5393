"""Read images, however they come, into one array of pixels of one size and depth."""

import difflib
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.image_arrays import as_dtype, checked_pictures, common_dtype, picture_dtypes
from appkit.data.image_cache import ImageCache, map_collecting
from appkit.data.image_files import decode_image, read_header
from appkit.data.image_options import ImageOptions
from appkit.data.image_resizing import Frame, has_colour, with_channels
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
    channels: Literal["auto", "grey", "rgb"] | int = "auto",
    resize: Literal["pad", "stretch"] = "pad",
    dtype: np.dtype | type | str | None = None,
    cache: str | os.PathLike[str] | None = None,
    n_workers: int | None = None,
    progress: bool = False,
) -> Images:
    """Return images as one array of pixels of one size and depth, from arrays or from files.

    Parameters
    ----------
    X
        Paths of image files (a list, array or Series); a DataFrame with a column of them; an array ``(n_images, height,
        width)`` or ``(n_images, height, width, n_channels)``; a list of arrays ``(height, width[, n_channels])`` of any
        size; or :class:`Images`. Files are PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, PPM, TGA or DICOM, told by their
        content; see :func:`~appkit.data.image_files.decode_image` for what becomes of palettes, alpha and the like.
    image
        The column of a DataFrame that holds paths or arrays.
    size
        Side of a square, or ``(height, width)``. ``"auto"``: the common size of all, scaled down to 224 pixels on the
        longer side if it is larger; 128 by 128 where sizes differ.
    channels
        1 (or ``"grey"``), 3 (or ``"rgb"``), or what arrays have. ``"auto"``: arrays keep theirs; files are grey unless
        at least one picture has colour, which means more than 32 of 255 between its channels in a twentieth of its
        pixels: JPEG's noise and a coloured mark are no colour.
    resize
        ``"pad"`` keeps proportions and adds black (0) borders; ``"stretch"`` fills the frame.
    dtype
        ``None``, as at fit: uint8; uint16 if any image has more bits, 8-bit ones then times 257; float32 for floats.
        At predict the fitted one: uint8, uint16 or float32. Booleans become 0 and 255. Signed and wide integers are
        taken at their value: as uint8 or uint16 where all lie in its range, else as float32.
    cache
        Folder for decoded files, which are then memory maps: for images that do not fit into memory, or are read many
        times. One entry per list of files; a changed file makes a new one. Arrays are not cached.
    n_workers
        Threads that decode; ``None``: as many as there are processors.
    progress
        Whether to show a bar on standard error.

    Returns
    -------
    Images
        In the order of ``X``. An array that needs no change is taken without a copy.

    Raises
    ------
    SchemaError
        With the problems of all images (ten are shown): files that are absent, empty, damaged, no image or of several
        frames; arrays with other axes, NaN or infinity; a depth or channels other than asked; no images; a missing
        column.
    MissingDependencyError
        If a file is DICOM and pydicom is absent.

    Examples
    --------
    >>> images = read_images([np.full((2, 4), 100), np.full((3, 3), 300)], size=4)
    >>> images.pixels.dtype, images.pixels[0, :, :, 0]
    (dtype('uint16'), array([[  0,   0,   0,   0],
           [100, 100, 100, 100],
           [100, 100, 100, 100],
           [  0,   0,   0,   0]], dtype=uint16))
    """
    wanted = ImageOptions.checked(size=size, channels=channels, resize=resize, dtype=dtype)
    if n_workers is not None and (isinstance(n_workers, bool) or n_workers < 1):
        raise ValueError(f"n_workers must be a positive number of threads or None, got {n_workers!r}.")
    threads = _Threads(n_workers, progress)
    if isinstance(X, Images):
        return Images(_pixels_of_arrays(X.pixels, wanted, threads), X.names)
    items = _items(X, image)
    if not len(items):
        raise SchemaError("X must hold at least one image, got none. Check the filter that made it.")
    if isinstance(items, np.ndarray) or all(np.ndim(item) for item in items):  # a path, or a missing one, has no axes
        names = np.array([f"image {row}" for row in range(len(items))])
        return Images(_pixels_of_arrays(items, wanted, threads), names)
    paths = _checked_paths(items)
    return Images(_pixels_of_files(paths, wanted, threads, cache=cache), np.array(paths))


_PATHS = (str, os.PathLike)
_SHOWN = 10  # problems in one message


@dataclass(frozen=True)
class _Threads:
    n_workers: int | None
    progress: bool

    def map(self, work: Callable[[int], Any], n: int, *, quietly: bool = False) -> tuple[list[Any], list[str]]:
        return map_collecting(work, n, n_workers=self.n_workers, progress=self.progress and not quietly)


def _items(X: Any, image: str) -> np.ndarray | list[Any]:
    """Return one array of all images, or a list of paths or arrays."""
    if isinstance(X, pd.DataFrame):
        X = _column(X, image)
    if isinstance(X, pd.Series) or (isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OUT"):
        return X.tolist()
    if isinstance(X, list | tuple):
        return list(X)
    if isinstance(X, _PATHS):
        raise TypeError(
            f"X must be a list of paths or arrays, got the text {str(X)!r}. Write [path], or read_image_folder(folder)."
        )
    if not hasattr(X, "__array__"):
        raise TypeError(f"X must be paths, a DataFrame with a column of paths, or arrays, got {type(X).__name__}.")
    return np.asarray(X)


def _column(X: pd.DataFrame, image: str) -> pd.Series:
    if image not in X.columns:
        close = difflib.get_close_matches(str(image), [str(column) for column in X.columns], n=1)
        hint = f" (is it {close[0]!r}?)" if close else f" among {[*X.columns[:8]]}"
        raise SchemaError(f"Column {image!r} of image paths is missing{hint}. Add it, or name another: image=...")
    if not X.columns.is_unique and isinstance(X[image], pd.DataFrame):
        raise SchemaError(f"Column {image!r} appears more than once. Keep one, or rename the others.")
    return X[image]


def _checked_paths(items: Sequence[Any]) -> list[str]:
    wrong = [row for row, item in enumerate(items) if not isinstance(item, _PATHS) or not str(item)]
    if wrong:
        raise SchemaError(
            f"Every image must be given by its path, got none in {len(wrong):,} of {len(items):,} rows (first: "
            f"{_shown(items[wrong[0]])} in row {wrong[0]}). Fill them in, or drop the rows."
        )
    return [str(item) for item in items]


def _shown(item: Any) -> str:
    return f"an array of the shape {item.shape}" if isinstance(item, np.ndarray) else repr(item)


def _pixels_of_arrays(items: np.ndarray | list[Any], wanted: ImageOptions, threads: _Threads) -> np.ndarray:
    """Return arrays as pixels, without a copy where none is needed."""
    pictures = _told(lambda: checked_pictures(items), n=len(items))
    if not len(pictures):
        return pictures
    arrays = pictures if isinstance(pictures, list) else [pictures]
    names = [f"image {row}" for row in range(len(arrays))]
    dtype = wanted.dtype or common_dtype(picture_dtypes(pictures), names)
    frame = wanted.frame({array.shape[-3:-1] for array in arrays})
    n_channels = wanted.n_channels or arrays[0].shape[-1]
    if isinstance(pictures, np.ndarray) and pictures.shape[1:] == (frame.height, frame.width, n_channels):
        return as_dtype(pictures, dtype, name="Every image")
    pixels = np.zeros((len(pictures), frame.height, frame.width, n_channels), dtype=dtype)

    def place(row: int) -> None:
        content = frame.scaled(as_dtype(pictures[row], dtype, name=f"Image {row}"))
        pixels[row] = frame.padded(with_channels(content, n_channels, name=f"Image {row}"))

    _, problems = threads.map(place, len(pictures))
    _raise(problems, n=len(pictures))
    return pixels


def _pixels_of_files(
    paths: list[str], wanted: ImageOptions, threads: _Threads, *, cache: str | os.PathLike[str] | None
) -> np.ndarray:
    """Return decoded files, from the cache where they are in it."""
    if wanted.n_channels not in (None, 1, 3):
        raise SchemaError(f"Images in files have 1 or 3 channels, got channels={wanted.n_channels}. Give arrays.")
    store = ImageCache(cache)
    entry = store.entry(paths, **asdict(wanted))
    known = store.load(entry)
    if known is not None:
        return known
    plan, problems = _planned(paths, wanted, threads)

    def decode(pixels: np.ndarray) -> int:
        def place(row: int) -> bool:
            name = f"File {paths[row]!r}"
            content = plan.frame.scaled(as_dtype(decode_image(paths[row], frame=plan.frame), plan.dtype, name=name))
            pixels[row] = plan.frame.padded(with_channels(content, plan.n_channels, name=name))
            return has_colour(content)

        coloured, faults = threads.map(place, len(paths))
        _raise(faults or problems, n=len(paths))
        return plan.n_channels if wanted.n_channels or any(coloured) else 1

    shape = (len(paths), plan.frame.height, plan.frame.width, plan.n_channels)
    return store.fill(entry, shape, plan.dtype, decode=decode)


@dataclass(frozen=True)
class _Plan:
    """What files are decoded to."""

    frame: Frame
    n_channels: int
    dtype: np.dtype


def _planned(paths: list[str], wanted: ImageOptions, threads: _Threads) -> tuple[_Plan, list[str]]:
    """Return what to decode to, from the headers of all files unless all is asked for, and what is wrong with these."""
    if wanted.size and wanted.n_channels and wanted.dtype:
        return _Plan(wanted.frame(set()), wanted.n_channels, wanted.dtype), []
    headers, problems = threads.map(lambda row: read_header(paths[row]), len(paths), quietly=True)
    readable = [(path, header) for path, header in zip(paths, headers, strict=True) if header is not None]
    if not readable:
        _raise(problems, n=len(paths))
    found = [header for _, header in readable]
    plan = _Plan(
        wanted.frame({(header.height, header.width) for header in found}),
        wanted.n_channels or max(header.n_channels for header in found),
        wanted.dtype or common_dtype([header.dtype for header in found], [path for path, _ in readable]),
    )
    return plan, problems


def _told(work: Callable[[], Any], *, n: int) -> Any:
    """Return what ``work`` does, its problems shortened."""
    try:
        return work()
    except SchemaError as err:
        _raise(list(err.problems), n=n)


def _raise(problems: Sequence[str], *, n: int) -> None:
    """Raise what is wrong with images, ten of them in full."""
    if not problems:
        return
    if len(problems) == 1:
        raise SchemaError(problems[0])
    more = [f"... and {len(problems) - _SHOWN:,} more."] if len(problems) > _SHOWN else []
    raise SchemaError([f"{len(problems):,} of {n:,} images cannot be read:", *problems[:_SHOWN], *more])
