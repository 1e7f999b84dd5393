"""The proof an explanation carries: every check it went through, with limit and verdict, those it failed included."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from appkit.explanation.certificate import Check as Certified
from appkit.explanation.certificate import RemovalTest
from appkit.prediction import Estimate
from appkit.reporting.content.context import Limits, ReportContext
from appkit.reporting.content.phrasing import Words
from appkit.reporting.content.valuing import effect_axis
from appkit.reporting.facts import (
    Axis,
    Certificate,
    Check,
    Curve,
    CurveFigure,
    Limit,
    Measure,
    NotFilled,
    Verdict,
)
from appkit.reporting.numbers import count_text, number_text, unit_heading

__all__ = ["certificate", "certificate_table", "certificate_title", "removal_figure", "removal_finding"]

_HALF_WIDTH = 1.96
_UNITS = {"Sampling error": "%", "Second seed": "%", "Deletion": "times", "Insertion": "times"}
_DECIMALS = {"Second seed": 0, "Deletion": 1, "Insertion": 1, "SHAP and LIME": 2}
_OUTCOMES: Mapping[str, Verdict] = {
    "ok": Verdict("pass", "passed"),
    "warn": Verdict("open", "not settled"),
    "bad": Verdict("fail", "failed"),
    "info": Verdict("note", "no limit set"),
}


class Worded(Protocol):
    """What a table of checks asks of a report: its words, and the limits of the caller."""

    @property
    def words(self) -> Words:
        """Words of the domain."""

    @property
    def limits(self) -> Limits:
        """Limits by name."""


def certificate(context: ReportContext) -> Certificate:
    """Return the table of checks of the explanation over all rows."""
    explanation = context.explanation
    return certificate_table(
        explanation.certificate.checks,
        context,
        n_players=len(explanation.shapley.player_names),
        players=context.words["columns"],
        caption=f"Explanation certificate, {count_text(explanation.n_explained)} {context.words['rows']}. 95 % "
        "intervals in brackets.",
        last=_order(context),
    )


def certificate_table(
    checks: Sequence[Certified],
    context: Worded,
    *,
    n_players: int | None,
    players: str,
    caption: str,
    subject: str = "explanation",
    last: Check | None = None,
) -> Certificate:
    """Return checks as a table; ``last`` stands for the order over all rows, which is left out without it.

    ``n_players`` is ``None`` where rows have different numbers of them.
    """
    who = players if n_players is None else f"{n_players} {players}"
    printed = [_check(check, context, players=who) for check in checks if check.name != "Order of places"]
    printed += [] if last is None else [last]
    judged = [check for check in printed if check.verdict.status != "note"]
    n_open = sum(1 for check in judged if check.verdict.status != "pass")
    return Certificate(
        title=certificate_title(n_open, len(judged), subject=subject), caption=caption, checks=tuple(printed)
    )


def certificate_title(n_open: int, n_checks: int, *, subject: str = "explanation") -> str:
    """Return how many checks did not pass.

    Examples
    --------
    >>> certificate_title(0, 7), certificate_title(1, 7)
    ('The explanation passed all 7 of its checks', 'The explanation passed 6 of its 7 checks')
    """
    if n_open == 0:
        return f"The {subject} passed all {n_checks} of its checks"
    return f"The {subject} passed {n_checks - n_open} of its {n_checks} checks"


def removal_figure(context: ReportContext) -> CurveFigure | NotFilled | None:
    """Return the curves of deletion, insertion and random orders; ``None`` with too few columns."""
    test, words = context.explanation.certificate.removal, context.words
    if test is None:
        return None
    _, unit = effect_axis(context)
    means = np.concatenate([test.deletion, test.insertion, test.random])
    return CurveFigure(
        key="removal",
        finding=removal_finding(test.deletion_ratio, columns=words["columns"]),
        caption=f"Mean move of the output over {test.n_rows} {words['rows']} when {words['columns']} are removed, or "
        f"added to background {words['rows']}, in the order of their Shapley values or in random order. Bands: 95 % "
        "intervals.",
        how_to_read="A curve that rises early means the explanation puts first what the model leans on. Above the "
        "curve of random orders is better; all end at the same place.",
        x_axis=Axis(f"{words['columns'].capitalize()} removed or added", "%", 0.0, 1.0),
        y_axis=Axis(
            "Move of the output" + (f" ({unit_heading(unit)})" if unit else ""), unit, 0.0 if means.min() >= 0 else None
        ),
        curves=(
            _curve("Removed in order", test, test.deletion, test.deletion_error),
            _curve("Random order", test, test.random, test.random_error),
            _curve("Added in order", test, test.insertion, None),
        ),
    )


def removal_finding(ratio: Estimate | None, *, columns: str = "columns") -> str:
    """Return what removal shows, by where the interval of the ratio lies.

    Examples
    --------
    >>> removal_finding(Estimate("Deletion", 3.1, 2.8, 3.4, method="bootstrap", n=30))
    'Removing the columns ranked first moves the output 3.1 times as far as removing at random'
    >>> removal_finding(Estimate("Deletion", 1.1, 0.8, 1.4, method="bootstrap", n=30))
    'Removing the columns ranked first cannot be told apart from removing at random'
    """
    if ratio is None or ratio.low <= 1 <= ratio.high:
        return f"Removing the {columns} ranked first cannot be told apart from removing at random"
    times = number_text(ratio.value, 1)
    if ratio.value < 1:
        return f"Removing the {columns} ranked first moves the output only {times} times as far as random removal"
    return f"Removing the {columns} ranked first moves the output {times} times as far as removing at random"


def _check(check: Certified, context: Worded, *, players: str) -> Check:
    """Return a check as printed: in the words of the domain, against the caller's limit where there is one."""
    limit = context.limits.get(check.name) or (None if check.limit is None else Limit(*check.limit))
    question = _question(check, context, players=players)
    if check.measured is None:
        return Check(check.name, question, result=check.words, limit=limit, outcome=_OUTCOMES[check.verdict])
    measure = Measure.of(check.measured, unit=_UNITS.get(check.name, ""), decimals=_decimals(check))
    contradicts = limit is None and check.verdict == "warn"
    return Check(check.name, question, measure, limit, outcome=_OUTCOMES["warn"] if contradicts else None)


def _question(check: Certified, context: Worded, *, players: str) -> str:
    words = context.words
    asked = {
        "Additivity gap": f"Do the effects add up to the prediction? Largest gap of {words['a_row']}, relative to its "
        "prediction",
        "Sampling error": f"How large are the standard errors of {words['a_row']}, relative to its effects?",
        "Second seed": f"Share of each {words['row']}’s top five that a second seed keeps",
        "SHAP and LIME": f"Rank correlation of Shapley values and LIME within {words['a_row']}, all "
        f"{players}; they answer different questions",
    }
    return asked.get(check.name, check.question)


def _decimals(check: Certified) -> int | None:
    if check.name == "Sampling error" and check.measured is not None:
        return 0 if check.measured.value > 0.02 else 2
    return _DECIMALS.get(check.name)


def _order(context: ReportContext) -> Check:
    n, k = len(context.explanation.ranking.order), context.explanation.reliable
    outcome = (
        Verdict("pass", "passed") if k == n else Verdict("open", "limited") if k else Verdict("fail", "not reliable")
    )
    result = "no place" if k == 0 else "place 1" if k == 1 else f"places 1 to {k}"
    question = "Are neighbours separated by two standard errors, and in the same order by a second seed?"
    return Check("Order of places", question, result=result, limit_text=f"all {n}", outcome=outcome)


def _curve(name: str, test: RemovalTest, values: np.ndarray, errors: np.ndarray | None) -> Curve:
    half = None if errors is None else _HALF_WIDTH * errors
    return Curve(
        name,
        _floats(test.share),
        _floats(values),
        None if half is None else _floats(values - half),
        None if half is None else _floats(values + half),
    )


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
