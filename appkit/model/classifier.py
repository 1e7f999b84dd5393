"""Neural classifier for tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
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
from appkit.model.networks import NetworkFactory
from appkit.model.table_estimator import TableEstimator
from appkit.model.training import TrainingData

__all__ = ["TabularClassifier"]


class TabularClassifier(ClassifierMixin, TableEstimator):
    """Neural classifier for tables: a TabM ensemble with piecewise-linear embeddings, calibrated on held-out rows.

    Takes a DataFrame as it is: numbers, text, categories, booleans, dates, missing values, categories never seen
    before. Networks are trained over folds, each stopped on the log-loss of rows it never saw, and one affine map on
    the members' logits makes the averaged probability match frequencies in the (weighted) training population.

    Parameters
    ----------
    network
        ``"tabm"`` (ensemble of ``n_members`` that share weights), ``"mlp"`` (plain), or a factory
        ``factory(layout, n_outputs) -> nn.Module``, see ``appkit.model.networks.NetworkFactory``.
    n_members
        Members of each TabM.
    n_networks
        Networks trained over folds and averaged; ``"auto"``: 8 under 3,000 rows, 5 under 20,000, else 2.
    width, depth, dropout
        Hidden units, hidden layers, share of units dropped.
    numeric
        ``"robust"`` (median, quartiles, smooth clipping) or ``"quantile"`` scaling of numbers.
    n_bins
        Most bins of the piecewise-linear embedding of a number; ``"auto"``: one per 128 rows, from 16 to 256.
    learning_rate, weight_decay, batch_size, max_epochs
        AdamW; ``batch_size="auto"`` is 32 to 256 by the number of rows, and 1024 with twice the rate from 20,000 rows.
    patience
        Epochs without a better held-out loss before a network stops; its best epoch is restored.
    validation_fraction
        Share of rows each network holds out where there are fewer networks than ``1 / validation_fraction``.
    class_weight
        ``None``, ``"balanced"`` or weights by class: multiplies ``sample_weight``, so probabilities are calibrated to
        the weighted population.
    costs
        ``Costs`` of a binary decision: ``predict`` then raises the event where that costs less. ``None``: the more
        probable class.
    threshold
        Probability of the event from which ``predict`` says the event; not together with ``costs``.
    calibrate
        Whether to fit the affine map; off leaves raw network probabilities.
    kinds
        Kind of a column (``"numeric"``, ``"category"``, ``"boolean"``, ``"time"``) where its dtype misleads.
    special_codes
        Codes among numbers by column, such as ``{"x": (-9, -8)}``; ``"auto"`` detects and warns.
    protected
        Columns that stay out of the features but may be in the table (sex, age).
    monotone
        ``{"column": 1 or -1}``: the probability of the second class (the event) never falls, or never rises, in it.
        Holds by construction; missing values and special codes are excepted.
    max_seconds
        Time after which no further epoch starts; shared evenly over networks.
    warm_start
        Go on from the fitted networks, schema and encoder.
    checkpoint
        File to keep a fit in progress; a killed fit with the same data and parameters goes on from there.
    device, precision
        ``"auto"`` or a torch device; ``"auto"``, ``"float32"`` or ``"bfloat16"``.
    random_state
        Seed; equal seeds give equal bits on a CPU at equal thread count.
    progress
        Progress bar: ``"auto"`` on a terminal.

    Attributes
    ----------
    classes_ : ndarray
        Labels in the order of ``predict_proba``.
    class_weight_ : ndarray
        Weight of each of them, learnt from ``y``; rows given as ``X_val`` weigh the same.
    schema_ : Schema
        Columns as learnt.
    module_ : torch.nn.Module
        Trained networks.
    calibration_ : AffineCalibration
        Map on member logits.
    history_ : DataFrame
        One row per network and epoch: losses and seconds.
    training_ : dict
        Device, precision, sizes, seconds and every fall-back.
    background_ : DataFrame
        Sample of training rows that stands for "feature unknown" in explanations.

    References
    ----------
    Gorishniy, Kotelnikov, Babenko (2025). TabM. ICLR.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": [20, 30, 40, 50] * 20, "job": ["a", "b", "b", None] * 20})
    >>> y = ["bad", "good", "good", "good"] * 20
    >>> model = TabularClassifier(width=32, max_epochs=60, random_state=0).fit(X, y)
    >>> model.predict(X[:4])
    array(['bad', 'good', 'good', 'good'], dtype='<U4')
    """

    classes_: np.ndarray

    _units = ("probability", "log-odds")
    _is_stratified = True

    def __init__(
        self,
        *,
        network: str | NetworkFactory = "tabm",
        n_members: int = 8,
        n_networks: int | Literal["auto"] = "auto",
        width: int = 128,
        depth: int = 2,
        dropout: float = 0.15,
        numeric: str = "robust",
        n_bins: int | Literal["auto"] = "auto",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.03,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int = 200,
        patience: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.15,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        costs: Costs | None = None,
        threshold: float | None = None,
        calibrate: bool = True,
        kinds: Mapping[str, str] | None = None,
        special_codes: Mapping[str, Sequence[float]] | Literal["auto"] | None = "auto",
        protected: Sequence[str] = (),
        monotone: Mapping[str, int] | None = None,
        max_seconds: float | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        super().__init__(
            network=network,
            n_members=n_members,
            n_networks=n_networks,
            width=width,
            depth=depth,
            dropout=dropout,
            numeric=numeric,
            n_bins=n_bins,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            patience=patience,
            validation_fraction=validation_fraction,
            kinds=kinds,
            special_codes=special_codes,
            protected=protected,
            monotone=monotone,
            max_seconds=max_seconds,
            warm_start=warm_start,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            progress=progress,
        )
        self.class_weight = class_weight
        self.costs = costs
        self.threshold = threshold
        self.calibrate = calibrate

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return calibrated probabilities, float64 ``(n_rows, n_classes)``, in the order of ``classes_``."""
        return self._means(self.encode(X)).cpu().numpy()

    def predict(self, X: Any) -> np.ndarray:
        """Return labels ``(n_rows,)``: the more probable class, or the decision by ``costs`` or ``threshold``."""
        probabilities = self.predict_proba(X)
        if self.costs is None and self.threshold is None:
            return self.classes_[probabilities.argmax(axis=1)]
        return self._labels(probabilities[:, self.event_index_] >= self.threshold_)

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
        check_is_fitted(self)
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
            for name in ("costs", "threshold", "monotone"):
                if getattr(self, name) is not None and not (name == "monotone" and self._takes_monotone_classes):
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
    _takes_monotone_classes = False

    def _in_units(self, means: Tensor, units: str) -> Tensor:
        chosen = means[:, [self.event_index_]] if len(self.classes_) == 2 else means
        return chosen if units == "probability" else torch.logit(chosen, eps=1e-12)

    def _labels(self, is_event: np.ndarray) -> np.ndarray:
        return self.classes_[np.where(is_event, self.event_index_, 1 - self.event_index_)]

    def _signs(self) -> dict[str, int]:
        flip = 1 if self.event_index_ == 1 else -1
        return {name: flip * sign for name, sign in super()._signs().items()}

    def _check_binary(self, what: str) -> None:
        if len(self.classes_) != 2:
            raise ValueError(f"{what} needs two classes, the model has {len(self.classes_)}.")
