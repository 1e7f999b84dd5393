"""Which segment each pixel belongs to, and what the segments are called."""

from dataclasses import dataclass

import numpy as np

from appkit.explanation.games.patches import grid_patches, patch_names
from appkit.explanation.games.superpixels import superpixels

__all__ = ["DEFAULT_SEGMENTS", "Segments", "segments_of", "superpixel_names"]

DEFAULT_SEGMENTS = 49
_KINDS = ("patches", "superpixels")


@dataclass(frozen=True)
class Segments:
    """Segments of images.

    Parameters
    ----------
    of_pixels
        int64 ``(height, width)``, the same for all images, or ``(n_images, height, width)``; -1 belongs to none.
    names
        One per segment; ``None`` where each image has segments of its own.
    n_aimed_at
        How many an image has, about.
    """

    of_pixels: np.ndarray
    names: tuple[str, ...] | None
    n_aimed_at: int

    @property
    def per_row(self) -> bool:
        """Whether each image is cut in its own way."""
        return self.of_pixels.ndim == 3


def segments_of(images: np.ndarray, players: str | np.ndarray, *, n_players: int | None = None) -> Segments:
    """Return the segments of ``images``, ``(n_images, height, width)`` or ``(n_images, height, width, n_channels)``.

    Parameters
    ----------
    images
        Channels, if any, on the last axis.
    players
        ``"patches"``, ``"superpixels"``, or integers ``(height, width)`` or ``(n_images, height, width)``.
    n_players
        Patches or superpixels to aim at; ``None`` means 49.

    Raises
    ------
    ValueError
        If ``players`` is neither word nor fits the images, or there would be fewer than two segments.

    Examples
    --------
    >>> segments_of(np.zeros((1, 1, 3)), np.array([[7, 9, 7]])).names
    ('segment 7', 'segment 9')
    """
    if not isinstance(players, str):
        if n_players is not None:
            raise ValueError(f"n_players is for patches and superpixels, got {n_players!r} beside an array of players.")
        return _labelled(images, np.asarray(players))
    if players not in _KINDS:
        raise ValueError(f"players must be one of {_KINDS} or an array of integers, got {players!r}.")
    n_segments = DEFAULT_SEGMENTS if n_players is None else n_players
    if isinstance(n_segments, bool) or not isinstance(n_segments, (int, np.integer)) or n_segments < 2:
        raise ValueError(f"n_players must be an integer from 2 on, got {n_players!r}.")
    grid = grid_patches(*images.shape[1:3], n_patches=int(n_segments))
    if players == "patches":
        return Segments(grid, patch_names(grid), n_aimed_at=int(grid.max()) + 1)
    return Segments(superpixels(images, n_segments=int(n_segments)), None, n_aimed_at=int(grid.max()) + 1)


def superpixel_names(segments: np.ndarray) -> list[str]:
    """Return names that say where the middle of each segment of one image, int64 ``(height, width)``, is.

    Examples
    --------
    >>> superpixel_names(np.array([[0, 0, 0, 1]]))
    ['segment 1 (row 0, column 1)', 'segment 2 (row 0, column 3)']
    """
    names = []
    for segment in range(segments.max() + 1):
        row, column = np.argwhere(segments == segment).mean(0).round().astype(int)
        names.append(f"segment {segment + 1} (row {row}, column {column})")
    return names


def _labelled(images: np.ndarray, labels: np.ndarray) -> Segments:
    n_images, height, width = images.shape[:3]
    if labels.shape not in ((height, width), (n_images, height, width)) or labels.dtype.kind not in "ui":
        raise ValueError(
            f"players must be integers of shape ({height}, {width}) or ({n_images}, {height}, {width}), "
            f"got {labels.dtype} of shape {labels.shape}."
        )
    distinct = np.unique(labels[labels >= 0])
    if len(distinct) < 2:
        raise ValueError(f"players must hold at least two segments, got labels {np.unique(labels).tolist()}.")
    of_pixels = np.where(labels < 0, -1, np.searchsorted(distinct, labels)).astype(np.int64)
    return Segments(of_pixels, tuple(f"segment {label}" for label in distinct), n_aimed_at=len(distinct))
