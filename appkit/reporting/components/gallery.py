"""Small pictures with their captions, side by side as far as the page is wide."""

from appkit.reporting.components.frame import PageState, figure_frame, status_mark
from appkit.reporting.facts import Cell, DataTable, Thumbnail, ThumbnailGallery
from appkit.reporting.markup import Markup, shape, tag
from appkit.reporting.numbers import value_text

__all__ = ["render_gallery"]


def render_gallery(figure: ThumbnailGallery, page: PageState) -> Markup:
    """Return the pictures as a list that reflows, with the same captions as a table behind it."""
    items = (_item(thumbnail) for thumbnail in figure.thumbnails)
    return figure_frame(figure, page, tag("ul", *items, class_="thumbs"), twin=_twin(figure))


def _item(thumbnail: Thumbnail) -> Markup:
    said = value_text(thumbnail.output)
    verdict = thumbnail.verdict
    words = f"{thumbnail.name}: label {thumbnail.label}, model {said}"
    picture = shape(
        "img", class_="thumb ovl", src=f"data:image/png;base64,{thumbnail.image}", width=thumbnail.width,
        height=thumbnail.height, alt=f"{words}, {verdict.word}" if verdict else words,
    )  # fmt: skip
    mark = status_mark(verdict) if verdict else None
    return tag("li", picture, tag("b", thumbnail.name), f"{thumbnail.label}, {said} ", mark)


def _twin(figure: ThumbnailGallery) -> DataTable:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (item.name, item.label, item.output, item.verdict or "none") for item in figure.thumbnails
    )
    columns = ("Picture", "Label", figure.output_label, "Verdict")
    return DataTable(caption="The pictures in the order shown", columns=columns, rows=rows)
