"""Exact Shapley values: every coalition, with every background row."""

import math

import torch
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.seeds import RandomState
from appkit.explanation.solvers.draws import explanation_from_draws

__all__ = ["EXACT_PLAYERS", "exact_evaluations", "exact_shapley"]

EXACT_PLAYERS = 12
_CALL_ELEMENTS = 1_000_000


def exact_evaluations(game: Game) -> int:
    """Return the model evaluations per row that exact values take, less the endpoints."""
    return (2 ** len(game.player_names) - 2) * game.n_references


def exact_shapley(
    game: Game,
    *,
    max_evaluations: int | None = None,
    max_players: int = EXACT_PLAYERS,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return Shapley values by enumeration of all coalitions.

    A Shapley value is a mean over background rows, so each background row gives an exact value of its own; their
    spread is the standard error, which is all the error there is: that of the background as a sample. With one
    background row it is 0.

    Parameters
    ----------
    game
        What is explained.
    max_evaluations
        Refuse to spend more model evaluations per row than this; ``None`` means no limit.
    max_players
        Refuse games of more players.
    random_state
        Unused, nothing is drawn; here so that every explainer is called alike.
    progress
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If the game has too many players or takes too many evaluations.
    """
    _check_size(game, max_evaluations=max_evaluations, max_players=max_players)
    coalitions = _all_coalitions(len(game.player_names)).to(game.device)
    with game.exactly():
        return explanation_from_draws(
            game,
            lambda rows: _values_per_reference(game, rows, coalitions),
            n_draws=game.n_references,
            method="shapley (exact)",
            random_state=None,
            progress=progress,
        )


def _check_size(game: Game, *, max_evaluations: int | None, max_players: int) -> None:
    n_players = len(game.player_names)
    if n_players > max_players:
        raise ValueError(
            f"Exact values need at most {max_players} players, got {n_players}. "
            "Use method='permutation', or name groups of columns with players=."
        )
    needed = exact_evaluations(game)
    if max_evaluations is not None and needed > max_evaluations:
        raise ValueError(
            f"max_evaluations must be at least {needed} for exact values of {n_players} players on "
            f"{game.n_references} background rows, got {max_evaluations!r}. Use method='permutation'."
        )


def _all_coalitions(n_players: int) -> Tensor:
    """Return bool ``(2 ** n_players, n_players)``, from empty to full."""
    return (torch.arange(2**n_players)[:, None] >> torch.arange(n_players) & 1).bool()


def _shapley(outputs: Tensor) -> Tensor:
    """Return Shapley values ``(n, n_players, n_outputs)`` of outputs ``(n, 2 ** n_players, n_outputs)``.

    Differences are taken before they are weighted, so that a player who never matters gets exactly 0.
    """
    n_players = outputs.shape[1].bit_length() - 1
    by_size = [1 / (n_players * math.comb(n_players - 1, k)) for k in range(n_players)]
    size = _all_coalitions(n_players - 1).sum(1)
    weights = torch.tensor(by_size, dtype=torch.float64)[size].to(outputs.device)
    values = []
    for player in range(n_players):
        halves = outputs.unflatten(1, (-1, 2, 2**player))  # without and with the player
        gains = (halves[:, :, 1] - halves[:, :, 0]).flatten(1, 2)
        values.append((gains * weights[:, None]).sum(1))  # no matrix product: its rounding depends on the other rows
    return torch.stack(values, dim=1)


def _values_per_reference(game: Game, rows: Tensor, coalitions: Tensor) -> Tensor:
    """Return Shapley values of each background row alone, ``(n_rows, n_references, n_players, n_outputs)``."""
    n_outputs = len(game.output_names)
    at_once = max(1, _CALL_ELEMENTS // (len(coalitions) * n_outputs))
    references = torch.arange(game.n_references, device=game.device)
    by_rows = []
    for some_rows in rows.split(max(1, at_once // game.n_references)):
        by_references = []
        for some in references.split(at_once):
            asked = coalitions.repeat(len(some), 1)
            outputs = game.values(asked, rows=some_rows, references=some.repeat_interleave(len(coalitions)))
            values = _shapley(outputs.reshape(-1, len(coalitions), n_outputs))
            by_references.append(values.unflatten(0, (len(some_rows), len(some))))
        by_rows.append(torch.cat(by_references, dim=1))
    return torch.cat(by_rows)
