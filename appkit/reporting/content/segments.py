"""Segments of an image as rectangles, and the outline of a mask as strokes."""

import numpy as np

__all__ = ["boxes_of", "outline_of", "sampled"]

Box = tuple[int, int, int, int]


def boxes_of(mask: np.ndarray) -> tuple[Box, ...]:
    """Return rectangles (left, top, width, height) that cover a mask; equal runs of rows below each other are one.

    Examples
    --------
    >>> boxes_of(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=bool))
    ((0, 0, 2, 2), (2, 2, 1, 1))
    """
    done: list[Box] = []
    open_: dict[tuple[int, int], int] = {}  # left and width of runs, and the row they began in
    for y in range(len(mask) + 1):
        runs = set(_runs(mask[y])) if y < len(mask) else set()
        for run in [run for run in open_ if run not in runs]:
            top = open_.pop(run)
            done.append((run[0], top, run[1], y - top))
        for run in runs:
            open_.setdefault(run, y)
    return tuple(sorted(done, key=lambda box: (box[1], box[0])))


def outline_of(mask: np.ndarray) -> tuple[Box, ...]:
    """Return the strokes (left, top, run to the right, run down) between a mask and what lies outside it.

    Examples
    --------
    >>> outline_of(np.ones((1, 2), dtype=bool))
    ((0, 0, 2, 0), (0, 1, 2, 0), (0, 0, 0, 1), (2, 0, 0, 1))
    """
    padded = np.pad(np.asarray(mask, dtype=bool), 1)
    level = padded[1:, 1:-1] != padded[:-1, 1:-1]
    upright = (padded[1:-1, 1:] != padded[1:-1, :-1]).T
    flat = [(x, y, width, 0) for y, line in enumerate(level) for x, width in _runs(line)]
    tall = [(x, y, 0, height) for x, line in enumerate(upright) for y, height in _runs(line)]
    return (*flat, *tall)


def sampled(segments: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the segments of ``(height, width)`` at the middle of each pixel of a smaller image.

    Examples
    --------
    >>> sampled(np.array([[0, 0, 1, 1]]), (1, 2)).tolist()
    [[0, 1]]
    """
    rows, columns = (
        ((np.arange(n) + 0.5) * length / n).astype(np.int64) for n, length in zip(size, segments.shape, strict=True)
    )
    return segments[np.ix_(rows, columns)]


def _runs(line: np.ndarray) -> list[tuple[int, int]]:
    """Return start and length of each run of true entries."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
    return [(int(start), int(stop - start)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
