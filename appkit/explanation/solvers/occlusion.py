"""Occlusion: what the output loses when one player leaves."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.seeds import RandomState, seed_of
from appkit.explanation.solvers.draws import Control, endpoints, estimated, row_blocks
from appkit.explanation.solvers.references import herded_order, standardised_features

__all__ = ["occlusion"]

_DEFAULT_EVALUATIONS = 2048
_FEWEST_CONTROLLED = 4
_LEAST_REFERENCES = 20  # a spread from fewer is itself off by more than a sixth


def occlusion(
    game: Game,
    *,
    max_evaluations: int | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return the output less the output without each player, averaged over the background, with standard errors.

    One step of the many a Shapley value averages: players that can stand in for one another all get nothing. Values do
    not sum to the output. The whole background fills an absent player where the budget allows, else as many of its rows
    as it allows, drawn once for all players and rows.

    Parameters
    ----------
    game
        What is explained.
    max_evaluations
        Model evaluations per row; the empty coalition comes on top, once for all rows. ``None`` means 2048, or what 20
        references take if that is more.
    random_state
        Seed of the references drawn.
    progress
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If ``max_evaluations`` leaves fewer than 20 of the background's rows: their spread would be no standard error.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.explanation import game_from_callable
    >>> X = pd.DataFrame({"a": [1.0], "b": [1.0]})
    >>> game = game_from_callable(lambda rows: (rows["a"] + rows["b"]).clip(upper=1), X, X * 0, output_names=["or"])
    >>> occlusion(game).values[0, :, 0].tolist()  # either would do alone
    [0.0, 0.0]
    """
    seed = seed_of(random_state)
    n_references = _n_references(game, max_evaluations)
    features = standardised_features(game)
    drawn = herded_order(features, n_references=game.n_references, n_drawn=n_references, seed=seed)
    references = torch.as_tensor(drawn, device=game.device)
    control = None if features is None or n_references < _FEWEST_CONTROLLED else Control.of(features, references)
    started = game.n_evaluations
    ends = endpoints(game)
    losses = _Losses.of(game, references, output=ends.output, control=control, progress=progress)
    return Explanation(
        values=losses.mean.cpu().numpy(),
        standard_error=losses.error.cpu().numpy(),
        base_value=ends.base.cpu().numpy(),
        output=ends.output.cpu().numpy(),
        residual=np.full(tuple(ends.output.shape), np.nan),
        data=game.data(),
        layout=game.layout(),
        player_names=game.player_names,
        output_names=game.output_names,
        method="occlusion",
        units=game.units,
        n_evaluations=-(-(game.n_evaluations - started) // game.n_rows),
        is_additive=False,
        random_state=seed if n_references < game.n_references else None,
        global_importance=losses.mean.abs().mean(0).cpu().numpy(),
        global_standard_error=losses.global_error.cpu().numpy(),
        local_fit=np.full(tuple(ends.output.shape), np.nan),
    )


@dataclass(frozen=True)
class _Losses:
    """Mean over references of what the output loses, with its errors."""

    mean: Tensor  # (n_rows, n_players, n_outputs)
    error: Tensor  # like mean
    global_error: Tensor  # (n_players, n_outputs)

    @classmethod
    def of(
        cls, game: Game, references: Tensor, *, output: Tensor, control: Control | None, progress: bool
    ) -> "_Losses":
        n_references, n_players = len(references), len(game.player_names)
        without_one = ~torch.eye(n_players, dtype=torch.bool, device=game.device).repeat(n_references, 1)
        estimates, signed = [], []
        per_row = n_references * n_players * len(game.output_names)
        for rows in row_blocks(game, per_row=per_row, progress=progress):
            left = game.values(without_one, rows=rows, references=references.repeat_interleave(n_players))
            losses = output[rows][:, None, None] - left.unflatten(1, (n_references, n_players))
            estimate = estimated(losses, control)
            sign = estimate.mean.sign()[:, None]
            errors = torch.cat([estimate.influence, estimate.carried], dim=1)
            signed.append((sign * errors).sum(0))  # rows share references, so their errors add up before squaring
            estimates.append((estimate.mean, estimate.variance.sqrt()))
        global_error = torch.stack(signed).sum(0).square().sum(0).sqrt() / game.n_rows
        return cls(
            torch.cat([mean for mean, _ in estimates]), torch.cat([error for _, error in estimates]), global_error
        )


def _n_references(game: Game, max_evaluations: int | None) -> int:
    """Return how many references the budget buys: all, or at least enough to know their spread."""
    n_players = len(game.player_names)
    least = min(_LEAST_REFERENCES, game.n_references) * n_players + 1
    budget = max(_DEFAULT_EVALUATIONS, least) if max_evaluations is None else max_evaluations
    if budget < least:
        raise ValueError(f"max_evaluations must be at least {least} for {n_players} players, got {max_evaluations!r}.")
    return min(game.n_references, (budget - 1) // n_players)
