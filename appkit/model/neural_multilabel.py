"""What a neural classifier of several labels at once promises: a calibrated probability of each."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from appkit.data.cells import shown
from appkit.model.calibration import fit_calibration
from appkit.model.ensemble import Ensemble
from appkit.model.heads import Head, MultiLabelHead
from appkit.model.neural_estimator import NeuralEstimator
from appkit.model.training import TrainingData

__all__ = ["NeuralMultiLabelClassifier"]


class NeuralMultiLabelClassifier(ClassifierMixin, NeuralEstimator):
    """The face of a classifier of findings that go together or alone; put it in front of an input.

    ``y`` has one column per label, 1 where it applies and 0 where not; its column names are those of the labels.
    """

    classes_: np.ndarray

    calibrate: bool

    _units = ("probability", "log-odds")

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the calibrated probability of each label, float64 ``(n_rows, n_labels)``; rows do not sum to 1."""
        return self._answers(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return which labels are the more probable to apply, int64 ``(n_rows, n_labels)``."""
        return (self.predict_proba(X) >= 0.5).astype(np.int64)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows all of whose labels are right, as scikit-learn does."""
        return float(super().score(X, np.asarray(y), sample_weight))

    @property
    def output_names_(self) -> tuple[str, ...]:
        """Names of the labels."""
        check_is_fitted(self)
        return tuple(str(label) for label in self.classes_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        return tags

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        names = [str(name) for name in y] if isinstance(y, pd.DataFrame) else None
        target = _checked(y, n_rows=n_rows, called="y")
        classes = np.array(names if names is not None else [f"label {i}" for i in range(target.shape[1])])
        for name, column in zip(classes, target.T, strict=True):
            if column.min() == column.max():
                raise ValueError(f"y must hold rows with and without a label, {str(name)!r} is {column[0]:g} in all.")
        self.classes_ = classes
        return target

    def _encode_target(self, y: Any, *, n_rows: int) -> np.ndarray:
        target = _checked(y, n_rows=n_rows, called="y_val")
        if target.shape[1] != len(self.classes_):
            raise ValueError(f"y_val must have the {len(self.classes_)} labels of y, got {target.shape[1]}.")
        return target

    def _make_head(self, data: TrainingData) -> Head:
        return MultiLabelHead(len(self.classes_))

    def _learn_from_held_out(self, ensemble: Ensemble, rows: TrainingData, *, is_blind: bool) -> None:
        if is_blind or not self.calibrate:
            return
        held = torch.from_numpy(ensemble.held_out).to(rows.Z.device)
        self.calibration_ = fit_calibration(ensemble.logits, rows.target[held], rows.weight[held], head=self.head_)

    def _in_units(self, means: Tensor, units: str) -> Tensor:
        return means if units == "probability" else torch.logit(means, eps=1e-12)


def _checked(y: Any, *, n_rows: int, called: str) -> np.ndarray:
    """Return labels as float32 ``(n_rows, n_labels)``, all 0 or 1."""
    target = np.asarray(y)
    if target.ndim != 2 or len(target) != n_rows or not target.shape[1]:
        raise ValueError(f"{called} must have shape ({n_rows}, n_labels), got {target.shape}.")
    if pd.isna(target).any():
        row, column = np.argwhere(pd.isna(target))[0]
        raise ValueError(f"{called} must hold 0 or 1, it is missing in row {row}, column {column}. Drop such rows.")
    if not np.isin(target, (0, 1)).all():
        row, column = np.argwhere(~np.isin(target, (0, 1)))[0]
        raise ValueError(f"{called} must hold 0 or 1, got {shown(target[row, column])} in row {row}, column {column}.")
    return target.astype(np.float32)
