"""How far two explanations of the same rows agree: in their strongest players, and in the order of all."""

from dataclasses import replace

import numpy as np
from scipy.stats import rankdata

from appkit.explanation.explanation import Explanation
from appkit.prediction import Estimate, mean_estimate

__all__ = ["TOP", "mean_over_rows", "rank_agreement", "rank_correlations", "top_kept", "top_shares"]

TOP = 5
_FEWEST_TO_CORRELATE = 3


def top_shares(first: Explanation, second: Explanation, *, output: int = 0, top: int = TOP) -> np.ndarray:
    """Return which share of each row's strongest players both explanations name, float64 ``(n_rows,)``.

    Of a row with no more than ``top`` players all but the weakest are compared, since all of them always agree.
    """
    places = [_places(explanation, output) for explanation in (first, second)]
    n_own = (~np.isnan(first.values[..., output])).sum(1)
    n_top = np.minimum(top, np.maximum(1, n_own - 1))[:, None]
    both = (places[0] < n_top) & (places[1] < n_top)
    return both.sum(1) / n_top[:, 0]


def top_kept(first: Explanation, second: Explanation, *, output: int = 0, top: int = TOP) -> Estimate:
    """Return the mean over rows of :func:`top_shares`."""
    return mean_over_rows("Second seed", top_shares(first, second, output=output, top=top), bounds=(0.0, 1.0))


def rank_correlations(first: Explanation, second: Explanation, *, output: int = 0) -> np.ndarray:
    """Return Spearman's correlation of the sizes of each row's values, float64 ``(n_rows,)``.

    NaN where a row has fewer than three players, or where all its values have one size.
    """
    sizes = [np.abs(explanation.values[..., output]) for explanation in (first, second)]
    ranks = [rankdata(size, axis=1, nan_policy="omit") for size in sizes]
    centred = [rank - np.nanmean(rank, axis=1, keepdims=True) for rank in ranks]
    spread = np.sqrt(np.nansum(centred[0] ** 2, axis=1) * np.nansum(centred[1] ** 2, axis=1))
    is_defined = (spread > 0) & ((~np.isnan(sizes[0])).sum(1) >= _FEWEST_TO_CORRELATE)
    product = np.nansum(centred[0] * centred[1], axis=1)
    return np.where(is_defined, product / np.where(spread > 0, spread, 1.0), np.nan)


def rank_agreement(first: Explanation, second: Explanation, *, output: int = 0) -> Estimate:
    """Return the mean over rows of :func:`rank_correlations`, of the rows that have one; NaN where none has."""
    found = rank_correlations(first, second, output=output)
    return mean_over_rows("SHAP and LIME", found[~np.isnan(found)], bounds=(-1.0, 1.0))


def mean_over_rows(name: str, values: np.ndarray, *, bounds: tuple[float, float]) -> Estimate:
    """Return a mean over rows with its interval, cut at ``bounds``.

    One row stands for itself alone, no row for nothing (NaN). Rows that all say the same leave no width, few or many.
    """
    if len(values) > 1:
        found = mean_estimate(name, values)
        return replace(found, low=max(found.low, bounds[0]), high=min(found.high, bounds[1]))
    value = float(values[0]) if len(values) else float("nan")
    method = "this row alone" if len(values) else "no row has it"
    return Estimate(name, value, value, value, method=method, n=len(values))


def _places(explanation: Explanation, output: int) -> np.ndarray:
    """Return the place of each player in its row, from 0, int64 ``(n_rows, n_players)``; absent ones come last."""
    sizes = np.abs(explanation.values[..., output])
    order = np.argsort(np.where(np.isnan(sizes), np.inf, -sizes), axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable")
