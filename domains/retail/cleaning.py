"""Turn the lines of a shop's invoices into purchases by rules that are written down, and count what each removes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from appkit.data.cells import read_cells, shown
from appkit.data.interaction_rows import read_moment, read_moments
from appkit.exceptions import SchemaError

__all__ = ["ONLINE_RETAIL_CODES", "CleanedTransactions", "clean_transactions"]

Moment = str | float | pd.Timestamp

ONLINE_RETAIL_CODES = (
    "POST|DOT|C2|C3",  # postage and carriage
    "M|D|S|B|ADJUST[0-9]*",  # manual entries, discounts, samples, bad debts, adjustments
    "BANK CHARGES|AMAZONFEE",
    "GIFT.*",  # vouchers
    "TEST[0-9]*",
)
"""Stock codes of Online Retail that are no products, as regular expressions."""


@dataclass(frozen=True, eq=False)
class CleanedTransactions:
    """Purchases, and what it took to have nothing but purchases.

    Parameters
    ----------
    table
        Rows that are left, with the columns and index labels of the table given, in its order.
    log
        A row per rule in the order in which they ran: ``rule``, ``removed`` (rows), ``changed`` (rows) and ``why``.
    """

    table: pd.DataFrame
    log: pd.DataFrame


def clean_transactions(
    frame: pd.DataFrame,
    *,
    user: str,
    item: str,
    time: str,
    quantity: str,
    price: str | None = None,
    invoice: str | None = None,
    missing_users: Literal["drop", "keep"] = "drop",
    not_products: Sequence[str] = (),
    fold_case: bool = False,
    time_zone: str | None = None,
    cut: Moment | None = None,
) -> CleanedTransactions:
    """Return the purchases among transactions: no cancellations, returns, fees, gifts, or lines entered twice.

    The rules run in this order, and a row is counted by the first that removes it:

    =======================  ========================================================================================
    rule                     removes, or changes
    =======================  ========================================================================================
    incomplete               rows without item, time or quantity
    no customer              rows without a user, if ``missing_users="drop"``: there is nobody to advise. Demand needs
                             them: ``"keep"``.
    no product               rows whose item is one of ``not_products``
    no price                 rows that cost nothing or less: gifts, samples, stock written off, bad debts (needs
                             ``price``)
    entered twice            rows equal to an earlier one in every column
    no units                 rows of quantity 0, and cancellations of a quantity above 0
    taken back               purchases of which every unit came back; where some did, the quantity is lowered
    return                   cancellations and returns, quantity below 0, that found their purchase
    return without purchase  and those that found none
    =======================  ========================================================================================

    A return is held against the same user's purchases of the same item at or before its time, the latest first. One
    that finds none (bought before the table begins, or by an unknown customer) is removed without further effect.
    A cancellation is a row whose invoice begins with C. Taking returns off looks ahead: where the table will be parted
    to train before a moment and test after it, say so by ``cut``.

    Parameters
    ----------
    frame
        One row per line of an invoice; never written to.
    user, item, time, quantity
        Columns; ``quantity`` is negative for what came back.
    price, invoice
        Columns of unit prices and invoice numbers; without them their rules are left out.
    missing_users
        ``"keep"`` leaves rows without a user in, for demand.
    not_products
        Regular expressions that match whole item ids, in upper or lower case, such as :data:`ONLINE_RETAIL_CODES`.
    fold_case
        Strip and upper-case item ids, where ``85123a`` and ``85123A`` are one item. Text ids only.
    time_zone
        Where the shop is, such as ``"Europe/London"``: times with a zone become wall-clock time there, so that days
        and weeks are the shop's own. ``None`` brings them to UTC. Times without a zone stay as they are.
    cut
        A moment over which no return reaches back: what was bought before it stands as it was known then.

    Raises
    ------
    SchemaError
        For a column that ``frame`` does not have, a quantity or price that is no number, or a time that is no date.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "invoice": ["1", "1", "C2", "3"],
    ...         "who": [7, 7, 7, None],
    ...         "what": ["tea", "cup", "cup", "tea"],
    ...         "when": pd.to_datetime(["2010-01-04", "2010-01-04", "2010-01-05", "2010-01-06"]),
    ...         "units": [2, 3, -1, 1],
    ...     }
    ... )
    >>> cleaned = clean_transactions(
    ...     lines, user="who", item="what", time="when", quantity="units", invoice="invoice"
    ... )
    >>> cleaned.table[["who", "what", "units"]].values.tolist()
    [[7.0, 'tea', 2], [7.0, 'cup', 2]]
    >>> cleaned.log.loc[cleaned.log["removed"] > 0, ["rule", "removed"]].values.tolist()
    [['no customer', 1], ['return', 1]]
    """
    if missing_users not in ("drop", "keep"):
        raise ValueError(f"missing_users must be 'drop' or 'keep', got {missing_users!r}.")
    _check_columns(frame, [name for name in (user, item, time, quantity, price, invoice) if name is not None])
    ledger = _Ledger(frame)
    ledger.remove("incomplete", frame[[item, time, quantity]].isna().any(axis=1), "no item, time or quantity")
    ledger.table = _readable(ledger.table, item=item, time=time, fold_case=fold_case, time_zone=time_zone)
    if missing_users == "drop":
        ledger.remove("no customer", ledger.table[user].isna(), "nobody to advise")
    ledger.remove("no product", _matches(ledger.table[item], not_products), "fees, postage, adjustments, tests")
    if price is not None:
        ledger.remove("no price", ~(_numbers(ledger.table[price]) > 0), "gifts, samples, write-offs, bad debts")
    ledger.remove("entered twice", ledger.table.duplicated(), "equal to an earlier row in every column")
    units = _numbers(ledger.table[quantity])
    is_void = (units == 0) | ((units > 0) & _is_cancelled(ledger.table, invoice))
    ledger.remove("no units", is_void, "nothing sold, or a cancellation of more than nothing")
    wall = None if cut is None else _on_the_clock(pd.Series([cut], name="cut"), time_zone).iloc[0]
    _take_returns_out(ledger, user=user, item=item, time=time, quantity=quantity, cut=wall)
    return CleanedTransactions(ledger.table, pd.DataFrame(ledger.entries))


@dataclass(eq=False)
class _Ledger:
    """The rows that are left so far, and an entry per rule."""

    table: pd.DataFrame
    entries: list[dict[str, str | int]] = field(default_factory=list)

    def remove(self, rule: str, bad: np.ndarray | pd.Series, why: str) -> None:
        mask = np.asarray(bad, dtype=bool)
        self.note(rule, mask, why)
        if mask.any():
            self.table = self.table.loc[~mask]

    def note(self, rule: str, bad: np.ndarray, why: str, *, n_changed: int = 0) -> None:
        self.entries.append({"rule": rule, "removed": int(bad.sum()), "changed": n_changed, "why": why})


def _check_columns(frame: pd.DataFrame, names: list[str]) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a DataFrame with one row per line of an invoice, got {type(frame).__name__}.")
    missing = [name for name in names if name not in frame]
    if missing:
        raise SchemaError(f"Column {missing[0]!r} is missing. Columns are {', '.join(map(str, frame.columns))}.")


def _readable(table: pd.DataFrame, *, item: str, time: str, fold_case: bool, time_zone: str | None) -> pd.DataFrame:
    """Return the table with items in one spelling and times on one clock."""
    changes = {time: _on_the_clock(table[time], time_zone)}
    if fold_case:
        if not pd.api.types.is_string_dtype(table[item]):
            raise SchemaError(f"Column {item!r} must hold text for fold_case, got {table[item].dtype}. Leave it False.")
        codes, kinds = pd.factorize(table[item])
        changes[item] = pd.Series(kinds.str.strip().str.upper()[codes], index=table.index)
    return table.assign(**changes)


def _on_the_clock(raw: pd.Series, time_zone: str | None) -> pd.Series:
    """Return moments without a zone; those that had one are the wall-clock time of ``time_zone``, or UTC."""
    moments = pd.Series(read_moments(raw), index=raw.index, name=raw.name)
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        return moments.dt.tz_localize("UTC").dt.tz_convert(time_zone or "UTC").dt.tz_localize(None)
    return raw if raw.dtype.kind in "Miuf" else moments  # text becomes dates


def _matches(items: pd.Series, patterns: Sequence[str]) -> np.ndarray:
    """Return which items are matched whole by one of the patterns, bool (n_rows,)."""
    if not patterns:
        return np.zeros(len(items), dtype=bool)
    pattern = "|".join(f"(?:{given})" for given in patterns)
    codes, kinds = pd.factorize(items)
    is_match = pd.Series(kinds).astype(str).str.strip().str.fullmatch(pattern, case=False).to_numpy(dtype=bool)
    return is_match[codes] & (codes >= 0)


def _numbers(raw: pd.Series) -> np.ndarray:
    """Return a column as float64 (n_rows,), NaN where a cell is missing."""
    numbers, faults = read_cells(raw, "numeric")
    if faults:
        row = int(faults[0].rows[0])
        raise SchemaError(f"Column {raw.name!r} must hold numbers, got {shown(raw.iloc[row])} in row {raw.index[row]}.")
    return numbers


def _is_cancelled(table: pd.DataFrame, invoice: str | None) -> np.ndarray:
    return np.zeros(len(table), dtype=bool) if invoice is None else _matches(table[invoice], ("C.*",))


def _take_returns_out(ledger: _Ledger, *, user: str, item: str, time: str, quantity: str, cut: Moment | None) -> None:
    """Lower the purchases of which units came back, and remove those that are at nothing with their returns."""
    table = ledger.table
    sold, times = _numbers(table[quantity]), read_moments(table[time])
    part = np.zeros(len(table), dtype=bool) if cut is None else times >= read_moment(cut, times, name="cut")
    customer = pd.factorize(table[user])[0]
    pair = pd.DataFrame({"customer": customer, "item": pd.factorize(table[item])[0], "part": part})
    left = _net(np.where(customer >= 0, pair.groupby([*pair]).ngroup(), -1), times, sold)
    is_sale = sold > 0
    n_lowered = int((is_sale & (left > 0) & (left < sold)).sum())
    ledger.note("taken back", is_sale & (left <= 0), "every unit came back; changed: some did", n_changed=n_lowered)
    ledger.note("return", ~is_sale & (left > sold), "its units are taken off the purchase")
    ledger.note("return without purchase", ~is_sale & (left == sold), "bought earlier, or by nobody known")
    kept = pd.Series(left, index=table.index).astype(table[quantity].dtype)
    ledger.table = table.assign(**{quantity: kept}).loc[left > 0]


def _net(pair: np.ndarray, time: np.ndarray, sold: np.ndarray) -> np.ndarray:
    """Return what is left of each row, float64 (n_rows,): units kept, or, below 0, returned units that found none.

    ``pair``, int64 (n_rows,), numbers a customer with an item; -1 is nobody known.
    """
    left = sold.astype(np.float64)
    concerned = np.flatnonzero(np.isin(pair, np.unique(pair[(sold < 0) & (pair >= 0)])))
    order = concerned[np.lexsort((sold[concerned] < 0, time[concerned], pair[concerned]))]  # at one time, sales first
    open_sales: list[int] = []
    of_pair = -1
    for row in order.tolist():
        if pair[row] != of_pair:
            of_pair, open_sales = pair[row], []
        if sold[row] > 0:
            open_sales.append(row)
        while open_sales and left[row] < 0:
            sale = open_sales[-1]
            taken = min(left[sale], -left[row])
            left[row] += taken
            left[sale] -= taken
            if left[sale] <= 0:
                open_sales.pop()
    return left
