"""What the challengers share: raw tables in, probability of the event out."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from appkit.data import Schema, as_frame, check_labels, check_sample_weight

__all__ = ["EventClassifier"]


class EventClassifier(ClassifierMixin, BaseEstimator):
    """Template of a binary classifier on raw tables; subclasses supply ``_fit_event`` and ``_event_probability``.

    Subclasses take ``event`` and ``special_values`` in their constructor.
    """

    event: Any
    special_values: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "EventClassifier":
        """Learn from a table with text, numbers and missing cells ``(n_rows, n_columns)`` and two labels."""
        frame = as_frame(X)
        validate_data(self, X, skip_check_array=True)
        weights = check_sample_weight(sample_weight, n_rows=len(frame))
        labels = check_labels(y, n_rows=len(frame), sample_weight=weights)
        self.classes_ = np.unique(labels)
        if len(self.classes_) > 2:
            raise ValueError(
                f"Only binary classification is supported. y must hold two classes, got {len(self.classes_)}."
            )
        if self.event is not None and self.event not in self.classes_:
            raise ValueError(f"event must be one of {self.classes_.tolist()}, got {self.event!r}.")
        self.event_ = self.classes_[1] if self.event is None else self.event
        self.schema_ = Schema.infer(frame, special_codes=self.special_values)
        self._fit_event(
            self.schema_.conform(frame),
            np.asarray(labels == self.event_),
            np.ones(len(frame)) if weights is None else weights,
        )
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities in the order of ``classes_``, float64 ``(n_rows, 2)``."""
        p = self._event_probability(self._conform(X))
        return np.column_stack([1 - p, p] if self.event_ == self.classes_[1] else [p, 1 - p])

    def predict(self, X: Any) -> np.ndarray:
        """Return the more probable label of each row."""
        winners = self.predict_proba(X).argmax(axis=1)
        return self.classes_[winners]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def _conform(self, X: Any) -> pd.DataFrame:
        check_is_fitted(self)
        frame = as_frame(X)
        if not (isinstance(X, pd.DataFrame) and hasattr(self, "feature_names_in_")):
            validate_data(self, X, reset=False, skip_check_array=True)
        return self.schema_.conform(frame)

    def _fit_event(self, frame: pd.DataFrame, is_event: np.ndarray, weights: np.ndarray) -> None:
        raise NotImplementedError

    def _event_probability(self, frame: pd.DataFrame) -> np.ndarray:
        raise NotImplementedError


def as_numbers(values: pd.Series) -> np.ndarray:
    """Return a conformed numeric, boolean or time column as float64 ``(n_rows,)``; times in days since 1970."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return (values - pd.Timestamp(0)).dt.total_seconds().to_numpy() / 86_400
    return values.to_numpy(dtype=np.float64)
