"""Survival curves known at the edges of intervals: the life they promise, and their height at any time."""

from collections.abc import Sequence

import numpy as np

__all__ = ["expected_life", "survival_at"]


def expected_life(survival: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """Return the mean time lived up to the last edge, float64 ``(n_rows,)``.

    This is the restricted mean, the area under the curve: time beyond the last edge is not counted, so a unit that is
    sure to outlive it is given the last edge itself. Between edges the curve falls in a straight line.

    Parameters
    ----------
    survival
        Probability to survive each edge, shape (n_rows, n_edges).
    edges
        Times of the edges, rising from above 0, shape (n_edges,).

    References
    ----------
    Royston and Parmar (2013). Restricted mean survival time. BMC Medical Research Methodology 13.

    Examples
    --------
    >>> expected_life(np.array([[0.5, 0.0], [1.0, 1.0]]), (10.0, 30.0))
    array([12.5, 30. ])
    """
    curve = _from_birth(survival, edges)
    return (curve[:, :-1] + curve[:, 1:]) / 2 @ np.diff([0.0, *edges])


def survival_at(survival: np.ndarray, edges: Sequence[float], times: np.ndarray) -> np.ndarray:
    """Return the probability to survive each time, float64 ``(n_rows, n_times)``, in a straight line between edges.

    Parameters
    ----------
    survival, edges
        As in :func:`expected_life`.
    times
        From 0 to the last edge, shape (n_times,), the same for every row.

    Raises
    ------
    ValueError
        If a time is negative or beyond the last edge, where nothing is known.

    References
    ----------
    Kvamme and Borgan (2021). Continuous and discrete-time survival prediction with neural networks. Lifetime Data
    Analysis 27 (constant density interpolation).

    Examples
    --------
    >>> survival_at(np.array([[0.5, 0.0]]), (10.0, 30.0), np.array([0.0, 5.0, 10.0, 20.0]))
    array([[1.  , 0.75, 0.5 , 0.25]])
    """
    times = np.asarray(times, dtype=np.float64)
    outside = ~((times >= 0) & (times <= edges[-1]))
    if outside.any():
        raise ValueError(f"times must lie from 0 to the last edge, {edges[-1]:g}, got {times[outside][0]:g}.")
    curve, knots = _from_birth(survival, edges), np.array([0.0, *edges])
    right = np.searchsorted(knots, times).clip(1)
    share = (times - knots[right - 1]) / (knots[right] - knots[right - 1])
    return curve[:, right - 1] * (1 - share) + curve[:, right] * share


def _from_birth(survival: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """Return curves that begin with 1 at time 0."""
    survival = np.asarray(survival, dtype=np.float64)
    if survival.ndim != 2 or survival.shape[1] != len(edges):
        raise ValueError(f"survival must have one column per edge, {len(edges)}, got shape {survival.shape}.")
    return np.column_stack([np.ones(len(survival)), survival])
