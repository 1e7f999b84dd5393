"""Shapley values and LIME over games, each with its own error."""

from appkit.explanation.backends import explain_with_lime, explain_with_shap
from appkit.explanation.exact import exact_shapley
from appkit.explanation.explain import Explainer, explain, explain_game, explainers
from appkit.explanation.explanation import Explanation
from appkit.explanation.frame_game import FrameGame, game_from_callable
from appkit.explanation.game import Game
from appkit.explanation.layouts import HistoryLayout, ImageLayout, WindowLayout
from appkit.explanation.model_game import game_for
from appkit.explanation.permutation import permutation_shapley
from appkit.explanation.ragged_game import RaggedGame, explain_parts
from appkit.explanation.surrogate import lime_surrogate
from appkit.explanation.table_game import EncodedTableGame, ExplainableTable
from appkit.explanation.tensor_game import TensorGame, on_arrays

__all__ = [
    "Game",
    "ExplainableTable",
    "EncodedTableGame",
    "FrameGame",
    "game_from_callable",
    "game_for",
    "TensorGame",
    "on_arrays",
    "RaggedGame",
    "explain_parts",
    "ImageLayout",
    "WindowLayout",
    "HistoryLayout",
    "Explainer",
    "explainers",
    "exact_shapley",
    "permutation_shapley",
    "lime_surrogate",
    "explain_with_shap",
    "explain_with_lime",
    "explain",
    "explain_game",
    "Explanation",
]
