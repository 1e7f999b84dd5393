"""From a recommender and later events to a report."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from appkit.domain import Domain
from appkit.reporting.advice.because import because_section, explanation_section, reason_tile
from appkit.reporting.advice.context import AdviceContext
from appkit.reporting.advice.data import data_section
from appkit.reporting.advice.measured import measure_advice
from appkit.reporting.advice.performance import advice_tiles, performance_section
from appkit.reporting.advice.told import EXPLAINED_USERS, explain_advice
from appkit.reporting.content.context import DomainSection, Limits
from appkit.reporting.content.gathering import check_limits, failed_checks, lead_text, merged
from appkit.reporting.content.hashing import Digests, data_hash, model_hash
from appkit.reporting.content.inputs import resolve_domain
from appkit.reporting.content.limitations import gaps_of
from appkit.reporting.content.phrasing import Words
from appkit.reporting.content.provenance import command_text, versions
from appkit.reporting.facts import (
    Fact,
    Limit,
    NotFilled,
    Paragraphs,
    RankTile,
    Reproduction,
    Section,
    Tile,
    WarningBox,
    Wording,
)
from appkit.reporting.numbers import count_text, date_text
from appkit.reporting.report import Report

__all__ = ["refuse_for_advice", "report_on_advice"]

_MOST_TILES = 6
_WORDING = {"event": "purchase", "row": "customer", "rows": "customers", "column": "item", "columns": "items"}


def report_on_advice(
    model: Any,
    later: pd.DataFrame,
    *,
    k: int = 10,
    purpose: str | None = None,
    title: str | None = None,
    data_name: str | None = None,
    report_date: datetime.date | None = None,
    limits: Mapping[str, Limit | tuple[float | None, float | None]] | None = None,
    case: Any = None,
    domain: Domain | str | None = None,
    n_explained: int | None = None,
    random_state: int = 0,
    step: Any = lambda name: None,
) -> Report:
    """Return the report on a recommender; see :func:`~appkit.reporting.report` for the parameters.

    ``later`` holds events after those of the fit, in the columns of the fit.
    """
    used = resolve_domain(domain, model)
    step("Measuring")
    measured = measure_advice(model, later, k=k, random_state=random_state)
    step("Explaining")
    told = explain_advice(
        model,
        measured.advice,
        k=k,
        case=case,
        n_explained=EXPLAINED_USERS if n_explained is None else n_explained,
        random_state=random_state,
    )
    step("Comparing")
    context = AdviceContext(
        model=model,
        measured=measured,
        told=told,
        words=Words(_WORDING | ({} if used is None else dict(used.wording))),
        limits=Limits(limits),
        domain=used,
        k=k,
        data_name=data_name or "",
        purpose=purpose or "",
        random_state=random_state,
    )
    own = [performance_section(context), because_section(context), explanation_section(context), data_section(context)]
    added = _of_domain(context)
    tiles = _strip(context, added)
    step("Writing")
    settings = {"limits": limits, "k": k, "n_explained": n_explained, "case": case}
    return _assembled(
        context,
        tuple(merged(own, added)),
        tiles,
        title=title,
        report_date=report_date,
        command=command_text(settings, {}, random_state=random_state).replace("model, X, y,", "model, later,"),
    )


_OF_OTHERS = (
    "y",
    "sample_weight",
    "groups",
    "costs",
    "threshold",
    "background",
    "reference",
    "protected",
    "dates",
    "incumbent_score",
    "challengers",
    "changeable",
    "counterfactual",
    "output",
    "validation",
    "subgroups",
    "prevalence",
    "study",
)


def refuse_for_advice(given: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` for the first argument that a report on a recommender has no use for."""
    for name in _OF_OTHERS:
        if given[name] is not None:
            raise ValueError(f"{name} is not for recommenders: pass later interactions alone. Leave it out.")


def _of_domain(context: AdviceContext) -> tuple[Section, ...]:
    if context.domain is None or context.domain.report_sections is None:
        return ()
    return tuple(context.domain.report_sections(context))


def _strip(context: AdviceContext, added: Sequence[Section]) -> tuple[Tile | RankTile | NotFilled, ...]:
    of_domain = tuple(tile for section in added if isinstance(section, DomainSection) for tile in section.tiles)
    return (*advice_tiles(context), *of_domain)[: _MOST_TILES - 1] + (reason_tile(context),)


def _assembled(
    context: AdviceContext,
    sections: tuple[Section, ...],
    tiles: tuple[Tile | RankTile | NotFilled, ...],
    *,
    title: str | None,
    report_date: datetime.date | None,
    command: str,
) -> Report:
    check_limits(context.limits)
    advised = context.measured.advice["score"].to_numpy()
    digests = Digests(data_hash(context.measured.later), *model_hash(context.model, advised))
    facts = _facts(context, digests, report_date=report_date)
    closing = (_limitations(context, gaps_of(sections, tiles, facts)), _reproduction(context, digests, command=command))
    shown = title or f"What to offer to each {context.words['row']}"
    named = ("" if context.domain is None else context.domain.title, context.data_name)
    return Report(
        title=shown,
        kicker=", ".join(part for part in named if part) or "Recommender report",
        lead=lead_text(tiles, n_failed=failed_checks(sections)),
        tiles=tiles,
        facts=facts,
        sections=(*sections, *closing),
        wording=Wording(**{item.name: context.words[item.name] for item in fields(Wording)}),
        running_head=f"{shown}, model {digests.model[:8]}",
    )


def _facts(context: AdviceContext, digests: Digests, *, report_date: datetime.date | None) -> tuple[Fact, ...]:
    before, later = context.measured.before, context.measured.later
    date: str | NotFilled = (
        NotFilled(item="Report date", why="None was given; a report never asks the clock", argument="report_date=")
        if report_date is None
        else date_text(report_date)
    )
    return (
        Fact("Model", f"{type(context.model).__name__}: {context.model.model_}"),
        Fact(f"Hash of the model’s {digests.hashed}", digests.model, is_code=True),
        Fact("Seed of the report", str(context.random_state)),
        Fact("Training data", f"{count_text(len(before))} events of {count_text(before['user'].nunique())} customers"),
        Fact("Data of this report", f"{context.data_name or 'not named'}, {count_text(len(later))} later events"),
        Fact("Hash of these data", digests.data, is_code=True),
        Fact("Lists", context.list_words),
        Fact("Report date", date),
        Fact("Software", ", ".join(versions()[:1] + versions()[5:6])),
    )


def _limitations(context: AdviceContext, gaps: tuple[NotFilled, ...]) -> Section:
    boxes = (
        WarningBox(
            level="note",
            finding="Later purchases were made without this advice",
            text="What a customer would have bought when advised is not in these data: an item nobody was shown could "
            "not be taken. Only a test with customers drawn at random tells what the advice adds.",
        ),
        WarningBox(
            level="note",
            finding="Reasons say what the model goes by",
            text="A purchase that carries an advice need not be the cause of wanting the item. Correlated purchases "
            "share their weight.",
        ),
    )
    purpose = (
        Paragraphs(title="Purpose", texts=(context.purpose,))
        if context.purpose
        else NotFilled(item="Purpose", why="Nobody said what the advice is used for", argument="purpose=")
    )
    return Section(
        key="limits",
        title="Limitations",
        question="What this report does not show, and what was missing.",
        blocks=(*boxes, purpose, *gaps),
    )


def _reproduction(context: AdviceContext, digests: Digests, *, command: str) -> Section:
    training = context.model.training_
    told = context.told
    block = Reproduction(
        command=command,
        model_hash=digests.model,
        data_hash=digests.data,
        method=f"{told.sample.method}; certificate with a second seed; removals scored by the model",
        budget=f"{count_text(len(told.removals))} customers, {count_text(told.sample.n_evaluations)} evaluations each",
        intervals="95 %; bootstrap over customers, Wilson for shares",
        split="by the caller: events of this report are taken as later than those of the fit",
        device=str(training.get("device", "cpu")).upper(),
        seed=context.random_state,
        fallbacks=tuple(training.get("fall_backs", ())),
        versions=versions(),
        note="Run twice with the same versions and thread count, page and JSON have the same bytes.",
    )
    return Section(
        key="reproduction", title="Reproduction", question="The same inputs give the same bytes.", blocks=(block,)
    )
