"""Curves of fixed size, whatever the number of rows: ROC with its band, and histograms."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction.inputs import as_outcomes, as_values, as_weights
from appkit.prediction.resampling import bootstrap

__all__ = ["Histogram", "RocCurve", "histogram", "roc_curve"]


@dataclass(frozen=True)
class RocCurve:
    """Sensitivity at fixed false-alarm rates, with a pointwise band; arrays of shape (n_points,).

    Parameters
    ----------
    false_alarm_rate
        1 - specificity, evenly spaced from 0 to 1.
    sensitivity
        Share of events caught there; between observed points along the straight line.
    low, high
        Ends of the 95 % bootstrap interval at each point.
    """

    false_alarm_rate: np.ndarray
    sensitivity: np.ndarray
    low: np.ndarray
    high: np.ndarray


def roc_curve(
    y: ArrayLike,
    score: ArrayLike,
    *,
    n_points: int = 101,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_resamples: int = 200,
    random_state: int | None = 0,
) -> RocCurve:
    """Return the ROC curve on ``n_points`` false-alarm rates, with a bootstrap band.

    Examples
    --------
    >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], n_points=5)
    >>> curve.sensitivity
    array([0.5, 0.5, 1. , 1. , 1. ])
    """
    outcomes = as_outcomes(y)
    scores = as_values(score, len(outcomes), name="score")
    order = np.argsort(-scores, kind="stable")
    y, weights = outcomes[order], as_weights(sample_weight, len(outcomes))[order]
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    event, rest = weights * y, weights * ~y
    grid = np.linspace(0, 1, n_points)

    def statistic(counts: np.ndarray) -> np.ndarray:
        caught = np.cumsum(counts * event, axis=1)[:, last_of_tie]
        alarms = np.cumsum(counts * rest, axis=1)[:, last_of_tie]
        return np.stack([_on_grid(grid, *pair) for pair in zip(alarms, caught, strict=True)])

    draws = {"strata": y} if groups is None else {"groups": np.asarray(groups)[order]}
    resamples = bootstrap(statistic, len(y), n_resamples=n_resamples, random_state=random_state, **draws)
    low, high = np.nanquantile(resamples, [0.025, 0.975], axis=0)
    return RocCurve(grid, statistic(np.ones((1, len(y))))[0], low, high)


@dataclass(frozen=True)
class Histogram:
    """Counts between edges: ``edges`` float64 ``(n_bins + 1,)``, ``counts`` ``(n_bins,)``, weighted if weights came."""

    edges: np.ndarray
    counts: np.ndarray


def histogram(
    values: ArrayLike,
    *,
    max_bins: int = 40,
    bounds: tuple[float, float] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Histogram:
    """Count finite values in at most ``max_bins`` equal bins, their number by Freedman and Diaconis.

    Parameters
    ----------
    values
        Shape (n_rows,); NaN is left out.
    max_bins
        Most bins wanted.
    bounds
        Ends of the first and last bin; the range of the values if not given.
    sample_weight
        Shape (n_rows,).
    """
    given = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(given)
    if not finite.any():
        raise ValueError("values must hold at least one finite number.")
    shown, weights = given[finite], as_weights(sample_weight, len(given))[finite]
    low, high = bounds if bounds is not None else (shown.min(), shown.max())
    if low == high:
        return Histogram(np.array([low - 0.5, high + 0.5]), np.array([weights[shown == low].sum()]))
    quartiles = np.quantile(shown, [0.25, 0.75])
    width = 2 * (quartiles[1] - quartiles[0]) / len(shown) ** (1 / 3)
    wanted = np.ceil((high - low) / width) if width > 0 else max_bins
    counts, edges = np.histogram(shown, bins=int(np.clip(wanted, 1, max_bins)), range=(low, high), weights=weights)
    return Histogram(edges, counts)


def _on_grid(grid: np.ndarray, alarms: np.ndarray, caught: np.ndarray) -> np.ndarray:
    if alarms[-1] == 0 or caught[-1] == 0:
        return np.full(len(grid), np.nan)
    rate = np.concatenate([[0.0], alarms / alarms[-1]])
    reached = np.concatenate([[0.0], caught / caught[-1]])
    return np.interp(grid, rate, reached)  # on a vertical step, takes its top
