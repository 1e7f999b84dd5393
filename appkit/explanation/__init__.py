"""Shapley values and LIME over games, each with its own error."""

from appkit.explanation.backends import explain_with_lime, explain_with_shap
from appkit.explanation.exact import exact_shapley
from appkit.explanation.explain import Explainer, explain, explainers
from appkit.explanation.explanation import Explanation
from appkit.explanation.frame_game import FrameGame, game_from_callable
from appkit.explanation.game import Game
from appkit.explanation.model_game import game_for
from appkit.explanation.permutation import permutation_shapley
from appkit.explanation.surrogate import lime_surrogate
from appkit.explanation.table_game import EncodedTableGame, ExplainableTable

__all__ = [
    "Game",
    "ExplainableTable",
    "EncodedTableGame",
    "FrameGame",
    "game_from_callable",
    "game_for",
    "Explainer",
    "explainers",
    "exact_shapley",
    "permutation_shapley",
    "lime_surrogate",
    "explain_with_shap",
    "explain_with_lime",
    "explain",
    "Explanation",
]
