"""What decisions on rows of a table cost by threshold: missed failures against false alarms."""

import numpy as np

from appkit.prediction import Estimate
from appkit.prediction.intervals import mean_estimate
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.facts import Axis, Block, Curve, CurveFigure, CurvePoint, Measure, NotFilled
from appkit.reporting.numbers import value_text

__all__ = ["table_costs"]

_N_POINTS = 61


def table_costs(context: ReportContext) -> DomainSection:
    """Return the cost curve of a table, for the section of performance."""
    return DomainSection(key="performance", title="", question="", blocks=(_block(context),))


def _block(context: ReportContext) -> Block:
    item, costs, words = "Cost of decisions by threshold", context.costs, context.words
    if costs is None:
        fill = "Costs(missed_event=, false_alarm=)"
        return NotFilled(item=item, why="No costs were given", fill=fill, argument="costs=")
    assert context.threshold is not None
    tried = np.linspace(0.0, 1.0, _N_POINTS)
    event, output = context.events, context.output
    cost = [_mean(context, costs.of(event, output >= at)) for at in tried]
    missed = [_mean(context, costs.of(event, output >= at) * event).value for at in tried]
    wrong = [_mean(context, costs.of(event, output >= at) * ~event).value for at in tried]
    best = int(np.argmin([estimate.value for estimate in cost]))
    in_force = measure_or_gap(_mean(context, costs.of(event, output >= context.threshold)), unit=costs.currency)
    currency = f" ({costs.currency})" if costs.currency else ""
    at = value_text(Measure.exact(round(context.threshold, 3), unit="%"))
    least = value_text(Measure.exact(round(float(tried[best]), 3), unit="%"))
    assert isinstance(in_force, Measure)
    return CurveFigure(
        key="decision-cost",
        finding=f"At the threshold in force, {at}, a {words['case']} costs {value_text(in_force)} on average",
        caption=f"Mean cost of a {words['case']} by threshold. Solid: all costs, band: 95 % interval. The least cost "
        f"on these {words['rows']} is at {least}; found on the rows it is measured on, it is optimistic.",
        x_axis=Axis(f"Threshold on the probability of {words['event']}", "%", 0.0, 1.0),
        y_axis=Axis(f"Cost per {words['case']}{currency}", low=0.0),
        curves=(
            Curve(
                "All costs",
                tuple(tried.tolist()),
                tuple(estimate.value for estimate in cost),
                tuple(estimate.low for estimate in cost),
                tuple(estimate.high for estimate in cost),
            ),
            Curve(f"{words['events']} missed".capitalize(), tuple(tried.tolist()), tuple(missed)),
            Curve("False alarms", tuple(tried.tolist()), tuple(wrong)),
        ),
        point=CurvePoint("In force", Measure.exact(context.threshold, unit="%"), in_force),
        how_to_read="Left of the least cost false alarms outweigh, right of it missed failures. "
        "Where the curve is flat, the threshold hardly matters.",
    )


def _mean(context: ReportContext, values: np.ndarray) -> Estimate:
    return mean_estimate("Cost", values.astype(np.float64), sample_weight=context.sample_weight, groups=context.units)
