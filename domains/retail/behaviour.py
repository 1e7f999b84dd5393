"""What a customer did before a moment, in numbers: how lately, how often, for how much, in what rhythm."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Unpack

import numpy as np
import pandas as pd

from domains.retail.transactions import (
    DAY_NS,
    TransactionColumns,
    Transactions,
    duration_ns,
    nanoseconds,
    read_transactions,
    rows_before,
)

__all__ = ["behaviour_features", "behaviour_of"]

_RECENT_DAYS = 90
_TREND_DAYS = 120
_YEAR_DAYS = 364  # whole weeks: Mondays fall on Mondays
_SAME_WEEKS_DAYS = 28


def behaviour_features(
    transactions: pd.DataFrame,
    *,
    at: Any = None,
    lookback: str | pd.Timedelta | None = None,
    season: bool = False,
    **columns: Unpack[TransactionColumns],
) -> pd.DataFrame:
    """Return what each customer did before a moment, one row per customer.

    Only rows strictly before ``at`` are looked at. Days are counted back from ``at``, so that the same behaviour gives
    the same numbers whenever it happened.

    Parameters
    ----------
    transactions
        One row per line of an order, in any order.
    at
        The moment; ``None``: the midnight (UTC) after the last row.
    lookback
        How far back to look, such as ``"180D"``; ``None``: to the first row.
    season
        Whether to add the columns of the season. A model learns from them only if its moments span more than a year.
    **columns
        Columns of ``transactions``, see :func:`~domains.retail.transactions.read_transactions`: ``user``, ``item``,
        ``time``, ``quantity``, ``price`` or ``value``, ``invoice``, ``categories``, ``returns``.

    Returns
    -------
    pandas.DataFrame
        float64, on the ids of customers who bought within the time looked at, in order. NaN: too little is known.

        ``days_since_last``, ``days_since_first``
            Days from the last and from the first order to ``at``.
        ``n_orders``, ``n_orders_90d``, ``active_weeks``
            Orders, those of the last 90 days, and weeks (counted back from ``at``) with one. Columns of 90 days are
            there unless ``lookback`` is under 120 days.
        ``spend``, ``spend_per_order``, ``spend_90d``
            Money, per order, and of the last 90 days; with ``price`` or ``value``.
        ``days_between_orders``, ``days_between_orders_sd``
            Mean and standard deviation of the days from one day with orders to the next; two and three are needed.
        ``overdue_ratio``
            ``days_since_last`` over ``days_between_orders``: 1 when the customer's usual time is up.
        ``order_trend``
            Orders per day in the last 90 days, as a share of this plus orders per day before: 0.5 is unchanged. NaN for
            customers of less than 120 days.
        ``n_items``, ``items_per_order``, ``repeat_share``
            Distinct items, distinct items per order, and the share of these that the customer had ordered before.
        ``top_category_share``
            Share of lines in the customer's main category; with ``categories``.
        ``return_share``
            Returned lines per line bought, at most 1; with ``returns``.
        ``month``, ``week``, ``n_orders_last_year``
            Month (1 to 12) and ISO week of ``at``, and orders in the four weeks that began 52 weeks before it, NaN
            where nothing is known of them; with ``season``, the last unless ``lookback`` is under 364 days.

    Raises
    ------
    SchemaError
        As ``read_transactions``; rows from ``at`` on are not read but for their time.
    ValueError
        If nobody bought anything before ``at``.

    Examples
    --------
    >>> orders = pd.DataFrame({"user": [7, 3, 7], "item": ["tea", "cup", "cup"],
    ...                        "time": ["2024-03-21", "2024-03-01", "2024-03-01"]})
    >>> known = behaviour_features(orders, at="2024-03-31")
    >>> known[["days_since_last", "n_orders", "days_between_orders", "overdue_ratio"]]
          days_since_last  n_orders  days_between_orders  overdue_ratio
    user
    3                30.0       1.0                  NaN            NaN
    7                10.0       2.0                 20.0            0.5
    """
    if at is not None:
        transactions = rows_before(transactions, at, time=columns.get("time", "time"))
        if isinstance(transactions, pd.DataFrame) and not len(transactions):
            raise ValueError(f"Somebody must have bought before at={at!r}, and transactions have no earlier row.")
    lines = read_transactions(transactions, **columns)
    end = midnight_after(lines) if at is None else nanoseconds(at, name="at")
    features = behaviour_of(lines, at=end, lookback=lookback, season=season)
    return features.set_axis(features.index.rename(columns.get("user", "user")))


def midnight_after(lines: Transactions) -> int:
    """Return the first midnight (UTC) after all lines, in nanoseconds."""
    return (int(lines.time.max()) // DAY_NS + 1) * DAY_NS


def behaviour_of(
    lines: Transactions, *, at: int, lookback: str | pd.Timedelta | None = None, season: bool = False
) -> pd.DataFrame:
    """Return the table of :func:`behaviour_features`, of lines already read and a moment in nanoseconds."""
    from_ns = 0 if lookback is None else at - duration_ns(lookback, name="lookback")
    past = lines.take((lines.time < at) & (lines.time >= from_ns))
    bought = past.take(~past.is_return)
    if not len(bought):
        raise ValueError(f"Somebody must have bought before {pd.Timestamp(at)} and within lookback={lookback!r}.")
    codes, user = np.unique(bought.user, return_inverse=True)
    customers = _Customers(bought, user.astype(np.int64), len(codes), at)
    features = customers.recency() | customers.money() | customers.rhythm() | customers.baskets()
    if lines.may_return:
        n_returned = np.bincount(past.user[past.is_return], minlength=len(lines.users))[codes]
        features["return_share"] = np.minimum(n_returned / customers.n_lines, 1)
    if season:
        features |= customers.season(known_from=max(from_ns, int(lines.time.min())))
    told = {name: numbers for name, numbers in features.items() if at - from_ns >= _NEEDS_DAYS.get(name, 0) * DAY_NS}
    return pd.DataFrame(told, index=pd.Index(lines.users.values[codes], name="user"))


_NEEDS_DAYS = {
    "n_orders_90d": _TREND_DAYS,
    "spend_90d": _TREND_DAYS,
    "order_trend": _TREND_DAYS,
    "n_orders_last_year": _YEAR_DAYS,
}


@dataclass(frozen=True, eq=False)
class _Customers:
    """What customers bought before a moment; ``user`` numbers those who bought anything, in order."""

    lines: Transactions
    user: np.ndarray  # int64 (n_lines,)
    n: int
    at: int

    def recency(self) -> dict[str, np.ndarray]:
        order_user, order_age = self._orders
        ends = np.cumsum(self.n_lines)
        return {
            "days_since_last": self._age[ends - 1],  # lines of a customer are in order of time
            "days_since_first": self._age[ends - self.n_lines],
            "n_orders": self._n_orders,
            "n_orders_90d": self._counts(order_user[order_age <= _RECENT_DAYS]),
            "active_weeks": self._counts(self._visits(7 * DAY_NS)[0]),
        }

    def money(self) -> dict[str, np.ndarray]:
        spend = self.lines.spend
        if spend is None:
            return {}
        total = self._sums(self.user, spend)
        recent = self._age <= _RECENT_DAYS
        return {
            "spend": total,
            "spend_per_order": total / self._n_orders,
            "spend_90d": self._sums(self.user[recent], spend[recent]),
        }

    def rhythm(self) -> dict[str, np.ndarray]:
        user, day = self._visits(DAY_NS)
        is_same = user[1:] == user[:-1]
        gap_user, gap = user[1:][is_same], (day[1:] - day[:-1])[is_same].astype(np.float64)
        n_gaps = self._counts(gap_user)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self._sums(gap_user, gap) / n_gaps
            spread = np.sqrt(
                self._sums(gap_user, (gap - mean[gap_user]) ** 2) / np.where(n_gaps > 1, n_gaps - 1, np.nan)
            )
        recency = self.recency()
        return {
            "days_between_orders": mean,
            "days_between_orders_sd": spread,
            "overdue_ratio": recency["days_since_last"] / mean,
            "order_trend": _trend(recency["n_orders"], recency["n_orders_90d"], recency["days_since_first"]),
        }

    def baskets(self) -> dict[str, np.ndarray]:
        n_items = self._counts(distinct_pairs(self.user, self.lines.item)[0])
        basket_order = distinct_pairs(self.lines.order, self.lines.item)[0]
        owner = np.empty(int(self.lines.order.max()) + 1, dtype=np.int64)
        owner[self.lines.order] = self.user
        n_in_baskets = self._counts(owner[basket_order])
        baskets = {
            "n_items": n_items,
            "items_per_order": n_in_baskets / self._n_orders,
            "repeat_share": 1 - n_items / n_in_baskets,  # the first time of each item is no repeat
        }
        if self.lines.category is None:
            return baskets
        user, _, count = distinct_pairs(self.user, self.lines.category)
        largest = np.zeros(self.n)
        np.maximum.at(largest, user, count)
        return baskets | {"top_category_share": largest / self.n_lines}

    def season(self, *, known_from: int) -> dict[str, np.ndarray]:
        is_known = known_from <= self.at - _YEAR_DAYS * DAY_NS
        order_user, order_age = self._orders
        is_same_weeks = (order_age <= _YEAR_DAYS) & (order_age > _YEAR_DAYS - _SAME_WEEKS_DAYS)
        last_year = self._counts(order_user[is_same_weeks]) if is_known else np.full(self.n, np.nan)
        moment = pd.Timestamp(self.at)
        return {
            "month": np.full(self.n, float(moment.month)),
            "week": np.full(self.n, float(moment.isocalendar().week)),
            "n_orders_last_year": last_year,
        }

    @cached_property
    def n_lines(self) -> np.ndarray:
        """Lines of each customer, at least one."""
        return self._counts(self.user).astype(np.int64)

    @cached_property
    def _age(self) -> np.ndarray:
        return (self.at - self.lines.time) / DAY_NS

    @cached_property
    def _orders(self) -> tuple[np.ndarray, np.ndarray]:
        """Customer of each order, and the days since its first line."""
        first = np.unique(self.lines.order, return_index=True)[1]
        return self.user[first], self._age[first]

    @cached_property
    def _n_orders(self) -> np.ndarray:
        return self._counts(self._orders[0])

    def _visits(self, length_ns: int) -> tuple[np.ndarray, np.ndarray]:
        """Return customer and number of each span of time, counted back from the moment, with an order in it."""
        return distinct_pairs(self.user, (self.at - self.lines.time - 1) // length_ns)[:2]

    def _counts(self, user: np.ndarray) -> np.ndarray:
        return np.bincount(user, minlength=self.n).astype(np.float64)

    def _sums(self, user: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.bincount(user, weights=values, minlength=self.n)


def _trend(n_orders: np.ndarray, n_recent: np.ndarray, days_known: np.ndarray) -> np.ndarray:
    is_known = days_known >= _TREND_DAYS
    before = (n_orders - n_recent) / np.where(is_known, days_known - _RECENT_DAYS, np.nan)
    recent = n_recent / _RECENT_DAYS
    return recent / (recent + before)


def distinct_pairs(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return distinct pairs of codes, sorted, and how often each occurs."""
    width = int(right.max()) + 1
    pairs, counts = np.unique(left * width + right, return_counts=True)
    return pairs // width, pairs % width, counts
