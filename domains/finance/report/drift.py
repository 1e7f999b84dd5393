"""Are today’s applicants still those the model learned from: drift of score and columns, vintages."""

from appkit.prediction import Estimate
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import first_that_fits, label_of, measure_or_gap
from appkit.reporting.facts import (
    Axis,
    Bar,
    BarRows,
    Block,
    DataTable,
    HistoryFigure,
    Limit,
    LimitRow,
    LimitTable,
    Measure,
    NotFilled,
    Period,
    Tile,
    WarningBox,
    verdict,
)
from appkit.reporting.numbers import count_text, limit_text, long_text
from appkit.reporting.words import list_text, settle_phrase, share_phrase
from domains.finance.report.grades import share
from domains.finance.stability import psi, psi_by_column, psi_by_period, vintages

__all__ = ["drift_section", "drift_title", "history_finding", "moved_finding"]

_MOST_BARS = 10
_MOST_PERIODS = 12


def drift_section(context: ReportContext) -> DomainSection:
    question = "Are today’s applicants still those the model learned from?"
    if context.reference is None:
        gap = NotFilled(item="Drift against training", why="No training rows were given", argument="reference=")
        return DomainSection(
            key="stability", title="Stability", question=question, blocks=(gap,), tiles=(gap,), after="performance"
        )
    assert context.reference_output is not None
    limit = context.limits.get("PSI")
    score = psi(context.reference_output, context.output, name="PSI of the score")
    columns = psi_by_column(context.reference, context.X)
    measure = Measure.of(score, decimals=2)
    against = f"{count_text(len(context.reference))} training loans"
    blocks: list[Block] = list(_drift_boxes(columns, limit))
    blocks.append(
        LimitTable(
            title=drift_title(measure, limit),
            caption=f"Population stability index of the predicted probability against {against}, 95 % interval.",
            quantity="PSI",
            label="What",
            rows=(LimitRow("Score, all loans", measure, limit, context.n),),
            how_to_read="0 means applicants score as they did in training. Two samples of one population never show "
            "exactly 0, so read the interval: it starts at 0 where no drift can be told.",
        )
    )
    if columns:
        blocks.append(_column_drift(columns, limit, against=against))
    blocks.extend(_history(context, limit))
    tile = Tile(
        name="Drift of the score (PSI)",
        measure=measure,
        limit=limit,
        sentence=(settle_phrase(measure, limit, n=context.n, rows="loans") if limit else "")
        or f"Against {against}; 0 means applicants score as they did then.",
    )
    return DomainSection(
        key="stability",
        title="Stability",
        question=question,
        blocks=tuple(blocks),
        tiles=(tile,),
        after="performance",
    )


def drift_title(score: Measure, limit: Limit | None) -> str:
    """Return whether the score has drifted, by where the interval lies.

    Examples
    --------
    >>> drift_title(Measure(0.02, 0.0, 0.05), Limit(high=0.1))
    'No drift of the score can be told, and it is inside its limit'
    >>> drift_title(Measure(0.2, 0.15, 0.25), Limit(high=0.1))
    'The score has drifted past its limit'
    """
    has_moved = (score.low or 0.0) > 0
    status = verdict(score, limit).status
    if limit is None:
        return "The score has drifted; no limit was set" if has_moved else "No drift of the score can be told"
    moved = "The score has drifted" if has_moved else "No drift of the score can be told"
    if status == "fail":
        return "The score has drifted past its limit"
    if status == "pass":
        return f"{moved}, and it is inside its limit"
    return f"{moved}, and whether it is inside its limit is not settled"


def _drift_boxes(columns: tuple[Estimate, ...], limit: Limit | None) -> tuple[WarningBox, ...]:
    failing = [column for column in columns if verdict(Measure.of(column, decimals=2), limit).status == "fail"]
    if not failing or limit is None:
        return ()
    first = Measure.of(failing[0], decimals=2)
    names = tuple(label_of(column.name) for column in failing)
    finding = (
        f"{names[0]} has shifted past its limit"
        if len(names) == 1
        else f"{count_text(len(names))} columns have shifted past their limit"
    )
    text = f"{list_text(names[:5])}: PSI up to {long_text(first)}, limit {limit_text(limit, first)}. Check how "
    return (WarningBox(level="fail", finding=finding, text=text + "the columns are filled before the next release."),)


def _column_drift(columns: tuple[Estimate, ...], limit: Limit | None, *, against: str) -> BarRows:
    shown = columns[:_MOST_BARS]
    moved = tuple(label_of(column.name) for column in columns if column.low > 0)
    return BarRows(
        key="psi-columns",
        finding=moved_finding(moved, len(columns)),
        caption=f"Population stability index by column against {against}; the {len(shown)} largest of {len(columns)}. "
        "Whiskers: 95 % intervals.",
        axis=Axis("PSI"),
        bars=tuple(Bar(label_of(column.name), Measure.of(column, decimals=2)) for column in shown),
        limit=limit,
        n_total=len(columns),
    )


def moved_finding(moved: tuple[str, ...], n: int) -> str:
    """Return which columns certainly moved: those whose interval starts above zero.

    Examples
    --------
    >>> moved_finding((), 14), moved_finding(("Enquiries",), 14)
    ('None of 14 columns can be said to have moved', 'One of 14 columns moved: Enquiries')
    """
    if not moved:
        return f"None of {n} columns can be said to have moved"
    if len(moved) == 1:
        return first_that_fits(f"One of {n} columns moved: {moved[0]}", f"One of {n} columns moved")
    return first_that_fits(
        f"{len(moved)} of {n} columns moved: {list_text(moved)}",
        f"{len(moved)} of {n} columns moved, {moved[0]} most",
        f"{len(moved)} of {n} columns moved",
    )


def _history(context: ReportContext, limit: Limit | None) -> tuple[Block, ...]:
    if context.dates is None:
        return (NotFilled(item="Drift and vintages by quarter", why="No dates were given", argument="dates="),)
    assert context.reference_output is not None
    drift = psi_by_period(context.reference_output, context.output, context.dates)[-_MOST_PERIODS:]
    history = HistoryFigure(
        key="psi-history",
        finding=history_finding(tuple(Measure.of(period, decimals=2) for period in drift), limit),
        caption="Population stability index of the score by quarter, against training. Bars: 95 % intervals.",
        y_axis=Axis("PSI of the score"),
        periods=tuple(
            Period(period.name[4:], Measure.of(period, decimals=2), period.name[:4], period.n) for period in drift
        ),
        limit=limit,
    )
    return (history, _vintages(context))


def history_finding(periods: tuple[Measure, ...], limit: Limit | None) -> str:
    """Return in how many periods drift can be told, and how the last stands to the limit."""
    moved = sum(1 for period in periods if (period.low or 0.0) > 0)
    text = f"Drift can be told in {share_phrase(moved, len(periods), 'quarters')}"
    if limit is None:
        return text
    status = verdict(periods[-1], limit).status
    ends = {"pass": "the last is inside the limit", "fail": "the last is past the limit"}
    return f"{text}; {ends.get(status, 'whether the last is inside the limit is not settled')}"


def _vintages(context: ReportContext) -> DataTable:
    found = vintages(context.dates, context.events, context.output)[-_MOST_PERIODS:]
    inside = sum(1 for vintage in found if vintage.observed.low <= vintage.predicted <= vintage.observed.high)
    gap = NotFilled(item="AUC of a vintage", why="Only one outcome occurred")
    rows = tuple(
        (
            vintage.period,
            vintage.n,
            vintage.n_events,
            Measure(vintage.predicted, unit="%", decimals=1),
            share(vintage.observed),
            gap if vintage.auc is None else measure_or_gap(vintage.auc, decimals=3),
        )
        for vintage in found
    )
    return DataTable(
        title=f"Predicted default rates lie inside the interval in {share_phrase(inside, len(found), 'vintages')}",
        caption="Vintages by quarter of the date, 95 % interval below each value",
        columns=("Quarter", "Loans", "Defaults", "Predicted", "Observed", "AUC"),
        rows=rows,
    )
