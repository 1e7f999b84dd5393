"""Find numbers that stand for a reason (-9: no record; 98: not asked), not for a quantity."""

import warnings
from collections.abc import Mapping

import numpy as np

from appkit.exceptions import DataWarning

__all__ = ["detect_special_codes"]

TYPICAL_CODES = (-9999.0, -999.0, -99.0, -9.0, -8.0, -7.0, 96.0, 97.0, 98.0, 99.0, 996.0, 997.0, 998.0, 999.0, 9999.0)
MIN_REPEATS = 5
MIN_GAP = 2.0  # in ranges of the other values: 98 past-due payments where all others have 0 to 17


def detect_special_codes(columns: Mapping[str, np.ndarray]) -> dict[str, tuple[float, ...]]:
    """Return the codes of each column that seems to hold some, and warn of them once.

    Deliberately shy: a code must be one of the usual numbers, be repeated, and stand far from all quantities.

    Parameters
    ----------
    columns
        Numeric columns by name, float64 with NaN, shape (n_rows,) each.

    Examples
    --------
    >>> import warnings
    >>> months = np.array([0.0, 3.0, 12.0, 7.0] * 10 + [-9.0] * 5)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     detect_special_codes({"months": months})
    {'months': (-9.0,)}
    """
    found = {name: codes for name, values in columns.items() if (codes := _codes_of(values))}
    if found:
        listed = "; ".join(f"{name!r}: {', '.join(f'{code:g}' for code in codes)}" for name, codes in found.items())
        warnings.warn(
            f"Some columns seem to hold codes among their numbers ({listed}). They are set apart from the quantities; "
            "pass special_codes={...} to say which are codes, or special_codes=None to read all as quantities.",
            DataWarning,
            stacklevel=3,
        )
    return found


def _codes_of(values: np.ndarray) -> tuple[float, ...]:
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    typical = np.isin(distinct, TYPICAL_CODES)
    if typical.all() or not typical.any():
        return ()
    low, high = distinct[~typical][[0, -1]]
    below = distinct < min(low, 0.0)
    above = distinct > high + MIN_GAP * (high - max(low, 0.0)) if high > low else np.zeros_like(below)
    sides = [below if low >= 0 else np.zeros_like(below), above]
    codes = [distinct[side] for side in sides if counts[side].max(initial=0) >= MIN_REPEATS]
    return tuple(float(code) for side in codes for code in side)
