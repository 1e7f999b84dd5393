"""Find what a training part knows of its test part: the same events, the same baskets, later events."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.ids import read_ids
from appkit.data.interaction_rows import read_moments
from appkit.exceptions import LeakageError, SchemaError

__all__ = ["Leak", "LeakKind", "check_no_leaks", "find_leaks"]

LeakKind = Literal["overlap", "basket", "own future", "future of others"]

_SAID: dict[LeakKind, str] = {
    "overlap": "are events of the test part",
    "basket": "share user and moment with a test row: their baskets are on both sides",
    "own future": "come after the first test row of their user",
    "future of others": "come after the first test row of another user",
}


@dataclass(frozen=True)
class Leak:
    """One way in which training rows know of the test.

    Parameters
    ----------
    kind
        ``"overlap"``, ``"basket"``, ``"own future"`` or ``"future of others"``.
    n_rows
        Training rows concerned.
    first
        Label of the first of them in the index of the training table.
    message
        What they know, in a sentence.
    """

    kind: LeakKind
    n_rows: int
    first: Any
    message: str


def find_leaks(
    train: pd.DataFrame, test: pd.DataFrame, *, user: str = "user", item: str = "item", time: str | None = None
) -> tuple[Leak, ...]:
    """Return every way in which the training part knows of the test part; none for a split by one moment.

    ====================  ==============================================================================
    kind                  training rows that
    ====================  ==============================================================================
    ``overlap``           are events of the test part: equal in user, item and time (or in user and item
                          where there is no ``time``, which cannot tell an event from another purchase)
    ``basket``            are of the same user and moment as a test row, and another item
    ``own future``        come after the first test row of the same user
    ``future of others``  come after the first test row of anybody, and none of the above
    ====================  ==============================================================================

    Every training row is counted once, for the first kind that fits. Leaving the last events of each user out brings
    the future of others into training, by its nature; a random split brings all but the first kind.

    Parameters
    ----------
    train, test
        The two parts, one row per interaction.
    user, item, time
        Columns of both. Without ``time`` nothing can be said about the future.

    Raises
    ------
    SchemaError
        For a column that a part does not have, or an id or moment that cannot be read.

    Examples
    --------
    >>> train = pd.DataFrame({"user": [1, 2, 2], "item": ["tea", "tea", "cup"], "day": [1, 2, 5]})
    >>> test = pd.DataFrame({"user": [1, 2], "item": ["pot", "pot"], "day": [3, 4]})
    >>> [(leak.kind, leak.n_rows, leak.first) for leak in find_leaks(train, test, time="day")]
    [('own future', 1, 2)]

    References
    ----------
    Ji, Y., Sun, A., Zhang, J. & Li, C. (2023). A critical study on data leakage in recommender system offline
    evaluation. ACM Transactions on Information Systems, 41(3).
    """
    if not len(train) or not len(test):
        return ()
    columns = {role: name for role, name in (("user", user), ("item", item), ("time", time)) if name is not None}
    seen, asked = _read_part(train, columns, called="train"), _read_part(test, columns, called="test")
    _check_comparable(seen, asked, columns)
    leaks, is_counted = [], np.zeros(len(train), dtype=bool)
    for kind, knows in _knowing(seen, asked).items():
        new = knows & ~is_counted
        is_counted |= new
        if new.any():
            first = train.index[int(new.argmax())]
            said = f"{int(new.sum()):,} of {len(train):,} training rows {_SAID[kind]} (first: row {shown(first)})"
            leaks.append(Leak(kind, int(new.sum()), first, said))
    return tuple(leaks)


def check_no_leaks(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    user: str = "user",
    item: str = "item",
    time: str | None = None,
    allow: Collection[LeakKind] = (),
) -> None:
    """Raise ``LeakageError`` where the training part knows of the test part.

    Parameters
    ----------
    train, test, user, item, time
        As :func:`find_leaks` takes them.
    allow
        Kinds to pass over, such as ``("future of others",)`` where the last events of each user are the test.

    Raises
    ------
    LeakageError
        Saying what the training rows know, how many do, and which is the first.

    Examples
    --------
    >>> train = pd.DataFrame({"user": [1, 2], "item": ["tea", "cup"], "day": [1, 5]})
    >>> test = pd.DataFrame({"user": [1], "item": ["pot"], "day": [3]})
    >>> check_no_leaks(train, test, time="day", allow=["future of others"])
    >>> check_no_leaks(train, test, time="day")
    Traceback (most recent call last):
        ...
    appkit.exceptions.LeakageError: 1 of 2 training rows come after the first test row of another user ...
    """
    unknown = [kind for kind in allow if kind not in _SAID]
    if unknown:
        raise ValueError(f"allow must hold kinds of leaks ({', '.join(_SAID)}), got {unknown[0]!r}.")
    leaks = [leak for leak in find_leaks(train, test, user=user, item=item, time=time) if leak.kind not in allow]
    if leaks:
        said = ". ".join(leak.message for leak in leaks)
        raise LeakageError(f"{said}. Split by one moment, as split_interactions does by default, or allow these kinds.")


def _read_part(part: pd.DataFrame, columns: Mapping[str, str], *, called: str) -> pd.DataFrame:
    """Return ids and moments in one form whatever form they came in, numbered from 0."""
    missing = [name for name in columns.values() if name not in part]
    if missing:
        raise SchemaError(f"{called} must hold the column {missing[0]!r}, got {', '.join(map(str, part.columns))}.")
    return pd.DataFrame(
        {
            role: read_moments(part[name]) if role == "time" else read_ids(part[name], column=name)
            for role, name in columns.items()
        }
    )


def _check_comparable(seen: pd.DataFrame, asked: pd.DataFrame, columns: Mapping[str, str]) -> None:
    for role, name in columns.items():
        if seen[role].dtype != asked[role].dtype:
            kinds = f"{seen[role].dtype} in train and {asked[role].dtype} in test"
            raise SchemaError(f"Column {name!r} must hold the same kind of values in both parts, got {kinds}.")


def _knowing(seen: pd.DataFrame, asked: pd.DataFrame) -> dict[LeakKind, np.ndarray]:
    """Return which training rows know of the test in each way, bool (n_rows,), the gravest way first."""
    knowing: dict[LeakKind, np.ndarray] = {"overlap": _is_among(seen, asked)}
    if "time" in seen:
        first_of_user = seen["user"].map(asked.groupby("user")["time"].min())
        knowing["basket"] = _is_among(seen[["user", "time"]], asked[["user", "time"]])
        knowing["own future"] = (seen["time"] > first_of_user).to_numpy()
        knowing["future of others"] = (seen["time"] > asked["time"].min()).to_numpy()
    return knowing


def _is_among(rows: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Return which rows are equal to one of the others, bool (n_rows,)."""
    return pd.MultiIndex.from_frame(rows).isin(pd.MultiIndex.from_frame(others))
