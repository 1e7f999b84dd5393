"""The area under the ROC curve and its differences, with DeLong's interval in O(n log n)."""

import math

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_outcomes, as_values, as_weights
from appkit.prediction.intervals import clopper_pearson_interval, linear_estimate

__all__ = ["auc", "auc_difference", "auc_influence"]

_TOO_FEW = "none: a single event or non-event"
_CERTAIN = 1e-12  # standard error below which rows say nothing of how far they err


def auc(
    y: ArrayLike,
    score: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return the probability that an event scores above a non-event, ties counting half.

    The interval is DeLong's (1988), computed from mid-ranks (Sun and Xu, 2014). With ``groups`` (rows of one patient
    or machine) it is Obuchowski's (1997), with weights its linearised form. Scores that separate the classes leave no
    variance: the interval then is the exact one of as many disjoint pairs as there are.

    Parameters
    ----------
    y
        Events, bool or 0/1, shape (n_rows,).
    score
        Any number that grows with the event, shape (n_rows,).
    sample_weight, groups
        Weights and clusters, shape (n_rows,).
    level
        Coverage the interval aims at.

    Examples
    --------
    >>> print(auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]))
    AUC 0.750 (0.057 to 1.000)
    """
    y = as_outcomes(y)
    value, influence = auc_influence(y, score, sample_weight=sample_weight, small_sample=groups is None)
    n_pairs = _disjoint_pairs(y, groups)
    if n_pairs < 2:
        return Estimate("AUC", value, 0.0, 1.0, method=_TOO_FEW, n=len(y), level=level)
    return linear_estimate(
        "AUC",
        value,
        influence,
        groups=groups,
        bounds=(0.0, 1.0),
        n_independent=n_pairs,
        method="DeLong" if groups is None else "DeLong-Obuchowski",
        level=level,
    )


def auc_difference(
    y: ArrayLike,
    score: ArrayLike,
    other: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return the AUC of ``score`` minus that of ``other`` on the same rows, with DeLong's paired interval.

    Two scores that both separate the classes leave no variance: unless they rank alike, the interval then reaches as
    far as the exact intervals of both areas allow.

    Examples
    --------
    >>> print(auc_difference([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], [0.2, 0.9, 0.3, 0.8]))
    AUC difference 0.250 (-0.443 to 0.943)
    """
    y = as_outcomes(y)
    small = groups is None
    value, influence = auc_influence(y, score, sample_weight=sample_weight, small_sample=small)
    rival, rival_influence = auc_influence(y, other, sample_weight=sample_weight, small_sample=small)
    n_pairs = _disjoint_pairs(y, groups)
    if n_pairs < 2:
        return Estimate("AUC difference", value - rival, -1.0, 1.0, method=_TOO_FEW, n=len(y), level=level)
    difference = influence - rival_influence
    if np.abs(difference).max() < _CERTAIN and not _ranks_alike(score, other):
        low, high = _reach_of_certain(value, rival, n_pairs, level=level)
        return Estimate("AUC difference", value - rival, low, high, method="Clopper-Pearson", n=len(y), level=level)
    return linear_estimate(
        "AUC difference",
        value - rival,
        difference,
        groups=groups,
        bounds=(-1.0, 1.0),
        method="paired DeLong" if groups is None else "paired DeLong-Obuchowski",
        level=level,
    )


def auc_influence(
    y: np.ndarray, score: ArrayLike, *, sample_weight: ArrayLike | None = None, small_sample: bool = True
) -> tuple[float, np.ndarray]:
    """Return the AUC and the influence of each row on it, float64 ``(n_rows,)``.

    Parameters
    ----------
    y
        Events, bool ``(n_rows,)``, both present.
    score
        Shape (n_rows,).
    sample_weight
        Shape (n_rows,).
    small_sample
        Scale each class so that the squares sum to DeLong's unbiased variance after the factor ``n / (n - 1)`` of
        :func:`~appkit.prediction.intervals.standard_error`.
    """
    score = as_values(score, len(y), name="score")
    weights = as_weights(sample_weight, len(y))
    rank = np.unique(score, return_inverse=True)[1]
    event, rest = np.where(y, weights, 0.0), np.where(y, 0.0, weights)
    if event.sum() == 0 or rest.sum() == 0:
        raise ValueError("sample_weight must not be 0 for all events or all non-events.")
    # placement of a row: share of the other class that it beats, ties counting half
    beaten, beating = _mid_share(rest, rank), 1 - _mid_share(event, rank)
    value = float(event @ beaten / event.sum())
    influence = event * (beaten - value) / event.sum() + rest * (beating - value) / rest.sum()
    if small_sample:
        influence *= np.sqrt((len(y) - 1) / len(y)) * np.where(y, _unbiased(y), _unbiased(~y))
    return value, influence


def _ranks_alike(score: ArrayLike, other: ArrayLike) -> bool:
    first, second = (np.unique(np.asarray(values), return_inverse=True)[1] for values in (score, other))
    return np.array_equal(first, second)


def _reach_of_certain(value: float, rival: float, n_pairs: int, *, level: float) -> tuple[float, float]:
    """Return the ends of the difference of two areas of exactly 0 or 1, each within its exact interval."""
    low, high = clopper_pearson_interval(np.round([value, rival]) * n_pairs, n_pairs, level=level)
    difference = value - rival
    return (
        float(difference - np.hypot(value - low[0], high[1] - rival)),
        float(difference + np.hypot(high[0] - value, rival - low[1])),
    )


def _mid_share(weights: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Return, for each row, the share of ``weights`` on lower ranks plus half of that on its own."""
    per_rank = np.bincount(rank, weights=weights)
    return (np.cumsum(per_rank) - per_rank / 2)[rank] / per_rank.sum()


def _unbiased(members: np.ndarray) -> float:
    n = int(members.sum())
    return math.sqrt(n / (n - 1)) if n > 1 else 1.0


def _disjoint_pairs(y: np.ndarray, groups: ArrayLike | None) -> int:
    """Return how many independent (event, non-event) pairs the rows contain at least."""
    if groups is None:
        return int(min(y.sum(), (~y).sum()))
    groups = np.asarray(groups)
    with_event, without = np.unique(groups[y]), np.unique(groups[~y])
    return max(1, min(len(with_event), len(without), len(np.unique(groups)) // 2))
