"""Does the model rank, decide and calibrate as well for each subgroup: dots with intervals, differences, a table."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from appkit.prediction import Estimate
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import capital, first_that_fits, label_of, measure_or_gap
from appkit.reporting.facts import (
    Axis,
    Block,
    Cell,
    DataTable,
    FairnessFigure,
    Group,
    LimitRow,
    LimitTable,
    Measure,
    NotFilled,
)
from appkit.reporting.numbers import count_text, value_text
from appkit.reporting.words import list_text
from domains.medical.prediction import SubgroupLevel, SubgroupTable, by_subgroup, subgroup_levels
from domains.medical.report.shares import interval_words, share_cell

__all__ = ["GAP_LIMIT", "calibration_finding", "gap_title", "ranking_finding", "subgroup_section", "usable_columns"]

GAP_LIMIT = "Subgroup AUC gap"
"""Name of the limit on the AUC of a subgroup minus that of the rest: ``limits={"Subgroup AUC gap": (-0.05, 0.05)}``."""

_MOST_LEVELS = 30


def subgroup_section(context: ReportContext) -> DomainSection:
    """Return ranking and calibration by subgroup, differences from the rest, and all figures in a table."""
    gaps: tuple[NotFilled, ...] = ()
    columns = context.subgroups
    if columns is None:
        gap = NotFilled(item="Subgroups", why="No column to tell them by was given", argument="subgroups=")
        return _section(context, (gap,))
    columns, gaps = usable_columns(columns)
    if not columns.shape[1]:
        return _section(context, gaps)
    table = by_subgroup(
        context.events, context.output, columns, threshold=float(context.threshold or 0.5), groups=context.units
    )
    levels = table.levels[:_MOST_LEVELS]
    blocks: tuple[Block, ...] = (
        _ranking(context, levels, table),
        *_differences(context, levels, table),
        _calibration(context, levels, table),
        *_standing(levels),
        _figures(context, levels, table),
        *gaps,
    )
    return _section(context, blocks)


def ranking_finding(levels: Sequence[SubgroupLevel]) -> str:
    """Return in which subgroups the model ranks otherwise than in the rest, after allowing for all comparisons."""
    compared = [level for level in levels if level.differences]
    if not compared:
        return "No subgroup is large enough to compare with the rest"
    worse = [_name(level) for level in compared if _stands(level) and level.differences[0].estimate.value < 0]
    if worse:
        return first_that_fits(
            f"The model ranks worse for {list_text(tuple(worse))} than for the rest",
            f"The model ranks worse for {len(worse)} of {len(compared)} subgroups than for the rest",
        )
    return "No subgroup can be told apart in ranking, all comparisons allowed for"


def gap_title(levels: Sequence[SubgroupLevel], *, n_comparisons: int) -> str:
    """Return how many differences stand once all comparisons are allowed for."""
    standing = [_name(level) for level in levels if _stands(level)]
    allowed = f"{n_comparisons} comparisons allowed for"
    if not standing:
        return f"No difference in AUC stands, {allowed}"
    return first_that_fits(
        f"The AUC differs for {list_text(tuple(standing))}, {allowed}",
        f"The AUC differs for {len(standing)} subgroups, {allowed}",
    )


def calibration_finding(levels: Sequence[SubgroupLevel]) -> str:
    """Return for which subgroups events come more or less often than predicted, by their intervals."""
    told = [level for level in levels if not level.is_too_small and level.calibration.low == level.calibration.low]
    if not told:
        return "Calibration cannot be told for any subgroup"
    under = [_name(level) for level in told if level.calibration.low > 0]
    over = [_name(level) for level in told if level.calibration.high < 0]
    if not under and not over:
        return "In no subgroup can predicted and observed rates be told apart"
    parts = [f"too low for {list_text(tuple(under))}"] if under else []
    parts += [f"too high for {list_text(tuple(over))}"] if over else []
    n = len(under) + len(over)
    return first_that_fits(
        f"Predicted probabilities are {' and '.join(parts)}",
        f"Predicted probabilities miss the observed rate in {n} of {len(told)} subgroups",
    )


def _section(context: ReportContext, blocks: tuple[Block, ...]) -> DomainSection:
    return DomainSection(
        key="subgroups",
        title="Subgroups",
        question=f"Does the model serve every group of {context.words['groups']} as well as the rest?",
        blocks=blocks,
        after="operating",
    )


def usable_columns(columns: pd.DataFrame) -> tuple[pd.DataFrame, tuple[NotFilled, ...]]:
    """Return the columns that name subgroups, and a gap for each that does not."""
    kept, gaps = [], []
    for name in columns.columns:
        try:
            levels = subgroup_levels(columns[name], name=str(name))
        except ValueError as err:  # names images or patients, not subgroups
            gaps.append(NotFilled(item=f"Subgroups by {name}", why=str(err).split(" Leave it out")[0].rstrip(".")))
            continue
        if len(levels.categories) > 1:
            kept.append(name)
            continue
        why = f"All {len(columns)} images are {levels.categories[0]!r}"
        gaps.append(NotFilled(item=f"Subgroups by {name}", why=why, fill="images of others"))
    return columns[kept], tuple(gaps)


def _ranking(context: ReportContext, levels: Sequence[SubgroupLevel], table: SubgroupTable) -> FairnessFigure:
    everyone = context.evaluation["AUC"].value
    return FairnessFigure(
        key="subgroup-ranking",
        finding=ranking_finding(levels),
        caption=f"AUC by subgroup, {_by(context)}; the solid line is the AUC of all {context.words['rows']}, "
        f"{value_text(Measure(everyone, decimals=3))}. Subgroups with fewer than {table.min_each} "
        f"{_people(context)} with or without the {context.words['event']} are not drawn.{_left_out(table)}",
        how_to_read="A dot is the AUC within one subgroup, its bar the 95 % interval. "
        "A bar that reaches the line is no sign of a difference.",
        axis=Axis("AUC within the subgroup"),
        groups=tuple(Group(_name(level), level.n, _ranked(level, table, context)) for level in levels),
        no_difference=everyone,
    )


def _ranked(level: SubgroupLevel, table: SubgroupTable, context: ReportContext) -> Measure | NotFilled:
    name = f"AUC, {_name(level)}"
    if level.is_too_small:
        return _too_few(name, table, context)
    cell = measure_or_gap(level.auc, decimals=3)
    return NotFilled(item=name, why=cell.why, fill=cell.fill) if isinstance(cell, NotFilled) else cell


def _too_few(item: str, table: SubgroupTable, context: ReportContext) -> NotFilled:
    why = f"Fewer than {table.min_each} {_people(context)} with or without the {context.words['event']}"
    return NotFilled(item=item, why=why, fill="more of this subgroup")


def _differences(
    context: ReportContext, levels: Sequence[SubgroupLevel], table: SubgroupTable
) -> tuple[LimitTable, ...]:
    limit = context.limits.get(GAP_LIMIT)
    compared = _once(levels)
    rows = []
    for level in compared:
        cell = measure_or_gap(level.differences[0].estimate, decimals=3)
        if isinstance(cell, Measure):
            note = "stands" if level.differences[0].stands else "does not stand"
            rows.append(LimitRow(_name(level), cell, limit, level.n, note))
    if not rows:
        return ()
    return (
        LimitTable(
            title=gap_title(compared, n_comparisons=table.n_comparisons),
            caption=f"AUC of a subgroup minus that of all other {context.words['rows']}, 95 % intervals of one "
            f"comparison (Zou and Donner). {_comparisons(table, compared)}",
            quantity="Difference in AUC",
            label="Subgroup",
            rows=tuple(rows),
            how_to_read="Below zero the model ranks worse within the subgroup than outside it. "
            "A subgroup that is easier or harder to judge, for anybody, differs too.",
        ),
    )


def _standing(levels: Sequence[SubgroupLevel]) -> tuple[DataTable, ...]:
    """Return the differences that stand, of any figure; nothing where none does."""
    rows = tuple(
        (_name(level), difference.estimate.name.removesuffix(" minus the rest"), _plain(difference.estimate))
        for level in _once(levels)
        for difference in level.differences
        if difference.stands
    )
    if not rows:
        return ()
    n = len(rows)
    return (
        DataTable(
            title=f"{n} {'difference stands' if n == 1 else 'differences stand'} with all comparisons allowed for",
            caption="Subgroup minus all others, with the 95 % interval of one comparison below; shares as fractions",
            columns=("Subgroup", "Figure", "Difference"),
            rows=rows,
        ),
    )


def _once(levels: Sequence[SubgroupLevel]) -> list[SubgroupLevel]:
    """Return the levels compared; of two levels of a column the first, for each is the rest of the other."""
    n_levels = Counter(level.column for level in levels)
    seen: set[str] = set()
    kept = []
    for level in levels:
        if level.differences and not (n_levels[level.column] == 2 and level.column in seen):
            kept.append(level)
            seen.add(level.column)
    return kept


def _comparisons(table: SubgroupTable, compared: Sequence[SubgroupLevel]) -> str:
    """Return how to read so many comparisons at once."""
    n = table.n_comparisons
    if n == 1:
        return "One difference was looked at."
    standing = sum(difference.stands for level in compared for difference in level.differences)
    return (
        f"{n} differences in four figures were looked at: about {0.05 * n:.1f} of their intervals would leave 0 out by "
        f"chance. A difference stands where it does so at {100 * (1 - 0.05 / n):.2f} % (Bonferroni): "
        f"{standing or 'none'} of them."
    )


def _plain(estimate: Estimate) -> Measure | NotFilled:
    return measure_or_gap(estimate, decimals=3)


def _calibration(context: ReportContext, levels: Sequence[SubgroupLevel], table: SubgroupTable) -> FairnessFigure:
    words = context.words
    return FairnessFigure(
        key="subgroup-calibration",
        finding=calibration_finding(levels),
        caption=f"Calibration in the large by subgroup, in log-odds, {_by(context)}: by how much the predicted "
        f"log-odds must be shifted to meet the observed rate of {words['events']}.{_left_out(table)}",
        how_to_read=f"Right of the solid line {words['events']} came more often than predicted, left of it less often. "
        f"One of twenty bars misses the line by chance.",
        axis=Axis("log-odds, observed minus predicted"),
        groups=tuple(Group(_name(level), level.n, _shift(level, table, context)) for level in levels),
        no_difference=0.0,
    )


def _shift(level: SubgroupLevel, table: SubgroupTable, context: ReportContext) -> Measure | NotFilled:
    name = f"Calibration, {_name(level)}"
    if level.is_too_small:
        return _too_few(name, table, context)
    cell = measure_or_gap(level.calibration, decimals=2)
    return NotFilled(item=name, why=cell.why, fill=cell.fill) if isinstance(cell, NotFilled) else cell


def _figures(context: ReportContext, levels: Sequence[SubgroupLevel], table: SubgroupTable) -> DataTable:
    words = context.words
    has_patients = context.units is not None
    people = (capital(words["groups"]),) if has_patients else ()
    rows: list[tuple[Cell, ...]] = []
    for level in levels:
        marked = f"{_name(level)} (small)" if level.is_too_small else _name(level)
        counts: tuple[Cell, ...] = (level.n, level.n_events)
        counts += (level.n_patients or 0,) if has_patients else ()
        rows.append(
            (
                marked,
                *counts,
                measure_or_gap(level.auc, decimals=3),
                share_cell(level.sensitivity),
                share_cell(level.specificity),
                measure_or_gap(level.calibration, decimals=2),
            )
        )
    return DataTable(
        title="All figures by subgroup",
        caption=f"Decisions at {value_text(Measure(table.threshold, unit='%'))}; {interval_words(context)} below each "
        f"value. Small: fewer than {table.min_each} {_people(context)} of either outcome, not to be relied on",
        columns=(
            "Subgroup",
            capital(words["rows"]),
            capital(words["events"]),
            *people,
            "AUC",
            "Sensitivity",
            "Specificity",
            "Calibration in the large",
        ),
        rows=tuple(rows),
    )


def _stands(level: SubgroupLevel) -> bool:
    return bool(level.differences) and level.differences[0].stands


def _name(level: SubgroupLevel) -> str:
    return f"{label_of(level.column)}: {level.label}"


def _people(context: ReportContext) -> str:
    return context.words["rows"] if context.units is None else context.words["groups"]


def _by(context: ReportContext) -> str:
    return "95 % intervals" if context.units is None else f"95 % intervals clustered by {context.words['group']}"


def _left_out(table: SubgroupTable) -> str:
    n = len(table) - _MOST_LEVELS
    return f" {count_text(n)} further subgroups are left out." if n > 0 else ""
