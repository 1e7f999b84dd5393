"""The images a model was most wrong about, for a gallery of its errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from domains.medical.prediction.scored_rows import scored_rows

__all__ = ["WorstErrors", "worst_errors"]


@dataclass(frozen=True, eq=False)
class WorstErrors:
    """Rows decided wrongly, the most confident first.

    Parameters
    ----------
    false_negatives, false_positives
        Places of the rows, int64: events not flagged, non-events flagged.
    n_false_negatives, n_false_positives
        How many there are in all.
    threshold
        Output from which a row is flagged.
    """

    false_negatives: np.ndarray
    false_positives: np.ndarray
    n_false_negatives: int
    n_false_positives: int
    threshold: float


def worst_errors(
    y: ArrayLike, p: ArrayLike, *, threshold: float, k: int = 8, groups: ArrayLike | None = None
) -> WorstErrors:
    """Return the ``k`` events with the lowest output below the threshold, and the ``k`` non-events with the highest.

    Parameters
    ----------
    y, p
        Events and outputs, shape (n_rows,).
    threshold
        Output from which an image is flagged.
    k
        Most rows of each kind; of equal outputs the earlier row comes first.
    groups
        Patient of each image, shape (n_rows,): each then shows one image of each kind, the worst.

    Examples
    --------
    >>> found = worst_errors([1, 1, 0, 0, 1], [0.4, 0.1, 0.9, 0.2, 0.4], threshold=0.5, k=2)
    >>> found.false_negatives, found.false_positives, found.n_false_negatives
    (array([1, 0]), array([2]), 3)
    """
    if k < 1:
        raise ValueError(f"k must be a number of rows of at least 1, got {k!r}.")
    rows = scored_rows(y, p, groups=groups)
    alarm = rows.p >= threshold
    missed, false = np.flatnonzero(rows.y & ~alarm), np.flatnonzero(~rows.y & alarm)
    return WorstErrors(
        _first_of_each(missed[np.argsort(rows.p[missed], kind="stable")], rows.groups)[:k],
        _first_of_each(false[np.argsort(-rows.p[false], kind="stable")], rows.groups)[:k],
        len(missed),
        len(false),
        float(threshold),
    )


def _first_of_each(ordered: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return the rows in their order, those of a patient seen before left out."""
    if groups is None:
        return ordered
    return ordered[np.sort(np.unique(groups[ordered], return_index=True)[1])]
