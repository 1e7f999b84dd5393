"""From the numbers a DICOM file stores to brightness: lookup tables and windows, as PS3.3 C.11 defines them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["LookupTable", "Window"]


@dataclass(frozen=True)
class Window:
    """The values to tell apart: below all is black, above all is white.

    Parameters
    ----------
    centre, width
        In rescaled values.
    curve
        ``"LINEAR"``, ``"LINEAR_EXACT"`` or ``"SIGMOID"``.

    Examples
    --------
    >>> Window(2.5, 4.0).shown(np.arange(6))
    array([0. , 0.16666667, 0.5 , 0.83333333, 1. , 1. ])
    """

    centre: float
    width: float
    curve: str = "LINEAR"

    @classmethod
    def of_file(cls, view: Any) -> "Window | None":
        """Return the first window of a file; one without a width, as some writers leave it, counts as none."""
        centre, width = (_first(view.get(tag)) for tag in ("WindowCenter", "WindowWidth"))
        if centre is None or width is None or not width > 0:
            return None
        return cls(centre, width, curve_of(view))

    def shown(self, values: np.ndarray) -> np.ndarray:
        """Return brightness, 0 to 1 (C.11.2.1.2 and C.11.2.1.3)."""
        if self.curve == "SIGMOID":
            with np.errstate(over="ignore"):  # far below the window: 1 / infinity is black
                return 1 / (1 + np.exp(-4 * (values - self.centre) / self.width))
        # between the middles of the first and the last value shown; below a width of 1 there is no such pair
        is_exact = self.curve == "LINEAR_EXACT" or self.width < 1
        centre, width = (self.centre, self.width) if is_exact else (self.centre - 0.5, self.width - 1)
        if width == 0:
            return (values > centre).astype(np.float64)
        return np.clip((values - centre) / width + 0.5, 0, 1)


def curve_of(view: Any) -> str:
    """Return the curve by which a file's windows are applied."""
    return str(view.get("VOILUTFunction") or "LINEAR").upper()


def _first(value: Any) -> float | None:
    """Return a number, or the first of several."""
    if value is None or value == "":
        return None
    several = not isinstance(value, str | int | float) and hasattr(value, "__len__")
    return _first(value[0] if len(value) else None) if several else float(value)


@dataclass(frozen=True, eq=False)
class LookupTable:
    """What values from ``first`` on are replaced with; those beyond the ends are replaced with the ends.

    Parameters
    ----------
    entries
        int64 (n_entries,).
    first
        The value that becomes the first entry.
    n_bits
        Bits of an entry.

    Examples
    --------
    >>> LookupTable(np.array([0, 100, 255]), first=10, n_bits=8).values_at(np.array([9, 11, 99]))
    array([ 0., 100., 255.])
    """

    entries: np.ndarray
    first: int
    n_bits: int

    @classmethod
    def of_file(cls, item: Any, *, is_little: bool) -> "LookupTable":
        """Return the table in an item of a sequence, of a file written little or big end first."""
        n_entries, first, n_bits = (int(number) for number in item.LUTDescriptor)
        n_entries = n_entries or 2**16
        return cls(_entries(item.LUTData, n_entries, is_little=is_little)[:n_entries], first, n_bits)

    @property
    def top(self) -> float:
        """The greatest value that comes out; more than the bits declared, where the table itself holds more."""
        return float(max(2**self.n_bits - 1, self.entries.max()))

    def values_at(self, values: np.ndarray) -> np.ndarray:
        """Return the entries for values, float64 of the same shape."""
        # the first value is written unsigned where the stored pixels are, even if rescaling made them negative
        first = self.first - 2**16 if self.first >= 2**15 and values.min() < 0 else self.first
        places = np.clip(np.rint(values).astype(np.int64) - first, 0, len(self.entries) - 1)
        return self.entries[places].astype(np.float64)

    def shown(self, values: np.ndarray) -> np.ndarray:
        """Return brightness, 0 to 1."""
        return self.values_at(values) / self.top


def _entries(data: Any, n_entries: int, *, is_little: bool) -> np.ndarray:
    """Return a table's numbers, however they are written: as numbers, or as bytes of one or two each."""
    if not isinstance(data, bytes):
        return np.atleast_1d(np.asarray(data, dtype=np.int64))
    width = 1 if len(data) < 2 * n_entries else 2
    return np.frombuffer(data, dtype=f"{'<' if is_little else '>'}u{width}").astype(np.int64)
