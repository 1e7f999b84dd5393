"""One cell or label as a plain JSON value and back, its type kept."""

import datetime
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["cell_from_json", "cell_to_json"]


def cell_to_json(cell: Any) -> Any:
    """Return one value as JSON: texts, finite numbers and truths as they are, all else under a tag of its type.

    A numpy scalar becomes the Python one it equals.

    Raises
    ------
    TypeError
        If the value is none of these.

    Examples
    --------
    >>> cell_to_json(1.5), cell_to_json(float("nan")), cell_to_json(pd.Timestamp("2024-03-31"))
    (1.5, {'$float': 'nan'}, {'$timestamp': '2024-03-31T00:00:00'})
    """
    if isinstance(cell, np.generic) and not isinstance(cell, np.datetime64 | np.timedelta64):
        cell = cell.item()
    if isinstance(cell, float) and not math.isfinite(cell):
        return {"$float": repr(cell)}
    if cell is None or isinstance(cell, bool | int | float | str):
        return cell
    for tag, (kind, write, _) in _CELLS.items():
        if isinstance(cell, kind):
            return {tag: write(cell)}
    raise TypeError(f"{cell!r} of type {type(cell).__name__} is no text, number, truth or date.")


def cell_from_json(node: Any) -> Any:
    """Return the value written by :func:`cell_to_json`; anything else is a ``ValueError``.

    Examples
    --------
    >>> cell_from_json({"$date": "2024-03-31"})
    datetime.date(2024, 3, 31)
    """
    if node is None or isinstance(node, bool | int | float | str):
        return node
    tag, content = next(iter(node.items())) if isinstance(node, dict) and len(node) == 1 else (None, None)
    if tag not in _CELLS:
        raise ValueError(f"a value must be plain or tagged by one of {', '.join(_CELLS)}, got {str(node)[:60]}.")
    return _CELLS[tag][2](content)


def _float(text: str) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]


def _missing(text: str) -> Any:
    return {"NaT": pd.NaT, "<NA>": pd.NA}[text]


def _interval_parts(cell: pd.Interval) -> list[Any]:
    return [cell_to_json(cell.left), cell_to_json(cell.right), cell.closed]


def _interval(parts: list[Any]) -> pd.Interval:
    left, right, closed = parts
    return pd.Interval(cell_from_json(left), cell_from_json(right), closed=closed)


def _period(parts: list[str]) -> Any:
    text, frequency = parts
    return pd.Period(text, freq=frequency)


# tag: (type, writer, reader); the first type that fits wins: NaT and Timestamp before the datetime they derive from
_CELLS: dict[str, tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "$float": (float, repr, _float),
    "$missing": ((type(pd.NaT), type(pd.NA)), str, _missing),
    "$timestamp": (pd.Timestamp, pd.Timestamp.isoformat, pd.Timestamp),
    "$datetime": (datetime.datetime, datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    "$date": (datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    "$decimal": (Decimal, str, Decimal),
    "$period": (pd.Period, lambda cell: [str(cell), cell.freqstr], _period),
    "$interval": (pd.Interval, _interval_parts, _interval),
}
