"""Tables that judge, drawn: limits, grades, challengers, the certificate."""

from appkit.reporting.charts.axes import row_grid, tick_texts
from appkit.reporting.charts.marks import dot, interval_dot, rows_scale, track
from appkit.reporting.charts.scale import Scale
from appkit.reporting.components.frame import (
    PageState,
    data_table,
    how_to_read,
    numbered_caption,
    scroll_region,
    status_mark,
)
from appkit.reporting.facts import (
    Cell,
    Certificate,
    Challenger,
    ChallengerTable,
    Check,
    DataTable,
    Grade,
    GradeTable,
    LimitTable,
    Measure,
)
from appkit.reporting.markup import Markup, tag
from appkit.reporting.numbers import decimals_of, limit_text, long_text, unit_heading

__all__ = [
    "render_certificate",
    "render_challengers",
    "render_grades",
    "render_limits",
    "render_table",
]


def render_table(table: DataTable, page: PageState) -> Markup:
    """Return a plain table."""
    caption = numbered_caption(table.caption, page)
    return _framed(table.title, data_table(table, page, caption=caption), caption, table.how_to_read)


def render_limits(block: LimitTable, page: PageState) -> Markup:
    """Return measures with their limits on one drawn axis."""
    ends = [end for row in block.rows if row.limit for end in (row.limit.low, row.limit.high) if end is not None]
    scale = rows_scale([row.measure for row in block.rows], include=tuple(ends))
    has_sizes = any(row.n is not None for row in block.rows)
    columns = (block.label, *(["n"] if has_sizes else []), block.quantity, "Drawn", "Limit", "Verdict")
    rows = tuple(
        (
            row.name,
            *([_count(row.n)] if has_sizes else []),
            row.measure,
            "",
            limit_text(row.limit, row.measure),
            row.verdict,
        )
        for row in block.rows
    )
    drawn = {len(columns) - 3: [track(scale, row.measure, row.limit) for row in block.rows]}
    caption = numbered_caption(f"{block.caption} {_axis_words(scale, block.rows[0].measure.unit)}", page)
    table = DataTable(caption=caption, columns=columns, rows=rows)
    own = frozenset(i for i, row in enumerate(block.rows) if row.is_own)
    return _framed(
        block.title, data_table(table, page, caption=caption, drawn=drawn, own_rows=own), caption, block.how_to_read
    )


def render_grades(block: GradeTable, page: PageState) -> Markup:
    """Return predicted against observed rates by grade."""
    words = page.wording
    predicted = tuple(grade.mean_predicted for grade in block.grades)
    scale = rows_scale([grade.observed for grade in block.grades], include=(0.0, *predicted))
    columns = ("Grade", "Predicted (%)", words.rows.capitalize(), "Events", "Mean predicted (%)", "Observed (%)",
               "Observed against predicted", "Inside interval?")  # fmt: skip
    rows = tuple(_grade_row(grade) for grade in block.grades)
    drawn = {6: [track(scale, grade.observed, mark=grade.mean_predicted) for grade in block.grades]}
    caption = numbered_caption(f"{block.caption} {_axis_words(scale, '%')}", page)
    table = DataTable(caption=caption, columns=columns, rows=rows)
    return _framed(
        block.title, data_table(table, page, caption=caption, drawn=drawn, class_="gr"), caption, block.how_to_read
    )


def render_challengers(block: ChallengerTable, page: PageState) -> Markup:
    """Return the model beside others, differences drawn on one axis with zero."""
    differences = [item.difference for item in block.challengers if item.difference is not None]
    scale = rows_scale(differences, include=(0.0,))
    columns = ("Model", block.metric, "Difference", "Difference, drawn", *block.columns)
    rows = tuple(_challenger_row(item) for item in block.challengers)
    drawn = {3: [_difference(scale, item.difference) for item in block.challengers]}
    unit = differences[0].unit if differences else ""
    caption = numbered_caption(f"{block.caption} {_axis_words(scale, unit)}", page)
    table = DataTable(caption=caption, columns=columns, rows=rows, is_sortable=True)
    own = frozenset(i for i, item in enumerate(block.challengers) if item.is_own)
    reading = block.how_to_read or "A bar that touches the solid line at zero means the difference may be chance."
    drawn_table = data_table(table, page, caption=caption, drawn=drawn, own_rows=own)
    return _framed(block.title, drawn_table, caption, reading)


def render_certificate(block: Certificate, page: PageState) -> Markup:
    """Return every check with its result, limit and verdict; stacked on a phone, with its roles kept."""
    caption = numbered_caption(block.caption, page)
    heads = [
        tag("th", text, scope="col", role="columnheader", class_=class_)
        for text, class_ in (
            ("Check", None),
            ("What it asks", "l"),
            ("Result", None),
            ("Limit", None),
            ("Verdict", "l"),
        )
    ]
    table = tag(
        "table",
        tag("caption", tag("span", caption)),
        tag("thead", tag("tr", *heads, role="row"), role="rowgroup"),
        tag("tbody", *(_check_row(check) for check in block.checks), role="rowgroup"),
        class_="cert",
        role="table",
    )
    return _framed(block.title, table, caption, "")


def _framed(title: str, table: Markup, caption: str, reading: str) -> Markup:
    heading = tag("h3", title) if title else None
    return tag("div", heading, scroll_region(table, label=title or caption), how_to_read(reading), class_="tb")


def _check_row(check: Check) -> Markup:
    result = check.result or (long_text(check.measure) if check.measure else "")
    limit = check.limit_text or (limit_text(check.limit, check.measure) if check.measure else "no limit set")
    return tag(
        "tr",
        tag("th", check.name, scope="row", role="rowheader"),
        tag("td", check.question, class_="l", role="cell"),
        tag("td", result, class_="nw", role="cell"),
        tag("td", limit, class_="nw", role="cell"),
        tag("td", status_mark(check.verdict), class_="l", role="cell"),
        role="row",
    )


def _challenger_row(item: Challenger) -> tuple[Cell, ...]:
    name = Markup("{}{}").format(item.name, tag("span", item.note, class_="i")) if item.note else item.name
    difference: Cell = item.difference if item.difference is not None else "reference"
    return (name, item.measure, difference, "", *item.cells)


def _difference(scale: Scale, difference: Measure | None) -> Markup:
    mark = dot(scale, 0.0, is_hollow=True) if difference is None else interval_dot(scale, difference)
    return tag("svg", row_grid(scale, most=4, zero=True), mark, height=20, aria_hidden="true")


def _axis_words(scale: Scale, unit: str) -> str:
    low, high = tick_texts((scale.low, scale.high), unit)
    return f"Drawn axis from {low} to {high}{' ' + unit_heading(unit) if unit_heading(unit) else ''}."


def _grade_row(grade: Grade) -> tuple[Cell, ...]:
    predicted = _percent(Measure(grade.mean_predicted, unit="%", decimals=1))
    observed = _percent(grade.observed)
    return (grade.name, grade.predicted_range, grade.n, grade.n_events, predicted, observed, "", grade.verdict)


def _percent(measure: Measure) -> Measure:
    """Return a rate in percent as a plain number, for columns whose heading carries the unit."""
    low, high = (None if end is None else 100 * end for end in (measure.low, measure.high))
    return Measure(100 * measure.value, low, high, decimals=decimals_of(measure))


def _count(n: int | None) -> Cell:
    return "not stated" if n is None else n
