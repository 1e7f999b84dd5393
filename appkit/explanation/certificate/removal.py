"""Does removing what an explanation ranks first move the output further than removing at random."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.certificate.agreement import mean_over_rows
from appkit.explanation.certificate.parts import parts_of
from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.seeds import RandomState, seed_of
from appkit.prediction import Estimate

__all__ = ["RemovalTest", "removal_test"]

N_ROWS = 30
N_REFERENCES = 16
FEWEST_PLAYERS = 3
_RANDOM_ORDERS = 60  # of all rows together
_FEWEST_ORDERS, _MOST_ORDERS = 2, 20
_MOST_STEPS = 20
_SHARED_STEPS = 11
_N_RESAMPLES = 1000


@dataclass(frozen=True)
class RemovalTest:
    """How far the output moved toward (or from) the background, step by step; mean over rows.

    For each row the players are taken in the order of their values, those first that hold the output where it is
    (largest toward the output, seen from the base value). Deletion takes them out of the row, insertion puts them into
    background rows; both are compared with random orders on the same background rows and members.

    Parameters
    ----------
    share
        Share of the players removed or added, float64 ``(n_steps,)``, from 0 to 1.
    deletion, insertion, random
        Mean move, float64 ``(n_steps,)``.
    deletion_error, random_error
        Standard errors of the means over rows.
    deletion_area, insertion_area, random_area
        Area under each curve: mean move over the inner steps, mean over rows with its interval.
    deletion_ratio, insertion_ratio
        Area divided by that of random orders, with bootstrap intervals over rows (over random orders where there is
        one row); ``None`` where random orders move nothing.
    n_rows
        Rows behind it.
    """

    share: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    random: np.ndarray
    deletion_error: np.ndarray
    random_error: np.ndarray
    deletion_area: Estimate
    insertion_area: Estimate
    random_area: Estimate
    deletion_ratio: Estimate | None
    insertion_ratio: Estimate | None
    n_rows: int


@dataclass(frozen=True)
class _Moves:
    """What one row did under its own order and under random ones."""

    share: np.ndarray  # (n_steps,)
    curves: np.ndarray  # (3, n_steps): deletion, insertion, mean of random orders
    areas: np.ndarray  # (2,): deletion, insertion
    random_areas: np.ndarray  # (n_orders,)


def removal_test(
    game: Game | RaggedGame, explanation: Explanation, *, output: int = 0, random_state: RandomState = None
) -> RemovalTest | None:
    """Run deletion and insertion on at most 30 evenly spaced rows; ``None`` if no row has three players.

    Asks each row some 21 steps of two curves and of at least two random orders each, on 16 background rows: about 2,000
    model evaluations a row, up to 14,000 where there is one row only and random orders alone tell the spread.
    """
    seed = seed_of(random_state)
    moves = list(_moves_of_rows(game, explanation, output=output, seed=seed))
    if not moves:
        return None
    share = moves[0].share if all(np.array_equal(m.share, moves[0].share) for m in moves) else _shared_steps()
    curves = np.stack([[np.interp(share, m.share, curve) for curve in m.curves] for m in moves])
    means, errors = curves.mean(0), curves.std(0, ddof=min(1, len(moves) - 1)) / np.sqrt(len(moves))
    areas, random = np.stack([m.areas for m in moves]), np.stack([m.random_areas for m in moves])
    unbounded = (-np.inf, np.inf)
    return RemovalTest(
        share=share,
        deletion=means[0],
        insertion=means[1],
        random=means[2],
        deletion_error=errors[0],
        random_error=errors[2],
        deletion_area=mean_over_rows("Deletion area", areas[:, 0], bounds=unbounded),
        insertion_area=mean_over_rows("Insertion area", areas[:, 1], bounds=unbounded),
        random_area=mean_over_rows("Random order area", random.mean(1), bounds=unbounded),
        deletion_ratio=_ratio("Deletion", areas[:, 0], random, seed=seed),
        insertion_ratio=_ratio("Insertion", areas[:, 1], random, seed=seed),
        n_rows=len(moves),
    )


def _moves_of_rows(game: Game | RaggedGame, explanation: Explanation, *, output: int, seed: int) -> Iterator[_Moves]:
    """Yield the moves of evenly spaced rows that have players enough, game by game."""
    rng = np.random.default_rng(seed)
    chosen = _chosen_rows(explanation, output)
    n_orders = min(_MOST_ORDERS, max(_FEWEST_ORDERS, -(-_RANDOM_ORDERS // max(1, len(chosen)))))
    for rows, part in parts_of(game):
        places = np.flatnonzero(np.isin(rows, chosen))
        if not len(places):
            continue
        n_players = len(part.player_names)
        references = rng.choice(part.n_references, min(N_REFERENCES, part.n_references), replace=False)
        members = rng.permutation(part.n_members)[np.arange(len(references)) % part.n_members]
        for place in places:
            row = int(rows[place])
            sign = 1.0 if explanation.output[row, output] >= explanation.base_value[row, output] else -1.0
            ranked = np.argsort(-sign * explanation.values[row, :n_players, output], kind="stable")
            orders = np.stack([ranked, *(rng.permutation(n_players) for _ in range(n_orders))])
            question = _Question(game=part, row=int(place), output=output, references=references, members=members)
            yield _moves(question, orders, sign=sign)


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What to ask of one row of a game: which output, on which background rows, of which members."""

    game: Game
    row: int
    output: int
    references: np.ndarray
    members: np.ndarray

    def mean_outputs(self, coalitions: np.ndarray) -> np.ndarray:
        """Return outputs averaged over the background rows, ``(n_coalitions,)``."""
        game, n_drawn = self.game, len(self.references)
        asked: Tensor | None = None
        if game.n_members > 1:
            asked = torch.as_tensor(np.tile(self.members, len(coalitions)), device=game.device)
        values = game.values(
            torch.as_tensor(np.repeat(coalitions, n_drawn, axis=0), device=game.device),
            rows=torch.tensor([self.row], device=game.device),
            references=torch.as_tensor(np.tile(self.references, len(coalitions)), device=game.device),
            members=asked,
        )
        return values[0, :, self.output].cpu().numpy().reshape(len(coalitions), n_drawn).mean(1)


def _moves(question: _Question, orders: np.ndarray, *, sign: float) -> _Moves:
    """Return what the first of the orders ``(n_orders, n_players)`` moves, and the others as control."""
    n_players = orders.shape[1]
    steps = np.unique(np.linspace(0, n_players, min(n_players, _MOST_STEPS) + 1).round().astype(int))
    first = np.stack([_first_of(order, steps) for order in orders])  # (n_orders, n_steps, n_players)
    outputs = question.mean_outputs(np.concatenate([~first, first]).reshape(-1, n_players))
    outputs = outputs.reshape(2, len(orders), len(steps))
    removed, added = sign * (outputs[0, :, :1] - outputs[0]), sign * (outputs[1] - outputs[1, :, :1])
    random = (removed[1:] + added[1:]) / 2
    own = np.stack([removed[0], added[0]])
    return _Moves(
        share=steps / n_players,
        curves=np.vstack([own, random.mean(0)]),
        areas=own[:, 1:-1].mean(1),
        random_areas=random[:, 1:-1].mean(1),
    )


def _chosen_rows(explanation: Explanation, output: int) -> np.ndarray:
    """Return evenly spaced rows among those that have players enough to put in order."""
    n_own = (~np.isnan(explanation.values[..., output])).sum(1)
    able = np.flatnonzero(n_own >= FEWEST_PLAYERS)
    if not len(able):
        return able
    return able[np.unique(np.linspace(0, len(able) - 1, min(N_ROWS, len(able))).round().astype(int))]


def _first_of(order: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return which players are among the first of an order, bool ``(n_steps, n_players)``."""
    return np.argsort(order)[None, :] < steps[:, None]


def _shared_steps() -> np.ndarray:
    """Return shares of players for the mean over rows whose numbers of players differ."""
    return np.linspace(0.0, 1.0, _SHARED_STEPS)


def _ratio(name: str, own: np.ndarray, random: np.ndarray, *, seed: int) -> Estimate | None:
    """Return the ratio of two means over rows with its percentile bootstrap interval.

    ``own`` is ``(n_rows,)``, ``random`` ``(n_rows, n_orders)``. One row cannot be resampled, its random orders can.
    """
    if random.mean() <= 0:
        return None
    n_rows, n_orders = random.shape
    generator = np.random.default_rng(seed)
    if n_rows > 1:
        drawn = generator.integers(n_rows, size=(_N_RESAMPLES, n_rows))
        above, below = own[drawn].mean(1), random.mean(1)[drawn].mean(1)
    else:
        above = np.full(_N_RESAMPLES, own[0])
        below = random[0][generator.integers(n_orders, size=(_N_RESAMPLES, n_orders))].mean(1)
    ratios = above[below > 0] / below[below > 0]
    value = float(own.mean() / random.mean())
    low, high = np.quantile(ratios, [0.025, 0.975])
    method = f"bootstrap over {'rows' if n_rows > 1 else 'random orders'}, {_N_RESAMPLES} resamples"
    return Estimate(name, value, min(float(low), value), max(float(high), value), method=method, n=n_rows)
