"""Metrics of predicted values and of their intervals, each with its own interval."""

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_values, as_weights
from appkit.prediction.intervals import linear_estimate, mean_estimate

__all__ = ["interval_coverage", "interval_width", "mae", "r2", "rmse"]

_FROM_ZERO = (0.0, np.inf)


def mae(
    y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the mean absolute error, in units of ``y``."""
    return mean_estimate(
        "Mean absolute error",
        np.abs(_errors(y, predicted)),
        sample_weight=sample_weight,
        groups=groups,
        bounds=_FROM_ZERO,
    )


def rmse(
    y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the root mean squared error, in units of ``y``; the interval is the root of that of the mean square.

    Examples
    --------
    >>> rmse([1.0, 2.0, 3.0], [1.0, 4.0, 3.0]).value ** 2
    1.333...
    """
    square = mean_estimate(
        "Mean squared error", _errors(y, predicted) ** 2, sample_weight=sample_weight, groups=groups, bounds=_FROM_ZERO
    )
    value, low, high = (float(np.sqrt(end)) for end in (square.value, square.low, square.high))
    return Estimate("Root mean squared error", value, low, high, method=square.method, n=square.n)


def r2(
    y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the share of the variance of ``y`` that the predictions explain; negative if worse than the mean."""
    errors = _errors(y, predicted)
    weights = as_weights(sample_weight, len(errors))
    y = np.asarray(y, dtype=np.float64)
    spread = (y - weights @ y / weights.sum()) ** 2
    total = float(weights @ spread)
    if total == 0:
        raise ValueError("y must vary: r2 compares with its variance, which is 0.")
    unexplained = float(weights @ errors**2) / total
    influence = -weights * (errors**2 - unexplained * spread) / total
    return linear_estimate("R2", 1 - unexplained, influence, groups=groups, bounds=(-np.inf, 1.0))


def interval_coverage(
    y: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return the share of rows whose value lies within its predicted interval, ends included.

    Examples
    --------
    >>> interval_coverage([1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 5.0], [1.0, 2.0, 9.0, 6.0]).value
    0.75
    """
    y, low, high = _interval_ends(y, low, high)
    return mean_estimate("Interval coverage", (low <= y) & (y <= high), sample_weight=sample_weight, groups=groups)


def interval_width(
    y: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return the mean width of the predicted intervals, in units of ``y``."""
    y, low, high = _interval_ends(y, low, high)
    return mean_estimate("Interval width", high - low, bounds=_FROM_ZERO, sample_weight=sample_weight, groups=groups)


def _errors(y: ArrayLike, predicted: ArrayLike) -> np.ndarray:
    shape = np.shape(y)
    if len(shape) != 1 or not shape[0]:
        raise ValueError(f"y must be one-dimensional and not empty, got shape {shape}.")
    return as_values(predicted, shape[0], name="predicted") - as_values(y, shape[0], name="y")


def _interval_ends(y: ArrayLike, low: ArrayLike, high: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = np.asarray(y, dtype=np.float64)
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    if not (y.shape == low.shape == high.shape) or y.ndim != 1:
        raise ValueError(f"y, low and high must have one shape (n_rows,), got {y.shape}, {low.shape}, {high.shape}.")
    if np.any(low > high):
        raise ValueError("low must not exceed high in any row.")
    return y, low, high
