"""Words on the page: tiles, facts, boxes, badges, gaps, reproduction."""

from appkit.reporting.charts.marks import rank_track, tile_track
from appkit.reporting.components.frame import (
    PageState,
    data_table,
    icon,
    numbered_caption,
    scroll_region,
    status_class,
    status_mark,
)
from appkit.reporting.facts import (
    Badge,
    DataTable,
    Fact,
    FactList,
    Measure,
    NotFilled,
    OptionsNote,
    Paragraphs,
    RankTile,
    Reproduction,
    Status,
    Tile,
    Verdict,
    WarningBox,
)
from appkit.reporting.markup import Markup, join, tag
from appkit.reporting.numbers import hash_text, interval_text, long_text, value_text

__all__ = [
    "render_badge",
    "render_box",
    "render_facts",
    "render_gap",
    "render_gaps",
    "render_lone_tile",
    "render_options",
    "render_paragraphs",
    "render_reproduction",
    "render_tile",
]


def render_tile(tile: Tile | RankTile | NotFilled) -> Markup:
    """Return one tile of the verdict strip."""
    if isinstance(tile, NotFilled):
        return _empty_tile(tile)
    if isinstance(tile, RankTile):
        return _rank_tile(tile)
    return _tile(
        tile.name,
        tile.verdict,
        *_value_and_unit(tile.measure),
        interval=interval_text(tile.measure) or "no interval known",
        track=tile_track(tile.measure, tile.limit),
        sentence=tile.sentence,
    )


def render_lone_tile(tile: Tile | RankTile, page: PageState) -> Markup:
    """Return a tile that stands in a section instead of the strip."""
    return tag("div", render_tile(tile), class_="tiles lone")


def render_facts(block: FactList, page: PageState) -> Markup:
    """Return terms and values, three a line."""
    return join(_title(block.title), fact_list(block.facts))


def fact_list(facts: tuple[Fact, ...]) -> Markup:
    """Return a description list."""
    return tag(
        "dl", *(tag("div", tag("dt", fact.term), tag("dd", _fact_value(fact))) for fact in facts), class_="facts"
    )


def render_box(box: WarningBox, page: PageState) -> Markup:
    """Return an outlined box: finding, numbers, what to do."""
    return _box(box.level, tag("h3", box.finding, class_="h4"), tag("p", box.text))


def render_badge(badge: Badge, page: PageState) -> Markup:
    """Return the badge above the figure it governs."""
    words = tag("div", tag("strong", badge.claim), tag("p", badge.reason))
    return tag("div", icon(badge.level, class_="ic"), words, class_=f"badge {status_class(badge.level)}")


def render_gap(gap: NotFilled, page: PageState) -> Markup:
    """Return one gap as a box."""
    return _box(
        "unfilled",
        tag("h3", f"{gap.item}: not filled", class_="h4"),
        tag("p", f"{gap.why}. To fill it: ".replace("..", "."), _remedy(gap)),
    )


def render_gaps(gaps: tuple[NotFilled, ...], page: PageState) -> Markup:
    """Return several gaps as one table."""
    rows = [
        tag("tr", tag("th", gap.item, scope="row"), tag("td", gap.why, class_="l"), tag("td", _remedy(gap), class_="l"))
        for gap in gaps
    ]
    heads = [tag("th", text, scope="col", class_="l") for text in ("Item", "Why", "What would fill it")]
    caption = numbered_caption("What could not be filled", page)
    table = tag(
        "table", tag("caption", tag("span", caption)), tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="l2"
    )
    return tag("div", scroll_region(table, label=caption), class_="tb")


def render_paragraphs(block: Paragraphs, page: PageState) -> Markup:
    """Return plain text."""
    return tag("div", _title(block.title), *(tag("p", text) for text in block.texts), class_="prose")


def render_options(block: OptionsNote, page: PageState) -> Markup:
    """Return the choices in force as a table."""
    rows = tuple(
        (option.name, f"{option.value} (default)" if option.is_default else option.value, option.meaning)
        for option in block.options
    )
    table = DataTable(caption="", columns=("Option", "Value", "What it does"), rows=rows)
    caption = numbered_caption(f"{block.title}.", page)
    return tag("div", scroll_region(data_table(table, page, caption=caption), label=caption), class_="tb")


def render_reproduction(block: Reproduction, page: PageState) -> Markup:
    """Return the command and everything it depends on."""
    facts = [
        Fact("Model hash", block.model_hash, is_code=True),
        Fact("Data hash", block.data_hash, is_code=True),
        Fact("Seed", "none: every method is exact" if block.seed is None else str(block.seed)),
        Fact("Explanation", ", ".join(text for text in (block.method, block.budget) if text)),
        Fact("Intervals", block.intervals),
        Fact("Split", block.split),
        Fact("Device", block.device),
        Fact("Fall-backs", "; ".join(block.fallbacks) or "none"),
        Fact("Versions", ", ".join(block.versions)),
    ]
    command = (
        tag("pre", tag("code", block.command), tabindex="0", role="region", aria_label="Command")
        if block.command
        else None
    )
    return join(
        command, tag("p", block.note) if block.note else None, fact_list(tuple(fact for fact in facts if fact.value))
    )


def _tile(
    name: str, verdict: Verdict, value: str, unit: str, *, interval: str, track: Markup | None, sentence: str
) -> Markup:
    return tag(
        "div",
        tag("div", tag("span", name), status_mark(verdict), class_="k"),
        tag("div", value, tag("small", f" {unit}") if unit else None, class_="v"),
        tag("p", interval, class_="ci"),
        track,
        tag("p", sentence, class_="say") if sentence else None,
        class_="tile",
    )


def _rank_tile(tile: RankTile) -> Markup:
    reach = "no place is settled" if tile.reliable == 0 else f"reliable from place 1 to place {tile.reliable}"
    return _tile(
        tile.name, tile.verdict, str(tile.reliable), f"of {tile.total} places", interval=reach,
        track=rank_track(tile.reliable, tile.total), sentence=tile.sentence,
    )  # fmt: skip


def _empty_tile(gap: NotFilled) -> Markup:
    return tag(
        "div",
        tag("div", tag("span", gap.item), status_mark(Verdict("unfilled", "not filled")), class_="k"),
        tag("p", gap.why, class_="say"),
        tag("p", "To fill it: ", _remedy(gap), class_="say") if gap.fill or gap.argument else None,
        class_="tile",
    )


def _value_and_unit(measure: Measure) -> tuple[str, str]:
    if measure.unit == "%":
        return value_text(measure), ""
    unit = {"count": ""}.get(measure.unit, measure.unit)
    return value_text(measure, with_unit=False), unit


def _fact_value(fact: Fact) -> Markup:
    if isinstance(fact.value, NotFilled):
        return join("not filled: ", fact.value.why)
    text = long_text(fact.value) if isinstance(fact.value, Measure) else fact.value
    return tag("span", hash_text(text), class_="mono") if fact.is_code else join(text)


def _remedy(gap: NotFilled) -> Markup:
    code = tag("code", gap.argument) if gap.argument else None
    return join(code, " " if gap.argument and gap.fill else None, gap.fill)


def _box(status: Status, *children: Markup) -> Markup:
    return tag("div", icon(status, class_="ic"), tag("div", *children), class_=f"box {status_class(status)}")


def _title(title: str) -> Markup | None:
    return tag("h3", title) if title else None
