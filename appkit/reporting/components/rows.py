"""Row charts: one grid row per player, label in HTML, one small drawing per panel, one axis row below."""

from appkit.reporting.markup import Child, Markup, tag

__all__ = ["axis_row", "head_row", "method_head", "row", "row_chart"]


def row_chart(kind: str, alternative: str, *rows: Markup) -> Markup:
    """Return the chart; ``kind`` names its columns in the style sheet."""
    return tag("div", *rows, class_=f"rows {kind}", role="img", aria_label=alternative)


def row(rank: str | None, label: Child, note: str, *panels: Child, kind: str = "") -> Markup:
    """Return one row; drawings pass as they are, anything else is a number at the right."""
    text = tag("span", label, tag("small", note) if note else None, class_="lab")
    return tag("div", _rank(rank), text, *(_panel(item) for item in panels), class_=f"r {kind}".strip())


def head_row(rank: str | None, label: str, *heads: Markup) -> Markup:
    """Return the headings above the rows."""
    return tag("div", _rank(rank), tag("span", label, class_="lab"), *heads, class_="r hd")


def method_head(method: str, rest: str) -> Markup:
    """Return the heading of one method's panel."""
    return tag("span", tag("b", method), rest)


def axis_row(rank: str | None, *panels: Child) -> Markup:
    """Return the axes below the rows."""
    return tag("div", _rank(rank), tag("span", class_="lab"), *(_panel(item) for item in panels), class_="r ax")


def _rank(rank: str | None) -> Markup | None:
    return None if rank is None else tag("span", rank, class_="rk")


def _panel(item: Child) -> Markup:
    is_drawing = isinstance(item, Markup) and item.startswith("<svg")
    return Markup(item) if is_drawing else tag("span", item, class_="num")
