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
from appkit.explanation.counterfactuals import Counterfactuals, counterfactuals
from appkit.explanation.exact import exact_shapley
from appkit.explanation.explain import Explainer, explain, explain_game, explainers
from appkit.explanation.explanation import Explanation
from appkit.explanation.frame_game import FrameGame, game_from_callable
from appkit.explanation.game import Game
from appkit.explanation.games import history_game, image_game, window_game
from appkit.explanation.gradients import expected_gradients, grad_cam
from appkit.explanation.interactions import Interactions, shapley_interactions
from appkit.explanation.layouts import HistoryLayout, ImageLayout, WindowLayout
from appkit.explanation.model_game import game_for
from appkit.explanation.neighbours import conditional_game
from appkit.explanation.occlusion import occlusion
from appkit.explanation.permutation import permutation_shapley
from appkit.explanation.ragged_game import RaggedGame, explain_parts
from appkit.explanation.solvers import regression_shapley
from appkit.explanation.surrogate import lime_surrogate
from appkit.explanation.table_game import EncodedTableGame, ExplainableTable
from appkit.explanation.tensor_game import TensorGame, on_arrays
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
    "history_game",
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
