"""Do probabilities come true: calibration slope, intercept, expected error and bins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_outcomes, as_probabilities, as_weights
from appkit.prediction.intervals import (
    clopper_pearson_interval,
    linear_estimate,
    mean_estimate,
    normal_estimate,
    wilson_interval,
)

__all__ = [
    "CalibrationBins",
    "calibration_bins",
    "calibration_in_the_large",
    "calibration_intercept",
    "calibration_slope",
    "expected_calibration_error",
]

_EDGE = 1e-9  # probabilities are held this far from 0 and 1, where log-odds end


def calibration_slope(
    y: ArrayLike, p: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the slope of the outcome on the log-odds predicted (Cox, 1958).

    1 means predicted and observed rates move together; below 1, predictions are too extreme. NaN where it does not
    exist: all predictions alike, or outcomes that they separate.
    """
    return _recalibrate(y, p, 1, name="Calibration slope", sample_weight=sample_weight, groups=groups)


def calibration_intercept(
    y: ArrayLike, p: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the intercept beside :func:`calibration_slope`, in log-odds; 0 where calibration holds."""
    return _recalibrate(y, p, 0, name="Calibration intercept", sample_weight=sample_weight, groups=groups)


def calibration_in_the_large(
    y: ArrayLike,
    p: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return the intercept with the slope held at 1, in log-odds: above 0, events were more frequent than predicted."""
    y, scores, weights = _logistic_inputs(y, p, sample_weight)
    fit = _fit_logistic(np.ones((len(y), 1)), y, weights, offset=scores)
    return _coefficient(
        "Calibration in the large", fit, 0, robust=sample_weight is not None, groups=groups, level=level
    )


def expected_calibration_error(
    y: ArrayLike,
    p: ArrayLike,
    *,
    n_bins: int = 10,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_draws: int = 2000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean over equal-count bins of ``|observed - predicted|``.

    Sampling noise alone makes it positive, so resampling around it (the percentile bootstrap) never covers a true 0.
    Here the low end is the smallest error, in the direction observed, from which noise reaches the estimate in 2.5 %
    of draws: for a calibrated model it is 0. The high end is the upper percentile of redrawn bins.

    Examples
    --------
    >>> y, p = [0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75]
    >>> expected_calibration_error(y, p, n_bins=2).value
    0.25
    """
    outcomes = as_outcomes(y, both=False)
    p = as_probabilities(p, len(outcomes))
    weights = as_weights(sample_weight, len(outcomes))
    n, counts = len(outcomes), weights > 0  # a row that weighs nothing must not move the edges of the bins
    outcomes, p, weights = outcomes[counts], p[counts], weights[counts]
    groups = None if groups is None else np.asarray(groups)[counts]
    bins = _equal_count_bins(p, n_bins)
    share = weights / weights.sum()
    surplus = np.bincount(bins, weights=share * (outcomes - p))
    mass = np.bincount(bins, weights=share)
    mean = np.divide(surplus, mass, out=np.zeros_like(mass), where=mass > 0)
    covariance = _bin_covariance(bins, share * (outcomes - p - mean[bins]), groups)
    noise = np.random.default_rng(random_state).multivariate_normal(
        np.zeros_like(surplus), covariance, size=n_draws, method="eigh"
    )
    value = float(np.abs(surplus).sum())
    low, high = _interval_of_absolute_sum(surplus, noise)
    method = f"test inversion, {n_draws} draws of {len(mass)} bins"
    return Estimate("Expected calibration error", value, min(low, value), max(high, value), method, n=n)


@dataclass(frozen=True)
class CalibrationBins:
    """Predicted and observed rates in bins of equal count; arrays of shape (n_bins,).

    Parameters
    ----------
    predicted
        Mean probability of the bin.
    observed, low, high
        Share of events and its interval: Wilson's, or clustered where rows go together.
    n, n_events
        Rows and events.
    """

    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    n_events: np.ndarray

    @property
    def n_inside(self) -> int:
        """Bins whose interval holds the predicted rate."""
        return int(((self.low <= self.predicted) & (self.predicted <= self.high)).sum())


def calibration_bins(
    y: ArrayLike,
    p: ArrayLike,
    *,
    n_bins: int = 10,
    min_expected_events: float = 30,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> CalibrationBins:
    """Compare predicted with observed rates in equal groups of rows.

    Parameters
    ----------
    y, p
        Outcomes and probabilities of the event, shape (n_rows,).
    n_bins
        Bins wanted; equal probabilities stay together.
    min_expected_events
        Fewer bins are made, down to two, until the predictions expect as many events in each.
    groups
        Patients, customers or machines whose rows go together, shape (n_rows,); rows of a bin that are all of one group
        count as one trial.
    level
        Coverage of the intervals.
    """
    y = as_outcomes(y, both=False)
    p = as_probabilities(p, len(y))
    for n_tried in range(n_bins, 1, -1):
        bins = _equal_count_bins(p, n_tried)
        if np.bincount(bins, weights=p).min() >= min_expected_events:
            break
    n, n_events = np.bincount(bins), np.bincount(bins, weights=y).astype(int)
    if groups is None:
        low, high = wilson_interval(n_events, n, level=level)
    else:
        low, high = _clustered_intervals(y, bins, np.asarray(groups), level=level)
    return CalibrationBins(np.bincount(bins, weights=p) / n, n_events / n, low, high, n, n_events)


def _clustered_intervals(
    y: np.ndarray, bins: np.ndarray, groups: np.ndarray, *, level: float
) -> tuple[np.ndarray, np.ndarray]:
    ends = []
    for number in range(int(bins.max()) + 1):
        own = bins == number
        estimate = mean_estimate("rate", y[own], groups=groups[own], level=level)
        low, high = estimate.low, estimate.high
        if np.isnan(low):
            low, high = (float(end) for end in clopper_pearson_interval(round(estimate.value), 1, level=level))
        ends.append((min(low, estimate.value), max(high, estimate.value)))
    low_ends, high_ends = np.array(ends).T
    return low_ends, high_ends


def _interval_of_absolute_sum(surplus: np.ndarray, noise: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of ``|surplus|`` summed, ``noise`` being draws ``(n_draws, n_bins)`` of its error."""
    value = np.abs(surplus).sum()
    shrunk = np.linspace(0, 1, 41)
    reach = [np.quantile(np.abs(part * surplus + noise).sum(axis=1), 0.975) for part in shrunk]
    low = np.interp(value, np.maximum.accumulate(reach), shrunk * value)
    return float(low), float(reach[-1])


def _bin_covariance(bins: np.ndarray, influence: np.ndarray, groups: ArrayLike | None) -> np.ndarray:
    """Return the covariance of the sums of ``influence`` per bin, rows of a group counted as one draw."""
    n_bins = int(bins.max()) + 1
    if groups is None:
        return np.diag(np.bincount(bins, weights=influence**2))
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    cells = np.bincount(members * n_bins + bins, weights=influence, minlength=(members.max() + 1) * n_bins)
    per_group = cells.reshape(-1, n_bins)
    return per_group.T @ per_group


def _equal_count_bins(p: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the bin of each row, int ``(n_rows,)``, from 0 without holes; ties are never split."""
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1, got {n_bins!r}.")
    ordered = np.sort(p)
    cuts = ordered[np.arange(1, n_bins) * len(p) // n_bins]
    return np.unique(np.searchsorted(cuts, p, side="right"), return_inverse=True)[1]


@dataclass(frozen=True)
class _LogisticFit:
    coefficients: np.ndarray  # (n_columns,)
    covariance: np.ndarray  # inverse information
    influence: np.ndarray  # (n_rows, n_columns)


def _recalibrate(
    y: ArrayLike,
    p: ArrayLike,
    column: int,
    *,
    name: str,
    sample_weight: ArrayLike | None,
    groups: ArrayLike | None,
) -> Estimate:
    y, scores, weights = _logistic_inputs(y, p, sample_weight)
    if _separates(scores, y, weights):
        return Estimate(name, np.nan, np.nan, np.nan, method="none: no finite solution", n=len(y))
    fit = _fit_logistic(np.column_stack([np.ones(len(y)), scores]), y, weights, offset=np.zeros(len(y)))
    return _coefficient(name, fit, column, robust=sample_weight is not None, groups=groups)


def _separates(scores: np.ndarray, y: np.ndarray, weights: np.ndarray) -> bool:
    """Return whether a cut leaves events on one side and the rest on the other, ties at the cut allowed."""
    events, rest = scores[y & (weights > 0)], scores[~y & (weights > 0)]
    return bool(rest.max() <= events.min() or events.max() <= rest.min())


def _coefficient(
    name: str,
    fit: _LogisticFit,
    column: int,
    *,
    robust: bool,
    groups: ArrayLike | None,
    level: float = 0.95,
) -> Estimate:
    value = float(fit.coefficients[column])
    if robust or groups is not None:
        influence = fit.influence[:, column]
        return linear_estimate(name, value, influence, groups=groups, method="Wald, sandwich", level=level)
    error = float(np.sqrt(fit.covariance[column, column]))
    return normal_estimate(name, value, error, n=len(fit.influence), level=level)


def _logistic_inputs(
    y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    outcomes = as_outcomes(y)
    scores = logit(np.clip(as_probabilities(p, len(outcomes)), _EDGE, 1 - _EDGE))
    weights = as_weights(sample_weight, len(outcomes))
    if not (weights[outcomes].any() and weights[~outcomes].any()):
        raise ValueError("sample_weight must not be 0 for all events or all non-events.")
    return outcomes, scores, weights


def _fit_logistic(design: np.ndarray, y: np.ndarray, weights: np.ndarray, *, offset: np.ndarray) -> _LogisticFit:
    """Maximise the likelihood, which has a finite maximum, by Newton steps halved where they overshoot."""
    beta = np.zeros(design.shape[1])
    loss = _negative_log_likelihood(design, y, weights, offset=offset, beta=beta)
    for _ in range(100):
        fitted = expit(design @ beta + offset)
        gradient = design.T @ (weights * (y - fitted))
        covariance = np.linalg.pinv((design * (weights * fitted * (1 - fitted))[:, None]).T @ design)
        step = covariance @ gradient
        if gradient @ step < 1e-14 * (1 + loss):  # less than 1e-7 standard errors, or below what the loss can show
            break
        tried = _negative_log_likelihood(design, y, weights, offset=offset, beta=beta + step)
        while tried > loss * (1 + 1e-12):
            step /= 2
            tried = _negative_log_likelihood(design, y, weights, offset=offset, beta=beta + step)
        beta, loss = beta + step, tried
    influence = (design * (weights * (y - fitted))[:, None]) @ covariance
    return _LogisticFit(beta, covariance, influence)


def _negative_log_likelihood(
    design: np.ndarray, y: np.ndarray, weights: np.ndarray, *, offset: np.ndarray, beta: np.ndarray
) -> float:
    scores = design @ beta + offset
    return float(weights @ (np.logaddexp(0, scores) - y * scores))
