"""What a guarantee is tested on: a small game, and what the model says of masked rows, found without any game."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from appkit.explanation import Explanation, Game, RaggedGame, explain_game

__all__ = ["BUDGET", "OUTPUTS", "Problem", "enumerated", "explained"]

BUDGET = {"permutation": 400, "regression": 600, "lime": 400, "expected_gradients": 64}  # to answer, not to be exact
OUTPUTS = ["first", "second"]


@dataclass(frozen=True)
class Problem:
    """Something to explain, however its rows are chosen, ordered and batched.

    Parameters
    ----------
    game
        From positions of rows and a batch size to the game of these rows.
    said
        From the position of a row and the players present, bool ``(n_players,)``, to what the model says, averaged over
        the background, ``(n_outputs,)``.
    n_players
        Of each row.
    """

    game: Callable[[Sequence[int], int | None], Game | RaggedGame]
    said: Callable[[int, np.ndarray], np.ndarray]
    n_players: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """Rows there are."""
        return len(self.n_players)


def explained(
    problem: Problem,
    method: str,
    *,
    seed: int = 0,
    rows: Sequence[int] | None = None,
    batch_size: int | None = None,
    **limits: Any,
) -> Explanation:
    """Explain rows of a problem, all of them by default."""
    game = problem.game(range(problem.n_rows) if rows is None else rows, batch_size)
    if not limits and method in BUDGET:
        limits = {"max_evaluations": BUDGET[method]}
    return explain_game(game, method, random_state=seed, **limits)


def enumerated(said: Callable[[np.ndarray], np.ndarray], n_players: int) -> np.ndarray:
    """Return Shapley values, ``(n_players, n_outputs)``, by the definition.

    ``said`` takes the players present, bool ``(n_players,)``, and returns ``(n_outputs,)``.
    """
    coalitions = np.arange(2**n_players)[:, None] >> np.arange(n_players) & 1 == 1
    outputs = np.stack([said(present) for present in coalitions])
    values = np.zeros((n_players, outputs.shape[1]))
    for code, present in enumerate(coalitions):
        size = int(present.sum())
        for player in np.flatnonzero(~present):
            weight = math.factorial(size) * math.factorial(n_players - size - 1) / math.factorial(n_players)
            values[player] += weight * (outputs[code + 2**player] - outputs[code])
    return values
