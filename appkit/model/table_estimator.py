"""What table classifiers and regressors share: a DataFrame in, encoded raw columns, a TabM ensemble."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from appkit.data import Schema, as_frame, check_groups, check_sample_weight
from appkit.data.table_encoder import TableEncoder
from appkit.data.validation import warn_of_uninformative_columns
from appkit.model.defaults import count_bins, count_networks, training_settings
from appkit.model.ensemble import Weights
from appkit.model.mixing import RowMixer
from appkit.model.monotone import MonotoneTabM
from appkit.model.networks import MLP, NetworkFactory, TabM
from appkit.model.neural_estimator import Examples, NeuralEstimator
from appkit.model.training import TrainingSettings

__all__ = ["TableEstimator"]

_MIXED_NUMBERS = 2**26  # float32
_BACKGROUND_ROWS = 1_000


class TableEstimator(NeuralEstimator):
    """Template of a neural estimator on tables; subclasses supply target, head and output.

    Not public: see ``TabularClassifier`` and ``TabularRegressor`` for the parameters.
    """

    max_epochs: int

    needed_to_open: ClassVar[dict[str, tuple[type, ...]]] = {
        "schema_": (Schema,),
        "encoder_": (TableEncoder,),
        "background_": (pd.DataFrame,),
        "n_features_in_": (int,),
    }

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

    def encode(self, X: Any) -> Tensor:
        """Return checked rows as the network sees them, float32 ``(n_rows, width)`` on the model's device."""
        check_is_fitted(self)
        return self._encode_inputs(self._frame(X, reset=False)).to(self.device_)

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

    @property
    def player_columns_(self) -> tuple[str, ...]:
        """Raw columns the network uses."""
        return self.encoder_.layout_.columns

    @property
    def encoded_player_(self) -> np.ndarray:
        """int64 ``(width,)``: which of ``player_columns_`` each encoded feature comes from."""
        return self.encoder_.layout_.column_of

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def _check_params(self) -> None:
        self._check_whole("n_members", "width", "depth", "max_epochs")
        self._check_whole("n_bins", allow_auto=True)
        super()._check_params()
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and under 1, got {self.dropout!r}.")
        if self.numeric not in ("robust", "quantile"):
            raise ValueError(f"numeric must be 'robust' or 'quantile', got {self.numeric!r}.")
        if isinstance(self.network, str) and self.network not in ("tabm", "mlp"):
            raise ValueError(f"network must be 'tabm', 'mlp' or a factory, got {self.network!r}.")
        if self.monotone and self.network != "tabm":
            raise ValueError(f"monotone needs network='tabm', which is monotone by construction; got {self.network!r}.")

    def _training_examples(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> Examples:
        frame = self._frame(X, reset=True)
        weight = check_sample_weight(sample_weight, n_rows=len(frame))
        return Examples(frame, y, weight, check_groups(groups, n_rows=len(frame)))

    def _validation_examples(self, X: Any, y: Any, sample_weight: Any, *, training: Examples) -> Examples:
        frame = self._frame(X, reset=False)
        return Examples(frame, y, check_sample_weight(sample_weight, n_rows=len(frame)), None)

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

    def _learn_encoding(self, inputs: pd.DataFrame) -> Weights:
        if self.warm_start and hasattr(self, "module_"):
            return self._fitted_weights()
        self.schema_ = Schema.infer(
            inputs, kinds=self.kinds, special_codes=self.special_codes, protected=self._protected_columns(inputs)
        )
        if not self.schema_.features:
            raise ValueError("The table must have at least one feature column, got only protected ones.")
        warn_of_uninformative_columns(self.schema_)
        self._check_monotone()
        n_bins = count_bins(len(inputs)) if self.n_bins == "auto" else int(self.n_bins)
        encoder = TableEncoder(numeric=self.numeric, n_bins=n_bins)
        self.encoder_ = encoder.fit(self.schema_.conform_arrays(inputs), self.schema_)
        return None

    def _check_monotone(self) -> None:
        ordered = {column.name for column in self.schema_.features if column.kind in ("numeric", "boolean")}
        unfit = sorted(set(self.monotone or {}) - ordered)
        if unfit:
            raise ValueError(f"monotone must name numeric or boolean features, got {', '.join(map(repr, unfit))}.")

    def _protected_columns(self, frame: pd.DataFrame) -> Sequence[str]:
        return self.protected

    def _encode_inputs(self, inputs: pd.DataFrame) -> Tensor:
        return torch.from_numpy(self.encoder_.transform(self.schema_.conform_arrays(inputs)))

    def _count_auto_networks(self, given: Examples) -> int:
        return count_networks(len(given))

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

    def _keep_background(self, inputs: pd.DataFrame, target: np.ndarray, seed: int) -> None:
        rows = np.arange(len(inputs))
        if len(rows) > _BACKGROUND_ROWS:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _BACKGROUND_ROWS, replace=False))
        features = inputs.loc[:, list(self.schema_.feature_names)]
        self.background_ = features.iloc[rows].reset_index(drop=True)

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

    def _least_weights(self) -> int:
        least = self.width * max(self.width * (self.depth - 1), 1)
        return max(least, self.width * self.n_members) if self.network == "tabm" else least
