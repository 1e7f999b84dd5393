"""Our explainers, each with a ladder of budgets, and what every competitor must look like."""

import hashlib
import inspect
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import appkit
from appkit.exceptions import MissingDependencyError
from appkit.explanation import Explanation, Game, explainers
from benchmarks.explanations.problems import PEER_BACKGROUND, Problem

__all__ = ["OURS", "Answer", "Method"]

_COLUMNS = frozenset({"table", "ensemble"})
_SEGMENTS = frozenset({"window", "image"})
_EVERYTHING = _COLUMNS | _SEGMENTS | {"population"}
_PAIRS = (24, 50, 100, 200, 400, 800)
_COSTLY_PAIRS = (24, 50, 100, 200)
_TARGET_PERCENT = (3, 5, 10, 20)
_MODULES = {  # where a method is looked for that explain(method=) does not list
    "regression": ("appkit.explanation.solvers.regression", "regression_shapley"),
    "gradients": ("appkit.explanation.gradients", "expected_gradients"),
}


@dataclass(frozen=True)
class Answer:
    """Values ``(n_rows, n_players)`` of the problem's rows, their errors if told, and how many rows were explained.

    ``n_asked`` is what the method says it asked per row: less than what the network was given where batches are padded.
    """

    values: np.ndarray
    standard_error: np.ndarray | None = None
    n_explained: int | None = None
    n_asked: float = math.nan


@dataclass(frozen=True)
class Method:
    """One way to explain, at several budgets.

    Parameters
    ----------
    name
        ``library.method``, as on the command line.
    question
        ``"shapley"``, ``"path"`` (Aumann-Shapley: gradients) or ``"surrogate"`` (LIME): what its answer converges to.
    kinds
        Kinds of problem it is run on.
    ladder
        From a problem to its budgets, rising, in the unit that the method itself takes.
    explain
        From problem, budget and seed to an answer.
    packages
        Distributions whose versions its results depend on; ours depends on our sources as well.
    find
        Raises ``ImportError`` where the method is not there.
    """

    name: str
    question: str
    kinds: frozenset[str]
    ladder: Callable[[Problem], Sequence[int]]
    explain: Callable[[Problem, int, int], Answer]
    packages: tuple[str, ...]
    find: Callable[[], object] = lambda: None

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("appkit.")

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages behind it.

        Raises
        ------
        ImportError
            If one of them, or the method itself, is absent.
        """
        self.find()
        return {package: _version(package) for package in self.packages}

    @cache  # noqa: B019, methods live as long as the process, and so does the code they imported
    def fingerprint(self) -> str:
        """Return a hash of name, versions and, for ours, source files."""
        digest = hashlib.sha256(json.dumps([self.name, self.versions()]).encode())
        if self.is_ours:
            for path in sorted((_PACKAGE / "explanation").rglob("*.py")):
                digest.update(path.read_bytes())
        return digest.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as err:
        raise MissingDependencyError(f"{package} is needed: pip install 'industry-appkit[bench]'.") from err


def _solver(name: str) -> Callable[..., Explanation]:
    listed = explainers().get(name)
    if listed is not None:
        return listed
    if name not in _MODULES:
        raise ImportError(f"appkit has no explainer {name!r}.")
    module, function = _MODULES[name]
    return getattr(import_module(module), function)


def _adaptive() -> Callable[..., Explanation]:
    solver = _solver("permutation")
    if "target_error" not in inspect.signature(solver).parameters:
        raise ImportError("permutation_shapley takes no target_error.")
    return solver


def _explained(explanation: Explanation, problem: Problem) -> Answer:
    n_rows = len(problem.rows)
    return Answer(
        explanation.values[:n_rows, :, 0],
        explanation.standard_error[:n_rows, :, 0],
        n_explained=len(explanation.values),
        n_asked=explanation.n_evaluations,
    )


def _budgeted(name: str, problem: Problem, budget: int, seed: int) -> Answer:
    found = _solver(name)(problem.game(), max_evaluations=budget, random_state=seed)
    return _explained(found, problem)


def _gradients(problem: Problem, budget: int, seed: int) -> Answer:
    found = _solver("gradients")(problem.tensor_game(), max_evaluations=budget, random_state=seed)
    return _explained(found, problem)


def _many_rows(problem: Problem, budget: int, seed: int) -> Answer:
    n_rows = max(len(problem.rows), problem.many_evaluations // budget)
    game = problem.game(rows=problem.many_rows[:n_rows])
    return _explained(_solver("permutation")(game, max_evaluations=budget, random_state=seed), problem)


def _on_sample(problem: Problem, budget: int, seed: int) -> Answer:
    """Explain on a sample of the population: shows whether standard errors count the sample as the sample it is."""
    game = problem.game(background=problem.peer_background(seed))
    return _explained(_solver("permutation")(game, max_evaluations=budget, random_state=seed), problem)


def _to_target(problem: Problem, percent: int, seed: int) -> Answer:
    found = _adaptive()(problem.game(), target_error=percent / 100, random_state=seed)
    return _explained(found, problem)


def _exact(problem: Problem, budget: int, seed: int) -> Answer:
    game: Game = problem.game(background=problem.peer_background(seed))
    return _explained(_solver("exact")(game, random_state=seed), problem)


def _permutation_budgets(problem: Problem) -> list[int]:
    ends = 1 + (problem.network.n_members if problem.network.n_members > 1 else 0)
    return [
        pairs * 2 * (problem.n_players - 1) + ends for pairs in (_COSTLY_PAIRS if problem.kind in _SEGMENTS else _PAIRS)
    ]


def _regression_budgets(problem: Problem) -> list[int]:
    if len(problem.background) == 1:
        return [share * problem.n_players for share in (80, 120, 200, 300)]
    n_references = min(PEER_BACKGROUND, len(problem.background))
    return [round(share * problem.n_players) * n_references + 1 for share in (4.5, 6, 10, 20)]


def _gradient_budgets(problem: Problem) -> tuple[int, ...]:
    return (50, 100, 200, 400, 1000)


def _surrogate_budgets(problem: Problem) -> tuple[int, ...]:
    return (500, 1000, 2000, 5000)


def _ours(name: str, question: str, kinds: frozenset[str], *, solver: str | None = None, **how: Any) -> Method:
    wanted = solver or name
    how.setdefault("explain", partial(_budgeted, wanted))
    how.setdefault("find", partial(_solver, wanted))
    return Method(f"appkit.{name}", question, kinds, packages=("torch", "numpy"), **how)


_PACKAGE = Path(appkit.__file__).parent

OURS = (
    _ours("permutation", "shapley", _EVERYTHING, ladder=_permutation_budgets),
    _ours(
        "permutation_many_rows",
        "shapley",
        _EVERYTHING,
        solver="permutation",
        ladder=_permutation_budgets,
        explain=_many_rows,
    ),
    _ours(
        "permutation_to_target",
        "shapley",
        _EVERYTHING,
        ladder=lambda problem: _TARGET_PERCENT,
        explain=_to_target,
        find=_adaptive,
    ),
    _ours(
        "permutation_on_sample",
        "shapley",
        frozenset({"population"}),
        solver="permutation",
        ladder=_permutation_budgets,
        explain=_on_sample,
    ),
    _ours("regression", "shapley", _EVERYTHING, ladder=_regression_budgets),
    _ours(
        "exact",
        "shapley",
        frozenset({"table", "population"}),
        ladder=lambda problem: (0,) if problem.n_players <= 12 else (),
        explain=_exact,
    ),
    _ours("gradients", "path", frozenset({"table"}) | _SEGMENTS, ladder=_gradient_budgets, explain=_gradients),
    _ours("lime", "surrogate", frozenset({"table"}), ladder=_surrogate_budgets),
)
