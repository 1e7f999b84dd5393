"""Models a reviewer would pick instead, and how ours stands beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from xgboost import XGBClassifier

from appkit.model.costs import Costs
from appkit.prediction import (
    Estimate,
    auc,
    auc_difference,
    brier,
    calibration_slope,
    event_of,
    expected_cost,
    log_loss,
)
from domains.finance.event_classifier import EventClassifier, as_numbers
from domains.finance.scorecard import WoEScorecard

__all__ = ["ChallengerResult", "FrameXGBClassifier", "WoEScorecard", "compare_challengers", "xgboost_challenger"]


class FrameXGBClassifier(EventClassifier):
    """XGBoost on raw tables: text as native categories, a category never seen as missing.

    Parameters
    ----------
    event
        Label whose probability is modelled; the second class if not given.
    n_estimators, learning_rate, max_depth, subsample, colsample_bytree
        As in XGBoost.
    special_values
        Codes among numbers, by column; trees split them off by themselves, so they stay numbers.
    n_jobs
        Threads; ``None`` takes all.
    random_state
        Seed of the subsamples.

    Attributes
    ----------
    booster_
        Fitted ``xgboost.XGBClassifier`` of the event.

    Examples
    --------
    >>> X = pd.DataFrame({"job": ["clerk", "nurse", None, "clerk"] * 10})
    >>> model = FrameXGBClassifier(n_estimators=5, n_jobs=1).fit(X, ["bad", "good", "good", "bad"] * 10)
    >>> model.predict(pd.DataFrame({"job": ["clerk", "smith"]})).tolist()
    ['bad', 'good']
    """

    def __init__(
        self,
        *,
        event: Any = None,
        n_estimators: int = 100,
        learning_rate: float = 0.3,
        max_depth: int = 6,
        subsample: float = 1.0,
        colsample_bytree: float = 1.0,
        special_values: Mapping[str, Sequence[float]] | str | None = None,
        n_jobs: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.event = event
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.special_values = special_values
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_event(self, frame: pd.DataFrame, is_event: np.ndarray, weights: np.ndarray) -> None:
        self.booster_ = XGBClassifier(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            subsample=self.subsample,
            colsample_bytree=self.colsample_bytree,
            enable_categorical=True,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        self.booster_.fit(self._with_categories(frame), is_event.astype(int), sample_weight=weights)

    def _event_probability(self, frame: pd.DataFrame) -> np.ndarray:
        return self.booster_.predict_proba(self._with_categories(frame))[:, 1].astype(np.float64)

    def _with_categories(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return categories as numbered pandas categories, the same at every call, and the rest as numbers."""
        columns: dict[str, Any] = {}
        for place, column in enumerate(self.schema_.features):
            values = frame[column.name]
            # columns are named by position: XGBoost refuses "<", "[" and "]" in names
            columns[f"f{place}"] = (
                _numbered_categories(values, column.categories or ())
                if column.kind == "category"
                else as_numbers(values)
            )
        return pd.DataFrame(columns, index=frame.index)


def _numbered_categories(values: pd.Series, categories: Sequence[str]) -> Any:
    code_of = {category: code for code, category in enumerate(categories)}
    codes = [code_of.get(value, -1) for value in values]  # -1 is missing to pandas
    return pd.Categorical.from_codes(np.array(codes), categories=pd.Index(range(max(1, len(categories)))))


def xgboost_challenger(*, event: Any = None, n_jobs: int | None = None, random_state: int = 0) -> FrameXGBClassifier:
    """Return XGBoost as a practitioner sets it without a search: 400 slow trees of depth 4, rows and columns drawn."""
    return FrameXGBClassifier(
        event=event,
        n_estimators=400,
        learning_rate=0.03,
        max_depth=4,
        subsample=0.8,
        colsample_bytree=0.6,
        n_jobs=n_jobs,
        random_state=random_state,
    )


@dataclass(frozen=True)
class ChallengerResult:
    """One model on the common test rows.

    Parameters
    ----------
    name
        Of the model.
    auc, log_loss, brier, calibration_slope
        With their intervals.
    auc_difference
        AUC minus that of the first model, paired on the same rows; ``None`` for the first model itself.
    cost
        Cost per row at the threshold of the costs; ``None`` where none were given.
    """

    name: str
    auc: Estimate
    auc_difference: Estimate | None
    log_loss: Estimate
    brier: Estimate
    calibration_slope: Estimate
    cost: Estimate | None = None


def compare_challengers(
    models: Mapping[str, Any],
    X_test: Any,
    y_test: ArrayLike,
    *,
    costs: Costs | None = None,
    groups: ArrayLike | None = None,
    random_state: int | None = 0,
) -> tuple[ChallengerResult, ...]:
    """Measure fitted binary classifiers on the same rows, each against the first.

    Parameters
    ----------
    models
        Fitted classifiers by name, ours first; all must mean the same event.
    X_test, y_test
        Rows and labels none of them has seen.
    costs
        Adds the cost per row.
    groups
        Clusters of rows (customers with several loans), shape (n_rows,).
    random_state
        Seed of the bootstrap of the cost.
    """
    if not models:
        raise ValueError("models must hold at least one fitted classifier.")
    event = event_of(next(iter(models.values())))
    is_event = np.asarray(y_test) == event
    first: np.ndarray | None = None
    results: list[ChallengerResult] = []
    for name, model in models.items():
        p = _probability_of(event, model, X_test, name=name)
        first = p if first is None else first
        results.append(
            ChallengerResult(
                name,
                auc=auc(is_event, p, groups=groups),
                auc_difference=auc_difference(is_event, p, first, groups=groups) if results else None,
                log_loss=log_loss(is_event, p, groups=groups),
                brier=brier(is_event, p, groups=groups),
                calibration_slope=calibration_slope(is_event, p, groups=groups),
                cost=None
                if costs is None
                else expected_cost(is_event, p >= costs.threshold, costs, groups=groups, random_state=random_state),
            )
        )
    return tuple(results)


def _probability_of(event: Any, model: Any, X: Any, *, name: str) -> np.ndarray:
    classes = list(model.classes_)
    if len(classes) != 2 or event not in classes:
        raise ValueError(f"{name!r} must tell {event!r} from one other class, got the classes {classes}.")
    return np.asarray(model.predict_proba(X), dtype=np.float64)[:, classes.index(event)]
