"""Exact Shapley values of XGBoost models, from the trees themselves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.games.frame import game_from_callable
from appkit.explanation.games.model import model_outputs, tables_for
from appkit.explanation.shap_package import import_shap
from appkit.explanation.solvers.draws import explanation_from_draws

if TYPE_CHECKING:
    import xgboost

__all__ = ["tree_shapley"]

_LOG_ODDS = ("binary:logistic", "binary:logitraw", "reg:logistic")
_PLAIN = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror")
_RELATIVE_ROUNDING = 1e-4  # XGBoost adds up in float32


def tree_shapley(
    model: Any,
    X: Any,
    *,
    background: Any = None,
    outputs: str | int | Sequence[str | int] | None = None,
) -> Explanation:
    """Return exact Shapley values of an XGBoost model's margin, in milliseconds per row.

    Two questions, two answers. Without a background, an unknown column follows each tree by the share of training rows
    that went either way (*path-dependent*): what is known of a column speaks for those it goes along with, so a column
    the trees never split on gets 0, but credit is shared by how the trees happen to be grown. With a background, an
    unknown column takes the values of its rows (*interventional*): the game every other explainer here plays, with the
    background's error as a sample in the standard errors.

    The margin is what the trees add up, as in ``model.predict(X, output_margin=True)``: log-odds of two classes
    (``units="log-odds"``), the value itself in plain regression (``"value"``), else what a softmax, an exponential or a
    rank is taken of (``"margin"``). Where training stopped early, the best iteration is the last that counts.

    Parameters
    ----------
    model
        A fitted ``XGBClassifier``, ``XGBRegressor`` or another of xgboost's estimators, or a ``Booster``, whose trees
        are then all used.
    X
        Rows to explain, as the model takes them: categories and missing values included.
    background
        Rows that say what an unknown column may hold; numbers only. ``None`` gives path-dependent values.
    outputs
        Names or positions of the outputs to explain; ``None`` means all. Two classes have one output, the event.

    Raises
    ------
    TypeError
        If ``model`` is no XGBoost model.
    ValueError
        If it is linear or has several outputs in one tree; with a background also if it splits categories, drops trees
        (dart) or grows forests.

    References
    ----------
    Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees. Nature
    Machine Intelligence 2.

    Examples
    --------
    >>> import xgboost
    >>> X = pd.DataFrame({"income": [1.0, 2.0, 3.0, 4.0], "noise": [0.0, 0.0, 1.0, 1.0]})
    >>> model = xgboost.XGBRegressor(n_estimators=1, max_depth=1, learning_rate=1.0, reg_lambda=0.0)
    >>> explanation = tree_shapley(model.fit(X, [0.0, 0.0, 0.0, 8.0]), X)
    >>> explanation.method, explanation.values[3, :, 0].round(3).tolist()
    ('shapley (tree, path-dependent)', [6.0, 0.0])
    """
    trees = _Trees.of(model, X, background=background, outputs=outputs)
    return _path_dependent(trees) if background is None else _interventional(trees)


@dataclass(frozen=True)
class _Trees:
    """A model's trees as predict uses them, and the rows as it takes them."""

    booster: "xgboost.Booster"  # cut where early stopping found best
    margin: Callable[[pd.DataFrame], np.ndarray]  # the model's own, (n_rows, n_all_outputs)
    matrix: Callable[[pd.DataFrame], "xgboost.DMatrix"]
    frame: pd.DataFrame
    background: pd.DataFrame
    missing: float
    names: tuple[str, ...]
    positions: tuple[int, ...]
    units: str
    is_dart: bool
    is_forest: bool

    @classmethod
    def of(cls, model: Any, X: Any, *, background: Any, outputs: Any) -> "_Trees":
        package = _import_xgboost()
        is_booster = isinstance(model, package.Booster)
        if not is_booster and not isinstance(model, package.XGBModel):
            raise TypeError(f"model must be an XGBoost estimator or Booster, got {model!r}. Use explain().")
        frame, background, as_given = tables_for(model, X, background=X if background is None else background)
        booster = model if is_booster else _best(model)
        facts = json.loads(booster.save_config())["learner"]
        kind, objective = facts["gradient_booster"]["name"], facts["objective"]["name"]
        if kind == "gblinear":
            raise ValueError("model must be made of trees, got booster='gblinear'. Use explain(method='exact').")
        missing = np.nan if is_booster else model.missing

        def matrix(rows: pd.DataFrame) -> "xgboost.DMatrix":
            types = None if is_booster else model.feature_types
            return package.DMatrix(as_given(rows), missing=missing, enable_categorical=True, feature_types=types)

        def margin(rows: pd.DataFrame) -> np.ndarray:
            asked = matrix(rows) if is_booster else as_given(rows)
            answer = np.asarray(model.predict(asked, output_margin=True), dtype=np.float64)
            return answer[:, None] if answer.ndim == 1 else answer

        names, positions = _outputs(model, frame, margin=margin, outputs=outputs)
        return cls(
            booster=booster,
            margin=margin,
            matrix=matrix,
            frame=frame,
            background=background,
            missing=missing,
            names=names,
            positions=positions,
            units="log-odds" if objective in _LOG_ODDS else "value" if objective in _PLAIN else "margin",
            is_dart=kind == "dart",
            is_forest=int(facts["gradient_booster"].get("gbtree_model_param", {}).get("num_parallel_tree", 1)) > 1,
        )


def _path_dependent(trees: _Trees) -> Explanation:
    found = _contributions(trees, trees.frame)[:, trees.positions].astype(np.float64).transpose(0, 2, 1)
    values, base = found[:, :-1], found[:, -1]
    output = trees.margin(trees.frame)[:, trees.positions]
    residual = output - base - values.sum(1)
    _check_rounding(residual, values=values, base=base)
    values = values + _shares(values) * residual[:, None]
    return Explanation(
        values=values,
        standard_error=np.zeros_like(values),
        base_value=base,
        output=output,
        residual=residual,
        data=trees.frame.to_numpy(dtype=object),
        player_names=tuple(map(str, trees.frame.columns)),
        output_names=trees.names,
        method="shapley (tree, path-dependent)",
        units=trees.units,
        n_evaluations=1,
        is_additive=True,
        random_state=None,
        global_importance=np.abs(values).mean(0),
        global_standard_error=np.zeros(values.shape[1:]),
        local_fit=np.full(output.shape, np.nan),
        correlated="path-dependent",
    )


def _interventional(trees: _Trees) -> Explanation:
    """Return the mean over background rows of exact values with each, whose spread is the background's error."""
    _check_background(trees)
    _contributions(trees, trees.frame.iloc[:1])  # refuses what shap refuses less clearly
    rows, background = (_numbers(frame, trees.missing) for frame in (trees.frame, trees.background))
    shap = import_shap()
    # the masker by hand: shap's own keeps a hundred rows of a larger background and does not say so
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.TreeExplainer(trees.booster, masker, feature_perturbation="interventional")

    def values_by_reference(selected: Tensor) -> Tensor:
        asked = rows[selected.numpy()]
        by_reference = []
        for reference in background:
            explainer.data, explainer.data_missing = reference[None], np.isnan(reference[None])
            values = np.asarray(explainer.shap_values(asked, check_additivity=False))
            by_reference.append(values.reshape(*asked.shape, -1)[..., trees.positions])
        return torch.as_tensor(np.stack(by_reference, axis=1))

    game = game_from_callable(
        lambda frame: trees.margin(frame)[:, trees.positions],
        trees.frame,
        trees.background,
        output_names=trees.names,
        units=trees.units,
    )
    explanation = explanation_from_draws(
        game,
        values_by_reference,
        n_draws=len(background),
        method="shapley (tree, interventional)",
        random_state=None,
    )
    _check_rounding(explanation.residual, values=explanation.values, base=explanation.base_value)
    return explanation


def _contributions(trees: _Trees, frame: pd.DataFrame) -> np.ndarray:
    """Return XGBoost's own, float32 ``(n_rows, n_all_outputs, n_players + 1)``, the base last."""
    package = _import_xgboost()
    try:
        return trees.booster.predict(trees.matrix(frame), pred_contribs=True, strict_shape=True)
    except package.core.XGBoostError as err:
        raise ValueError(
            "model must have one output per tree, XGBoost knows no contributions of others "
            "(multi_strategy='multi_output_tree'). Use explain(method='permutation')."
        ) from err


def _import_xgboost() -> Any:
    import xgboost  # a second of import time that only these models cost

    return xgboost


def _best(model: Any) -> "xgboost.Booster":
    """Return the booster of an estimator, cut where its own predict stops."""
    booster = model.get_booster()
    try:
        return booster[: model.best_iteration + 1]
    except AttributeError:  # no early stopping: all trees
        return booster


def _outputs(
    model: Any, frame: pd.DataFrame, *, margin: Callable[[pd.DataFrame], np.ndarray], outputs: Any
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return names and positions of the chosen outputs; several labels a row have no classes to be named for."""
    n_outputs = margin(frame.iloc[:1]).shape[1]
    has_classes = hasattr(model, "classes_") and n_outputs == (1 if len(model.classes_) == 2 else len(model.classes_))
    said = (
        model_outputs(model, frame, outputs=outputs, units="log-odds")
        if has_classes
        else model_outputs(margin, frame, outputs=outputs, units="value")
    )
    return said.names, said.positions


def _check_background(trees: _Trees) -> None:
    advice = (
        "Leave out background= for path-dependent values, or use explain(method='permutation') with it, which asks "
        "for outputs only."
    )
    types = trees.booster.feature_types or []
    named = [name for name in trees.frame if isinstance(trees.frame[name].dtype, pd.CategoricalDtype)]
    if "c" in types or named:
        raise ValueError(
            f"Categories have no interventional tree values yet, got them in {named or 'the model'}. {advice}"
        )
    if trees.is_dart or trees.is_forest:
        which = "booster='dart'" if trees.is_dart else "a forest (num_parallel_tree above 1)"
        raise ValueError(f"The shap package gives no interventional tree values for {which}. {advice}")


def _numbers(frame: pd.DataFrame, missing: float) -> np.ndarray:
    """Return what the trees compare: float32, as XGBoost rounds, with NaN for missing."""
    numbers = frame.to_numpy(dtype=np.float32)
    return np.where(numbers == np.float32(missing), np.float32(np.nan), numbers)


def _shares(values: np.ndarray) -> np.ndarray:
    """Return each player's share of what rounding left open, by size, so that an unused one keeps its 0."""
    size = np.abs(values)
    total = size.sum(1, keepdims=True)
    return np.divide(size, total, out=np.zeros_like(size), where=total > 0)


def _check_rounding(residual: np.ndarray, *, values: np.ndarray, base: np.ndarray) -> None:
    scale = np.abs(base) + np.abs(values).sum(1)
    if not (np.abs(residual) <= _RELATIVE_ROUNDING * scale).all():
        raise AssertionError(
            "Tree values must sum to the model's margin less base_value up to rounding, they miss it by up to "
            f"{np.abs(residual).max()}."
        )
