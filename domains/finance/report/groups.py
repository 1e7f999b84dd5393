"""Are groups approved at comparable rates, and is the model as right for each of them."""

from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import first_that_fits, label_of, measure_or_gap
from appkit.reporting.facts import (
    Axis,
    Block,
    Cell,
    DataTable,
    FairnessFigure,
    Group,
    Limit,
    LimitRow,
    LimitTable,
    Measure,
    NotFilled,
    Tile,
    verdict,
)
from appkit.reporting.numbers import value_text
from appkit.reporting.words import list_text, settle_phrase
from domains.finance.fairness import GroupFairness, GroupOutcome, fairness_by_column
from domains.finance.report.grades import share

__all__ = ["approval_finding", "gap_title", "groups_section"]

_MIN_GROUP = 30
_MOST_GROUPS = 30


def groups_section(context: ReportContext) -> DomainSection:
    if context.protected is None or context.flagged is None:
        gap = NotFilled(
            item="Lowest approval ratio", why="No protected column was given or found", argument="protected="
        )
        return _section((gap,), tile=gap)
    results = fairness_by_column(
        context.events, ~context.flagged, context.protected, pd_default=context.output, min_group=_MIN_GROUP
    )
    limit = context.limits.get("Approval ratio")
    blocks = (_approval(results, limit, context), *_opportunity(results), *_calibration_gap(results, context))
    return _section(blocks, tile=_approval_tile(results, limit))


def _section(blocks: tuple[Block, ...], *, tile: Tile | NotFilled) -> DomainSection:
    return DomainSection(
        key="fairness",
        title="Fairness",
        question="Are groups approved at comparable rates, as far as the data can tell?",
        blocks=blocks,
        tiles=(tile,),
        after="case",
    )


def _approval(results: tuple[GroupFairness, ...], limit: Limit | None, context: ReportContext) -> Block:
    groups = tuple(
        Group(_group_name(result, group), group.n, _ratio(group, _group_name(result, group)), group.is_reference)
        for result in results
        for group in result.groups
    )[:_MOST_GROUPS]
    used = sorted({result.column for result in results} & set(context.explanation.shapley.player_names))
    inputs = (
        f"{list_text(tuple(map(label_of, used)))} {'is a model input' if len(used) == 1 else 'are model inputs'}."
        if used
        else "None of these columns is a model input."
    )
    return FairnessFigure(
        key="approval",
        finding=approval_finding(results, limit),
        caption="Approval rate at the threshold divided by that of the group approved most often (the reference). "
        f"Bars: 95 % intervals, on the logarithm. Groups under {_MIN_GROUP} loans are not reported. {inputs}",
        axis=Axis("approval rate divided by that of the reference group"),
        groups=groups,
        limit=limit,
    )


def approval_finding(results: tuple[GroupFairness, ...], limit: Limit | None) -> str:
    """Return how the lowest ratio stands: to the limit where there is one, else to equality."""
    lowest = _lowest(results)
    if lowest is None:
        return "No group is large enough to compare"
    name, measure = lowest
    shown = value_text(measure)
    if limit is None:
        if measure.high is not None and measure.high < 1:
            return first_that_fits(
                f"{name} is approved less often, at {shown} of the reference rate",
                f"One group is approved less often, at {shown} of the reference rate",
            )
        return "No group’s approval rate can be told apart from that of its reference"
    status = verdict(measure, limit).status
    if status == "pass":
        return f"Every group meets the limit; the lowest approval ratio is {shown}"
    if status == "fail":
        return first_that_fits(f"{name} fails the limit at {shown}", f"One group fails the limit at {shown}")
    return first_that_fits(
        f"Whether {name}, at {shown}, meets the limit is not settled",
        f"Whether the lowest approval ratio, {shown}, meets the limit is not settled",
    )


def _approval_tile(results: tuple[GroupFairness, ...], limit: Limit | None) -> Tile | NotFilled:
    lowest = _lowest(results)
    if lowest is None:
        return NotFilled(item="Lowest approval ratio", why=f"No two groups of {_MIN_GROUP} loans", fill="more loans")
    name, measure = lowest
    n = next(group.n for result in results for group in result.groups if _group_name(result, group) == name)
    settle = settle_phrase(measure, limit, n=n, rows="loans of this group") if limit else ""
    plain = f"{name}, against the group approved most often."
    return Tile(name="Lowest approval ratio", measure=measure, limit=limit, sentence=f"{plain} {settle}".strip())


def _lowest(results: tuple[GroupFairness, ...]) -> tuple[str, Measure] | None:
    """Return the group whose ratio has the lowest upper end among those compared, and its ratio."""
    found = [
        (_group_name(result, group), Measure.of(group.approval_ratio, decimals=2))
        for result in results
        for group in result.groups
        if group.approval_ratio is not None and not group.is_reference
    ]
    return min(found, key=lambda item: item[1].value, default=None)


def _ratio(group: GroupOutcome, name: str) -> Measure | NotFilled:
    if group.too_few or group.approval_ratio is None:
        return NotFilled(
            item=f"Approval ratio, {name}",
            why=f"too few to report (minimum {_MIN_GROUP})" if group.too_few else "no one of the reference is approved",
            fill="more loans of this group",
        )
    return Measure.exact(1.0) if group.is_reference else Measure.of(group.approval_ratio, decimals=2)


def _opportunity(results: tuple[GroupFairness, ...]) -> tuple[DataTable, ...]:
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        for group in result.groups:
            name = _group_name(result, group)
            if group.too_few:
                continue
            gap = NotFilled(item=f"Opportunity, {name}", why="Nobody of the group repaid, or too few to compare")
            ratio: Cell = gap if group.opportunity_ratio is None else Measure.of(group.opportunity_ratio, decimals=2)
            rows.append(
                (
                    name,
                    group.n,
                    gap if group.approval_rate is None else share(group.approval_rate),
                    gap if group.opportunity is None else share(group.opportunity),
                    "reference" if group.is_reference else ratio,
                    gap if group.auc is None else measure_or_gap(group.auc, decimals=2),
                )
            )
    if not rows:
        return ()
    columns = ("Group", "Loans", "Approved", "Approved of those who repaid", "Ratio to the reference", "AUC")
    caption = "Equal opportunity and ranking by group, 95 % interval below each value"
    return (DataTable(caption=caption, columns=columns, rows=tuple(rows)),)


def _calibration_gap(results: tuple[GroupFairness, ...], context: ReportContext) -> tuple[LimitTable, ...]:
    limit = context.limits.get("Calibration gap")
    rows = tuple(
        LimitRow(_group_name(result, group), Measure.of(group.calibration, unit="points"), limit, group.n)
        for result in results
        for group in result.groups
        if group.calibration is not None
    )[:_MOST_GROUPS]
    if not rows:
        return ()
    clear = tuple(row.name for row in rows if (row.measure.low or 0.0) > 0 or (row.measure.high or 0.0) < 0)
    return (
        LimitTable(
            title=gap_title(clear),
            caption="Observed minus predicted default rate by group, 95 % interval. Above zero the group’s risk is "
            "underestimated.",
            quantity="Gap (points)",
            label="Group",
            rows=rows,
        ),
    )


def gap_title(clear: tuple[str, ...]) -> str:
    """Return for which groups prediction and outcome certainly differ.

    Examples
    --------
    >>> gap_title(())
    'No group’s gap between observed and predicted rate can be told apart from zero'
    """
    if not clear:
        return "No group’s gap between observed and predicted rate can be told apart from zero"
    return first_that_fits(
        f"Observed and predicted rates differ for {list_text(clear)}",
        f"Observed and predicted rates differ for {len(clear)} groups",
    )


def _group_name(result: GroupFairness, group: GroupOutcome) -> str:
    return f"{label_of(result.column)}: {group.group}" if result.column else group.group
