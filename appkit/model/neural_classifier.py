"""What every neural classifier promises, whatever it reads: calibrated probabilities, decisions, sets."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from appkit.data import check_labels
from appkit.data.cells import shown
from appkit.model.calibration import fit_calibration
from appkit.model.conformal import prediction_sets
from appkit.model.costs import Costs, bayes_decision
from appkit.model.ensemble import Ensemble
from appkit.model.heads import BinaryHead, Head, MulticlassHead
from appkit.model.neural_estimator import NeuralEstimator
from appkit.model.training import TrainingData

__all__ = ["NeuralClassifier"]


class NeuralClassifier(ClassifierMixin, NeuralEstimator):
    """The face of a classifier; put it in front of an input: ``class TabularClassifier(NeuralClassifier, ...)``."""

    classes_: np.ndarray

    class_weight: Mapping[Any, float] | Literal["balanced"] | None
    costs: Costs | None
    threshold: float | None
    calibrate: bool

    _units = ("probability", "log-odds")
    _is_stratified = True

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return calibrated probabilities, float64 ``(n_rows, n_classes)``, in the order of ``classes_``."""
        return self._answers(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return labels ``(n_rows,)``: the more probable class, or the decision by ``costs`` or ``threshold``."""
        return self._decided(self.predict_proba(X))

    def decide(self, X: Any, thresholds: Any) -> np.ndarray:
        """Return labels ``(n_rows,)`` where costs differ by row.

        Parameters
        ----------
        X
            Table.
        thresholds
            float ``(n_rows,)`` from ``appkit.model.costs.cost_threshold``: probability of the event from which it is
            called in each row.
        """
        self._check_binary("decide")
        return self._labels(bayes_decision(self.predict_proba(X)[:, self.event_index_], thresholds))

    def predict_set(self, X: Any, *, alpha: float = 0.1) -> np.ndarray:
        """Return which classes cannot be ruled out, bool ``(n_rows, n_classes)``.

        Within each class the true label is in the set with probability at least ``1 - alpha`` for exchangeable rows
        (class-conditional split conformal; with several networks the scores come from the fold each row was held out
        of, which is cross-conformal: coverage then holds up to small terms, Vovk 2015). A class with too few held-out
        rows for ``alpha`` is never ruled out.
        """
        check_is_fitted(self)
        if not len(self.conformal_scores_):
            raise ValueError("predict_set needs held-out rows; this model was fitted on too few to hold any out.")
        return prediction_sets(self.predict_proba(X), self.conformal_scores_, alpha=alpha)

    @property
    def threshold_(self) -> float:
        """Probability of the event from which ``predict`` says the event (two classes)."""
        self._check_binary("threshold_")
        if self.costs is not None:
            return self.costs.threshold
        return 0.5 if self.threshold is None else float(self.threshold)

    @property
    def event_index_(self) -> int:
        """Position in ``classes_`` of the event that explanations and thresholds speak of."""
        return 1

    @property
    def output_names_(self) -> tuple[str, ...]:
        """Names of the outputs of ``encoded_outputs``."""
        check_is_fitted(self)
        names = tuple(str(label) for label in self.classes_)
        return names if len(names) > 2 else (names[self.event_index_],)

    def _check_params(self) -> None:
        super()._check_params()
        if self.costs is not None and self.threshold is not None:
            raise ValueError("Give costs or threshold, not both: costs set the threshold.")
        if self.costs is not None and not isinstance(self.costs, Costs):
            raise TypeError(f"costs must be appkit.model.costs.Costs, got {self.costs!r}.")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise ValueError(f"threshold must lie strictly between 0 and 1, got {self.threshold!r}.")

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        labels = check_labels(y, n_rows=n_rows, sample_weight=weight)
        classes, codes = np.unique(labels, return_inverse=True)
        if self.warm_start and hasattr(self, "module_") and not np.array_equal(classes, self.classes_):
            raise ValueError(f"warm_start needs the classes of the first fit {self.classes_}, got {classes}.")
        self.classes_ = classes
        self.class_weight_ = compute_class_weight(self.class_weight, classes=classes, y=labels)
        if len(classes) > 2:
            for name in self._binary_only:
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} needs two classes, got {len(classes)}: {classes[:5]}.")
        return codes.astype(np.float32)

    def _encode_target(self, y: Any, *, n_rows: int) -> np.ndarray:
        return self._codes_of(y, n_rows=n_rows).astype(np.float32)

    def _codes_of(self, y: Any, *, n_rows: int) -> np.ndarray:
        """Return the place of each label of ``y_val`` in ``classes_``."""
        labels = np.asarray(y)
        labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
        if labels.shape != (n_rows,):
            raise ValueError(f"y_val must have one label per row of X_val, got shape {labels.shape} for {n_rows} rows.")
        codes = pd.Index(self.classes_).get_indexer(pd.Index(labels))
        unknown = np.flatnonzero(codes < 0)
        if len(unknown):
            raise ValueError(
                f"y_val must hold labels of y, {self.classes_.tolist()[:5]}, got {shown(labels[unknown[0]])} in row "
                f"{unknown[0]} and {len(unknown) - 1} more. Drop these rows, or label them as in y."
            )
        return codes

    def _total_weight(self, weight: np.ndarray | None, target: np.ndarray) -> np.ndarray:
        return super()._total_weight(weight, target) * self.class_weight_[self._class_of(target)]

    def _class_of(self, target: np.ndarray) -> np.ndarray:
        """Return the place in ``classes_`` of each target code."""
        return target.astype(np.int64)

    def _make_head(self, data: TrainingData) -> Head:
        return BinaryHead() if len(self.classes_) == 2 else MulticlassHead(len(self.classes_))

    def _learn_from_held_out(self, ensemble: Ensemble, rows: TrainingData, *, is_blind: bool) -> None:
        self.conformal_scores_: list[np.ndarray] = []
        if is_blind:
            return
        held = torch.from_numpy(ensemble.held_out).to(rows.Z.device)
        target, weight = rows.target[held], rows.weight[held]
        if self.calibrate:
            self.calibration_ = fit_calibration(
                ensemble.logits, target, weight, head=self.head_, is_shift_shared=self._is_shift_shared
            )
        mean = self.head_.means(self.calibration_(ensemble.logits)).mean(dim=1).cpu().numpy()
        codes = target.cpu().numpy().astype(np.int64)
        scores = 1 - mean[np.arange(len(codes)), codes]
        self.conformal_scores_ = [np.sort(scores[codes == c]) for c in range(len(self.classes_))]

    _is_shift_shared = False
    _binary_only: tuple[str, ...] = ("costs", "threshold")  # parameters that need two classes

    def _in_units(self, means: Tensor, units: str) -> Tensor:
        chosen = means[:, [self.event_index_]] if len(self.classes_) == 2 else means
        return chosen if units == "probability" else torch.logit(chosen, eps=1e-12)

    def _decided(self, probabilities: np.ndarray) -> np.ndarray:
        if self.costs is None and self.threshold is None:
            return self.classes_[probabilities.argmax(axis=1)]
        return self._labels(probabilities[:, self.event_index_] >= self.threshold_)

    def _labels(self, is_event: np.ndarray) -> np.ndarray:
        return self.classes_[np.where(is_event, self.event_index_, 1 - self.event_index_)]

    def _check_binary(self, what: str) -> None:
        check_is_fitted(self)
        if len(self.classes_) != 2:
            raise ValueError(f"{what} needs two classes, the model has {len(self.classes_)}.")
