"""The scikit-learn face shared by all estimators, whatever they read: check, encode, build, train, calibrate."""

import logging
import math
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from appkit.data import check_groups
from appkit.model.calibration import AffineCalibration
from appkit.model.checkpoint import Checkpoint, fingerprint
from appkit.model.defaults import Fold, held_out_folds
from appkit.model.device import Placement, place
from appkit.model.ensemble import Ensemble, Recipe, Weights, fit_ensemble
from appkit.model.heads import Head
from appkit.model.networks import MultiNetwork
from appkit.model.output_module import OutputModule
from appkit.model.progress import FitProgress
from appkit.model.training import Inputs, TrainingData, TrainingSettings, member_logits, rows_at_once

__all__ = ["Examples", "NeuralEstimator"]

logger = logging.getLogger("appkit")


@dataclass(frozen=True, eq=False)
class Examples:
    """What a fit is given, read and checked but not yet encoded.

    Parameters
    ----------
    inputs
        One entry per example: a frame of rows, windows, ...; has a length and takes a bool index.
    y
        Target of each example, not yet checked.
    weight
        float64 ``(n_examples,)``, or ``None`` where all count alike.
    groups
        int64 ``(n_examples,)``: examples that are never divided by an inner split; ``None`` where each is on its own.
    owners
        Label of the patient or machine each example is of, ``(n_examples,)``, where the input knows it.
    """

    inputs: Any
    y: Any
    weight: np.ndarray | None
    groups: np.ndarray | None
    owners: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs)


class NeuralEstimator(BaseEstimator):
    """Template of a neural estimator: an input (table, series, ...) below, a face (classifier, regressor) beside it.

    Not public. An input says how data are read and encoded and which networks take them; a face says what is predicted.
    """

    # Parameters every input has; subclasses store them.

    n_networks: int | Literal["auto"]
    learning_rate: float
    weight_decay: float
    batch_size: int | Literal["auto"]
    max_epochs: int | Literal["auto"]
    patience: int | Literal["auto"]
    validation_fraction: float
    max_seconds: float | None
    warm_start: bool
    checkpoint: str | Path | None
    device: str
    precision: str
    random_state: int | np.random.RandomState | None
    progress: bool | Literal["auto"]

    needed_to_open: ClassVar[dict[str, tuple[type, ...]]]
    """Fitted attributes, with their types, without which a saved model of this input cannot be opened."""

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit on rows and their targets; see the class for what the parameters do.

        Parameters
        ----------
        X
            What the class reads; a DataFrame goes in as it is.
        y
            Target, shape (n_rows,).
        sample_weight
            Weight of each row, not negative; the population that probabilities are calibrated to.
        groups
            Rows of one group (customer, patient, machine) are never on both sides of an inner split.
        X_val, y_val, sample_weight_val
            Rows to stop and calibrate on, instead of rows held out from ``X``.

        Raises
        ------
        SchemaError
            If ``X`` cannot be read; every problem is listed.
        ValueError
            If target, weights, groups or a parameter are wrong.
        """
        started = time.monotonic()
        self._check_params()
        given = self._training_examples(X, y, sample_weight, groups)
        target = self._learn_target(given.y, n_rows=len(given), weight=given.weight)
        given, target, weight = _that_weigh(given, target, self._total_weight(given.weight, target))
        placement = self._place()
        start = self._learn_encoding(given.inputs)
        data = self._training_data(given.inputs, target, weight, placement)
        validation = self._validation_data(X_val, y_val, sample_weight_val, placement, training=given)
        self.head_ = self._make_head(data)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        n_networks = self._count_networks(given, start)
        folds, fall_backs = held_out_folds(
            target,
            n_networks=n_networks,
            fraction=self.validation_fraction,
            groups=given.groups,
            is_stratified=self._is_stratified,
            seed=seed,
        )
        is_blind = validation is None and not folds[0][1].size
        fall_backs = fall_backs if is_blind else ()
        recipe = Recipe(
            build=partial(self._new_network, self.head_.n_free_outputs),
            head=self.head_,
            settings=self._settings(len(given), is_blind=is_blind),
            placement=placement,
            seeds=tuple(int(s) for s in np.random.default_rng(seed).integers(2**31 - 1, size=n_networks)),
            deadline=None if self.max_seconds is None else started + self.max_seconds,
            start=start,
        )
        with FitProgress(self.progress, n_networks=n_networks, max_epochs=recipe.settings.max_epochs) as bar:
            ensemble = self._fit_networks(
                recipe,
                data,
                [(rows, held if held.size else rows) for rows, held in folds],
                validation=validation,
                checkpoint=self._open_checkpoint(data, validation, seed),
                on_epoch=bar.update,
            )
        self._adopt(ensemble, data)
        self._learn_from_held_out(ensemble, validation or data, is_blind=is_blind)
        self._keep_background(given.inputs, target, seed)
        seconds, n_validation = time.monotonic() - started, 0 if validation is None else len(validation)
        self._describe_training(placement, fall_backs=fall_backs, n_validation=n_validation, seconds=seconds)
        return self

    def encoded_outputs(self, Z: Inputs, *, units: str, members: Tensor | None = None) -> Tensor:
        """Return the outputs that predictions, explanations and reports share, float64 ``(n_rows, n_outputs)``.

        Parameters
        ----------
        Z
            Encoded rows.
        units
            ``"probability"`` or ``"log-odds"`` for classifiers (two classes: of the event alone), ``"value"`` for
            regressors.
        members
            int64 ``(n_rows,)``: ask one member per row; ``None`` averages over all.
        """
        check_is_fitted(self)
        self._check_units(units)
        return self._in_units(self._means(Z, members), units)

    def output_module(self, units: str) -> OutputModule:
        """Return the whole of :meth:`encoded_outputs` as one module, which can be differentiated."""
        check_is_fitted(self)
        self._check_units(units)
        return OutputModule(self.module_, lambda logits: self._in_units(self._means_of(logits), units))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")  # a fit that was refused half-way leaves names of columns behind

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags

    # A face says what is predicted.

    _units: tuple[str, ...]
    _is_stratified = False

    @abstractmethod
    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        """Check ``y``, keep what was learnt of it, return float32 codes or float64 values, ``(n_rows,)``."""

    @abstractmethod
    def _encode_target(self, y: Any, *, n_rows: int) -> np.ndarray:
        """Return further targets as :meth:`_learn_target` returned the first."""

    @abstractmethod
    def _make_head(self, data: TrainingData) -> Head:
        """Return what the logits mean."""

    @abstractmethod
    def _in_units(self, means: Tensor, units: str) -> Tensor:
        """Return averaged means ``(n_rows, n_means)`` as outputs in ``units``."""

    @abstractmethod
    def _learn_from_held_out(self, ensemble: Ensemble, rows: TrainingData, *, is_blind: bool) -> None:
        """Calibrate on ``ensemble.held_out`` of ``rows`` and keep scores; ``is_blind`` says they were learnt from."""

    def _total_weight(self, weight: np.ndarray | None, target: np.ndarray) -> np.ndarray:
        return np.ones(len(target)) if weight is None else weight

    # An input says what is read, and by which networks.

    @abstractmethod
    def encode(self, X: Any) -> Any:
        """Return checked input as the network sees it, on the model's device."""

    @abstractmethod
    def _training_examples(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> Examples:
        """Read what ``fit`` was given and learn the names in it."""

    @abstractmethod
    def _validation_examples(self, X: Any, y: Any, sample_weight: Any, *, training: Examples) -> Examples:
        """Read rows to stop on, as the training rows were read; refuse what is in ``training`` too."""

    @abstractmethod
    def _learn_encoding(self, inputs: Any) -> Weights:
        """Learn the encoding, or keep it under ``warm_start``; return the weights to start from."""

    @abstractmethod
    def _encode_inputs(self, inputs: Any) -> Inputs:
        """Return read inputs as tensors on the CPU."""

    @abstractmethod
    def _build_network(self, n_outputs: int) -> nn.Module:
        """Return a network that takes encoded inputs."""

    def _new_network(self, n_outputs: int) -> nn.Module:
        """Return a network to train from its beginning: that of :meth:`_build_network`, with weights to start from."""
        return self._build_network(n_outputs)

    def _fit_networks(self, recipe: Recipe, data: TrainingData, folds: list[Fold], **options: Any) -> Ensemble:
        """Train networks as ``fit_ensemble`` does; ``options`` are its own."""
        return fit_ensemble(recipe, data, folds, **options)

    @abstractmethod
    def _count_auto_networks(self, given: Examples) -> int:
        """Return what ``n_networks="auto"`` means."""

    @abstractmethod
    def _settings(self, n_rows: int, *, is_blind: bool) -> TrainingSettings:
        """Return how networks are trained, ``"auto"`` filled in; ``is_blind`` says that no rows are held out."""

    @abstractmethod
    def _keep_background(self, inputs: Any, target: np.ndarray, seed: int) -> None:
        """Keep a sample that stands for "unknown" in explanations."""

    @abstractmethod
    def _least_weights(self) -> int:
        """Return a lower bound on the weights of one network that the parameters ask for."""

    def _answers(self, X: Any) -> np.ndarray:
        """Return averaged means, float64 ``(n_rows, n_means)``, one row per row of ``X``."""
        return self._means(self.encode(X)).cpu().numpy()

    # What they share.

    def _check_params(self) -> None:
        self._check_whole("n_networks", "batch_size", "max_epochs", "patience", allow_auto=True)
        if not 0 < self.validation_fraction < 1:
            raise ValueError(f"validation_fraction must lie between 0 and 1, got {self.validation_fraction!r}.")
        if self.max_seconds is not None and not self.max_seconds > 0:
            raise ValueError(f"max_seconds must be positive or None, got {self.max_seconds!r}.")

    def _check_whole(self, *names: str, allow_auto: bool = False) -> None:
        """Refuse parameters that are no positive whole numbers."""
        for name in names:
            value = getattr(self, name)
            is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 1
            if not is_whole and not (allow_auto and isinstance(value, str) and value == "auto"):
                wanted = "'auto' or a positive whole number" if allow_auto else "a positive whole number"
                raise ValueError(f"{name} must be {wanted}, got {value!r}.")

    def _check_units(self, units: str) -> None:
        if units not in self._units:
            raise ValueError(f"units must be one of {', '.join(self._units)} for {type(self).__name__}, got {units!r}.")

    def _place(self) -> Placement:
        placement = place(self.device, self.precision)
        self.device_ = placement.device
        return placement

    def _training_data(self, inputs: Any, target: np.ndarray, weight: np.ndarray, placement: Placement) -> TrainingData:
        scaled = (weight / weight.mean()).astype(np.float32)
        encoded = self._encode_inputs(inputs).to(placement.device)
        numbers = (torch.from_numpy(values).to(placement.device) for values in (target, scaled))
        return TrainingData(encoded, *numbers)

    def _validation_data(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, placement: Placement, *, training: Examples
    ) -> TrainingData | None:
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together: give both or neither.")
        if X_val is None:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val needs X_val and y_val.")
            return None
        given = self._validation_examples(X_val, y_val, sample_weight_val, training=training)
        target = self._encode_target(given.y, n_rows=len(given))
        weight = self._total_weight(given.weight, target)
        if not (weight > 0).any():
            raise ValueError("sample_weight_val and class_weight must leave a row of X_val that counts, got zeros.")
        given, target, weight = _that_weigh(given, target, weight)
        return self._training_data(given.inputs, target, weight, placement)

    def _count_networks(self, given: Examples, start: Weights) -> int:
        """Return how many networks to fit: under ``warm_start`` as many as there are."""
        if self.n_networks == "auto":
            return self._count_auto_networks(given) if start is None else len(start)
        if start is not None and self.n_networks != len(start):
            raise ValueError(f"n_networks must stay {len(start)} under warm_start, got {self.n_networks!r}.")
        return int(self.n_networks)

    def _fitted_weights(self) -> Weights:
        """Return the weights to go on from under ``warm_start``."""
        return tuple({k: v.clone() for k, v in network.state_dict().items()} for network in self.module_.networks)

    def _open_checkpoint(self, data: TrainingData, validation: TrainingData | None, seed: int) -> Checkpoint | None:
        if self.checkpoint is None:
            return None
        parts = {"train": data, "validation": validation}
        arrays = {
            f"{part}.{name}": values
            for part, content in parts.items()
            if content is not None
            for name, values in content.arrays().items()
        }
        ignored = ("checkpoint", "progress", "random_state", "device", "max_seconds")
        parameters = {k: v for k, v in self.get_params(deep=False).items() if k not in ignored}
        return Checkpoint(Path(self.checkpoint), fingerprint(arrays, parameters | {"seed": seed}))

    def _describe_training(
        self, placement: Placement, *, fall_backs: Sequence[str], n_validation: int, seconds: float
    ) -> None:
        fall_backs = (*placement.fall_backs, *fall_backs)
        self.training_ = {
            "device": placement.device,
            "precision": placement.precision,
            "n_rows": self.n_rows_,
            "n_validation": n_validation,
            "n_networks": len(self.module_.networks),
            "n_members": self.n_members_,
            "n_parameters": sum(p.numel() for p in self.module_.parameters()),
            "n_epochs": len(self.history_),
            "seconds": round(seconds, 2),
            "fall_backs": fall_backs,
        }
        for sentence in fall_backs:
            logger.warning("%s", sentence)

    def _means(self, Z: Inputs, members: Tensor | None = None) -> Tensor:
        """Return calibrated probabilities or values averaged over members, float64 ``(n_rows, n_means)``."""
        parts = []
        with torch.inference_mode():
            n_at_once = rows_at_once(math.prod(Z.shape[1:]))  # members and classes multiply the float64 of a row
            for start in range(0, max(len(Z), 1), n_at_once):
                rows = slice(start, start + n_at_once)
                logits = member_logits(self.module_, Z[rows], members=None if members is None else members[rows])
                parts.append(self._means_of(logits))
            return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _means_of(self, logits: Tensor) -> Tensor:
        return self.head_.means(self.calibration_(logits)).mean(dim=1)

    def _adopt(self, ensemble: Ensemble, data: TrainingData) -> None:
        """Keep a fitted ensemble, its calibration still the identity."""
        self.module_: MultiNetwork = ensemble.module
        self.calibration_ = AffineCalibration(shift=(0.0,) * self.head_.n_outputs)
        self.history_ = pd.DataFrame(ensemble.history)
        self.n_rows_ = len(data)
        self.n_members_ = member_logits(self.module_, data.Z[:1]).shape[1]


def _that_weigh(given: Examples, target: np.ndarray, weight: np.ndarray) -> tuple[Examples, np.ndarray, np.ndarray]:
    """Drop examples of weight zero: they are as good as absent, from folds, tables and scores too."""
    if weight.all():
        return given, target, weight
    counts = weight > 0
    groups = None if given.groups is None else check_groups(given.groups[counts], n_rows=int(counts.sum()))
    owners = None if given.owners is None else given.owners[counts]
    return Examples(given.inputs[counts], given.y, given.weight, groups, owners), target[counts], weight[counts]
