"""Games of data that is no table: images, sensor windows, histories."""

from appkit.explanation.games.history import history_game
from appkit.explanation.games.image import image_game
from appkit.explanation.games.window import window_game

__all__ = ["image_game", "window_game", "history_game"]
