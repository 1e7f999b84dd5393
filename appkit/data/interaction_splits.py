"""Split interactions by one moment for all, by each user's last events, or at random, and say which split flatters."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.interaction_rows import read_moment, read_rows
from appkit.data.splits import split_by_time

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

    Rows equal in user, item and time are one event and stay together; without ``time``, those equal in user and item.
    ``"random"`` draws one number for each row in
    the order of the table, ``numpy.random.default_rng(random_state).random(n_rows)``; of a user's ``n`` events the
    ``max(1, floor(test_size * n))`` with the lowest are the test. Of ``"last"``, rows of one moment are in the order of
    the table.

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
        ``"time"`` only, instead of ``test_size``: the first moment of the test part; a date without a zone is in UTC
        where times have one.
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
    rows = read_rows(X, user=user, item=item, time=time)
    if by == "time":
        return _split_at_moment(X, rows["time"].to_numpy(), test_size=size, at=at, column=str(time))
    numbers, place = _events(rows)
    events = rows.iloc[place]
    if by == "last":
        is_test = _is_last(events, place, n_last=int(size))
        label = f"last {'event' if size == 1 else f'{size:g} events'} of each user (optimistic: {_OTHERS})"
    else:
        draws = np.random.default_rng(random_state).random(len(X))[place]
        is_test = _is_lowest(events, draws, share=size)
        label = f"random {size:.4g} of each user's events (optimistic: {_EVERYBODY})"
    return InteractionSplit(X.loc[~is_test[numbers]], X.loc[is_test[numbers]], label, is_optimistic=True)


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


def _split_at_moment(
    X: pd.DataFrame, moments: np.ndarray, *, test_size: float, at: Moment | None, column: str
) -> InteractionSplit:
    is_test = np.zeros(len(X), dtype=bool)
    if at is None:
        is_test[split_by_time(moments, test_size=test_size)[1]] = True
    else:
        is_test = moments >= read_moment(at, moments, name="at")
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


def _events(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the event of each row, int64 (n_rows,), and the last row of each event, int64 (n_events,)."""
    numbers = rows.groupby([*rows.columns], sort=False).ngroup().to_numpy()
    place = np.zeros(numbers.max() + 1, dtype=np.int64)
    place[numbers] = np.arange(len(rows))  # later rows overwrite
    return numbers, place


def _is_last(events: pd.DataFrame, place: np.ndarray, *, n_last: int) -> np.ndarray:
    """Return which events are among the last of their user, bool (n_events,); one at least is left to train."""
    keys = (place,) if "time" not in events else (place, events["time"].to_numpy())
    users, counts = _counted(events)
    return counts - 1 - _ranks(users, *keys) < np.minimum(n_last, counts - 1)


def _is_lowest(events: pd.DataFrame, draws: np.ndarray, *, share: float) -> np.ndarray:
    """Return which events drew the lowest numbers of their user, bool (n_events,)."""
    users, counts = _counted(events)
    return _ranks(users, draws) < np.maximum(1, np.floor(share * counts))


def _counted(events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the user of each event and how many events that user has."""
    users = events["user"].to_numpy()
    return users, np.bincount(users)[users]


def _ranks(users: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Return the place of each event among those of its user, 0 for the lowest; the last key counts most."""
    order = np.lexsort((*keys, users))
    starts = np.searchsorted(users[order], users[order])
    ranks = np.empty(len(users), dtype=np.int64)
    ranks[order] = np.arange(len(users)) - starts
    return ranks
