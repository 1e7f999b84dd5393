"""Shapley values from a least-squares problem of each background row's own."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.seeds import RandomState, seed_of
from appkit.explanation.solvers.coalitions import (
    PairedCoalitions,
    draw_paired_coalitions,
    n_all_pairs,
    one_player_apart,
)
from appkit.explanation.solvers.draws import Control, explanation_from_draws
from appkit.explanation.solvers.references import balanced, herded_order, standardised_features

__all__ = ["COALITIONS_PER_PLAYER", "MIN_SETS", "regression_evaluations", "regression_pays", "regression_shapley"]

COALITIONS_PER_PLAYER = 4  # below, the regression is so nearly singular that its error explodes
MIN_SETS = 20  # a spread from fewer is itself off by more than a sixth
DEFAULT_EVALUATIONS = 8192
_ENDS = 4  # of all rows and of the only reference
_CHAINED = 1 / 8  # share of pairs that are steps of chains: a quarter already adds a tenth to the error
_LEAST_FREEDOM = 0.05
_FEWEST_CONTROLLED = 4
_BLOCK_ELEMENTS = 2_000_000


def regression_shapley(
    game: Game,
    *,
    max_evaluations: int | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return Shapley values estimated by regression on random coalitions, with their standard errors.

    Shapley values solve a weighted least-squares problem over all coalitions, under the constraint that they sum to
    the difference of the endpoints. Here each background row gets its own sample of that problem: pairs of opposite
    coalitions (exact up to interactions of two players), sizes drawn alike (their leverage in the problem), small
    sizes completely, none twice. The solution is linear in the outputs, so one operator per background row, factorised
    once, serves all rows and outputs. With every coalition in the sample the values are exact.

    Background rows come first: the budget buys each its least number of coalitions, 4 per player, and then more for
    all of them. Where it does not reach all, as many as it does are drawn without replacement; where output is an
    average of members, each is asked about with a single member. Permutations cover more background rows at the same
    cost; where the budget covers them all, a regression soon is the more precise (:func:`regression_pays`).

    Parameters
    ----------
    game
        What is explained.
    max_evaluations
        Model evaluations per row; the empty coalition, evaluated over the whole background once for all rows, comes on
        top. ``None`` means 8192, or the least that is enough.
    random_state
        Seed of coalitions, background rows and members.
    progress
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If ``max_evaluations`` is below :func:`regression_evaluations`.

    Notes
    -----
    A regression does not by itself give 0 to a player that is not used. So the samples hold the steps of random orders
    of the players (20 at least in all, an eighth of the budget where that is more), which change one player at a time
    for no further evaluation. A player that changes no output in any step gets exactly 0 and leaves the regression of
    that row. As with permutations, a player that matters in rare coalitions only may be missed and get 0, too.

    Standard errors are the spread over background rows. A game with one reference has a single regression; there they
    are the spread of 20 groups of pairs in their influence on the solution (the sandwich, HC3), where sizes drawn
    completely count as certain.

    References
    ----------
    Lundberg, Lee (2017), A Unified Approach to Interpreting Model Predictions. NeurIPS.
    Musco, Witter (2025), Provably Accurate Shapley Value Estimation via Leverage Score Sampling. ICLR.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.explanation import game_from_callable
    >>> X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0], "c": [0.0, 0.0]})
    >>> game = game_from_callable(lambda rows: rows["a"] * rows["b"], X[1:], X[:1], output_names=["area"])
    >>> regression_shapley(game, random_state=0).values[0, :, 0].round(6).tolist()
    [4.0, 3.0, 0.0]
    """
    seed = seed_of(random_state)
    plan = _Plan.drawn(game, _Extent.of(game, max_evaluations), seed=seed)
    return explanation_from_draws(
        game,
        lambda rows: _draws(game, plan, rows),
        n_draws=plan.extent.n_draws,
        control=_control(plan),
        method="shapley (regression)",
        random_state=seed,
        progress=progress,
    )


def regression_evaluations(game: Game) -> int:
    """Return the fewest model evaluations per row that a regression answers with."""
    n_sets = _least_sets(game)
    return n_sets * _evaluations_per_set(game, _least_pairs(len(game.player_names), n_sets)) + _ENDS


def regression_pays(game: Game, max_evaluations: int) -> bool:
    """Return whether a regression is expected to be more precise than permutations at the same cost.

    Measured on perceptrons of 10 to 64 columns: once every background row gets ``4 + n_players / 15`` coalitions per
    player, or the only one ``2 * n_players``. Errors there were 1 to 3 % of the values, and 1.3 to 4 times smaller than
    those of permutations at four times these budgets. Never where output averages members: permutations ask more of
    them.
    """
    n_players = len(game.player_names)
    per_player = 2 * n_players if game.n_references == 1 else 4 + n_players / 15
    enough = max(regression_evaluations(game), per_player * n_players * game.n_references)
    return game.n_members == 1 and max_evaluations >= enough


@dataclass(frozen=True)
class _Extent:
    """How a budget is divided."""

    n_sets: int
    n_pairs: int  # in each set
    n_chains: int  # in each set
    n_rounds: int  # over the background, with other members each time
    n_draws: int

    @classmethod
    def of(cls, game: Game, max_evaluations: int | None) -> "_Extent":
        n_players = len(game.player_names)
        budget = _checked_budget(game, max_evaluations) - _ENDS
        n_sets = _n_all_sets(game)
        if game.n_references >= MIN_SETS:
            per_set = _evaluations_per_set(game, _least_pairs(n_players, n_sets))
            n_sets = min(n_sets, budget // max(1, per_set))  # one player takes none
        n_pairs = min(n_all_pairs(n_players), (budget // n_sets - _evaluations_per_set(game, 0)) // 2)
        n_rounds = max(1, n_sets // game.n_references) if game.n_references > 1 else 1
        is_sampled_once = n_sets == 1 and n_pairs < n_all_pairs(n_players)
        return cls(
            n_sets=n_sets,
            n_pairs=n_pairs,
            n_chains=max(_least_chains(n_sets), int(_CHAINED * n_pairs) // max(1, n_players - 1)),
            n_rounds=n_rounds,
            n_draws=MIN_SETS if is_sampled_once else n_sets // n_rounds,
        )


def _checked_budget(game: Game, max_evaluations: int | None) -> int:
    least = regression_evaluations(game)
    if max_evaluations is None:
        return max(DEFAULT_EVALUATIONS, least)
    if max_evaluations < least:
        n_players, n_sets = len(game.player_names), _least_sets(game)
        raise ValueError(
            f"max_evaluations must be at least {least} for a regression over {n_players} players ({n_sets} sets of "
            f"{2 * _least_pairs(n_players, n_sets)} coalitions), got {max_evaluations!r}. Use method='permutation'."
        )
    return max_evaluations


def _least_sets(game: Game) -> int:
    return _n_all_sets(game) if game.n_references < MIN_SETS else MIN_SETS


def _n_all_sets(game: Game) -> int:
    """Return how many sets of coalitions come before any gets more: one per background row, 20 to tell members by."""
    return game.n_references if game.n_members == 1 else game.n_references * -(-MIN_SETS // game.n_references)


def _least_chains(n_sets: int) -> int:
    return -(-MIN_SETS // n_sets)


def _least_pairs(n_players: int, n_sets: int) -> int:
    """Return the fewest pairs in a set: 4 coalitions per player, and at most half of them from chains."""
    enough = max(COALITIONS_PER_PLAYER * n_players // 2, 2 * _least_chains(n_sets) * (n_players - 1))
    return min(n_all_pairs(n_players), enough)


def _evaluations_per_set(game: Game, n_pairs: int) -> int:
    return 2 * n_pairs + (game.n_members > 1)  # a member's own full coalition


@dataclass(frozen=True)
class _Plan:
    """Everything that is decided before any row is looked at, the solution of every regression included."""

    extent: _Extent
    coalitions: Tensor  # bool (n_sets, 2, 1 + n_pairs, n_players): everybody and one of each pair; their opposites
    references: Tensor  # int64 (n_sets,), in the same order in every round
    members: Tensor | None  # int64 (n_sets,)
    features: Tensor | None  # (n_references, n_features): what tells background rows apart
    operator: Tensor  # float64 (n_sets, n_players, 1 + n_pairs): from outputs less those of the opposites to values
    covariance: Tensor  # float64 (n_sets, n_players, n_players): of the values, were a pair's variance 1 / weight
    steps: tuple[tuple[Tensor, Tensor], ...]  # of each player: where coalitions are without and with it, all else alike
    influence: Tensor  # float64 (n_pairs,): what a residual of the first set counts in its error
    groups: tuple[Tensor, ...]  # int64: pairs of the first set, in groups as good as independent

    @classmethod
    def drawn(cls, game: Game, extent: _Extent, *, seed: int) -> "_Plan":
        rng = np.random.default_rng(seed)
        drawn = draw_paired_coalitions(
            len(game.player_names),
            n_sets=extent.n_sets,
            n_pairs=extent.n_pairs,
            n_chains=extent.n_chains,
            rng=rng,
        )
        pairs = torch.as_tensor(drawn.present)
        operator, covariance = _solution(pairs, torch.as_tensor(drawn.weights))
        some = torch.cat([pairs.new_ones(len(pairs), 1, pairs.shape[2]), pairs], dim=1)
        coalitions = torch.stack([some, ~some], dim=1)
        features = standardised_features(game)
        references = herded_order(features, n_references=game.n_references, n_drawn=extent.n_sets, seed=seed)
        members = balanced(rng, game.n_members, extent.n_sets) if game.n_members > 1 else None
        device = game.device
        return cls(
            extent=extent,
            coalitions=coalitions.to(device),
            references=torch.as_tensor(references, device=device),
            members=None if members is None else torch.as_tensor(members, device=device),
            features=features,
            operator=operator.to(device),
            covariance=covariance.to(device),
            steps=_steps(coalitions.flatten(1, 2).numpy(), device),
            influence=_influence(drawn, operator[0]).to(device),
            groups=_groups(drawn, device),
        )


def _signs(pairs: Tensor) -> Tensor:
    """Return 1 for players present and -1 for absent ones: the part of each in a coalition less its opposite."""
    return pairs.double() * 2 - 1


def _solution(pairs: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the operator and covariance of each set's least squares under the constraint on the sum of the values.

    Ones added to the normal equations leave the solution as it is, since the constraint fixes the sum they act on; they
    make invertible what the pairs say about differences only.
    """
    signs = _signs(pairs)
    weighted = signs.mT * weights
    inverse = torch.linalg.inv(weighted @ signs + 1.0)
    towards_sum = inverse.sum(2, keepdim=True)
    total = towards_sum.sum(1, keepdim=True)
    covariance = inverse - towards_sum * towards_sum.mT / total
    return torch.cat([towards_sum / total, covariance @ weighted], dim=2), covariance


def _steps(coalitions: np.ndarray, device: str) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return where the coalitions ``(n_sets, n_coalitions, n_players)`` change one player, over all sets in a row."""
    n_sets, n_coalitions, n_players = coalitions.shape
    found = [np.stack(one_player_apart(of_one)) for of_one in coalitions]
    first = np.repeat(np.arange(n_sets) * n_coalitions, [part.shape[1] for part in found])
    without, including, player = np.concatenate(found, axis=1)
    by_player = [(without + first)[player == j] for j in range(n_players)]
    by_player_in = [(including + first)[player == j] for j in range(n_players)]
    return tuple(
        (torch.as_tensor(before, device=device), torch.as_tensor(after, device=device))
        for before, after in zip(by_player, by_player_in, strict=True)
    )


def _influence(drawn: PairedCoalitions, operator: Tensor) -> Tensor:
    """Return the weight of each pair's residual: more with its leverage (HC3), less the fewer are left to draw."""
    leverage = (_signs(torch.as_tensor(drawn.present[0])) * operator[:, 1:].T).sum(1)
    return (1 - torch.as_tensor(drawn.drawn)).sqrt() / (1 - leverage).clamp(min=_LEAST_FREEDOM)


def _groups(drawn: PairedCoalitions, device: str) -> tuple[Tensor, ...]:
    """Return the pairs of each group: one chain, whose steps are alike, and every 20th of the others."""
    chains = drawn.chains[0]
    group = np.where(chains >= 0, chains, np.arange(len(chains))) % MIN_SETS
    return tuple(torch.as_tensor(np.flatnonzero(group == i), device=device) for i in range(MIN_SETS))


def _control(plan: _Plan) -> Control | None:
    if plan.features is None or plan.extent.n_draws < _FEWEST_CONTROLLED:
        return None
    return Control.of(plan.features, plan.references[: plan.extent.n_draws])


def _draws(game: Game, plan: _Plan, rows: Tensor) -> Tensor:
    """Return one draw of all values per background row, ``(n_rows, n_draws, n_players, n_outputs)``."""
    per_row = plan.coalitions[..., 0].numel() * len(game.output_names)
    blocks = rows.split(max(1, _BLOCK_ELEMENTS // per_row))
    return torch.cat([_draws_of_block(game, plan, block) for block in blocks])


def _draws_of_block(game: Game, plan: _Plan, rows: Tensor) -> Tensor:
    outputs = _outputs(game, plan, rows)
    idle = _idle(outputs, plan.steps)
    first, opposite = outputs.unflatten(2, (plan.extent.n_sets, 2, -1)).unbind(3)
    differences = first - opposite
    values = _without(idle, _applied(plan.operator, differences), plan.covariance)
    if plan.extent.n_draws > plan.extent.n_sets:
        deviations = _deviations(plan, differences[..., 1:] - _fitted(plan, values))
        values = values + _without(idle, deviations, plan.covariance)
    if plan.extent.n_rounds > 1:
        values = values.unflatten(2, (plan.extent.n_rounds, -1)).mean(2)
    return values.permute(0, 2, 3, 1)


def _outputs(game: Game, plan: _Plan, rows: Tensor) -> Tensor:
    """Return outputs of all coalitions of all sets, ``(n_rows, n_outputs, n_sets * 2 * (1 + n_pairs))``."""
    per_set = plan.coalitions[0, ..., 0].numel()
    outputs = game.values(
        plan.coalitions.flatten(0, 2),
        rows=rows,
        references=plan.references.repeat_interleave(per_set),
        members=None if plan.members is None else plan.members.repeat_interleave(per_set),
    )
    return outputs.transpose(1, 2).contiguous()


def _idle(outputs: Tensor, steps: tuple[tuple[Tensor, Tensor], ...]) -> Tensor:
    """Return whether a player changed an output in no step, bool ``(n_rows, n_outputs, n_players)``."""
    return torch.stack([(outputs[..., a] == outputs[..., b]).all(-1) for a, b in steps], dim=-1)


def _applied(operator: Tensor, numbers: Tensor) -> Tensor:
    """Return ``operator @ numbers`` of each set, ``(n_rows, n_outputs, n_sets, n)``.

    Sums of products instead of a matrix product: the rounding of that depends on how many rows there are.
    """
    return torch.stack([(by_set * numbers).sum(-1) for by_set in operator.unbind(1)], dim=-1)


def _without(idle: Tensor, values: Tensor, covariance: Tensor) -> Tensor:
    """Return values ``(n_rows, n_outputs, n_sets, n_players)`` of regressions that leave idle players out."""
    if not idle.any():
        return values
    patterns, which = idle.flatten(0, 1).unique(dim=0, return_inverse=True)
    left = values.flatten(0, 1).clone()
    for number, pattern in enumerate(patterns):
        left[which == number] = _restricted(left[which == number], pattern, covariance)
    return left.view(values.shape)


def _restricted(values: Tensor, idle: Tensor, covariance: Tensor) -> Tensor:
    """Return least-squares values under the further constraint that idle players have 0."""
    if not idle.all():
        shared = covariance[:, :, idle]
        carried = shared @ torch.linalg.inv(shared[:, idle])
        values = values - (carried * values[:, :, None, idle]).sum(-1)
    return torch.where(idle, 0.0, values)


def _fitted(plan: _Plan, values: Tensor) -> Tensor:
    """Return the differences that the values explain, ``(n_rows, n_outputs, n_sets, n_pairs)``."""
    signs = _signs(plan.coalitions[:, 0, 1:]).unbind(2)
    return torch.stack([sign * value[..., None] for sign, value in zip(signs, values.unbind(3), strict=True)]).sum(0)


def _deviations(plan: _Plan, unexplained: Tensor) -> Tensor:
    """Return what each group of pairs adds to the error, ``(n_rows, n_outputs, n_groups, n_players)``, mean 0."""
    counted = unexplained * plan.influence
    operator = plan.operator[..., 1:]
    added = [_applied(operator[..., group], counted[..., group]) for group in plan.groups]
    by_group = len(added) * torch.cat(added, dim=2)
    return by_group - by_group.mean(2, keepdim=True)
