"""Put a report together: sections of the report and of the domain in order, strip, lead, gaps, closing sections."""

import datetime
from dataclasses import fields

from appkit.reporting.content.case import case_section
from appkit.reporting.content.context import DomainSection, ReportContext
from appkit.reporting.content.drivers import drivers_section, rank_tile
from appkit.reporting.content.gathering import StripTile, check_limits, failed_checks, lead_text, merged, with_blocks
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
    Counterfactual,
    NotFilled,
    Section,
    Wording,
)
from appkit.reporting.report import Report

__all__ = ["assemble", "body_of"]

_MOST_TILES = 6
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
    check_limits(context.limits)
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
        lead=lead_text(tiles, n_failed=failed_checks(sections)),
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
        own[0] = with_blocks(own[0], (errors,))
    sections = merged(own, added)
    if gaps:
        sections[-1] = with_blocks(sections[-1], gaps)
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
