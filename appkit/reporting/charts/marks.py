"""The marks that carry estimates: dot with interval, bar with whisker, outline, limit stroke, accepted zone."""

from appkit.reporting.charts.scale import Scale, scale_for
from appkit.reporting.facts import Limit, Measure
from appkit.reporting.markup import Markup, join, shape, tag
from appkit.reporting.numbers import limit_end_texts, limit_text

__all__ = [
    "bar",
    "dot",
    "interval_dot",
    "limit_lines",
    "outline",
    "panel",
    "rank_track",
    "rows_scale",
    "tile_scale",
    "tile_track",
    "track",
    "upright",
    "whisker",
    "zone",
]

_HIDDEN = "true"


def panel(*marks: Markup | None) -> Markup:
    """Return one row's drawing of a row chart."""
    return tag("svg", *marks, class_="b", aria_hidden=_HIDDEN)


def bar(scale: Scale, start: float, stop: float, *, kind: str) -> Markup:
    """Return a solid bar; ``kind`` is its class: ``mk``, ``up``, ``dn`` or ``hz`` for hatched."""
    left = min(start, stop)
    return shape(
        "rect", class_=kind, x=scale.percent(left), width=scale.span(start, stop), y="50%", height=13,
        transform="translate(0 -6.5)",
    )  # fmt: skip


def outline(scale: Scale, start: float, stop: float, *, kind: str) -> Markup:
    """Return an outlined bar, the form of the second method."""
    left = min(start, stop)
    return shape(
        "rect", class_=f"of {kind}", x=scale.percent(left), width=scale.span(start, stop), y="50%", height=11,
        transform="translate(0 -5.5)",
    )  # fmt: skip


def whisker(scale: Scale, low: float | None, high: float | None) -> Markup | None:
    """Return the interval as a thin stroke across the row, nothing where it is unknown."""
    if low is None or high is None:
        return None
    return shape("line", class_="wk", x1=scale.percent(low), x2=scale.percent(high), y1="50%", y2="50%")


def dot(scale: Scale, value: float, *, is_hollow: bool = False, radius: float = 4.5) -> Markup:
    """Return an estimate; hollow for a reference."""
    return shape("circle", class_="pt ho" if is_hollow else "pt", cx=scale.percent(value), cy="50%", r=radius)


def interval_dot(scale: Scale, measure: Measure) -> Markup:
    """Return dot and thick bar, the one drawing of an estimate with its interval."""
    if measure.low is None or measure.high is None:
        return dot(scale, measure.value)
    thick = shape(
        "rect", class_="mk", x=scale.percent(measure.low), width=scale.span(measure.low, measure.high), y="50%",
        height=5, rx=2.5, transform="translate(0 -2.5)",
    )  # fmt: skip
    return join(thick, dot(scale, measure.value))


def zone(scale: Scale, limit: Limit | None) -> Markup | None:
    """Return the accepted side as a tint over the whole row."""
    if limit is None:
        return None
    low = scale.low if limit.low is None else limit.low
    high = scale.high if limit.high is None else limit.high
    return shape("rect", class_="zone", x=scale.percent(low), width=scale.span(low, high), y=0, height="100%")


def limit_lines(scale: Scale, limit: Limit | None) -> Markup | None:
    """Return a dashed stroke at each end of the accepted range."""
    if limit is None:
        return None
    ends = (end for end in (limit.low, limit.high) if end is not None)
    return join(
        *(shape("line", class_="lim", x1=scale.percent(end), x2=scale.percent(end), y1=0, y2="100%") for end in ends)
    )


def upright(scale: Scale, value: float) -> Markup:
    """Return an upright stroke: what was predicted, beside what was observed."""
    return shape("line", class_="pr", x1=scale.percent(value), x2=scale.percent(value), y1=1, y2="100%")


def track(scale: Scale, measure: Measure, limit: Limit | None = None, *, mark: float | None = None) -> Markup:
    """Return the drawn interval of a table row."""
    axis = shape("line", class_="gl", x1=0, x2="100%", y1="50%", y2="50%")
    stroke = None if mark is None else upright(scale, mark)
    parts = (zone(scale, limit), axis, limit_lines(scale, limit), interval_dot(scale, measure), stroke)
    return tag("svg", *parts, height=18, aria_hidden=_HIDDEN)


def tile_scale(measure: Measure, limit: Limit | None) -> Scale:
    """Return an axis that holds interval and limit with room on both sides."""
    held = [measure.value, *(end for end in (measure.low, measure.high) if end is not None)]
    held += [end for end in (limit.low, limit.high) if end is not None] if limit else []
    low, high = min(held), max(held)
    room = (high - low) / 2 or abs(low) / 2 or 1.0
    return Scale(low - room, high + room)


def tile_track(measure: Measure, limit: Limit | None) -> Markup:
    """Return the track of the verdict strip: axis, accepted side, limit with its words, interval, dot."""
    scale = tile_scale(measure, limit)
    inner = tag(
        "svg", zone(scale, limit), shape("line", class_="axl", x1=0, x2="100%", y1="50%", y2="50%"),
        limit_lines(scale, limit), interval_dot(scale, measure), y=1, width="100%", height=14, aria_hidden=_HIDDEN,
    )  # fmt: skip
    return tag("svg", inner, *_limit_labels(scale, measure, limit), height=32, aria_hidden=_HIDDEN)


def rank_track(reliable: int, total: int) -> Markup:
    """Return one block a place, hatched below the last reliable one, with the cut."""
    scale = Scale(0, total)
    blocks = [
        shape("rect", class_="mk" if place < reliable else "hz", x=scale.percent(place + 0.07),
              width=scale.span(0, 0.86), y=3, height=10)
        for place in range(total)
    ]  # fmt: skip
    x = scale.percent(reliable)
    cut = shape("line", class_="lim", x1=x, x2=x, y1=-2, y2=18)
    label = tag("text", f"rank {reliable}", class_="m", x=x, y=28, text_anchor=_anchor(scale.share(reliable)))
    return tag("svg", *blocks, cut, label, height=32, aria_hidden=_HIDDEN)


def _limit_labels(scale: Scale, measure: Measure, limit: Limit | None) -> list[Markup]:
    if limit is None:
        return []
    ends = [end for end in (limit.low, limit.high) if end is not None]
    words = [limit_text(limit, measure)] if len(ends) == 1 else limit_end_texts(limit, measure)
    return [
        tag("text", text, class_="m", x=scale.percent(end), y=28, text_anchor=_anchor(scale.share(end)))
        for end, text in zip(ends, words, strict=True)
    ]


def _anchor(share: float) -> str:
    return "start" if share < 0.2 else "end" if share > 0.8 else "middle"


def rows_scale(measures: list[Measure], *, include: tuple[float, ...] = (), limit: Limit | None = None) -> Scale:
    """Return one axis for a whole row chart: every interval, the limit, and what must be seen besides."""
    held = [end for m in measures for end in (m.value, m.low, m.high) if end is not None]
    ends = [end for end in (limit.low, limit.high) if end is not None] if limit else []
    return scale_for(held, include=[*include, *ends])
