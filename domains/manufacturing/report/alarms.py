"""What alarms would have done: how early they come, how many a crew gets, and what they cost by threshold."""

import math
from dataclasses import dataclass, replace
from typing import Any

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
from appkit.reporting.numbers import count_text, number_text, value_text
from appkit.reporting.words import settle_phrase
from domains.manufacturing.prediction.alarm_budget import alarms_per_month
from domains.manufacturing.prediction.alarm_costs import (
    AlarmCosts,
    CostCurve,
    cheapest_policy,
    cost_curve,
    cost_per_unit,
)
from domains.manufacturing.prediction.alarms import (
    AlarmOutcomes,
    AlarmPolicy,
    LeadTime,
    alarm_outcomes,
    alarm_precision,
    alarm_recall,
    lead_time_curve,
    median_lead_time,
)
from domains.manufacturing.prediction.monitoring import Quantity
from domains.manufacturing.report.record import Lives, Record, reference_record, time_unit

__all__ = ["Watched", "alarms_section", "cost_finding", "lead_finding"]

_N_LEADS = 26
_N_THRESHOLDS = 41
_N_COSTS = 40
_MONTHS = {"hours": 730.5, "days": 30.44, "minutes": 43_830.0, "seconds": 2_629_800.0, "weeks": 4.348, "months": 1.0}
_LONG = 100.0  # of any other unit: alarms are then counted in so much time in service
_MOST_LOAD = 5.0  # times the alarms at the threshold looked at: more sensitive ones are not drawn
_SHARES_OF_HORIZON = (0.1, 0.2, 0.4)


@dataclass(frozen=True, eq=False)
class Watched:
    """Outputs along the life of machines whose end is known and was watched, or that were not seen to fail.

    Parameters
    ----------
    truth
        Time to failure, NaN in the rows of machines not seen to fail, float64 ``(n_rows,)``.
    output, units, times
        Outputs, machine and time of each row, ``(n_rows,)``.
    on
        What the output is.
    within
        An alarm is right if the failure follows within this time.
    n_failed, n_quiet, n_left_out
        Machines watched until they failed, not seen to fail, and left out because their readings end before their
        failure.
    """

    truth: np.ndarray
    output: np.ndarray
    units: np.ndarray
    times: np.ndarray
    on: Quantity
    within: float
    n_failed: int
    n_quiet: int
    n_left_out: int

    @property
    def lead(self) -> LeadTime:
        """Which alarms help."""
        return LeadTime(0.0, self.within)

    @property
    def moments(self) -> dict[str, Any]:
        """Machine and time of each row, as functions of alarms take them."""
        return {"units": self.units, "times": self.times}

    def outcomes(self, policy: AlarmPolicy) -> AlarmOutcomes:
        """Return what becomes of each machine under a policy."""
        return alarm_outcomes(self.truth, self.output, policy, **self.moments, lead=self.lead)

    @classmethod
    def of(cls, record: Record, *, within: float | None = None) -> "Watched | None":
        """Return the machines that alarms can be judged on; ``None`` where none was watched until it failed."""
        lives = record.lives
        if isinstance(lives, NotFilled) or not lives.is_watched.any():
            return None
        series = record.series
        is_open = np.isnan(lives.ends)
        rows = np.flatnonzero((lives.is_watched | is_open)[series.unit_of_row])
        units = series.units_at(rows)
        return cls(
            truth=np.maximum(lives.ends[units] - series.time[rows], 0.0),
            output=record.output[rows],
            units=units,
            times=series.time[rows],
            on="risk" if record.subject.is_probability else "remaining life",
            within=_within(record, lives) if within is None else within,
            n_failed=int(lives.is_watched.sum()),
            n_quiet=int(is_open.sum()),
            n_left_out=int((~lives.is_watched & ~is_open).sum()),
        )


def alarms_section(context: ReportContext, record: Record) -> DomainSection:
    """Return lead times, the load on the crew and costs of alarms; limits ``"Alarm recall"``, ``"Alarm precision"``."""
    watched = Watched.of(record)
    words = context.words
    if watched is None:
        why = f"No {words['group']} was watched until it failed"
        gap = NotFilled(item="Alarms", why=why, fill="readings and labels up to failures", argument="y=")
        return _section(context, (gap,))
    chosen, how = _policy_in_force(context, watched)
    policies = [chosen] if chosen is not None else _plain_policies(watched)
    blocks = (
        _lead_figure(context, watched, policies, how=how),
        _load_figure(context, watched, policies),
        _table(context, watched, policies),
        _cost_block(context, watched, chosen),
    )
    return _section(context, blocks, tiles=_tiles(context, watched, chosen))


def lead_finding(found: int, failures: int, *, lead: str, machines: str) -> str:
    """Return how many failures had an alarm early enough.

    Examples
    --------
    >>> lead_finding(9, 12, lead="10 hours", machines="pumps")
    'Alarms find 9 of 12 failing pumps at least 10 hours ahead'
    """
    return f"Alarms find {count_text(found)} of {count_text(failures)} failing {machines} at least {lead} ahead"


def cost_finding(best: str, *, chosen: str = "", excess: Measure | None = None) -> str:
    """Return which threshold costs least; where another one was chosen elsewhere, how much dearer that is here.

    Examples
    --------
    >>> cost_finding("14 hours")
    'On these machines a threshold of 14 hours costs least, which flatters it'
    >>> cost_finding("14 hours", chosen="20 hours", excess=Measure(12.0, unit="EUR"))
    'The threshold chosen beforehand, 20 hours, costs EUR 12 a machine more than the least here'
    >>> cost_finding("14 hours", chosen="14 hours", excess=Measure(0.0, unit="EUR"))
    'The threshold chosen beforehand, 14 hours, costs least here too'
    """
    if excess is None:
        return f"On these machines a threshold of {best} costs least, which flatters it"
    if excess.value <= 0:
        return f"The threshold chosen beforehand, {chosen}, costs least here too"
    return f"The threshold chosen beforehand, {chosen}, costs {value_text(excess)} a machine more than the least here"


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


def _policy_in_force(context: ReportContext, watched: Watched) -> tuple[AlarmPolicy | None, str]:
    """Return the policy and how it was chosen, never on these machines; ``None`` where nothing says."""
    if watched.on == "risk":
        assert context.threshold is not None
        return AlarmPolicy(context.threshold), "the threshold in force"
    costs, reference = _alarm_costs(context), reference_record(context)
    if costs is None or reference is None:
        return None, ""
    seen = Watched.of(reference, within=watched.within)
    if seen is None:
        return None, ""
    policy = cheapest_policy(seen.truth, seen.output, costs, **seen.moments, lead=seen.lead, on=seen.on)
    if not math.isfinite(policy.threshold):
        return None, ""
    return policy, f"chosen by costs on {seen.n_failed + seen.n_quiet} {context.words['groups']} of the reference"


def _plain_policies(watched: Watched) -> list[AlarmPolicy]:
    """Return three thresholds to look at where nobody has chosen one: round shares of the time within which to warn."""
    thresholds = dict.fromkeys(_round(share * watched.within) for share in _SHARES_OF_HORIZON)
    return [AlarmPolicy(threshold, on=watched.on) for threshold in thresholds]


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
        shown = _threshold_text(context, policy.threshold)
        name = "Failures found" if len(policies) == 1 else f"Alarm at {shown}"
        curves += _as_curves(name, leads, found.recall)
        if len(policies) == 1:
            curves += _as_curves("Alarms that were right", leads, found.precision)
    if not curves:
        why = f"No {words['group']} was watched long enough before its failure"
        return NotFilled(item="Failures found by lead time", why=why, fill="longer records")
    middle = policies[len(policies) // 2]
    asked = _round(0.25 * watched.within)
    ahead = watched.outcomes(middle)
    n_found = int(((ahead.outcome == "detected") & (ahead.lead_times >= asked)).sum())
    within = _time_text(watched.within, unit)
    quiet = f", {count_text(watched.n_quiet)} not seen to fail" if watched.n_quiet else ""
    left_out = (
        f" Left out: {count_text(watched.n_left_out)} {words['groups']} whose readings end before their failure."
        if watched.n_left_out
        else ""
    )
    at = _threshold_text(context, middle.threshold)
    rule = f"An alarm sounds at {_rule_text(context, middle)}{f', {how}' if how else ''}."
    several = "Dashed and dotted: other thresholds; none was chosen."
    return CurveFigure(
        key="alarm-lead",
        finding=lead_finding(n_found, watched.n_failed, lead=_time_text(asked, unit), machines=words["groups"])
        + ("" if len(policies) == 1 else f" at {at}"),
        caption=f"{count_text(watched.n_failed)} {words['groups']} that failed{quiet}; the first alarm of each counts, "
        f"and is right if the failure follows within {within}. {rule if len(policies) == 1 else several} "
        f"Bands: 95 % Clopper-Pearson intervals.{left_out}",
        x_axis=Axis(f"Warning at least this long before the failure{_in(unit)}", unit),
        y_axis=Axis("Share of failures" if len(policies) > 1 else "Share", "%", 0.0, 1.0),
        curves=tuple(curves),
        how_to_read="A point says what share of failures had an alarm at least so long ahead. "
        "Where two bands overlap, the curves cannot be told apart.",
    )


def _load_figure(context: ReportContext, watched: Watched, policies: list[AlarmPolicy]) -> CurveFigure | NotFilled:
    """Return alarms per machine and month by threshold."""
    month, span = _month(context)
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
    at = _threshold_text(context, middle.threshold)
    words = context.words
    shown = f"{value_text(here)} alarms" if isinstance(here, Measure) else "an unknown number of alarms"
    point = (
        CurvePoint(_point_label(watched), Measure.exact(middle.threshold, unit=_axis_unit(context)), here)
        if len(policies) == 1 and isinstance(here, Measure)
        else None
    )
    return CurveFigure(
        key="alarm-load",
        finding=f"At {at} the crew gets {shown} per {words['group']} and {span}",
        caption=f"First alarms by threshold, per {words['group']} and {span} in service: from its first reading to its "
        f"alarm or its last reading. Band: 95 % interval from redrawing whole {words['groups']}."
        + ("" if len(known) == len(thresholds) else " Thresholds that sound almost at once are not drawn."),
        x_axis=_threshold_axis(context),
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
    month, span = _month(context)
    costs, unit, words = _alarm_costs(context), time_unit(context), context.words
    rows: list[tuple[Cell, ...]] = []
    for policy in policies:
        outcomes = watched.outcomes(policy)
        cells: tuple[Cell, ...] = (
            _threshold_text(context, policy.threshold),
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
        f"that the failure follows within {_time_text(watched.within, unit)}. 95 % interval below each value",
        columns=(
            "Alarm at",
            "Failures found",
            "Alarms that were right",
            f"Median warning{_in(unit)}",
            f"Alarms per {words['group']} and {span}",
            *([f"Cost per {words['group']}{_in(costs.currency)}"] if costs is not None else []),
        ),
        rows=tuple(rows),
    )


def _cost_block(context: ReportContext, watched: Watched, chosen: AlarmPolicy | None) -> CurveFigure | NotFilled:
    item, costs, words = "Cost of alarms by threshold", _alarm_costs(context), context.words
    if costs is None:
        fill = "Costs(missed_event=, false_alarm=)"
        return NotFilled(item=item, why="No costs were given", fill=fill, argument="costs=")
    curve = cost_curve(
        watched.truth,
        watched.output,
        costs,
        **watched.moments,
        lead=watched.lead,
        on=watched.on,
        n_points=_N_COSTS,
        random_state=context.random_state,
    )
    points = _drawn_points(curve)
    if len(points) < 2:
        return NotFilled(item=item, why="Outputs never change, so that there is one threshold only")
    best = _threshold_text(context, curve.best.threshold) if math.isfinite(curve.best.threshold) else "none at all"
    marked, excess = (chosen, _excess(watched, costs, chosen, curve)) if chosen is not None else (curve.best, None)
    optimism = (
        "The threshold marked was not chosen here."
        if chosen is not None
        else f"The least cost was found on these very {words['groups']}: on others it will be higher."
    )
    prices = f"a failure without a right alarm {_price(costs.late, costs)}, an alarm that was wrong "
    return CurveFigure(
        key="alarm-cost",
        finding=cost_finding(
            best, chosen=_threshold_text(context, marked.threshold) if chosen is not None else "", excess=excess
        ).replace("machine", words["group"]),
        caption=f"Mean cost of a {words['group']}: {prices}{_price(costs.false_alarm, costs)}. Solid: both together, "
        f"band: 95 % interval from redrawing whole {words['groups']}. {optimism}",
        x_axis=_threshold_axis(context),
        y_axis=Axis(f"Cost per {words['group']}{_in(costs.currency)}", low=0.0),
        curves=(
            _part("All costs", curve, points, [estimate.value for estimate in curve.cost], has_band=True),
            _part("Failures without a right alarm", curve, points, curve.late),
            _part("Wrong alarms", curve, points, curve.false_alarm),
        ),
        point=_cost_point(context, watched, costs, marked, is_chosen=chosen is not None),
        how_to_read="Left and right of the least cost one kind of error outweighs the other. "
        "Where the curve is flat, the threshold hardly matters.",
    )


def _cost_point(
    context: ReportContext, watched: Watched, costs: AlarmCosts, policy: AlarmPolicy, *, is_chosen: bool
) -> CurvePoint | None:
    if not math.isfinite(policy.threshold):
        return None
    cost = cost_per_unit(watched.outcomes(policy), costs, lead=watched.lead, random_state=context.random_state)
    shown = measure_or_gap(cost, unit=costs.currency)
    at = Measure.exact(policy.threshold, unit=_axis_unit(context))
    return (
        CurvePoint(_point_label(watched) if is_chosen else "Least here", at, shown)
        if isinstance(shown, Measure)
        else None
    )


def _excess(watched: Watched, costs: AlarmCosts, chosen: AlarmPolicy, curve: CurveFigure | CostCurve) -> Measure:
    assert isinstance(curve, CostCurve)
    cost = cost_per_unit(watched.outcomes(chosen), costs, lead=watched.lead, n_resamples=2).value
    excess = cost - curve.best_cost.value
    return Measure(excess if excess > 1e-9 * max(1.0, abs(cost)) else 0.0, unit=costs.currency)


def _drawn_points(curve: CostCurve) -> np.ndarray:
    """Return the points at real thresholds by rising threshold; one alone never sounds."""
    points = np.flatnonzero(np.isfinite(curve.thresholds))
    return points[np.argsort(curve.thresholds[points], kind="stable")]


def _part(name: str, curve: CostCurve, points: np.ndarray, values: Any, *, has_band: bool = False) -> Curve:
    array = np.asarray(values, dtype=np.float64)[points]
    return Curve(
        name,
        tuple(curve.thresholds[points].tolist()),
        tuple(array.tolist()),
        tuple(curve.cost[i].low for i in points) if has_band else None,
        tuple(curve.cost[i].high for i in points) if has_band else None,
    )


def _tiles(context: ReportContext, watched: Watched, chosen: AlarmPolicy | None) -> tuple[Tile | NotFilled, ...]:
    limits = {name: context.limits.get(name) for name in ("Alarm recall", "Alarm precision")}
    if chosen is None:
        return ()
    outcomes = watched.outcomes(chosen)
    words, within = context.words, _time_text(watched.within, time_unit(context))
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


def _within(record: Record, lives: Lives) -> float:
    """Return within what time an alarm should be followed by a failure.

    That of the labels where they speak of a horizon, the cap beyond which the model tells no life apart, else half the
    median life of machines that failed.
    """
    if lives.horizon:
        return lives.horizon
    cap = getattr(record.subject.model, "cap", None)
    if cap is not None:
        return float(cap)
    series = record.series
    life = lives.ends - series.time[series.bounds[:-1]]
    return float(np.median(life[lives.is_watched])) / 2 or 1.0


def _alarm_costs(context: ReportContext) -> AlarmCosts | None:
    """Return the costs of alarms: what each error costs more than the right decision."""
    costs = context.costs
    if costs is None:
        return None
    return AlarmCosts(
        late=costs.missed_event - costs.caught_event,
        false_alarm=costs.false_alarm - costs.correct_pass,
        currency=costs.currency,
    )


def _rate(watched: Watched, policy: AlarmPolicy, month: float) -> Estimate:
    return alarms_per_month(watched.outcomes(policy), month=month)


def _has_interval(estimate: Estimate) -> bool:
    return bool(np.isfinite([estimate.value, estimate.low, estimate.high]).all())


def _month(context: ReportContext) -> tuple[float, str]:
    """Return the time in service that alarms are counted over, and its name."""
    unit = time_unit(context)
    if unit in _MONTHS:
        return _MONTHS[unit], "month"
    return _LONG, f"{_LONG:g} {unit}" if unit else f"{_LONG:g} units of time"


def _point_label(watched: Watched) -> str:
    return "In force" if watched.on == "risk" else "Chosen beforehand"


def _in(unit: str) -> str:
    """Return the unit as the end of an axis title."""
    return f" ({unit})" if unit else ""


def _axis_unit(context: ReportContext) -> str:
    return "%" if context.subject.is_probability else context.words["unit"]


def _threshold_axis(context: ReportContext) -> Axis:
    if context.subject.is_probability:
        return Axis(f"Alarm from this probability of {context.words['event']} on", "%", 0.0, 1.0)
    unit = context.words["unit"]
    return Axis(f"Alarm from this predicted remaining life down{_in(unit)}", unit, 0.0)


def _threshold_text(context: ReportContext, threshold: float) -> str:
    if context.subject.is_probability:
        return value_text(Measure.exact(round(threshold, 3), unit="%"))
    return _time_text(threshold, context.words["unit"])


def _rule_text(context: ReportContext, policy: AlarmPolicy) -> str:
    shown = _threshold_text(context, policy.threshold)
    if context.subject.is_probability:
        return f"a probability of {shown} or more"
    return f"{shown} or less of predicted life"


def _time_text(time: float, unit: str) -> str:
    decimals = 0 if time >= 10 or float(time).is_integer() else 1
    return f"{number_text(time, decimals)} {unit}".strip()


def _price(amount: float, costs: AlarmCosts) -> str:
    return value_text(Measure.exact(amount, unit=costs.currency))


def _round(value: float) -> float:
    """Return the nearest of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return min((1.0, 2.0, 5.0, 10.0), key=lambda step: abs(step * power - value)) * power
