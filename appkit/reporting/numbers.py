"""Numbers as text: digits decided by their error, one typography for the whole page."""

import datetime
import math

from appkit.reporting.facts import Limit, Measure, NotFilled

__all__ = [
    "MINUS",
    "NARROW_SPACE",
    "cell_text",
    "count_text",
    "date_text",
    "decimals_for",
    "decimals_of",
    "effect_text",
    "hash_text",
    "interval_text",
    "limit_end_texts",
    "limit_text",
    "long_text",
    "number_text",
    "one_in_text",
    "printed",
    "rank_text",
    "rate_text",
    "too_few_text",
    "unit_heading",
    "value_text",
]

MINUS = "\u2212"
NARROW_SPACE = "\u202f"

_MOST_DECIMALS = 6
_SMALLEST = 1e-4  # below this a plain number is written as a power of ten
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SCALES = {"%": 100.0, "points": 100.0}


def decimals_for(error: float) -> int:
    """Return the decimals that show ``error`` to two significant digits, to one from a leading 5 up.

    ``error`` is the half-width of the interval, two standard errors: it is what stands on the page beside the value.

    Examples
    --------
    >>> decimals_for(0.0077), decimals_for(0.012), decimals_for(3.0), decimals_for(40.0)
    (3, 3, 1, 0)
    """
    if not error > 0:
        raise ValueError(f"error must be positive, got {error!r}.")
    exponent = math.floor(math.log10(error))
    leading = round(error / 10.0**exponent, 9)  # 0.05 must not miss by a rounding error
    digits = 1 if leading >= 5 else 2
    return min(max(digits - 1 - exponent, 0), _MOST_DECIMALS)


def number_text(value: float, decimals: int, *, is_signed: bool = False) -> str:
    """Return ``value`` with narrow spaces between thousands and a true minus; ``is_signed`` adds the plus.

    Examples
    --------
    >>> number_text(-1234.5, 1)
    '−1\u202f234.5'
    >>> number_text(7.42, 1, is_signed=True)
    '+7.4'
    >>> number_text(-0.004, 2)
    '0.00'
    """
    body = f"{abs(value):,.{decimals}f}".replace(",", NARROW_SPACE)
    if not any(digit in "123456789" for digit in body):
        return body
    if value < 0:
        return MINUS + body
    return "+" + body if is_signed else body


def count_text(n: float) -> str:
    """Return a whole number, exact up to a million.

    Examples
    --------
    >>> count_text(18240), count_text(2_340_000)
    ('18\u202f240', '2.34 million')
    """
    if abs(n) <= 1_000_000:
        return number_text(n, 0)
    return f"{number_text(n / 1e6, 2)} million"


def printed(value: float, unit: str) -> float:
    """Return ``value`` in the scale it is printed in: fractions times 100 for percentages and points."""
    return value * _SCALES.get(unit, 1.0)


def decimals_of(measure: Measure) -> int:
    """Return the decimals of a measure as printed: its own custom, else its half-width, else its size.

    Examples
    --------
    >>> decimals_of(Measure(0.816, 0.801, 0.831))
    3
    >>> decimals_of(Measure(0.63, 0.60, 0.66, unit="%"))
    1
    """
    if measure.decimals is not None:
        return measure.decimals
    if measure.unit == "count":
        return 0
    half_width = _half_width(measure)
    if half_width > 0:
        return _cap_cents(measure, decimals_for(printed(half_width, measure.unit)))
    return _cap_cents(measure, _decimals_by_size(printed(measure.value, measure.unit)))


def value_text(measure: Measure, *, with_unit: bool = True, is_signed: bool = False) -> str:
    """Return the value alone.

    Examples
    --------
    >>> value_text(Measure(1900.0, 1880.0, 1920.0, unit="EUR"))
    'EUR 1\u202f900'
    >>> value_text(Measure(0.63, decimals=0, unit="%"))
    '63\u202f%'
    """
    body = _body(measure.value, measure, is_signed=is_signed)
    return _with_unit(body, measure.unit) if with_unit else body


def interval_text(measure: Measure) -> str:
    """Return the interval in words, without unit; empty where there is none or the number is exact.

    Examples
    --------
    >>> interval_text(Measure(0.816, 0.801, 0.831))
    '0.801 to 0.831'
    """
    if measure.low is None or measure.high is None or measure.low == measure.high:
        return ""
    return f"{_body(measure.low, measure)} to {_body(measure.high, measure)}"


def long_text(measure: Measure) -> str:
    """Return value and interval, the unit once.

    Examples
    --------
    >>> long_text(Measure(0.816, 0.801, 0.831))
    '0.816 (0.801 to 0.831)'
    >>> long_text(Measure(0.94, 0.92, 0.96, unit="%", decimals=0))
    '94\u202f% (92 to 96)'
    """
    interval = interval_text(measure)
    return f"{value_text(measure)} ({interval})" if interval else value_text(measure)


def effect_text(effect: float, standard_error: float, *, unit: str = "points") -> tuple[str, str]:
    """Return a signed effect and its half-width of two standard errors, ``("+7.4", "± 0.8")``.

    Examples
    --------
    >>> effect_text(0.074, 0.004)
    ('+7.4', '± 0.8')
    """
    value, half_width = printed(effect, unit), 2 * printed(standard_error, unit)
    decimals = decimals_for(half_width) if half_width > 0 else _decimals_by_size(value)
    return number_text(value, decimals, is_signed=True), f"± {number_text(half_width, decimals)}"


def rate_text(rate: float, *, decimals: int = 1) -> str:
    """Return a rate as a percentage; below 1 % to two significant digits with "1 in n".

    Examples
    --------
    >>> rate_text(0.133)
    '13.3\u202f%'
    >>> rate_text(0.0025)
    '0.25\u202f% (1 in 400)'
    """
    if not 0 < rate < 0.01:
        return f"{number_text(100 * rate, decimals)}{NARROW_SPACE}%"
    digits = 1 - math.floor(math.log10(100 * rate))
    return f"{number_text(100 * rate, digits)}{NARROW_SPACE}% ({one_in_text(rate)})"


def one_in_text(rate: float) -> str:
    """Return a small rate as a frequency of two significant digits.

    Examples
    --------
    >>> one_in_text(0.0025), one_in_text(1 / 7342)
    ('1 in 400', '1 in 7\u202f300')
    """
    every = 1 / rate
    step = 10 ** max(math.floor(math.log10(every)) - 1, 0)
    return f"1 in {number_text(round(every / step) * step, 0)}"


def too_few_text(n: int) -> str:
    """Return what stands in place of a rate where the group is below the minimum size."""
    return f"too few (n = {count_text(n)})"


def limit_text(limit: Limit | None, like: Measure) -> str:
    """Return an accepted range in words, with the unit of the measure it limits.

    Examples
    --------
    >>> limit_text(Limit(low=0.75), Measure(0.816, 0.801, 0.831))
    'at least 0.75'
    >>> limit_text(Limit(low=0.9, high=1.1), Measure(0.99, 0.92, 1.06))
    '0.90 to 1.10'
    """
    if limit is None:
        return "no limit set"
    if limit.label:
        return limit.label
    ends = limit_end_texts(limit, like)
    if len(ends) == 2:
        return _with_unit(f"{ends[0]} to {ends[1]}", like.unit)
    return f"{'at most' if limit.low is None else 'at least'} {_with_unit(ends[0], like.unit)}"


def limit_end_texts(limit: Limit, like: Measure) -> tuple[str, ...]:
    """Return the given ends of a limit as numbers of equal decimals, low first.

    Examples
    --------
    >>> limit_end_texts(Limit(low=0.9, high=1.1), Measure(0.99, 0.92, 1.06))
    ('0.90', '1.10')
    >>> limit_end_texts(Limit(high=1e-5), Measure.exact(2e-7))
    ('10⁻⁵',)
    """
    ends = [end for end in (limit.low, limit.high) if end is not None]
    decimals = max(_limit_decimals(end, like) for end in ends)
    return tuple(
        _scientific(end) if 0 < abs(end) < _SMALLEST else number_text(printed(end, like.unit), decimals) for end in ends
    )


def rank_text(low: int, high: int) -> str:
    """Return a place, or the range of places that cannot be told apart.

    Examples
    --------
    >>> rank_text(3, 3), rank_text(8, 10)
    ('3', '8–10')
    """
    return str(low) if low == high else f"{low}–{high}"


def date_text(date: datetime.date) -> str:
    """Return a date as ISO 8601, without a time of day."""
    return f"{date:%Y-%m-%d}"


def hash_text(digest: str) -> str:
    """Return sixteen digits of a SHA-256 digest, enough to compare by eye; shorter text comes back as it is.

    Examples
    --------
    >>> hash_text("7c1e4fa092b3" + "0" * 48 + "e18d")
    'sha256 7c1e4fa0 92b3 … e18d'
    """
    if len(digest) < 20:
        return digest
    return f"sha256 {digest[:8]} {digest[8:12]} … {digest[-4:]}"


def unit_heading(unit: str) -> str:
    """Return the unit for a heading: ``"percentage points"`` for points, nothing for plain numbers and counts."""
    return {"points": "percentage points", "count": ""}.get(unit, unit)


def cell_text(cell: str | float | Measure | NotFilled) -> str:
    """Return a table cell's words: text as it is, whole numbers exact, other numbers to three digits."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, NotFilled):
        return "not filled"
    if isinstance(cell, Measure):
        return value_text(cell, with_unit=False)
    return count_text(cell) if isinstance(cell, int) else number_text(cell, _decimals_by_size(cell))


def _body(value: float, measure: Measure, *, is_signed: bool = False) -> str:
    shown = printed(value, measure.unit)
    if measure.unit == "count":
        return count_text(shown)
    decimals = decimals_of(measure)
    if 0 < abs(measure.value) < _SMALLEST and not measure.unit:
        return _scientific(shown)
    return number_text(shown, decimals, is_signed=is_signed)


def _scientific(value: float) -> str:
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    mantissa = number_text(round(value / 10.0**exponent), 0)
    power = "10" + str(exponent).translate(_SUPERSCRIPTS)
    return power if mantissa == "1" else f"{mantissa} × {power}"


def _with_unit(body: str, unit: str) -> str:
    if unit in ("", "count"):
        return body
    if unit == "%":
        return f"{body}{NARROW_SPACE}%"
    return f"{unit} {body}" if _is_currency(unit) else f"{body} {unit}"


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isalpha() and unit.isupper()


def _half_width(measure: Measure) -> float:
    if measure.width is not None:
        return measure.width / 2
    return 0.0 if measure.standard_error is None else 2 * measure.standard_error


def _decimals_by_size(value: float) -> int:
    """Three significant digits, fewer where the number is shorter."""
    if math.isclose(value, round(value), abs_tol=1e-12):
        return 0
    most = min(max(2 - math.floor(math.log10(abs(value))), 0), _MOST_DECIMALS)
    return next(n for n in range(most + 1) if n == most or math.isclose(round(value, n), value, rel_tol=1e-9))


def _cap_cents(measure: Measure, decimals: int) -> int:
    if not _is_currency(measure.unit):
        return decimals
    return 0 if abs(measure.value) >= 100 else min(decimals, 2)


def _limit_decimals(end: float, like: Measure) -> int:
    shown = printed(end, like.unit)
    shortest = next((n for n in range(_MOST_DECIMALS) if math.isclose(round(shown, n), shown, abs_tol=1e-9)), 3)
    # a limit on a fraction reads as one only with two decimals: "0.90", not "0.9"
    return max(shortest, 2) if like.unit == "" and decimals_of(like) >= 2 else shortest
