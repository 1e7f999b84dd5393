"""Who took what and when: a table of events becomes compact codes, ordered by user and time."""

import difflib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse

from appkit.data.cells import infer_kind, read_cells
from appkit.data.ids import Ids, read_ids
from appkit.exceptions import SchemaError

__all__ = ["Interactions", "pad_histories", "read_interactions"]

_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, eq=False)
class Interactions:
    """Events of users with items, in order: by user, then time, then as the table had them.

    Parameters
    ----------
    users, items
        Raw ids; the codes below are places in them.
    user, item
        int64 ``(n_events,)``: codes; ``user`` never falls.
    row
        int64 ``(n_events,)``: the row of the table each event came from, the first where several were one event.
    time
        float64 ``(n_events,)``: numbers as given, dates as days since 1970-01-01 (UTC); ``None`` where unknown.
    value
        float64 ``(n_events,)``: quantity, spend or rating; ``None`` where there is none.
    is_dated
        Whether ``time`` counts days.
    n_rows
        Rows of the table that was read.

    Examples
    --------
    >>> X = pd.DataFrame({"user": ["b", "a", "b"], "item": ["tea", "tea", "cup"], "day": [2, 1, 1]})
    >>> events = read_interactions(X, time="day")
    >>> events.items.values[events.history(1)].tolist()
    ['cup', 'tea']
    >>> events.matrix().toarray()
    array([[0., 1.],
           [1., 1.]], dtype=float32)
    """

    users: Ids
    items: Ids
    user: np.ndarray
    item: np.ndarray
    row: np.ndarray
    time: np.ndarray | None = None
    value: np.ndarray | None = None
    is_dated: bool = False
    n_rows: int = 0

    def __len__(self) -> int:
        return len(self.user)

    @property
    def n_users(self) -> int:
        """Number of known users, those without an event here included."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """Number of known items, those without an event here included."""
        return len(self.items)

    @property
    def offsets(self) -> np.ndarray:
        """Where each user's events begin, int64 ``(n_users + 1,)``."""
        counts = np.bincount(self.user, minlength=self.n_users)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def history(self, user: int) -> np.ndarray:
        """Return the item codes of the user with this code, oldest first, int64."""
        start, end = np.searchsorted(self.user, [user, user + 1])
        return self.item[start:end]

    def padded(self, users: np.ndarray, length: int | None = None) -> np.ndarray:
        """Return histories as int64 ``(n, length)``, oldest first, filled up with ``n_items`` on the left.

        Parameters
        ----------
        users
            Codes, int64 ``(n,)``; -1 has no history.
        length
            Most recent events to keep; ``None`` keeps all of the longest, and at least one column.
        """
        return pad_histories(self.offsets, self.item, np.asarray(users), pad=self.n_items, length=length)

    def matrix(self, weights: Literal["binary", "count", "value"] = "binary") -> sparse.csr_array:
        """Return float32 ``(n_users, n_items)``: 1, the number of events or their summed values where there are any."""
        if weights == "value" and self.value is None:
            raise ValueError("weights='value' needs a value column. Pass value= when reading, or weights='count'.")
        data = np.ones(len(self)) if weights != "value" or self.value is None else self.value
        matrix = sparse.csr_array((data, (self.user, self.item)), shape=(self.n_users, self.n_items))
        matrix.sum_duplicates()
        matrix = matrix.astype(np.float32)
        if weights == "binary":
            matrix.data[:] = 1.0
        return matrix

    def to_frame(self, *, user: str = "user", item: str = "item", time: str = "time") -> pd.DataFrame:
        """Return the events as a table of raw ids, with their times where there are any, in order."""
        frame = pd.DataFrame({user: self.users.values[self.user], item: self.items.values[self.item]}).infer_objects()
        if self.time is None:
            return frame
        moments = (self.time * _DAY_NS).round().astype("datetime64[ns]") if self.is_dated else self.time
        return frame.assign(**{time: moments})

    def recoded(self, users: Ids, items: Ids) -> "Interactions":
        """Return the same events under ids that hold these and more; ids sort alike, so the order stays."""
        if users is self.users and items is self.items:
            return self
        return replace(
            self,
            users=users,
            items=items,
            user=users.codes(self.users.values)[self.user],
            item=items.codes(self.items.values)[self.item],
        )

    def take(self, rows: np.ndarray) -> "Interactions":
        """Return these events, bool or int64 ``(n,)``, in their order; ids and codes stay."""
        rows = np.asarray(rows)
        return self._at(np.flatnonzero(rows) if rows.dtype == bool else np.sort(rows))

    def _at(self, rows: np.ndarray) -> "Interactions":
        """Return the events at these places, in this order."""
        return replace(
            self,
            user=self.user[rows],
            item=self.item[rows],
            row=self.row[rows],
            time=None if self.time is None else self.time[rows],
            value=None if self.value is None else self.value[rows],
        )


def pad_histories(
    offsets: np.ndarray, item: np.ndarray, users: np.ndarray, *, pad: int, length: int | None = None
) -> np.ndarray:
    """Return the latest items of each user, int64 ``(n, length)``, padded on the left; code -1 has none."""
    known = users >= 0
    ends = np.where(known, offsets[users + 1], 0)
    counts = np.where(known, ends - offsets[users], 0)
    width = max(int(counts.max(initial=0)), 1) if length is None else length
    places = ends[:, None] - np.arange(width, 0, -1)
    present = np.arange(width, 0, -1) <= counts[:, None]
    padded = np.full((len(users), width), pad, dtype=np.int64)
    padded[present] = item[places[present]]
    return padded


def read_interactions(
    X: pd.DataFrame,
    *,
    user: str = "user",
    item: str = "item",
    time: str | None = None,
    value: str | None = None,
    users: Ids | None = None,
    items: Ids | None = None,
) -> Interactions:
    """Return the events of a table, one row each.

    Rows equal in user, item and time are one event, and their values add up; without ``time`` those equal in user and
    item are. A user who takes an item again later has another event.

    Parameters
    ----------
    X
        One row per event.
    user, item
        Columns of ids: whole numbers, text or categories.
    time
        Column of numbers, datetimes (time zones are converted to UTC) or ISO 8601 text; ``None``: the rows are in
        order.
    value
        Column of quantities, spend or ratings, 0 or more; ``None`` for none.
    users, items
        Ids already known, such as a fitted model's: rows of others are left out. ``None`` takes those of the table.

    Raises
    ------
    SchemaError
        Listing every problem: no rows, a column that is missing or comes twice, an id, time or value that is missing
        or unreadable, a negative value.
    TypeError
        If ``X`` is not a DataFrame.
    """
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"X must be a DataFrame with one row per interaction, got {type(X).__name__}.")
    named = {"user": user, "item": item} | {k: v for k, v in (("time", time), ("value", value)) if v is not None}
    problems = _column_problems(X, tuple(named.values()))
    if problems:
        raise SchemaError(problems)
    users, user_codes = _coded(X[user], users, problems)
    items, item_codes = _coded(X[item], items, problems)
    times, is_dated = (None, False) if time is None else _read_times(X[time], problems)
    values = None if value is None else _read_values(X[value], problems)
    if problems:
        raise SchemaError(problems)
    events = Interactions(
        users=users,
        items=items,
        user=user_codes,
        item=item_codes,
        row=np.arange(len(X)),
        time=times,
        value=values,
        is_dated=is_dated,
        n_rows=len(X),
    )
    return _merged(_in_order(events))


def _column_problems(X: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    problems = []
    for name in names:
        count = sum(1 for column in X.columns if column == name)
        if count > 1:
            problems.append(f"Column {name!r} must come once, got it {count} times. Rename or drop the others.")
        elif not count:
            near = difflib.get_close_matches(str(name), map(str, X.columns), n=1, cutoff=0.6)
            hint = f" Did you mean {near[0]!r}?" if near else f" Columns are {', '.join(map(str, X.columns))}."
            problems.append(f"Column {name!r} is missing.{hint}")
    if len(set(names)) < len(names):
        problems.append(f"user, item, time and value must be different columns, got {', '.join(map(repr, names))}.")
    if not len(X):
        problems.append("X must have at least one interaction, got none.")
    return problems


def _coded(raw: pd.Series, known: Ids | None, problems: list[str]) -> tuple[Ids, np.ndarray]:
    """Return ids and the code of each cell; what is wrong is added to ``problems``."""
    column = str(raw.name)
    try:
        ids = Ids(np.unique(read_ids(raw, column=column))) if known is None else known
        return ids, ids.codes(raw, column=column)
    except SchemaError as error:
        problems.extend(error.problems)
        return Ids(np.empty(0, dtype=np.int64)), np.empty(0, dtype=np.int64)


def _read_times(raw: pd.Series, problems: list[str]) -> tuple[np.ndarray, bool]:
    is_dated = infer_kind(raw) in ("time", "category")
    times, faults = read_cells(raw, "time" if is_dated else "numeric")
    if is_dated:
        times = np.where(np.isnat(times), np.nan, times.astype(np.int64) / _DAY_NS)
    problems += [
        f"Column {raw.name!r} must hold finite numbers or dates, got {fault.first} in row "
        f"{raw.index[int(fault.rows[0])]}. Give numbers, datetimes or ISO 8601 text."
        for fault in faults
    ]
    missing = raw.isna().to_numpy()
    if missing.any():
        problems.append(
            f"Column {raw.name!r} must have no missing cell, got {int(missing.sum()):,} "
            f"(first: row {raw.index[int(missing.argmax())]}). Drop these rows, or leave time= out."
        )
    return times, is_dated


def _read_values(raw: pd.Series, problems: list[str]) -> np.ndarray:
    values, faults = read_cells(raw, "numeric")
    problems += [
        f"Column {raw.name!r} must hold finite numbers, got {fault.first} in row {raw.index[int(fault.rows[0])]}."
        for fault in faults
    ]
    for bad, must, remedy in (
        (np.isnan(values) & raw.isna().to_numpy(), "have no missing cell", "Drop these rows, or leave value= out."),
        (values < 0, "be 0 or more", "Take returns and cancellations out first, or leave value= out."),
    ):
        if bad.any():
            first = int(bad.argmax())
            got = f"got {int(bad.sum()):,} others (first: {values[first]:g} in row {raw.index[first]})"
            problems.append(f"Column {raw.name!r} must {must}, {got}. {remedy}")
    return values


def _in_order(events: Interactions) -> Interactions:
    """Return known events by user, then time, then as they came."""
    known = np.flatnonzero((events.user >= 0) & (events.item >= 0))
    keys = (events.user[known],) if events.time is None else (events.time[known], events.user[known])
    return events._at(known[np.lexsort(keys)])


def _merged(events: Interactions) -> Interactions:
    """Return events with those equal in user, item and time made one, at the place of the first."""
    keys = [events.item, events.user] if events.time is None else [events.item, events.time, events.user]
    order = np.lexsort(keys)
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0) if len(order) else True
    if is_new.all():
        return events
    firsts = order[is_new]
    merged = events
    if events.value is not None:
        sums = np.zeros(len(order))
        sums[firsts] = np.add.reduceat(events.value[order], np.flatnonzero(is_new))
        merged = replace(events, value=sums)
    return merged.take(firsts)
