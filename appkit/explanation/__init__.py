"""Shapley values, LIME and more over games of any kind of data, each with its own error and certificate."""

from appkit.explanation.backends import explain_with_lime, explain_with_shap
from appkit.explanation.certificate import (
    Certificate,
    Check,
    Pointing,
    RandomisationTest,
    Verdict,
    certify,
    pointing_accuracy,
    randomisation_test,
)
from appkit.explanation.comparison import ComparedMethod, MethodComparison, compare_methods
from appkit.explanation.counterfactuals import Counterfactuals, RemovalSets, counterfactuals, removal_sets
from appkit.explanation.explain import Explainer, explain, explain_game, explainers
from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.games import (
    EncodedTableGame,
    ExplainableTable,
    FrameGame,
    RaggedGame,
    TensorGame,
    conditional_game,
    explain_parts,
    game_for,
    game_from_callable,
    history_game,
    image_game,
    on_arrays,
    recommender_game,
    series_game,
    window_game,
)
from appkit.explanation.gradients import expected_gradients, grad_cam
from appkit.explanation.history_drivers import driving_items
from appkit.explanation.history_fidelity import HistoryFidelity, history_fidelity
from appkit.explanation.interactions import Interactions, shapley_interactions
from appkit.explanation.layouts import HistoryLayout, ImageLayout, WindowLayout
from appkit.explanation.solvers import (
    exact_shapley,
    lime_surrogate,
    linear_shapley,
    occlusion,
    permutation_shapley,
    regression_shapley,
)
from appkit.explanation.trees import tree_shapley

__all__ = [
    "Game",
    "ExplainableTable",
    "EncodedTableGame",
    "FrameGame",
    "TensorGame",
    "RaggedGame",
    "game_for",
    "game_from_callable",
    "conditional_game",
    "image_game",
    "window_game",
    "series_game",
    "history_game",
    "recommender_game",
    "RemovalSets",
    "removal_sets",
    "driving_items",
    "HistoryFidelity",
    "history_fidelity",
    "on_arrays",
    "explain_parts",
    "ImageLayout",
    "WindowLayout",
    "HistoryLayout",
    "Explainer",
    "explainers",
    "exact_shapley",
    "permutation_shapley",
    "regression_shapley",
    "linear_shapley",
    "lime_surrogate",
    "occlusion",
    "expected_gradients",
    "grad_cam",
    "tree_shapley",
    "explain_with_shap",
    "explain_with_lime",
    "explain",
    "explain_game",
    "Explanation",
    "compare_methods",
    "ComparedMethod",
    "MethodComparison",
    "certify",
    "Certificate",
    "Check",
    "Verdict",
    "randomisation_test",
    "RandomisationTest",
    "pointing_accuracy",
    "Pointing",
    "shapley_interactions",
    "Interactions",
    "counterfactuals",
    "Counterfactuals",
]
