"""Explanations on the page: importance, beeswarm, waterfall, reasons, counterfactual."""

from appkit.reporting.charts.axes import row_axis, row_grid
from appkit.reporting.charts.beeswarm import swarm_marks
from appkit.reporting.charts.marks import bar, outline, panel, rows_scale, whisker
from appkit.reporting.charts.scale import Scale, tight_scale
from appkit.reporting.components.frame import PageState, figure_frame
from appkit.reporting.components.rows import axis_row, head_row, method_head, row, row_chart
from appkit.reporting.facts import (
    BeeswarmFigure,
    BeeswarmRow,
    Cell,
    Change,
    Counterfactual,
    DataTable,
    ImportanceFigure,
    ImportanceRow,
    Measure,
    ReasonCodes,
)
from appkit.reporting.markup import Markup, join, shape, tag
from appkit.reporting.numbers import (
    effect_text,
    number_text,
    printed,
    rank_text,
    value_text,
)

__all__ = [
    "render_beeswarm",
    "render_counterfactual",
    "render_importance",
    "render_reasons",
]


def render_importance(figure: ImportanceFigure, page: PageState) -> Markup:
    """Return bars by rank, solid beside outline, cut below the last reliable rank."""
    has_lime = any(item.lime is not None for item in figure.rows)
    scale = _importance_scale(figure)
    heads = [method_head("Shapley", ": mean size of effect"), method_head("LIME", ": mean size of weight")][
        : 1 + has_lime
    ]
    rows = [head_row("Rank", page.wording.column.capitalize(), *heads)]
    for place, item in enumerate(figure.rows, start=1):
        if place == figure.reliable + 1:
            rows.append(tag("div", "Below this line the order is not reliable", class_="cut"))
        rows.append(_importance_row(item, scale, is_reliable=place <= figure.reliable, has_lime=has_lime))
    axis = row_axis(scale, figure.axis_label, unit=figure.rows[0].shapley.unit)
    rows.append(axis_row("", *[axis] * (1 + has_lime)))
    chart = row_chart("imp" if has_lime else "imp solo", _importance_alternative(figure), *rows)
    return figure_frame(figure, page, chart, twin=_importance_twin(figure, page, has_lime=has_lime))


def render_beeswarm(figure: BeeswarmFigure, page: PageState) -> Markup:
    """Return 100 quantile dots a column over one axis."""
    effects = [effect for item in figure.rows for effect in item.effects]
    scale = tight_scale([*effects, 0.0])
    has_bare = any(level is None for item in figure.rows for level in item.levels)
    rows = [
        row(None, item.column, "", panel(row_grid(scale, most=8, zero=True), swarm_marks(item, scale)), kind="bee")
        for item in figure.rows
    ]
    axis = axis_row(None, row_axis(scale, figure.axis_label, unit=figure.unit, most=8, is_signed=True))
    alternative = figure.description or f"{figure.finding}. Spread of effects of {len(figure.rows)} columns."
    chart = row_chart("swarm", alternative, *rows, axis)
    return figure_frame(figure, page, _swarm_key(page, has_bare=has_bare), chart, twin=_beeswarm_twin(figure, page))


def render_reasons(block: ReasonCodes, page: PageState) -> Markup:
    """Return one to four reasons, numbered R1 to R4."""
    items = []
    for reason in block.reasons:
        effect, half_width = effect_text(reason.effect, reason.standard_error, unit=block.unit)
        items.append(tag("li", tag("span", reason.sentence), tag("span", f"{effect} {half_width}", class_="c")))
    note = tag("p", block.note, class_="kick") if block.note else None
    return tag("div", tag("h3", block.title), note, tag("ol", *items, class_="reason"), class_="part")


def render_counterfactual(block: Counterfactual, page: PageState) -> Markup:
    """Return today and after the change, changed values bold."""
    before = _state(
        block.before_label, block.before, tuple((item, item.before) for item in block.changes), is_after=False
    )
    after = _state(block.after_label, block.after, tuple((item, item.after) for item in block.changes), is_after=True)
    note = tag("p", block.note, class_="kick") if block.note else None
    boxes = tag("div", before, _arrow(), after, class_="cf")
    sentence = tag("p", block.sentence, class_="how") if block.sentence else None
    return tag("div", tag("h3", block.title), note, boxes, sentence, class_="part")


def _importance_scale(figure: ImportanceFigure) -> Scale:
    """Return the one scale of both panels, with room for the rank behind the longest outline."""
    measures = [measure for item in figure.rows for measure in (item.shapley, item.lime) if measure is not None]
    room = [1.12 * (item.lime.high or item.lime.value) for item in figure.rows if item.lime is not None]
    return rows_scale(measures, include=(0.0, *room))


def _importance_row(item: ImportanceRow, scale: Scale, *, is_reliable: bool, has_lime: bool) -> Markup:
    solid = panel(
        row_grid(scale),
        bar(scale, 0.0, item.shapley.value, kind="mk" if is_reliable else "hz"),
        whisker(scale, item.shapley.low, item.shapley.high),
    )
    panels = [solid, _lime_panel(item, scale)] if has_lime else [solid]
    return row(rank_text(item.rank_low, item.rank_high), item.column, "", *panels)


def _lime_panel(item: ImportanceRow, scale: Scale) -> Markup:
    if item.lime is None:
        return panel(row_grid(scale), tag("text", "not filled", class_="m", x=0, y="50%", dx=6, dy=".35em"))
    end = item.lime.value if item.lime.high is None else item.lime.high
    rank = None
    if item.lime_rank is not None:
        rank = tag("text", str(item.lime_rank), class_="m", x=scale.percent(end), y="50%", dx=8, dy=".35em")
    mark = outline(scale, 0.0, item.lime.value, kind="mkS")
    return panel(row_grid(scale), mark, whisker(scale, item.lime.low, item.lime.high), rank)


def _importance_twin(figure: ImportanceFigure, page: PageState, *, has_lime: bool) -> DataTable:
    lime_heads = ("LIME", "LIME rank") if has_lime else ()
    columns = (page.wording.column.capitalize(), "Unit", "Rank", "Shapley", "s.e.", *lime_heads)
    rows = []
    for item in figure.rows:
        lime: tuple[Cell, ...] = ()
        if has_lime:
            lime = (item.lime or "not filled", item.lime_rank or "not filled")
        rank = rank_text(item.rank_low, item.rank_high)
        rows.append((item.column, item.unit or "none", rank, item.shapley, _error(item.shapley), *lime))
    caption = f"Mean absolute effect, {figure.axis_label}, 95 % interval below each value; s.e. = standard error"
    return DataTable(caption=caption, columns=columns, rows=tuple(rows), is_sortable=True)


def _error(measure: Measure) -> str:
    error = measure.standard_error
    if error is None:
        error = 0.0 if measure.width is None else measure.width / 4
    if error == 0:
        return "exact"
    return value_text(
        Measure(error, standard_error=error / 2, unit=measure.unit),
        with_unit=False,
    )


def _importance_alternative(figure: ImportanceFigure) -> str:
    if figure.description:
        return figure.description
    leading = ", ".join(f"{item.column} {value_text(item.shapley)}" for item in figure.rows[: max(figure.reliable, 1)])
    tail = "" if figure.reliable >= len(figure.rows) else " The order of the other columns is not reliable."
    return f"Importance, {figure.axis_label}: {leading}.{tail}"


def _swarm_key(page: PageState, *, has_bare: bool) -> Markup:
    dots = [shape("circle", class_=f"q{i}", cx=6 + 12 * i, cy=6, r=4.5) for i in range(5)]
    ramp = tag("span", "low ", tag("svg", *dots, viewBox="0 0 60 12", class_="wide", aria_hidden="true"), " high")
    one = tag("svg", shape("circle", class_="q2", cx=11, cy=6, r=3), viewBox="0 0 22 12", aria_hidden="true")
    bare = tag("svg", shape("circle", class_="ring", cx=11, cy=6, r=3), viewBox="0 0 22 12", aria_hidden="true")
    return tag(
        "div",
        tag("span", f"Value of the {page.wording.column}:"),
        ramp,
        tag("span", one, f"one dot = 1 % of {page.wording.rows}"),
        tag("span", bare, "missing, or a category without order") if has_bare else None,
        class_="key",
    )


def _beeswarm_twin(figure: BeeswarmFigure, page: PageState) -> DataTable:
    rows = page.wording.rows
    columns = (page.wording.column.capitalize(), f"5 % of {rows} below", "Median", f"5 % of {rows} above",
               "Mean, highest fifth", "Mean, lowest fifth")  # fmt: skip
    body = tuple(_beeswarm_twin_row(item, figure.unit) for item in figure.rows)
    return DataTable(caption=f"Effect by {page.wording.column}: {figure.axis_label}", columns=columns, rows=body)


def _beeswarm_twin_row(item: BeeswarmRow, unit: str) -> tuple[Cell, ...]:
    middle = (item.effects[49] + item.effects[50]) / 2
    values = (item.effects[4], middle, item.effects[95], item.mean_highest, item.mean_lowest)
    size = max(abs(printed(effect, unit)) for effect in item.effects)
    decimals = 1 if size >= 1 else 3
    return (
        item.column,
        *("no order" if v is None else number_text(printed(v, unit), decimals, is_signed=True) for v in values),
    )


def _state(label: str, output: Measure, values: tuple[tuple[Change, str], ...], *, is_after: bool) -> Markup:
    lines: list[Markup] = []
    for change, value in values:
        shown = tag("b", value) if is_after and change.before != change.after else join(value)
        lines.append(tag("span", change.column, " ", shown))
    return tag(
        "div", tag("small", label), tag("span", value_text(output), class_="pd"), tag("small", *lines, class_="ls")
    )


def _arrow() -> Markup:
    arrow = tag(
        "svg", shape("path", d="M0 7h32M26 2l6 5-6 5"), width=34, height=14, viewBox="0 0 34 14", aria_hidden="true"
    )
    return tag("span", arrow, class_="arr")
