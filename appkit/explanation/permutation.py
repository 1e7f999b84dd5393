"""Shapley values from antithetic permutations, one background row and one ensemble member each."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.draws import Control, explanation_from_draws
from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.seeds import RandomState, seed_of

__all__ = ["DEFAULT_EVALUATIONS", "MIN_PAIRS", "permutation_shapley"]

DEFAULT_EVALUATIONS = 2048
MIN_PAIRS = 20  # a spread from fewer is itself off by more than a sixth


def permutation_shapley(
    game: Game,
    *,
    max_evaluations: int | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return Shapley values estimated from permutations of the players, with their standard errors.

    Players enter one by one in a random order, then leave in the same order (antithetic pair): for its one background
    row a pair is exact up to interactions of two players. Background rows are drawn without replacement, so that the
    whole background has its say at no extra evaluation; where output is an average of members, each pair asks a single
    member, drawn equally often. Permutations are shared by all rows.

    Parameters
    ----------
    game
        What is explained.
    max_evaluations
        Model evaluations per row; the empty coalition, evaluated over the whole background once for all rows, comes on
        top. ``None`` means 2048, or what 20 pairs take if that is more.
    random_state
        Seed of permutations, background rows and members.
    progress
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If ``max_evaluations`` leaves fewer than 20 pairs: their spread would be no standard error.

    References
    ----------
    Mitchell, Cooper, Frank, Holmes (2022), Sampling permutations for Shapley value estimation. JMLR 23(43).
    """
    seed = seed_of(random_state)
    plan = _Plan.drawn(game, n_pairs=_n_pairs(game, max_evaluations), seed=seed)
    control = _control(game, plan)
    return explanation_from_draws(
        game,
        lambda rows: _by_reference(_contributions(game, plan, rows), plan),
        n_draws=plan.n_draws,
        control=control,
        method="shapley (permutation)",
        random_state=seed,
        progress=progress,
    )


@dataclass(frozen=True)
class _Plan:
    """What is drawn before any row is looked at."""

    order: Tensor  # (n_pairs, n_players) int64: who enters when
    references: Tensor  # (n_pairs,) int64; each background row equally often, or at most once
    members: Tensor | None  # (n_pairs,) int64
    n_draws: int  # independent draws: distinct background rows, or pairs where there is but one

    @classmethod
    def drawn(cls, game: Game, *, n_pairs: int, seed: int) -> "_Plan":
        rng = np.random.default_rng(seed)
        order = rng.permuted(np.tile(np.arange(len(game.player_names)), (n_pairs, 1)), axis=1)
        references = _balanced(rng, game.n_references, n_pairs)
        members = _balanced(rng, game.n_members, n_pairs) if game.n_members > 1 else None
        return cls(
            order=torch.as_tensor(order, device=game.device),
            references=torch.as_tensor(references, device=game.device),
            members=None if members is None else torch.as_tensor(members, device=game.device),
            n_draws=n_pairs if game.n_references == 1 else min(n_pairs, game.n_references),
        )


def _balanced(rng: np.random.Generator, n_choices: int, n_draws: int) -> np.ndarray:
    """Return int64 ``(n_draws,)``: blocks of all choices in random order, so none comes twice before all came once."""
    blocks = [rng.permutation(n_choices) for _ in range(-(-n_draws // n_choices))]
    return np.concatenate(blocks)[:n_draws]


def _n_pairs(game: Game, max_evaluations: int | None) -> int:
    """Return how many pairs the budget buys, whole rounds over the background where it covers one."""
    per_pair = max(1, 2 * (len(game.player_names) - 1))
    ends = 1 + (game.n_members if game.n_members > 1 else 0)
    least = MIN_PAIRS * per_pair + ends
    budget = max(DEFAULT_EVALUATIONS, least) if max_evaluations is None else max_evaluations
    if budget < least:
        raise ValueError(
            f"max_evaluations must be at least {least} for {len(game.player_names)} players "
            f"({MIN_PAIRS} pairs of permutations), got {max_evaluations!r}."
        )
    n_pairs = (budget - ends) // per_pair
    rounds = n_pairs // game.n_references
    return rounds * game.n_references if rounds else n_pairs


def _control(game: Game, plan: _Plan) -> Control | None:
    features = game.reference_features()
    if features is None or game.n_references == 1 or plan.n_draws < 4:
        return None
    return Control.of(features, plan.references if plan.n_draws == len(plan.references) else plan.references.unique())


def _contributions(game: Game, plan: _Plan, rows: Tensor) -> Tensor:
    """Return contributions, ``(n_rows, n_pairs, n_players, n_outputs)``: mean of entering and of leaving in order."""
    n_pairs, n_players = plan.order.shape
    rank = plan.order.argsort(1)
    entered = rank[:, None, :] < torch.arange(1, n_players, device=rank.device)[:, None]
    chains = torch.stack([entered, ~entered], dim=1)  # (n_pairs, 2, n_players - 1, n_players)
    per_pair = 2 * (n_players - 1)
    inner = game.values(
        chains.flatten(0, 2),
        rows=rows,
        references=plan.references.repeat_interleave(per_pair),
        members=None if plan.members is None else plan.members.repeat_interleave(per_pair),
    ).view(len(rows), n_pairs, 2, n_players - 1, len(game.output_names))
    empty, full = _chain_ends(game, plan, rows)
    entering = torch.cat([empty, inner[:, :, 0], full], dim=2).diff(dim=2)
    leaving = torch.cat([full, inner[:, :, 1], empty], dim=2).diff(dim=2)
    by_step = (entering - leaving) / 2
    return by_step.gather(2, rank[None, :, :, None].expand_as(by_step))


def _chain_ends(game: Game, plan: _Plan, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs of the empty and the full coalition for each pair, ``(n_rows, n_pairs, 1, n_outputs)`` each."""
    nobody = torch.zeros(len(plan.order), len(game.player_names), dtype=torch.bool, device=game.device)
    empty = game.values(nobody, rows=rows, references=plan.references, members=plan.members)
    heads = None if plan.members is None else torch.arange(game.n_members, device=game.device)
    everybody = torch.ones_like(nobody[:1]) if heads is None else torch.ones_like(nobody[:1]).repeat(len(heads), 1)
    full = game.values(everybody, rows=rows, members=heads)
    full = full.expand(-1, len(plan.order), -1) if plan.members is None else full[:, plan.members]
    return empty[:, :, None], full[:, :, None]


def _by_reference(contributions: Tensor, plan: _Plan) -> Tensor:
    """Return contributions averaged over the pairs that share a background row, in the order of those rows."""
    if plan.n_draws == len(plan.references):
        return contributions
    grouped = contributions[:, plan.references.argsort(stable=True)]
    return grouped.unflatten(1, (plan.n_draws, -1)).mean(2)
