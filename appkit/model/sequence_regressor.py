"""Neural regressor for sensor series: a number, its quantiles, or a survival curve, from the last readings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from appkit.data import check_values
from appkit.model.ensemble import Ensemble
from appkit.model.event_times import check_event_times
from appkit.model.heads import HazardHead, Head, QuantileHead, RegressionHead, hazard_head, survival_at
from appkit.model.neural_regressor import NeuralRegressor
from appkit.model.series_estimator import SeriesEstimator
from appkit.model.series_networks import SeriesNetworkFactory
from appkit.model.training import TrainingData
from appkit.model.unit_conformal import UnitIntervals
from appkit.model.window_tensor import WindowTensor

__all__ = ["SequenceRegressor"]

_HEADS = {"mean": RegressionHead, "quantile": QuantileHead, "hazard": HazardHead}


class SequenceRegressor(NeuralRegressor, SeriesEstimator):
    """Neural regressor for sensor series: a value per unit and moment, judged from the last ``window`` readings.

    Takes a long DataFrame with one row per unit and moment, in any order, ragged, uneven and with gaps; or a list of
    arrays ``(n_steps, n_sensors)``, one per unit. Readings are scaled by operating condition, gaps carried forward and
    marked, windows cut within units and padded at the start. A network judges the window's statistics (each sensor's
    level, lately and on the whole, and its trend) and the unit's age; a path over the steps corrects it by what their
    course says besides. Networks are trained over folds of units, each stopped on units it never saw.

    Parameters
    ----------
    unit, time
        Columns that name the unit and order its rows.
    sensors
        Columns to read; ``None``: all others, which must be numbers.
    window
        Readings the model looks back on; a unit with fewer is padded at the start.
    stride
        Learn from every how many rows of a unit, counted back from its newest; predictions are for every row.
    conditions
        Columns (settings) whose combinations are operating conditions, within each of which readings are scaled.
    use_age
        Whether the time since a unit's first row is looked at. Leave it out where records begin in mid-life.
    network
        Path over the steps: ``"tcn"`` (causal convolutions), ``"gru"``, ``"lstm"``, ``"transformer"``, or
        ``"statistics"`` for none, which costs a fifth and loses little where sensors drift; or a factory
        ``factory(layout, n_outputs) -> nn.Module``, see ``appkit.model.series_networks.SeriesNetworkFactory``.
    n_networks
        Networks trained over folds of units and averaged; ``"auto"``: 5, or 1 under 10 units.
    width, depth, dropout
        Channels of the path over the steps (the network over the statistics has 8 times as many hidden units); its
        layers, ``None``: 4 convolutions, 2 layers of attention or 1 recurrence; share of units dropped.
    head
        ``"mean"`` (squared error), ``"quantile"`` (5 %, 50 % and 95 %, pinball loss; the value predicted is the median)
        or ``"hazard"`` (discrete-time hazards, for times to an event that some units have not had yet).
    bounds
        Least and greatest value of the target, ``None`` for none: targets are capped and values clamped to them, such
        as ``(0, 125)`` cycles.
    learning_rate, weight_decay, batch_size, max_epochs
        AdamW; ``"auto"``: batches of 32 to 128, and 20 epochs of 10,000 windows or more, up to 200 of fewer.
    patience
        Epochs without a better held-out score before a network stops; its best epoch is restored. ``"auto"``: an
        eighth of the usual epochs, at least 4.
    validation_fraction
        Share of units each network holds out where there are fewer networks than ``1 / validation_fraction``.
    max_seconds, warm_start, checkpoint, device, precision, random_state, progress
        How a fit runs, as in ``TabularClassifier``.

    Attributes
    ----------
    encoder_ : SeriesEncoder
        How readings are scaled.
    layout_ : SeriesLayout
        What the network sees.
    sensors_, units_ : tuple
        Sensors read; units learnt from.
    target_range_ : tuple of float
        Least and greatest value that can be predicted; errors are measured against values cut to them.
    intervals_ : UnitIntervals or None
        What held-out units say of the errors, behind ``predict_interval``; ``None`` where none could be spared.
    background_ : ndarray
        Windows, as the network sees them, that stand for "as usual" in explanations; in physical units in
        ``background_readings_``.
    module_, history_, training_
        As in ``TabularClassifier``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"pump": np.repeat(np.arange(20), 30), "hour": np.tile(np.arange(30), 20)})
    >>> X["heat"] = X["hour"] + rng.normal(0, 0.5, len(X))
    >>> left = 29 - X["hour"]
    >>> model = SequenceRegressor(unit="pump", time="hour", window=8, n_networks=1, random_state=0).fit(X, left)
    >>> bool(abs(model.predict(X) - left).mean() < 1)
    True
    """

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
        head: Literal["mean", "quantile", "hazard"] = "mean",
        bounds: tuple[float | None, float | None] = (None, None),
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
        super().__init__(
            unit=unit,
            time=time,
            sensors=sensors,
            window=window,
            stride=stride,
            conditions=conditions,
            use_age=use_age,
            network=network,
            n_networks=n_networks,
            width=width,
            depth=depth,
            dropout=dropout,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            patience=patience,
            validation_fraction=validation_fraction,
            max_seconds=max_seconds,
            warm_start=warm_start,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            progress=progress,
        )
        self.head = head
        self.bounds = bounds

    def predict(self, X: Any) -> np.ndarray:
        """Return predicted values, float64 ``(n_rows,)``; of hazards the mean time left up to the last edge."""
        return self._values(torch.from_numpy(self._answers(X)))[:, 0].numpy()

    def predict_last(self, X: Any) -> pd.Series:
        """Return the value at each unit's newest row, on the units."""
        windows = self.windows(X, rows="last")
        values = self.encoded_outputs(self.encode_windows(windows), units="value")[:, 0].cpu().numpy()
        return pd.Series(values, index=self.unit_index(windows), name="value")

    def predict_interval(self, X: Any, *, alpha: float = 0.1) -> np.ndarray:
        """Return lower and upper ends, float64 ``(n_rows, 2)``, that hold the truth with probability ``1 - alpha``.

        For a new unit looked at in a random moment of its record: rows of one unit are not exchangeable, units are.
        With ``head="hazard"``, for moments whose time left is known in the end: censored ones tell no error.
        Ends follow the prediction (narrow where held-out units were hit closely); see ``appkit.model.unit_conformal``.

        Raises
        ------
        ValueError
            If there were too few held-out units for this ``alpha``.
        """
        check_is_fitted(self)
        if self.intervals_ is None:
            raise ValueError("predict_interval needs held-out units; this model was fitted on too few to hold any out.")
        windows = self.encode(X)
        values = self.encoded_outputs(windows, units="value")[:, 0].cpu().numpy()
        context = _readings_before(windows) if self.intervals_.has_context else None
        return self.intervals_.interval(values, alpha=alpha, context=context)

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Return quantiles at the levels of ``head_.levels``, float64 ``(n_rows, n_levels)``; ``head="quantile"``."""
        self._check_head("predict_quantiles", "quantile")
        return self._answers(X)

    def predict_survival(self, X: Any, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the probability to outlast each time, float64 ``(n_rows, n_times)``; ``head="hazard"``.

        Parameters
        ----------
        X
            Readings.
        times
            From now, 0 to the last edge ``head_.edges[-1]``, float ``(n_times,)``.
        """
        self._check_head("predict_survival", "hazard")
        assert isinstance(self.head_, HazardHead)
        return survival_at(self._answers(X), self.head_.edges, np.asarray(times, dtype=np.float64))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.two_d_labels = self.head == "hazard"
        return tags

    def _check_params(self) -> None:
        super()._check_params()
        if self.head not in _HEADS:
            raise ValueError(f"head must be one of {', '.join(_HEADS)}, got {self.head!r}.")
        low, high = self._range
        if not low < high:
            raise ValueError(f"bounds must be (least, greatest) with None for none, got {self.bounds!r}.")

    def _check_head(self, what: str, head: str) -> None:
        check_is_fitted(self)
        if not isinstance(self.head_, _HEADS[head]):
            found = next(name for name, kind in _HEADS.items() if isinstance(self.head_, kind))
            raise ValueError(f"{what} needs head={head!r}, the model has {found!r}.")

    @property
    def _range(self) -> tuple[float, float]:
        low, high = self.bounds
        return -np.inf if low is None else float(low), np.inf if high is None else float(high)

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        self.target_range_ = self._range
        if self.head == "hazard":
            return self._encode_target(y, n_rows=n_rows)
        return super()._learn_target(
            np.clip(check_values(y, n_rows=n_rows), *self._range), n_rows=n_rows, weight=weight
        )

    def _encode_target(self, y: Any, *, n_rows: int) -> np.ndarray:
        if self.head == "hazard":
            times = check_event_times(y, n_rows=n_rows)
            longest = self._range[1]  # a life beyond it is not seen to end
            return np.column_stack([times.event & (times.duration <= longest), np.minimum(times.duration, longest)])
        return np.clip(check_values(y, n_rows=n_rows), *self._range)

    def _make_head(self, data: TrainingData) -> Head:
        low, high = self._range
        if self.head == "mean":
            return RegressionHead(self.target_centre_, self.target_scale_, low=low, high=high)
        if self.head == "quantile":
            return QuantileHead(self.target_centre_, self.target_scale_, low=low, high=high)
        if self.warm_start and hasattr(self, "module_") and isinstance(self.head_, HazardHead):
            return self.head_  # its intervals are what the weights to go on from speak of
        event, duration = data.target.cpu().numpy().T
        return hazard_head(duration, event, weight=data.weight.cpu().numpy())

    def _learn_from_held_out(self, ensemble: Ensemble, rows: TrainingData, *, is_blind: bool) -> None:
        self.intervals_ = None
        if is_blind:
            return
        held = torch.from_numpy(ensemble.held_out).to(rows.target.device)
        values = self._values(self.head_.means(ensemble.logits).mean(dim=1))[:, 0].cpu().numpy()
        truth = rows.target[held].cpu().numpy()
        assert isinstance(rows.Z, WindowTensor)
        windows = rows.Z.take(held)
        units, context = windows.starts.cpu().numpy(), _readings_before(windows) if self.use_age else None
        low, high = self._range
        if self.head == "hazard":
            is_known = (truth[:, 0] > 0) | (truth[:, 1] >= high)  # capped lives are known, too
            values, truth, units = values[is_known], truth[is_known, 1], units[is_known]
            context = None if context is None else context[is_known]
        if len(np.unique(units)) < 2:
            return
        self.intervals_ = UnitIntervals.fit(values, truth, units, context=context, low=low, high=high)

    def _in_units(self, means: Tensor, units: str) -> Tensor:
        return self._values(means)

    def _values(self, means: Tensor) -> Tensor:
        """Return the value predicted, ``(n_rows, 1)``: linear in what members say, so that they may be averaged."""
        if isinstance(self.head_, QuantileHead):
            return means[:, [self.head_.median]]
        if isinstance(self.head_, HazardHead):
            steps = torch.tensor([0.0, *self.head_.edges], dtype=means.dtype, device=means.device).diff()
            weights = (steps + torch.cat([steps[1:], steps.new_zeros(1)])) / 2
            return steps[0] / 2 + (means * weights).sum(dim=1, keepdim=True)
        return means


def _readings_before(windows: WindowTensor) -> np.ndarray:
    """Return how many readings a unit had before the newest of each window, float64 ``(n_windows,)``."""
    return (windows.ends - windows.starts).double().cpu().numpy()
