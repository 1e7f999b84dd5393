"""The scikit-learn face shared by table classifiers and regressors: check, encode, build, train, calibrate."""

import logging
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from appkit.data import Schema, as_frame, check_groups, check_sample_weight
from appkit.data.table_encoder import TableEncoder
from appkit.data.validation import warn_of_uninformative_columns
from appkit.model.calibration import AffineCalibration
from appkit.model.checkpoint import Checkpoint, fingerprint
from appkit.model.defaults import count_bins, count_networks, held_out_folds, training_settings
from appkit.model.device import Placement, place
from appkit.model.ensemble import Ensemble, Recipe, fit_ensemble
from appkit.model.heads import Head
from appkit.model.mixing import RowMixer
from appkit.model.monotone import MonotoneTabM
from appkit.model.networks import MLP, NetworkFactory, TabM
from appkit.model.progress import FitProgress
from appkit.model.training import PREDICT_ROWS, TrainingData, TrainingSettings, member_logits

__all__ = ["TableEstimator"]

logger = logging.getLogger("appkit")

_MIXED_NUMBERS = 2**26  # float32
_BACKGROUND_ROWS = 1_000


class TableEstimator(BaseEstimator):
    """Template of a neural estimator on tables; subclasses supply target, head and output.

    Not public: see ``TabularClassifier`` and ``TabularRegressor`` for the parameters.
    """

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
        self.network = network
        self.n_members = n_members
        self.n_networks = n_networks
        self.width = width
        self.depth = depth
        self.dropout = dropout
        self.numeric = numeric
        self.n_bins = n_bins
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.kinds = kinds
        self.special_codes = special_codes
        self.protected = protected
        self.monotone = monotone
        self.max_seconds = max_seconds
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.progress = progress

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
        """Fit on a table; see the class for what the parameters do.

        Parameters
        ----------
        X
            Table, shape (n_rows, n_columns): DataFrame as it is (text, categories, dates, missing values) or array.
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
            If the table cannot be read; every problem is listed.
        ValueError
            If target, weights, groups or a parameter are wrong.
        """
        started = time.monotonic()
        self._check_params()
        frame = self._frame(X, reset=True)
        weight = check_sample_weight(sample_weight, n_rows=len(frame))
        target = self._learn_target(y, n_rows=len(frame), weight=weight)
        weight = self._total_weight(weight, target)
        groups = check_groups(groups, n_rows=len(frame))
        if not weight.all():
            frame, target, weight, groups = _rows_that_weigh(frame, target, weight, groups)
        placement = self._place()
        start = self._learn_encoding(frame)
        data = self._training_data(frame, target, weight, placement)
        validation = self._validation_data(X_val, y_val, sample_weight_val, placement)
        self.head_ = self._make_head(data)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        n_networks = self._count_networks(len(frame), start)
        folds, fall_backs = held_out_folds(
            target,
            n_networks=n_networks,
            fraction=self.validation_fraction,
            groups=groups,
            is_stratified=self._is_stratified,
            seed=seed,
        )
        is_blind = validation is None and not folds[0][1].size
        fall_backs = fall_backs if is_blind else ()
        recipe = Recipe(
            build=partial(self._build_network, self.head_.n_free_outputs),
            head=self.head_,
            settings=self._settings(len(frame), is_blind=is_blind),
            placement=placement,
            seeds=tuple(int(s) for s in np.random.default_rng(seed).integers(2**31 - 1, size=n_networks)),
            deadline=None if self.max_seconds is None else started + self.max_seconds,
            start=start,
        )
        with FitProgress(self.progress, n_networks=n_networks, max_epochs=recipe.settings.max_epochs) as bar:
            ensemble = fit_ensemble(
                recipe,
                data,
                [(rows, held if held.size else rows) for rows, held in folds],
                validation=validation,
                checkpoint=self._open_checkpoint(data, validation, seed),
                on_epoch=bar.update,
            )
        self._adopt(ensemble, data)
        self._learn_from_held_out(ensemble, validation or data, is_blind=is_blind)
        self._keep_background(frame, seed)
        self._describe_training(placement, fall_backs=fall_backs, seconds=time.monotonic() - started)
        return self

    def encode(self, X: Any) -> Tensor:
        """Return checked rows as the network sees them, float32 ``(n_rows, width)`` on the model's device."""
        check_is_fitted(self)
        arrays = self.schema_.conform_arrays(self._frame(X, reset=False))
        return torch.from_numpy(self.encoder_.transform(arrays)).to(self.device_)

    def encoded_outputs(self, Z: Tensor, *, units: str, members: Tensor | None = None) -> Tensor:
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

    def mixer(self, Z: Tensor) -> RowMixer | None:
        """Return what answers about mixtures of these encoded rows at a fraction of the cost.

        ``None`` if a network of the model cannot, or the maps of so many rows would not fit (256 MB).
        """
        check_is_fitted(self)
        networks = list(self.module_.networks)
        n_numbers = RowMixer.n_numbers(networks, Z)
        if n_numbers is None or n_numbers * len(Z) > _MIXED_NUMBERS:
            return None
        return RowMixer(networks, Z)

    def mixed_outputs(self, mixer: RowMixer, sources: Tensor, *, units: str, members: Tensor | None = None) -> Tensor:
        """Return outputs, float64 ``(n_rows, n_outputs)``, of mixed rows.

        Parameters
        ----------
        mixer
            Of :meth:`mixer`.
        sources
            int64 ``(n_rows, n_columns)``: the mixer's row that each of ``player_columns_`` is taken from.
        units, members
            As in :meth:`encoded_outputs`.
        """
        self._check_units(units)
        if self.module_.training:
            self.module_.eval()
        with torch.inference_mode():
            return self._in_units(self._means_of(mixer.logits(sources, members).float()), units)

    def _check_units(self, units: str) -> None:
        if units not in self._units:
            raise ValueError(f"units must be one of {', '.join(self._units)} for {type(self).__name__}, got {units!r}.")

    @property
    def player_columns_(self) -> tuple[str, ...]:
        """Raw columns the network uses."""
        return self.encoder_.layout_.columns

    @property
    def encoded_player_(self) -> np.ndarray:
        """int64 ``(width,)``: which of ``player_columns_`` each encoded feature comes from."""
        return self.encoder_.layout_.column_of

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")  # a fit that was refused half-way leaves names of columns behind

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.non_deterministic = False
        return tags

    # Subclasses say what is predicted.

    _units: tuple[str, ...]

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

    _is_stratified = False

    def _total_weight(self, weight: np.ndarray | None, target: np.ndarray) -> np.ndarray:
        return np.ones(len(target)) if weight is None else weight

    # The steps of fit, in order.

    def _check_params(self) -> None:
        for name in ("n_members", "width", "depth", "max_epochs"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{name} must be a positive whole number, got {value!r}.")
        for name in ("n_networks", "n_bins", "batch_size", "patience"):
            value = getattr(self, name)
            if value != "auto" and (not isinstance(value, (int, np.integer)) or value < 1):
                raise ValueError(f"{name} must be 'auto' or a positive whole number, got {value!r}.")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(f"validation_fraction must lie between 0 and 1, got {self.validation_fraction!r}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and under 1, got {self.dropout!r}.")
        if self.numeric not in ("robust", "quantile"):
            raise ValueError(f"numeric must be 'robust' or 'quantile', got {self.numeric!r}.")
        if isinstance(self.network, str) and self.network not in ("tabm", "mlp"):
            raise ValueError(f"network must be 'tabm', 'mlp' or a factory, got {self.network!r}.")
        if self.monotone and self.network != "tabm":
            raise ValueError(f"monotone needs network='tabm', which is monotone by construction; got {self.network!r}.")
        if self.max_seconds is not None and not self.max_seconds > 0:
            raise ValueError(f"max_seconds must be positive or None, got {self.max_seconds!r}.")

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Return ``X`` as a frame; names and number of columns are set in fit and checked later."""
        if reset:
            frame = as_frame(X)
            validate_data(self, X, reset=True, skip_check_array=True)
            return frame
        if isinstance(X, pd.DataFrame) and hasattr(self, "feature_names_in_"):
            return X  # the schema compares names itself, in any order, and says more
        frame = as_frame(X)
        validate_data(self, X, reset=False, skip_check_array=True)  # warns where one has names and the other has not
        return frame.set_axis([column.name for column in self.schema_], axis=1)

    def _place(self) -> Placement:
        placement = place(self.device, self.precision)
        self.device_ = placement.device
        return placement

    def _learn_encoding(self, frame: pd.DataFrame) -> tuple[Mapping[str, Tensor], ...] | None:
        """Learn schema and encoder, or keep them under ``warm_start``; return the weights to start from."""
        if self.warm_start and hasattr(self, "module_"):
            return tuple({k: v.clone() for k, v in n.state_dict().items()} for n in self.module_.networks)
        self.schema_ = Schema.infer(
            frame, kinds=self.kinds, special_codes=self.special_codes, protected=self._protected_columns(frame)
        )
        if not self.schema_.features:
            raise ValueError("The table must have at least one feature column, got only protected ones.")
        warn_of_uninformative_columns(self.schema_)
        self._check_monotone()
        n_bins = count_bins(len(frame)) if self.n_bins == "auto" else int(self.n_bins)
        encoder = TableEncoder(numeric=self.numeric, n_bins=n_bins)
        self.encoder_ = encoder.fit(self.schema_.conform_arrays(frame), self.schema_)
        return None

    def _check_monotone(self) -> None:
        ordered = {column.name for column in self.schema_.features if column.kind in ("numeric", "boolean")}
        unfit = sorted(set(self.monotone or {}) - ordered)
        if unfit:
            raise ValueError(f"monotone must name numeric or boolean features, got {', '.join(map(repr, unfit))}.")

    def _protected_columns(self, frame: pd.DataFrame) -> Sequence[str]:
        return self.protected

    def _training_data(
        self, frame: pd.DataFrame, target: np.ndarray, weight: np.ndarray, placement: Placement
    ) -> TrainingData:
        encoded = self.encoder_.transform(self.schema_.conform_arrays(frame))
        tensors = (encoded, target, (weight / weight.mean()).astype(np.float32))
        return TrainingData(*(torch.from_numpy(values).to(placement.device) for values in tensors))

    def _validation_data(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, placement: Placement
    ) -> TrainingData | None:
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together: give both or neither.")
        if X_val is None:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val needs X_val and y_val.")
            return None
        frame = self._frame(X_val, reset=False)
        weight = check_sample_weight(sample_weight_val, n_rows=len(frame))
        target = self._encode_target(y_val, n_rows=len(frame))
        weight = self._total_weight(weight, target)
        counts = weight > 0
        if not counts.any():
            raise ValueError("sample_weight_val and class_weight must leave a row of X_val that counts, got zeros.")
        return self._training_data(frame[counts], target[counts], weight[counts], placement)

    def _count_networks(self, n_rows: int, start: Sequence[Any] | None) -> int:
        """Return how many networks to fit: under ``warm_start`` as many as there are."""
        if self.n_networks == "auto":
            return count_networks(n_rows) if start is None else len(start)
        if start is not None and self.n_networks != len(start):
            raise ValueError(f"n_networks must stay {len(start)} under warm_start, got {self.n_networks!r}.")
        return int(self.n_networks)

    def _settings(self, n_rows: int, *, is_blind: bool) -> TrainingSettings:
        return training_settings(
            n_rows=n_rows,
            is_blind=is_blind,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
        )

    def _build_network(self, n_outputs: int) -> nn.Module:
        layout = self.encoder_.layout_
        if not isinstance(self.network, str):
            return self.network(layout, n_outputs)
        options: dict[str, Any] = {"width": self.width, "depth": self.depth, "dropout": self.dropout}
        if self.network == "mlp":
            return MLP(layout, n_outputs, **options)
        if self.monotone:
            return MonotoneTabM(layout, n_outputs, n_members=self.n_members, signs=self._signs(), **options)
        return TabM(layout, n_outputs, n_members=self.n_members, **options)

    def _signs(self) -> dict[str, int]:
        return dict(self.monotone or {})

    def _open_checkpoint(self, data: TrainingData, validation: TrainingData | None, seed: int) -> Checkpoint | None:
        if self.checkpoint is None:
            return None
        parts = {"train": data, "validation": validation}
        arrays = {
            f"{part}.{name}": values.cpu().numpy()
            for part, content in parts.items()
            if content is not None
            for name, values in vars(content).items()
        }
        ignored = ("checkpoint", "progress", "random_state", "device", "max_seconds")
        parameters = {k: v for k, v in self.get_params(deep=False).items() if k not in ignored}
        return Checkpoint(Path(self.checkpoint), fingerprint(arrays, parameters | {"seed": seed}))

    def _keep_background(self, frame: pd.DataFrame, seed: int) -> None:
        rows = np.arange(len(frame))
        if len(rows) > _BACKGROUND_ROWS:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _BACKGROUND_ROWS, replace=False))
        features = frame.loc[:, list(self.schema_.feature_names)]
        self.background_ = features.iloc[rows].reset_index(drop=True)

    def _describe_training(self, placement: Placement, *, fall_backs: tuple[str, ...], seconds: float) -> None:
        fall_backs = placement.fall_backs + fall_backs
        self.training_ = {
            "device": placement.device,
            "precision": placement.precision,
            "n_rows": self.n_rows_,
            "n_networks": len(self.module_.networks),
            "n_members": self.n_members_,
            "n_parameters": sum(p.numel() for p in self.module_.parameters()),
            "n_epochs": len(self.history_),
            "seconds": round(seconds, 2),
            "fall_backs": fall_backs,
        }
        for sentence in fall_backs:
            logger.warning("%s", sentence)

    def _means(self, Z: Tensor, members: Tensor | None = None) -> Tensor:
        """Return calibrated probabilities or values averaged over members, float64 ``(n_rows, n_means)``."""
        parts = []
        with torch.inference_mode():
            for start in range(0, max(len(Z), 1), PREDICT_ROWS):  # members and classes multiply the float64 of a row
                rows = slice(start, start + PREDICT_ROWS)
                logits = member_logits(self.module_, Z[rows], members=None if members is None else members[rows])
                parts.append(self._means_of(logits))
            return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _means_of(self, logits: Tensor) -> Tensor:
        return self.head_.means(self.calibration_(logits)).mean(dim=1)

    def _adopt(self, ensemble: Ensemble, data: TrainingData) -> None:
        """Keep a fitted ensemble, its calibration still the identity."""
        self.module_ = ensemble.module
        self.calibration_ = AffineCalibration(shift=(0.0,) * self.head_.n_outputs)
        self.history_ = pd.DataFrame(ensemble.history)
        self.n_rows_ = len(data.Z)
        self.n_members_ = member_logits(self.module_, data.Z[:1]).shape[1]


def _rows_that_weigh(
    frame: pd.DataFrame, target: np.ndarray, weight: np.ndarray, groups: np.ndarray | None
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray | None]:
    """Drop rows of weight zero: they are as good as absent, from folds, tables and scores too."""
    counts = weight > 0
    kept = None if groups is None else check_groups(groups[counts], n_rows=int(counts.sum()))
    return frame[counts], target[counts], weight[counts], kept
