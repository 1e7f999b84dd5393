"""Axes: from values to places, and the round numbers along them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["GRID", "Scale", "scale_for", "tight_scale", "ticks"]

GRID = 1000
"""Curves are drawn on integers from 0 to this."""

_LEAST_LENGTH = 1e-11  # ends are rounded to twelve decimals; what lies closer is rounding, and one value


@dataclass(frozen=True)
class Scale:
    """A linear axis from ``low`` to ``high``.

    Examples
    --------
    >>> Scale(0.0, 2.0).percent(0.5), Scale(0.0, 2.0).grid(0.5), Scale(0.0, 2.0).fall(0.5)
    ('25%', 250, 750)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low!r} and {self.high!r}.")

    def share(self, value: float) -> float:
        """Return the place of ``value`` from 0 to 1, clipped to the axis."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def percent(self, value: float, *, from_top: bool = False) -> str:
        """Return the place as an SVG percentage of one decimal."""
        share = 1 - self.share(value) if from_top else self.share(value)
        return f"{round(100 * share, 1) + 0.0:g}%"

    def span(self, start: float, stop: float) -> str:
        """Return the length from ``start`` to ``stop`` as an SVG percentage."""
        return f"{round(100 * abs(self.share(stop) - self.share(start)), 1):g}%"

    def grid(self, value: float) -> int:
        """Return the place on the integer grid, counted from the left."""
        return round(GRID * self.share(value))

    def fall(self, value: float) -> int:
        """Return the place on the integer grid, counted from the top."""
        return GRID - self.grid(value)


def ticks(low: float, high: float, *, most: int = 6) -> tuple[float, ...]:
    """Return at most ``most`` round numbers inside the range, steps of 1, 2, 2.5 or 5.

    Examples
    --------
    >>> ticks(0.0, 1.0, most=5)
    (0.0, 0.25, 0.5, 0.75, 1.0)
    >>> ticks(-3.2, 8.1)
    (-2.0, 0.0, 2.0, 4.0, 6.0, 8.0)
    """
    step = _round_step((high - low) / most)
    while True:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return tuple(round(i * step, 12) + 0.0 for i in range(first, last + 1))
        step = _round_step(step * 1.01)


def scale_for(
    values: Iterable[float], *, include: Iterable[float] = (), low: float | None = None, high: float | None = None
) -> Scale:
    """Return an axis that ends on round numbers and holds ``values`` and ``include``; given ends are kept.

    Examples
    --------
    >>> scale_for([0.34, 2.76], include=[0.0])
    Scale(low=0.0, high=3.0)
    >>> scale_for([0.5, 0.5])
    Scale(low=0.2, high=0.8)
    """
    held = [*values, *include]
    start = min(held) if low is None else low
    stop = max(held) if high is None else high
    if stop - start < _LEAST_LENGTH:
        margin = abs(start) / 2 if abs(start) > _LEAST_LENGTH else 1.0
        start, stop = start - margin * (low is None), stop + margin * (high is None or low is not None)
    step = _round_step((stop - start) / 6)
    return Scale(
        round(math.floor(start / step + 1e-9) * step, 12) if low is None else low,
        round(math.ceil(stop / step - 1e-9) * step, 12) if high is None else max(high, start + step),
    )


def tight_scale(values: Iterable[float]) -> Scale:
    """Return an axis that ends a little beyond the values, for charts whose marks need the room.

    Examples
    --------
    >>> tight_scale([0.0, 1.0])
    Scale(low=-0.04, high=1.04)
    """
    held = list(values)
    low, high = min(held), max(held)
    room = 0.04 * (high - low) or abs(low) / 2 or 1.0
    return Scale(low - room, high + room)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))
