"""Figures of performance, drift and fairness, with their table twins."""

from appkit.reporting.charts.axes import row_axis, row_grid
from appkit.reporting.charts.calibration import calibration_plot
from appkit.reporting.charts.curve import curve_plot, curve_sample
from appkit.reporting.charts.history import history_plot
from appkit.reporting.charts.marks import (
    bar,
    dot,
    interval_dot,
    limit_lines,
    panel,
    rows_scale,
    whisker,
    zone,
)
from appkit.reporting.charts.per_hundred import outcome_mark, per_hundred_plot, shares_of
from appkit.reporting.charts.scale import Scale
from appkit.reporting.components.frame import PageState, figure_frame
from appkit.reporting.components.rows import axis_row, row, row_chart
from appkit.reporting.facts import (
    Bar,
    BarRows,
    CalibrationFigure,
    Cell,
    Curve,
    CurveFigure,
    DataTable,
    FairnessFigure,
    Group,
    HistoryFigure,
    Limit,
    Measure,
    NotFilled,
    PerHundred,
    verdict,
)
from appkit.reporting.markup import Markup, join, tag
from appkit.reporting.numbers import count_text, interval_text, long_text, rate_text, too_few_text, value_text

__all__ = [
    "render_bars",
    "render_calibration",
    "render_curve",
    "render_fairness",
    "render_history",
    "render_per_hundred",
]

_TWIN_POINTS = 11


def render_curve(figure: CurveFigure, page: PageState) -> Markup:
    """Return curves and, behind them, every tenth point."""
    plot = curve_plot(figure, name=page.next_name("g"))
    return figure_frame(figure, page, _curve_key(figure.curves), plot, twin=_curve_twin(figure))


def render_calibration(figure: CalibrationFigure, page: PageState) -> Markup:
    """Return the calibration plot and its groups."""
    rows = tuple(
        (str(i), item.n, Measure(item.mean_predicted, unit="%", decimals=1), item.observed)
        for i, item in enumerate(figure.bins, start=1)
    )
    columns = ("Group", page.wording.rows.capitalize(), "Mean predicted", "Observed")
    twin = DataTable(caption="Calibration by group, 95 % interval below each rate", columns=columns, rows=rows)
    return figure_frame(figure, page, calibration_plot(figure, name=page.next_name("g")), twin=twin)


def render_history(figure: HistoryFigure, page: PageState) -> Markup:
    """Return the history and its periods."""
    rows = tuple(
        (
            f"{period.group} {period.label}".strip(),
            period.measure,
            _interval_cell(period.measure),
            _count_cell(period.n),
        )
        for period in figure.periods
    )
    columns = ("Period", figure.y_axis.label, "95 % interval", page.wording.rows.capitalize())
    twin = DataTable(caption=figure.y_axis.label, columns=columns, rows=tuple(_without_interval(row) for row in rows))
    return figure_frame(figure, page, history_plot(figure, name=page.next_name("g")), twin=twin)


def render_per_hundred(figure: PerHundred, page: PageState) -> Markup:
    """Return a hundred marks with their key; exact counts stand in the twin."""
    shares = shares_of(figure)
    keys = [
        tag("span", outcome_mark(outcome.decision, is_event=outcome.is_event), tag("b", str(n)), " ", outcome.label)
        for outcome, n in zip(figure.outcomes, shares, strict=True)
    ]
    total = sum(outcome.n for outcome in figure.outcomes)
    rows = tuple((outcome.label, outcome.n, rate_text(outcome.n / total)) for outcome in figure.outcomes)
    twin = DataTable(caption="Exact counts", columns=("Outcome", page.wording.rows.capitalize(), "Share"), rows=rows)
    plot = per_hundred_plot(figure, name=page.next_name("g"))
    return figure_frame(figure, page, tag("div", *keys, class_="key"), plot, twin=twin)


def render_bars(figure: BarRows, page: PageState) -> Markup:
    """Return bars from zero with whiskers, a limit through all of them."""
    unit = figure.bars[0].measure.unit
    scale = rows_scale([item.measure for item in figure.bars], include=(0.0,), limit=figure.limit)
    rows = [_bar_row(item, scale, figure.limit) for item in figure.bars]
    chart = row_chart(
        "one bars", _bars_alternative(figure), *rows, axis_row(None, row_axis(scale, figure.axis.label, unit=unit), "")
    )
    twin = DataTable(
        caption=figure.axis.label,
        columns=("Name", "Value", "95 % interval", "Verdict"),
        rows=tuple(
            _without_interval(
                (item.label, item.measure, _interval_cell(item.measure), verdict(item.measure, figure.limit))
            )
            for item in figure.bars
        ),
    )
    return figure_frame(figure, page, chart, twin=twin)


def render_fairness(figure: FairnessFigure, page: PageState) -> Markup:
    """Return one dot and interval a group over the accepted zone."""
    measures = [group.measure for group in figure.groups if isinstance(group.measure, Measure)]
    scale = rows_scale(measures, include=(figure.no_difference,), limit=figure.limit)
    unit = measures[0].unit if measures else ""
    rows = [_group_row(group, scale, figure) for group in figure.groups]
    axis = axis_row(None, row_axis(scale, figure.axis.label, unit=unit), "")
    chart = row_chart("one groups", _fairness_alternative(figure), *rows, axis)
    twin = DataTable(
        caption=figure.axis.label,
        columns=("Group", page.wording.rows.capitalize(), "Value", "95 % interval", "Verdict"),
        rows=tuple(
            _without_interval(
                (group.name, group.n, group.measure, _interval_cell(group.measure), group.verdict(figure.limit))
            )
            for group in figure.groups
        ),
    )
    return figure_frame(figure, page, chart, twin=twin)


def _bar_row(item: Bar, scale: Scale, limit: Limit | None) -> Markup:
    drawing = panel(
        row_grid(scale, zero=scale.low < 0),
        limit_lines(scale, limit),
        bar(scale, 0.0, item.measure.value, kind="mk"),
        whisker(scale, item.measure.low, item.measure.high),
    )
    return row(None, item.label, item.note, drawing, _number(item.measure))


def _group_row(group: Group, scale: Scale, figure: FairnessFigure) -> Markup:
    name = f"{group.name} (reference)" if group.is_reference else group.name
    measure = group.measure
    back = (
        zone(scale, figure.limit),
        row_grid(scale),
        _equal_line(scale, figure.no_difference),
        limit_lines(scale, figure.limit),
    )
    if isinstance(measure, NotFilled):
        start = figure.limit.low if figure.limit and figure.limit.low is not None else scale.low
        note = tag("text", measure.why, class_="m halo", x=scale.percent(start), dx=8, y="50%", dy=".35em")
        return row(None, name, _size(group.n), panel(*back, note), join("not filled"))
    mark = dot(scale, measure.value, is_hollow=True, radius=5) if group.is_reference else interval_dot(scale, measure)
    number = join("reference") if group.is_reference else _number(measure)
    return row(None, name, _size(group.n), panel(*back, mark), number)


def _equal_line(scale: Scale, value: float) -> Markup:
    x = scale.percent(value)
    return Markup('<line class="zl" x1="{}" x2="{}" y1="0" y2="100%"/>').format(x, x)


def _number(measure: Measure) -> Markup:
    interval = interval_text(measure)
    return join(value_text(measure, with_unit=measure.unit == "%"), " ", tag("small", interval) if interval else None)


def _size(n: int) -> str:
    return f"n = {count_text(n)}"


def _curve_key(curves: tuple[Curve, ...]) -> Markup | None:
    """Return which line is which: names beside the lines would collide wherever two curves come close."""
    if len(curves) == 1:
        return None
    return tag("div", *(tag("span", curve_sample(i), curve.name) for i, curve in enumerate(curves)), class_="key")


def _curve_twin(figure: CurveFigure) -> DataTable:
    first = figure.curves[0]
    step = max((len(first.x) - 1) // (_TWIN_POINTS - 1), 1)
    has_same_x = all(curve.x == first.x for curve in figure.curves)
    curves = figure.curves if has_same_x else (first,)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (value_text(Measure(first.x[i], unit=figure.x_axis.unit)), *(_curve_cell(curve, i, figure) for curve in curves))
        for i in range(0, len(first.x), step)
    )
    heads = [curve.name or figure.y_axis.label for curve in curves]
    along = figure.x_axis.label[:1].lower() + figure.x_axis.label[1:]
    caption = f"{figure.y_axis.label} by {along}, 95 % intervals below each value"
    return DataTable(caption=caption, columns=(figure.x_axis.label, *heads), rows=rows)


def _curve_cell(curve: Curve, i: int, figure: CurveFigure) -> Measure:
    low = None if curve.low is None else min(curve.low[i], curve.y[i])
    high = None if curve.high is None else max(curve.high[i], curve.y[i])
    return Measure(curve.y[i], low, high, unit=figure.y_axis.unit)


def _interval_cell(measure: Measure | NotFilled) -> str:
    if isinstance(measure, NotFilled):
        return "not filled"
    return interval_text(measure) or "exact"


def _without_interval(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return cells whose measures have no interval below, for tables with a column of their own for it."""
    return tuple(value_text(cell) if isinstance(cell, Measure) else cell for cell in cells)


def _count_cell(n: int | None) -> Cell:
    return "not stated" if n is None else n


def _bars_alternative(figure: BarRows) -> str:
    values = "; ".join(f"{item.label} {long_text(item.measure)}" for item in figure.bars[:6])
    return figure.description or f"{figure.finding}. {values}."


def _fairness_alternative(figure: FairnessFigure) -> str:
    values = "; ".join(
        f"{group.name} {too_few_text(group.n) if isinstance(group.measure, NotFilled) else long_text(group.measure)}"
        for group in figure.groups
    )
    return figure.description or f"{figure.finding}. {values}."
