"""What remains wrong when a person reads the images the model is least sure of."""

import numpy as np

from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import capital, measure_or_gap, percent
from appkit.reporting.facts import (
    Axis,
    Block,
    Cell,
    Curve,
    CurveFigure,
    CurvePoint,
    DataTable,
    NotFilled,
    Tile,
    Verdict,
    WarningBox,
    verdict,
)
from appkit.reporting.numbers import count_text, value_text
from appkit.reporting.words import settle_phrase
from domains.medical.prediction import (
    ReferralCurve,
    ReferralOutcome,
    ReferralRule,
    distance_uncertainty,
    referral_curve,
    referral_outcome,
    referral_threshold,
)
from domains.medical.report.label_sets import sets_block
from domains.medical.report.points import threshold_text, validation_gap
from domains.medical.report.shares import counted, interval_words, share_cell

__all__ = ["referral_finding", "referral_section"]

_N_RESAMPLES = 400
_TWIN_STEP = 2
_TOLD_SHARE = 0.2  # referred, of which the finding speaks
_EASED = 0.5  # of the validation error that is to remain where a person reads the rest


def referral_section(context: ReportContext) -> DomainSection:
    """Return the referral curve, the rule chosen on validation, and prediction sets.

    Limits are read by the names ``"Referred"``, ``"Error of images kept"`` and ``"Set coverage"``.
    """
    rule = _rule(context)
    outcome = None
    if isinstance(rule, ReferralRule):
        outcome = referral_outcome(rule, context.events, context.output, groups=context.units)
    blocks: tuple[Block, ...] = (
        _curve(context, outcome),
        rule if isinstance(rule, NotFilled) else _rule_block(context, rule, outcome),
        sets_block(context),
    )
    return DomainSection(
        key="referral",
        title="Refer to a person",
        question=f"Which {context.words['rows']} should a person read, and how right is the model on those it keeps?",
        blocks=blocks,
        tiles=(_tile(context, rule, outcome),),
        after="subgroups",
    )


def referral_finding(everyone: Estimate, kept: Estimate, referred: Estimate, *, share: float, rows: str) -> str:
    """Return what referring a share of the least certain does to the error.

    Parameters
    ----------
    everyone, kept, referred
        Share of wrong decisions among all images, those kept and those referred. The last two share no image, so that
        the interval of their difference is that of both (Zou and Donner, 2008).
    share, rows
        What is referred.

    Examples
    --------
    >>> wrong = lambda value, low, high: Estimate("Error", value, low, high, method="exact", n=400)
    >>> shares = wrong(0.20, 0.17, 0.23), wrong(0.08, 0.05, 0.12), wrong(0.68, 0.60, 0.75)
    >>> referral_finding(*shares, share=0.2, rows="images")
    'With 20 % referred, 8 % of decisions kept are wrong, against 20 % of all'
    >>> shares = wrong(0.20, 0.17, 0.23), wrong(0.19, 0.15, 0.24), wrong(0.24, 0.18, 0.33)
    >>> referral_finding(*shares, share=0.2, rows="images")
    'Referring 20 % of images cannot be told to make decisions better'
    """
    if everyone.value == 0:
        return f"No decision is wrong, and none of the {rows} need be referred"
    gap = referred.value - kept.value - np.hypot(referred.value - referred.low, kept.high - kept.value)
    if not np.isfinite(gap):
        return f"What referring {rows} does to errors cannot be told from so few"
    if gap > 0:
        return (
            f"With {percent(share)} referred, {percent(kept.value)} of decisions kept are wrong, against "
            f"{percent(everyone.value)} of all"
        )
    return f"Referring {percent(share)} of {rows} cannot be told to make decisions better"


def _rule(context: ReportContext) -> ReferralRule | NotFilled:
    item, threshold = "Rule of referral", float(context.threshold or 0.0)
    gap = validation_gap(context, item=item)
    if gap is not None:
        return gap
    if not 0 < threshold < 1:
        why = f"At a threshold of {threshold:g} no image is nearer to it than another"
        return NotFilled(item=item, why=why, argument="threshold=")
    assert context.validation is not None
    assert context.validation_events is not None
    output = context.validation.output
    error = float(((output >= threshold) != context.validation_events).mean())
    if error == 0:
        why = f"No decision is wrong on {counted(len(context.validation), 'validation image')}: nothing to refer for"
        return NotFilled(item=item, why=why, fill="more validation images")
    return referral_threshold(
        context.validation_events,
        output,
        threshold=threshold,
        wanted_error=_EASED * error,
        groups=context.validation.units,
    )


def _curve(context: ReportContext, outcome: ReferralOutcome | None) -> Block:
    words, threshold = context.words, float(context.threshold or 0.0)
    if not 0 < threshold < 1:
        why = f"At a threshold of {threshold:g} no image is nearer to it than another"
        return NotFilled(item="Curve of referral", why=why, argument="threshold=")
    found = referral_curve(
        context.events,
        context.output,
        threshold=threshold,
        groups=context.units,
        n_resamples=_N_RESAMPLES,
        random_state=context.random_state,
    )
    drawn = "images" if context.units is None else words["groups"]
    return CurveFigure(
        key="referral-curve",
        finding=referral_finding(*_errors_when_referring(context, threshold), share=_TOLD_SHARE, rows=words["rows"]),
        caption=f"{count_text(context.n)} {words['rows']}, decisions at {threshold_text(threshold)}. The least certain "
        f"are handed over first: those nearest to the threshold in log-odds. Band: 95 % interval from {_N_RESAMPLES} "
        f"resamples of {drawn}, each with its own order."
        + ("" if outcome is None else " Dot: the rule chosen on validation, measured here."),
        how_to_read="Read off what share of decisions kept by the model is wrong when so many go to a person. "
        "A curve that does not fall means the model does not know where it errs.",
        x_axis=Axis(f"{capital(words['rows'])} referred to a person", "%", 0.0, 1.0),
        y_axis=Axis("Wrong among decisions kept", "%", 0.0),
        curves=(_error_curve(found),),
        point=None if outcome is None else _point(outcome),
        reference=(0.0, found.error[0].value, 1.0, found.error[0].value) if found.error[0].value > 0 else None,
        reference_label="if doubt told nothing",
        twin=_twin(context, found),
    )


def _errors_when_referring(context: ReportContext, threshold: float) -> tuple[Estimate, Estimate, Estimate]:
    """Return the share of wrong decisions among all, and among those kept and referred at the share told of."""
    wrong = (context.output >= threshold) != context.events
    order = np.argsort(distance_uncertainty(context.output, threshold=threshold), kind="stable")
    is_kept = np.zeros(context.n, dtype=bool)
    is_kept[order[: round((1 - _TOLD_SHARE) * context.n)]] = True
    everyone, kept, referred = (
        exact_share("Error", wrong[rows], groups=None if context.units is None else context.units[rows])
        for rows in (np.ones(context.n, dtype=bool), is_kept, ~is_kept)
    )
    return everyone, kept, referred


def _error_curve(found: ReferralCurve) -> Curve:
    known = [place for place, one in enumerate(found.error) if np.isfinite(one.value)]
    errors = [found.error[place] for place in known]
    has_band = all(np.isfinite([one.low, one.high]).all() for one in errors)
    x = tuple(float(found.share_referred[place]) for place in known)
    return Curve(
        "This model",
        x,
        tuple(one.value for one in errors),
        tuple(min(one.low, one.value) for one in errors) if has_band else None,
        tuple(max(one.high, one.value) for one in errors) if has_band else None,
    )


def _point(outcome: ReferralOutcome) -> CurvePoint | None:
    across, up = share_cell(outcome.referred), share_cell(outcome.error)
    if isinstance(across, NotFilled) or isinstance(up, NotFilled):
        return None
    return CurvePoint("Rule from validation", across, up)


def _twin(context: ReportContext, found: ReferralCurve) -> DataTable:
    rows = tuple(
        (
            percent(float(found.share_referred[place])),
            share_cell(found.error[place]),
            share_cell(found.sensitivity[place]),
            share_cell(found.specificity[place]),
        )
        for place in range(0, len(found.error), _TWIN_STEP)
    )
    return DataTable(
        caption=f"Among {context.words['rows']} kept, 95 % interval below each value",
        columns=("Referred", "Wrong", "Sensitivity", "Specificity"),
        rows=rows,
    )


def _rule_block(context: ReportContext, rule: ReferralRule, outcome: ReferralOutcome | None) -> Block:
    assert outcome is not None
    words = context.words
    if rule.share_referred >= 1:
        return WarningBox(
            level="open",
            finding="No rule of referral reaches the error wanted",
            text=f"However many {words['rows']} are referred, more than {percent(rule.wanted_error)} of the decisions "
            "kept are wrong on validation, which is half of what is wrong there without a rule: all would go to a "
            "person.",
        )
    kept_limit, sent_limit = context.limits.get("Error of images kept"), context.limits.get("Referred")
    rows: list[tuple[Cell, ...]] = []
    for name, estimate, on_validation, limit in (
        (f"{capital(words['rows'])} referred", outcome.referred, percent(rule.share_referred), sent_limit),
        ("Wrong among decisions kept", outcome.error, _shown(rule.error), kept_limit),
        ("Sensitivity among those kept", outcome.sensitivity, "not told", None),
        ("Specificity among those kept", outcome.specificity, "not told", None),
    ):
        cell = share_cell(estimate)
        decided = Verdict("unfilled", "not filled") if isinstance(cell, NotFilled) else verdict(cell, limit)
        rows.append((name, on_validation, cell, decided))
    return DataTable(
        title=f"The rule refers {percent(outcome.referred.value)} of {words['rows']} here, "
        f"{percent(rule.share_referred)} on validation",
        caption=f"The rule keeps as many {words['rows']} as it can while at most {percent(rule.wanted_error)} of the "
        f"decisions kept are wrong on validation, half of what is wrong there without it. Here it is only measured; "
        f"{interval_words(context)} below each value",
        columns=("Figure", "On validation, where it was chosen", "Here", "Verdict"),
        rows=tuple(rows),
    )


def _shown(estimate: Estimate) -> str:
    return percent(estimate.value) if np.isfinite(estimate.value) else "none kept"


def _tile(context: ReportContext, rule: ReferralRule | NotFilled, outcome: ReferralOutcome | None) -> Tile | NotFilled:
    name, words = "Referred to a person", context.words
    if isinstance(rule, NotFilled):
        return NotFilled(item=name, why=rule.why, fill=rule.fill, argument=rule.argument)
    assert outcome is not None
    measure, error = measure_or_gap(outcome.referred, unit="%"), measure_or_gap(outcome.error, unit="%")
    if isinstance(measure, NotFilled):
        return measure
    limit = context.limits.get("Referred")
    if limit is not None and verdict(measure, limit).status == "open":
        return Tile(
            name=name,
            measure=measure,
            limit=limit,
            sentence=settle_phrase(measure, limit, n=context.n, rows=words["rows"]),
        )
    wrong = (
        "no decision is kept"
        if isinstance(error, NotFilled)
        else f"{value_text(error)} of the decisions kept are wrong"
    )
    sentence = f"By a rule from validation; {wrong}."
    return Tile(name=name, measure=measure, limit=limit, sentence=sentence)
