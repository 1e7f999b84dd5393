"""What happens at thresholds settled beforehand: sensitivity, specificity, predictive values, likelihood ratios."""

from dataclasses import dataclass, replace

from appkit.prediction import Estimate, auc
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import capital, first_that_fits, measure_or_gap, percent
from appkit.reporting.facts import (
    Block,
    Cell,
    DataTable,
    LimitRow,
    LimitTable,
    Measure,
    NotFilled,
    Tile,
)
from appkit.reporting.numbers import count_text, long_text
from appkit.reporting.words import settle_phrase
from domains.medical.prediction import (
    DiagnosticAccuracy,
    OperatingTable,
    operating_table,
)
from domains.medical.report.benefit import benefit_figure
from domains.medical.report.points import FIXED, IN_FORCE, Points, threshold_text
from domains.medical.report.shares import counted, interval_words, ratio_cell, share_cell

__all__ = ["operating_section", "operating_title"]

_HEADLINE = "Sensitivity at specificity 90 %"


def operating_section(context: ReportContext, points: Points) -> DomainSection:
    """Return accuracy at each threshold, what a flag then means, and what acting on it gains.

    Limits are read by the names ``"Sensitivity"``, ``"Specificity"``, ``"PPV"``, ``"NPV"`` (at the threshold in force)
    and ``"Sensitivity at specificity 90 %"``, ``"Specificity at sensitivity 90 %"``, the same with 95 %.
    """
    here = operating_table(points.all, context.events, context.output, groups=context.units)
    prevalence = context.prevalence
    there = None
    if prevalence is not None:
        there = operating_table(points.all, context.events, context.output, groups=context.units, prevalence=prevalence)
    shown = there or here
    held = _held_figures(points, shown)
    blocks: tuple[Block, ...] = (
        *_limit_table(context, shown, held),
        *(() if points.gap is None else (points.gap,)),
        _accuracy_table(context, points, here),
        _meaning_table(context, here, there),
        *(() if there is not None else (_prevalence_gap(context),)),
        benefit_figure(context),
    )
    return DomainSection(
        key="operating",
        title="Operating points",
        question=_question(context, points),
        blocks=blocks,
        tiles=(_tile(context, points, held),),
        after="performance",
    )


def operating_title(name: str, measure: Measure, *, event_words: str) -> str:
    """Return what is caught at a threshold.

    Examples
    --------
    >>> operating_title("specificity 90 %", Measure(0.83, 0.76, 0.89, unit="%"), event_words="findings")
    'At specificity 90 % on validation the model catches 83\u202f% of findings here (76\u202f% to 89\u202f%)'
    >>> operating_title("in force", Measure(0.83, 0.76, 0.89, unit="%"), event_words="findings")
    'At the threshold in force the model catches 83\u202f% of findings (76\u202f% to 89\u202f%)'
    """
    shown = percent(measure.value)
    interval = ""
    if measure.low is not None and measure.high is not None:
        interval = f" ({percent(measure.low)} to {percent(measure.high)})"
    if name == IN_FORCE:
        return f"At the threshold in force the model catches {shown} of {event_words}{interval}"
    return first_that_fits(
        f"At {name} on validation the model catches {shown} of {event_words} here{interval}",
        f"At {name} on validation the model catches {shown}{interval}",
    )


def _question(context: ReportContext, points: Points) -> str:
    area = measure_or_gap(auc(context.events, context.output, groups=context.units), decimals=3)
    words = context.words
    by = "DeLong" if context.units is None else f"DeLong, clustered by {words['group']} after Obuchowski"
    ranked = "" if isinstance(area, NotFilled) else f"AUC {long_text(area)} ({by}). "
    if not points.chosen:
        return f"{ranked}What does the model catch, and what does a flag mean?"
    assert context.validation is not None
    n = counted(len(context.validation), "validation image")
    return f"{ranked}Thresholds were chosen on {n}; none on the {words['rows']} of this report."


@dataclass(frozen=True)
class _Held:
    """A figure that may be held against a limit of its name."""

    estimate: Estimate
    label: str
    threshold: float
    reached: str = ""  # what else holds there, in words

    @property
    def name(self) -> str:
        return self.estimate.name


def _held_figures(points: Points, table: OperatingTable) -> tuple[_Held, ...]:
    """Return the figures in force, and each of sensitivity and specificity where validation fixes the other."""
    own = table[IN_FORCE]
    figures = (own.sensitivity, own.specificity, own.ppv, own.npv)
    found = [_Held(one, f"{one.name}, in force", own.point.threshold) for one in figures]
    for share in FIXED if points.chosen else ():
        row = table[f"specificity {100 * share:g} %"]
        estimate = replace(row.sensitivity, name=f"Sensitivity at specificity {100 * share:g} %")
        reached = f"specificity here {percent(row.specificity.value)}"
        found.append(_Held(estimate, estimate.name, row.point.threshold, reached))
    for share in FIXED if points.chosen else ():
        row = table[f"sensitivity {100 * share:g} %"]
        estimate = replace(row.specificity, name=f"Specificity at sensitivity {100 * share:g} %")
        reached = f"sensitivity here {percent(row.sensitivity.value)}"
        found.append(_Held(estimate, estimate.name, row.point.threshold, reached))
    return tuple(found)


def _limit_table(context: ReportContext, table: OperatingTable, held: tuple[_Held, ...]) -> tuple[Block, ...]:
    words = context.words
    cells = {one.name: share_cell(one.estimate) for one in held}
    rows = tuple(
        LimitRow(one.label, cell, context.limits.get(one.name), one.estimate.n)
        for one in held
        if isinstance(cell := cells[one.name], Measure)
    )
    gaps = tuple(cell for cell in cells.values() if isinstance(cell, NotFilled))
    if not rows:
        return gaps
    shown = cells.get(_HEADLINE, cells["Sensitivity"])
    own = table[IN_FORCE]
    source = "stated" if own.is_stated else f"as in these {words['rows']}"
    block = LimitTable(
        title="Accuracy at thresholds settled beforehand"
        if isinstance(shown, NotFilled)
        else operating_title(
            "specificity 90 %" if _HEADLINE in cells else IN_FORCE, shown, event_words=words["events"]
        ),
        caption=f"{capital(words['rows'])} of this report at thresholds that owe nothing to them; "
        f"{interval_words(context)}. In force: {threshold_text(own.point.threshold)}, {own.point.chosen_by}. PPV and "
        f"NPV, shares of flagged {words['rows']} with the {words['event']} and of unflagged ones without it, at a "
        f"prevalence of {percent(own.prevalence)}, {source}."
        + ("" if context.sample_weight is None else f" {capital(words['rows'])} are counted, not weighted."),
        quantity="Share (%)",
        label="Figure",
        rows=rows,
        how_to_read="Sensitivity is the share of events flagged, specificity that of all others not flagged. "
        "A validation threshold need not hold its target here: the interval tells how far it does.",
    )
    return (block, *gaps)


def _accuracy_table(context: ReportContext, points: Points, table: OperatingTable) -> DataTable:
    words = context.words
    chosen = "" if context.validation is None else f" on {counted(len(context.validation), 'validation image')}"
    return DataTable(
        title=f"{counted(len(table.rows), 'threshold').capitalize()}, none chosen on these {words['rows']}",
        caption=f"{count_text(table.n)} {words['rows']}{_of_patients(context, table)}, {count_text(table.n_events)} "
        f"{words['events']}; {interval_words(context)} below each value"
        + (f". Thresholds were chosen{chosen}" if points.chosen else ""),
        columns=("Operating point", "Threshold", "Sensitivity", "Specificity", f"{capital(words['rows'])} flagged"),
        rows=tuple(
            (
                _point_name(row),
                threshold_text(row.point.threshold),
                share_cell(row.sensitivity),
                share_cell(row.specificity),
                share_cell(row.flagged),
            )
            for row in table.rows
        ),
    )


def _meaning_table(context: ReportContext, here: OperatingTable, there: OperatingTable | None) -> DataTable:
    found = percent(here.rows[0].prevalence)
    columns = ["Operating point", "LR+", "LR−", f"PPV at {found}, as here", f"NPV at {found}, as here"]
    if there is not None:
        stated = percent(there.rows[0].prevalence)
        columns += [f"PPV at {stated}, stated", f"NPV at {stated}, stated"]
    rows: list[tuple[Cell, ...]] = []
    for place, row in enumerate(here.rows):
        cells: list[Cell] = [ratio_cell(row.positive_ratio), ratio_cell(row.negative_ratio)]
        cells += [share_cell(row.ppv), share_cell(row.npv)]
        if there is not None:
            cells += [share_cell(there.rows[place].ppv), share_cell(there.rows[place].npv)]
        rows.append((_point_name(row), *cells))
    return DataTable(
        title="What a flag, and its absence, mean",
        caption="Likelihood ratios: by what a flag (LR+) and its absence (LR−) multiply the odds of the "
        f"{context.words['event']}. Predictive values hold at the prevalence named; 95 % intervals below each value",
        columns=tuple(columns),
        rows=tuple(rows),
        how_to_read="An LR+ of 10 or more, or an LR− of 0.1 or less, settles many questions. "
        "At a lower prevalence than that of a study a flag means less.",
    )


def _prevalence_gap(context: ReportContext) -> NotFilled:
    share = percent(float(context.events.mean()))
    return NotFilled(
        item="Predictive values where the model is to be used",
        why=f"Nobody stated how often the {context.words['event']} comes there; here it is {share}",
        argument="prevalence=",
    )


def _tile(context: ReportContext, points: Points, held: tuple[_Held, ...]) -> Tile | NotFilled:
    """Return the sensitivity at a threshold somebody chose: stated, else of 90 % specificity on validation."""
    words, known = context.words, {one.name: one for one in held}
    name = "Sensitivity" if points.is_stated else _HEADLINE
    if name not in known:
        assert points.gap is not None
        return NotFilled(item=_HEADLINE, why=points.gap.why, fill=points.gap.fill, argument=points.gap.argument)
    own, limit = known[name], context.limits.get(name)
    measure = share_cell(own.estimate)
    if isinstance(measure, NotFilled):
        return measure
    settle = settle_phrase(measure, limit, n=own.estimate.n, rows=words["events"]) if limit else ""
    reached = f"; {own.reached}" if own.reached else ""
    sentence = f"Share of {words['events']} the model flags, from {threshold_text(own.threshold)} on{reached}."
    return Tile(name=name, measure=measure, limit=limit, sentence=settle or sentence)


def _point_name(row: DiagnosticAccuracy) -> str:
    if row.point.name == IN_FORCE:
        return f"In force ({row.point.chosen_by})"
    return f"{capital(row.point.name)} on validation"


def _of_patients(context: ReportContext, table: OperatingTable) -> str:
    return "" if table.n_patients is None else f" of {counted(table.n_patients, context.words['group'])}"
