"""Grades of the master scale against what came, and the ranking as validators quote it."""

from appkit.prediction import Estimate
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import first_that_fits, measure_or_gap
from appkit.reporting.facts import (
    Cell,
    DataTable,
    Grade,
    GradeTable,
    Measure,
    verdict,
)
from appkit.reporting.numbers import count_text, limit_text, long_text, number_text, value_text
from appkit.reporting.words import list_text, share_phrase
from domains.finance.prediction import gini, ks
from domains.finance.scale import GradeCalibration, MasterScale, ScaleCalibration, calibration_by_grade

__all__ = ["grades_section", "grades_title", "share"]

_GRADE_LEVEL = 0.025  # one-sided on either side: the verdict and the 95 % interval drawn then agree
_JEFFREYS = "Jeffreys test as in the ECB’s instructions for validation reporting, 2019"


def grades_section(context: ReportContext) -> DomainSection:
    scale = getattr(context.model, "master_scale", None) or MasterScale()
    result = calibration_by_grade(context.events, context.output, scale=scale, alpha=_GRADE_LEVEL)
    filled = tuple(grade for grade in result.grades if grade.n)
    empty = tuple(grade.name for grade in result.grades if not grade.n)
    nobody = f" No loan is in {'grade' if len(empty) == 1 else 'grades'} {list_text(empty)}." if empty else ""
    table = GradeTable(
        title=grades_title(result),
        caption="Dot and bar: observed default rate with its 95 % Jeffreys interval. Upright stroke: mean predicted "
        f"rate. {_JEFFREYS}: a grade holds if the predicted rate lies inside. "
        f"Portfolio: {_portfolio_words(result)}.{nobody}",
        grades=tuple(
            Grade(
                grade.name,
                _range_words(*scale.bounds(grade.name)),
                grade.n,
                grade.n_events,
                grade.predicted,
                share(grade.observed),
            )
            for grade in filled
            if grade.observed is not None
        ),
        how_to_read=_reading(filled),
    )
    return DomainSection(key="performance", title="Performance", question="", blocks=(_credit_measures(context), table))


def grades_title(result: ScaleCalibration) -> str:
    """Return what the grades support."""
    filled = [grade for grade in result.grades if grade.n]
    missing = [grade.name for grade in filled if grade.verdict != "holds"]
    if not missing:
        return f"Observed default rates hold in {share_phrase(len(filled), len(filled), 'grades')}"
    under = [grade.name for grade in filled if grade.verdict == "underestimated"]
    over = [grade.name for grade in filled if grade.verdict == "overestimated"]
    parts = [
        f"{how} in {'grade' if len(names) == 1 else 'grades'} {list_text(tuple(names))}"
        for how, names in (("underestimated", under), ("overestimated", over))
        if names
    ]
    n_holding = len(filled) - len(missing)
    holding = share_phrase(n_holding, len(filled), "grades")
    return first_that_fits(
        f"Risk is {' and '.join(parts)}{f', and holds in {holding}' if n_holding else '; no grade holds'}",
        f"Predicted rates miss in {share_phrase(len(missing), len(filled), 'grades')}",
    )


def _reading(filled: tuple[GradeCalibration, ...]) -> str:
    expected = number_text(2 * _GRADE_LEVEL * len(filled), 1)
    level = value_text(Measure(_GRADE_LEVEL, unit="%", decimals=1))
    return (
        "A stroke inside the bar is a grade whose predicted rate came true. The portfolio is tested first; where it "
        f"holds, a single failing grade may be chance: of {count_text(len(filled))} grades that are right, {expected} "
        f"are expected to fail, {level} on either side."
    )


def _portfolio_words(result: ScaleCalibration) -> str:
    whole = result.portfolio
    assert whole.observed is not None
    predicted = value_text(Measure(whole.predicted, unit="%", decimals=1))
    shown = long_text(share(whole.observed))
    return f"{predicted} predicted, {shown} observed, {whole.verdict}, n = {count_text(whole.n)}"


def _credit_measures(context: ReportContext) -> DataTable:
    weighting = {"sample_weight": context.sample_weight}
    found = (
        gini(context.events, context.output, **weighting),
        ks(context.events, context.output, random_state=context.random_state, **weighting),
    )
    rows: list[tuple[Cell, ...]] = []
    for estimate in found:
        measure = measure_or_gap(estimate, decimals=3)
        limit = context.limits.get(estimate.name)
        like = measure if isinstance(measure, Measure) else Measure.exact(0.0)
        rows.append(
            (
                estimate.name,
                measure,
                limit_text(limit, like) if limit else "none",
                verdict(like, limit),
                estimate.method,
            )
        )
    return DataTable(
        caption="Ranking as credit validators quote it, 95 % interval below each value",
        columns=("Measure", "Value", "Limit", "Verdict", "Interval"),
        rows=tuple(rows),
    )


def share(estimate: Estimate) -> Measure:
    """Return a share of rows as printed: in percent, one decimal."""
    return Measure.of(estimate, unit="%", decimals=1)


def _range_words(low: float, high: float) -> str:
    ends = tuple(number_text(100 * end, 0 if abs(100 * end - round(100 * end)) < 1e-9 else 1) for end in (low, high))
    if low == 0:
        return f"under {ends[1]}"
    return f"{ends[0]} and over" if high == 1 else f"{ends[0]} to {ends[1]}"
