"""What a reader study asks of a classifier: operating points, predictive values, subgroups, referral, errors."""

from domains.medical.prediction.comparison import ModelComparison, compare_models
from domains.medical.prediction.conformal_sets import ConformalSummary, conformal_summary
from domains.medical.prediction.operating_points import (
    ChosenPoint,
    DiagnosticAccuracy,
    OperatingTable,
    diagnostic_accuracy,
    operating_points,
    operating_table,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)
from domains.medical.prediction.predictive_values import likelihood_ratios, predictive_values
from domains.medical.prediction.referral import (
    ReferralCurve,
    ReferralOutcome,
    ReferralRule,
    distance_uncertainty,
    referral_curve,
    referral_outcome,
    referral_threshold,
)
from domains.medical.prediction.subgroup_levels import age_bands, age_in_years, subgroup_levels
from domains.medical.prediction.subgroups import SubgroupDifference, SubgroupLevel, SubgroupTable, by_subgroup
from domains.medical.prediction.worst_errors import WorstErrors, worst_errors

__all__ = [
    "ChosenPoint",
    "DiagnosticAccuracy",
    "OperatingTable",
    "operating_points",
    "operating_table",
    "diagnostic_accuracy",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "likelihood_ratios",
    "predictive_values",
    "ModelComparison",
    "compare_models",
    "SubgroupDifference",
    "SubgroupLevel",
    "SubgroupTable",
    "by_subgroup",
    "subgroup_levels",
    "age_bands",
    "age_in_years",
    "ReferralCurve",
    "ReferralOutcome",
    "ReferralRule",
    "distance_uncertainty",
    "referral_curve",
    "referral_outcome",
    "referral_threshold",
    "ConformalSummary",
    "conformal_summary",
    "WorstErrors",
    "worst_errors",
]
