"""The diverging ramp: nine steps, the middle one for what cannot be told from zero."""

import numpy as np

__all__ = ["N_SIDE", "ramp_end", "ramp_steps"]

N_SIDE = 4
"""Steps on each side of the middle."""

_ROUNDING = 1e-9


def ramp_end(values: np.ndarray) -> float:
    """Return the end of a ramp that holds all values, the same on both sides; 1 where all are zero.

    Examples
    --------
    >>> ramp_end(np.array([-3.0, 1.0]))
    3.0
    """
    largest = float(np.max(np.abs(values), initial=0.0))
    return largest if largest > 0 else 1.0


def ramp_steps(values: np.ndarray, is_told: np.ndarray, *, end: float) -> np.ndarray:
    """Return the step of each value, int64 from -4 to 4; 0 for those not told from zero and for no others.

    Parameters
    ----------
    values
        float64, any shape.
    is_told
        bool, same shape: which can be told from zero.
    end
        Size the last step reaches; larger values stay on it.

    Examples
    --------
    >>> ramp_steps(np.array([-9.0, 0.1, 2.0, 3.0]), np.array([True, True, True, False]), end=4.0).tolist()
    [-4, 1, 2, 0]
    """
    if not end > 0:
        raise ValueError(f"end must be positive, got {end!r}.")
    sizes = np.ceil(np.abs(values) / end * N_SIDE - _ROUNDING).clip(1, N_SIDE)
    return np.where(is_told, np.sign(values) * sizes, 0).astype(np.int64)
