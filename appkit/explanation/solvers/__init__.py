"""Solvers that see a game only: regression on coalitions."""

from appkit.explanation.solvers.coalitions import (
    PairedCoalitions,
    draw_paired_coalitions,
    n_all_pairs,
    one_player_apart,
)
from appkit.explanation.solvers.regression import regression_evaluations, regression_pays, regression_shapley

__all__ = [
    "PairedCoalitions",
    "draw_paired_coalitions",
    "n_all_pairs",
    "one_player_apart",
    "regression_evaluations",
    "regression_pays",
    "regression_shapley",
]
