"""How early in a unit's life its predictions become right: alpha-lambda accuracy and prognostic horizon.

Both follow Saxena, Celaya, Saha, Saha and Goebel (2010), "Metrics for offline evaluation of prognostic performance".
They need several predictions over the life of each unit, and its true end.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from appkit.prediction.resampling import grouped_share, median_estimate
from domains.manufacturing.prediction.unit_rows import (
    UnitRows,
    as_remaining_life,
    as_rows,
    ends_of_life,
    unit_rows,
)

__all__ = ["alpha_lambda_accuracy", "median_prognostic_horizon", "prognostic_horizons"]


def alpha_lambda_accuracy(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    units: ArrayLike,
    ages: ArrayLike,
    alpha: float = 0.2,
    fraction: float = 0.5,
) -> Estimate:
    """Return the share of units whose prediction at a fraction of life is within ``alpha`` of the true remaining life.

    Each unit is asked once: at its last row up to that fraction of its life. Units whose rows end before are left out;
    without any that reach it the share is undefined. The interval is exact (Clopper-Pearson), a unit being one trial.

    Parameters
    ----------
    truth
        True remaining life, not capped, shape (n_rows,).
    predicted
        Predicted remaining life, shape (n_rows,).
    units
        Machine of each row, shape (n_rows,).
    ages
        How long the unit had run, shape (n_rows,), in the unit of the truth: age + truth is its life.
    alpha
        Tolerance relative to the true remaining life.
    fraction
        Lambda: share of life that has passed, in [0, 1).

    Examples
    --------
    >>> truth, ages = [6.0, 4.0, 2.0, 3.0, 2.0], [0.0, 2.0, 4.0, 1.0, 2.0]
    >>> alpha_lambda_accuracy(truth, [9.0, 3.3, 2.0, 5.0, 9.0], units=list("aaabb"), ages=ages).value
    0.5
    """
    _check_share("alpha", alpha)
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction must lie in [0, 1), got {fraction!r}.")
    lives = _Lives.read(truth, predicted, units=units, ages=ages)
    moment = fraction * lives.life
    is_before = lives.rows.times <= moment[lives.rows.unit_of_row]
    n_before = np.add.reduceat(is_before.astype(np.int64), lives.rows.bounds[:-1])
    reached = (n_before > 0) & (lives.rows.last_times >= moment)
    row = (lives.rows.bounds[:-1] + n_before - 1)[reached]
    within = np.abs(lives.predicted[row] - lives.truth[row]) <= alpha * lives.truth[row]
    return grouped_share(
        f"Alpha-lambda accuracy ({alpha:g} at {fraction:g})",
        within,
        undefined=f"no unit has rows before and after {fraction:g} of its life",
    )


def prognostic_horizons(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    units: ArrayLike,
    ages: ArrayLike,
    alpha: float = 0.1,
) -> pd.Series:
    """Return how long before each unit's end its predictions become and stay right, indexed by unit.

    Right is within ``alpha`` times the unit's life. The published definition takes the first prediction that is right;
    a constant prediction is right once in passing, so here all later ones must be right as well. 0 where none is.

    Parameters
    ----------
    truth, predicted, units, ages
        As in :func:`alpha_lambda_accuracy`.
    alpha
        Tolerance relative to the life of the unit.

    Examples
    --------
    >>> truth, ages = [40.0, 30.0, 20.0, 10.0], [10.0, 20.0, 30.0, 40.0]
    >>> prognostic_horizons(truth, [42.0, 50.0, 24.0, 9.0], units=[7, 7, 7, 7], ages=ages).to_dict()
    {7: 20.0}
    """
    _check_share("alpha", alpha)
    lives = _Lives.read(truth, predicted, units=units, ages=ages)
    rows, last = lives.rows, lives.rows.bounds[1:] - 1
    is_wrong = np.abs(lives.predicted - lives.truth) > alpha * lives.life[rows.unit_of_row]
    # the last wrong row of each unit, or the row before its first
    last_wrong = np.where(is_wrong, np.arange(len(is_wrong)), -1)
    last_wrong = np.maximum(np.maximum.reduceat(last_wrong, rows.bounds[:-1]), rows.bounds[:-1] - 1)
    horizons = np.where(last_wrong < last, lives.truth[np.minimum(last_wrong + 1, last)], 0.0)
    return pd.Series(horizons, index=rows.labels.rename("unit"), name="prognostic horizon")


def median_prognostic_horizon(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    units: ArrayLike,
    ages: ArrayLike,
    alpha: float = 0.1,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the median over units of :func:`prognostic_horizons`, with an interval by redrawing units."""
    horizons = prognostic_horizons(truth, predicted, units=units, ages=ages, alpha=alpha).to_numpy()
    return median_estimate(
        f"Median prognostic horizon ({alpha:g})", horizons, n_resamples=n_resamples, random_state=random_state
    )


@dataclass(frozen=True, eq=False)
class _Lives:
    """Truth and prediction over the life of each unit, rows in order."""

    rows: UnitRows
    truth: np.ndarray  # (n_rows,)
    predicted: np.ndarray  # (n_rows,)
    life: np.ndarray  # (n_units,)

    @classmethod
    def read(cls, truth: ArrayLike, predicted: ArrayLike, *, units: ArrayLike, ages: ArrayLike) -> "_Lives":
        rows = unit_rows(units, ages, time_name="ages")
        y = as_rows(as_remaining_life(truth), len(rows.order), name="truth")[rows.order]
        outputs = as_rows(predicted, len(y), name="predicted")[rows.order]
        if rows.times.min() < 0:
            row = int(rows.order[rows.times.argmin()])
            raise ValueError(f"ages must not be negative, got {rows.times.min():g} in row {row}.")
        return cls(rows, y, outputs, ends_of_life(rows, y))


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}.")
