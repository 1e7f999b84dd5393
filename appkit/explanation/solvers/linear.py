"""Exact Shapley values of an output that is a sum over its players: read off, nothing drawn."""

from typing import Protocol, TypeGuard

import numpy as np
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.seeds import RandomState
from appkit.explanation.solvers.draws import Ends, endpoints

__all__ = ["AdditiveGame", "adds_up", "linear_shapley"]

_TOLERANCE = 1e-3  # single precision leaves some 1e-6; a sum that is none misses by far more


class AdditiveGame(Game, Protocol):
    """A game that may know what each player adds to its outputs, whoever else is present.

    ``is_additive`` says whether this one does.
    """

    @property
    def is_additive(self) -> bool:
        """Whether each output is a constant plus a sum over players."""

    def contributions(self) -> Tensor:
        """Return what each player adds, float64 ``(n_rows, n_players, n_outputs)``."""


def adds_up(game: Game) -> TypeGuard[AdditiveGame]:
    """Return whether the outputs of a game are sums over its players, and it knows the summands."""
    return bool(getattr(game, "is_additive", False))


def linear_shapley(
    game: Game,
    *,
    max_evaluations: int | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return Shapley values of a game whose outputs are sums: each player's own summand, without error.

    Where no player's part depends on who else is present, every order of entry gives the same contribution, which is
    the Shapley value.

    Parameters
    ----------
    game
        What is explained: a linear recommender's distinct items, for one.
    max_evaluations, random_state, progress
        Unused: the endpoints and the summands are asked once. Here so that every explainer is called alike.

    Raises
    ------
    ValueError
        If the game does not say that its outputs are sums, or the summands miss what the model says.
    """
    if not adds_up(game):
        raise ValueError(
            "method='linear' explains outputs that are sums over their players (the items of a history under a linear "
            "recommender). Use method='exact' for few players, else 'permutation'."
        )
    started = game.n_evaluations
    ends = endpoints(game)
    values = game.contributions()
    residual = ends.output - ends.base - values.sum(1)
    _check_sum(residual, values, ends)
    return Explanation(
        values=values.cpu().numpy(),
        standard_error=np.zeros(tuple(values.shape)),
        base_value=ends.base.cpu().numpy(),
        output=ends.output.cpu().numpy(),
        residual=residual.cpu().numpy(),
        data=game.data(),
        layout=game.layout(),
        player_names=game.player_names,
        output_names=game.output_names,
        method="shapley (linear)",
        units=game.units,
        n_evaluations=-(-(game.n_evaluations - started) // game.n_rows),
        is_additive=True,
        random_state=None,
        global_importance=values.abs().mean(0).cpu().numpy(),
        global_standard_error=np.zeros(tuple(values.shape[1:])),
        local_fit=np.full(tuple(ends.output.shape), np.nan),
    )


def _check_sum(residual: Tensor, values: Tensor, ends: Ends) -> None:
    scale = ends.scale.maximum(values.abs().sum(1))
    if (residual.abs() > _TOLERANCE * scale).any():
        raise ValueError(
            "Contributions must sum to the output less the base value, they miss it by up to "
            f"{residual.abs().max().item():.3g}: the scorer does not add up. Use method='permutation'."
        )
