"""What buyers have in common, in days, orders and money: how many bought at each level of a habit."""

from dataclasses import dataclass

import numpy as np

from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share
from appkit.reporting import ReportContext
from appkit.reporting.content.phrasing import first_that_fits, measure_or_gap
from appkit.reporting.facts import Block, Cell, DataTable, Measure
from appkit.reporting.numbers import number_text, value_text
from appkit.reporting.words import list_text

__all__ = ["habits_table"]

_MOST_HABITS = 3
_FEWEST = 20  # customers of a level


@dataclass(frozen=True)
class _Habit:
    """A column of behaviour in words, what it tells of, and where its levels end; ``None``: at its quarters."""

    words: str
    family: str
    unit: str
    ends: tuple[float, ...] | None


_HABITS = {
    "days_since_last": _Habit("days since the last order", "recency", "days", (7, 30, 90, 180)),
    "days_since_first": _Habit("days since the first order", "age", "days", (30, 90, 180, 365)),
    "days_between_orders": _Habit("days between orders", "frequency", "days", (7, 14, 30, 60)),
    "n_orders": _Habit("orders so far", "frequency", "orders", (1, 2, 5, 10)),
    "n_orders_90d": _Habit("orders of the last 90 days", "frequency", "orders", (0, 1, 2, 5)),
    "active_weeks": _Habit("weeks with an order", "frequency", "weeks", (1, 2, 5, 10)),
    "spend": _Habit("money spent so far", "money", "", None),
    "spend_90d": _Habit("money spent in the last 90 days", "money", "", None),
    "spend_per_order": _Habit("money per order", "money", "", None),
    "overdue_ratio": _Habit("time since the last order over the usual time", "recency", "", (0.5, 1, 2, 4)),
    "n_items": _Habit("distinct items so far", "breadth", "items", (5, 20, 50, 100)),
}


def habits_table(context: ReportContext) -> tuple[Block, ...]:
    """Return how many bought at each level of the habits the model goes by most, one of a kind."""
    players, order = context.explanation.shapley.player_names, context.explanation.ranking.order
    named = [players[place] for place in order.tolist() if players[place] in _HABITS and players[place] in context.X]
    first: dict[str, str] = {}
    for name in named:
        first.setdefault(_HABITS[name].family, name)
    tables = (_table(context, name) for name in list(first.values())[:_MOST_HABITS])
    return tuple(table for table in tables if table is not None)


def _table(context: ReportContext, name: str) -> DataTable | None:
    habit = _HABITS[name]
    values = context.X[name].to_numpy(dtype=np.float64)
    levels = _levels(values, habit)
    if len(levels) < 2:
        return None
    found = [(words, members, _bought(context, members)) for words, members in levels]
    rows: list[tuple[Cell, ...]] = [
        (words, int(members.sum()), measure_or_gap(bought, unit="%"), _predicted(context, members))
        for words, members, bought in found
    ]
    return DataTable(
        title=_finding(habit, [(words, bought) for words, _, bought in found]),
        caption=f"Customers by {habit.words}; share that bought with its 95 % interval below, and the mean "
        f"probability of the model. Levels of fewer than {_FEWEST} customers are joined to the next",
        columns=(habit.words.capitalize(), "Customers", "Bought", "Predicted"),
        rows=tuple(rows),
        how_to_read="How customers differ, not what an order or a letter would change: habits go together.",
    )


def _levels(values: np.ndarray, habit: _Habit) -> list[tuple[str, np.ndarray]]:
    """Return levels in words with their members, bool ``(n_rows,)``; a last one where nothing is known."""
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    given = np.unique(np.quantile(known, [0.25, 0.5, 0.75])) if habit.ends is None else np.array(habit.ends)
    ends = _wide_enough(known, given)
    lows, highs = [-np.inf, *ends], [*ends, np.inf]
    levels = [
        (_level_words(low, high, habit), (values > low) & (values <= high))
        for low, high in zip(lows, highs, strict=True)
    ]
    if np.isnan(values).sum() >= _FEWEST:
        levels.append(("not known", np.isnan(values)))
    return levels


def _wide_enough(known: np.ndarray, ends: np.ndarray) -> list[float]:
    """Return the ends between which there are customers enough."""
    kept: list[float] = []
    for end in ends.tolist():
        below = (known <= end) & (known > (kept[-1] if kept else -np.inf))
        if below.sum() >= _FEWEST and (known > end).sum() >= _FEWEST:
            kept.append(end)
    return kept


def _level_words(low: float, high: float, habit: _Habit) -> str:
    unit = f" {habit.unit}" if habit.unit else ""
    is_count = habit.unit in ("orders", "weeks", "items")
    if np.isneginf(low):
        if high <= 0:
            return f"no {habit.unit or 'money'}"
        return f"1{unit.removesuffix('s')}" if high == 1 and is_count else f"up to {_number(high)}{unit}"
    if np.isposinf(high):
        return f"more than {_number(low)}{unit}"
    if is_count and high == low + 1:
        return f"{_number(high)}{unit.removesuffix('s') if high == 1 else unit}"
    return f"{_number(low + 1 if is_count else low)} to {_number(high)}{unit}"


def _number(value: float) -> str:
    return number_text(value, 0 if value >= 10 or float(value).is_integer() else 1)


def _bought(context: ReportContext, members: np.ndarray) -> Estimate:
    groups = None if context.units is None else context.units[members]
    return exact_share("Bought", context.events[members], groups=groups)


def _predicted(context: ReportContext, members: np.ndarray) -> Measure:
    return Measure(float(context.output[members].mean()), unit="%", decimals=1)


def _finding(habit: _Habit, levels: list[tuple[str, Estimate]]) -> str:
    """Return between which levels the share that bought differs most, where intervals do not meet."""
    settled = [(words, bought) for words, bought in levels if np.isfinite(bought.low)]
    if len(settled) < 2:
        return f"Who buys, by {habit.words}"
    most = max(settled, key=lambda level: level[1].value)
    least = min(settled, key=lambda level: level[1].value)
    if most[1].low <= least[1].high:
        return f"Shares of buyers cannot be told apart by {habit.words}"
    high, low = (value_text(Measure(level[1].value, unit="%", decimals=0)) for level in (most, least))
    what = habit.words
    return first_that_fits(
        f"By {what}: {high} bought at {most[0]}, {low} at {least[0]}",
        f"By {what}, from {low} to {high} bought",
        f"{list_text((high, low))} bought at either end",
    )
