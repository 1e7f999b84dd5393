"""What a validator asks of a credit score: ranking, grades, stability and the swap with the incumbent."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction import Estimate, auc, bootstrap_estimate
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
    y: ArrayLike,
    score: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the largest gap between the score distributions of defaults and of good loans, in [0, 1].

    The interval is a percentile bootstrap within outcomes (of whole ``groups`` where given).

    Examples
    --------
    >>> ks([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
    0.5
    """
    outcomes = as_outcomes(y)
    scores = as_values(score, len(outcomes), name="score")
    order = np.argsort(scores, kind="stable")
    y, weights = outcomes[order], as_weights(sample_weight, len(outcomes))[order]
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    event, rest = weights * y, weights * ~y

    def statistic(counts: np.ndarray) -> np.ndarray:
        below_events = np.cumsum(counts * event, axis=1)
        below_rest = np.cumsum(counts * rest, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):  # a resample without one outcome has no gap: NaN
            gap = below_rest / below_rest[:, -1:] - below_events / below_events[:, -1:]
        return gap[:, last_of_tie].max(axis=1)

    return bootstrap_estimate(
        "KS",
        statistic,
        len(y),
        n_resamples=n_resamples,
        strata=y if groups is None else None,
        groups=None if groups is None else np.asarray(groups)[order],
        random_state=random_state,
    )
