"""Where the dots of a beeswarm lie, and how high in its column each value is."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

__all__ = ["as_numbers", "level_steps", "swarm_offsets", "value_levels"]

_N_BINS = 90
_PITCH = 0.09
_HALF_HEIGHT = 0.4


def as_numbers(column: np.ndarray) -> np.ndarray | None:
    """Return what a player showed as float64 ``(n_rows,)``, missing values NaN; ``None`` where it has no order.

    Examples
    --------
    >>> as_numbers(np.array([2, None, 1.5], dtype=object))
    array([2. , nan, 1.5])
    >>> as_numbers(np.array(["rent", "own"], dtype=object)) is None
    True
    """
    values = pd.Series(column).infer_objects()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype("int64").where(values.notna()).to_numpy(dtype=np.float64)
    if values.isna().all() or not pd.api.types.is_numeric_dtype(values.dropna().infer_objects().dtype):
        return None
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def value_levels(column: np.ndarray) -> np.ndarray:
    """Return each value's quantile in its column, 0 to 1; NaN where it is missing or the column has no order.

    Examples
    --------
    >>> value_levels(np.array([10.0, 30.0, np.nan, 20.0], dtype=object)).round(2)
    array([0.17, 0.83,  nan, 0.5 ])
    """
    numbers = as_numbers(column)
    levels = np.full(len(column), np.nan)
    if numbers is not None:
        known = ~np.isnan(numbers)
        levels[known] = (rankdata(numbers[known]) - 0.5) / known.sum()
    return levels


def level_steps(levels: np.ndarray, n_steps: int) -> np.ndarray:
    """Return the colour step of each level, int64 from 0; -1 where there is none.

    Examples
    --------
    >>> level_steps(np.array([0.1, 0.99, np.nan]), 5).tolist()
    [0, 4, -1]
    """
    steps = np.minimum(np.nan_to_num(levels) * n_steps, n_steps - 1).astype(np.int64)
    return np.where(np.isnan(levels), -1, steps)


def swarm_offsets(effects: np.ndarray, *, low: float, high: float) -> np.ndarray:
    """Return how far each dot moves up or down so that dots at one place stand side by side, within ±0.4.

    Examples
    --------
    >>> swarm_offsets(np.array([0.0, 1.0, 0.0]), low=0.0, high=1.0).round(3)
    array([-0.045,  0.   ,  0.045])
    """
    width = high - low if high > low else 1.0
    bins = np.round((effects - low) / width * _N_BINS).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    _, starts, counts = np.unique(bins[order], return_index=True, return_counts=True)
    place = np.arange(len(bins)) - np.repeat(starts, counts)
    n = np.repeat(counts, counts)
    pitch = np.minimum(_PITCH, 2 * _HALF_HEIGHT / np.maximum(n - 1, 1))
    offsets = np.empty(len(bins))
    offsets[order] = (place - (n - 1) / 2) * pitch
    return offsets
