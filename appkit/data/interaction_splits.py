"""Split interactions by one moment for all, by each user's last events, or at random, and say which split flatters."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.cells import infer_kind, read_cells, shown
from appkit.data.ids import Ids
from appkit.data.splits import split_by_time
from appkit.exceptions import SchemaError

__all__ = ["InteractionSplit", "split_interactions"]

Way = Literal["time", "last", "random"]
Moment = str | float | pd.Timestamp


@dataclass(frozen=True, eq=False)
class InteractionSplit:
    """Two parts of a table of interactions, and how they were parted.

    Parameters
    ----------
    train, test
        Rows of the table as they were, in its order and under its index.
    label
        How the parts were made, in words to print beside every figure.
    is_optimistic
        Whether training saw events later than some that are tested, so that figures flatter the model.
    cut
        The first moment of the test part where one moment parts the table, else ``None``.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    label: str
    is_optimistic: bool
    cut: pd.Timestamp | float | None = None

    def __repr__(self) -> str:
        return f"<InteractionSplit {len(self.train):,} to train, {len(self.test):,} to test: {self.label}>"


def split_interactions(
    X: pd.DataFrame,
    *,
    by: Way = "time",
    user: str = "user",
    item: str = "item",
    time: str | None = None,
    test_size: float | None = None,
    at: Moment | None = None,
    random_state: int | None = None,
) -> InteractionSplit:
    """Return the interactions to train on and those to test on.

    ==========  ===============================================================  =====================================
    ``by``      test part                                                        what training sees
    ==========  ===============================================================  =====================================
    ``time``    all events from one moment on                                    nothing later than any test event
    ``last``    the last events of each user; a user keeps at least one to       what *other* users did later
                train, so one with a single event is not tested                  (optimistic)
    ``random``  a share of each user's events, at least one: a user with a       what everybody did later, the
                single event is not trained on                                   user too (optimistic)
    ==========  ===============================================================  =====================================

    Rows equal in user, item and time are one event and stay together. ``"random"`` draws one number for each row in
    the order of the table, ``numpy.random.default_rng(random_state).random(n_rows)``; of a user's ``n`` events the
    ``max(1, floor(test_size * n))`` with the lowest are the test.

    Parameters
    ----------
    X
        One row per interaction, in any order.
    user, item, time
        Columns of users, items and moments (numbers, datetimes or ISO 8601 text). Without ``time`` the table is in
        order, which ``"last"`` goes by and ``"time"`` cannot.
    test_size
        ``"time"``: the share of rows at the end, moments kept whole; ``"last"``: the number of events of each user;
        ``"random"``: the share of each user's events. ``None``: 0.2, for ``"last"`` 1.
    at
        ``"time"`` only, instead of ``test_size``: the first moment of the test part.
    random_state
        Seed of ``"random"``; the others draw nothing.

    Raises
    ------
    SchemaError
        For a column that ``X`` does not have, or an id or moment that cannot be read.
    ValueError
        For an unknown way, a size that does not fit it, or a moment that leaves one side empty.

    Examples
    --------
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2], "item": ["tea", "cup", "tea", "pot"], "day": [1, 3, 2, 4]})
    >>> split = split_interactions(X, time="day", test_size=0.5)
    >>> split
    <InteractionSplit 2 to train, 2 to test: all events from 3 on>
    >>> split_interactions(X, by="last", time="day").test["item"].tolist()
    ['cup', 'pot']

    References
    ----------
    Ji, Y., Sun, A., Zhang, J. & Li, C. (2023). A critical study on data leakage in recommender system offline
    evaluation. ACM Transactions on Information Systems, 41(3).
    """
    size = _checked_size(by, test_size=test_size, at=at, time=time)
    users, moments, events = _read_rows(X, user=user, item=item, time=time)
    if by == "time":
        assert time is not None
        assert moments is not None
        return _split_at_moment(X, moments, test_size=size, at=at, column=time)
    first_rows, event_of_row = np.unique(events, return_inverse=True)
    if by == "last":
        keys = np.arange(len(X)) if moments is None else np.lexsort((np.arange(len(X)), moments)).argsort()
        newest = np.zeros(len(first_rows), dtype=np.int64)
        np.maximum.at(newest, event_of_row, keys)
        is_test = _last_events(users[first_rows], newest, n_last=int(size))[event_of_row]
        label = f"last {'event' if size == 1 else f'{size:g} events'} of each user (optimistic: {_OTHERS})"
    else:
        draws = np.random.default_rng(random_state).random(len(X))[first_rows]
        is_test = _lowest_share(users[first_rows], draws, share=size)[event_of_row]
        label = f"random {size:.0%} of each user's events (optimistic: {_EVERYBODY})"
    return InteractionSplit(X.loc[~is_test], X.loc[is_test], label, is_optimistic=True)


_OTHERS = "training sees what others did later"
_EVERYBODY = "training sees what everybody did later, the user too"


def _checked_size(by: str, *, test_size: float | None, at: Moment | None, time: str | None) -> float:
    """Return the size that this way of splitting takes."""
    if by not in ("time", "last", "random"):
        raise ValueError(f"by must be 'time', 'last' or 'random', got {by!r}.")
    if at is not None and (by != "time" or test_size is not None):
        raise ValueError(f"at parts the table by='time', without test_size, got by={by!r}, test_size={test_size!r}.")
    if by == "time" and time is None:
        raise ValueError("by='time' needs the column of moments: pass time=, or split by='last' or by='random'.")
    if by == "last":
        size = 1 if test_size is None else test_size
        if size < 1 or size != int(size):
            raise ValueError(f"test_size must be a whole number of events for by='last', at least 1, got {size!r}.")
        return size
    size = 0.2 if test_size is None else test_size
    if not 0 < size < 1:
        raise ValueError(f"test_size must be a share strictly between 0 and 1 for by={by!r}, got {size!r}.")
    return size


def _read_rows(
    X: pd.DataFrame, *, user: str, item: str, time: str | None
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return user codes int64 (n_rows,), moments that sort, and the first row of the event each row belongs to."""
    missing = [name for name in (user, item, time) if name is not None and name not in X]
    if missing:
        raise SchemaError(f"X must hold the column {missing[0]!r}, got {', '.join(map(str, X.columns))}.")
    if X.empty:
        raise SchemaError("X must have at least one interaction, got none.")
    users, items = (Ids.of(X[name], column=name).codes(X[name]) for name in (user, item))
    moments = None if time is None else _moments(X[time])
    keys = {"user": users, "item": items} if moments is None else {"user": users, "item": items, "time": moments}
    numbers = pd.DataFrame(keys).groupby(list(keys), sort=False).ngroup().to_numpy()
    return users, moments, _first_rows(numbers)


def _first_rows(numbers: np.ndarray) -> np.ndarray:
    """Return for each row the first row with the same number, int64 (n_rows,)."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    return first[inverse]


def _moments(raw: pd.Series) -> np.ndarray:
    """Return moments as float64 or datetime64[ns] (UTC), none missing."""
    kind = "time" if infer_kind(raw) in ("time", "category") else "numeric"
    moments, faults = read_cells(raw, kind)
    bad = pd.isna(moments)
    if faults or bad.any():
        row = int(faults[0].rows[0]) if faults else int(bad.argmax())
        raise SchemaError(
            f"Column {raw.name!r} must hold numbers or dates, none missing, got {shown(raw.iloc[row])} "
            f"in row {raw.index[row]}. Drop such rows, or split without time=."
        )
    return moments


def _split_at_moment(
    X: pd.DataFrame, moments: np.ndarray, *, test_size: float, at: Moment | None, column: str
) -> InteractionSplit:
    is_test = np.zeros(len(X), dtype=bool)
    if at is None:
        is_test[split_by_time(moments, test_size=test_size)[1]] = True
    else:
        is_test = moments >= _moments(pd.Series([at], name="at"))[0]
    if is_test.all() or not is_test.any():
        sides = f"{shown(X[column].min())} to {shown(X[column].max())}"
        raise ValueError(f"at must leave events on both sides, got {at!r} where column {column!r} spans {sides}.")
    cut = _as_given(moments[is_test].min(), X[column])
    return InteractionSplit(
        X.loc[~is_test], X.loc[is_test], f"all events from {_said(cut)} on", is_optimistic=False, cut=cut
    )


def _as_given(moment: Any, raw: pd.Series) -> pd.Timestamp | float:
    """Return the moment as a number or timestamp, in UTC where the column has a zone."""
    if not isinstance(moment, np.datetime64):
        return float(moment)
    return pd.Timestamp(moment, tz="UTC" if isinstance(raw.dtype, pd.DatetimeTZDtype) else None)


def _said(cut: pd.Timestamp | float) -> str:
    if isinstance(cut, float):
        return f"{cut:,.10g}"
    return str(cut.date()) if cut == cut.normalize() else cut.isoformat(sep=" ", timespec="minutes")


def _last_events(users: np.ndarray, order: np.ndarray, *, n_last: int) -> np.ndarray:
    """Return which events are among the last of their user, bool (n_events,), one at least left to train."""
    from_last, counts = _ranks(users, -order), np.bincount(users)[users]
    return from_last < np.minimum(n_last, counts - 1)


def _lowest_share(users: np.ndarray, draws: np.ndarray, *, share: float) -> np.ndarray:
    counts = np.bincount(users)[users]
    return _ranks(users, draws) < np.maximum(1, np.floor(share * counts))


def _ranks(users: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the place of each event among those of its user, 0 for the lowest key, int64 (n_events,)."""
    order = np.lexsort((keys, users))
    starts = np.searchsorted(users[order], users[order])
    ranks = np.empty(len(users), dtype=np.int64)
    ranks[order] = np.arange(len(users)) - starts
    return ranks
