"""Quantiles of truth minus prediction that change smoothly with the prediction and one more number."""

from dataclasses import dataclass

import numpy as np

__all__ = ["ResidualQuantiles", "learn_residual_quantiles", "weighted_quantiles"]

_TAIL = np.array([0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4])
_LEVELS = np.concatenate([_TAIL, [0.5], 1 - _TAIL[::-1]])
_WINDOW, _CONTEXT_WINDOW = 0.2, 0.3  # width of the window around a knot, as a share of the rows' weight
_LEAST = 0.02  # share below which a window is widened: corners of the grid that few rows reach
_LEAST_SPREAD = 0.01  # of the widest: beyond the outermost quantiles, intervals grow where rows agreed, too


@dataclass(frozen=True, eq=False)
class ResidualQuantiles:
    """Quantiles known at a grid of predictions and contexts, and in straight lines between; constant outside.

    Parameters
    ----------
    knots
        Predictions, rising, float64 ``(n_knots,)``.
    context_knots
        Contexts, rising, float64 ``(n_context_knots,)``.
    levels
        Rising, symmetric about 0.5, float64 ``(n_levels,)``.
    values
        Quantiles of truth minus prediction, rising along the last axis, ``(n_knots, n_context_knots, n_levels)``.
    """

    knots: np.ndarray
    context_knots: np.ndarray
    levels: np.ndarray
    values: np.ndarray

    def ends(self, prediction: np.ndarray, context: np.ndarray, *, reach: float) -> np.ndarray:
        """Return the ends between which truth minus prediction is expected, ``(n_rows, 2)``.

        A ``reach`` of 0.9 spans the central 90 % of what was learnt; past the outermost quantiles both ends go on in
        steps of the distance between those, so that no residual is out of reach.
        """
        return self._between(_ends(self._surface, self.levels, reach), prediction, context)

    def reach_of(
        self, truth: np.ndarray, prediction: np.ndarray, context: np.ndarray, *, low: float, high: float
    ) -> np.ndarray:
        """Return the smallest reach whose interval, clipped to the range, holds each truth, ``(n_rows,)``."""
        surface = self._between(self._surface, prediction, context)

        def is_held(reach: np.ndarray) -> np.ndarray:
            ends = np.clip(prediction[:, None] + _ends(surface, self.levels, reach), low, high)
            return (ends[:, 0] <= truth) & (truth <= ends[:, 1])

        outermost = self.levels[-1] - self.levels[0]
        inside, outside = np.full(len(truth), outermost), np.zeros(len(truth))
        is_beyond, is_inmost = ~is_held(inside), is_held(outside)
        for _ in range(25):  # intervals are nested: halving finds the first that holds the truth
            middle = (inside + outside) / 2
            held = is_held(middle)
            inside, outside = np.where(held, middle, inside), np.where(held, outside, middle)
        last = prediction[:, None] + _ends(surface, self.levels, np.full(len(truth), outermost))
        excess = np.maximum(last[:, 0] - truth, truth - last[:, 1])
        return np.where(is_beyond, outermost + excess / surface[:, -1], np.where(is_inmost, 0.0, inside))

    @property
    def _surface(self) -> np.ndarray:
        """Quantiles and, last, the step beyond them, ``(n_knots, n_context_knots, n_levels + 1)``."""
        spread = self.values[..., -1] - self.values[..., 0]
        least = _LEAST_SPREAD * spread.max() or 1.0  # where all rows agreed exactly, any unit of length will do
        return np.concatenate([self.values, np.maximum(spread, least)[..., None]], axis=-1)

    def _between(self, grid: np.ndarray, prediction: np.ndarray, context: np.ndarray) -> np.ndarray:
        """Return the rows' ``(n_rows, n)`` of a ``grid`` ``(n_knots, n_context_knots, n)``."""
        left, right, share = _place(prediction, self.knots)
        below, above, part = _place(context, self.context_knots)
        start = grid[left, below] * (1 - share) + grid[right, below] * share
        return start * (1 - part) + (grid[left, above] * (1 - share) + grid[right, above] * share) * part


def learn_residual_quantiles(
    prediction: np.ndarray,
    truth: np.ndarray,
    context: np.ndarray,
    *,
    weight: np.ndarray,
    knots: np.ndarray,
    context_knots: np.ndarray,
) -> ResidualQuantiles:
    """Return weighted quantiles within windows around each pair of knots; windows are as wide as rows are sparse.

    Parameters
    ----------
    prediction, truth, context
        float64 ``(n_rows,)``.
    weight
        Not negative, ``(n_rows,)``.
    knots, context_knots
        Where to learn quantiles, rising.
    """
    order = np.argsort(truth - prediction, kind="stable")
    prediction, context, weight = prediction[order], context[order], weight[order] / weight.sum()
    residual = truth[order] - prediction
    distances = _rank_distances(prediction, weight, knots)
    context_distances = _rank_distances(context, weight, context_knots)
    values = np.empty((len(knots), len(context_knots), len(_LEVELS)))
    for i, distance in enumerate(distances):
        near = _window(distance, weight, share=_WINDOW)
        for j, context_distance in enumerate(context_distances):
            total = np.cumsum(_window(context_distance, near, share=_CONTEXT_WINDOW))
            values[i, j] = residual[np.searchsorted(total, _LEVELS * total[-1])]
    return ResidualQuantiles(knots, context_knots, _LEVELS.copy(), values)


def weighted_quantiles(values: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the smallest values that hold each share of the weight below or at them, shape of ``levels``.

    Examples
    --------
    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), np.array([0.25, 0.5, 0.8]))
    array([1., 2., 3.])
    """
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    places = np.searchsorted(total, levels * total[-1] * (1 - 1e-12))  # a share met but for rounding is met
    return values[order][np.minimum(places, len(values) - 1)]


def _rank_distances(values: np.ndarray, weight: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return how much of the weight lies between each knot and each row, ties half, ``(n_knots, n_rows)``."""
    order = np.argsort(values, kind="stable")
    rising, total = values[order], np.concatenate([[0.0], np.cumsum(weight[order])])

    def rank(at: np.ndarray) -> np.ndarray:
        return (total[np.searchsorted(rising, at)] + total[np.searchsorted(rising, at, side="right")]) / 2

    return np.abs(rank(values) - rank(knots)[:, None])


def _window(distance: np.ndarray, weight: np.ndarray, *, share: float) -> np.ndarray:
    """Return ``weight`` under a tricube around distance 0, wide enough to hold some of it."""
    radius, least = share / 2, _LEAST * weight.sum()
    while True:
        near = weight * (1 - np.minimum(distance / radius, 1) ** 3) ** 3
        if near.sum() >= least:
            return near
        radius *= 1.5


def _ends(surface: np.ndarray, levels: np.ndarray, reach: float | np.ndarray) -> np.ndarray:
    """Return both ends at ``reach``, shape ``surface.shape[:-1] + (2,)``."""
    inner = np.minimum(reach, levels[-1] - levels[0])
    step = (reach - inner) * surface[..., -1]
    lower = _at_level(surface[..., :-1], levels, (1 - inner) / 2) - step
    upper = _at_level(surface[..., :-1], levels, (1 + inner) / 2) + step
    return np.stack([lower, upper], axis=-1)


def _at_level(quantiles: np.ndarray, levels: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    """Return quantiles at a level between those known, one level for all or one for each."""
    level = np.broadcast_to(level, quantiles.shape[:-1])
    left, right, share = _place(level, levels)
    start = np.take_along_axis(quantiles, left[..., None], axis=-1)
    end = np.take_along_axis(quantiles, right[..., None], axis=-1)
    return (start * (1 - share) + end * share)[..., 0]


def _place(values: np.ndarray, knots: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the knots left and right of each value and how far it is on its way, as ``values.shape + (1,)``."""
    right = np.searchsorted(knots, values).clip(min(1, len(knots) - 1), len(knots) - 1)
    left = np.maximum(right - 1, 0)
    length = np.where(right > left, knots[right] - knots[left], 1.0)
    return left, right, np.clip((values - knots[left]) / length, 0, 1)[..., None]
