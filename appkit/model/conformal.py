"""Prediction sets and intervals that cover the truth with a stated probability."""

import math

import numpy as np

__all__ = ["conformal_quantile", "interval_half_width", "prediction_sets"]


def conformal_quantile(scores: np.ndarray, *, alpha: float) -> float:
    """Return the score that a new one stays under with probability at least ``1 - alpha``.

    Parameters
    ----------
    scores
        Held-out nonconformity scores, shape (n_rows,).
    alpha
        Tolerated miss rate, strictly between 0 and 1.

    Returns
    -------
    float
        Infinite where there are too few scores to promise anything.

    References
    ----------
    Vovk, Gammerman, Shafer (2005). Algorithmic Learning in a Random World.

    Examples
    --------
    >>> conformal_quantile(np.array([0.1, 0.2, 0.3, 0.4]), alpha=0.25)
    0.4
    >>> conformal_quantile(np.array([0.1, 0.2, 0.3, 0.4]), alpha=0.1)
    inf
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}.")
    rank = math.ceil((len(scores) + 1) * (1 - alpha))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def prediction_sets(probabilities: np.ndarray, class_scores: list[np.ndarray], *, alpha: float) -> np.ndarray:
    """Return, for each row, which classes cannot be ruled out at miss rate ``alpha`` within each class.

    Parameters
    ----------
    probabilities
        float ``(n_rows, n_classes)``.
    class_scores
        For each class, ``1 - probability of the true class`` on held-out rows of that class.
    alpha
        Tolerated miss rate, in each class (Mondrian, class-conditional).

    Returns
    -------
    ndarray
        bool ``(n_rows, n_classes)``.

    Examples
    --------
    >>> scores = [np.linspace(0, 0.5, 50), np.linspace(0, 0.9, 50)]
    >>> prediction_sets(np.array([[0.9, 0.1], [0.6, 0.4]]), scores, alpha=0.1)
    array([[ True, False],
           [ True,  True]])
    """
    limits = np.array([conformal_quantile(scores, alpha=alpha) for scores in class_scores])
    return 1 - probabilities <= limits


def interval_half_width(residuals: np.ndarray, *, alpha: float) -> float:
    """Return the half-width that covers a new residual with probability at least ``1 - alpha``.

    Parameters
    ----------
    residuals
        Absolute held-out residuals, shape (n_rows,).
    alpha
        Tolerated miss rate.

    Raises
    ------
    ValueError
        If there are too few residuals for this ``alpha``.

    Examples
    --------
    >>> interval_half_width(np.array([1.0, 2.0, 3.0, 4.0]), alpha=0.5)
    3.0
    """
    width = conformal_quantile(residuals, alpha=alpha)
    if math.isinf(width):
        needed = math.ceil(1 / alpha) - 1
        raise ValueError(f"alpha={alpha} needs at least {needed} held-out rows, the model has {len(residuals)}.")
    return width
