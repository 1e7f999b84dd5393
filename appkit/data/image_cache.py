"""Decode many images at once, in order, into memory or into a memory-mapped file that is found again."""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track

from appkit.data.image_resizing import with_channels
from appkit.exceptions import SchemaError

__all__ = ["ImageCache", "map_collecting"]

Result = TypeVar("Result")

_FORMAT = 1  # raise it when the same options would give other pixels
_STRIP = 16  # images per task: enough to forget what a task costs, few enough to keep everyone busy


def map_collecting(
    work: Callable[[int], Result], n: int, *, n_workers: int | None = None, progress: bool = False
) -> tuple[list[Result | None], list[str]]:
    """Call ``work`` on 0 to ``n - 1`` in threads; return results in order, and every problem it raised.

    Parameters
    ----------
    work
        Returns a result, or raises a SchemaError whose problems are collected; its result is then ``None``. Anything
        else it raises ends all.
    n
        Number of calls.
    n_workers
        Threads; ``None``: as many as this process has processors.
    progress
        Whether to show a bar on standard error.

    Examples
    --------
    >>> def work(row):
    ...     if row == 1:
    ...         raise SchemaError("Image 1 is damaged.")
    ...     return row * 10
    >>> map_collecting(work, 3)
    ([0, None, 20], ['Image 1 is damaged.'])
    """
    strips = [range(start, min(n, start + _STRIP)) for start in range(0, n, _STRIP)]
    n_threads = min(n_workers or _n_processors(), len(strips))
    if n_threads <= 1:
        outcomes = _shown((_strip(work, strip) for strip in strips), total=len(strips), progress=progress)
        return _gathered(outcomes)
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="images")
    try:
        outcomes = pool.map(lambda strip: _strip(work, strip), strips)
        return _gathered(_shown(outcomes, total=len(strips), progress=progress))
    finally:
        pool.shutdown(cancel_futures=True)


def _strip(work: Callable[[int], Result], strip: range) -> list[tuple[Result | None, tuple[str, ...]]]:
    return [_outcome(work, row) for row in strip]


def _outcome(work: Callable[[int], Result], row: int) -> tuple[Result | None, tuple[str, ...]]:
    try:
        return work(row), ()
    except SchemaError as err:
        return None, err.problems


def _gathered(strips: Iterator[list[tuple[Any, tuple[str, ...]]]]) -> tuple[list[Any], list[str]]:
    outcomes = [outcome for strip in strips for outcome in strip]
    return [result for result, _ in outcomes], [problem for _, problems in outcomes for problem in problems]


def _shown(outcomes: Iterator[Any], *, total: int, progress: bool) -> Iterator[Any]:
    if not progress:
        return outcomes
    console = Console(stderr=True)
    return iter(track(outcomes, description="Reading images", total=total, console=console, transient=True))


def _n_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ImageCache:
    """A folder of decoded images: one ``.npy`` file per list of files and way of reading them.

    Names are hashes of path, size and time of change of every file, and of the options: a changed file makes a new
    entry. Old entries are not deleted; the folder may be, at any time when nobody reads from it.

    Parameters
    ----------
    folder
        Where to keep decoded images; made if absent. ``None``: they are kept in memory only.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self.folder = None if folder is None else Path(folder)
        if self.folder is not None and self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"cache must be a folder, got the file {str(folder)!r}. Name a folder, or one to be made.")

    def entry(self, paths: Sequence[str], **options: Any) -> Path | None:
        """Return the file that does or will hold these images; ``None`` without a folder or where one is absent."""
        if self.folder is None:
            return None
        digest = hashlib.sha256(json.dumps([_FORMAT, options], sort_keys=True, default=str).encode())
        try:
            for path in paths:
                facts = os.stat(path)
                digest.update(f"{os.path.abspath(path)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
        except OSError:
            return None
        return self.folder / f"images-{digest.hexdigest()[:32]}.npy"

    @staticmethod
    def load(entry: Path | None) -> np.ndarray | None:
        """Return the pixels of an entry as a read-only memory map, or ``None`` where there is none that can be read."""
        if entry is None or not entry.is_file():
            return None
        try:
            return np.load(entry, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError):  # cut off, by a full disk or a crash: it is made anew
            return None

    @staticmethod
    def fill(
        entry: Path | None, shape: tuple[int, int, int, int], dtype: np.dtype, *, decode: Callable[[np.ndarray], int]
    ) -> np.ndarray:
        """Return images of this shape and dtype as ``decode`` writes them; kept in ``entry`` once they are complete.

        ``decode`` returns the number of channels to keep: 1 of 3 where no image has colour. Whatever it raises leaves
        no file behind.
        """
        if entry is None:
            pixels = np.zeros(shape, dtype=dtype)
            return _narrowed(pixels, decode(pixels))
        entry.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(entry, shape, dtype) as (path, pixels):
            n_channels = decode(pixels)
            if n_channels == shape[3]:
                _keep(pixels, path, entry)
            else:
                with _scratch(entry, (*shape[:3], n_channels), dtype) as (narrow_path, narrow):
                    for rows in _blocks(shape):
                        narrow[rows] = with_channels(pixels[rows], n_channels, name="An image")
                    _keep(narrow, narrow_path, entry)
        return np.load(entry, mmap_mode="r", allow_pickle=False)


def _narrowed(pixels: np.ndarray, n_channels: int) -> np.ndarray:
    if n_channels == pixels.shape[3]:
        return pixels
    parts = [with_channels(pixels[rows], n_channels, name="An image") for rows in _blocks(pixels.shape)]
    return np.concatenate(parts)


def _blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield slices of images, so that each block is worked on in tens of megabytes."""
    step = max(1, (1 << 22) // math.prod(shape[1:]))
    yield from (slice(start, start + step) for start in range(0, shape[0], step))


def _keep(pixels: np.memmap, path: Path, entry: Path) -> None:
    pixels.flush()
    os.replace(path, entry)


@contextmanager
def _scratch(entry: Path, shape: tuple[int, ...], dtype: np.dtype) -> Iterator[tuple[Path, np.memmap]]:
    """Give a writable memory map under a temporary name beside ``entry``, gone afterwards unless renamed."""
    handle, name = tempfile.mkstemp(prefix=f".{entry.stem}-", suffix=".tmp", dir=entry.parent)
    os.close(handle)
    path = Path(name)
    try:
        pixels = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        _reserve(path)
        yield path, pixels
    finally:
        path.unlink(missing_ok=True)


def _reserve(path: Path) -> None:
    """Take the room on the disk now: writing to a memory map on a full disk would kill the process."""
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
