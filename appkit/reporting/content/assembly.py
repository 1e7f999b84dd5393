"""Put a report together: sections of the report and of the domain in order, strip, lead, gaps, closing sections."""

import datetime
from collections.abc import Sequence
from dataclasses import fields, replace

from appkit.reporting.content.case import case_section
from appkit.reporting.content.context import DomainSection, Limits, ReportContext
from appkit.reporting.content.drivers import drivers_section, rank_tile
from appkit.reporting.content.hashing import Digests, data_hash, model_hash
from appkit.reporting.content.image_case import map_tile
from appkit.reporting.content.image_errors import image_errors
from appkit.reporting.content.image_shift import shift_section
from appkit.reporting.content.limitations import gaps_of, limitations_section
from appkit.reporting.content.looking import looking_section
from appkit.reporting.content.metrics import performance_tiles
from appkit.reporting.content.performance import performance_section
from appkit.reporting.content.provenance import facts_list, reproduction_section
from appkit.reporting.content.subject import ImageSubject
from appkit.reporting.facts import (
    Block,
    Certificate,
    Counterfactual,
    NotFilled,
    RankTile,
    Section,
    Tile,
    Verdict,
    Wording,
)
from appkit.reporting.report import Report
from appkit.reporting.words import lead_sentence

__all__ = ["assemble", "body_of", "lead_text"]

_MOST_TILES = 6
_LEAD_WORDS = 45
_FAILURES = "failures"  # key of a domain's own section on the worst errors, which then stand there alone
_DOMAIN_OPTIONS = (
    "protected",
    "dates",
    "incumbent_score",
    "challengers",
    "validation",
    "subgroups",
    "prevalence",
    "study",
)

StripTile = Tile | RankTile | NotFilled


def assemble(
    context: ReportContext,
    sections: tuple[Section, ...],
    tiles: tuple[StripTile, ...],
    *,
    title: str | None,
    purpose: str | None,
    report_date: datetime.date | None,
    command: str,
) -> Report:
    """Return the report; ``ValueError`` names limits that nothing was held against."""
    _check_limits(context.limits)
    digests = Digests(
        data_hash(context.subject.data, context.measured.given_y, context.sample_weight),
        *model_hash(context.model, context.output),
    )
    facts = facts_list(context, digests, report_date=report_date)
    closing = (
        limitations_section(context, gaps_of(sections, tiles, facts), purpose=purpose),
        reproduction_section(context, digests, command=command),
    )
    shown = title or _title(context)
    named = ("" if context.domain is None else context.domain.title, context.data_name)
    return Report(
        title=shown,
        kicker=", ".join(part for part in named if part) or "Model report",
        lead=lead_text(tiles, n_failed=_failed_checks(sections)),
        tiles=tiles,
        facts=facts,
        sections=(*sections, *closing),
        wording=Wording(**{item.name: context.words[item.name] for item in fields(Wording)}),
        running_head=f"{shown}, model {digests.model[:8]}",
    )


def body_of(
    context: ReportContext, change: Counterfactual | NotFilled
) -> tuple[tuple[Section, ...], tuple[StripTile, ...]]:
    """Return all sections but the closing ones, the domain's merged in, and the verdict strip."""
    own = [performance_section(context), *_by_kind(context), case_section(context, change)]
    added: tuple[Section, ...] = ()
    if context.domain is not None and context.domain.report_sections is not None:
        added = tuple(context.domain.report_sections(context))
    gaps = _unused_options(context) if not added else ()
    of_domain = tuple(tile for section in added if isinstance(section, DomainSection) for tile in section.tiles)
    own_tiles = performance_tiles(context)
    if context.methods is None:
        tiles = _strip(own_tiles, of_domain, rank_tile(context), n_first=len(own_tiles))
    else:  # a reader study asks for operating points before calibration
        tiles = _strip(own_tiles, of_domain, map_tile(context, context.methods), n_first=1)
    errors = None if any(section.key == _FAILURES for section in added) else image_errors(context)
    if errors is not None:
        own[0] = _with_blocks(own[0], (errors,))
    sections = _merged(own, added)
    if gaps:
        sections[-1] = _with_blocks(sections[-1], gaps)
    return tuple(sections), tiles


def _strip(
    own: tuple[StripTile, ...], of_domain: tuple[StripTile, ...], held: StripTile, *, n_first: int
) -> tuple[StripTile, ...]:
    """Return what fits the strip: the first measures, the domain's, other measures as there is room, and the rank."""
    shown = (*own[:n_first], *of_domain)[: _MOST_TILES - 1]
    return (*shown, *own[n_first:])[: _MOST_TILES - 1] + (held,)


def _by_kind(context: ReportContext) -> tuple[Section, ...]:
    """Return the sections that differ by what a row is: what drives the model, and images against training."""
    if not isinstance(context.subject, ImageSubject):
        return (drivers_section(context),)
    shift = shift_section(context)
    return (*(() if shift is None else (shift,)), looking_section(context))


def _merged(own: Sequence[Section], added: Sequence[Section]) -> list[Section]:
    """Return sections in reading order: blocks of a known key are added to that section, the others put in place."""
    sections = list(own)
    for section in added:
        keys = [known.key for known in sections]
        plain = Section(**{item.name: getattr(section, item.name) for item in fields(Section)})
        if section.key in keys:
            place = keys.index(section.key)
            sections[place] = _with_blocks(sections[place], section.blocks)
            continue
        after = getattr(section, "after", "")
        sections.insert(keys.index(after) + 1 if after in keys else len(sections), plain)
    return sections


def _with_blocks(section: Section, blocks: Sequence[Block]) -> Section:
    """Return a section with more blocks, before a counterfactual or a gap that ends it."""
    own = section.blocks
    n = len(own) - isinstance(own[-1], NotFilled | Counterfactual) if own else 0
    return replace(section, blocks=(*own[:n], *blocks, *own[n:]))


def _unused_options(context: ReportContext) -> tuple[NotFilled, ...]:
    """Return a named gap for each option that only a domain's sections read."""
    given = [
        name
        for name in _DOMAIN_OPTIONS
        if getattr(context, name) is not None and not (name == "protected" and context.protected is None)
    ]
    return tuple(
        NotFilled(item=f"What {name}= was given for", why="Only a domain’s sections use it", argument="domain=")
        for name in given
    )


def _title(context: ReportContext) -> str:
    if context.subject.task == "binary":
        return f"Probability of {context.words['event']}"
    if context.subject.task == "multiclass":
        return f"Class among {len(context.model.classes_)}"
    return f"Predicted {context.words['value']}"


def lead_text(tiles: tuple[StripTile, ...], *, n_failed: int = 0) -> str:
    """Return what fails, what is open and what passes, in at most 45 words; ``n_failed`` checks of the explanation."""
    verdicts = tuple(
        (
            tile.item if isinstance(tile, NotFilled) else tile.name,
            Verdict("unfilled", "") if isinstance(tile, NotFilled) else tile.verdict,
        )
        for tile in tiles
    )
    judged = tuple((name, item) for name, item in verdicts if item.status != "note")
    unjudged = len(verdicts) - len(judged)
    text = lead_sentence(tuple((_plain(name), item) for name, item in judged))
    if unjudged:
        text = f"{text} No limit was set for {'one measure' if unjudged == 1 else f'{unjudged} measures'}.".strip()
    failed = f"{'One check' if n_failed == 1 else f'{n_failed} checks'} of the explanation failed." if n_failed else ""
    text = f"{failed} {text}".strip()
    if len(text.split()) <= _LEAD_WORDS:
        return text
    counts = {status: sum(1 for _, item in verdicts if item.status == status) for status in ("fail", "open", "pass")}
    n = len(verdicts)
    short = f"Of {n} measures {counts['fail']} fail, {counts['open']} are not settled and {counts['pass']} pass."
    return f"{short} {failed}".strip()


def _failed_checks(sections: tuple[Section, ...]) -> int:
    tables = [block for section in sections for block in section.blocks if isinstance(block, Certificate)]
    return sum(1 for table in tables for check in table.checks if check.measure and check.verdict.status == "fail")


def _plain(name: str) -> str:
    return name if name.startswith(("AUC", "PSI", "RMSE", "R2")) else name[:1].lower() + name[1:]


def _check_limits(limits: Limits) -> None:
    unknown = limits.never_asked()
    if unknown:
        raise ValueError(f"limits must name what is measured, among {list(limits.known())}, got {list(unknown)}.")
