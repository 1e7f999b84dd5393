"""Grid lines, axis numbers and axis titles, for whole plots and for rows of a chart."""

from appkit.reporting.charts.scale import Scale, ticks
from appkit.reporting.markup import Markup, join, shape, tag
from appkit.reporting.numbers import number_text, printed

__all__ = ["row_axis", "row_grid", "tick_texts", "x_axis", "y_axis"]

_ROOM_PER_TICK = 4.5  # characters with the gap after them; "-0.5" fits, five times "0.025" does not


def tick_texts(values: tuple[float, ...], unit: str = "", *, is_signed: bool = False) -> tuple[str, ...]:
    """Return tick labels of equal decimals, without unit.

    Examples
    --------
    >>> tick_texts((0.0, 0.25, 0.5), "%")
    ('0', '25', '50')
    >>> tick_texts((-0.04, 0.0, 0.04), "points", is_signed=True)
    ('−4', '0', '+4')
    """
    shown = [printed(value, unit) for value in values]
    decimals = max((_decimals(value) for value in shown), default=0)
    return tuple(
        "0" if value == 0 and is_signed else number_text(value, decimals, is_signed=is_signed) for value in shown
    )


def x_axis(scale: Scale, label: str, *, unit: str = "", most: int = 7, has_numbers: bool = True) -> Markup:
    """Return vertical grid lines, numbers under the plot and the title under those."""
    places = ticks(scale.low, scale.high, most=most)
    lines = [_grid_line(scale.percent(value)) for value in places]
    if not has_numbers:
        return join(*lines, _base_line())
    texts = [
        tag("text", text, x=scale.percent(value), y="100%", dy=17, text_anchor="middle")
        for value, text in zip(places, tick_texts(places, unit), strict=True)
    ]
    return join(*lines, *texts, _base_line(), _x_title(label))


def y_axis(scale: Scale, label: str, *, unit: str = "", most: int = 6) -> Markup:
    """Return horizontal grid lines, numbers left of the plot and the title above it."""
    places = ticks(scale.low, scale.high, most=most)
    parts = [tag("text", label, class_="t", x=0, y=0, dx=-38, dy=-12)]
    for value, text in zip(places, tick_texts(places, unit), strict=True):
        y = scale.percent(value, from_top=True)
        parts.append(shape("line", class_="gl", x1=0, x2="100%", y1=y, y2=y))
        parts.append(tag("text", text, x=-8, y=y, dy=".35em", text_anchor="end"))
    return join(*parts)


def row_grid(scale: Scale, *, most: int = 5, zero: bool = False) -> Markup:
    """Return the grid lines that run through every row; a stronger one at zero where ``zero``."""
    return join(
        *(
            _grid_line(scale.percent(value), class_="zl" if zero and value == 0 else "gl")
            for value in ticks(scale.low, scale.high, most=most)
        )
    )


def row_axis(scale: Scale, label: str, *, unit: str = "", most: int = 5, is_signed: bool = False) -> Markup:
    """Return the axis row below the rows of one panel; every second or third number where all have no room."""
    labels = _labels(ticks(scale.low, scale.high, most=most), unit, is_signed=is_signed, room=most * _ROOM_PER_TICK)
    texts = [tag("text", text, x=scale.percent(value), y=15, text_anchor="middle") for value, text in labels]
    line = shape("line", class_="axl", x1=0, x2="100%", y1=0.5, y2=0.5)
    title = tag("text", label, class_="t", x="50%", y=32, text_anchor="middle")
    return tag("svg", line, *texts, title, class_="b", aria_hidden="true")


def _labels(places: tuple[float, ...], unit: str, *, is_signed: bool, room: float) -> tuple[tuple[float, str], ...]:
    """Return places with their numbers, zero among them, as many as ``room`` characters hold."""
    labels: tuple[tuple[float, str], ...] = ()
    for every in range(1, len(places) + 1):
        kept = places[places.index(0.0) % every if 0.0 in places else 0 :: every]
        labels = tuple(zip(kept, tick_texts(kept, unit, is_signed=is_signed), strict=True))
        if sum(len(text) + 1 for _, text in labels) <= room:
            break
    return labels


def _grid_line(x: str, class_: str = "gl") -> Markup:
    return shape("line", class_=class_, x1=x, x2=x, y1=0, y2="100%")


def _base_line() -> Markup:
    return shape("line", class_="axl", x1=0, x2="100%", y1="100%", y2="100%")


def _x_title(label: str) -> Markup:
    return tag("text", label, class_="t", x="50%", y="100%", dy=37, text_anchor="middle")


def _decimals(value: float) -> int:
    return next((n for n in range(7) if abs(round(value, n) - value) < 1e-9), 6)
