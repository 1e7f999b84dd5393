"""Weekly demand of each item from a transactions table: every week since its first sale, zeros included."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.exceptions import SchemaError
from domains.retail.transactions import Transactions, read_transactions
from domains.retail.week_calendar import WEEK, monday_of

__all__ = ["demand_series", "flag_likely_stock_outs"]

_USUAL_SHARE = 0.5  # of weeks in which a weekday must see trade for a week to be incomplete without it


def demand_series(
    transactions: pd.DataFrame,
    *,
    item: str = "item",
    time: str = "time",
    quantity: str | None = None,
    user: str | None = None,
    price: str | None = None,
    stock_outs: pd.DataFrame | None = None,
    bulk_factor: float | None = None,
    bulk: Literal["flag", "cut"] = "flag",
) -> pd.DataFrame:
    """Return what was bought of each item in each week, from its first sale to the end of the table.

    Weeks begin on Monday. The first and the last week of the table are left out where they are incomplete: where they
    lack a weekday that sees trade in at least half of the weeks between. A week without a sale is a week of demand 0,
    until the table ends: an item that is no longer offered should be cut where its offer ended, and one that was sold
    out be named in ``stock_outs``. A week in which the whole shop sold nothing counts as sold out.

    Parameters
    ----------
    transactions
        One row per line of an order, cleaned of cancellations and returns; missing customers do no harm.
    item, time
        Columns of item ids and of moments (time zones are converted to UTC).
    quantity
        Column of pieces; ``None``: one each.
    user
        Column of customers, which may have gaps; counts the known ones.
    price
        Column of the price of a piece; its average by week, weighted by pieces, the last known one where none was sold.
    stock_outs
        Columns ``item``, ``start`` and ``end``: first and last day on which an item could not be had; a missing end
        means that it still cannot. Weeks they touch are censored: sales are the least that demand was.
    bulk_factor
        A line is a bulk order where it has more than so many times the item's median pieces per line.
    bulk
        ``"flag"`` adds a column ``bulk``, the pieces in bulk orders; ``"cut"`` brings them down to the limit as well.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``week`` (its Monday, datetime64[s]), ``demand``, ``price`` and ``n_customers`` where asked for,
        ``is_censored``, and ``bulk`` where asked for; ordered by item and week.

    Raises
    ------
    SchemaError
        Listing every problem of the table: negative quantities (clean returns first), missing ids, times that cannot be
        read.

    Examples
    --------
    >>> lines = pd.DataFrame({"item": ["tea", "cup", "tea", "tea"], "time": pd.to_datetime(
    ...     ["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22"]), "pieces": [3, 1, 2, 9]})
    >>> demand_series(lines, quantity="pieces")[["item", "week", "demand"]]
      item       week  demand
    0  cup 2024-01-08     1.0
    1  cup 2024-01-15     0.0
    2  cup 2024-01-22     0.0
    3  tea 2024-01-01     3.0
    4  tea 2024-01-08     0.0
    5  tea 2024-01-15     2.0
    6  tea 2024-01-22     9.0
    """
    # who bought may be unknown and does not matter here: lines are read as if every item were its own customer
    lines = read_transactions(transactions, user=item, item=item, time=time, quantity=quantity, price=price)
    pieces = np.ones(len(lines)) if lines.quantity is None else lines.quantity
    weeks = _complete_weeks(lines)
    grid = _Grid(lines, weeks)
    columns: dict[str, Any] = {}
    if bulk_factor is not None:
        _check_bulk(bulk_factor, bulk)
        limit = bulk_factor * pd.Series(pieces).groupby(lines.item).transform("median").to_numpy()
        columns["bulk"] = grid.sums(np.where(pieces > limit, pieces, 0.0))
        pieces = np.minimum(pieces, limit) if bulk == "cut" else pieces
    columns["demand"] = grid.sums(pieces)
    if lines.spend is not None:
        taken = grid.sums(np.ones(len(lines)) if lines.quantity is None else lines.quantity)
        columns["price"] = _prices(grid.sums(lines.spend), taken)
    if user is not None:
        columns["n_customers"] = _count_customers(transactions, grid, user=user, item=item, time=time)
    is_closed = np.bincount(grid.week[grid.is_inside], minlength=len(weeks)) == 0
    columns["is_censored"] = _is_out(stock_outs, lines, weeks) | is_closed
    return _long(columns, lines, weeks, first=grid.first)


def flag_likely_stock_outs(series: pd.DataFrame, *, n_weeks: int = 2, window: int = 13) -> pd.DataFrame:
    """Return a series with weeks censored in which a fast seller sold nothing for too long to be chance.

    A guess, for shops that keep no record: runs of ``n_weeks`` or more weeks without a sale, between sales, of an item
    that sold in each of the ``window`` weeks before. An item that was taken off the shelf and put back looks the same.
    It looks at weeks after the run: use it on the weeks a model learns from, not on those it is judged by.

    Parameters
    ----------
    series
        Of :func:`demand_series`.
    n_weeks
        Shortest run that counts.
    window
        Weeks before the run, all with sales.

    Examples
    --------
    >>> weeks = pd.date_range("2024-01-01", periods=18, freq="W-MON")
    >>> series = pd.DataFrame({"item": "tea", "week": weeks, "demand": [4.0] * 14 + [0.0] * 3 + [5.0]})
    >>> flag_likely_stock_outs(series.assign(is_censored=False))["is_censored"].sum()
    np.int64(3)
    """
    for name, value in (("n_weeks", n_weeks), ("window", window)):
        if value < 1:
            raise ValueError(f"{name} must be a positive number of weeks, got {value!r}.")
    item, is_zero = series["item"].to_numpy(), series["demand"].to_numpy() == 0
    starts = np.flatnonzero(np.r_[True, (item[1:] != item[:-1]) | (is_zero[1:] != is_zero[:-1])])
    lengths = np.diff(np.r_[starts, len(series)])
    likely = np.zeros(len(series), dtype=bool)
    for run in range(1, len(starts) - 1):
        is_between = item[starts[run - 1]] == item[starts[run]] == item[starts[run + 1]]
        if is_zero[starts[run]] and is_between and lengths[run] >= n_weeks and lengths[run - 1] >= window:
            likely[starts[run] : starts[run + 1]] = True
    return series.assign(is_censored=series["is_censored"].to_numpy() | likely)


class _Grid:
    """Lines of orders as cells of a grid of items and weeks."""

    def __init__(self, lines: Transactions, weeks: np.ndarray) -> None:
        self.lines, self.weeks = lines, weeks
        self.week = ((_mondays(lines) - weeks[0]) // WEEK).astype(np.int64)
        self.is_inside = (self.week >= 0) & (self.week < len(weeks))
        self.week = np.clip(self.week, 0, len(weeks) - 1)
        self.first = np.full(len(lines.items), len(weeks))  # what was sold before the first week is on sale in it
        is_before = lines.time < (weeks[-1] + WEEK).astype("datetime64[ns]").astype(np.int64)
        np.minimum.at(self.first, lines.item[is_before], self.week[is_before])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of lines in each cell, ``(n_items, n_weeks)``."""
        shape = len(self.lines.items), len(self.weeks)
        cell = self.lines.item * shape[1] + self.week
        return np.bincount(cell, np.where(self.is_inside, values, 0.0), minlength=shape[0] * shape[1]).reshape(shape)


def _mondays(lines: Transactions) -> np.ndarray:
    return monday_of(lines.time.astype("datetime64[ns]"))


def _complete_weeks(lines: Transactions) -> np.ndarray:
    """Return Mondays from the first complete week to the last, datetime64[D]."""
    days = np.unique(lines.time.astype("datetime64[ns]").astype("datetime64[D]"))
    mondays, weekday = monday_of(days), (days - monday_of(days)).astype(np.int64)
    weeks = np.arange(mondays[0], mondays[-1] + WEEK, WEEK)
    inner = (mondays > mondays[0]) & (mondays < mondays[-1])
    if inner.any():
        share = np.bincount(weekday[inner], minlength=7) / len(np.unique(mondays[inner]))
        usual = np.flatnonzero(share >= _USUAL_SHARE)
        starts_late = len(usual) > 0 and weekday[0] > usual[0]
        ends_early = len(usual) > 0 and weekday[-1] < usual[-1]
        weeks = weeks[int(starts_late) : len(weeks) - int(ends_early)]
    return weeks


def _prices(spend: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        price = pd.DataFrame(np.where(pieces > 0, spend / pieces, np.nan))
    return price.ffill(axis=1).to_numpy()


def _count_customers(transactions: pd.DataFrame, grid: _Grid, *, user: str, item: str, time: str) -> np.ndarray:
    if user not in transactions:
        raise SchemaError(f"transactions must hold the column {user!r}; it has {', '.join(map(str, transactions))}.")
    counts = np.zeros((len(grid.lines.items), len(grid.weeks)))
    known = transactions[transactions[user].notna()]
    if not len(known):
        return counts
    lines = read_transactions(known, user=user, item=item, time=time)
    rows, week = grid.lines.items.codes(lines.items.values)[lines.item], (_mondays(lines) - grid.weeks[0]) // WEEK
    seen = pd.DataFrame({"item": rows, "week": week.astype(np.int64), "user": lines.user}).drop_duplicates()
    seen = seen[(seen["week"] >= 0) & (seen["week"] < len(grid.weeks))]
    np.add.at(counts, (seen["item"].to_numpy(), seen["week"].to_numpy()), 1.0)
    return counts


def _is_out(stock_outs: pd.DataFrame | None, lines: Transactions, weeks: np.ndarray) -> np.ndarray:
    is_out = np.zeros((len(lines.items), len(weeks)), dtype=bool)
    if stock_outs is None:
        return is_out
    missing = [name for name in ("item", "start", "end") if name not in stock_outs]
    if missing:
        raise SchemaError(f"stock_outs must hold the columns item, start and end; {missing} are missing.")
    start, end = (pd.to_datetime(stock_outs[name]).to_numpy().astype("datetime64[D]") for name in ("start", "end"))
    end = np.where(np.isnat(end), weeks[-1] + WEEK, end)
    is_wrong = np.isnat(start) | (end < start)
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise SchemaError(f"stock_outs must start, and not end before, got {start[row]} to {end[row]} in row {row}.")
    first, last = monday_of(start), monday_of(end)
    for code, low, high in zip(lines.items.codes(stock_outs["item"]), first, last, strict=True):
        if code >= 0:  # what was never sold has no series
            is_out[code] |= (weeks >= low) & (weeks <= high)
    return is_out


def _long(columns: dict[str, np.ndarray], lines: Transactions, weeks: np.ndarray, *, first: np.ndarray) -> pd.DataFrame:
    rows, places = np.nonzero(np.arange(len(weeks)) >= first[:, None])
    names = [name for name in ("demand", "price", "n_customers", "is_censored", "bulk") if name in columns]
    series = pd.DataFrame({"item": lines.items.values[rows], "week": weeks[places].astype("datetime64[s]")})
    return series.assign(**{name: columns[name][rows, places] for name in names})


def _check_bulk(bulk_factor: float, bulk: str) -> None:
    if not bulk_factor >= 1:
        raise ValueError(f"bulk_factor must be at least 1, got {bulk_factor!r}.")
    if bulk not in ("flag", "cut"):
        raise ValueError(f"bulk must be 'flag' or 'cut', got {bulk!r}.")
