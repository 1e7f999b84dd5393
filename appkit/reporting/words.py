"""Phrases every report shares, chosen by cases from the numbers; no finding claims more than its interval."""

import math
from dataclasses import replace

from appkit.reporting.facts import Limit, Measure, Verdict, verdict
from appkit.reporting.numbers import count_text, limit_text, long_text

__all__ = [
    "compare_phrase",
    "lead_sentence",
    "limit_phrase",
    "list_text",
    "more_rows_needed",
    "settle_phrase",
    "share_phrase",
    "sign_phrase",
]


def limit_phrase(name: str, measure: Measure, limit: Limit | None) -> str:
    """Return the finding of a measure against its limit, by cases.

    Examples
    --------
    >>> limit_phrase("AUC", Measure(0.816, 0.801, 0.831), Limit(low=0.75))
    'AUC 0.816 (0.801 to 0.831) passes the limit, at least 0.75'
    >>> limit_phrase("AUC", Measure(0.816, 0.801, 0.831), None)
    'AUC is 0.816 (0.801 to 0.831); no limit was set'
    """
    shown = long_text(measure)
    if limit is None:
        return f"{name} is {shown}; no limit was set"
    words = limit_text(Limit(limit.low, limit.high), measure)
    decided = verdict(measure, limit)
    if decided.status == "open":
        return f"Whether {name} {shown} meets the limit, {words}, is not settled"
    return f"{name} {shown} {decided.word} the limit, {words}"


def more_rows_needed(measure: Measure, limit: Limit, *, n: int) -> int | None:
    """Return about how many more rows would settle a crossed limit, ``None`` if no number can be named.

    The interval shrinks with the root of n around a value that is assumed to stay. A value on the limit, an
    interval that crosses nothing and a measure without an interval have no such number.

    Examples
    --------
    >>> more_rows_needed(Measure(0.84, 0.78, 0.89), Limit(low=0.80), n=600)
    750
    """
    if measure.low is None or measure.high is None or verdict(measure, limit).status != "open":
        return None
    factors = [_shrinkage(measure, end) for end in (limit.low, limit.high) if end is not None]
    if any(factor is None for factor in factors):
        return None
    needed = n * max(factor for factor in factors if factor is not None) ** 2 - n
    return _two_digits_up(needed)


def settle_phrase(measure: Measure, limit: Limit, *, n: int, rows: str) -> str:
    """Return the sentence under a verdict that is not settled; empty where it is settled.

    Examples
    --------
    >>> settle_phrase(Measure(0.84, 0.78, 0.89), Limit(low=0.80), n=600, rows="loans of this group")
    'The interval crosses the limit; about 750 more loans of this group would settle it.'
    >>> settle_phrase(Measure(0.84, 0.81, 0.87), Limit(low=0.80), n=600, rows="loans")
    ''
    """
    if verdict(measure, limit).status != "open":
        return ""
    if measure.low is None:
        return "No interval is known, so the limit cannot be judged."
    needed = more_rows_needed(measure, limit, n=n)
    if needed is None:
        return "The interval crosses the limit and the estimate stands on it; more data may not settle it."
    return f"The interval crosses the limit; about {count_text(needed)} more {rows} would settle it."


def compare_phrase(name: str, difference: Measure, *, higher_is_better: bool = True, own: str = "this model") -> str:
    """Return how another model stands to the report's own, from the interval of the difference (other minus own).

    Examples
    --------
    >>> compare_phrase("XGBoost", Measure(-0.002, -0.007, 0.003))
    'XGBoost cannot be told apart from this model'
    >>> compare_phrase("The scorecard", Measure(-0.012, -0.019, -0.005))
    'The scorecard is behind this model by 0.012 (0.005 to 0.019)'
    """
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return f"{name} cannot be told apart from {own}"
    is_ahead = (difference.value > 0) == higher_is_better
    low, high = sorted((abs(difference.low), abs(difference.high)))
    size = replace(difference, value=abs(difference.value), low=low, high=high)
    shown = long_text(size).replace("+", "")
    return f"{name} is {'ahead of' if is_ahead else 'behind'} {own} by {shown}"


def sign_phrase(column: str, effect: Measure) -> str:
    """Return what a column did to one prediction; across zero it cannot be told apart from no effect.

    Examples
    --------
    >>> sign_phrase("Utilisation", Measure(0.074, 0.066, 0.082, unit="points"))
    'Utilisation raised the prediction'
    >>> sign_phrase("Housing", Measure(0.001, -0.004, 0.006, unit="points"))
    'The effect of Housing cannot be told apart from zero'
    """
    if effect.low is None or effect.high is None or effect.low <= 0 <= effect.high:
        return f"The effect of {column} cannot be told apart from zero"
    return f"{column} {'raised' if effect.value > 0 else 'lowered'} the prediction"


def share_phrase(k: int, n: int, things: str) -> str:
    """Return how many of n hold, with the ends in words.

    Examples
    --------
    >>> share_phrase(10, 10, "groups"), share_phrase(0, 10, "groups"), share_phrase(9, 10, "groups")
    ('all 10 groups', 'none of 10 groups', '9 of 10 groups')
    """
    if k == n:
        return f"all {count_text(n)} {things}" if n != 1 else f"the one {things.removesuffix('s')}"
    return f"none of {count_text(n)} {things}" if k == 0 else f"{count_text(k)} of {count_text(n)} {things}"


def list_text(items: tuple[str, ...]) -> str:
    """Return items as a list in words.

    Examples
    --------
    >>> list_text(("age",)), list_text(("age", "sex", "job"))
    ('age', 'age, sex and job')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def lead_sentence(verdicts: tuple[tuple[str, Verdict], ...]) -> str:
    """Return the lead from named verdicts: what fails, what is open, then what passes.

    Examples
    --------
    >>> lead_sentence((("ranking", Verdict("pass", "passes")), ("drift", Verdict("fail", "fails"))))
    'Drift fails its limit. Ranking passes.'
    """
    groups = {status: tuple(name for name, item in verdicts if item.status == status) for status in _LEADS}
    sentences = [
        f"{list_text(names)} {plural if len(names) > 1 else single}."
        for status, (single, plural) in _LEADS.items()
        if (names := groups[status])
    ]
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


_LEADS = {
    "fail": ("fails its limit", "fail their limits"),
    "open": ("is not settled", "are not settled"),
    "unfilled": ("is not filled", "are not filled"),
    "pass": ("passes", "pass"),
}


def _shrinkage(measure: Measure, end: float) -> float | None:
    """Return by what factor the side of the interval facing ``end`` must shrink to clear it."""
    assert measure.low is not None
    assert measure.high is not None
    if measure.high < end or measure.low > end:
        return 1.0
    gap = abs(measure.value - end)
    side = measure.value - measure.low if measure.value > end else measure.high - measure.value
    return side / gap if gap > 0 else None


def _two_digits_up(n: float) -> int:
    step = 10 ** max(math.floor(math.log10(max(n, 1))) - 1, 0)
    return math.ceil(round(n / step, 6)) * step
