"""Does one model rank images better than another on the same patients."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from appkit.prediction import Estimate, auc, auc_difference
from appkit.prediction.delong import auc_influence
from appkit.prediction.inputs import as_values
from appkit.prediction.intervals import standard_error
from domains.medical.prediction.scored_rows import ScoredRows, scored_rows

__all__ = ["ModelComparison", "compare_models"]


@dataclass(frozen=True)
class ModelComparison:
    """Two models on the same images.

    Parameters
    ----------
    first, second
        AUC of each.
    difference
        AUC of the first minus that of the second, with the interval of paired rows.
    p_value
        Two-sided, of no difference: below ``1 - level`` where the interval leaves 0 out. NaN where the rows leave no
        variance to judge by.
    n_patients
        Patients by whom the interval is clustered; ``None`` where images are independent.
    """

    first: Estimate
    second: Estimate
    difference: Estimate
    p_value: float
    n_patients: int | None = None

    def __str__(self) -> str:
        return f"{self.difference}, p = {self.p_value:.2g}"


def compare_models(
    y: ArrayLike, p: ArrayLike, other: ArrayLike, *, groups: ArrayLike | None = None, level: float = 0.95
) -> ModelComparison:
    """Compare the AUC of two models by DeLong's test (1988), clustered by patient after Obuchowski (1997).

    Parameters
    ----------
    y
        Events, bool or 0/1, shape (n_rows,).
    p, other
        Output of each model on the same images, shape (n_rows,); only their order counts.
    groups
        Patient of each image, shape (n_rows,).
    level
        Coverage the intervals aim at.

    Examples
    --------
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> found = compare_models(y, [1, 2, 3, 5, 4, 6, 7, 8], [1, 4, 3, 8, 2, 6, 7, 5])
    >>> print(found)
    AUC difference 0.312 (-0.019 to 0.644), p = 0.065
    """
    rows = scored_rows(y, p, groups=groups)
    rival = as_values(other, len(rows.y), name="other")
    difference = auc_difference(rows.y, rows.p, rival, groups=rows.groups, level=level)
    return ModelComparison(
        auc(rows.y, rows.p, groups=rows.groups, level=level),
        auc(rows.y, rival, groups=rows.groups, level=level),
        difference,
        _p_value(rows, rival, difference),
        rows.n_patients,
    )


def _p_value(rows: ScoredRows, rival: np.ndarray, difference: Estimate) -> float:
    if difference.method.startswith("none"):
        return math.nan
    ours, theirs = (auc_influence(rows.y, score, small_sample=rows.groups is None)[1] for score in (rows.p, rival))
    error = standard_error(ours - theirs, groups=rows.groups)
    if error < 1e-12:
        return 1.0 if difference.value == 0 else math.nan
    distance = abs(difference.value) / error
    if rows.n_patients is None:
        return float(2 * stats.norm.sf(distance))
    return float(2 * stats.t.sf(distance, rows.n_patients - 1))
