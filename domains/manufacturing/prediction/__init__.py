"""What a maintenance engineer asks of predictions: errors of remaining life, alarms and their cost.

Baselines are in ``baselines``: they load XGBoost, which nothing else here needs.
"""

from domains.manufacturing.prediction.alarm_budget import alarms_per_month, policy_for_budget
from domains.manufacturing.prediction.alarm_costs import (
    AlarmCosts,
    CostCurve,
    cheapest_policy,
    cost_curve,
    cost_per_unit,
    costs_by_unit,
)
from domains.manufacturing.prediction.alarms import (
    AlarmOutcomes,
    AlarmPolicy,
    LeadTime,
    LeadTimeCurve,
    alarm_outcomes,
    alarm_precision,
    alarm_recall,
    lead_time_curve,
    median_lead_time,
)
from domains.manufacturing.prediction.evaluation import (
    PrognosticEvaluation,
    compare_evaluations,
    evaluate_alarms,
    evaluate_remaining_life,
    evaluate_survival,
)
from domains.manufacturing.prediction.horizon import (
    alpha_lambda_accuracy,
    median_prognostic_horizon,
    prognostic_horizons,
)
from domains.manufacturing.prediction.remaining_life import (
    bias,
    interval_coverage,
    interval_score,
    interval_width,
    mae,
    nasa_score,
    nasa_score_difference,
    nasa_scores,
    rmse,
    rmse_difference,
    share_within,
)
from domains.manufacturing.prediction.window_statistics import window_feature_names, window_features

__all__ = [
    "PrognosticEvaluation",
    "evaluate_remaining_life",
    "evaluate_survival",
    "evaluate_alarms",
    "compare_evaluations",
    "rmse",
    "rmse_difference",
    "mae",
    "bias",
    "nasa_scores",
    "nasa_score",
    "nasa_score_difference",
    "share_within",
    "interval_coverage",
    "interval_width",
    "interval_score",
    "alpha_lambda_accuracy",
    "prognostic_horizons",
    "median_prognostic_horizon",
    "AlarmPolicy",
    "LeadTime",
    "AlarmOutcomes",
    "alarm_outcomes",
    "alarm_recall",
    "alarm_precision",
    "median_lead_time",
    "LeadTimeCurve",
    "lead_time_curve",
    "alarms_per_month",
    "policy_for_budget",
    "AlarmCosts",
    "CostCurve",
    "cost_curve",
    "cheapest_policy",
    "cost_per_unit",
    "costs_by_unit",
    "window_features",
    "window_feature_names",
]
