"""Does removing what an explanation ranks first move the output further than removing at random."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.explanation import Explanation
from appkit.prediction import Estimate
from appkit.reporting.content.economy import SharedEnds

__all__ = ["RemovalTest", "removal_test"]

N_ROWS = 30
N_REFERENCES = 16
N_RANDOM = 2
_MOST_STEPS = 20
_N_RESAMPLES = 1000


@dataclass(frozen=True)
class RemovalTest:
    """How far the output moved toward (or from) the background, step by step; mean over rows.

    For each row the columns are taken in the order of their values, those first that hold the output where it is
    (largest toward the output, seen from the base value). Deletion takes them out of the row, insertion puts them into
    background rows; both are compared with random orders on the same background rows and members.

    Parameters
    ----------
    share
        Share of the columns removed or added, float64 ``(n_steps,)``, from 0 to 1.
    deletion, insertion, random
        Mean move, float64 ``(n_steps,)``.
    deletion_error, random_error
        Standard errors of the means over rows.
    deletion_ratio, insertion_ratio
        Mean move over the inner steps divided by that of random orders, with bootstrap intervals over rows; ``None``
        where random orders move nothing.
    n_rows
        Rows behind it.
    """

    share: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    random: np.ndarray
    deletion_error: np.ndarray
    random_error: np.ndarray
    deletion_ratio: Estimate | None
    insertion_ratio: Estimate | None
    n_rows: int


def removal_test(game: SharedEnds, explanation: Explanation, *, random_state: int) -> RemovalTest:
    """Run deletion and insertion on evenly spaced rows of the game."""
    rng = np.random.default_rng(random_state)
    n_players = len(game.player_names)
    rows = np.unique(np.linspace(0, game.n_rows - 1, min(N_ROWS, game.n_rows)).round().astype(int))
    steps = np.unique(np.linspace(0, n_players, min(n_players, _MOST_STEPS) + 1).round().astype(int))
    references = rng.choice(game.n_references, min(N_REFERENCES, game.n_references), replace=False)
    members = rng.permutation(game.n_members)[np.arange(len(references)) % game.n_members]
    moves = np.stack(
        [
            _moves(
                game,
                int(row),
                explanation,
                steps=steps,
                random_orders=np.stack([rng.permutation(n_players) for _ in range(N_RANDOM)]),
                references=references,
                members=members,
            )
            for row in rows
        ]
    )  # (n_rows, 3, n_steps): deletion, insertion, random
    means, errors = moves.mean(0), moves.std(0, ddof=min(1, len(rows) - 1)) / np.sqrt(len(rows))
    inner = moves[:, :, 1:-1].mean(2)
    return RemovalTest(
        share=steps / n_players,
        deletion=means[0],
        insertion=means[1],
        random=means[2],
        deletion_error=errors[0],
        random_error=errors[2],
        deletion_ratio=_ratio("Deletion", inner[:, 0], inner[:, 2], seed=random_state),
        insertion_ratio=_ratio("Insertion", inner[:, 1], inner[:, 2], seed=random_state),
        n_rows=len(rows),
    )


def _moves(
    game: SharedEnds,
    row: int,
    explanation: Explanation,
    *,
    steps: np.ndarray,
    random_orders: np.ndarray,
    references: np.ndarray,
    members: np.ndarray,
) -> np.ndarray:
    """Return the moves of one row, ``(3, n_steps)``."""
    sign = 1.0 if explanation.output[row, 0] >= explanation.base_value[row, 0] else -1.0
    ranked = np.argsort(-sign * explanation.values[row, :, 0], kind="stable")
    orders = np.vstack([ranked, random_orders])
    first = np.stack([_first_of(order, steps) for order in orders])  # (n_orders, n_steps, n_players)
    outputs = _mean_outputs(
        game, np.concatenate([~first, first]).reshape(-1, first.shape[-1]), row, references=references, members=members
    ).reshape(2, len(orders), len(steps))
    removed, added = sign * (outputs[0, :, :1] - outputs[0]), sign * (outputs[1] - outputs[1, :, :1])
    return np.stack([removed[0], added[0], (removed[1:].mean(0) + added[1:].mean(0)) / 2])


def _first_of(order: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return which players are among the first of an order, bool ``(n_steps, n_players)``."""
    return np.argsort(order)[None, :] < steps[:, None]


def _mean_outputs(
    game: SharedEnds, coalitions: np.ndarray, row: int, *, references: np.ndarray, members: np.ndarray
) -> np.ndarray:
    """Return outputs of one row averaged over the drawn references, ``(n_coalitions,)``."""
    n_drawn = len(references)
    repeated = torch.as_tensor(np.repeat(coalitions, n_drawn, axis=0), device=game.device)
    asked: Tensor | None = None
    if game.n_members > 1:
        asked = torch.as_tensor(np.tile(members, len(coalitions)), device=game.device)
    values = game.values(
        repeated,
        rows=torch.tensor([row], device=game.device),
        references=torch.as_tensor(np.tile(references, len(coalitions)), device=game.device),
        members=asked,
    )
    return values[0, :, 0].cpu().numpy().reshape(len(coalitions), n_drawn).mean(1)


def _ratio(name: str, own: np.ndarray, random: np.ndarray, *, seed: int) -> Estimate | None:
    """Return the ratio of two means over rows with its percentile bootstrap interval."""
    if random.mean() <= 0:
        return None
    drawn = np.random.default_rng(seed).integers(len(own), size=(_N_RESAMPLES, len(own)))
    below = random[drawn].mean(1)
    ratios = own[drawn].mean(1)[below > 0] / below[below > 0]
    value = float(own.mean() / random.mean())
    low, high = np.quantile(ratios, [0.025, 0.975])
    method = f"bootstrap over rows, {_N_RESAMPLES} resamples"
    return Estimate(name, value, min(float(low), value), max(float(high), value), method=method, n=len(own))
