"""What every neural regressor promises, whatever it reads: values, and what held-out rows were off by."""

from typing import Any

import numpy as np
import torch
from sklearn.base import RegressorMixin
from torch import Tensor

from appkit.data import check_values
from appkit.model.ensemble import Ensemble
from appkit.model.heads import Head, RegressionHead
from appkit.model.neural_estimator import NeuralEstimator
from appkit.model.training import TrainingData

__all__ = ["NeuralRegressor"]


class NeuralRegressor(RegressorMixin, NeuralEstimator):
    """The face of a regressor; put it in front of an input: ``class TabularRegressor(NeuralRegressor, ...)``."""

    _units = ("value",)

    def predict(self, X: Any) -> np.ndarray:
        """Return predicted values, float64 ``(n_rows,)``."""
        return self._answers(X)[:, 0]

    @property
    def output_names_(self) -> tuple[str, ...]:
        """Names of the outputs of ``encoded_outputs``."""
        return ("value",)

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        values = check_values(y, n_rows=n_rows)
        centre = np.average(values, weights=weight)
        with np.errstate(over="ignore"):
            scale = np.sqrt(np.average((values - centre) ** 2, weights=weight))
        if not np.isfinite(scale):
            row = int(np.abs(values).argmax())
            raise ValueError(
                f"y must be small enough to be squared, got {values[row]:.3g} in row {row}. Give it in a larger unit."
            )
        self.target_centre_, self.target_scale_ = float(centre), float(scale) or 1.0
        return values

    def _encode_target(self, y: Any, *, n_rows: int) -> np.ndarray:
        return check_values(y, n_rows=n_rows)

    def _make_head(self, data: TrainingData) -> Head:
        return RegressionHead(self.target_centre_, self.target_scale_)

    def _learn_from_held_out(self, ensemble: Ensemble, rows: TrainingData, *, is_blind: bool) -> None:
        self.conformal_residuals_ = np.empty(0)
        if is_blind:
            return
        held = torch.from_numpy(ensemble.held_out).to(rows.Z.device)
        mean = self.head_.means(ensemble.logits).mean(dim=1)[:, 0]
        self.conformal_residuals_ = np.sort((mean - rows.target[held]).abs().double().cpu().numpy())

    def _in_units(self, means: Tensor, units: str) -> Tensor:
        return means
