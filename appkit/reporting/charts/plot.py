"""What whole plots share: the drawing with its alternative text, dots with bars, limits across the plot."""

from appkit.reporting.charts.scale import Scale
from appkit.reporting.facts import Axis, Limit, Measure
from appkit.reporting.markup import Markup, join, shape, tag
from appkit.reporting.numbers import limit_text

__all__ = [
    "accepted_band",
    "alternative",
    "axis_title",
    "drawing",
    "labelled",
    "limit_strokes",
    "limit_words",
    "upright_dot",
]


def drawing(name: str, description: str, size: str, *marks: Markup | None) -> Markup:
    title, desc = alternative(name, description)
    return tag("svg", title, desc, *marks, class_=f"p {size}", **labelled(name))


def alternative(name: str, description: str) -> tuple[Markup, Markup]:
    return tag("title", "Drawing", id=f"{name}-t"), tag("desc", description, id=f"{name}-d")


def labelled(name: str) -> dict[str, str]:
    return {"role": "img", "aria_labelledby": f"{name}-t {name}-d"}


def axis_title(axis: Axis) -> str:
    return f"{axis.label} (%)" if axis.unit == "%" and "(%)" not in axis.label else axis.label


def upright_dot(x: str, scale: Scale, measure: Measure) -> Markup:
    stroke = None
    if measure.low is not None and measure.high is not None:
        low, high = scale.percent(measure.low, from_top=True), scale.percent(measure.high, from_top=True)
        stroke = shape("line", class_="wk", x1=x, x2=x, y1=low, y2=high)
    return join(stroke, shape("circle", class_="pt", cx=x, cy=scale.percent(measure.value, from_top=True), r=4.5))


def limit_strokes(limit: Limit | None, scale: Scale) -> Markup | None:
    if limit is None:
        return None
    levels = [scale.percent(end, from_top=True) for end in _ends(limit)]
    return join(*(shape("line", class_="lim", x1=0, x2="100%", y1=y, y2=y) for y in levels))


def limit_words(limit: Limit, axis: Axis) -> str:
    return limit.label or f"limit: {limit_text(limit, Measure(_ends(limit)[0], unit=axis.unit))}"


def accepted_band(limit: Limit | None, scale: Scale) -> Markup | None:
    if limit is None:
        return None
    low = scale.low if limit.low is None else limit.low
    high = scale.high if limit.high is None else limit.high
    top = scale.percent(high, from_top=True)
    return shape("rect", class_="zone", x=0, width="100%", y=top, height=scale.span(low, high))


def _ends(limit: Limit) -> list[float]:
    return [end for end in (limit.low, limit.high) if end is not None]
