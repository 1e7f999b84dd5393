"""Explain a model's outputs: the one door to every method."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from types import MappingProxyType
from typing import Any, Protocol, TypedDict, cast

import numpy as np

from appkit.explanation.backends import explain_with_lime, explain_with_shap
from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.games.conditional import as_conditional, conditional_game
from appkit.explanation.games.model import Players, game_for, is_of_histories, is_of_images, is_of_series
from appkit.explanation.games.ragged import RaggedGame, explain_parts
from appkit.explanation.gradients import expected_gradients, grad_cam
from appkit.explanation.seeds import RandomState, seed_of
from appkit.explanation.solvers import regression_pays, regression_shapley
from appkit.explanation.solvers.exact import exact_evaluations, exact_shapley
from appkit.explanation.solvers.linear import adds_up, linear_shapley
from appkit.explanation.solvers.occlusion import occlusion
from appkit.explanation.solvers.permutation import permutation_shapley
from appkit.explanation.solvers.surrogate import lime_surrogate
from appkit.explanation.trees import tree_shapley
from appkit.model.device import on_one_thread

__all__ = ["AFFORDABLE_EVALUATIONS", "Explainer", "explain", "explain_game", "explainers"]

AFFORDABLE_EVALUATIONS = 32_768
_MOST_EXACT_PLAYERS = 20
_BACKENDS = ("appkit", "shap", "lime")
_CORRELATED = ("interventional", "conditional")


class _Limits(TypedDict):
    target_error: float | None
    max_evaluations: int | None
    max_seconds: float | None


class Explainer(Protocol):
    """A method: from a game to an explanation; some take further limits (``target_error``, ``max_seconds``)."""

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
    target_error: float | None = None,
    max_evaluations: int | None = None,
    max_seconds: float | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return Shapley values by the solver that suits players, background and budget; ``note`` says which and why.

    Where the output is a sum over players, its summands. Else exact where affordable: up to 20 players within
    ``max_evaluations`` model evaluations per row (``None``: 32768), every background row counted. Else by regression,
    where a given budget covers every background row often enough that it is the more precise; else by permutations.
    """
    limits: _Limits = {"target_error": target_error, "max_evaluations": max_evaluations, "max_seconds": max_seconds}
    name, why = _picked(game, **limits)
    options: dict[str, Any] = {"random_state": random_state, "progress": progress}
    if name == "permutation":
        options |= limits
    else:
        options["max_evaluations"] = max_evaluations
    if name == "exact":
        options["max_players"] = _MOST_EXACT_PLAYERS
    found = explainers()[name](game, **options)
    return replace(found, note=f"{why} {found.note}".strip())


def _picked(
    game: Game, *, target_error: float | None, max_evaluations: int | None, max_seconds: float | None
) -> tuple[str, str]:
    """Return the solver and why, in a sentence."""
    if adds_up(game):
        return "linear", "The output is a sum over players: exact values are its summands."
    n_players, needed = len(game.player_names), exact_evaluations(game)
    affordable = AFFORDABLE_EVALUATIONS if max_evaluations is None else max_evaluations
    size = f"{_counted(n_players, 'player')} on {_counted(game.n_references, 'background row')}"
    if n_players <= _MOST_EXACT_PLAYERS and needed <= affordable and max_seconds is None:
        return "exact", f"Exact values, for {size} take {needed} evaluations a row."
    is_fixed = max_evaluations is not None and target_error is None and max_seconds is None
    if is_fixed and regression_pays(game, affordable):
        return "regression", f"Regression, for {affordable} evaluations cover {size} well."
    return "permutation", f"Permutations: exact values of {size} would take {needed:.2g} evaluations a row."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_EXPLAINERS: Mapping[str, Explainer] = MappingProxyType(
    {
        "shapley": shapley,
        "exact": exact_shapley,
        "linear": linear_shapley,  # of games whose outputs are sums over players
        "permutation": permutation_shapley,
        "regression": regression_shapley,
        "lime": lime_surrogate,
        "occlusion": occlusion,
        "expected_gradients": cast(Explainer, expected_gradients),  # of games of tensors only
        "grad_cam": cast(Explainer, grad_cam),  # of images seen by convolutions
    }
)


def explainers() -> Mapping[str, Explainer]:
    """Return every explanation method of a game by name, as ``explain(method=)`` takes it.

    Examples
    --------
    >>> list(explainers())
    ['shapley', 'exact', 'linear', 'permutation', 'regression', 'lime', 'occlusion', 'expected_gradients', 'grad_cam']
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
    players: Players = None,
    n_players: int | None = None,
    fill: str | None = None,
    k: int | None = None,
    filter_seen: bool | None = None,
    candidates: Iterable[Any] | None = None,
    exclude: Iterable[Any] | None = None,
    correlated: str = "interventional",
    random_state: RandomState = None,
    target_error: float | None = None,
    max_evaluations: int | None = None,
    max_seconds: float | None = None,
    backend: str = "appkit",
    progress: bool = False,
) -> Explanation:
    """Explain what a model says about each row of ``X``, player by player, with the error of every number.

    A player is a column of a table, a sensor over a stretch of time, a segment of an image, or an item of a history.

    Parameters
    ----------
    model
        Any fitted estimator, or a function from a DataFrame to numbers.
    X
        Rows to explain, as the model takes them: strings, categories and missing values included. Of a series estimator
        of ours readings, of which each unit's newest window is explained, or windows of ``model.windows``. Of an image
        estimator of ours images: arrays, paths, a DataFrame of paths. Of a recommender of ours a DataFrame of users and
        the items advised to them (``recommend`` returns one), or of users alone, whose first advice is explained: what
        of their history holds the item on the list, see
        :func:`~appkit.explanation.games.recommender.recommender_game`.
    method
        ``"shapley"``: exact where affordable, else by regression or permutations; ``"exact"``, ``"regression"`` or
        ``"permutation"`` insist; ``"lime"`` is a local linear surrogate; ``"occlusion"`` leaves one column out at a
        time; ``"tree"`` gives the exact values of an XGBoost model, see
        :func:`~appkit.explanation.trees.tree_shapley`; ``"expected_gradients"`` and ``"grad_cam"`` look inside the
        networks of images; ``"linear"`` reads the values off a recommender that adds up over the history, as
        ``"shapley"`` does of itself. ``"auto"`` is ``"shapley"``. The explanation's own ``method`` says which ran, its
        ``note`` why.
    background
        Rows that say what an unknown column may hold, or images that show nothing of note; ``None`` takes what a model
        of ours keeps: a training sample, or the mean of the training images.
    outputs
        Names or positions of the outputs to explain; ``None`` means all.
    units
        ``"probability"`` (the default) or ``"log-odds"`` for classifiers, ``"value"`` for everything else.
    players
        Groups of columns to explain as one, by name: ``{"address": ["street", "town"]}``. Of images ``"patches"`` (a
        grid, the default), ``"superpixels"``, or the label of each pixel, integers ``(height, width)`` or
        ``(n_images, height, width)``.
    n_players
        Patches or superpixels to aim at; ``None`` means 49. Of histories: so many of the items bought last, older ones
        being always present; ``None`` means all where the model adds up, else 50.
    fill
        What an absent segment of an image shows: ``"background"`` (the default: the same place in ``background``),
        ``"mean"`` (its mean colour) or ``"blur"`` (the image itself, smoothed).
    k, filter_seen, candidates, exclude
        Of advice: the length of the list (10), and what may be on it, as in ``recommend``.
    correlated
        ``"interventional"`` fills absent columns from any background row and asks what the model makes of each column;
        ``"conditional"`` from the nearest ones, and asks what knowing each column tells: columns that go together then
        share their effect, used or not. See :func:`~appkit.explanation.games.conditional.conditional_game`.
    random_state
        Seed; the same seed gives the same bytes, whatever the batching.
    target_error
        Stop a row once the norm of its standard errors is below this share of that of its values; permutations only.
        ``None`` means 0.05 where no other limit is given.
    max_evaluations
        Model evaluations per row; ``None`` lets the method choose.
    max_seconds
        Start no further round of permutations after this time.
    backend
        ``"appkit"``, or the reference package that runs instead: ``"shap"`` or ``"lime"``.
    progress
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If a parameter is not one of the above, is none the method or the kind of data knows, or the budget is too
        small for it.
    SchemaError
        If ``X`` is empty, an image cannot be read, or the background lacks a column.

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
    _check_choice("method", method, ("auto", *explainers(), "tree"))
    _check_choice("correlated", correlated, _CORRELATED)
    seed = seed_of(random_state)  # one seed for a sampled background and for the method
    limits: _Limits = {"target_error": target_error, "max_evaluations": max_evaluations, "max_seconds": max_seconds}
    asked: dict[str, Any] = {"background": background, "outputs": outputs, "units": units}
    cut: dict[str, Any] = {"n_players": n_players, "fill": fill}
    cut |= {"k": k, "filter_seen": filter_seen, "candidates": candidates, "exclude": exclude}
    kind = _kind_of(model)
    if kind:
        _refuse_tables_only(kind, backend=backend, method=method, correlated=correlated)
    else:
        _refuse("a model of columns", **cut)
    if backend != "appkit":
        _refuse(f"backend={backend!r}", players=players, target_error=target_error, max_seconds=max_seconds)
        _refuse(f"backend={backend!r}", correlated=None if correlated == "interventional" else correlated)
        options = {"random_state": seed, "max_evaluations": max_evaluations, "progress": progress}
        return _package(backend, method)(model, X, **asked, **options)
    if method == "tree":
        _refuse("method='tree'", players=players, units=units, **limits)
        _refuse("method='tree'", correlated=None if correlated == "interventional" else correlated)
        return tree_shapley(model, X, background=background, outputs=outputs)
    if correlated == "conditional":
        groups = cast(Mapping[str, Sequence[str]] | None, players)
        game: Game = conditional_game(model, X, **asked, players=groups, random_state=seed)
        return as_conditional(explain_game(game, method, random_state=seed, progress=progress, **limits))
    asked_game = game_for(model, X, **asked, players=players, **cut, random_state=seed)
    return explain_game(asked_game, method, random_state=seed, progress=progress, **limits)


@on_one_thread()
def explain_game(
    game: Game | RaggedGame,
    method: str = "auto",
    *,
    random_state: RandomState = None,
    target_error: float | None = None,
    max_evaluations: int | None = None,
    max_seconds: float | None = None,
    progress: bool = False,
) -> Explanation:
    """Explain a game: a table, images, sensor windows, histories, or anything that has players.

    Parameters
    ----------
    game
        What is explained; rows with players of their own are explained part by part.
    method, random_state, target_error, max_evaluations, max_seconds, progress
        As in :func:`explain`; besides, ``"expected_gradients"`` for networks with float input and ``"grad_cam"`` for
        images seen by convolutions.

    Raises
    ------
    ValueError
        If ``method`` is unknown, does not know a limit, or the budget is too small for it.
    """
    _check_choice("method", method, ("auto", *explainers()))
    max_evaluations = _checked_limits(target_error, max_evaluations, max_seconds)
    explainer = explainers()["shapley" if method == "auto" else method]
    limits: _Limits = {"target_error": target_error, "max_evaluations": max_evaluations, "max_seconds": max_seconds}
    given: dict[str, Any] = {name: limit for name, limit in limits.items() if limit is not None}
    unknown = {name: limit for name, limit in given.items() if name not in signature(explainer).parameters}
    _refuse(f"method={method!r}", **unknown)
    seed = seed_of(random_state)

    def run(one: Game) -> Explanation:
        return explainer(one, random_state=seed, progress=progress, **given)

    return explain_parts(game, run) if isinstance(game, RaggedGame) else run(game)


def _checked_limits(target_error: object, max_evaluations: object, max_seconds: object) -> int | None:
    """Return ``max_evaluations`` as a whole number; refuse limits that are no positive numbers."""
    for name, limit in (
        ("target_error", target_error),
        ("max_evaluations", max_evaluations),
        ("max_seconds", max_seconds),
    ):
        is_number = isinstance(limit, (int, float, np.integer, np.floating)) and not isinstance(limit, bool)
        if limit is not None and not (is_number and limit > 0):  # type: ignore[operator]
            raise ValueError(f"{name} must be a positive number, got {limit!r}.")
    if max_evaluations is not None and max_evaluations != int(max_evaluations):  # type: ignore[call-overload]
        raise ValueError(f"max_evaluations must be a whole number, got {max_evaluations!r}.")
    return None if max_evaluations is None else int(max_evaluations)  # type: ignore[call-overload]


def _package(backend: str, method: str) -> Callable[..., Explanation]:
    package, answers = {"shap": (explain_with_shap, "shapley"), "lime": (explain_with_lime, "lime")}[backend]
    if method not in ("auto", answers):
        raise ValueError(f"backend={backend!r} answers method={answers!r}, got {method!r}.")
    return package


def _kind_of(model: Any) -> str:
    """Return what a model of ours is asked about where it is no table; else nothing."""
    for kind, is_of_kind in (
        ("images", is_of_images),
        ("windows of series", is_of_series),
        ("histories", is_of_histories),
    ):
        if is_of_kind(model):
            return kind
    return ""


def _refuse_tables_only(kind: str, *, backend: str, method: str, correlated: str) -> None:
    """Raise for what is there for tables alone, when ``kind`` of data is explained."""
    usual = {"backend": "appkit", "correlated": "interventional"}
    for name, value in (("backend", backend), ("correlated", correlated)):
        if value != usual[name]:
            raise ValueError(f"{name}={value!r} explains tables; {kind} need {name}={usual[name]!r}.")
    if method == "tree":
        raise ValueError(f"method='tree' explains XGBoost models of tables; {kind} need another method.")


def _refuse(by: str, **options: object) -> None:
    """Raise for the first option that was given."""
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"{by} knows no {name}, got {value!r}.")


def _check_choice(name: str, choice: str, allowed: Sequence[str]) -> None:
    if choice not in allowed:
        raise ValueError(f"{name} must be one of {tuple(allowed)}, got {choice!r}.")
