"""The right answer of a problem, by code that shares nothing with what is measured."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.explanations.measures import relative_error
from benchmarks.explanations.problems import Problem

__all__ = ["Truth", "path_truth", "remembered", "shapley_truth"]

_AFFORDABLE_EVALUATIONS = 20_000_000  # of all rows: what enumeration may cost
_ENUMERATED_PLAYERS = 12
_CHUNK = 4096
_PATH_POINTS = 64


@dataclass(frozen=True)
class Truth:
    """Values of each row and player, float64 ``(n_rows, n_players)``, how they were found and how wrong they are.

    ``error`` is the relative L2 error expected of the values themselves, 0 where nothing was sampled.
    """

    values: np.ndarray
    error: float
    how: str


def remembered(path: Path, find: Callable[[], Truth]) -> Truth:
    """Return the truth kept at ``path``; find it and keep it where there is none."""
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Truth(np.array(stored["values"]), stored["error"], stored["how"])
    found = find()
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"values": found.values.tolist(), "error": found.error, "how": found.how}
    path.write_text(json.dumps(facts), encoding="utf-8")
    return found


@torch.no_grad()
def shapley_truth(problem: Problem, *, n_pairs: int) -> Truth:
    """Return Shapley values by enumeration where that is affordable, else by two long runs of permutation pairs.

    Half the distance of the two runs estimates the error of their mean.
    """
    evaluations = 2**problem.n_players * len(problem.background) * len(problem.rows)
    if problem.n_players <= _ENUMERATED_PLAYERS and evaluations <= _AFFORDABLE_EVALUATIONS:
        values = torch.stack([_enumerated(problem, row) for row in problem.rows])
        return Truth(values.cpu().numpy(), 0.0, "enumerated")
    first, second = (_long_run(problem, n_pairs // 2, seed=seed) for seed in (1, 2))
    error = relative_error(first, second) / 2
    return Truth((first + second) / 2, error, f"{n_pairs} permutation pairs")


def path_truth(problem: Problem) -> Truth:
    """Return Aumann-Shapley values: gradients along the line from each reference, 64 Gauss points each."""
    points, weights = np.polynomial.legendre.leggauss(_PATH_POINTS)
    share = torch.as_tensor((points + 1) / 2, dtype=torch.float32, device=problem.device)
    weight = torch.as_tensor(weights / 2, dtype=torch.float32, device=problem.device)
    values = []
    for row in problem.rows:
        total = torch.zeros_like(row, dtype=torch.float64)
        for reference in problem.background:
            step = row - reference
            along = (reference + share.view(-1, *[1] * row.ndim) * step).requires_grad_(True)
            with torch.backends.cudnn.flags(enabled=False):  # its recurrent layers have no backward in evaluation
                (gradient,) = torch.autograd.grad(problem.network(along).sum(), along)
            total += (torch.tensordot(weight, gradient, dims=1) * step).double()
        values.append(total / len(problem.background))
    return Truth(problem.per_player(torch.stack(values)).cpu().numpy(), 0.0, f"{_PATH_POINTS} Gauss points")


def _enumerated(problem: Problem, row: Tensor) -> Tensor:
    """Return the Shapley values of one row from every coalition with every reference."""
    n_players, n_references = problem.n_players, len(problem.background)
    players = torch.arange(n_players, device=problem.device)
    present = (torch.arange(2**n_players, device=problem.device)[:, None] >> players & 1).bool()
    outputs = []
    for some in present.split(max(1, _CHUNK // n_references)):
        references = problem.background.repeat(len(some), *[1] * row.ndim)
        mixed = problem.mixed(row, references, some.repeat_interleave(n_references, dim=0))
        outputs.append(problem.network(mixed).double().view(len(some), n_references).mean(1))
    value = torch.cat(outputs)
    by_size = [1 / (n_players * math.comb(n_players - 1, k)) for k in range(n_players)]
    weight = torch.tensor(by_size, dtype=torch.float64, device=problem.device)
    size = present.sum(1)
    joined = weight[(size - 1).clamp(min=0)]
    left = weight[size.clamp(max=n_players - 1)]
    return ((torch.where(present.T, joined, -left)) * value).sum(1)


def _long_run(problem: Problem, n_pairs: int, *, seed: int) -> np.ndarray:
    """Return the mean contribution over antithetic permutation pairs; references and members in equal shares."""
    total = torch.zeros(len(problem.rows), problem.n_players, dtype=torch.float64, device=problem.device)
    for order, references, members in _pairs(problem, n_pairs, seed=seed):
        for i, row in enumerate(problem.rows):
            total[i] += _contributions(problem, row, order, references=references, members=members)
    return (total / n_pairs).cpu().numpy()


def _pairs(problem: Problem, n_pairs: int, *, seed: int) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    """Yield orders ``(n, n_players)``, their references and, of an ensemble, their members, in fitting blocks."""
    rng = np.random.default_rng(seed)
    n_references, n_members = len(problem.background), problem.network.n_members
    everything = np.arange(n_references * n_members)  # each reference with each member once, then again
    combination = np.concatenate([rng.permutation(everything) for _ in range(-(-n_pairs // len(everything)))])
    per_block = max(1, _CHUNK // (2 * problem.n_players + 2))
    for start in range(0, n_pairs, per_block):
        drawn = torch.as_tensor(combination[start : min(n_pairs, start + per_block)], device=problem.device)
        order = rng.permuted(np.tile(np.arange(problem.n_players), (len(drawn), 1)), axis=1)
        members = drawn // n_references if n_members > 1 else None
        yield torch.as_tensor(order, device=problem.device), drawn % n_references, members


def _contributions(
    problem: Problem, row: Tensor, order: Tensor, *, references: Tensor, members: Tensor | None
) -> Tensor:
    """Return contributions summed over pairs, float64 ``(n_players,)``."""
    n_pairs, n_players = order.shape
    steps = torch.arange(n_players + 1, device=order.device)
    entered = order.argsort(1)[:, None, :] < steps[:, None]  # (n_pairs, n_players + 1, n_players)
    present = torch.stack([entered, ~entered], dim=1).flatten(0, 2)
    repeats = 2 * (n_players + 1)
    mixed = problem.mixed(row, problem.background[references.repeat_interleave(repeats)], present)
    asked = None if members is None else members.repeat_interleave(repeats)
    outputs = problem.network(mixed, asked).double().view(n_pairs, 2, n_players + 1)
    gains = (outputs[:, 0].diff(dim=1) - outputs[:, 1].diff(dim=1)) / 2
    return torch.zeros(n_players, dtype=torch.float64, device=order.device).index_add_(
        0, order.flatten(), gains.flatten()
    )
