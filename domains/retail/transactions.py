"""Read a shop's transactions, one row per line of an order, into codes in order of customer and time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from appkit.data.cells import infer_kind, read_cells, shown
from appkit.data.ids import Ids, read_ids
from appkit.exceptions import SchemaError

__all__ = ["DAY_NS", "TransactionColumns", "Transactions", "read_transactions"]

DAY_NS = 86_400 * 10**9


class TransactionColumns(TypedDict, total=False):
    """What :func:`read_transactions` takes besides the table, for functions that pass it on."""

    user: str
    item: str
    time: str
    quantity: str | None
    price: str | None
    value: str | None
    invoice: str | None
    categories: str | Mapping[Any, Any] | None
    returns: bool


@dataclass(frozen=True, eq=False)
class Transactions:
    """Lines of orders, by customer, then time, then as the table had them.

    Parameters
    ----------
    users, items
        Raw ids; the codes below are places in them.
    user, item
        int64 ``(n_lines,)``: codes; ``user`` never falls.
    time
        int64 ``(n_lines,)``: nanoseconds since 1970-01-01 (UTC).
    order
        int64 ``(n_lines,)``: lines of one order share a number, no two customers do.
    is_return
        bool ``(n_lines,)``: whether goods came back.
    quantity, spend
        float64 ``(n_lines,)``: pieces and money of each line, of returns as positive numbers too; ``None`` where the
        table has none.
    category
        int64 ``(n_lines,)``: place in ``categories``; ``None`` where items have no categories.
    categories
        Names of categories, in alphabetical order.
    may_return
        Whether the table tells of returns; else no line is one.
    """

    users: Ids
    items: Ids
    user: np.ndarray
    item: np.ndarray
    time: np.ndarray
    order: np.ndarray
    is_return: np.ndarray
    quantity: np.ndarray | None
    spend: np.ndarray | None
    category: np.ndarray | None
    categories: tuple[str, ...]
    may_return: bool

    def __len__(self) -> int:
        return len(self.user)

    @property
    def first(self) -> pd.Timestamp:
        """When the first line was bought."""
        return pd.Timestamp(int(self.time.min()))

    @property
    def until(self) -> pd.Timestamp:
        """Until when the table tells all that happened: its last line, or the end of that day where it holds dates."""
        last = int(self.time.max())
        return pd.Timestamp(last if (self.time % DAY_NS).any() else last + DAY_NS)

    def take(self, lines: np.ndarray) -> "Transactions":
        """Return these lines, bool ``(n_lines,)``, in their order; ids and codes stay."""
        return replace(
            self,
            user=self.user[lines],
            item=self.item[lines],
            time=self.time[lines],
            order=self.order[lines],
            is_return=self.is_return[lines],
            quantity=None if self.quantity is None else self.quantity[lines],
            spend=None if self.spend is None else self.spend[lines],
            category=None if self.category is None else self.category[lines],
        )


def read_transactions(
    transactions: pd.DataFrame,
    *,
    user: str = "user",
    item: str = "item",
    time: str = "time",
    quantity: str | None = None,
    price: str | None = None,
    value: str | None = None,
    invoice: str | None = None,
    categories: str | Mapping[Any, Any] | None = None,
    returns: bool = False,
) -> Transactions:
    """Return the lines of a transactions table in order of customer and time.

    Parameters
    ----------
    transactions
        One row per line of an order.
    user, item
        Columns of ids: whole numbers, text or categories.
    time
        Column of datetimes (time zones are converted to UTC) or ISO 8601 text.
    quantity
        Column of pieces; ``None``: one each.
    price, value
        Column of the price of a piece, or of the money of the whole line; at most one. ``None``: no money is known.
    invoice
        Column that names the order of a line; ``None``: what a customer buys on one day (UTC) is one order.
    categories
        Column that names the category of an item, or a mapping from item to category; items without one are of the
        category ``"other"``.
    returns
        Whether a negative quantity (or, without ``quantity``, value) means that goods came back; else it is refused.

    Raises
    ------
    SchemaError
        Listing every problem: no rows, a column that is missing, an id, time or number that is missing or unreadable, a
        negative number.
    TypeError
        If ``transactions`` is not a DataFrame.

    Examples
    --------
    >>> orders = pd.DataFrame({"user": [7, 3, 7], "item": ["tea", "cup", "cup"],
    ...                        "time": ["2024-03-02", "2024-03-01", "2024-03-01"]})
    >>> lines = read_transactions(orders)
    >>> lines.users.values[lines.user].tolist(), lines.items.values[lines.item].tolist()
    ([3, 7, 7], ['cup', 'cup', 'tea'])
    """
    if not isinstance(transactions, pd.DataFrame):
        raise TypeError(f"transactions must be a DataFrame, one row per line, got {type(transactions).__name__}.")
    if price is not None and value is not None:
        raise ValueError(f"Give price or value, not both, got price={price!r} and value={value!r}.")
    column_of_categories = categories if isinstance(categories, str) else None
    _check_columns(transactions, (user, item, time, quantity, price, value, invoice, column_of_categories))
    problems: list[str] = []
    users, user_codes = _coded(transactions[user], problems)
    items, item_codes = _coded(transactions[item], problems)
    times = _times(transactions[time], problems)
    pieces = _numbers(transactions, quantity, may_be_negative=returns, problems=problems)
    money = _numbers(transactions, price or value, may_be_negative=returns and price is None, problems=problems)
    if invoice is not None:
        _refuse(transactions[invoice].isna().to_numpy(), transactions[invoice], *_MUST_BE_THERE, problems)
    if problems:
        raise SchemaError(problems)
    names, category_codes = _categories(transactions, item, categories)
    spend = money if money is None or price is None or pieces is None else money * np.abs(pieces)
    lines = Transactions(
        users=users,
        items=items,
        user=user_codes,
        item=item_codes,
        time=times,
        order=_orders(transactions[invoice] if invoice else pd.Series(times // DAY_NS), user_codes),
        is_return=_is_return(pieces if pieces is not None else money, n_lines=len(times)),
        quantity=None if pieces is None else np.abs(pieces),
        spend=None if spend is None else np.abs(spend),
        category=category_codes,
        categories=names,
        may_return=returns,
    )
    return lines.take(np.lexsort((times, user_codes)))


def rows_before(transactions: pd.DataFrame, at: Any, *, time: str) -> pd.DataFrame:
    """Return the rows strictly before a moment; nothing but their time is looked at."""
    if not isinstance(transactions, pd.DataFrame) or time not in transactions or not len(transactions):
        return transactions  # the reader says what is wrong
    problems: list[str] = []
    times = _times(transactions[time], problems)
    if problems:
        raise SchemaError(problems)
    return transactions[times < nanoseconds(at, name="at")]


def duration_ns(given: Any, *, name: str) -> int:
    """Return a positive length of time, such as ``"28D"``, in nanoseconds.

    Examples
    --------
    >>> duration_ns("28D", name="horizon") == 28 * DAY_NS
    True
    """
    try:
        length = pd.Timedelta(given)
    except (TypeError, ValueError) as err:
        raise ValueError(f"{name} must be a length of time, such as '28D', got {given!r}.") from err
    if pd.isna(length) or isinstance(given, int | float) or length <= pd.Timedelta(0):
        raise ValueError(f"{name} must be a positive length of time, such as '28D', got {given!r}.")
    return int(length.as_unit("ns").value)


def nanoseconds(moment: Any, *, name: str) -> int:
    """Return a moment as nanoseconds since 1970-01-01 (UTC); without a time zone it is read as UTC.

    Examples
    --------
    >>> nanoseconds("1970-01-02", name="at") == DAY_NS
    True
    """
    try:
        stamp = pd.Timestamp(moment)
    except (TypeError, ValueError) as err:
        raise ValueError(f"{name} must be a date or a moment, such as '2024-03-01', got {moment!r}.") from err
    if pd.isna(stamp) or isinstance(moment, int | float):
        raise ValueError(f"{name} must be a date or a moment, such as '2024-03-01', got {moment!r}.")
    stamp = stamp if stamp.tz is None else stamp.tz_convert("UTC").tz_localize(None)
    return int(stamp.as_unit("ns").value)


def _check_columns(transactions: pd.DataFrame, named: tuple[str | None, ...]) -> None:
    names = [name for name in named if name is not None]
    missing = [name for name in names if name not in transactions]
    problems = []
    if missing:
        held = ", ".join(map(str, transactions.columns))
        problems.append(f"transactions must hold the columns {', '.join(map(repr, missing))}; it has {held}.")
    problems += [
        f"Column {name!r} must come once. Rename or drop the others."
        for name in names
        if name not in missing and isinstance(transactions[name], pd.DataFrame)
    ]
    if not len(transactions):
        problems.append("transactions must have at least one row, got none.")
    if problems:
        raise SchemaError(problems)


def _coded(raw: pd.Series, problems: list[str]) -> tuple[Ids, np.ndarray]:
    try:
        values, codes = np.unique(read_ids(raw, column=str(raw.name)), return_inverse=True)
    except SchemaError as err:
        problems.extend(err.problems)
        return Ids(np.empty(0, dtype=np.int64)), np.empty(0, dtype=np.int64)
    return Ids(values), codes.astype(np.int64)


def _times(raw: pd.Series, problems: list[str]) -> np.ndarray:
    if infer_kind(raw) not in ("time", "category"):
        problems.append(f"Column {raw.name!r} must hold dates, got {shown(raw.iloc[0])}. Use pandas.to_datetime on it.")
        return np.empty(0, dtype=np.int64)
    times, faults = read_cells(raw, "time")
    problems += [
        f"Column {raw.name!r} must hold dates, got {fault.first} in row {raw.index[int(fault.rows[0])]} and "
        f"{len(fault.rows) - 1} more. Use pandas.to_datetime on it."
        for fault in faults
    ]
    _refuse(raw.isna().to_numpy(), raw, *_MUST_BE_THERE, problems)
    return times.astype("datetime64[ns]").astype(np.int64)


def _numbers(
    transactions: pd.DataFrame, column: str | None, *, may_be_negative: bool, problems: list[str]
) -> np.ndarray | None:
    if column is None:
        return None
    raw = transactions[column]
    numbers, faults = read_cells(raw, "numeric")
    problems += [
        f"Column {column!r} must hold finite numbers, got {fault.first} in row {raw.index[int(fault.rows[0])]}."
        for fault in faults
    ]
    _refuse(raw.isna().to_numpy(), raw, *_MUST_BE_THERE, problems)
    if not may_be_negative:
        remedy = "Take returns and cancellations out, or pass returns=True."
        _refuse(numbers < 0, raw, "be 0 or more", remedy, problems)
    return numbers


_MUST_BE_THERE = ("have no missing cell", "Drop these rows, or clean the table first.")


def _refuse(bad: np.ndarray, raw: pd.Series, must: str, remedy: str, problems: list[str]) -> None:
    if bad.any():
        first = int(bad.argmax())
        got = f"got {int(bad.sum()):,} others (first: {shown(raw.iloc[first])} in row {raw.index[first]})"
        problems.append(f"Column {raw.name!r} must {must}, {got}. {remedy}")


def _categories(
    transactions: pd.DataFrame, item: str, categories: str | Mapping[Any, Any] | None
) -> tuple[tuple[str, ...], np.ndarray | None]:
    if categories is None:
        return (), None
    if isinstance(categories, str):
        raw = transactions[categories]
    else:
        known = {key: name for key, name in categories.items() if not pd.isna(name)}
        raw = transactions[item].map(known)
    names = raw.astype(object).where(raw.notna(), "other").astype(str)
    codes, found = pd.factorize(names, sort=True)
    return tuple(found), codes.astype(np.int64)


def _orders(named: pd.Series, user: np.ndarray) -> np.ndarray:
    """Return one number per order: an invoice that names two customers is two orders."""
    codes = pd.factorize(named.to_numpy())[0].astype(np.int64)
    return np.unique(user * (codes.max(initial=0) + 1) + codes, return_inverse=True)[1].astype(np.int64)


def _is_return(signed: np.ndarray | None, *, n_lines: int) -> np.ndarray:
    return np.zeros(n_lines, dtype=bool) if signed is None else signed < 0
