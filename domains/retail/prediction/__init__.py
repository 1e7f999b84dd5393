"""What a merchandiser asks of predictions: how good advice is and for whom, how far demand is off, what stock costs."""

from domains.retail.prediction.advice import AdviceEvaluation, evaluate_advice
from domains.retail.prediction.demand_errors import (
    demand_bias,
    mase,
    relative_error,
    seasonal_scales,
    wape,
    wape_difference,
)
from domains.retail.prediction.demand_evaluation import DemandEvaluation, evaluate_demand
from domains.retail.prediction.demand_quantiles import (
    interval_coverage,
    pinball_loss,
    pinball_losses,
    quantile_coverage,
    weighted_quantile_loss,
)
from domains.retail.prediction.popular_lists import popular_lists
from domains.retail.prediction.stock_cost import (
    StockCostCurve,
    critical_level,
    stock_at,
    stock_cost_curve,
    stock_costs,
)

__all__ = [
    "AdviceEvaluation",
    "evaluate_advice",
    "popular_lists",
    "DemandEvaluation",
    "evaluate_demand",
    "wape",
    "wape_difference",
    "demand_bias",
    "relative_error",
    "mase",
    "seasonal_scales",
    "pinball_loss",
    "pinball_losses",
    "weighted_quantile_loss",
    "interval_coverage",
    "quantile_coverage",
    "StockCostCurve",
    "stock_cost_curve",
    "stock_costs",
    "stock_at",
    "critical_level",
]
