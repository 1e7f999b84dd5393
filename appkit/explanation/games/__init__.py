"""What may be present or absent: one game per kind of data, all answered in the same batches."""

from appkit.explanation.games.conditional import ConditionalGame, as_conditional, conditional_game
from appkit.explanation.games.frame import FrameGame, game_from_callable
from appkit.explanation.games.history import history_game
from appkit.explanation.games.image import image_game
from appkit.explanation.games.model import game_for
from appkit.explanation.games.ragged import RaggedGame, explain_parts
from appkit.explanation.games.recommender import recommender_game
from appkit.explanation.games.series import ExplainableSeries, SeriesGame, series_game
from appkit.explanation.games.table import EncodedTableGame, ExplainableTable
from appkit.explanation.games.tensor import TensorGame, on_arrays
from appkit.explanation.games.window import window_game

__all__ = [
    "game_for",
    "game_from_callable",
    "image_game",
    "window_game",
    "history_game",
    "recommender_game",
    "series_game",
    "conditional_game",
    "as_conditional",
    "ConditionalGame",
    "EncodedTableGame",
    "ExplainableSeries",
    "ExplainableTable",
    "FrameGame",
    "SeriesGame",
    "TensorGame",
    "on_arrays",
    "RaggedGame",
    "explain_parts",
]
