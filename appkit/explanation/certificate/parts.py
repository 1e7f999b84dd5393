"""The games behind a certificate: one, or one for each number of players."""

import numpy as np
import torch

from appkit.explanation.game import Game
from appkit.explanation.games.ragged import RaggedGame

__all__ = ["evaluations_of", "full_outputs", "parts_of"]


def parts_of(game: Game | RaggedGame) -> tuple[tuple[np.ndarray, Game], ...]:
    """Return each game with the rows it answers for, int64 ``(n_own,)``, in the order of all rows together."""
    if isinstance(game, RaggedGame):
        return tuple(zip(game.rows, game.games, strict=True))
    return ((np.arange(game.n_rows), game),)


def evaluations_of(game: Game | RaggedGame) -> int:
    """Return the model evaluations made so far, of all rows together."""
    return sum(part.n_evaluations for _, part in parts_of(game))


def full_outputs(game: Game | RaggedGame) -> np.ndarray:
    """Return what the model says of each row as it is, float64 ``(n_rows, n_outputs)``."""
    parts = parts_of(game)
    outputs = np.empty((sum(len(rows) for rows, _ in parts), len(parts[0][1].output_names)))
    for rows, part in parts:
        everybody = torch.ones(1, len(part.player_names), dtype=torch.bool, device=part.device)
        outputs[rows] = part.values(everybody)[:, 0].cpu().numpy()
    return outputs
