"""Problems of tables with text, categories and missing values: models of ours, pipelines and boosted trees."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from scipy.special import logit
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

from appkit.explanation import EncodedTableGame, Game, game_for
from appkit.model import TabularClassifier, TabularRegressor
from tests.explanation.fakes import FakeEnsemble, make_table
from tests.explanation.guarantees.problem import Problem

__all__ = [
    "CLASSIFIERS",
    "attentive",
    "disagreeing_members",
    "fitted",
    "make_credit",
    "masked",
    "pipeline",
    "rows_for",
    "table",
]

CLASSIFIERS = ["tabm", "own network", "pipeline", "xgboost"]
N_ROWS, N_REFERENCES = 5, 6
TOWNS = [f"town {i}" for i in range(40)]
JOBS = ["clerk", "cook", "pilot"]


def make_credit(n_rows: int, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows with numbers (some missing), text of 40 levels, a category and a boolean; and a label of each."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "income": rng.lognormal(3, 0.5, n_rows),
            "age": np.where(rng.random(n_rows) < 0.15, np.nan, rng.integers(18, 80, n_rows)),
            "town": rng.choice(TOWNS, n_rows),
            "job": pd.Categorical(rng.choice(JOBS, n_rows), categories=JOBS),
            "owner": rng.random(n_rows) < 0.5,
        }
    )
    earns = 4 * (np.log(X["income"]) - 3) * np.where(X["job"] == "pilot", 1, -0.5)
    score = earns + (X["age"].fillna(30) - 45) / 15 * np.where(X["owner"], 1, -1) * X["town"].gt("town 2")
    return X, np.where(score + 0.3 * rng.normal(size=n_rows) > score.median(), "good", "bad")


def pipeline() -> Pipeline:
    """Return an unfitted pipeline: a ColumnTransformer over text, categories, numbers and booleans, then trees."""
    columns = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), ["town", "job"]),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["income", "age"]),
            ("flags", "passthrough", ["owner"]),
        ],
        sparse_threshold=0,
    )
    return Pipeline([("columns", columns), ("trees", GradientBoostingClassifier(n_estimators=15, random_state=0))])


def rows_for(kind: str, X: pd.DataFrame) -> pd.DataFrame:
    """Return a table as the model of that kind takes it: XGBoost wants categories in place of text."""
    return X.assign(town=pd.Categorical(X["town"], categories=TOWNS)) if kind == "xgboost" else X


@cache
def fitted(kind: str, seed: int = 0) -> Any:
    """Return a model fitted on :func:`make_credit`."""
    X, y = make_credit(300, seed=seed)
    if kind == "pipeline":
        return pipeline().fit(X, y)
    if kind == "xgboost":
        model = xgboost.XGBClassifier(n_estimators=15, enable_categorical=True, n_jobs=1)
        return model.fit(rows_for(kind, X), y == "good")
    short = {"n_networks": 3, "max_epochs": 3, "random_state": seed, "device": "cpu"}
    if kind == "regressor":
        return TabularRegressor(n_members=3, **short).fit(X, X["income"] * (y == "good"))
    if kind == "own network":
        return TabularClassifier(network=attentive, **short).fit(X, y)
    return TabularClassifier(n_members=3, **short).fit(X, y)  # members that three epochs leave disagreeing


def attentive(layout: Any, n_outputs: int) -> nn.Module:
    """Return a network of the user's own, as ``TabularClassifier(network=)`` takes it."""
    return nn.Sequential(
        nn.Linear(layout.width, 16), nn.LayerNorm(16), nn.SiLU(), nn.Dropout(0.3), nn.Linear(16, n_outputs)
    )


def table(kind: str, seed: int, *, units: str) -> Problem:
    """Return the problem of a fitted model, held against its own ``predict_proba`` or ``predict``."""
    model = fitted(kind, seed)
    X, _ = make_credit(N_ROWS + N_REFERENCES, seed=seed + 10)
    X = rows_for(kind, X)
    says = model.predict if units == "value" else lambda frame: _event(model.predict_proba(frame), units)
    return _frames(X[:N_ROWS], X[N_ROWS:], says, lambda rows, background, batch_size: game_for(
        model, rows, background=background, units=units, batch_size=batch_size
    ))  # fmt: skip


def disagreeing_members(seed: int, *, units: str) -> Problem:
    """Return the problem of an ensemble whose members are networks of their own."""
    model = FakeEnsemble(seed=seed)
    rows = make_table(N_ROWS + N_REFERENCES, seed=seed)

    def says(frame: pd.DataFrame) -> np.ndarray:
        return model.encoded_outputs(model.encode(frame), units=units)[:, 0].double().numpy()

    return _frames(rows[:N_ROWS], rows[N_ROWS:], says, lambda X, background, batch_size: EncodedTableGame(
        model, X, background, units=units, batch_size=batch_size
    ))  # fmt: skip


def _frames(
    X: pd.DataFrame,
    background: pd.DataFrame,
    says: Callable[[pd.DataFrame], np.ndarray],
    make_game: Callable[[pd.DataFrame, pd.DataFrame, int | None], Game],
) -> Problem:
    def game(chosen: Sequence[int], batch_size: int | None) -> Game:
        return make_game(X.iloc[list(chosen)], background, batch_size)

    def said(row: int, present: np.ndarray) -> np.ndarray:
        return np.atleast_1d(says(masked(X.iloc[[row]], background, present)).mean(0))

    return Problem(game, said, (X.shape[1],) * len(X))


def masked(row: pd.DataFrame, background: pd.DataFrame, present: np.ndarray) -> pd.DataFrame:
    """Return the background with the columns that are present taken from one row, every dtype kept."""
    own, others = row.iloc[[0] * len(background)].reset_index(drop=True), background.reset_index(drop=True)
    return pd.DataFrame({name: (own if is_in else others)[name] for name, is_in in zip(row, present, strict=True)})


def _event(probability: np.ndarray, units: str) -> np.ndarray:
    event = probability[:, 1].astype(np.float64)
    return event if units == "probability" else logit(event)
