"""The reference packages, shap and lime, behind the same door and on the user's raw columns."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from appkit.explanation.coded_columns import CodedColumns
from appkit.explanation.explanation import Explanation
from appkit.explanation.games.model import model_outputs, tables_for
from appkit.explanation.seeds import RandomState, seed_of
from appkit.explanation.shap_package import import_shap

__all__ = ["explain_with_lime", "explain_with_shap"]

_SHAP_EXACT_PLAYERS = 10
_SHAP_DEFAULT_COALITIONS = 500  # shap's own default
_LIME_DEFAULT_PERTURBATIONS = 5000  # lime's own default
_PREDICT_ROWS = 16_384


def explain_with_shap(
    model: Any,
    X: Any,
    *,
    background: Any = None,
    outputs: str | int | Sequence[str | int] | None = None,
    units: str | None = None,
    random_state: RandomState = None,
    max_evaluations: int | None = None,
    progress: bool = False,
) -> Explanation:
    """Return Shapley values from the shap package: its exact explainer up to 10 columns, else its permutations.

    shap averages every coalition over the whole background, so ``max_evaluations`` counts coalitions times background
    rows. It subtracts columns from one another and so fails on text; here it sees integer codes, which the model never
    does. No standard error: shap gives none. Parameters as in :func:`~appkit.explanation.explain`.
    """
    shap = import_shap()
    seed = seed_of(random_state)
    coded = _CodedModel(model, X, background=background, outputs=outputs, units=units, seed=seed)
    masker = shap.maskers.Independent(coded.background, max_samples=len(coded.background))
    n_players = coded.rows.shape[1]
    n_coalitions = _shap_coalitions(n_players, max_evaluations, n_references=len(coded.background))
    is_exact = 2**n_players <= n_coalitions and n_players <= _SHAP_EXACT_PLAYERS
    with _global_generator_kept(seed):
        explainer = (
            shap.explainers.ExactExplainer(coded, masker)
            if is_exact
            else shap.explainers.PermutationExplainer(coded, masker, seed=seed)
        )
        found = explainer(coded.rows, max_evals=n_coalitions, silent=not progress)
    n_evaluations = coded.evaluations_per_row()
    output = coded(coded.rows)
    # shap squeezes a single output, in some versions from the values only
    values = np.array(found.values, dtype=np.float64).reshape(*coded.rows.shape, -1)
    base = np.array(found.base_values, dtype=np.float64).reshape(output.shape)
    return coded.explanation(
        values=values,
        base_value=base,
        output=output,
        residual=output - base - values.sum(1),
        method=f"shapley (shap package, {'exact' if is_exact else 'permutation'})",
        n_evaluations=n_evaluations,
        is_additive=True,
        random_state=None if is_exact else seed,
    )


def explain_with_lime(
    model: Any,
    X: Any,
    *,
    background: Any = None,
    outputs: str | int | Sequence[str | int] | None = None,
    units: str | None = None,
    random_state: RandomState = None,
    max_evaluations: int | None = None,
    progress: bool = False,
) -> Explanation:
    """Return weights from the lime package's tabular explainer, 5000 perturbations by default.

    lime fails on text, on missing values and on pandas rows; here it sees integer codes. Numbers are coded by rank, so
    that its quartiles are theirs; text, categories and booleans are its categorical features; a missing value is one
    more code. Constant columns are kept from it and weigh 0. lime shows no progress. Parameters as in
    :func:`~appkit.explanation.explain`.
    """
    seed = seed_of(random_state)
    coded = _CodedModel(model, X, background=background, outputs=outputs, units=units, seed=seed)
    seen = np.flatnonzero(~coded.columns.is_constant)
    if len(coded.player_names) < 2 or len(seen) == 0:
        raise ValueError(
            f"LIME needs two columns at least, one of which varies, got {coded.player_names}. Use method='shapley'."
        )
    n_perturbations = _LIME_DEFAULT_PERTURBATIONS if max_evaluations is None else max_evaluations
    with _global_generator_kept(seed):
        values, fit = _lime_weights(coded, seen, n_perturbations=n_perturbations, seed=seed)
    n_evaluations = coded.evaluations_per_row()
    output = coded(coded.rows)
    return coded.explanation(
        values=values,
        base_value=np.tile(coded(coded.background).mean(0), (len(values), 1)),
        output=output,
        residual=np.full_like(output, np.nan),
        method="lime (lime package)",
        n_evaluations=n_evaluations,
        is_additive=False,
        random_state=seed,
        local_fit=fit,
    )


class _CodedModel:
    """The model as a function of integer codes; counts the rows it is asked about."""

    def __init__(self, model: Any, X: Any, *, background: Any, outputs: Any, units: Any, seed: int) -> None:
        X, background, as_given = tables_for(model, X, background=background, random_state=seed)
        if hasattr(model, "encode"):
            model.encode(X), model.encode(background)  # says what is wrong in rows of X, not of masked copies
        players = [column for column in X.columns if column in getattr(model, "player_columns_", X.columns)]
        self._X = X
        self._outputs = model_outputs(model, X, outputs=outputs, units=units, as_given=as_given)
        self._shown = X[players].to_numpy(dtype=object)
        self._n_asked = 0
        self.columns = CodedColumns.of(X[players], background)
        self.rows = self.columns.encode(X)
        self.background = self.columns.encode(background)
        self.player_names = tuple(map(str, players))

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Return outputs, float64 ``(n_rows, n_outputs)``."""
        self._n_asked += len(codes)
        parts = np.array_split(codes, -(-len(codes) // _PREDICT_ROWS))
        return np.concatenate([self._outputs.predict(self._decoded(part)) for part in parts])

    def evaluations_per_row(self) -> int:
        """Return the model evaluations so far, shared out over the rows."""
        return -(-self._n_asked // len(self.rows))

    def explanation(self, *, values: np.ndarray, local_fit: np.ndarray | None = None, **facts: Any) -> Explanation:
        """Return the explanation with what every package leaves unsaid."""
        shape = (len(values), values.shape[2])
        return Explanation(
            values=values,
            standard_error=np.full_like(values, np.nan),
            data=self._shown,
            player_names=self.player_names,
            output_names=self._outputs.names,
            units=self._outputs.units,
            global_importance=np.abs(values).mean(0),
            global_standard_error=np.full(values.shape[1:], np.nan),
            local_fit=np.full(shape, np.nan) if local_fit is None else local_fit,
            **facts,
        )

    def _decoded(self, codes: np.ndarray) -> pd.DataFrame:
        decoded = self.columns.decode(codes)
        ignored = [column for column in self._X.columns if column not in decoded]
        anything = np.zeros(len(codes), dtype=np.int64)
        return decoded.assign(**{column: self._X[column].array.take(anything) for column in ignored})[self._X.columns]


def _shap_coalitions(n_players: int, max_evaluations: int | None, *, n_references: int) -> int:
    least = 2 * n_players + 1
    if max_evaluations is None:
        return max(_SHAP_DEFAULT_COALITIONS, 2 * least)
    if max_evaluations < least * n_references:
        raise ValueError(
            f"max_evaluations must be at least {least * n_references} for shap: one pass over {n_players} columns "
            f"with each of {n_references} background rows, got {max_evaluations!r}."
        )
    return max_evaluations // n_references


def _lime_weights(
    coded: _CodedModel, seen: np.ndarray, *, n_perturbations: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return lime's weights ``(n_rows, n_players, n_outputs)`` and its R2 ``(n_rows, n_outputs)``."""
    from lime.lime_tabular import LimeTabularExplainer  # slow to import

    explainer = LimeTabularExplainer(
        coded.background[:, seen],
        categorical_features=np.flatnonzero(~coded.columns.is_ordered[seen]).tolist(),
        feature_selection="none",
        random_state=seed,
    )
    n_outputs = coded(coded.rows[:1]).shape[1]
    values = np.zeros((*coded.rows.shape, n_outputs))
    fit = np.zeros((len(coded.rows), n_outputs))
    for row, codes in enumerate(coded.rows):

        def predict(perturbed: np.ndarray, codes: np.ndarray = codes) -> np.ndarray:
            whole = np.tile(codes, (len(perturbed), 1))
            whole[:, seen] = perturbed
            return coded(whole)

        with warnings.catch_warnings():
            # lime takes every output for a probability of one of all classes
            warnings.filterwarnings("ignore", message=r"\s*Prediction probabilties do not sum to 1")
            regression = _LimeRegression(alpha=1.0, random_state=seed)
            found = explainer.explain_instance(
                codes[seen],
                predict,
                labels=range(n_outputs),
                num_features=len(seen),
                num_samples=n_perturbations,
                model_regressor=regression,
            )
        fit[row] = regression.scores
        for output in range(n_outputs):
            positions, sizes = zip(*found.local_exp[output], strict=True)
            values[row, seen[list(positions)], output] = sizes
    return values, fit


class _LimeRegression(Ridge):
    """lime's own regression; remembers the R2 of every output, of which lime keeps the last."""

    def __init__(self, alpha: float = 1.0, *, random_state: int | None = None) -> None:
        super().__init__(alpha=alpha, random_state=random_state)
        self.scores: list[float] = []

    def score(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        self.scores.append(super().score(X, y, sample_weight=sample_weight))
        return self.scores[-1]


@contextmanager
def _global_generator_kept(seed: int) -> Iterator[None]:
    """Seed numpy's global generator, which the packages draw from, and leave it as found."""
    found = np.random.get_state()  # noqa: NPY002, the packages know no other generator
    np.random.seed(seed % 2**32)  # noqa: NPY002, as above
    try:
        yield
    finally:
        np.random.set_state(found)  # noqa: NPY002, as above
