"""One measure by period, with its limit."""

from appkit.reporting.charts.axes import y_axis
from appkit.reporting.charts.plot import accepted_band, axis_title, drawing, limit_strokes, limit_words, upright_dot
from appkit.reporting.charts.scale import Scale, scale_for
from appkit.reporting.facts import HistoryFigure, Measure, NotFilled, Period
from appkit.reporting.markup import Markup, shape, tag

__all__ = ["history_plot"]


def history_plot(figure: HistoryFigure, *, name: str) -> Markup:
    """Return one dot and bar a period, the accepted range tinted, groups named under the periods."""
    measures = [period.measure for period in figure.periods if isinstance(period.measure, Measure)]
    held = [end for m in measures for end in (m.value, m.low, m.high) if end is not None]
    ends = [end for end in (figure.limit.low, figure.limit.high) if end is not None] if figure.limit else []
    room = [1.3 * end for end in ends]
    include = [*ends, *room, *([0.0] if min(held, default=0.0) >= 0 else [])]
    scale = scale_for(held, include=include, low=figure.y_axis.low, high=figure.y_axis.high)
    step = 100 / len(figure.periods)
    marks = [_period(period, (i + 0.5) * step, scale) for i, period in enumerate(figure.periods)]
    return drawing(
        name, figure.description or figure.finding, "low",
        accepted_band(figure.limit, scale),
        y_axis(scale, axis_title(figure.y_axis), unit=figure.y_axis.unit, most=5),
        limit_strokes(figure.limit, scale),
        _limit_name(figure),
        shape("line", class_="axl", x1=0, x2="100%", y1="100%", y2="100%"),
        *marks,
        *_period_names(figure.periods, step),
    )  # fmt: skip


def _limit_name(figure: HistoryFigure) -> Markup | None:
    """Name the limit above the plot, where no bar of a period can run through the words."""
    if figure.limit is None:
        return None
    words = limit_words(figure.limit, figure.y_axis)
    return tag("text", words, class_="t", x="100%", y=0, dy=-12, text_anchor="end")


def _period(period: Period, x: float, scale: Scale) -> Markup:
    if isinstance(period.measure, NotFilled):
        return tag("text", "not filled", class_="m", x=f"{x:.4g}%", y="100%", dy=-8, text_anchor="middle")
    return upright_dot(f"{x:.4g}%", scale, period.measure)


def _period_names(periods: tuple[Period, ...], step: float) -> list[Markup]:
    """Label periods, every second or third where they are many, and each group once under its middle."""
    every = -(-len(periods) // 8)
    names = [
        tag("text", period.label, x=f"{(i + 0.5) * step:.4g}%", y="100%", dy=17, text_anchor="middle")
        for i, period in enumerate(periods)
        if i % every == 0
    ]
    for group in dict.fromkeys(period.group for period in periods if period.group):
        members = [i for i, period in enumerate(periods) if period.group == group]
        middle = (members[0] + members[-1] + 1) / 2 * step
        names.append(tag("text", group, class_="m", x=f"{middle:.4g}%", y="100%", dy=33, text_anchor="middle"))
    return names
