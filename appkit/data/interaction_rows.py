"""Read users, items and moments of a table of interactions row by row, in forms that compare and sort."""

from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cells import infer_kind, read_cells, shown
from appkit.data.ids import read_ids
from appkit.exceptions import SchemaError

__all__ = ["read_moment", "read_moments", "read_rows"]


def read_rows(X: pd.DataFrame, *, user: str, item: str, time: str | None) -> pd.DataFrame:
    """Return columns ``user`` and ``item`` (int64, numbered as they appear) and ``time`` where there is one.

    Rows stay rows, in their order and numbered from 0; :func:`~appkit.data.read_interactions` makes events of them.

    Raises
    ------
    SchemaError
        If there are no rows, for a column that ``X`` does not have, or an id or moment that cannot be read.
    """
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"X must be a DataFrame with one row per interaction, got {type(X).__name__}.")
    missing = [name for name in (user, item, time) if name is not None and name not in X]
    if missing:
        raise SchemaError(f"Column {missing[0]!r} is missing. Columns are {', '.join(map(str, X.columns))}.")
    if X.empty:
        raise SchemaError("X must have at least one interaction, got none.")
    codes = {
        role: pd.factorize(read_ids(X[name], column=name))[0].astype(np.int64)
        for role, name in (("user", user), ("item", item))
    }
    return pd.DataFrame(codes if time is None else codes | {"time": read_moments(X[time])})


def read_moment(moment: Any, like: np.ndarray, *, name: str) -> Any:
    """Return one moment in the form of those it is to be compared with, float64 or datetime64[ns] (UTC).

    Raises
    ------
    SchemaError
        If it is neither a number nor a date, or a number where they are dates; the message names the parameter.
    """
    [read] = read_moments(pd.Series([moment], name=name))
    if read.dtype.kind != like.dtype.kind:
        kinds = {"M": "a date, as the moments of the table are", "f": "a number, as the moments of the table are"}
        raise SchemaError(f"{name} must be {kinds[like.dtype.kind]}, got {shown(moment)}.")
    return read


def read_moments(raw: pd.Series) -> np.ndarray:
    """Return moments as float64 or datetime64[ns] (UTC), shape (n_rows,).

    Raises
    ------
    SchemaError
        If one is missing or is neither a number nor a date; the message names the column and the first row.
    """
    moments, faults = read_cells(raw, "time" if infer_kind(raw) in ("time", "category") else "numeric")
    is_missing = pd.isna(moments)
    if faults or is_missing.any():
        row = int(faults[0].rows[0]) if faults else int(is_missing.argmax())
        raise SchemaError(
            f"Column {raw.name!r} must hold numbers or dates and none missing, got {shown(raw.iloc[row])} "
            f"in row {raw.index[row]}. Drop such rows, or leave time= out."
        )
    return moments
