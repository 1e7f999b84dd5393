"""Buying again: how much of what customers took later they had taken before, and what lists make of it."""

import numpy as np

from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share, proportion
from appkit.reporting.advice.context import AdviceContext
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.facts import Cell, DataTable, Measure, NotFilled
from appkit.reporting.numbers import count_text, long_text
from domains.retail.report.later import Later

__all__ = ["rebuying_table", "rebuying_title"]


def rebuying_table(context: AdviceContext, later: Later) -> DataTable:
    """Return how much of the later purchases repeats earlier ones, and what the lists could do about it."""
    rows = context.words["rows"]
    again = exact_share("Bought again", later.was_taken, groups=later.users)
    cells: list[tuple[Cell, ...]] = [
        ("Later purchases of items taken before", _percent(again)),
        (f"{rows.capitalize()} who took one of them", _percent(_who(later))),
        ("Places of the lists given to items taken before", _places(context)),
        ("Bought again: share that was on the list", _met(later, later.was_taken)),
        ("Bought for the first time: share that was on the list", _met(later, ~later.was_taken)),
    ]
    return DataTable(
        title=rebuying_title(again, is_left_out=context.model.filter_seen),
        caption=f"{count_text(len(later.items))} pairs of {context.words['row']} and item taken later; 95 % intervals "
        "below each share know that one customer’s purchases go together",
        columns=("Buying again", "Value"),
        rows=tuple(cells),
        how_to_read=_meaning(is_left_out=context.model.filter_seen),
    )


def rebuying_title(again: Estimate, *, is_left_out: bool) -> str:
    """Return how much buying again there is, and whether lists can meet it.

    Examples
    --------
    >>> rebuying_title(Estimate("Bought again", 0.3, 0.2, 0.4, method="", n=90), is_left_out=True)
    'Lists cannot meet 30\u202f% (20 to 40) of later purchases: bought again'
    >>> rebuying_title(Estimate("Bought again", 0.0, 0.0, 0.1, method="", n=90), is_left_out=False)
    'Nothing that was taken later had been taken before'
    """
    if again.value == 0:
        return "Nothing that was taken later had been taken before"
    shown = long_text(Measure.of(again, unit="%", decimals=0)) if np.isfinite(again.low) else f"{again.value:.0%}"
    if is_left_out:
        return f"Lists cannot meet {shown} of later purchases: bought again"
    return f"{shown} of later purchases were of items taken before"


def _meaning(*, is_left_out: bool) -> str:
    if is_left_out:
        return (
            "These lists leave out what a customer took before (filter_seen=True), and the figures of this report are "
            "of new items alone. Where buying again is the right answer, fit with filter_seen=False."
        )
    return (
        "These lists may hold what a customer took before (filter_seen=False), and hits on such items count. "
        "Reminding of an item is easier than finding a new one: read both shares."
    )


def _percent(estimate: Estimate) -> Measure | NotFilled:
    return measure_or_gap(estimate, unit="%")


def _who(later: Later) -> Estimate:
    n_again = len(set(later.users[later.was_taken].tolist()))
    return proportion("Customers who bought again", n_again, later.n_users)


def _places(context: AdviceContext) -> Measure:
    """Return the share of all places; it is counted, not estimated."""
    if context.model.filter_seen:
        return Measure.exact(0.0, unit="%")
    advice = context.measured.advice[["user", "item"]]
    known = context.measured.before[["user", "item"]].drop_duplicates()
    return Measure.exact(len(advice.merge(known, on=["user", "item"])) / len(advice), unit="%")


def _met(later: Later, asked: np.ndarray) -> Cell:
    item = "Share on the list"
    if not asked.any():
        return "no such purchase"
    if not later.may_be_met[asked].any():
        return "left out of the lists"
    return _percent(exact_share(item, later.is_advised[asked], groups=later.users[asked]))
