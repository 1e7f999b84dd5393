"""Snapshots of customers at several moments, and what each customer bought in the weeks after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd

from appkit.data.dataset import Dataset
from appkit.exceptions import SchemaError
from domains.retail.behaviour import behaviour_of, distinct_pairs
from domains.retail.transactions import (
    DAY_NS,
    TransactionColumns,
    Transactions,
    duration_ns,
    nanoseconds,
    read_transactions,
)

__all__ = ["BUYS", "NOTHING", "STAYS_AWAY", "PurchaseTable", "purchase_table"]

BUYS, STAYS_AWAY = "buys", "stays away"
NOTHING = "nothing"

Target = Literal["any", "spend", "category"] | Sequence[Any]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PurchaseTable(Dataset):
    """Behaviour of customers at several cut-offs, and what they bought within the horizon after.

    A customer is in the table once for every cut-off at which he was known. ``groups`` says which rows are of one
    customer: rows of one customer resemble each other, and folds that part them are too hopeful. ``time`` is the
    cut-off of each row.

    Parameters
    ----------
    horizon
        How long after its cut-off a row's label was observed.
    """

    horizon: pd.Timedelta

    def split(
        self, *, test_size: float | None = None, random_state: int | None = 0
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
        """Return ``X_train, X_test, y_train, y_test``, the test after the training rows in time.

        Rows whose horizon reaches past the first cut-off of the test are left out of training: their labels were not
        known then. Customers are on both sides, as they are in use: a shop predicts its own customers.

        Parameters
        ----------
        test_size
            Share of rows to test on, in whole cut-offs; ``None``: the last cut-off.
        random_state
            Nothing is drawn.

        Raises
        ------
        ValueError
            If no row is left to train on.
        """
        assert self.time is not None
        share = float((self.time == self.time.max()).mean()) if test_size is None else test_size
        return super().split(test_size=share, random_state=random_state)

    def _split_rows(self, test_size: float, random_state: int | None) -> tuple[np.ndarray, np.ndarray]:
        assert self.time is not None
        train, test = super()._split_rows(test_size, random_state)
        first = self.time.iloc[test].min()
        train = train[(self.time.iloc[train] + self.horizon <= first).to_numpy()]
        if not len(train):
            raise ValueError(
                f"No cut-off is a horizon ({self.horizon}) or more before the test, which begins {first}. "
                "Give earlier cut-offs, or a smaller test_size."
            )
        return train, test


def purchase_table(
    transactions: pd.DataFrame,
    *,
    horizon: str | pd.Timedelta = "28D",
    at: Iterable[Any] | None = None,
    until: Any = None,
    lookback: str | pd.Timedelta | None = None,
    target: Target = "any",
    season: bool = False,
    name: str = "purchases",
    **columns: Unpack[TransactionColumns],
) -> PurchaseTable:
    """Return what customers did before each cut-off, and what they bought within the horizon after it.

    Behaviour is of rows strictly before the cut-off, labels of rows from it on and before the end of the horizon. No
    cut-off is used whose horizon reaches past the end of the data: what is not yet known is no "stays away".

    Parameters
    ----------
    transactions
        One row per line of an order, in any order. Leave returns in, with ``returns=True``, or take their rows out; a
        table from which they were taken off the purchases themselves knows at each cut-off what came back later, as
        :func:`~domains.retail.cleaning.clean_transactions` says of its ``cut``.
    horizon
        How far ahead, such as ``"28D"``.
    at
        Cut-offs; ``None``: midnights (UTC), a horizon apart, from the last one whose horizon the data hold back to the
        first with 120 days of history, or with the whole ``lookback``.
    until
        Until when the table tells all that happened; ``None``: its last row, or the end of that day if it holds dates
        without times.
    lookback, season
        As in :func:`~domains.retail.behaviour.behaviour_features`.
    target
        ``"any"``: ``"buys"`` or ``"stays away"``. A sequence of items: the same of these items alone. ``"spend"``: the
        money spent, for a regressor. ``"category"``: the category of most lines, the first by name of equals, or
        ``"nothing"``.
    name
        Of the data set.
    **columns
        Columns of ``transactions``, see :func:`~domains.retail.transactions.read_transactions`.

    Raises
    ------
    SchemaError
        As ``read_transactions``, or for items or categories that are not in the table.
    ValueError
        If a cut-off is too late or too early, or the table is too short for one.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=200, freq="D")
    >>> orders = pd.DataFrame({"user": np.arange(200) % 7, "item": np.arange(200) % 3, "time": days})
    >>> table = purchase_table(orders, horizon="14D")
    >>> table
    <PurchaseTable purchases: 35 rows x 12 columns, event 'buys'>
    >>> X_train, X_test, y_train, y_test = table.split()
    >>> X_test.index[0], y_test.iloc[0]
    ('0, 2024-07-05', 'buys')
    """
    return table_of(
        read_transactions(transactions, **columns),
        horizon=horizon,
        at=at,
        until=until,
        lookback=lookback,
        target=target,
        season=season,
        name=name,
    )


def table_of(
    lines: Transactions,
    *,
    horizon: str | pd.Timedelta,
    at: Iterable[Any] | None = None,
    until: Any = None,
    lookback: str | pd.Timedelta | None = None,
    target: Target = "any",
    season: bool = False,
    name: str = "purchases",
) -> PurchaseTable:
    """Return the table of :func:`purchase_table`, of lines already read."""
    length = duration_ns(horizon, name="horizon")
    end = int(lines.until.as_unit("ns").value) if until is None else nanoseconds(until, name="until")
    wanted = _Wanted.of(lines, target)
    moments = _spaced(lines, end, length, lookback) if at is None else _given(at, end, length)
    parts = [behaviour_of(lines, at=moment, lookback=lookback, season=season) for moment in moments]
    labels = [
        wanted.labels(lines, part.index, moment, moment + length) for moment, part in zip(moments, parts, strict=True)
    ]
    cut_off = pd.Series(np.repeat(pd.to_datetime(moments), [len(part) for part in parts]))
    customer = pd.Series(np.concatenate([part.index.to_numpy() for part in parts]))
    index = pd.Index(customer.astype(str) + ", " + cut_off.dt.strftime(_format_of(moments)))
    return PurchaseTable(
        name=name,
        description=f"Customers at {len(moments)} cut-offs from {_day(moments[0])} to {_day(moments[-1])}.",
        X=pd.concat(parts).set_axis(index),
        y=pd.Series(np.concatenate(labels), index=index, name="target"),
        target=wanted.meaning(pd.Timedelta(length)),
        event=BUYS if wanted.kind == "any" else None,
        licence="that of the transactions",
        citation="that of the transactions",
        source="made from transactions by domains.retail.purchase_table",
        protocol="time",
        time=cut_off.set_axis(index).rename("cut-off"),
        groups=customer.set_axis(index).rename("customer"),
        horizon=pd.Timedelta(length),
    )


_HISTORY = "120D"  # what the trend of behaviour needs


def _spaced(lines: Transactions, end: int, horizon: int, lookback: str | pd.Timedelta | None) -> list[int]:
    """Return midnights a horizon apart, oldest first, each with its history before and its horizon after it."""
    history = duration_ns(_HISTORY if lookback is None else lookback, name="lookback")
    last = (end - horizon) // DAY_NS * DAY_NS
    first = int(lines.time.min()) // DAY_NS * DAY_NS
    moments = list(range(last, first + history - 1, -horizon))[::-1]
    if not moments:
        raise ValueError(
            f"Cut-offs need {_days(history)} of history and {_days(horizon)} of horizon, and the transactions span "
            f"{_days(end - first)}. Name cut-offs with at=, or ask for a shorter horizon."
        )
    return moments


def _given(at: Iterable[Any], end: int, horizon: int) -> list[int]:
    if isinstance(at, str | pd.Timestamp):
        at = [at]
    moments = sorted({nanoseconds(moment, name="at") for moment in at})
    if not moments:
        raise ValueError("at must hold at least one cut-off, got none.")
    if moments[-1] + horizon > end:
        raise ValueError(
            f"The horizon of a cut-off must end by {pd.Timestamp(end)}, until when the transactions tell all, got "
            f"{_day(moments[-1])} plus {_days(horizon)}. Drop it, or say until= if the data are complete for longer."
        )
    return moments


@dataclass(frozen=True, eq=False)
class _Wanted:
    """What is asked of a customer's horizon, and which lines count."""

    kind: str  # "any", "spend" or "category"
    items: np.ndarray | None  # bool (n_items,); None: all count

    @classmethod
    def of(cls, lines: Transactions, target: Target) -> "_Wanted":
        if isinstance(target, str):
            if target not in ("any", "spend", "category"):
                raise ValueError(f"target must be 'any', 'spend', 'category' or a list of items, got {target!r}.")
            if target == "spend" and lines.spend is None:
                raise ValueError("target='spend' needs price= or value=, the column that holds money.")
            if target == "category" and lines.category is None:
                raise ValueError("target='category' needs categories=, a column or a mapping from item to category.")
            return cls(target, None)
        codes = lines.items.codes(list(target), column="target")
        if not len(codes) or (codes < 0).any():
            unknown = [item for item, code in zip(target, codes, strict=True) if code < 0]
            raise SchemaError(f"target must list items of the transactions, got {unknown[:3]} among {len(codes)}.")
        return cls("any", np.isin(np.arange(len(lines.items)), codes))

    def labels(self, lines: Transactions, customers: pd.Index, start: int, end: int) -> np.ndarray:
        """Return the label of each customer, of lines from ``start`` on and before ``end``."""
        counts = (lines.time >= start) & (lines.time < end) & ~lines.is_return
        if self.items is not None:
            counts &= self.items[lines.item]
        bought, codes = lines.take(counts), lines.users.codes(customers)
        if self.kind == "spend":
            return np.bincount(bought.user, weights=bought.spend, minlength=len(lines.users))[codes]
        if self.kind == "category":
            return _main_category(bought)[codes]
        return np.where(np.isin(codes, bought.user), BUYS, STAYS_AWAY)

    def meaning(self, horizon: pd.Timedelta) -> str:
        """Say what the label means."""
        days = _days(int(horizon.as_unit("ns").value))
        what = "" if self.items is None else f" any of {int(self.items.sum())} items"
        return {
            "any": f"whether the customer buys{what} within {days}",
            "spend": f"money the customer spends within {days}",
            "category": f"category the customer buys most of within {days}",
        }[self.kind]


def _main_category(bought: Transactions) -> np.ndarray:
    """Return the name of the category of most lines of each customer, object (n_users,)."""
    assert bought.category is not None
    names = np.full(len(bought.users), NOTHING, dtype=object)
    if len(bought):
        user, category, count = distinct_pairs(bought.user, bought.category)
        rising = np.lexsort((-category, count, user))  # of equals the first by name stays last, and is kept
        names[user[rising]] = np.array(bought.categories, dtype=object)[category[rising]]
    return names


def _days(length: int) -> str:
    days = length / DAY_NS
    return f"{days:g} day{'' if days == 1 else 's'}"


def _day(moment: int) -> str:
    return pd.Timestamp(moment).strftime(_format_of([moment]))


def _format_of(moments: Sequence[int]) -> str:
    return "%Y-%m-%d" if all(moment % DAY_NS == 0 for moment in moments) else "%Y-%m-%d %H:%M:%S"
