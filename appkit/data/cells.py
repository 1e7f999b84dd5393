"""Read one raw column, whatever its dtype, into the array of its kind, and name the cells that do not fit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["KINDS", "Fault", "infer_kind", "read_cells", "shown", "text_of"]

KINDS = ("numeric", "category", "boolean", "time")


@dataclass(frozen=True)
class Fault:
    """Cells of one column that cannot be read: what they had to be, what they are, where, and what to do."""

    must: str
    got: str
    rows: np.ndarray  # int positions of the cells
    first: str
    advice: str


def infer_kind(raw: pd.Series) -> str | None:
    """Return the kind a column has by itself, or ``None`` where no kind can hold it (durations, bytes, lists).

    Numbers written as text stay text: a postcode is no quantity.

    Examples
    --------
    >>> infer_kind(pd.Series([1, 2.5, None], dtype=object)), infer_kind(pd.Series(["01234", None]))
    ('numeric', 'category')
    """
    if isinstance(raw.dtype, pd.CategoricalDtype):
        return "category"
    kind = _KIND_OF_DTYPE.get(raw.dtype.kind)
    if kind is not None or raw.dtype.kind not in "OUS":
        return kind
    return _kind_of_objects(_objects(raw))


def read_cells(raw: pd.Series, kind: str) -> tuple[np.ndarray, tuple[Fault, ...]]:
    """Return a column in the form of its kind, and what could not be read.

    Parameters
    ----------
    raw
        The column as the user gave it. It is never written to; the result may be a view of it.
    kind
        One of :data:`KINDS`.

    Returns
    -------
    values
        float64 with NaN (numeric, boolean), object of ``str`` with ``None`` (category) or datetime64[ns] with NaT
        (time), shape (n_rows,). Cells named by a fault are missing or infinite.
    faults
        Empty when every cell fits.

    Examples
    --------
    >>> values, faults = read_cells(pd.Series(["12", "n/a"]), "numeric")
    >>> values, faults[0].first
    (array([12., nan]), "'n/a'")
    """
    return _READERS[kind](raw)


_KIND_OF_DTYPE = {"i": "numeric", "u": "numeric", "f": "numeric", "b": "boolean", "M": "time"}
_KIND_OF_CELLS = {
    "string": "category",
    "empty": "category",
    "boolean": "boolean",
    "integer": "numeric",
    "floating": "numeric",
    "mixed-integer-float": "numeric",
    "decimal": "numeric",
    "datetime64": "time",
    "datetime": "time",
    "date": "time",
}


def _kind_of_objects(objects: np.ndarray) -> str | None:
    cells = pd.api.types.infer_dtype(objects, skipna=True)
    if not cells.startswith("mixed"):
        return _KIND_OF_CELLS.get(cells)
    present = objects[~pd.isna(objects)]
    if all(isinstance(cell, Real | Decimal | np.bool_) for cell in present):
        return "numeric"
    if all(isinstance(cell, str | Real | Decimal | np.bool_) for cell in present):
        return "category"
    return None


def _read_numeric(raw: pd.Series) -> tuple[np.ndarray, tuple[Fault, ...]]:
    faults: tuple[Fault, ...] = ()
    if raw.dtype.kind in "iufb":
        values = _floats(raw)
    else:
        values, faults = _floats_of_objects(_objects(raw))
    infinite = np.isinf(values)
    if infinite.any():
        faults = (*faults, _fault(infinite, values, must="be finite", got="infinity", advice=_FINITE_ADVICE))
    return values, faults


_FINITE_ADVICE = "Replace it by a missing value or by a real limit."
_NUMERIC_ADVICE = "Declare it as kind='category' or clean it."


def _floats(raw: pd.Series) -> np.ndarray:
    if isinstance(raw.dtype, np.dtype):
        return raw.to_numpy().astype(np.float64, copy=False)
    return raw.to_numpy(dtype=np.float64, na_value=np.nan)


def _floats_of_objects(objects: np.ndarray) -> tuple[np.ndarray, tuple[Fault, ...]]:
    present = ~pd.isna(objects)
    values = np.full(len(objects), np.nan)
    try:
        values[present] = objects[present].astype(np.float64)
        return values, ()
    except (TypeError, ValueError, OverflowError):
        pass  # some cell is no number: find which
    numbers = [_float_or_none(cell) for cell in objects[present]]
    values[present] = [np.nan if number is None else number for number in numbers]
    bad = np.zeros(len(objects), dtype=bool)
    bad[present] = [number is None for number in numbers]
    return values, (_fault(bad, objects, must="be numeric", advice=_NUMERIC_ADVICE),)


def _float_or_none(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def _read_category(raw: pd.Series) -> tuple[np.ndarray, tuple[Fault, ...]]:
    if isinstance(raw.dtype, pd.CategoricalDtype):
        names = [*map(text_of, raw.cat.categories), None]  # a missing cell has code -1, which picks the None
        return np.array(names, dtype=object)[raw.cat.codes.to_numpy()], ()
    if raw.dtype.kind in "iufb":
        distinct, codes = np.unique(_floats(raw), return_inverse=True)
        is_bool = raw.dtype.kind == "b"
        names = [None if np.isnan(value) else text_of(bool(value) if is_bool else value) for value in distinct]
        return np.array(names, dtype=object)[codes], ()
    if isinstance(raw.dtype, pd.StringDtype):
        return raw.to_numpy(dtype=object, na_value=None), ()  # type: ignore[call-overload]  # stubs lack None
    return _texts_of_objects(_objects(raw))


def _texts_of_objects(objects: np.ndarray) -> tuple[np.ndarray, tuple[Fault, ...]]:
    missing = pd.isna(objects)
    values = objects
    bad = np.zeros(len(objects), dtype=bool)
    if pd.api.types.infer_dtype(objects, skipna=True) not in ("string", "empty"):
        bad = np.array([not _is_scalar(cell) for cell in objects], dtype=bool) & ~missing
        values = np.array([text_of(cell) for cell in objects], dtype=object)
    if missing.any() or bad.any():
        values = values.copy()
        values[missing | bad] = None
    if not bad.any():
        return values, ()
    return values, (_fault(bad, objects, must="be text", advice="Give one word or number per cell."),)


def _is_scalar(cell: Any) -> bool:
    return isinstance(cell, str | Real | Decimal | np.bool_ | date | np.datetime64 | pd.Period | pd.Interval)


def text_of(cell: Any) -> str:
    """Write a cell so that 1, 1.0 and a 1 that became a float beside NaN are the same category."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float | np.floating):
        return str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    return str(cell)


def _read_boolean(raw: pd.Series) -> tuple[np.ndarray, tuple[Fault, ...]]:
    if raw.dtype.kind in "iufb":
        values, objects = _floats(raw), None
        bad = ~((values == 0) | (values == 1) | np.isnan(values))
    else:
        objects = _objects(raw)
        values, bad = _truths_of_objects(objects)
    if not bad.any():
        return values, ()
    cells = values.copy() if objects is None else objects
    values = np.where(bad, np.nan, values)
    return values, (_fault(bad, cells, must="be true or false", advice="Give booleans, or 0 and 1."),)


def _truths_of_objects(objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    present = ~pd.isna(objects)
    values = np.full(len(objects), np.nan)
    bad = np.zeros(len(objects), dtype=bool)
    is_truth = np.array([isinstance(cell, Real | np.bool_) and cell in (0, 1) for cell in objects[present]], dtype=bool)
    bad[present] = ~is_truth
    values[present & ~bad] = objects[present & ~bad].astype(np.float64)
    return values, bad


def _read_time(raw: pd.Series) -> tuple[np.ndarray, tuple[Fault, ...]]:
    if isinstance(raw.dtype, np.dtype) and raw.dtype.kind == "M":
        stamps, objects = raw.to_numpy(), None
    elif raw.dtype.kind == "M":
        stamps, objects = pd.DatetimeIndex(pd.to_datetime(raw, utc=True)).tz_localize(None).to_numpy(), None
    else:
        objects = _objects(raw)
        stamps = _stamps_of_objects(objects)
    values = _nanoseconds(stamps)
    bad = raw.notna().to_numpy() & np.isnat(values)
    if not bad.any():
        return values, ()
    cells = raw.astype(object).to_numpy() if objects is None else objects
    return values, (_fault(bad, cells, must="be a date", advice=_TIME_ADVICE),)


_TIME_OPTIONS: dict[str, Any] = {"utc": True, "errors": "coerce", "format": "ISO8601"}
_TIME_ADVICE = "Give datetimes, or ISO 8601 text such as '2024-03-31', between the years 1678 and 2261."


def _stamps_of_objects(objects: np.ndarray) -> np.ndarray:
    readable = np.array(
        [cell if isinstance(cell, str | date | np.datetime64) else None for cell in objects], dtype=object
    )
    times = pd.to_datetime(readable, **_TIME_OPTIONS)
    return pd.DatetimeIndex(times).tz_localize(None).to_numpy()


def _nanoseconds(stamps: np.ndarray) -> np.ndarray:
    if stamps.dtype == "datetime64[ns]":
        return stamps
    limits = np.array([pd.Timestamp.min, pd.Timestamp.max], dtype="datetime64[s]")  # seconds reach further than ns
    fits = (stamps > limits[0]) & (stamps < limits[1])
    return np.where(fits, stamps, np.datetime64("NaT")).astype("datetime64[ns]")


_READERS: dict[str, Callable[[pd.Series], tuple[np.ndarray, tuple[Fault, ...]]]] = {
    "numeric": _read_numeric,
    "category": _read_category,
    "boolean": _read_boolean,
    "time": _read_time,
}


def _objects(raw: pd.Series) -> np.ndarray:
    return raw.to_numpy(dtype=object)


def _fault(bad: np.ndarray, cells: np.ndarray, *, must: str, advice: str, got: str | None = None) -> Fault:
    rows = np.flatnonzero(bad)
    first = cells[rows[0]]
    return Fault(must=must, got=got or _word_for(first), rows=rows, first=shown(first), advice=advice)


def _word_for(cell: Any) -> str:
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, Real | Decimal | np.bool_):
        return "numbers"
    return "dates" if isinstance(cell, date | np.datetime64) else f"{type(cell).__name__} objects"


def shown(cell: Any) -> str:
    """Return a cell as it is quoted in a message."""
    text = repr(cell.item()) if isinstance(cell, np.generic) else repr(cell)
    return text if len(text) <= 60 else f"{text[:57]}..."
