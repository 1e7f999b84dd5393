"""What a report does not show: gaps by name, few events, and what effects are not."""

import math

from appkit.prediction.target_range import target_range
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.dependence import dependence_box
from appkit.reporting.content.phrasing import measure_or_gap, percent
from appkit.reporting.facts import (
    Block,
    Fact,
    NotFilled,
    Option,
    OptionsNote,
    Paragraphs,
    RankTile,
    Section,
    Tile,
    WarningBox,
)
from appkit.reporting.facts.measure import Measure
from appkit.reporting.numbers import count_text, value_text

__all__ = ["gaps_of", "limitations_section"]

FEW_EVENTS = 100


def limitations_section(context: ReportContext, gaps: tuple[NotFilled, ...], *, purpose: str | None) -> Section:
    """Return boxes, what could not be filled, the purpose, and the choices in force."""
    boxes = (_few_events(context), _cut_values(context), dependence_box(context), _effects_box(context))
    blocks: list[Block] = [box for box in boxes if box is not None]
    blocks.append(
        Paragraphs(title="Purpose", texts=(purpose,))
        if purpose
        else NotFilled(item="Purpose", why="Nobody said what the model is used for", argument="purpose=")
    )
    blocks += gaps
    blocks.append(OptionsNote(options=_options(context)))
    return Section(
        key="limits",
        title="Limitations",
        question="What this report does not show, and what was missing.",
        blocks=tuple(blocks),
    )


def gaps_of(
    sections: tuple[Section, ...], tiles: tuple[Tile | RankTile | NotFilled, ...], facts: tuple[Fact, ...]
) -> tuple[NotFilled, ...]:
    """Return every named gap of a report once, in reading order."""
    found = [tile for tile in tiles if isinstance(tile, NotFilled)]
    found += [fact.value for fact in facts if isinstance(fact.value, NotFilled)]
    found += [block for section in sections for block in section.blocks if isinstance(block, NotFilled)]
    return tuple(dict.fromkeys(found))


def _few_events(context: ReportContext) -> WarningBox | None:
    evaluation, words = context.evaluation, context.words
    if evaluation.n_events is None or evaluation.n_events >= FEW_EVENTS:
        return None
    measure = measure_or_gap(evaluation["AUC"])
    assert isinstance(measure, Measure), "events and the rest are both there"
    width = "unknown" if measure.width is None else f"{value_text(Measure(measure.width, decimals=2))} wide"
    return WarningBox(
        level="note",
        finding=f"Only {count_text(evaluation.n_events)} {words['events']} stand behind these numbers",
        text=f"{count_text(evaluation.n)} {words['rows']} with {count_text(evaluation.n_events)} {words['events']}: "
        f"the interval of the AUC {value_text(measure)} is {width}. Small groups and grades are read with care.",
    )


def _cut_values(context: ReportContext) -> WarningBox | None:
    """Return how many values lie past what the model can predict, and were cut."""
    low, high = target_range(context.model)
    words = context.words
    if context.subject.task != "regression" or not (math.isfinite(low) or math.isfinite(high)):
        return None
    n_past = int(((context.y < low) | (context.y > high)).sum())
    if n_past == 0:
        return None
    ends = [value_text(Measure.exact(end, unit=words["unit"])) for end in (low, high) if math.isfinite(end)]
    return WarningBox(
        level="note",
        finding=f"{percent(n_past / context.n)} of values are cut to what the model can predict",
        text=f"Predictions are held {'within ' if len(ends) == 2 else 'at '}{' and '.join(ends)}, as values were in "
        f"training; {count_text(n_past)} of {count_text(context.n)} {words['rows']} have a {words['value']} beyond and "
        "are measured against the bound. Nothing is said of how far beyond they are.",
    )


def _effects_box(context: ReportContext) -> WarningBox:
    return WarningBox(
        level="note",
        finding="Effects describe the model, not causes",
        text=f"A {context.words['column']} with a large effect is used by the model. Changing it in the world "
        "need not change the outcome.",
    )


def _options(context: ReportContext) -> tuple[Option, ...]:
    evaluation, words = context.evaluation, context.words
    options = [
        Option(
            "Rows explained",
            count_text(context.explanation.n_explained),
            f"behind the importance of {words['columns']}",
        ),
        Option("Seed", str(context.random_state), "of resamples, permutations and the case", context.random_state == 0),
    ]
    if evaluation.threshold is not None:
        source = "from the costs" if context.costs is not None else "as set"
        meaning = f"probability from which {context.words['a_row']} is {context.words['flagged']}, {source}"
        options.insert(0, Option("Threshold", f"{evaluation.threshold:.4g}", meaning, evaluation.threshold == 0.5))
    if evaluation.n_groups is not None:
        options.append(Option("Intervals", evaluation.resampling, f"{words['groups']} with all their {words['rows']}"))
    return tuple(options)
