"""Reports as one offline page: facts in, HTML text out, nothing computed but layout.

The frame is a jinja2 template with escaping on; blocks are built by small functions over ``markupsafe``, which escapes
whatever is not already markup. Charts need arithmetic between every two elements, which templates make unreadable.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from appkit.reporting.components import explanations, figures, gallery, maps, notes, tables, waterfall
from appkit.reporting.components.frame import PageState, status_icon
from appkit.reporting.facts import (
    Badge,
    BarRows,
    BeeswarmFigure,
    Block,
    CalibrationFigure,
    Certificate,
    ChallengerTable,
    Counterfactual,
    CurveFigure,
    DataTable,
    FactList,
    FairnessFigure,
    GradeTable,
    HistoryFigure,
    ImageMapFigure,
    ImportanceFigure,
    ItemHistoryFigure,
    LimitTable,
    NotFilled,
    OptionsNote,
    Paragraphs,
    PerHundred,
    RankTile,
    ReasonCodes,
    ReportFacts,
    Reproduction,
    Section,
    SensorMapFigure,
    ThumbnailGallery,
    Tile,
    WarningBox,
    WaterfallFigure,
)
from appkit.reporting.markup import join, tag, typeset
from appkit.reporting.serialization import SCHEMA_VERSION, facts_to_json

__all__ = ["RENDERERS", "render_block", "render_html"]

Renderer = Callable[[Any, PageState], Markup]

RENDERERS: dict[type[Block], Renderer] = {
    Badge: notes.render_badge,
    BarRows: figures.render_bars,
    BeeswarmFigure: explanations.render_beeswarm,
    CalibrationFigure: figures.render_calibration,
    Certificate: tables.render_certificate,
    ChallengerTable: tables.render_challengers,
    Counterfactual: explanations.render_counterfactual,
    CurveFigure: figures.render_curve,
    DataTable: tables.render_table,
    FactList: notes.render_facts,
    FairnessFigure: figures.render_fairness,
    GradeTable: tables.render_grades,
    HistoryFigure: figures.render_history,
    ImageMapFigure: maps.render_image_map,
    ImportanceFigure: explanations.render_importance,
    ItemHistoryFigure: maps.render_item_history,
    LimitTable: tables.render_limits,
    NotFilled: notes.render_gap,
    OptionsNote: notes.render_options,
    Paragraphs: notes.render_paragraphs,
    PerHundred: figures.render_per_hundred,
    RankTile: notes.render_lone_tile,
    ReasonCodes: explanations.render_reasons,
    Reproduction: notes.render_reproduction,
    SensorMapFigure: maps.render_sensor_map,
    ThumbnailGallery: gallery.render_gallery,
    Tile: notes.render_lone_tile,
    WarningBox: notes.render_box,
    WaterfallFigure: waterfall.render_waterfall,
}
"""How each kind of block is drawn; a domain package adds its own kinds here."""

NARROW = {
    BarRows: "figure",
    CalibrationFigure: "figure",
    CurveFigure: "figure",
    HistoryFigure: "figure",
    ReasonCodes: "case",
    Counterfactual: "case",
}
"""Kinds that stand two in a line when neighbours share the word."""


@dataclass(frozen=True)
class _SectionView:
    key: str
    title: str
    question: str
    starts_page: bool
    icon: Markup
    body: Markup


def render_html(report: ReportFacts) -> str:
    """Return the report as one page that loads nothing; equal facts give equal text.

    Examples
    --------
    >>> page = render_html(ReportFacts(title="Default", kicker="", lead="", tiles=(), facts=(), sections=()))
    >>> "<h1>Default</h1>" in page
    True
    """
    page = PageState(wording=report.wording)
    style = _resource("page.css") + _running_head(report.running_head or report.title)
    script = _resource("page.js")
    text = _template().render(
        report=report,
        style=Markup(style),
        style_hash=_source_hash(style),
        script=Markup(script),
        script_hash=_source_hash(script),
        tiles=[notes.render_tile(tile) for tile in report.tiles],
        facts=notes.fact_list(report.facts) if report.facts else "",
        sections=[_section_view(section, page) for section in report.sections],
        schema_version=SCHEMA_VERSION,
        content_hash="sha256 " + hashlib.sha256(facts_to_json(report).encode()).hexdigest(),
    )
    # an address in somebody's text must not look like a request; the page shows the same characters
    return text.replace("://", ":&#47;/")


def render_block(block: Block, page: PageState) -> Markup:
    """Return one block; ``TypeError`` names a kind without a renderer."""
    renderer = RENDERERS.get(type(block))
    if renderer is None:
        raise TypeError(f"No renderer for block {type(block).__name__}; add one to appkit.reporting.html.RENDERERS.")
    return renderer(block, page)


def _section_view(section: Section, page: PageState) -> _SectionView:
    return _SectionView(
        key=section.key,
        title=section.title,
        question=section.question,
        starts_page=section.starts_page,
        icon=status_icon(section.status),
        body=join(*_render_blocks(section.blocks, page)),
    )


def _render_blocks(blocks: tuple[Block, ...], page: PageState) -> Iterator[Markup]:
    """Yield blocks in order: gaps side by side become one table, narrow neighbours share a line."""
    for key, run in groupby(blocks, key=_layout_key):
        members = tuple(run)
        if key == "gap" and len(members) > 1:
            yield notes.render_gaps(members, page)  # type: ignore[arg-type]  # the key admits NotFilled only
        elif key in ("figure", "case"):
            yield from _render_pairs(members, page)
        else:
            yield from (render_block(block, page) for block in members)


def _render_pairs(blocks: tuple[Block, ...], page: PageState) -> Iterator[Markup]:
    for start in range(0, len(blocks), 2):
        pair = [render_block(block, page) for block in blocks[start : start + 2]]
        yield tag("div", *pair, class_="two" if len(pair) == 2 else _lone_class(blocks[start]))


def _lone_class(block: Block) -> str:
    return "half" if isinstance(block, CurveFigure | CalibrationFigure) else "alone"


def _layout_key(block: Block) -> str:
    return "gap" if isinstance(block, NotFilled) else NARROW.get(type(block), "wide")


def _running_head(text: str) -> str:
    return f"@media print{{:root{{--running:{_css_string(text)}}}}}"


def _css_string(text: str) -> str:
    """Return a CSS string in which only letters and digits stand for themselves."""
    return '"' + "".join(char if char.isalnum() or char == " " else f"\\{ord(char):x} " for char in text) + '"'


def _source_hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


@cache
def _resource(name: str) -> str:
    return files("appkit.reporting").joinpath(name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["typeset"] = typeset
    return environment.from_string(_resource("page.html"))
