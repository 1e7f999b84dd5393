"""Explain a model's outputs: the one door to every method."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

from appkit.explanation.backends import explain_with_lime, explain_with_shap
from appkit.explanation.exact import EXACT_PLAYERS, exact_evaluations, exact_shapley
from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.model_game import game_for
from appkit.explanation.permutation import permutation_shapley
from appkit.explanation.ragged_game import RaggedGame, explain_parts
from appkit.explanation.seeds import RandomState, seed_of
from appkit.explanation.surrogate import lime_surrogate
from appkit.model.device import on_one_thread

__all__ = ["AFFORDABLE_EVALUATIONS", "Explainer", "explain", "explain_game", "explainers"]

AFFORDABLE_EVALUATIONS = 32_768
_BACKENDS = ("appkit", "shap", "lime")


class Explainer(Protocol):
    """A method: from a game to an explanation."""

    def __call__(
        self,
        game: Game,
        *,
        max_evaluations: int | None = None,
        random_state: RandomState = None,
        progress: bool = False,
    ) -> Explanation:
        """Return the explanation of all rows of the game."""


def shapley(
    game: Game,
    *,
    max_evaluations: int | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return exact Shapley values where they are affordable, else those of permutations.

    Exact means up to 12 players and ``max_evaluations`` model evaluations per row (``None``: 32768), every background
    row counted.
    """
    affordable = AFFORDABLE_EVALUATIONS if max_evaluations is None else max_evaluations
    is_small = len(game.player_names) <= EXACT_PLAYERS and exact_evaluations(game) <= affordable
    method: Explainer = exact_shapley if is_small else permutation_shapley
    return method(game, max_evaluations=max_evaluations, random_state=random_state, progress=progress)


_EXPLAINERS: Mapping[str, Explainer] = MappingProxyType(
    {
        "shapley": shapley,
        "exact": exact_shapley,
        "permutation": permutation_shapley,
        "lime": lime_surrogate,
    }
)


def explainers() -> Mapping[str, Explainer]:
    """Return every explanation method by name, as ``explain(method=)`` takes it.

    Examples
    --------
    >>> list(explainers())
    ['shapley', 'exact', 'permutation', 'lime']
    """
    return _EXPLAINERS


@on_one_thread()
def explain(
    model: Any,
    X: Any,
    method: str = "auto",
    *,
    background: Any = None,
    outputs: str | int | Sequence[str | int] | None = None,
    units: str | None = None,
    players: Mapping[str, Sequence[str]] | None = None,
    random_state: RandomState = None,
    max_evaluations: int | None = None,
    backend: str = "appkit",
    progress: bool = False,
) -> Explanation:
    """Explain what a model says about each row of ``X``, column by column, with the error of every number.

    Parameters
    ----------
    model
        Any fitted estimator, or a function from a DataFrame to numbers.
    X
        Rows to explain, as the model takes them: strings, categories and missing values included.
    method
        ``"shapley"``: exact where affordable, else by permutations; ``"exact"`` or ``"permutation"`` insist; ``"lime"``
        is a local linear surrogate. ``"auto"`` is ``"shapley"``. The explanation's own ``method`` says which ran.
    background
        Rows that say what an unknown column may hold; ``None`` takes the training sample a model of ours keeps.
    outputs
        Names or positions of the outputs to explain; ``None`` means all.
    units
        ``"probability"`` (the default) or ``"log-odds"`` for classifiers, ``"value"`` for everything else.
    players
        Groups of columns to explain as one, by name: ``{"address": ["street", "town"]}``.
    random_state
        Seed; the same seed gives the same bytes, whatever the batching.
    max_evaluations
        Model evaluations per row; ``None`` lets the method choose.
    backend
        ``"appkit"``, or the reference package that runs instead: ``"shap"`` or ``"lime"``.
    progress
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If a parameter is not one of the above, or the budget is too small for the method.
    SchemaError
        If ``X`` is empty or the background lacks a column.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"income": [3.0, 1.0], "debt": [0.0, 2.0]})
    >>> explanation = explain(lambda rows: rows["income"] - rows["debt"], X, background=X)
    >>> explanation.values[..., 0].tolist()
    [[1.0, 1.0], [-1.0, -1.0]]
    >>> explanation.method
    'shapley (exact)'
    """
    _check_choice("backend", backend, _BACKENDS)
    _check_choice("method", method, ("auto", *explainers()))
    seed = seed_of(random_state)  # one seed for a sampled background and for the method
    if backend != "appkit":
        return _with_package(
            model,
            X,
            method=method,
            backend=backend,
            players=players,
            background=background,
            outputs=outputs,
            units=units,
            random_state=seed,
            max_evaluations=max_evaluations,
            progress=progress,
        )
    game = game_for(model, X, background=background, outputs=outputs, units=units, players=players, random_state=seed)
    return explain_game(game, method, random_state=seed, max_evaluations=max_evaluations, progress=progress)


@on_one_thread()
def explain_game(
    game: Game | RaggedGame,
    method: str = "auto",
    *,
    random_state: RandomState = None,
    max_evaluations: int | None = None,
    progress: bool = False,
) -> Explanation:
    """Explain a game: a table, images, sensor windows, histories, or anything that has players.

    Parameters
    ----------
    game
        What is explained; rows with players of their own are explained part by part.
    method, random_state, max_evaluations, progress
        As in :func:`explain`.

    Raises
    ------
    ValueError
        If ``method`` is unknown, or the budget is too small for it.
    """
    _check_choice("method", method, ("auto", *explainers()))
    explainer = explainers()["shapley" if method == "auto" else method]
    options: dict[str, Any] = {
        "max_evaluations": max_evaluations,
        "random_state": seed_of(random_state),
        "progress": progress,
    }
    if isinstance(game, RaggedGame):
        return explain_parts(game, partial(explainer, **options))
    return explainer(game, **options)


def _with_package(
    model: Any, X: Any, *, method: str, backend: str, players: Mapping[str, Sequence[str]] | None, **options: Any
) -> Explanation:
    package, answers = {"shap": (explain_with_shap, "shapley"), "lime": (explain_with_lime, "lime")}[backend]
    if method not in ("auto", answers):
        raise ValueError(f"backend={backend!r} answers method={answers!r}, got {method!r}.")
    if players is not None:
        raise ValueError(f"players need backend='appkit', got backend={backend!r}: the packages know columns only.")
    return package(model, X, **options)


def _check_choice(name: str, choice: str, allowed: Sequence[str]) -> None:
    if choice not in allowed:
        raise ValueError(f"{name} must be one of {tuple(allowed)}, got {choice!r}.")
