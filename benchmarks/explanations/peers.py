"""shap, lime, captum and shapiq on the same network, rows and background, each seeded and at four budgets or more.

Tables reach shap and lime as they are. Of windows and images the libraries would take every number for a player; here
they get the game of the players instead, a function of presence averaged over the background, which is to their
advantage. Libraries are imported where they are called, so that those absent are merely listed as absent.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.explanations.methods import Answer, Method
from benchmarks.explanations.networks import CountedNetwork
from benchmarks.explanations.problems import Problem

__all__ = ["PEERS"]

_CHUNK = 4096
_CAPTUM_ROWS = 64  # coalitions per call
_PARTS = (10, 25, 50, 100)  # background rows or steps
_TABLES = frozenset({"table"})
_POPULATION = frozenset({"population"})
_SEGMENTS = frozenset({"window", "image"})
_GAMES = _TABLES | _SEGMENTS | {"ensemble"}

Predict = Callable[[np.ndarray], np.ndarray]
Explain = Callable[[Problem, int, int], np.ndarray]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed numpy's and torch's global generators, hush the library, and put everything back as it was."""
    found = np.random.get_state(), torch.random.get_rng_state()  # noqa: NPY002, the libraries know no other generator
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    np.random.seed(seed)  # noqa: NPY002, as above
    torch.manual_seed(seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a peer's advice about its own defaults is not our output
            yield
    finally:
        np.random.set_state(found[0])  # noqa: NPY002, as above
        torch.random.set_rng_state(found[1])
        logging.disable(level)


def _answering(explain: Explain) -> Callable[[Problem, int, int], Answer]:
    @wraps(explain)
    def answer(problem: Problem, budget: int, seed: int) -> Answer:
        with _seeded(seed):
            values = np.asarray(explain(problem, budget, seed), dtype=np.float64)
        if values.shape != (len(problem.rows), problem.n_players):
            raise ValueError(f"values must be {(len(problem.rows), problem.n_players)}, got {values.shape}.")
        return Answer(values)

    return answer


# What the libraries are given


def _seats(problem: Problem, seed: int) -> Iterator[tuple[Predict, np.ndarray, np.ndarray]]:
    """Yield a function of arrays, its background and the rows to explain: once for a table, else row by row."""
    background = problem.peer_background(seed)
    if problem.has_columns:
        yield _predict(problem), background.cpu().numpy(), problem.rows.cpu().numpy()
        return
    nobody, everybody = np.zeros((1, problem.n_players)), np.ones((1, problem.n_players))
    for row in problem.rows:
        yield _game(problem, row, background), nobody, everybody


def _predict(problem: Problem) -> Predict:
    @torch.no_grad()
    def predict(rows: np.ndarray) -> np.ndarray:
        given = torch.as_tensor(np.asarray(rows, dtype=np.float32), device=problem.device)
        return problem.network(given)[:, 0].cpu().numpy()

    return predict


def _game(problem: Problem, row: Tensor, background: Tensor) -> Predict:
    """Return the game of one row: from presence ``(n, n_players)`` to outputs averaged over the background."""

    @torch.no_grad()
    def play(presence: np.ndarray) -> np.ndarray:
        present = torch.as_tensor(np.asarray(presence), device=problem.device).view(-1, problem.n_players) > 0.5
        means = []
        for some in present.split(max(1, _CHUNK // len(background))):
            references = background.repeat(len(some), *[1] * row.ndim)
            mixed = problem.mixed(row, references, some.repeat_interleave(len(background), dim=0))
            means.append(problem.network(mixed).view(len(some), -1).mean(1))
        return torch.cat(means).cpu().numpy()

    return play


def _tensor_game(problem: Problem, row: Tensor) -> Callable[[Tensor], Tensor]:
    play = _game(problem, row, problem.background)
    return lambda presence: torch.as_tensor(play(presence.numpy()))


# shap


def _shap() -> ModuleType:
    import shap

    return shap


def _shap_kernel(problem: Problem, n_coalitions: int, seed: int) -> np.ndarray:
    found = [
        _shap().KernelExplainer(predict, background).shap_values(rows, nsamples=n_coalitions, l1_reg=False, silent=True)
        for predict, background, rows in _seats(problem, seed)
    ]
    return np.concatenate(found)


def _shap_permutation(problem: Problem, n_rounds: int, seed: int) -> np.ndarray:
    most = n_rounds * (2 * problem.n_players + 1)
    found = [
        _shap().PermutationExplainer(predict, background, seed=seed)(rows, max_evals=most, silent=True).values
        for predict, background, rows in _seats(problem, seed)
    ]
    return np.concatenate(found)


def _shap_sampling(problem: Problem, n_samples: int, seed: int) -> np.ndarray:
    """It draws one background row per sample, so of a population it is given every row."""
    found = []
    for predict, background, rows in _seats(problem, seed):
        whole = problem.background.cpu().numpy() if problem.kind == "population" else background
        found.append(_shap().SamplingExplainer(predict, whole).shap_values(rows, nsamples=n_samples, silent=True))
    return np.concatenate(found)


def _shap_exact(problem: Problem, budget: int, seed: int) -> np.ndarray:
    shap = _shap()
    found = []
    for predict, background, rows in _seats(problem, seed):
        masker = shap.maskers.Independent(background, max_samples=len(background))
        found.append(shap.ExactExplainer(predict, masker)(rows, max_evals=2**problem.n_players, silent=True).values)
    return np.concatenate(found)


def _shap_deep(problem: Problem, n_references: int, seed: int) -> np.ndarray:
    with _own_network(problem) as network:
        explainer = _shap().DeepExplainer(network, problem.background[:n_references])
        return _pooled(problem, explainer.shap_values(problem.rows))


def _shap_gradient(problem: Problem, n_samples: int, seed: int) -> np.ndarray:
    with _own_network(problem) as network:
        explainer = _shap().GradientExplainer(network, problem.background)
        return _pooled(problem, explainer.shap_values(problem.rows, nsamples=n_samples, rseed=seed))


@contextmanager
def _own_network(problem: Problem) -> Iterator[CountedNetwork]:
    """Lend a copy of the network, whose evaluations count: these methods leave parameters and hooks behind."""
    network = deepcopy(problem.network)
    network.n_evaluations = 0.0
    try:
        yield network
    finally:
        problem.network.n_evaluations += network.n_evaluations


def _pooled(problem: Problem, values: np.ndarray | Tensor) -> np.ndarray:
    """Return values of elements as sums over their players."""
    elements = values.detach() if isinstance(values, Tensor) else torch.as_tensor(values)
    return problem.per_player(elements.reshape(problem.rows.shape).to(problem.device)).cpu().numpy()


# captum


def _captum_sampling(problem: Problem, n_permutations: int, seed: int) -> np.ndarray:
    from captum.attr import ShapleyValueSampling

    return _captum_game(problem, ShapleyValueSampling, n_samples=n_permutations)


def _captum_kernel(problem: Problem, n_coalitions: int, seed: int) -> np.ndarray:
    from captum.attr import KernelShap

    return _captum_game(problem, KernelShap, n_samples=n_coalitions)


def _captum_game(problem: Problem, method: Callable[..., Any], *, n_samples: int) -> np.ndarray:
    everybody = torch.ones(1, problem.n_players)
    found = [
        method(_tensor_game(problem, row)).attribute(
            everybody,
            baselines=torch.zeros_like(everybody),
            n_samples=n_samples,
            perturbations_per_eval=_CAPTUM_ROWS,
        )
        for row in problem.rows
    ]
    return torch.cat(found).numpy()


def _captum_integrated(problem: Problem, n_steps: int, seed: int) -> np.ndarray:
    """It takes one baseline, so it gets the mean of the background."""
    from captum.attr import IntegratedGradients

    baseline = problem.background.mean(0, keepdim=True)
    method = IntegratedGradients(problem.network)
    return _pooled(problem, method.attribute(problem.rows, baselines=baseline, target=0, n_steps=n_steps))


def _captum_deep(problem: Problem, n_references: int, seed: int) -> np.ndarray:
    from captum.attr import DeepLiftShap

    baselines = problem.background[:n_references]
    if n_references == 1:  # it refuses a single one
        baselines = baselines.repeat(2, *[1] * (baselines.ndim - 1))
    with _own_network(problem) as network:
        return _pooled(problem, DeepLiftShap(network).attribute(problem.rows, baselines=baselines, target=0))


def _captum_gradient(problem: Problem, n_samples: int, seed: int) -> np.ndarray:
    from captum.attr import GradientShap

    method = GradientShap(problem.network)
    return _pooled(problem, method.attribute(problem.rows, baselines=problem.background, target=0, n_samples=n_samples))


# shapiq


def _shapiq_kernel(problem: Problem, n_coalitions: int, seed: int) -> np.ndarray:
    from shapiq.approximator import KernelSHAP

    return _shapiq(problem, KernelSHAP(problem.n_players, random_state=seed), n_coalitions)


def _shapiq_permutation(problem: Problem, n_coalitions: int, seed: int) -> np.ndarray:
    from shapiq.approximator import PermutationSamplingSV

    return _shapiq(problem, PermutationSamplingSV(problem.n_players, random_state=seed), n_coalitions)


def _shapiq(problem: Problem, approximator: Any, n_coalitions: int) -> np.ndarray:
    games = (_game(problem, row, problem.background) for row in problem.rows)
    found = [approximator.approximate(n_coalitions, game) for game in games]
    return np.stack([values.get_n_order_values(1) for values in found])


# lime


def _lime(problem: Problem, n_perturbations: int, seed: int, *, in_quartiles: bool) -> np.ndarray:
    from lime.lime_tabular import LimeTabularExplainer

    explainer = LimeTabularExplainer(
        problem.training.cpu().numpy(),
        mode="regression",
        discretize_continuous=in_quartiles,
        random_state=seed,
    )
    values = np.zeros((len(problem.rows), problem.n_players))
    for row, shown in zip(values, problem.rows.cpu().numpy(), strict=True):
        found = explainer.explain_instance(
            shown, _predict(problem), num_features=problem.n_players, num_samples=n_perturbations
        )
        players, weights = zip(*found.local_exp[1], strict=True)
        row[list(players)] = weights
    return values


def _lime_continuous(problem: Problem, n_perturbations: int, seed: int) -> np.ndarray:
    return _lime(problem, n_perturbations, seed, in_quartiles=False)


def _lime_quartiles(problem: Problem, n_perturbations: int, seed: int) -> np.ndarray:
    return _lime(problem, n_perturbations, seed, in_quartiles=True)


# Budgets


def _coalitions(problem: Problem) -> list[int]:
    shares = (8, 16, 32, 64, 128) if problem.kind == "image" else (4, 8, 16, 32)
    return [share * problem.n_players for share in shares]


def _rounds(problem: Problem) -> tuple[int, ...]:
    is_slow = problem.kind in ("ensemble", "window")
    return (1, 2, 4, 8) if is_slow else (1, 2, 4, 8, 16, 32)


def _permutations(problem: Problem) -> tuple[int, ...]:
    return {"window": (2, 4, 8, 16), "image": (8, 16, 32, 64)}.get(problem.kind, (4, 8, 16, 32))


def _samples(problem: Problem) -> tuple[int, ...]:
    return (1000, 4000, 16_000, 64_000) if problem.has_columns else (500, 1000, 2000, 4000)


def _references(problem: Problem) -> list[int]:
    return [n for n in _PARTS if n <= len(problem.background)] or [len(problem.background)]


def _peer(
    name: str,
    question: str,
    kinds: frozenset[str],
    *,
    ladder: Callable[[Problem], list[int] | tuple[int, ...]],
    explain: Explain,
) -> Method:
    package = name.partition(".")[0]
    packages = (package, "torch", "numpy")
    return Method(
        name,
        question,
        kinds,
        ladder=ladder,
        explain=_answering(explain),
        packages=packages,
        find=lambda: _imported(package),
    )


def _imported(package: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        return import_module(package)


def _if_few_players(problem: Problem) -> tuple[int, ...]:
    return (0,) if problem.n_players <= 12 else ()


_GRADIENT_SAMPLES = (50, 100, 200, 400, 1000)
_LIME_SAMPLES = (500, 1000, 2000, 5000)

PEERS = (
    _peer("shap.Kernel", "shapley", _GAMES | _POPULATION, ladder=_coalitions, explain=_shap_kernel),
    _peer("shap.Permutation", "shapley", _GAMES | _POPULATION, ladder=_rounds, explain=_shap_permutation),
    _peer("shap.Sampling", "shapley", _GAMES | _POPULATION, ladder=_samples, explain=_shap_sampling),
    _peer("shap.Exact", "shapley", _TABLES, ladder=_if_few_players, explain=_shap_exact),
    _peer("shap.Deep", "path", _TABLES | _SEGMENTS, ladder=_references, explain=_shap_deep),
    _peer(
        "shap.Gradient",
        "path",
        _TABLES | _SEGMENTS,
        ladder=lambda problem: _GRADIENT_SAMPLES,
        explain=_shap_gradient,
    ),
    _peer("captum.ShapleyValueSampling", "shapley", _GAMES, ladder=_permutations, explain=_captum_sampling),
    _peer("captum.KernelShap", "shapley", _GAMES, ladder=_coalitions, explain=_captum_kernel),
    _peer(
        "captum.IntegratedGradients",
        "path",
        _TABLES | _SEGMENTS,
        ladder=lambda problem: _PARTS,
        explain=_captum_integrated,
    ),
    _peer("captum.DeepLiftShap", "path", _TABLES | _SEGMENTS, ladder=_references, explain=_captum_deep),
    _peer(
        "captum.GradientShap",
        "path",
        _TABLES | _SEGMENTS,
        ladder=lambda problem: _GRADIENT_SAMPLES,
        explain=_captum_gradient,
    ),
    _peer("shapiq.KernelSHAP", "shapley", _GAMES, ladder=_coalitions, explain=_shapiq_kernel),
    _peer("shapiq.PermutationSamplingSV", "shapley", _GAMES, ladder=_coalitions, explain=_shapiq_permutation),
    _peer("lime.continuous", "surrogate", _TABLES, ladder=lambda problem: _LIME_SAMPLES, explain=_lime_continuous),
    _peer("lime.quartiles", "surrogate", _TABLES, ladder=lambda problem: _LIME_SAMPLES, explain=_lime_quartiles),
)
