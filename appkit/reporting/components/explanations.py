"""Explanations on the page: importance, beeswarm, waterfall, reasons, counterfactual."""

from appkit.reporting.charts.axes import row_axis, row_grid
from appkit.reporting.charts.beeswarm import swarm_marks
from appkit.reporting.charts.marks import bar, dot, limit_lines, outline, panel, rows_scale, whisker
from appkit.reporting.charts.scale import Scale, scale_for, tight_scale
from appkit.reporting.components.frame import PageState, figure_frame
from appkit.reporting.components.rows import axis_row, head_row, row, row_chart
from appkit.reporting.facts import (
    BeeswarmFigure,
    BeeswarmRow,
    Cell,
    Change,
    Counterfactual,
    DataTable,
    ImportanceFigure,
    ImportanceRow,
    Limit,
    Measure,
    OtherSteps,
    ReasonCodes,
    Step,
    WaterfallFigure,
)
from appkit.reporting.markup import Markup, join, shape, tag
from appkit.reporting.numbers import (
    effect_text,
    number_text,
    printed,
    rank_text,
    unit_heading,
    value_text,
)

__all__ = [
    "render_beeswarm",
    "render_counterfactual",
    "render_importance",
    "render_reasons",
    "render_waterfall",
]


def render_importance(figure: ImportanceFigure, page: PageState) -> Markup:
    """Return bars by rank, solid beside outline, cut below the last reliable rank."""
    has_lime = any(item.lime is not None for item in figure.rows)
    scale = _importance_scale(figure)
    heads = [_head("Shapley", ": mean size of effect"), _head("LIME", ": mean size of weight")][: 1 + has_lime]
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


def render_waterfall(figure: WaterfallFigure, page: PageState) -> Markup:
    """Return the steps from the average to one prediction, LIME weights beside them."""
    scale = _waterfall_scale(figure)
    lime = _lime_scale(figure)
    rows = [_waterfall_head(figure, page, has_lime=lime is not None)]
    rows.append(_end_row(figure, figure.average_label, figure.average, scale, lime, is_start=True))
    level = figure.average
    for step in figure.steps:
        rows.append(_step_row(figure, step, level, scale, lime))
        level += step.effect
    if figure.others is not None:
        rows.append(_others_row(figure, figure.others, level, scale, lime, page))
    rows.append(_end_row(figure, figure.case_label, figure.output, scale, lime, is_start=False))
    rows.append(_waterfall_axes(figure, scale, lime))
    chart = row_chart("fall" if lime else "fall solo", _waterfall_alternative(figure), *rows)
    return figure_frame(figure, page, _waterfall_key(figure), chart, twin=_waterfall_twin(figure, page))


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


def _waterfall_scale(figure: WaterfallFigure) -> Scale:
    level = figure.average
    held = [figure.average, figure.output]
    items: list[Step | OtherSteps] = [*figure.steps, *([figure.others] if figure.others else [])]
    for item in items:
        level += item.effect
        held += [level - 2 * item.standard_error, level + 2 * item.standard_error]
    if figure.threshold is not None:
        held.append(figure.threshold)
    scale = tight_scale(held)
    return Scale(max(scale.low, 0.0), min(scale.high, 1.0)) if figure.unit == "%" else scale


def _lime_scale(figure: WaterfallFigure) -> Scale | None:
    held = []
    for step in figure.steps:
        if step.lime is not None:
            error = 2 * (step.lime_standard_error or 0.0)
            held += [step.lime - error, step.lime + error]
    return scale_for(held, include=[0.0]) if held else None


def _waterfall_axes(figure: WaterfallFigure, scale: Scale, lime: Scale | None) -> Markup:
    axes = [row_axis(scale, figure.axis_label, unit=figure.unit), ""]
    if lime is not None:
        label = unit_heading(figure.effect_unit)
        axes.append(row_axis(lime, label, unit=figure.effect_unit, most=4, is_signed=True))
    return axis_row(None, *axes)


def _waterfall_head(figure: WaterfallFigure, page: PageState, *, has_lime: bool) -> Markup:
    label = f"{page.wording.column.capitalize()} and its value"
    unit = "points" if figure.effect_unit == "points" else unit_heading(figure.effect_unit)
    lime = _head("LIME", " weight") if has_lime else None
    heads = (_head("Shapley", ": from average to prediction"), tag("span", unit, class_="num"), lime)
    return head_row(None, label, *(head for head in heads if head is not None))


def _end_row(
    figure: WaterfallFigure, label: str, value: float, scale: Scale, lime: Scale | None, *, is_start: bool
) -> Markup:
    drawing = panel(
        row_grid(scale),
        _limit(figure, scale),
        _link(scale, value, "50%", "100%") if is_start else _link(scale, value, "0", "50%"),
        dot(scale, value, radius=5 if is_start else 6),
    )
    text = value_text(Measure(value, unit=figure.unit, decimals=1 if figure.unit == "%" else None))
    back = None if lime is None else panel(row_grid(lime, most=4, zero=True))
    return row(None, tag("b", label), "", drawing, tag("b", text), *([back] if back is not None else []))


def _step_row(figure: WaterfallFigure, step: Step, level: float, scale: Scale, lime: Scale | None) -> Markup:
    drawing = _step_panel(figure, step, level, scale)
    side = None if lime is None else _lime_step(step, lime)
    number = _effect(step, figure.effect_unit)
    return row(None, step.column, step.shown_value, drawing, number, *([side] if side is not None else []))


def _others_row(
    figure: WaterfallFigure, others: OtherSteps, level: float, scale: Scale, lime: Scale | None, page: PageState
) -> Markup:
    noun = page.wording.column if others.n_columns == 1 else page.wording.columns
    back = None if lime is None else panel(row_grid(lime, most=4, zero=True), _not_summed(lime))
    drawing = _step_panel(figure, others, level, scale)
    number = _effect(others, figure.effect_unit)
    return row(None, f"{others.n_columns} other {noun}", "", drawing, number, *([back] if back is not None else []))


def _not_summed(scale: Scale) -> Markup:
    is_left = scale.share(0.0) > 0.6
    dx, anchor = (-6, "end") if is_left else (6, None)
    return tag("text", "not summed", class_="m", x=scale.percent(0.0), y="50%", dx=dx, dy=".35em", text_anchor=anchor)


def _step_panel(figure: WaterfallFigure, step: Step | OtherSteps, level: float, scale: Scale) -> Markup:
    end = level + step.effect
    error = 2 * step.standard_error
    return panel(
        row_grid(scale),
        _limit(figure, scale),
        _link(scale, level, "0", "50%"),
        _link(scale, end, "50%", "100%"),
        bar(scale, level, end, kind="up" if step.effect >= 0 else "dn"),
        whisker(scale, end - error, end + error),
    )


def _lime_step(step: Step, scale: Scale) -> Markup:
    if step.lime is None:
        return panel(row_grid(scale, most=4, zero=True))
    error = 2 * (step.lime_standard_error or 0.0)
    mark = outline(scale, 0.0, step.lime, kind="upS" if step.lime >= 0 else "dnS")
    return panel(row_grid(scale, most=4, zero=True), mark, whisker(scale, step.lime - error, step.lime + error))


def _link(scale: Scale, value: float, top: str, bottom: str) -> Markup:
    x = scale.percent(value)
    return shape("line", class_="cn", x1=x, x2=x, y1=top, y2=bottom)


def _limit(figure: WaterfallFigure, scale: Scale) -> Markup | None:
    return None if figure.threshold is None else limit_lines(scale, Limit(low=figure.threshold))


def _effect(step: Step | OtherSteps, unit: str) -> Markup:
    effect, half_width = effect_text(step.effect, step.standard_error, unit=unit)
    return join(effect, " ", tag("small", half_width))


def _waterfall_key(figure: WaterfallFigure) -> Markup:
    up = shape("rect", class_="up", y=1, width=22, height=10)
    down = shape("rect", class_="dn", y=1, width=22, height=10)
    error = shape("line", class_="wk", x1=0, x2=22, y1=6, y2=6)
    stroke = shape("line", class_="lim", x1=11, x2=11, y1=0, y2=12)
    items = [(up, figure.raises_label), (down, figure.lowers_label), (error, "± 2 standard errors")]
    if figure.threshold is not None:
        items.append((stroke, figure.threshold_label or "threshold"))
    keys = (tag("span", tag("svg", mark, viewBox="0 0 22 12", aria_hidden="true"), text) for mark, text in items)
    return tag("div", *keys, class_="key")


def _waterfall_twin(figure: WaterfallFigure, page: PageState) -> DataTable:
    unit = figure.effect_unit
    rows: list[tuple[Cell, ...]] = []
    for step in figure.steps:
        lime = ("not filled", "not filled")
        if step.lime is not None:
            lime = effect_text(step.lime, step.lime_standard_error or 0.0, unit=unit)
        effect = effect_text(step.effect, step.standard_error, unit=unit)
        rows.append((step.column, step.shown_value, *effect, *lime))
    if figure.others is not None:
        effect = effect_text(figure.others.effect, figure.others.standard_error, unit=unit)
        rows.append(
            (f"{figure.others.n_columns} other {page.wording.columns}", "various", *effect, "not summed", "not summed")
        )
    columns = (page.wording.column.capitalize(), "Value", "Shapley", "± 2 s.e.", "LIME", "± 2 s.e.")
    case = figure.case_label[:1].lower() + figure.case_label[1:]
    caption = f"Effects on {case}, {unit_heading(unit)}; s.e. = standard error"
    return DataTable(caption=caption, columns=columns, rows=tuple(rows))


def _waterfall_alternative(figure: WaterfallFigure) -> str:
    if figure.description:
        return figure.description
    ends = [value_text(Measure(value, unit=figure.unit)) for value in (figure.average, figure.output)]
    steps = "; ".join(
        f"{step.column} {effect_text(step.effect, step.standard_error, unit=figure.effect_unit)[0]}"
        for step in figure.steps
    )
    return f"Steps from {ends[0]} to {ends[1]}: {steps}."


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


def _head(method: str, rest: str) -> Markup:
    return tag("span", tag("b", method), rest)
