"""Checks at the border of every metric: outcomes, scores and weights as arrays that fit together."""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["as_outcomes", "as_probabilities", "as_values", "as_weights"]


def as_outcomes(y: ArrayLike, *, both: bool = True) -> np.ndarray:
    """Return 0/1 or boolean outcomes as bool ``(n_rows,)``; ``both`` asks for at least one of each."""
    array = np.asarray(y)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"y must be one-dimensional and not empty, got shape {array.shape}.")
    if array.dtype != bool:
        if array.dtype.kind not in "iufO" or not np.isin(array, (0, 1)).all():
            found = sorted({str(value) for value in array[:1000]})[:5]
            raise ValueError(
                f"y must be boolean or 0 and 1 (1 is the event), got {found}; compare with the event first."
            )
        array = array.astype(np.float64).astype(bool)
    if both and array.all() == array.any():
        raise ValueError(f"y must hold events and non-events, got only {'events' if array[0] else 'non-events'}.")
    return array


def as_values(values: ArrayLike, n_rows: int, *, name: str) -> np.ndarray:
    """Return finite float64 ``(n_rows,)``."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers, one per row: {error}.") from error
    if array.shape != (n_rows,):
        raise ValueError(f"{name} must have shape ({n_rows},), one entry per row of y, got {array.shape}.")
    if not np.isfinite(array).all():
        first = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[first]} in row {first}. Drop such rows, or fill them in.")
    return array


def as_probabilities(p: ArrayLike, n_rows: int, *, name: str = "p") -> np.ndarray:
    """Return probabilities of the event, float64 ``(n_rows,)``."""
    array = as_values(p, n_rows, name=name)
    if array.min() < 0 or array.max() > 1:
        raise ValueError(
            f"{name} must lie in [0, 1], got {array.min():.4g} to {array.max():.4g}; scores are not enough."
        )
    return array


def as_weights(sample_weight: ArrayLike | None, n_rows: int) -> np.ndarray:
    """Return non-negative weights that do not all vanish, float64 ``(n_rows,)``; ones for ``None``."""
    if sample_weight is None:
        return np.ones(n_rows)
    weights = as_values(sample_weight, n_rows, name="sample_weight")
    if weights.min() < 0:
        first = int(np.flatnonzero(weights < 0)[0])
        raise ValueError(
            f"sample_weight must not be negative, got {weights[first]} in row {first}. "
            "Give 0 to a row that should not count."
        )
    if weights.sum() == 0:
        raise ValueError("sample_weight must have a positive value, got only zeros.")
    return weights
