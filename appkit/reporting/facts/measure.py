"""A number as a report prints it, the limit it is held against, and the rule that decides."""

import math
from dataclasses import dataclass
from typing import Literal, Self

from appkit.prediction.estimate import Estimate

__all__ = ["Limit", "Measure", "Status", "Verdict", "verdict", "worst_status"]

Status = Literal["fail", "open", "unfilled", "pass", "note"]
"""What a part of a report leaves the reader with, worst first."""

_SEVERITY: tuple[Status, ...] = ("fail", "open", "unfilled", "pass", "note")


@dataclass(frozen=True)
class Measure:
    """A value, its 95 % interval and its unit.

    Parameters
    ----------
    value
        Point estimate, never NaN: what is unknown is a ``NotFilled``.
    low, high
        Ends of the interval; both ``None`` where there is none, both equal to ``value`` where the number is exact.
    unit
        ``""`` plain; ``"%"`` a fraction printed as a percentage; ``"points"`` a difference of fractions printed in
        percentage points; ``"count"`` a whole number; three capitals a currency (``"EUR"``); any other word follows
        the number (``"cycles"``).
    standard_error
        In the unit of ``value``; decides the digits where there is no interval.
    decimals
        Digits after the point as printed, where the quantity has a custom of its own (PSI: 2).

    Examples
    --------
    >>> Measure(0.63, 0.60, 0.66, unit="%").width
    0.06...
    """

    value: float
    low: float | None = None
    high: float | None = None
    unit: str = ""
    standard_error: float | None = None
    decimals: int | None = None

    def __post_init__(self) -> None:
        _check_finite(self)
        if (self.low is None) != (self.high is None):
            raise ValueError(f"low and high must be given together, got low={self.low!r}, high={self.high!r}.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low must not exceed high, got low={self.low!r}, high={self.high!r}.")

    @classmethod
    def exact(cls, value: float, *, unit: str = "") -> Self:
        """Return a number that is known, not estimated: a count, a setting."""
        return cls(value, value, value, unit=unit)

    @classmethod
    def of(cls, estimate: Estimate, *, unit: str = "", decimals: int | None = None) -> Self:
        """Return the printed form of an estimate.

        Examples
        --------
        >>> Measure.of(Estimate("AUC", 0.816, 0.801, 0.831, method="DeLong", n=6000))
        Measure(value=0.816, low=0.801, high=0.831, unit='', standard_error=None, decimals=None)
        """
        return cls(estimate.value, estimate.low, estimate.high, unit=unit, decimals=decimals)

    @property
    def width(self) -> float | None:
        """Length of the interval, ``None`` where there is none."""
        return None if self.low is None or self.high is None else self.high - self.low


@dataclass(frozen=True)
class Limit:
    """The accepted range of a measure, ends included; set by the caller, never by the report.

    Parameters
    ----------
    low, high
        Smallest and largest accepted value, at least one of them.
    label
        Words beside the stroke where "at least 0.75" would not do, such as ``"no change"``.

    Examples
    --------
    >>> Limit(low=0.75)
    Limit(low=0.75, high=None, label='')
    """

    low: float | None = None
    high: float | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError("a Limit needs low, high or both; pass limit=None where no limit was set.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low must not exceed high, got low={self.low!r}, high={self.high!r}.")


@dataclass(frozen=True)
class Verdict:
    """A status and the word printed for it."""

    status: Status
    word: str


def verdict(measure: Measure, limit: Limit | None) -> Verdict:
    """Decide by the interval: wholly inside the limit passes, wholly outside fails, else nothing is settled.

    A measure without an interval is never settled; an exact one has an interval of width zero.

    Examples
    --------
    >>> verdict(Measure(0.84, 0.78, 0.89), Limit(low=0.80)).word
    'not settled'
    >>> verdict(Measure(0.84, 0.81, 0.89), Limit(low=0.80)).word
    'passes'
    """
    if limit is None:
        return Verdict("note", "no limit set")
    if measure.low is None or measure.high is None:
        return Verdict("open", "not settled")
    floor = -math.inf if limit.low is None else limit.low
    ceiling = math.inf if limit.high is None else limit.high
    if floor <= measure.low and measure.high <= ceiling:
        return Verdict("pass", "passes")
    if measure.high < floor or measure.low > ceiling:
        return Verdict("fail", "fails")
    return Verdict("open", "not settled")


def worst_status(statuses: tuple[Status, ...]) -> Status:
    """Return the worst status; ``"note"`` where nothing was judged.

    Examples
    --------
    >>> worst_status(("pass", "open", "note"))
    'open'
    """
    return min(statuses, key=_SEVERITY.index, default="note")


def _check_finite(measure: Measure) -> None:
    for name in ("value", "low", "high", "standard_error"):
        number = getattr(measure, name)
        if number is not None and not math.isfinite(number):
            raise ValueError(f"{name} must be finite, got {number!r}. Use NotFilled for what is unknown.")
