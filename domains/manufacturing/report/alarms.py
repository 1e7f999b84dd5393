"""What alarms would have done: how early they come, how many a crew gets, and what they cost by threshold."""

import math
from dataclasses import replace

import numpy as np

from appkit.prediction import Estimate
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.facts import (
    Axis,
    Block,
    Cell,
    Curve,
    CurveFigure,
    CurvePoint,
    DataTable,
    Measure,
    NotFilled,
    Tile,
)
from appkit.reporting.numbers import count_text, value_text
from appkit.reporting.words import settle_phrase
from domains.manufacturing.prediction.alarm_budget import alarms_per_month
from domains.manufacturing.prediction.alarm_costs import cost_per_unit
from domains.manufacturing.prediction.alarms import (
    AlarmPolicy,
    alarm_precision,
    alarm_recall,
    lead_time_curve,
    median_lead_time,
)
from domains.manufacturing.report.alarm_cost import cost_block
from domains.manufacturing.report.alarm_words import (
    axis_unit,
    in_unit,
    month_of,
    round_time,
    rule_text,
    threshold_axis,
    threshold_text,
    time_text,
)
from domains.manufacturing.report.record import Record, time_unit
from domains.manufacturing.report.watched import Watched, alarm_costs, plain_policies, point_label, policy_in_force

__all__ = ["alarms_section", "lead_finding"]

_N_LEADS = 26
_N_THRESHOLDS = 41
_MOST_LOAD = 5.0  # times the alarms at the threshold looked at: more sensitive ones are not drawn


def alarms_section(context: ReportContext, record: Record) -> DomainSection:
    """Return lead times, the load on the crew and costs of alarms; limits ``"Alarm recall"``, ``"Alarm precision"``."""
    watched = Watched.of(record)
    words = context.words
    if watched is None:
        why = f"No {words['group']} was watched until it failed"
        gap = NotFilled(item="Alarms", why=why, fill="readings and labels up to failures", argument="y=")
        return _section(context, (gap,))
    chosen, how = policy_in_force(context, watched)
    policies = [chosen] if chosen is not None else plain_policies(watched)
    blocks = (
        _lead_figure(context, watched, policies, how=how),
        _load_figure(context, watched, policies),
        _table(context, watched, policies),
        cost_block(context, watched, chosen),
    )
    return _section(context, blocks, tiles=_tiles(context, watched, chosen))


def lead_finding(found: int, failures: int, *, lead: str, machines: str, threshold: str = "") -> str:
    """Return how many failures had an alarm early enough.

    Examples
    --------
    >>> lead_finding(9, 12, lead="10 hours", machines="pumps")
    'Alarms find 9 of 12 failing pumps at least 10 hours ahead'
    >>> lead_finding(9, 12, lead="10 hours", machines="pumps", threshold="20 hours")
    'An alarm at 20 hours finds 9 of 12 failing pumps at least 10 hours ahead'
    """
    alarms = f"An alarm at {threshold} finds" if threshold else "Alarms find"
    return f"{alarms} {count_text(found)} of {count_text(failures)} failing {machines} at least {lead} ahead"


def _section(
    context: ReportContext, blocks: tuple[Block, ...], *, tiles: tuple[Tile | NotFilled, ...] = ()
) -> DomainSection:
    return DomainSection(
        key="alarms",
        title="Alarms",
        question="How early do alarms come, how many are there, and what do they cost?",
        blocks=blocks,
        tiles=tiles,
        after="fleet" if context.subject.is_probability else "prognostics",
    )


def _lead_figure(
    context: ReportContext, watched: Watched, policies: list[AlarmPolicy], *, how: str
) -> CurveFigure | NotFilled:
    words, unit = context.words, time_unit(context)
    leads = np.linspace(0.0, 0.8 * watched.within, _N_LEADS)
    curves: list[Curve] = []
    for policy in policies:
        found = lead_time_curve(
            watched.truth, watched.output, policy, **watched.moments, lead_times=leads, longest=watched.within
        )
        shown = threshold_text(context, policy.threshold)
        name = "Failures found" if len(policies) == 1 else f"Alarm at {shown}"
        curves += _as_curves(name, leads, found.recall)
        if len(policies) == 1:
            curves += _as_curves("Alarms that were right", leads, found.precision)
    if not curves:
        why = f"No {words['group']} was watched long enough before its failure"
        return NotFilled(item="Failures found by lead time", why=why, fill="longer records")
    middle = policies[len(policies) // 2]
    asked = round_time(0.25 * watched.within if len(policies) == 1 else 0.5 * middle.threshold)
    ahead = watched.outcomes(middle)
    n_found = int(((ahead.outcome == "detected") & (ahead.lead_times >= asked)).sum())
    within = time_text(watched.within, unit)
    quiet = f", {count_text(watched.n_quiet)} not seen to fail" if watched.n_quiet else ""
    left_out = (
        f" Left out: {count_text(watched.n_left_out)} {words['groups']} whose readings end before their failure."
        if watched.n_left_out
        else ""
    )
    at = threshold_text(context, middle.threshold)
    rule = f"An alarm sounds at {rule_text(context, middle)}{f', {how}' if how else ''}."
    several = "Dashed and dotted: other thresholds; none was chosen."
    return CurveFigure(
        key="alarm-lead",
        finding=lead_finding(
            n_found,
            watched.n_failed,
            lead=time_text(asked, unit),
            machines=words["groups"],
            threshold="" if len(policies) == 1 else at,
        ),
        caption=f"{count_text(watched.n_failed)} {words['groups']} that failed{quiet}; the first alarm of each counts, "
        f"and is right if the failure follows within {within}. {rule if len(policies) == 1 else several} "
        f"Bands: 95 % Clopper-Pearson intervals.{left_out}",
        x_axis=Axis(f"Warning at least this long before the failure{in_unit(unit)}", unit),
        y_axis=Axis("Share of failures" if len(policies) > 1 else "Share", "%", 0.0, 1.0),
        curves=tuple(curves),
        how_to_read="A point says what share of failures had an alarm at least so long ahead. "
        "Where two bands overlap, the curves cannot be told apart.",
    )


def _load_figure(context: ReportContext, watched: Watched, policies: list[AlarmPolicy]) -> CurveFigure | NotFilled:
    """Return alarms per machine and month by threshold."""
    month, span = month_of(context)
    thresholds = (
        np.linspace(0.0, 1.0, _N_THRESHOLDS) if watched.on == "risk" else np.linspace(0, watched.within, _N_THRESHOLDS)
    )
    rates = [_rate(watched, AlarmPolicy(float(at), on=watched.on), month) for at in thresholds]
    middle = policies[len(policies) // 2]
    here = measure_or_gap(_rate(watched, middle, month))
    # where alarms sound at the first reading their rate has no bound and would flatten all that matters
    most = _MOST_LOAD * here.value if isinstance(here, Measure) and here.value > 0 else math.inf
    known = [
        (float(at), rate)
        for at, rate in zip(thresholds, rates, strict=True)
        if _has_interval(rate) and rate.value <= most
    ]
    if len(known) < 2:
        return NotFilled(item="Alarms per machine and month", why="No time in service, or one machine only")
    at = threshold_text(context, middle.threshold)
    words = context.words
    shown = f"{value_text(here)} alarms" if isinstance(here, Measure) else "an unknown number of alarms"
    point = (
        CurvePoint(point_label(watched), Measure.exact(middle.threshold, unit=axis_unit(context)), here)
        if len(policies) == 1 and isinstance(here, Measure)
        else None
    )
    return CurveFigure(
        key="alarm-load",
        finding=f"At {at} the crew gets {shown} per {words['group']} and {span}",
        caption=f"First alarms by threshold, per {words['group']} and {span} in service: from its first reading to its "
        f"alarm or its last reading. Band: 95 % interval from redrawing whole {words['groups']}."
        + ("" if len(known) == len(thresholds) else " Thresholds that sound almost at once are not drawn."),
        x_axis=threshold_axis(context),
        y_axis=Axis(f"Alarms per {words['group']} and {span}", low=0.0),
        curves=(
            Curve(
                "This model",
                tuple(at for at, _ in known),
                tuple(rate.value for _, rate in known),
                tuple(rate.low for _, rate in known),
                tuple(rate.high for _, rate in known),
            ),
        ),
        point=point,
        how_to_read="Every point is a possible threshold. Choose the most sensitive one whose alarms the crew can see "
        "to.",
    )


def _table(context: ReportContext, watched: Watched, policies: list[AlarmPolicy]) -> DataTable:
    month, span = month_of(context)
    costs, unit, words = alarm_costs(context), time_unit(context), context.words
    rows: list[tuple[Cell, ...]] = []
    for policy in policies:
        outcomes = watched.outcomes(policy)
        cells: tuple[Cell, ...] = (
            threshold_text(context, policy.threshold),
            measure_or_gap(alarm_recall(outcomes), unit="%", decimals=0),
            measure_or_gap(alarm_precision(outcomes), unit="%", decimals=0),
            measure_or_gap(median_lead_time(outcomes, random_state=context.random_state)),
            measure_or_gap(_rate(watched, policy, month)),
        )
        if costs is not None:
            cost = cost_per_unit(outcomes, costs, lead=watched.lead, random_state=context.random_state)
            cells += (measure_or_gap(cost, unit=costs.currency),)
        rows.append(cells)
    return DataTable(
        caption=f"Alarms by threshold on {words['value'] if watched.on != 'risk' else 'the probability'}; right means "
        f"that the failure follows within {time_text(watched.within, unit)}. 95 % interval below each value",
        columns=(
            "Alarm at",
            "Failures found",
            "Alarms that were right",
            f"Median warning{in_unit(unit)}",
            f"Alarms per {words['group']} and {span}",
            *([f"Cost per {words['group']}{in_unit(costs.currency)}"] if costs is not None else []),
        ),
        rows=tuple(rows),
    )


def _tiles(context: ReportContext, watched: Watched, chosen: AlarmPolicy | None) -> tuple[Tile | NotFilled, ...]:
    limits = {name: context.limits.get(name) for name in ("Alarm recall", "Alarm precision")}
    if chosen is None:
        return ()
    outcomes = watched.outcomes(chosen)
    words, within = context.words, time_text(watched.within, time_unit(context))
    tiles: list[Tile | NotFilled] = []
    for name, title, estimate, sentence in (
        ("Alarm recall", "Failures found by an alarm", alarm_recall(outcomes), f"Found means at most {within} ahead."),
        ("Alarm precision", "Alarms that were right", alarm_precision(outcomes), f"Right: failure within {within}."),
    ):
        measure, limit = measure_or_gap(estimate, unit="%", decimals=0), limits[name]
        if isinstance(measure, NotFilled):
            tiles.append(replace(measure, item=title))
            continue
        settle = settle_phrase(measure, limit, n=estimate.n, rows=words["groups"]) if limit else ""
        tiles.append(Tile(name=title, measure=measure, limit=limit, sentence=settle or sentence))
    return tuple(tiles)


def _as_curves(name: str, leads: np.ndarray, estimates: tuple[Estimate, ...]) -> list[Curve]:
    """Return the curve up to the longest warning that some failure was watched for."""
    known = [
        (float(lead), estimate) for lead, estimate in zip(leads, estimates, strict=True) if _has_interval(estimate)
    ]
    if len(known) < 2:
        return []
    x, found = zip(*known, strict=True)
    return [
        Curve(
            name,
            x,
            tuple(estimate.value for estimate in found),
            tuple(estimate.low for estimate in found),
            tuple(estimate.high for estimate in found),
        )
    ]


def _rate(watched: Watched, policy: AlarmPolicy, month: float) -> Estimate:
    return alarms_per_month(watched.outcomes(policy), month=month)


def _has_interval(estimate: Estimate) -> bool:
    return bool(np.isfinite([estimate.value, estimate.low, estimate.high]).all())
