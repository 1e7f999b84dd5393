"""A grid of patches over an image."""

import math

import numpy as np

__all__ = ["grid_patches", "patch_names"]


def grid_patches(height: int, width: int, *, n_patches: int) -> np.ndarray:
    """Return the patch of each pixel, int64 ``(height, width)``, row by row from the top left.

    As near to ``n_patches`` as near-square patches allow, two at least. Where the sides do not divide, patches differ
    by one pixel.

    Examples
    --------
    >>> grid_patches(3, 4, n_patches=4)
    array([[0, 0, 1, 1],
           [0, 0, 1, 1],
           [2, 2, 3, 3]])
    """
    if height * width < 2:
        raise ValueError(f"images must have at least two pixels, got {height} x {width}.")
    n_rows = min(max(1, round(math.sqrt(n_patches * height / width))), height, n_patches)
    n_columns = min(max(1, round(n_patches / n_rows)), width)
    n_rows = min(max(1, round(n_patches / n_columns)), height)  # more rows where columns ran out
    row = np.arange(height) * n_rows // height
    column = np.arange(width) * n_columns // width
    return row[:, None] * n_columns + column


def patch_names(patches: np.ndarray) -> tuple[str, ...]:
    """Return names that say where each patch of a grid is.

    Examples
    --------
    >>> patch_names(grid_patches(3, 4, n_patches=4))[2]
    'row 2, columns 0-1'
    """
    inside = [patches == patch for patch in range(patches.max() + 1)]
    return tuple(f"{_span('row', own.any(1))}, {_span('column', own.any(0))}" for own in inside)


def _span(word: str, is_inside: np.ndarray) -> str:
    places = np.flatnonzero(is_inside)
    return f"{word} {places[0]}" if len(places) == 1 else f"{word}s {places[0]}-{places[-1]}"
