"""Interactions of two players: what they add together beyond what each adds alone."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.game import Game
from appkit.explanation.seeds import RandomState, seed_of
from appkit.explanation.solvers.draws import Estimate, estimated, row_blocks
from appkit.explanation.solvers.exact import EXACT_PLAYERS, exact_evaluations
from appkit.explanation.solvers.references import herded_order, standardised_features

__all__ = ["Interactions", "shapley_interactions"]

_DEFAULT_EVALUATIONS = 32_768
_MIN_DRAWS = 20  # a spread from fewer is itself off by more than a sixth
_MIN_SCREENING_DRAWS = 4
_BLOCK_ELEMENTS = 2_000_000

Pair = tuple[int, int]


@dataclass(frozen=True)
class Interactions:
    """Interactions of pairs of players, with what is known of their error.

    Parameters
    ----------
    pairs
        Names of the two players of each pair; strongest first where the method chose them.
    values, standard_error
        float64 ``(n_rows, n_pairs, n_outputs)``, in ``units``. The error is that of the coalitions and of the
        background sample together, 0 where enumeration on one background row leaves none.
    importance, importance_error
        float64 ``(n_pairs, n_outputs)``: mean absolute value over rows, and its error; rows share coalitions, so their
        errors are correlated, and that is counted. Of values no larger than their errors it is too large.
    output_names
        Names along the last axis.
    units
        ``"probability"``, ``"log-odds"`` or ``"value"``.
    method
        ``"shapley interaction (exact)"`` or ``"shapley interaction (sampled)"``.
    n_evaluations
        Model evaluations spent per row, screening included.
    random_state
        Seed that reproduces the values; ``None`` where nothing was drawn.
    """

    pairs: tuple[tuple[str, str], ...]
    values: np.ndarray
    standard_error: np.ndarray
    importance: np.ndarray
    importance_error: np.ndarray
    output_names: tuple[str, ...]
    units: str
    method: str
    n_evaluations: int
    random_state: int | None


def shapley_interactions(
    game: Game,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    n_pairs: int = 10,
    max_evaluations: int | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Interactions:
    """Return the Shapley interaction index of the strongest pairs of players, or of given ones.

    The interaction of two players next to others present, ``v(S + i + j) - v(S + i) - v(S + j) + v(S)``, averaged over
    all sets ``S`` of the other players: sizes alike, sets of one size alike. It is 0 where a player is not used, and
    where two players act side by side. Interactions split no output among players; they sum to nothing in particular.

    Up to 12 players it is exact if ``max_evaluations`` suffices to enumerate all coalitions with every background row.
    Else each draw takes one background row (and one ensemble member) and a random set of players, and changes the
    players of the pairs one and two at a time, once from the set and once from its complement: one question to the
    model then serves many pairs, and up to interactions of three players a draw is exact for its background row.

    Parameters
    ----------
    game
        What is explained; two players at least.
    pairs
        Names of the players of each pair to measure; ``None`` finds the strongest.
    n_pairs
        How many of the strongest pairs to return where ``pairs`` is ``None``.
    max_evaluations
        Model evaluations per row; the empty coalition, evaluated over the whole background once for all rows, comes on
        top. ``None`` means 32768, or the least that is enough.
    random_state
        Seed of coalitions, background rows and members.
    progress
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If there is one player only, a pair names no two players, ``n_pairs`` is not positive, or ``max_evaluations``
        leaves fewer than 20 draws.

    Notes
    -----
    Where pairs must be found and enumeration is too dear, half of the budget goes to a first pass over all pairs. They
    are ranked by the mean absolute value over rows (the sum over outputs), and the draws behind the ranking are not
    used again: values of pairs that were picked for their values would be too large.

    References
    ----------
    Grabisch, Roubens (1999), An axiomatic approach to the concept of interaction among players in cooperative games.
    International Journal of Game Theory 28.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.explanation import game_from_callable
    >>> X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0], "c": [0.0, 1.0]})
    >>> game = game_from_callable(lambda rows: rows["a"] * rows["b"] + rows["c"], X[1:], X[:1], output_names=["area"])
    >>> found = shapley_interactions(game, n_pairs=1)
    >>> found.pairs, found.values[0, :, 0].tolist()
    ((('a', 'b'),), [2.0])
    """
    asked = _checked_pairs(game, pairs)
    if n_pairs < 1:
        raise ValueError(f"n_pairs must be positive, got {n_pairs!r}.")
    n_wanted = min(n_pairs, len(asked)) if pairs is None else len(asked)
    started = game.n_evaluations
    if _is_enumerable(game, max_evaluations):
        seed, method = None, "shapley interaction (exact)"
        measured = _enumerated(game, asked, progress=progress)
    else:
        seed, method = seed_of(random_state), "shapley interaction (sampled)"
        budget = _Budget.of(game, asked, n_wanted=n_wanted, max_evaluations=max_evaluations)
        if n_wanted < len(asked):
            screened = _sampled(game, asked, n_draws=budget.screening, seed=[seed, 1], progress=progress)
            asked = [asked[i] for i in screened.strongest(n_wanted)]
        measured = _sampled(game, asked, n_draws=budget.measuring, seed=[seed, 0], progress=progress)
    order = measured.strongest(n_wanted) if pairs is None else list(range(len(asked)))
    return Interactions(
        pairs=tuple((game.player_names[asked[k][0]], game.player_names[asked[k][1]]) for k in order),
        values=measured.values[:, order].cpu().numpy(),
        standard_error=measured.standard_error[:, order].cpu().numpy(),
        importance=measured.importance[order].cpu().numpy(),
        importance_error=measured.importance_error[order].cpu().numpy(),
        output_names=game.output_names,
        units=game.units,
        method=method,
        n_evaluations=-(-(game.n_evaluations - started) // game.n_rows),
        random_state=seed,
    )


@dataclass(frozen=True)
class _Measured:
    """Values of all pairs asked, named as in :class:`Interactions`."""

    values: Tensor
    standard_error: Tensor
    importance: Tensor
    importance_error: Tensor

    @classmethod
    def of(cls, estimates: Iterable[Estimate]) -> "_Measured":
        """Return the estimates of some rows after others as one; the global error is linearised at the signs."""
        values, variances, shares = [], [], []
        for estimate in estimates:
            sign = estimate.mean.sign()[:, None]
            values.append(estimate.mean)
            variances.append(estimate.variance)
            shares.append((sign * estimate.influence).sum(0))
        mean = torch.cat(values)
        return cls(
            values=mean,
            standard_error=torch.cat(variances).sqrt(),
            importance=mean.abs().mean(0),
            importance_error=torch.stack(shares).sum(0).square().sum(0).sqrt() / len(mean),
        )

    def strongest(self, n: int) -> list[int]:
        """Return the positions of the ``n`` most important pairs."""
        return self.importance.sum(1).argsort(descending=True, stable=True)[:n].tolist()


def _checked_pairs(game: Game, pairs: Sequence[tuple[str, str]] | None) -> list[Pair]:
    """Return positions of the players of each pair; all pairs for ``None``."""
    names = game.player_names
    if len(names) < 2:
        raise ValueError(f"Interactions need two players at least, got {names}.")
    if pairs is None:
        return list(itertools.combinations(range(len(names)), 2))
    position = {name: i for i, name in enumerate(names)}
    for pair in pairs:
        if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(position):
            raise ValueError(f"pairs must name two different players of {names} each, got {pair!r}.")
    if not pairs:
        raise ValueError("pairs must not be empty; None finds the strongest.")
    return [(position[first], position[second]) for first, second in pairs]


def _is_enumerable(game: Game, max_evaluations: int | None) -> bool:
    affordable = _DEFAULT_EVALUATIONS if max_evaluations is None else max_evaluations
    return len(game.player_names) <= EXACT_PLAYERS and exact_evaluations(game) + 1 <= affordable


@dataclass(frozen=True)
class _Budget:
    """Draws of each pass."""

    screening: int
    measuring: int

    @classmethod
    def of(cls, game: Game, asked: list[Pair], *, n_wanted: int, max_evaluations: int | None) -> "_Budget":
        most_players = min(2 * n_wanted, len({player for pair in asked for player in pair}))
        per_draw = 2 * (1 + most_players + n_wanted)
        per_screening = _evaluations_per_draw(asked) if n_wanted < len(asked) else 0
        least = _MIN_DRAWS * per_draw + _MIN_SCREENING_DRAWS * per_screening
        budget = max(_DEFAULT_EVALUATIONS, least) if max_evaluations is None else max_evaluations
        if budget < least:
            raise ValueError(
                f"max_evaluations must be at least {least} to pick {n_wanted} of {len(asked)} pairs and measure "
                f"them, got {max_evaluations!r}. Name fewer pairs."
            )
        screening = max(_MIN_SCREENING_DRAWS, budget // 2 // per_screening) if per_screening else 0
        return cls(screening, _whole_rounds(game, (budget - screening * per_screening) // per_draw))


def _evaluations_per_draw(pairs: list[Pair]) -> int:
    """Return what one draw takes: a set and its complement, with each player and each pair changed."""
    return 2 * (1 + len({player for pair in pairs for player in pair}) + len(pairs))


def _whole_rounds(game: Game, n_draws: int) -> int:
    """Return at most ``n_draws``: whole rounds over the background where they cover it."""
    return n_draws // game.n_references * game.n_references or n_draws


def _enumerated(game: Game, pairs: list[Pair], *, progress: bool) -> _Measured:
    """Return exact interactions; each background row gives a draw of its own."""
    n_players, n_outputs = len(game.player_names), len(game.output_names)
    everyone = torch.arange(2**n_players, device=game.device)
    coalitions = (everyone[:, None] >> torch.arange(n_players, device=game.device) & 1).bool()
    per_row = max(len(coalitions), len(pairs)) * game.n_references * n_outputs
    blocks = row_blocks(game, per_row=per_row, progress=progress)
    return _Measured.of(estimated(_of_each_reference(game, coalitions, rows, pairs)) for rows in blocks)


def _of_each_reference(game: Game, coalitions: Tensor, rows: Tensor, pairs: list[Pair]) -> Tensor:
    """Return exact interactions with each background row alone, ``(n_rows, n_references, n_pairs, n_outputs)``."""
    at_once = max(1, _BLOCK_ELEMENTS // (len(coalitions) * len(game.output_names)))
    draws = []
    for some in torch.arange(game.n_references, device=game.device).split(at_once):
        asked = some.repeat_interleave(len(coalitions))
        outputs = game.values(coalitions.repeat(len(some), 1), rows=rows, references=asked)
        outputs = outputs.unflatten(1, (len(some), -1))
        draws.append(torch.stack([_index(outputs, pair) for pair in pairs], dim=2))
    return torch.cat(draws, dim=1)


def _index(outputs: Tensor, pair: Pair) -> Tensor:
    """Return the interaction of one pair from outputs of all coalitions ``(n_rows, n, 2 ** n_players, n_outputs)``."""
    low, high = sorted(pair)
    n_others = outputs.shape[2].bit_length() - 3
    corners = outputs.unflatten(2, (-1, 2, 2 ** (high - low - 1), 2, 2**low))
    without, including = corners[:, :, :, 0], corners[:, :, :, 1]
    both = (including[:, :, :, :, 1] - including[:, :, :, :, 0]) - (without[:, :, :, :, 1] - without[:, :, :, :, 0])
    others = torch.arange(2**n_others, device=outputs.device)
    size = (others[:, None] >> torch.arange(n_others, device=outputs.device) & 1).sum(1)
    n_of_size = torch.bincount(size, minlength=n_others + 1)
    weights = 1 / ((n_others + 1) * n_of_size[size].double())
    return (both.flatten(2, 4) * weights[:, None]).sum(2)


def _sampled(game: Game, pairs: list[Pair], *, n_draws: int, seed: list[int], progress: bool) -> _Measured:
    """Return interactions estimated from random sets of players, with one background row each."""
    plan = _Plan.drawn(game, pairs, n_draws=n_draws, seed=seed)
    per_row = len(plan.coalitions) * len(game.output_names)
    blocks = row_blocks(game, per_row=per_row, progress=progress)
    return _Measured.of(estimated(_draws(game, plan, rows)) for rows in blocks)


@dataclass(frozen=True)
class _Plan:
    """Everything that is decided before any row is looked at.

    A set ``S`` that holds each player with the same probability, itself uniform, has all sizes alike without any two of
    the players too: one set serves every pair. Changing the pair's players in it, whether in or out, gives the corners
    of the square around what it holds of the others.
    """

    coalitions: Tensor  # bool (n_draws * 2 * n_corners, n_players): S, S with a player changed, with a pair changed
    references: Tensor  # int64 (n_draws,)
    members: Tensor | None  # int64 (n_draws,)
    corners: Tensor  # int64 (3, n_pairs): where both are changed, only the first, only the second; S is at 0
    sign: Tensor  # float64 (n_draws, 2, n_pairs): 1 where S holds both players or neither, -1 where one
    n_independent: int  # draws of different background rows

    @classmethod
    def drawn(cls, game: Game, pairs: list[Pair], *, n_draws: int, seed: list[int]) -> "_Plan":
        rng = np.random.default_rng(seed)
        n_players = len(game.player_names)
        share = (rng.permutation(n_draws) + rng.random(n_draws)) / n_draws
        some = torch.as_tensor(rng.random((n_draws, n_players)) < share[:, None])
        sets = torch.stack([some, ~some], dim=1)
        changes, corners = _changes(pairs, n_players)
        features = standardised_features(game)
        order_seed = int(rng.integers(2**31))
        references = herded_order(features, n_references=game.n_references, n_drawn=n_draws, seed=order_seed)
        members = rng.permutation(np.resize(np.arange(game.n_members), n_draws)) if game.n_members > 1 else None
        first, second = torch.tensor(pairs).T
        return cls(
            coalitions=(sets[:, :, None] ^ changes).flatten(0, 2).to(game.device),
            references=torch.as_tensor(references, device=game.device),
            members=None if members is None else torch.as_tensor(members, device=game.device),
            corners=corners.to(game.device),
            sign=torch.where(sets[..., first] == sets[..., second], 1.0, -1.0).double().to(game.device),
            n_independent=n_draws if game.n_references == 1 else min(n_draws, game.n_references),
        )


def _changes(pairs: list[Pair], n_players: int) -> tuple[Tensor, Tensor]:
    """Return which players each corner changes, bool ``(n_corners, n_players)``, and where each pair finds its own."""
    players = sorted({player for pair in pairs for player in pair})
    place = {player: 1 + i for i, player in enumerate(players)}
    changes = torch.zeros(1 + len(players) + len(pairs), n_players, dtype=torch.bool)
    changes[torch.arange(1, 1 + len(players)), torch.tensor(players)] = True
    both = torch.arange(1 + len(players), len(changes))
    changes[both[:, None], torch.tensor(pairs)] = True
    corners = torch.stack([both, *torch.tensor([[place[i], place[j]] for i, j in pairs]).T])
    return changes, corners


def _draws(game: Game, plan: _Plan, rows: Tensor) -> Tensor:
    """Return one interaction per background row, ``(n_rows, n_independent, n_pairs, n_outputs)``."""
    n_draws = len(plan.references)
    per_draw = len(plan.coalitions) // n_draws
    outputs = game.values(
        plan.coalitions,
        rows=rows,
        references=plan.references.repeat_interleave(per_draw),
        members=None if plan.members is None else plan.members.repeat_interleave(per_draw),
    ).unflatten(1, (n_draws, 2, -1))
    both, first, second = (outputs[:, :, :, corner] for corner in plan.corners)
    # in this order a player that changes nothing leaves exactly 0
    differences = ((both - first) - (second - outputs[:, :, :, :1])) * plan.sign[..., None]
    by_draw = differences.mean(2)
    if plan.n_independent == n_draws:
        return by_draw
    return by_draw.unflatten(1, (-1, plan.n_independent)).mean(1)
