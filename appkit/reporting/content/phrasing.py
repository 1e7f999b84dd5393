"""Findings chosen by cases from numbers, each short enough for a title."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from appkit.prediction import Estimate
from appkit.reporting.facts import Measure, NotFilled, Verdict
from appkit.reporting.numbers import NARROW_SPACE, count_text, number_text

__all__ = [
    "MAX_WORDS",
    "Words",
    "capital",
    "first_that_fits",
    "label_of",
    "measure_or_gap",
    "percent",
    "shown_value",
    "verdict_or_gap",
]

MAX_WORDS = 16

_DEFAULTS = {
    "event": "event",
    "row": "row",
    "rows": "rows",
    "case": "row",
    "column": "column",
    "columns": "columns",
    "flags": "flags",
    "flagged": "flagged",
    "passed": "passed",
    "happened": "had the event",
    "stayed": "had no event",
    "value": "value",
    "unit": "",
    "loss_at": "high",
    "group": "group",
    "step": "step",
    "usual": "",
}


@dataclass(frozen=True)
class Words:
    """Words of a domain, with plain ones where it has none.

    Parameters
    ----------
    given
        ``Domain.wording``: ``event``, ``events``, ``row``, ``rows``, ``case``, ``cases``, ``others`` (rows without the
        event), ``flags`` (what a decision does: "declines"), ``flagged``, ``passed``, ``happened``, ``stayed``,
        ``a_row``, ``a_case`` (with the article: "an image"), ``column``, ``columns`` (what players are called); of
        predicted values ``value`` ("remaining life"), ``unit`` ("cycles") and ``loss_at``, at which end the loss lies
        ("low" for a remaining life); ``group``, ``groups`` (whose rows go together: "engine"), ``step`` and ``steps``
        (of a series: "cycle"), and ``usual``, what the
        background of the model holds ("healthy windows").

    Examples
    --------
    >>> words = Words({"event": "default", "rows": "loans"})
    >>> words["events"], words["others"], words["flags"]
    ('defaults', 'other loans', 'flags')
    """

    given: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        if name in self.given:
            return self.given[name]
        if name in ("events", "cases", "groups", "steps"):
            return f"{self[name.removesuffix('s')]}s"
        if name.startswith("a_"):
            return f"a {self[name.removeprefix('a_')]}"
        if name == "others":
            return f"other {self['rows']}"
        return _DEFAULTS[name]


def first_that_fits(*findings: str) -> str:
    """Return the first finding of at most 16 words; the last one always fits.

    Examples
    --------
    >>> first_that_fits("word " * 17, "The first two places are settled")
    'The first two places are settled'
    """
    return next((text for text in findings if len(text.split(" ")) <= MAX_WORDS), findings[-1])


def percent(share: float) -> str:
    """Return a share as a whole percentage; one decimal where a whole one would say 0 or 100 of what is neither.

    Examples
    --------
    >>> percent(0.634), percent(0.004), percent(0.0)
    ('63\u202f%', '0.4\u202f%', '0\u202f%')
    """
    is_edge = 0 < share < 0.005 or 0.995 < share < 1
    return f"{number_text(100 * share, 1 if is_edge else 0)}{NARROW_SPACE}%"


def capital(text: str) -> str:
    """Return a phrase with its first letter large."""
    return text[:1].upper() + text[1:]


def label_of(column: object) -> str:
    """Return a column's name as a reader says it; names that are not code come back as they are.

    Examples
    --------
    >>> label_of("credit_amount"), label_of("LTV")
    ('Credit amount', 'LTV')
    """
    name = str(column)
    if len(name) <= 2 or not re.fullmatch(r"[a-z][a-z0-9]*([_.][a-z0-9]+)*", name):
        return name
    return capital(re.sub(r"[_.]+", " ", name))


def shown_value(value: object) -> str:
    """Return a cell's value as text.

    Examples
    --------
    >>> shown_value(14500.0), shown_value(0.25), shown_value(None)
    ('14\u202f500', '0.25', 'not given')
    """
    if value is None or value is pd.NaT or (isinstance(value, float | np.floating) and np.isnan(value)):
        return "not given"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return count_text(int(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        short = f"{number:.3g}"
        is_whole = number.is_integer() or ("e" in short and abs(number) >= 1)
        return number_text(number, 0 if is_whole else 6 if "e" in short else len(short.partition(".")[2]))
    return str(value)


def measure_or_gap(estimate: Estimate, *, unit: str = "", decimals: int | None = None) -> Measure | NotFilled:
    """Return an estimate as printed, without interval where it has none; one that does not exist is a named gap."""
    if np.isfinite(estimate.value) and np.isnan([estimate.low, estimate.high]).all():
        return Measure(estimate.value, unit=unit, decimals=decimals)
    if not np.isfinite([estimate.value, estimate.low, estimate.high]).all():
        return NotFilled(
            item=estimate.name, why=f"It does not exist on these rows ({estimate.method})", fill="more rows"
        )
    return Measure.of(estimate, unit=unit, decimals=decimals)


def verdict_or_gap(measure: Measure | NotFilled, decided: Verdict) -> Verdict:
    """Return the verdict of a measure; a gap has none."""
    return Verdict("unfilled", "not filled") if isinstance(measure, NotFilled) else decided
