"""What a validator asks of a credit score: ranking, grades, stability and the swap with the incumbent."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction import Estimate, auc, linear_estimate
from appkit.prediction.inputs import as_outcomes, as_values, as_weights
from domains.finance.scale import (
    GradeCalibration,
    MasterScale,
    ScaleCalibration,
    calibration_by_grade,
    pd_from_points,
    score_points,
)
from domains.finance.stability import Vintage, psi, psi_by_column, psi_by_period, vintages
from domains.finance.swap import OutcomesPerHundred, Segment, SwapSet, outcomes_per_hundred, per_hundred, swap_set

__all__ = [
    "GradeCalibration",
    "MasterScale",
    "OutcomesPerHundred",
    "ScaleCalibration",
    "Segment",
    "SwapSet",
    "Vintage",
    "calibration_by_grade",
    "gini",
    "ks",
    "outcomes_per_hundred",
    "pd_from_points",
    "per_hundred",
    "psi",
    "psi_by_column",
    "psi_by_period",
    "score_points",
    "swap_set",
    "vintages",
]


def gini(
    y: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return 2 AUC - 1 (the accuracy ratio) with DeLong's interval.

    Examples
    --------
    >>> gini([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
    0.5
    """
    area = auc(y, score, sample_weight=sample_weight, groups=groups)
    value, low, high = (2 * end - 1 for end in (area.value, area.low, area.high))
    return replace(area, name="Gini", value=value, low=low, high=high)


def ks(
    y: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the largest gap between the score distributions of defaults and of good loans, in [0, 1].

    The interval is that of the gap at the score where it is largest. Resampling would search for the largest gap anew
    each time, and a bootstrap interval lies too high: with 300 loans it misses the true gap in 21 % of samples, this
    one in 6 %.

    Examples
    --------
    >>> ks([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
    0.5
    """
    y = as_outcomes(y)
    weights = as_weights(sample_weight, len(y))
    levels, rank = np.unique(as_values(score, len(y), name="score"), return_inverse=True)
    event, rest = np.where(y, weights, 0.0), np.where(y, 0.0, weights)
    if event.sum() == 0 or rest.sum() == 0:
        raise ValueError("sample_weight must not be 0 for all events or all non-events.")
    share_of_events = np.cumsum(np.bincount(rank, weights=event)) / event.sum()
    share_of_rest = np.cumsum(np.bincount(rank, weights=rest)) / rest.sum()
    cut = int(np.argmax(share_of_rest - share_of_events))
    below = rank <= cut
    influence = rest * (below - share_of_rest[cut]) / rest.sum() - event * (below - share_of_events[cut]) / event.sum()
    return linear_estimate(
        "KS",
        float(share_of_rest[cut] - share_of_events[cut]),
        influence,
        groups=groups,
        bounds=(0.0, 1.0),
        n_independent=int(min(y.sum(), (~y).sum())),
        method=f"Wald at score {levels[cut]:.4g}",
    )
