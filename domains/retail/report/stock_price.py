"""What stocking to each quantile of demand would have cost, and at which level it costs least."""

import numpy as np

from appkit.prediction import Estimate
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
)
from appkit.reporting.numbers import long_text, value_text
from domains.retail.prediction import StockCostCurve, critical_level, stock_cost_curve
from domains.retail.report.stock_figures import Judged, measure_of

__all__ = ["price_blocks", "saving_finding"]

_ITEM = "What stock costs by the quantile it is bought to"
_HABIT = "naive"


def price_blocks(found: Judged) -> tuple[Block, ...]:
    """Return the cost curve and the saving against buying what was sold last week; or what it takes to have them."""
    study = found.study
    if study.understock is None or study.overstock is None:
        why = "Nobody said what a piece missing and a piece left over cost"
        return (NotFilled(item=_ITEM, why=why, argument="understock=, overstock="),)
    level = float(critical_level(study.understock, study.overstock))
    if not study.levels[0] <= level <= study.levels[-1]:
        why = f"These prices ask for the {level:.1%} quantile, and the model forecasts up to {study.levels[-1]:.0%}"
        return (NotFilled(item=_ITEM, why=why, fill="a model with that level among its levels="),)
    curve = stock_cost_curve(
        study.demand,
        study.quantiles,
        levels=study.levels,
        understock=study.understock,
        overstock=study.overstock,
        naive=study.rules[_HABIT][:, study.median],
        items=study.item,
        random_state=found.random_state,
    )
    return (_figure(found, curve, level), _costs(curve, level))


def saving_finding(level: float, saving: Estimate) -> str:
    """Return what stocking to the critical level saves against buying what was sold last week.

    Examples
    --------
    >>> saving_finding(0.75, Estimate("Saving", 3.0, 1.0, 5.0, method="", n=9))
    'Stocking to the 75\u202f% quantile costs 3.0 (1.0 to 5.0) less a week than last week’s sales'
    >>> saving_finding(0.75, Estimate("Saving", 3.0, -1.0, 5.0, method="", n=9))
    'Whether stocking to the 75\u202f% quantile costs less than last week’s sales is not settled'
    """
    shown = value_text(Measure(level, unit="%", decimals=0))
    if saving.low > 0:
        return (
            f"Stocking to the {shown} quantile costs {long_text(Measure.of(saving))} less a week than last week’s sales"
        )
    if saving.high < 0:
        return f"Stocking to the {shown} quantile costs more than stocking last week’s sales"
    return f"Whether stocking to the {shown} quantile costs less than last week’s sales is not settled"


def _figure(found: Judged, curve: StockCostCurve, level: float) -> CurveFigure:
    study = found.study
    assert curve.saving is not None
    shown = value_text(Measure(level, unit="%", decimals=0))
    return CurveFigure(
        key="stock-cost",
        finding=saving_finding(level, curve.saving),
        caption=f"Mean cost of an item’s week by the quantile it is stocked to; a piece missing costs "
        f"{study.understock:g}, a piece left over {study.overstock:g}, in the caller’s money. Band: 95 % interval, "
        f"items redrawn whole. Dot: the {shown} quantile, which these prices ask for. Every week stands alone: what "
        "is left over is not sold later.",
        how_to_read="Left of the lowest point too many sales are missed, right of it too much is left over. The dot is "
        "set by prices alone, not by these weeks.",
        x_axis=Axis("Quantile stocked to", "%"),
        y_axis=Axis("Cost of an item’s week", low=0.0),
        curves=(
            Curve(
                "These forecasts",
                tuple(float(share) for share in curve.levels),
                tuple(point.value for point in curve.cost),
                tuple(float(np.nan_to_num(point.low, nan=point.value)) for point in curve.cost),
                tuple(float(np.nan_to_num(point.high, nan=point.value)) for point in curve.cost),
            ),
        ),
        point=CurvePoint(f"The {shown} quantile", Measure.exact(level, unit="%"), measure_of(curve.at_critical)),
    )


def _costs(curve: StockCostCurve, level: float) -> DataTable:
    assert curve.naive is not None
    assert curve.saving is not None
    rows: list[tuple[Cell, ...]] = [
        (
            value_text(Measure(float(share), unit="%", decimals=1)),
            measure_of(cost),
            missing,
            left,
            measure_of(served, unit="%"),
        )
        for share, cost, missing, left, served in zip(
            curve.levels, curve.cost, _moneys(curve.understock), _moneys(curve.overstock), curve.served, strict=True
        )
    ]
    asked = value_text(Measure(level, unit="%", decimals=1))
    nothing = "not split"
    rows.append((f"{asked}, as prices ask", measure_of(curve.at_critical), nothing, nothing, nothing))
    rows.append(("Last week’s sales", measure_of(curve.naive), nothing, nothing, nothing))
    rows.append(("Saving against last week’s sales", measure_of(curve.saving), nothing, nothing, nothing))
    return DataTable(
        title=f"Prices ask for the {asked} quantile",
        caption="Cost of an item’s week, in the caller’s money, and the share of demand that the stock meets; 95 % "
        "intervals below each value, parts of the cost are means of these weeks",
        columns=("Stocked to", "Cost", "of it missed sales", "of it left over", "Demand served"),
        rows=tuple(rows),
    )


def _percent(estimate: Estimate) -> Measure:
    return measure_of(estimate, unit="%")


def _moneys(values: np.ndarray) -> tuple[Measure, ...]:
    return tuple(Measure(float(value), decimals=2) for value in values)
