"""Solvers see only the game: exact enumeration, sums read off, permutations, regression, LIME and occlusion."""

from appkit.explanation.solvers.exact import exact_evaluations, exact_shapley
from appkit.explanation.solvers.linear import adds_up, linear_shapley
from appkit.explanation.solvers.occlusion import occlusion
from appkit.explanation.solvers.permutation import permutation_shapley
from appkit.explanation.solvers.regression import regression_evaluations, regression_pays, regression_shapley
from appkit.explanation.solvers.surrogate import lime_surrogate

__all__ = [
    "exact_shapley",
    "exact_evaluations",
    "linear_shapley",
    "adds_up",
    "permutation_shapley",
    "regression_shapley",
    "regression_evaluations",
    "regression_pays",
    "lime_surrogate",
    "occlusion",
]
