"""Check what advice is asked for, and name items for the reader."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.ids import read_ids
from appkit.data.interactions import Interactions
from appkit.exceptions import SchemaError

__all__ = ["check_length", "item_names", "listed"]


def listed(ids: Iterable[Any], name: str, *, may_be_empty: bool = False) -> np.ndarray:
    """Return distinct ids in their order, as :func:`~appkit.data.ids.read_ids` does.

    Raises
    ------
    TypeError
        If there is one id alone, or a table.
    ValueError
        If there is none, unless there may be.

    Examples
    --------
    >>> listed(["tea", "cup", "tea"], "items").tolist()
    ['tea', 'cup']
    """
    if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
        raise TypeError(f"{name} must be a list of ids, got {ids!r}. Write [{ids!r}].")
    if isinstance(ids, pd.DataFrame):
        raise TypeError(f"{name} must be a list of ids, got a DataFrame. Pass its column of ids.")
    given = list(ids)
    if not given and not may_be_empty:
        raise ValueError(f"{name} must hold at least one id, got none. Pass None to leave it open.")
    return pd.unique(read_ids(given, column=name))


def check_length(k: int) -> None:
    """Refuse a length of list that is no number from 1 on."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a whole number from 1 on, got {k!r}.")


def item_names(X: pd.DataFrame, events: Interactions, column: str) -> np.ndarray:
    """Return the most frequent name of each item, objects ``(n_items,)``; its id where it never has one.

    Raises
    ------
    SchemaError
        If the column is missing.
    """
    if column not in X:
        raise SchemaError(f"Column {column!r} is missing. Columns are {', '.join(map(str, X.columns))}.")
    told = pd.DataFrame({"item": events.item, "name": X[column].to_numpy(dtype=object)[events.row]}).dropna()
    counts = told.astype({"name": str}).value_counts(["item", "name"]).reset_index()
    best = counts.sort_values(["item", "count", "name"], ascending=[True, False, True]).drop_duplicates("item")
    names = np.array([str(value) for value in events.items.values], dtype=object)
    names[best["item"].to_numpy()] = best["name"].to_numpy(dtype=object)
    return names
