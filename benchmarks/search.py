"""XGBoost with its parameters searched on inner folds: the challenger a careful user would build."""

import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from benchmarks.encodings import NativeCategories

__all__ = ["LIGHT_TUNE", "SearchedXGBoost", "draw_parameters"]

LIGHT_TUNE = {
    "n_estimators": 400,
    "learning_rate": 0.03,
    "max_depth": 4,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
}

_MAX_TREES = 3000
_PATIENCE = 50
_PRUNE_MARGIN = 1.02  # a trial whose first inner fold is 2 % worse than the best trial's is not continued


class SearchedXGBoost(ClassifierMixin, BaseEstimator):
    """Random search over XGBoost parameters by inner cross-validated log-loss, trees chosen by early stopping.

    The first trial is the light tune, so the search cannot lose to it on the inner folds.

    Parameters
    ----------
    n_trials
        Parameter sets tried, at most.
    n_inner
        Inner stratified folds.
    max_cpu_seconds
        No new trial starts after this much processor time; ``n_trials_`` says how many ran.
    random_state
        Seed of the draws, the inner folds and the trees.
    n_jobs
        Threads.
    """

    def __init__(
        self,
        *,
        n_trials: int = 50,
        n_inner: int = 3,
        max_cpu_seconds: float = 300.0,
        random_state: int = 0,
        n_jobs: int = 1,
    ) -> None:
        self.n_trials = n_trials
        self.n_inner = n_inner
        self.max_cpu_seconds = max_cpu_seconds
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> "SearchedXGBoost":
        """Search, then fit the best parameters on all rows."""
        self.classes_ = np.unique(y)
        self.encoder_ = NativeCategories().fit(X)
        encoded = self.encoder_.transform(X)
        self.best_loss_, self.best_parameters_, self.n_trials_ = self._search(encoded, np.asarray(y))
        self.model_ = self._model(**self.best_parameters_).fit(encoded, y)
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n_rows, n_classes)."""
        return self.model_.predict_proba(self.encoder_.transform(X))

    def _search(self, X: pd.DataFrame, y: np.ndarray) -> tuple[float, dict, int]:
        rng = np.random.default_rng(self.random_state)
        folds = list(StratifiedKFold(self.n_inner, shuffle=True, random_state=self.random_state).split(X, y))
        best_loss, best_first, best_parameters, trial = np.inf, np.inf, {}, 0
        started = time.process_time()
        while trial < self.n_trials and (trial == 0 or time.process_time() - started < self.max_cpu_seconds):
            parameters = {**LIGHT_TUNE} if trial == 0 else draw_parameters(rng)
            trial += 1
            losses, n_trees = self._try(parameters, X, y, folds=folds, give_up_above=best_first * _PRUNE_MARGIN)
            if len(losses) == len(folds) and np.mean(losses) < best_loss:
                best_loss, best_first = float(np.mean(losses)), losses[0]
                best_parameters = {**parameters, "n_estimators": max(1, round(float(np.mean(n_trees))))}
        return best_loss, best_parameters, trial

    def _try(
        self, parameters: dict, X: pd.DataFrame, y: np.ndarray, *, folds: list, give_up_above: float
    ) -> tuple[list[float], list[int]]:
        losses, n_trees = [], []
        for train, held_out in folds:
            model = self._model(**{**parameters, "n_estimators": _MAX_TREES, "early_stopping_rounds": _PATIENCE})
            inner_X, inner_y = X.iloc[held_out], y[held_out]
            model.fit(X.iloc[train], y[train], eval_set=[(inner_X, inner_y)], verbose=False)
            losses.append(float(log_loss(inner_y, model.predict_proba(inner_X), labels=self.classes_)))
            n_trees.append(model.best_iteration + 1)
            if losses[0] > give_up_above:
                break
        return losses, n_trees

    def _model(self, **parameters: Any) -> Any:
        from xgboost import XGBClassifier

        metric = "logloss" if len(self.classes_) == 2 else "mlogloss"
        fixed = {"enable_categorical": True, "tree_method": "hist", "eval_metric": metric}
        return XGBClassifier(**fixed, **parameters, n_jobs=self.n_jobs, random_state=self.random_state)


def draw_parameters(rng: np.random.Generator) -> dict[str, float]:
    """Return one random parameter set; the number of trees is left to early stopping."""
    return {
        "learning_rate": _log_uniform(rng, 0.01, 0.2),
        "max_depth": int(rng.integers(2, 9)),
        "min_child_weight": _log_uniform(rng, 0.5, 60.0),
        "subsample": float(rng.uniform(0.5, 1.0)),
        "colsample_bytree": float(rng.uniform(0.3, 1.0)),
        "colsample_bylevel": float(rng.uniform(0.5, 1.0)),
        "reg_lambda": _log_uniform(rng, 0.1, 30.0),
        "reg_alpha": _log_uniform(rng, 0.001, 5.0),
        "gamma": _log_uniform(rng, 0.001, 3.0),
        "max_cat_to_onehot": int(rng.choice([1, 5, 100])),
    }


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
