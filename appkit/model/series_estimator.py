"""What series classifiers and regressors share: readings of many units in, windows, a network over their steps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from appkit.data import check_groups, check_sample_weight
from appkit.data.series import Series, read_series
from appkit.data.series_encoder import SeriesEncoder
from appkit.data.series_layout import SeriesLayout
from appkit.data.splits import check_units_apart
from appkit.data.windows import Windows, windows_of
from appkit.model.defaults import count_series_networks, series_settings
from appkit.model.ensemble import Weights
from appkit.model.neural_estimator import Examples, NeuralEstimator
from appkit.model.series_networks import SERIES_NETWORKS, SeriesNetworkFactory, series_network
from appkit.model.training import TrainingSettings
from appkit.model.window_tensor import WindowTensor

__all__ = ["SeriesEstimator"]

_BACKGROUND_WINDOWS = 200


class SeriesEstimator(NeuralEstimator):
    """Template of a neural estimator on sensor series; subclasses bring a face.

    Not public: see ``SequenceRegressor`` for the parameters.
    """

    needed_to_open: ClassVar[dict[str, tuple[type, ...]]] = {
        "encoder_": (SeriesEncoder,),
        "sensors_": (tuple,),
        "window_": (int,),
        "background_": (np.ndarray,),
        "background_readings_": (np.ndarray,),
    }

    def __init__(
        self,
        *,
        unit: str = "unit",
        time: str = "time",
        sensors: Sequence[str] | None = None,
        window: int = 80,
        stride: int = 1,
        conditions: Sequence[str] = (),
        use_age: bool = True,
        network: str | SeriesNetworkFactory = "tcn",
        n_networks: int | Literal["auto"] = "auto",
        width: int = 16,
        depth: int | None = None,
        dropout: float = 0.1,
        learning_rate: float = 2e-3,
        weight_decay: float = 1.0,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int | Literal["auto"] = "auto",
        patience: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.2,
        max_seconds: float | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        self.unit = unit
        self.time = time
        self.sensors = sensors
        self.window = window
        self.stride = stride
        self.conditions = conditions
        self.use_age = use_age
        self.network = network
        self.n_networks = n_networks
        self.width = width
        self.depth = depth
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.max_seconds = max_seconds
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.progress = progress

    def windows(self, X: Any, *, rows: Literal["all", "last"] | np.ndarray = "last") -> Windows:
        """Return the windows the model looks at when it judges rows of ``X``.

        Parameters
        ----------
        X
            Readings as ``fit`` takes them.
        rows
            ``"last"``: one per unit, at its newest row; ``"all"``: one per row, unit by unit; or positions of rows in a
            frame ``X``, int ``(n_windows,)``.

        Returns
        -------
        Windows
            In the order asked for; ``windows.series.order`` leads from their ends to rows of ``X``.
        """
        check_is_fitted(self)
        series = self._read(X, sensors=self.sensors_)
        if isinstance(rows, str):
            return windows_of(series, length=self.window_, rows=rows)
        return windows_of(series, length=self.window_, rows=_inverse(series.order)[np.asarray(rows)])

    def encode(self, X: Any) -> WindowTensor:
        """Return a window per row of a frame ``X``, in its order, or per array of a list, as the network sees them."""
        check_is_fitted(self)
        rows: Literal["last"] | np.ndarray = np.arange(len(X)) if isinstance(X, pd.DataFrame) else "last"
        return self._encode_inputs(self.windows(X, rows=rows)).to(self.device_)

    def encode_windows(self, windows: Windows) -> Tensor:
        """Return windows of :meth:`windows` as the network sees them, float32 ``(n, n_times, n_channels)``."""
        check_is_fitted(self)
        if windows.length != self.window_:
            raise ValueError(f"windows must have the model's {self.window_} steps, got {windows.length}.")
        return self._encode_inputs(windows).to(self.device_)[:]

    def readings(self, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
        """Return what windows show of ``layout_.sensors``, in physical units, the age included.

        Returns
        -------
        readings
            float64 ``(n_windows, n_times, n_sensors)``, NaN where missing or padded.
        padding
            bool ``(n_windows, n_times)``.
        """
        check_is_fitted(self)
        values, padding = windows.cut()
        places = [windows.series.sensors.index(name) for name in self.layout_.sensors[: self._n_read]]
        readings = values[..., places].astype(np.float64)
        if self.layout_.age is None:
            return readings, padding
        ages = Windows(_aged(windows.series), windows.ends, windows.length).cut()[0]
        return np.concatenate([readings, ages.astype(np.float64)], axis=-1), padding

    def unit_index(self, windows: Windows) -> pd.Index:
        """Return the unit of each window as an index named as the column of units."""
        labels = [windows.series.units[unit] for unit in windows.units]
        return pd.Index(labels, name=windows.series.words[0], tupleize_cols=False)

    @property
    def layout_(self) -> SeriesLayout:
        """What the channels of an encoded window are."""
        return self.encoder_.layout(self.window_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    @property
    def _n_read(self) -> int:
        """Number of sensors among the players' rows: all but the age."""
        return len(self.layout_.sensors) - (self.layout_.age is not None)

    def _check_params(self) -> None:
        self._check_whole("window", "stride", "width", *(() if self.depth is None else ("depth",)))
        super()._check_params()
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and under 1, got {self.dropout!r}.")
        if isinstance(self.network, str) and self.network not in SERIES_NETWORKS:
            raise ValueError(f"network must be one of {', '.join(SERIES_NETWORKS)} or a factory, got {self.network!r}.")
        if isinstance(self.conditions, str):
            raise ValueError(f"conditions must be a sequence of columns, got {self.conditions!r}: give it in a list.")

    def _read(self, X: Any, *, sensors: Sequence[str] | None) -> Series:
        return read_series(X, unit=self.unit, time=self.time, sensors=sensors)

    def _training_examples(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> Examples:
        series = self._read(X, sensors=self.sensors)
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=True, skip_check_array=True)
        else:
            self.n_features_in_ = len(series.sensors)
        self.sensors_, self.units_, self.window_ = series.sensors, series.units, int(self.window)
        return self._examples(X, y, series, sample_weight=sample_weight, groups=groups, stride=self.stride)

    def _validation_examples(self, X: Any, y: Any, sample_weight: Any, *, training: Examples) -> Examples:
        series = self._read(X, sensors=self.sensors_)
        if isinstance(X, pd.DataFrame):  # arrays have no names that could meet again
            check_units_apart(self.units_, series.units)
        return self._examples(X, y, series, sample_weight=sample_weight, groups=None, stride=1)

    def _examples(self, X: Any, y: Any, series: Series, *, sample_weight: Any, groups: Any, stride: int) -> Examples:
        """Return a window for each target there is: rows without one are history alone."""
        places = series.order if isinstance(X, pd.DataFrame) else series.last_rows
        is_frame = isinstance(X, pd.DataFrame)
        n_rows = len(X)
        weight = check_sample_weight(sample_weight, n_rows=n_rows)
        given = check_groups(groups, n_rows=n_rows)
        known = _known(y, n_rows=n_rows)
        ends = np.arange(series.n_rows) if is_frame else places
        rows = series.order if is_frame else np.arange(n_rows)  # row of the caller's table behind each end
        from_newest = series.last_rows[series.units_at(ends)] - ends
        kept = known[rows] & (from_newest % stride == 0)
        if not kept.any():
            raise ValueError("y must hold a target in at least one row, got none: every row is missing.")
        ends, rows = ends[kept], rows[kept]
        units = series.units_at(ends)
        if given is not None:
            _check_whole_units(given[rows], units, series)
        return Examples(
            inputs=windows_of(series, length=self.window_, rows=ends),
            y=y.iloc[rows] if hasattr(y, "iloc") else np.asarray(y)[rows],
            weight=None if weight is None else weight[rows],
            groups=check_groups(units if given is None else given[rows], n_rows=len(rows)),
        )

    def _learn_encoding(self, inputs: Windows) -> Weights:
        if self.warm_start and hasattr(self, "module_"):
            return self._fitted_weights()
        encoder = SeriesEncoder(conditions=tuple(self.conditions), use_age=self.use_age)
        learnt_from = np.isin(inputs.series.unit_of_row, inputs.units)  # a unit without a window that counts is absent
        self.encoder_ = encoder.fit(inputs.series, rows=learnt_from)
        return None

    def _encode_inputs(self, inputs: Windows) -> WindowTensor:
        encoded = torch.from_numpy(self.encoder_.transform(inputs.series))
        rows = torch.zeros(len(encoded) + 1, self.layout_.n_channels)
        rows[:-1, :-1], rows[:-1, -1] = encoded, 1.0
        return WindowTensor(rows, torch.from_numpy(inputs.ends), torch.from_numpy(inputs.starts), inputs.length)

    def _build_network(self, n_outputs: int) -> nn.Module:
        if not isinstance(self.network, str):
            return self.network(self.layout_, n_outputs)
        return series_network(
            self.network, self.layout_, n_outputs, width=self.width, depth=self.depth, dropout=self.dropout
        )

    def _count_auto_networks(self, given: Examples) -> int:
        assert given.groups is not None
        return count_series_networks(int(given.groups.max()) + 1)

    def _settings(self, n_rows: int, *, is_blind: bool) -> TrainingSettings:
        return series_settings(
            n_rows=n_rows,
            is_blind=is_blind,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
        )

    def _least_weights(self) -> int:
        return self.width * self.width

    def _is_typical(self, target: np.ndarray) -> np.ndarray:
        """Return which examples may stand for "as usual" in explanations, bool ``(n_examples,)``; a domain knows."""
        return np.ones(len(target), dtype=bool)

    def _keep_background(self, inputs: Windows, target: np.ndarray, seed: int) -> None:
        """Keep whole windows where there are any: a padded step is no reading that could stand for another."""
        is_whole = inputs.ends - inputs.starts >= self.window_ - 1
        is_typical = self._is_typical(target)
        chosen = next(rows for rows in (is_whole & is_typical, is_typical, is_whole, is_typical | True) if rows.any())
        rows = np.flatnonzero(chosen)
        if len(rows) > _BACKGROUND_WINDOWS:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _BACKGROUND_WINDOWS, replace=False))
        self.background_ = self.encode_windows(inputs[rows]).cpu().numpy()
        self.background_readings_ = self.readings(inputs[rows])[0]


def _inverse(order: np.ndarray) -> np.ndarray:
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place


def _aged(series: Series) -> Series:
    """Return a series whose one reading is the age."""
    return Series(series.age[:, None], ("age",), series.bounds, series.units, series.time, series.order)


def _known(y: Any, *, n_rows: int) -> np.ndarray:
    """Return which rows have a target, bool ``(n_rows,)``; of several columns one is enough to be judged."""
    is_known = pd.notna(y) if hasattr(y, "iloc") else pd.notna(np.asarray(y))
    if len(is_known) != n_rows:
        raise ValueError(f"y must have one target per row of X, got {len(is_known)} for {n_rows} rows.")
    return np.any(np.asarray(is_known, dtype=bool).reshape(n_rows, -1), axis=1).reshape(n_rows)


def _check_whole_units(groups: np.ndarray, units: np.ndarray, series: Series) -> None:
    """Refuse groups that divide a unit: its windows overlap."""
    first = np.full(series.n_units, -1)
    first[units[::-1]] = groups[::-1]
    divided = units[groups != first[units]]
    if len(divided):
        raise ValueError(
            f"groups must keep each unit whole, its windows overlap; {series.words[0]} "
            f"{series.units[divided[0]]!r} is in two groups."
        )
