"""Do prediction sets hold the truth as often as promised, and how much do they leave open."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from appkit.data import check_groups
from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share

__all__ = ["ConformalSummary", "conformal_summary"]


@dataclass(frozen=True)
class ConformalSummary:
    """What prediction sets did on one set of images.

    Parameters
    ----------
    coverage
        Share of images whose set holds their class.
    by_class
        The same among images of each class, in the order of the classes: NaN for one without an image.
    sizes
        Share of images whose set names no class, one class, and so on up to all.
    single
        Share of images rightly named among those whose set names one class.
    promised
        Coverage the sets aim at; ``None`` if not told.
    """

    coverage: Estimate
    by_class: tuple[Estimate, ...]
    sizes: tuple[Estimate, ...]
    single: Estimate
    promised: float | None = None

    @property
    def mean_size(self) -> float:
        """Classes named per image."""
        return float(sum(size * share.value for size, share in enumerate(self.sizes)))


def conformal_summary(
    codes: ArrayLike,
    sets: ArrayLike,
    *,
    classes: Sequence[object] | None = None,
    alpha: float | None = None,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> ConformalSummary:
    """Measure prediction sets; every interval is exact, or clustered by patient.

    Parameters
    ----------
    codes
        Class number of each image, int ``(n_rows,)``; 0 and 1 where there is an event.
    sets
        Classes not ruled out, bool ``(n_rows, n_classes)``, as ``predict_set`` gives them.
    classes
        Their names, for the names of the figures.
    alpha
        Tolerated miss rate the sets were made for.
    groups
        Patient of each image, shape (n_rows,).
    level
        Coverage the intervals aim at.

    Examples
    --------
    >>> sets = [[True, False], [True, True], [False, True], [True, False]]
    >>> summary = conformal_summary([0, 1, 1, 1], sets, classes=["normal", "pneumonia"], alpha=0.1)
    >>> print(summary.by_class[1])
    Coverage of pneumonia 0.667 (0.094 to 0.992)
    >>> [share.value for share in summary.sizes], summary.mean_size
    ([0.0, 0.75, 0.25], 1.25)
    """
    numbers, named = _checked(codes, sets)
    n, n_classes = named.shape
    patients = check_groups(groups, n_rows=n)
    words = [str(name) for name in (range(n_classes) if classes is None else classes)]
    if len(words) != n_classes:
        raise ValueError(f"classes must name each of {n_classes} columns of sets, got {len(words)} names.")
    hit, size = named[np.arange(n), numbers], named.sum(axis=1)

    def share(name: str, hits: np.ndarray, among: np.ndarray) -> Estimate:
        own = None if patients is None else patients[among]
        return exact_share(name, hits[among], groups=own, level=level)

    everywhere = np.ones(n, dtype=bool)
    return ConformalSummary(
        share("Coverage", hit, everywhere),
        tuple(share(f"Coverage of {word}", hit, numbers == code) for code, word in enumerate(words)),
        tuple(share(f"Sets of {count}", size == count, everywhere) for count in range(n_classes + 1)),
        share("Right among sets of one", hit, size == 1),
        None if alpha is None else 1 - alpha,
    )


def _checked(codes: ArrayLike, sets: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    numbers, named = np.asarray(codes), np.asarray(sets)
    if named.ndim != 2 or numbers.shape != named.shape[:1] or not numbers.size:
        raise ValueError(f"sets must have shape (n_rows, n_classes) for {numbers.shape} codes, got {named.shape}.")
    if named.dtype != bool:
        raise ValueError(f"sets must be boolean, one column per class, got {named.dtype}: are these probabilities?")
    if numbers.dtype == bool:
        numbers = numbers.astype(np.int64)
    if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= named.shape[1]:
        raise ValueError(f"codes must be class numbers from 0 to {named.shape[1] - 1}, got {numbers.dtype} values.")
    return numbers, named
