"""Maps on the page: over an image, over sensors and time, along a history of items."""

from itertools import pairwise

from appkit.reporting.charts.axes import row_axis, row_grid
from appkit.reporting.charts.heat import (
    outline_path,
    ramp_class,
    ramp_strip,
    scale_strip,
    signal_marks,
    step_paths,
    steps_of,
)
from appkit.reporting.charts.marks import bar, panel, rows_scale, whisker
from appkit.reporting.charts.paths import grid_svg
from appkit.reporting.charts.plot import alternative, labelled
from appkit.reporting.charts.scale import GRID, Scale
from appkit.reporting.components.frame import PageState, figure_frame, status_mark
from appkit.reporting.components.rows import axis_row, head_row, row, row_chart
from appkit.reporting.facts import (
    Cell,
    DataTable,
    HistoryItem,
    ImageCell,
    ImageMap,
    ImageMapFigure,
    ItemHistoryFigure,
    Measure,
    SensorMapFigure,
    SensorRow,
)
from appkit.reporting.markup import Markup, join, shape, tag
from appkit.reporting.numbers import effect_text, interval_text, number_text, unit_heading, value_text

__all__ = ["render_image_map", "render_item_history", "render_sensor_map"]

_TWIN_CELLS = 10
_N_SPANS = 3
_THREE_A_LINE = (3, 5, 6, 9)  # panels that fill lines of three; others of more than three go four a line


def render_image_map(figure: ImageMapFigure, page: PageState) -> Markup:
    """Return the image as the network sees it and each map over it, with legend and verdict below."""
    image = page.next_name("im") if figure.image else None
    panels = [_image_panel(figure, image, page)] if image else []
    panels += [_map_panel(figure, item, image, page) for item in figure.maps]
    many = "maps" if len(panels) <= 3 else "maps many" if len(panels) in _THREE_A_LINE else "maps many four"
    return figure_frame(figure, page, tag("div", *panels, class_=many), twin=_image_twin(figure))


def render_sensor_map(figure: SensorMapFigure, page: PageState) -> Markup:
    """Return one row of cells a sensor with its signal, and the sums of the rows."""
    scale = rows_scale([_sized(item.total, item.total_error, figure.unit) for item in figure.rows], include=(0.0,))
    heads = (tag("span", "Effect by stretch of time, with the signal"), tag("span", "Sum over the window"))
    time = Scale(figure.bounds[0], figure.bounds[-1])
    axes = (
        row_axis(time, figure.time_label),
        row_axis(scale, unit_heading(figure.unit) or "effect", unit=figure.unit, most=4, is_signed=True),
    )
    rows = [_sensor_row(figure, item, scale) for item in figure.rows]
    head, axis = head_row(None, "Sensor", *heads), axis_row(None, *axes)
    chart = row_chart("time", _sensor_alternative(figure), head, *rows, axis)
    ends = _ramp_ends(figure.end, figure.unit, "", "")
    strip = ramp_strip(ends, is_reversed=figure.is_reversed, is_over_image=False)
    past = _past_words(figure.n_past, "cells")
    return figure_frame(figure, page, chart, strip, past, twin=_sensor_twin(figure))


def render_item_history(figure: ItemHistoryFigure, page: PageState) -> Markup:
    """Return the items as bars with whiskers, oldest first."""
    measures = [_sized(item.effect, item.standard_error, figure.unit) for item in figure.items]
    others = figure.others
    if others is not None:
        measures.append(_sized(others.effect, others.standard_error, figure.unit))
    scale = rows_scale(measures, include=(0.0,))
    labels: list[tuple[str | Markup, str]] = [
        (tag("b", item.label) if item.is_key else item.label, item.note) for item in figure.items
    ]
    if others is not None:
        labels.append((f"{others.n_columns} other items", ""))
    rows = [
        row(None, label, note, _effect_panel(scale, measure, figure.is_reversed), _number(measure))
        for (label, note), measure in zip(labels, measures, strict=True)
    ]
    axis = axis_row(None, row_axis(scale, figure.axis_label, unit=figure.unit, is_signed=True), "")
    chart = row_chart("one bars", _item_alternative(figure, measures), *rows, axis)
    return figure_frame(figure, page, chart, twin=_item_twin(figure, measures))


def _image_panel(figure: ImageMapFigure, name: str, page: PageState) -> Markup:
    picture = shape(
        "image", id=name, href=f"data:image/png;base64,{figure.image}", width=figure.width, height=figure.height,
        preserveAspectRatio="none", class_="pix",
    )  # fmt: skip
    drawing = _drawing(figure, page, "The image as the network sees it.", picture)
    return tag("div", drawing, tag("p", tag("b", "What the network sees"), figure.image_note, class_="mapl"))


def _map_panel(figure: ImageMapFigure, item: ImageMap, image: str | None, page: PageState) -> Markup:
    steps, look = _steps(item), "over size" if item.scale == "size" else "over"
    boxes: dict[int, list[tuple[int, int, int, int]]] = {}
    for cell, step in zip(item.cells, steps, strict=True):
        boxes.setdefault(step, []).extend(cell.boxes)
    drawing = _drawing(
        figure, page, _map_alternative(item, steps),
        shape("use", href=f"#{image}") if image else None,
        tag("g", step_paths(boxes, is_reversed=figure.is_reversed), class_=look),
        outline_path(figure.truth),
    )  # fmt: skip
    words = tag("p", tag("b", item.name), status_mark(item.verdict), class_="mapl")
    note = tag("p", item.note, class_="past") if item.note else None
    return tag("div", drawing, words, _strip(figure, item), _past_words(item.n_past, "segments"), note)


def _strip(figure: ImageMapFigure, item: ImageMap) -> Markup:
    """Return the legend of a map: both sides of the ramp, or the one that its numbers can reach."""
    ends = _ramp_ends(item.end, item.unit, item.low_label, item.high_label)
    looks = {"is_reversed": figure.is_reversed, "is_over_image": bool(figure.image)}
    if item.scale == "signed":
        return ramp_strip(ends, **looks)
    return scale_strip(ends[1].removeprefix("+"), is_size=item.scale == "size", **looks)


def _steps(item: ImageMap) -> tuple[int, ...]:
    """Return the step of each segment's colour, 0 for what cannot be told from zero."""
    errors = tuple(cell.standard_error for cell in item.cells)
    steps = steps_of(tuple(cell.effect for cell in item.cells), errors, end=item.end)
    bare = steps_of(tuple(cell.effect for cell in item.cells), (None,) * len(errors), end=item.end)
    return tuple(
        step if cell.is_told is None else known if cell.is_told else 0
        for cell, step, known in zip(item.cells, steps, bare, strict=True)
    )


def _drawing(figure: ImageMapFigure, page: PageState, words: str, *marks: Markup | None) -> Markup:
    name = page.next_name("g")
    title, desc = alternative(name, words)
    box = f"0 0 {figure.width} {figure.height}"
    ground = "map ovl" if figure.image else "map bare"
    return tag("svg", title, desc, *marks, class_=ground, viewBox=box, **labelled(name))


def _sensor_row(figure: SensorMapFigure, item: SensorRow, scale: Scale) -> Markup:
    steps = steps_of(item.effects, item.standard_errors, end=figure.end)
    time = Scale(figure.bounds[0], figure.bounds[-1])
    edges = [time.grid(bound) for bound in figure.bounds]
    boxes: dict[int, list[tuple[int, int, int, int]]] = {}
    for (left, right), step in zip(pairwise(edges), steps, strict=True):
        boxes.setdefault(step, []).append((left, 0, right - left, GRID))
    ground = shape("rect", class_=ramp_class(0, is_reversed=False), width=GRID, height=GRID)
    cells = grid_svg(ground, tag("g", step_paths(boxes, is_reversed=figure.is_reversed), class_="crisp"))
    total = _sized(item.total, item.total_error, figure.unit)
    sums = _effect_panel(scale, total, figure.is_reversed, most=4)
    return row(None, item.name, _range_words(item), panel(cells, signal_marks(item.signal)), sums, kind="ht")


def _effect_panel(scale: Scale, measure: Measure, is_reversed: bool, *, most: int = 5) -> Markup:
    kind = "up" if (measure.value >= 0) != is_reversed else "dn"
    mark = bar(scale, 0.0, measure.value, kind=kind)
    return panel(row_grid(scale, most=most, zero=True), mark, whisker(scale, measure.low, measure.high))


def _sized(effect: float, error: float | None, unit: str) -> Measure:
    """Return an effect with the interval its whisker shows, two standard errors to each side."""
    if error is None:
        return Measure(effect, unit=unit)
    return Measure(effect, effect - 2 * error, effect + 2 * error, unit=unit, standard_error=error)


def _texts(measure: Measure) -> tuple[str, str]:
    """Return an effect and its half-width; words where the half-width is unknown."""
    if measure.standard_error is None:
        return effect_text(measure.value, 0.0, unit=measure.unit)[0], "not known"
    if measure.standard_error == 0:
        return effect_text(measure.value, 0.0, unit=measure.unit)[0], "exact"
    return effect_text(measure.value, measure.standard_error, unit=measure.unit)


def _number(measure: Measure) -> Markup:
    effect, half_width = _texts(measure)
    return join(effect, " ", tag("small", half_width))


def _ramp_ends(end: float, unit: str, low_label: str, high_label: str) -> tuple[str, str]:
    texts = [value_text(Measure(sign * end, unit=unit), is_signed=True) for sign in (-1, 1)]
    low, high = (
        f"{text}, {label}" if label else text for text, label in zip(texts, (low_label, high_label), strict=True)
    )
    return low, high


def _past_words(n: int, things: str) -> Markup | None:
    return tag("p", f"{n} {things} lie past the ends of the scale.", class_="past") if n else None


def _range_words(item: SensorRow) -> str:
    if item.low is None or item.high is None:
        return "nothing measured"
    both = Measure((item.low + item.high) / 2, item.low, item.high)
    return interval_text(both) or value_text(both)


def _map_alternative(item: ImageMap, steps: tuple[int, ...]) -> str:
    n_told = sum(step != 0 for step in steps)
    words = f"{item.name} map: {n_told} of {len(steps)} segments told from zero"
    strongest = "; ".join(
        f"{cell.name} {_texts(_sized(cell.effect, cell.standard_error, item.unit))[0]}"
        for cell in _strongest(item, steps)[:3]
    )
    return f"{words}; strongest: {strongest}." if strongest else f"{words}."


def _strongest(item: ImageMap, steps: tuple[int, ...]) -> list[ImageCell]:
    told = [cell for cell, step in zip(item.cells, steps, strict=True) if step]
    return sorted(told, key=lambda cell: -abs(cell.effect))


def _image_twin(figure: ImageMapFigure) -> DataTable:
    rows: list[tuple[Cell, ...]] = []
    for item in figure.maps:
        steps = _steps(item)
        for cell in _strongest(item, steps)[:_TWIN_CELLS]:
            texts = _texts(_sized(cell.effect, cell.standard_error, item.unit))
            rows.append((cell.name, item.name, *texts))
        if not any(steps):
            rows.append(("no segment told from zero", item.name, "none", "none"))
    heading = unit_heading(figure.maps[0].unit)
    unit = f", {heading}" if heading else ""
    caption = f"Strongest segments of each map, at most {_TWIN_CELLS}{unit}; s.e. = standard error"
    return DataTable(caption=caption, columns=("Segment", "Map", "Effect", "± 2 s.e."), rows=tuple(rows))


def _sensor_twin(figure: SensorMapFigure) -> DataTable:
    n = len(figure.bounds) - 1
    edges = sorted({round(i * n / _N_SPANS) for i in range(_N_SPANS + 1)})
    spans = list(pairwise(edges))
    heads = tuple(f"{_plain(figure.bounds[a])} to {_plain(figure.bounds[b])}" for a, b in spans)
    rows = tuple(
        (
            item.name,
            *(_texts(_sized(sum(item.effects[a:b]), None, figure.unit))[0] for a, b in spans),
            *_texts(_sized(item.total, item.total_error, figure.unit)),
        )
        for item in figure.rows
    )
    caption = f"Effect by sensor and {figure.time_label}, {figure.effect_label}; s.e. = standard error of the sum"
    return DataTable(caption=caption, columns=("Sensor", *heads, "Sum", "± 2 s.e."), rows=rows)


def _plain(value: float) -> str:
    return number_text(value, 0 if float(value).is_integer() else 2)


def _sensor_alternative(figure: SensorMapFigure) -> str:
    sums = "; ".join(
        f"{item.name} {' '.join(_texts(_sized(item.total, item.total_error, figure.unit)))}" for item in figure.rows[:8]
    )
    return figure.description or f"{figure.finding}. Sums over the window, {figure.effect_label}: {sums}."


def _item_twin(figure: ItemHistoryFigure, measures: list[Measure]) -> DataTable:
    labels = [(item.label, item.note) for item in figure.items]
    if figure.others is not None:
        labels.append((f"{figure.others.n_columns} other items", ""))
    has_notes = any(item.note for item in figure.items)
    rows = tuple(
        (label, *((note or "none",) if has_notes else ()), *_texts(measure))
        for (label, note), measure in zip(labels, measures, strict=True)
    )
    columns = ("Item", *(("Note",) if has_notes else ()), "Effect", "± 2 s.e.")
    caption = f"Effect of each item, oldest first: {figure.axis_label}; s.e. = standard error"
    return DataTable(caption=caption, columns=columns, rows=rows)


def _item_alternative(figure: ItemHistoryFigure, measures: list[Measure]) -> str:
    pairs: list[tuple[HistoryItem, Measure]] = list(zip(figure.items, measures, strict=False))
    pairs.sort(key=lambda pair: -abs(pair[1].value))
    strongest = "; ".join(f"{item.label} {' '.join(_texts(measure))}" for item, measure in pairs[:6])
    return figure.description or f"{figure.finding}. Strongest: {strongest}."
