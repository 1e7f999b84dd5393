"""What components share: status marks, tables, the anatomy of a figure, counters of the page."""

from dataclasses import dataclass, field

from appkit.reporting.facts import Cell, DataTable, Figure, Measure, NotFilled, Status, Verdict, Wording
from appkit.reporting.markup import Attribute, Markup, join, shape, tag
from appkit.reporting.numbers import cell_text, decimals_of, interval_text, value_text

__all__ = [
    "PageState",
    "cell",
    "data_table",
    "drawn_cell",
    "figure_frame",
    "how_to_read",
    "icon",
    "numbered_caption",
    "scroll_region",
    "status_class",
    "status_mark",
]

_CLASSES: dict[Status, str] = {"pass": "ok", "open": "warn", "fail": "bad", "unfilled": "nf", "note": "na"}
_STATUS_WORDS: dict[Status, str] = {
    "pass": "passed",
    "open": "open point",
    "fail": "failed",
    "unfilled": "not filled",
    "note": "note",
}
_ICON_PATHS: dict[Status, tuple[str, ...]] = {
    "pass": ("M2.5 7.5 5.7 11 11.5 3.5",),
    "open": ("M7 1.8 13 12.2H1Z", "M7 5.4v3.1M7 10.4v.01"),
    "fail": ("M7 1.2a5.8 5.8 0 1 0 .01 0Z", "M4.8 4.8l4.4 4.4M9.2 4.8 4.8 9.2"),
    "unfilled": ("M2 2h3M9 2h3v3M12 9v3H9M5 12H2V9M2 5V2",),
    "note": ("M2.5 7h9",),
}
_LONG_TABLE = 10
_WIDE_TABLE = 5  # columns from which a phone shows each row as a card; fewer fit side by side


@dataclass
class PageState:
    """Counters that run through the page, and the words of the domain."""

    wording: Wording = field(default_factory=Wording)
    figures: int = 0
    tables: int = 0
    names: int = 0

    def next_figure(self) -> int:
        """Return the number of the next figure."""
        self.figures += 1
        return self.figures

    def next_table(self) -> int:
        """Return the number of the next table."""
        self.tables += 1
        return self.tables

    def next_name(self, prefix: str) -> str:
        """Return an id no other element has."""
        self.names += 1
        return f"{prefix}{self.names}"


def icon(status: Status, *, class_: str | None = None) -> Markup:
    """Return the icon of a status; its shape differs, not only its colour."""
    paths = (shape("path", d=path) for path in _ICON_PATHS[status])
    return tag("svg", *paths, class_=class_, viewBox="0 0 14 14", aria_hidden="true")


def status_class(status: Status) -> str:
    """Return the class that colours a status."""
    return _CLASSES[status]


def status_mark(verdict: Verdict) -> Markup:
    """Return icon and word of a verdict."""
    return tag("span", icon(verdict.status), verdict.word, class_=f"st {_CLASSES[verdict.status]}")


def status_icon(status: Status) -> Markup:
    """Return the icon of the contents with its word for those who cannot see it."""
    return tag("span", icon(status), tag("span", _STATUS_WORDS[status], class_="vh"), class_=_CLASSES[status])


def how_to_read(text: str) -> Markup | None:
    """Return the two sentences under a figure."""
    return tag("p", tag("b", "How to read this."), " ", text, class_="how") if text else None


def figure_frame(figure: Figure, page: PageState, *plot: Markup | None, twin: DataTable) -> Markup:
    """Return a figure in its fixed order: number, finding, what is plotted, plot, how to read, table twin."""
    head = tag(
        "figcaption",
        tag("span", f"Figure {page.next_figure()}", class_="fn"),
        tag("h3", figure.finding),
        tag("p", figure.caption) if figure.caption else None,
    )
    reading = how_to_read(figure.how_to_read or type(figure).HOW_TO_READ)
    return tag("figure", head, *plot, reading, _twin(figure.twin or twin, page), id=f"f-{figure.key}")


def data_table(
    table: DataTable, page: PageState, *, caption: str | Markup, drawn: dict[int, list[Markup]] | None = None,
    own_rows: frozenset[int] = frozenset(), class_: str = "",
) -> Markup:  # fmt: skip
    """Return a table whose first column heads its rows; ``drawn`` puts a drawing behind a column, by its index."""
    drawn = drawn or {}
    decimals = [_column_decimals(table, i) for i in range(len(table.columns))]
    name = page.next_name("t") if _needs_name(table) else None
    lefts = {i for i in range(1, len(table.columns)) if _is_text(table, i)}
    headings = [_heading(text, is_left=i in lefts, is_drawn=i in drawn) for i, text in enumerate(table.columns)]
    names = table.columns if len(table.columns) >= _WIDE_TABLE else None
    body = [
        _row(
            _level(row, decimals), lefts, {i: marks[r] for i, marks in drawn.items()}, is_own=r in own_rows, names=names
        )
        for r, row in enumerate(table.rows)
    ]
    classes = (class_, "srt" if table.is_sortable else "", "stk" if names else "")
    return tag(
        "table",
        tag("caption", tag("span", caption)),
        tag("thead", tag("tr", *headings, role=_role("row", names)), role=_role("rowgroup", names)),
        tag("tbody", *body, role=_role("rowgroup", names)),
        class_=" ".join(word for word in classes if word) or None,
        id=name,
        role=_role("table", names),
    )


def scroll_region(table: Markup, *, label: str, before: Markup | None = None) -> Markup:
    """Return a table that scrolls sideways by itself, reachable by keyboard and named."""
    return tag("div", before, table, class_="scroll", tabindex="0", role="region", aria_label=label)


def numbered_caption(caption: str, page: PageState) -> str:
    """Return the caption with the table's number."""
    return f"Table {page.next_table()}. {caption}"


def cell(content: Cell, *, name: str = "td", **attributes: Attribute) -> Markup:
    """Return one table cell; a measure has its interval in small type below."""
    return tag(name, cell_content(content), **attributes)


def cell_content(content: Cell) -> Markup:
    """Return what stands in a cell, without the cell."""
    if isinstance(content, Verdict):
        return status_mark(content)
    if isinstance(content, NotFilled):
        return tag("span", "not filled", class_="st na", title=content.why)
    if isinstance(content, Measure):
        interval = interval_text(content)
        return join(
            value_text(content, with_unit=content.unit == "%"), tag("span", interval, class_="i") if interval else None
        )
    return join(cell_text(content))


def drawn_cell(drawing: Markup, **attributes: Attribute) -> Markup:
    """Return a cell that holds a drawing."""
    return tag("td", drawing, class_="g", **attributes)


def _twin(table: DataTable, page: PageState) -> Markup:
    find = None
    drawn = data_table(table, page, caption=table.caption)
    if _needs_name(table):
        target = f"t{page.names}"
        field_ = shape("input", type="search", data_find=target, autocomplete="off")
        find = tag("label", "Find a row", shape("br"), field_, class_="jsonly")
    label = f"Table behind figure {page.figures}"
    region = scroll_region(drawn, label=label, before=find)
    return tag("details", tag("summary", "Table behind this figure"), region, class_="twin")


def _needs_name(table: DataTable) -> bool:
    return len(table.rows) > _LONG_TABLE


def _is_text(table: DataTable, i: int) -> bool:
    return bool(table.rows) and all(isinstance(row[i], str | Verdict) for row in table.rows)


def _column_decimals(table: DataTable, i: int) -> int:
    """Return the decimals all bare numbers of a column share: those of the one that needs most."""
    numbers = [row[i] for row in table.rows if isinstance(row[i], float)]
    return max((decimals_of(Measure(number)) for number in numbers), default=0)  # type: ignore[arg-type]


def _level(row: tuple[Cell, ...], decimals: list[int]) -> tuple[Cell, ...]:
    return tuple(
        Measure(content, decimals=n) if isinstance(content, float) else content
        for content, n in zip(row, decimals, strict=True)
    )


def _heading(text: str, *, is_left: bool, is_drawn: bool) -> Markup:
    class_ = "g l" if is_drawn else "l" if is_left else None
    return tag("th", text, scope="col", class_=class_, data_no=is_drawn)


def _role(role: str, names: tuple[str, ...] | None) -> str | None:
    """Return the role said aloud where a phone lays the table out as cards, which would take it away."""
    return role if names else None


def _row(
    row: tuple[Cell, ...], lefts: set[int], drawn: dict[int, Markup], *, is_own: bool, names: tuple[str, ...] | None
) -> Markup:
    """Return a row; ``names`` are the columns, given where each cell must carry its own."""
    cells = [cell(row[0], name="th", scope="row", role=_role("rowheader", names))]
    for i, content in enumerate(row[1:], start=1):
        name = names[i] if names else None
        if i in drawn:
            cells.append(drawn_cell(drawn[i], data_h=name, role=_role("cell", names)))
            continue
        order = str(content.value) if isinstance(content, Measure) else None
        side = "l" if i in lefts else None
        cells.append(cell(content, class_=side, data_v=order, data_h=name, role=_role("cell", names)))
    return tag("tr", *cells, class_="us" if is_own else None, role=_role("row", names))
