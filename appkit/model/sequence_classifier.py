"""Neural classifier for sensor series."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.model.costs import Costs
from appkit.model.neural_classifier import NeuralClassifier
from appkit.model.series_estimator import SeriesEstimator
from appkit.model.series_networks import SeriesNetworkFactory

__all__ = ["SequenceClassifier"]


class SequenceClassifier(NeuralClassifier, SeriesEstimator):
    """Neural classifier for sensor series: what will happen to a unit, judged from its last ``window`` readings.

    Takes a long DataFrame with one row per unit and moment, in any order, ragged, uneven and with gaps; or a list of
    arrays ``(n_steps, n_sensors)``, one per unit. Networks are trained over folds of units, each stopped on units it
    never saw; one affine map on their logits, fitted on what they said of those units, calibrates the average.

    Parameters
    ----------
    unit, time, sensors, window, stride, conditions, use_age
        What is read and how windows are cut, as in ``SequenceRegressor``.
    network, n_networks, width, depth, dropout
        The networks, as in ``SequenceRegressor``.
    learning_rate, weight_decay, batch_size, max_epochs, patience, validation_fraction
        Training and early stopping, as in ``SequenceRegressor``.
    class_weight, costs, threshold, calibrate
        Weights of classes, decisions and calibration, as in ``TabularClassifier``.
    max_seconds, warm_start, checkpoint, device, precision, random_state, progress
        How a fit runs, as in ``TabularClassifier``.

    Attributes
    ----------
    classes_, class_weight_, module_, calibration_, history_, training_
        As in ``TabularClassifier``.
    encoder_, sensors_, units_, background_
        As in ``SequenceRegressor``.

    Notes
    -----
    ``predict_set`` takes rows for exchangeable, which those of one unit are not: read its coverage as that of a row
    drawn from a new unit, on average over units as long as the training ones.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> heat = [np.cumsum(rng.normal(trend, 1, (40, 1)), axis=0) for trend in [0.0, 0.5] * 12]
    >>> model = SequenceClassifier(window=20, n_networks=1, random_state=0).fit(heat, ["steady", "rising"] * 12)
    >>> model.predict([np.linspace(0, 0, 40)[:, None], np.linspace(0, 20, 40)[:, None]])
    array(['steady', 'rising'], dtype='<U6')
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
        learning_rate: float = 2e-3,
        weight_decay: float = 1.0,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int | Literal["auto"] = "auto",
        patience: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.2,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        costs: Costs | None = None,
        threshold: float | None = None,
        calibrate: bool = True,
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
        self.class_weight = class_weight
        self.costs = costs
        self.threshold = threshold
        self.calibrate = calibrate

    def predict_proba_last(self, X: Any) -> pd.DataFrame:
        """Return probabilities at each unit's newest row: one row per unit, one column per class."""
        windows = self.windows(X, rows="last")
        means = self._means(self.encode_windows(windows)).cpu().numpy()
        return pd.DataFrame(means, index=self.unit_index(windows), columns=self.classes_)

    def predict_last(self, X: Any) -> pd.Series:
        """Return the label at each unit's newest row, on the units."""
        probabilities = self.predict_proba_last(X)
        return pd.Series(self._decided(probabilities.to_numpy()), index=probabilities.index, name="label")

    def _is_typical(self, target: np.ndarray) -> np.ndarray:
        # of two classes the second is the event, and the other as usual
        return target == 0 if len(self.classes_) == 2 else super()._is_typical(target)
