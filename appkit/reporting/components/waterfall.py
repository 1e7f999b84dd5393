"""The waterfall: from the average to one prediction, LIME weights beside it."""

from appkit.reporting.charts.axes import row_axis, row_grid
from appkit.reporting.charts.marks import bar, dot, limit_lines, outline, panel, whisker
from appkit.reporting.charts.scale import Scale, scale_for, tight_scale
from appkit.reporting.components.frame import PageState, figure_frame
from appkit.reporting.components.rows import axis_row, head_row, method_head, row, row_chart
from appkit.reporting.facts import Cell, DataTable, Limit, Measure, OtherSteps, Step, WaterfallFigure
from appkit.reporting.markup import Markup, join, shape, tag
from appkit.reporting.numbers import effect_text, unit_heading, value_text

__all__ = ["render_waterfall"]


def render_waterfall(figure: WaterfallFigure, page: PageState) -> Markup:
    """Return the steps from the average to one prediction, LIME weights beside them."""
    scale = _scale(figure)
    lime = _lime_scale(figure)
    rows = [_heads(figure, page, has_lime=lime is not None)]
    rows.append(_end_row(figure, figure.average_label, figure.average, scale, lime, is_start=True))
    level = figure.average
    for step in figure.steps:
        rows.append(_step_row(figure, step, level, scale, lime))
        level += step.effect
    if figure.others is not None:
        rows.append(_others_row(figure, figure.others, level, scale, lime, page))
    rows.append(_end_row(figure, figure.case_label, figure.output, scale, lime, is_start=False))
    rows.append(_axes(figure, scale, lime))
    chart = row_chart("fall" if lime else "fall solo", _alternative(figure), *rows)
    return figure_frame(figure, page, _key(figure), chart, twin=_twin(figure, page))


def _scale(figure: WaterfallFigure) -> Scale:
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


def _axes(figure: WaterfallFigure, scale: Scale, lime: Scale | None) -> Markup:
    axes = [row_axis(scale, figure.axis_label, unit=figure.unit), ""]
    if lime is not None:
        label = unit_heading(figure.effect_unit)
        axes.append(row_axis(lime, label, unit=figure.effect_unit, most=3, is_signed=True))
    return axis_row(None, *axes)


def _heads(figure: WaterfallFigure, page: PageState, *, has_lime: bool) -> Markup:
    label = f"{page.wording.column.capitalize()} and its value"
    unit = "points" if figure.effect_unit == "points" else unit_heading(figure.effect_unit)
    lime = method_head("LIME", " weight") if has_lime else None
    heads = (method_head("Shapley", ": from average to prediction"), tag("span", unit, class_="num"), lime)
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
    back = None if lime is None else panel(row_grid(lime, most=3, zero=True))
    return row(None, tag("b", label), "", drawing, tag("b", text), *([back] if back is not None else []))


def _step_row(figure: WaterfallFigure, step: Step, level: float, scale: Scale, lime: Scale | None) -> Markup:
    drawing = _step_panel(figure, step, level, scale)
    side = None if lime is None else _lime_step(figure, step, lime)
    number = _effect(step, figure.effect_unit)
    return row(None, step.column, step.shown_value, drawing, number, *([side] if side is not None else []))


def _others_row(
    figure: WaterfallFigure, others: OtherSteps, level: float, scale: Scale, lime: Scale | None, page: PageState
) -> Markup:
    noun = page.wording.column if others.n_columns == 1 else page.wording.columns
    back = None if lime is None else panel(row_grid(lime, most=3, zero=True), _not_summed(lime))
    drawing = _step_panel(figure, others, level, scale)
    number = _effect(others, figure.effect_unit)
    return row(None, f"{others.n_columns} other {noun}", "", drawing, number, *([back] if back is not None else []))


def _step_panel(figure: WaterfallFigure, step: Step | OtherSteps, level: float, scale: Scale) -> Markup:
    end = level + step.effect
    error = 2 * step.standard_error
    return panel(
        row_grid(scale),
        _limit(figure, scale),
        _link(scale, level, "0", "50%"),
        _link(scale, end, "50%", "100%"),
        bar(scale, level, end, kind=_kind(figure, step.effect)),
        whisker(scale, end - error, end + error),
    )


def _kind(figure: WaterfallFigure, effect: float) -> str:
    """Return the class of a bar: toward the event or loss, or away from it."""
    return "up" if (effect >= 0) != figure.is_reversed else "dn"


def _lime_step(figure: WaterfallFigure, step: Step, scale: Scale) -> Markup:
    if step.lime is None:
        return panel(row_grid(scale, most=3, zero=True))
    error = 2 * (step.lime_standard_error or 0.0)
    mark = outline(scale, 0.0, step.lime, kind=f"{_kind(figure, step.lime)}S")
    return panel(row_grid(scale, most=3, zero=True), mark, whisker(scale, step.lime - error, step.lime + error))


def _not_summed(scale: Scale) -> Markup:
    is_left = scale.share(0.0) > 0.6
    dx, anchor = (-6, "end") if is_left else (6, None)
    return tag("text", "not summed", class_="m", x=scale.percent(0.0), y="50%", dx=dx, dy=".35em", text_anchor=anchor)


def _link(scale: Scale, value: float, top: str, bottom: str) -> Markup:
    x = scale.percent(value)
    return shape("line", class_="cn", x1=x, x2=x, y1=top, y2=bottom)


def _limit(figure: WaterfallFigure, scale: Scale) -> Markup | None:
    return None if figure.threshold is None else limit_lines(scale, Limit(low=figure.threshold))


def _effect(step: Step | OtherSteps, unit: str) -> Markup:
    effect, half_width = effect_text(step.effect, step.standard_error, unit=unit)
    return join(effect, " ", tag("small", half_width))


def _key(figure: WaterfallFigure) -> Markup:
    up = shape("rect", class_="up", y=1, width=22, height=10)
    down = shape("rect", class_="dn", y=1, width=22, height=10)
    error = shape("line", class_="wk", x1=0, x2=22, y1=6, y2=6)
    stroke = shape("line", class_="lim", x1=11, x2=11, y1=0, y2=12)
    raises, lowers = (down, up) if figure.is_reversed else (up, down)
    items = [(raises, figure.raises_label), (lowers, figure.lowers_label), (error, "± 2 standard errors")]
    if figure.threshold is not None:
        items.append((stroke, figure.threshold_label or "threshold"))
    keys = (tag("span", tag("svg", mark, viewBox="0 0 22 12", aria_hidden="true"), text) for mark, text in items)
    return tag("div", *keys, class_="key")


def _twin(figure: WaterfallFigure, page: PageState) -> DataTable:
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


def _alternative(figure: WaterfallFigure) -> str:
    if figure.description:
        return figure.description
    ends = [value_text(Measure(value, unit=figure.unit)) for value in (figure.average, figure.output)]
    steps = "; ".join(
        f"{step.column} {effect_text(step.effect, step.standard_error, unit=figure.effect_unit)[0]}"
        for step in figure.steps
    )
    return f"Steps from {ends[0]} to {ends[1]}: {steps}."
