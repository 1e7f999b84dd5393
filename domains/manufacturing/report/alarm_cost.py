"""What alarms cost by threshold: failures without a right alarm against alarms that were wrong."""

import math
from typing import Any

import numpy as np

from appkit.reporting import ReportContext
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.facts import Axis, Curve, CurveFigure, CurvePoint, Measure, NotFilled
from appkit.reporting.numbers import value_text
from domains.manufacturing.prediction.alarm_costs import AlarmCosts, CostCurve, cost_curve, cost_per_unit
from domains.manufacturing.prediction.alarms import AlarmPolicy
from domains.manufacturing.report.alarm_words import axis_unit, in_unit, threshold_axis, threshold_text
from domains.manufacturing.report.watched import Watched, alarm_costs, point_label

__all__ = ["cost_block", "cost_finding"]

_N_COSTS = 40


def cost_block(context: ReportContext, watched: Watched, chosen: AlarmPolicy | None) -> CurveFigure | NotFilled:
    """Return the cost curve with the threshold chosen beforehand, else with the least cost and that it flatters."""
    item, costs, words = "Cost of alarms by threshold", alarm_costs(context), context.words
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
    best = threshold_text(context, curve.best.threshold) if math.isfinite(curve.best.threshold) else "none at all"
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
            best, chosen=threshold_text(context, marked.threshold) if chosen is not None else "", excess=excess
        ).replace("machine", words["group"]),
        caption=f"Mean cost of a {words['group']}: {prices}{_price(costs.false_alarm, costs)}. Solid: both together, "
        f"band: 95 % interval from redrawing whole {words['groups']}. {optimism}",
        x_axis=threshold_axis(context),
        y_axis=Axis(f"Cost per {words['group']}{in_unit(costs.currency)}", low=0.0),
        curves=(
            _part("All costs", curve, points, [estimate.value for estimate in curve.cost], has_band=True),
            _part("Failures without a right alarm", curve, points, curve.late),
            _part("Wrong alarms", curve, points, curve.false_alarm),
        ),
        point=_cost_point(context, watched, costs, marked, is_chosen=chosen is not None),
        how_to_read="Left and right of the least cost one kind of error outweighs the other. "
        "Where the curve is flat, the threshold hardly matters.",
    )


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


def _cost_point(
    context: ReportContext, watched: Watched, costs: AlarmCosts, policy: AlarmPolicy, *, is_chosen: bool
) -> CurvePoint | None:
    if not math.isfinite(policy.threshold):
        return None
    cost = cost_per_unit(watched.outcomes(policy), costs, lead=watched.lead, random_state=context.random_state)
    shown = measure_or_gap(cost, unit=costs.currency)
    at = Measure.exact(policy.threshold, unit=axis_unit(context))
    return (
        CurvePoint(point_label(watched) if is_chosen else "Least here", at, shown)
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


def _price(amount: float, costs: AlarmCosts) -> str:
    return value_text(Measure.exact(amount, unit=costs.currency))
