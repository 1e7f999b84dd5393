"""What a file says of a fitted recommender is not trusted: its parts must fit together."""

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["check_opened"]

_NEEDED = (
    "history_times_",
    "is_dated_",
    "item_names_",
    "user_features_",
    "has_user_features_",
    "model_",
    "chosen_",
    "candidates_",
    "training_",
)


def check_opened(fitted: Mapping[str, Any], *, n_users: int, n_items: int) -> None:
    """Raise ``ValueError`` where fitted attributes are absent or do not fit together, naming the first.

    Parameters
    ----------
    fitted
        Fitted attributes by name, ``history_items_`` and ``history_offsets_`` arrays among them.
    n_users, n_items
        Number of known ids.
    """
    absent = [name for name in _NEEDED if name not in fitted]
    if absent:
        raise ValueError(f"fitted attribute {absent[0]!r} is absent.")
    offsets, items = fitted["history_offsets_"], fitted["history_items_"]
    _check(offsets, "history_offsets_", length=n_users + 1, kind="i")
    if offsets[0] != 0 or offsets[-1] != len(items) or (np.diff(offsets) < 0).any():
        raise ValueError(f"history_offsets_ must rise from 0 to the number of events, {len(items):,}.")
    _check(items, "history_items_", length=len(items), kind="i")
    if len(items) and not 0 <= items.min() <= items.max() < n_items:
        raise ValueError(f"history_items_ must be codes from 0 and below {n_items:,}.")
    for name, length, kind in (
        ("history_times_", len(items), "f"),
        ("item_names_", n_items, "O"),
        ("user_features_", n_users, "f"),
        ("has_user_features_", n_users, "b"),
    ):
        if fitted[name] is not None:
            _check(fitted[name], name, length=length, kind=kind)
    if (fitted["user_features_"] is None) != (fitted["has_user_features_"] is None):
        raise ValueError("user_features_ and has_user_features_ must come together.")


def _check(values: Any, name: str, *, length: int, kind: str) -> None:
    n_axes = 2 if name == "user_features_" else 1
    if (
        not isinstance(values, np.ndarray)
        or values.dtype.kind != kind
        or values.ndim != n_axes
        or len(values) != length
    ):
        raise ValueError(f"{name} must be an array of {length:,} rows of kind {kind!r}.")
