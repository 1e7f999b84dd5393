"""A DataFrame as plain JSON values and back, its dtypes kept."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cell_json import cell_from_json, cell_to_json
from appkit.data.columns import check_fields

__all__ = ["frame_from_json", "frame_to_json"]

_PLAIN = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)|object")
_NULLABLE = re.compile(r"str|string|U?Int(8|16|32|64)|Float(32|64)|boolean|[a-z0-9_]+(\[[^\]]+\])?\[pyarrow\]")
_STAMPS = re.compile(r"datetime64\[(s|ms|us|ns)(?:, (.+))?\]")


def frame_to_json(frame: pd.DataFrame) -> dict[str, Any]:
    """Return ``frame`` as JSON values: one entry per column with its dtype; the index must be 0, 1, 2, ...

    Raises
    ------
    ValueError
        Naming the first column whose dtype or cells would not come back as they are.

    Examples
    --------
    >>> frame_to_json(pd.DataFrame({"n": [1, 2]}))
    {'n_rows': 2, 'columns': [{'name': 'n', 'dtype': 'int64', 'values': [1, 2]}]}
    """
    if not frame.index.equals(pd.RangeIndex(len(frame))):
        raise ValueError("The table must have a default index, got another. Call reset_index(drop=True).")
    return {"n_rows": len(frame), "columns": [{"name": n} | _checked_column(n, frame[n]) for n in frame.columns]}


def frame_from_json(state: Mapping[str, Any]) -> pd.DataFrame:
    """Return the frame written by :func:`frame_to_json`; anything else is a ``ValueError``.

    Examples
    --------
    >>> frame_from_json({"n_rows": 1, "columns": [{"name": "n", "dtype": "str", "values": ["a"]}]})
       n
    0  a
    """
    check_fields(state, known={"n_rows", "columns"}, needed={"n_rows", "columns"}, where="a table")
    columns = {}
    for entry in state["columns"]:
        check_fields(entry, known={"name", *_FIELDS}, needed={"name"}, where="a column of a table")
        columns[entry["name"]] = _read_column({field: part for field, part in entry.items() if field != "name"})
        if len(columns[entry["name"]]) != state["n_rows"]:
            raise ValueError(f"column {entry['name']!r} of a table must have {state['n_rows']} values.")
    return pd.DataFrame(columns, index=pd.RangeIndex(state["n_rows"]))


_FIELDS = {"dtype", "values", "categories", "ordered"}


def _checked_column(name: str, column: pd.Series) -> dict[str, Any]:
    """Write a column and read it again, so that a file never holds less than the table."""
    must = f"Column {name!r} must come back from JSON as it is, but {column.dtype} "
    advice = "Convert it before fit, for example to text."
    try:
        entry = _write_column(column)
        restored = _read_column(entry)
    except (TypeError, ValueError, KeyError, NotImplementedError) as err:
        raise ValueError(f"{must}cannot be written: {err} {advice}") from err
    if str(restored.dtype) != str(column.dtype) or not restored.astype(column.dtype).equals(column):
        raise ValueError(f"{must}does not. {advice}")
    return entry


def _write_column(column: pd.Series) -> dict[str, Any]:
    dtype, name = column.dtype, str(column.dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        categories = _write_column(pd.Series(dtype.categories))
        codes = column.cat.codes.tolist()
        return {"dtype": "category", "categories": categories, "ordered": bool(dtype.ordered), "values": codes}
    if _STAMPS.fullmatch(name):
        return {"dtype": name, "values": pd.DatetimeIndex(column).asi8.tolist()}
    cells = column.astype(object).where(column.notna(), None) if _NULLABLE.fullmatch(name) else column
    return {"dtype": name, "values": [cell_to_json(cell) for cell in cells]}


def _read_column(entry: Mapping[str, Any]) -> pd.Series:
    known = _FIELDS if entry.get("dtype") == "category" else {"dtype", "values"}
    check_fields(entry, known=known, needed=known, where="a column of a table")
    name, values = entry["dtype"], entry["values"]
    if name == "category":
        categories = pd.Index(_read_column(entry["categories"]))
        return pd.Series(pd.Categorical.from_codes(values, categories, ordered=entry["ordered"]))
    if stamps := _STAMPS.fullmatch(name):
        unit, zone = stamps.groups()
        naive = pd.Series(np.array(values, dtype=np.int64).view(f"M8[{unit}]"))
        return naive if zone is None else naive.dt.tz_localize("UTC").dt.tz_convert(zone)
    cells = [cell_from_json(value) for value in values]
    if _NULLABLE.fullmatch(name):
        return pd.Series(pd.array(cells, dtype=name))
    if not _PLAIN.fullmatch(name) and not name.startswith(("interval[", "period[")):
        raise ValueError(f"a column of a table cannot have dtype {name!r}.")
    return pd.Series(cells, dtype=name)
