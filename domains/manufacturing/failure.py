"""Will it fail within the horizon? One classifier for tables of process states and for sensor series."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from appkit import explanation as _explanation
from appkit import reporting as _reporting
from appkit.data import as_frame, check_labels
from appkit.data.cells import text_of
from appkit.explanation import Explanation
from appkit.model import Costs, SequenceClassifier, TabularClassifier
from appkit.model.front_estimator import FrontEstimator
from appkit.reporting import Report
from domains.manufacturing.failure_modes import check_failure_modes

__all__ = ["FailureClassifier"]


class FailureClassifier(ClassifierMixin, FrontEstimator):
    """Probability that a machine fails, from a table of states or, with ``unit``, from sensor series.

    Without ``unit`` each row stands for itself (torque, speed, wear of one part made) and a ``TabularClassifier`` does
    the work. With ``unit`` rows are moments in the life of machines, ``y`` says of each whether the machine fails
    within the horizon (see ``domains.manufacturing.fails_within``; missing where nobody knows), and a
    ``SequenceClassifier`` judges the last ``window`` readings.

    Parameters
    ----------
    event
        The label of a failure; ``None`` takes the larger of two numbers, or ``True``; two texts must say.
    unit, time
        Columns that name the machine and order its rows; ``None``: rows are no series.
    sensors, window, stride, conditions, use_age
        How series are read, as in ``appkit.SequenceRegressor``.
    kinds, special_codes, monotone
        How tables are read, as in ``appkit.TabularClassifier``; ``monotone`` speaks of the probability of failure.
    failure_modes
        Sensors, or columns, that each failure mode shows in; not used for learning, but to say which mode the drivers
        of a prediction point to, see ``domains.manufacturing.explanation.point_to_modes``.
    network, width, depth, max_epochs
        ``"auto"``: the default of ``TabularClassifier`` or of ``SequenceClassifier``; the network of series is
        ``"statistics"``, as in ``RemainingLifeRegressor``.
    n_networks, class_weight, costs, threshold, calibrate, max_seconds, checkpoint, device, precision, random_state,
    progress
        As in ``appkit.TabularClassifier``.

    Attributes
    ----------
    estimator_ : TabularClassifier or SequenceClassifier
        What was fitted; its class 1 is the failure. Its fitted attributes can be read from here as well.
    event_
        The label of a failure.
    classes_ : ndarray
        Both labels, in the order of ``predict_proba``.

    Examples
    --------
    >>> X = pd.DataFrame({"torque": [20.0, 40.0, 70.0, 75.0] * 20, "speed": [1500, 1400, 1300, 1200] * 20})
    >>> model = FailureClassifier(width=32, max_epochs=40, random_state=0).fit(X, [0, 0, 1, 1] * 20)
    >>> model.predict(X[:4]), model.event_
    (array([0, 0, 1, 1]), 1)
    """

    own_attributes = ("labels_", "event_")

    estimator_: TabularClassifier | SequenceClassifier

    def __init__(
        self,
        *,
        event: Any = None,
        unit: str | None = None,
        time: str | None = None,
        sensors: Sequence[str] | None = None,
        window: int = 80,
        stride: int = 1,
        conditions: Sequence[str] = (),
        use_age: bool = True,
        kinds: Mapping[str, str] | None = None,
        special_codes: Mapping[str, Sequence[float]] | Literal["auto"] | None = "auto",
        monotone: Mapping[str, int] | None = None,
        failure_modes: Mapping[str, Sequence[str]] | None = None,
        network: Any = "auto",
        width: int | Literal["auto"] = "auto",
        depth: int | Literal["auto"] = "auto",
        max_epochs: int | Literal["auto"] = "auto",
        n_networks: int | Literal["auto"] = "auto",
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        costs: Costs | None = None,
        threshold: float | None = None,
        calibrate: bool = True,
        max_seconds: float | None = None,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        self.event = event
        self.unit = unit
        self.time = time
        self.sensors = sensors
        self.window = window
        self.stride = stride
        self.conditions = conditions
        self.use_age = use_age
        self.kinds = kinds
        self.special_codes = special_codes
        self.monotone = monotone
        self.failure_modes = failure_modes
        self.network = network
        self.width = width
        self.depth = depth
        self.max_epochs = max_epochs
        self.n_networks = n_networks
        self.class_weight = class_weight
        self.costs = costs
        self.threshold = threshold
        self.calibrate = calibrate
        self.max_seconds = max_seconds
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
        """Fit on rows and whether each ended in failure, as ``TabularClassifier`` or ``SequenceClassifier`` do.

        Raises
        ------
        ValueError
            If labels are not two, or the event is none of them, or names no failure plainly.
        """
        labels = self._labels(X, y)
        known = labels[pd.notna(labels)]
        self.labels_ = np.unique(check_labels(known, n_rows=len(known)))
        if len(self.labels_) != 2:
            raise ValueError(
                "Only binary classification is supported. y must hold two labels, failed and not, got "
                f"{len(self.labels_)}: {self.labels_[:5]}. Which mode fails is a question for TabularClassifier."
            )
        self.event_ = _event_among(self.labels_, self.event)
        if isinstance(X, pd.DataFrame):
            check_failure_modes(self.failure_modes, self._columns_read(X))
        self.estimator_ = self.make_estimator().fit(
            X,
            self._codes(labels),
            sample_weight=sample_weight,
            groups=groups,
            X_val=X_val,
            y_val=y_val if X_val is None or y_val is None else self._codes(self._labels(X_val, y_val)),
            sample_weight_val=sample_weight_val,
        )
        if not isinstance(X, pd.DataFrame):  # arrays have names once they are read
            names = self.estimator_.player_columns_ if self.unit is None else self.estimator_.sensors_
            check_failure_modes(self.failure_modes, names)
        return self

    def make_estimator(self) -> TabularClassifier | SequenceClassifier:
        """Return the estimator that does the work, not fitted; its class 1 is the failure."""
        shared = {name: getattr(self, name) for name in _SHARED} | {"class_weight": self._code_weight()}
        given = ("network", "width", "depth", "max_epochs")
        shared |= {name: getattr(self, name) for name in given if not isinstance(getattr(self, name), str)}
        if isinstance(self.network, str) and self.network != "auto":
            shared["network"] = self.network
        elif self.unit is not None and isinstance(self.network, str):
            shared["network"] = "statistics"
        if self.unit is None:
            if self.time is not None:
                raise ValueError(f"time={self.time!r} needs unit=: the column that names the machine of a row.")
            return TabularClassifier(
                kinds=self.kinds, special_codes=self.special_codes, monotone=self.monotone, **shared
            )
        if self.time is None:
            raise ValueError(f"unit={self.unit!r} needs time=: the column that orders a machine's rows.")
        if self.monotone:
            raise ValueError("monotone is for tables; a series has no one value that could rise.")
        return SequenceClassifier(
            unit=self.unit,
            time=self.time,
            sensors=self.sensors,
            window=self.window,
            stride=self.stride,
            conditions=self.conditions,
            use_age=self.use_age,
            **shared,
        )

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return calibrated probabilities, float64 ``(n_rows, 2)``, in the order of ``classes_``."""
        check_is_fitted(self)
        probabilities = self.estimator_.predict_proba(X)
        return probabilities if self.event_index_ == 1 else probabilities[:, ::-1]

    def predict(self, X: Any) -> np.ndarray:
        """Return labels ``(n_rows,)``: the more probable one, or the decision by ``costs`` or ``threshold``."""
        check_is_fitted(self)
        return self._uncoded(self.estimator_.predict(X))

    def decide(self, X: Any, thresholds: Any) -> np.ndarray:
        """Return labels ``(n_rows,)`` where costs differ by row, as ``TabularClassifier.decide`` does."""
        check_is_fitted(self)
        return self._uncoded(self.estimator_.decide(X, thresholds))

    def predict_set(self, X: Any, *, alpha: float = 0.1) -> np.ndarray:
        """Return which labels cannot be ruled out, bool ``(n_rows, 2)``, in the order of ``classes_``."""
        check_is_fitted(self)
        sets = self.estimator_.predict_set(X, alpha=alpha)
        return sets if self.event_index_ == 1 else sets[:, ::-1]

    def probability_of_failure(self, X: Any) -> np.ndarray:
        """Return the calibrated probability of the event, float64 ``(n_rows,)``."""
        return self.predict_proba(X)[:, self.event_index_]

    def predict_last(self, X: Any) -> pd.Series:
        """Return the label at each machine's newest row, on the machines; of series only."""
        labels = self._of_series("predict_last").predict_last(X)
        return pd.Series(self._uncoded(labels.to_numpy()), index=labels.index, name="label")

    def probability_of_failure_last(self, X: Any) -> pd.Series:
        """Return the probability of failure at each machine's newest row, on the machines; of series only."""
        probabilities = self._of_series("probability_of_failure_last").predict_proba_last(X)
        return probabilities.iloc[:, 1].rename("probability_of_failure")

    def explain(self, X: Any, **options: Any) -> Explanation:
        """Return ``appkit.explain(self, X, **options)``: effects on the probability of failure."""
        return _explanation.explain(self, X, **options)

    def report(self, X: Any, y: Any, **options: Any) -> Report:
        """Return ``appkit.report(self, X, y, **options)``: the maintenance dossier."""
        return _reporting.report(self, X, y, **options)

    @property
    def classes_(self) -> np.ndarray:
        """Both labels, in the order of ``predict_proba``."""
        return self.labels_

    @property
    def event_index_(self) -> int:
        """Position of the failure in ``classes_``."""
        return int(np.flatnonzero(self.labels_ == self.event_)[0])

    @property
    def output_names_(self) -> tuple[str, ...]:
        """Name of the one output of ``encoded_outputs``: the event."""
        check_is_fitted(self)
        return (text_of(self.event_),)

    def __getattr__(self, name: str) -> Any:
        # what explanations, reports and artefacts ask of an estimator is the same for both kinds, and partly absent
        if name in _DELEGATED and "estimator_" in vars(self):
            return getattr(self.estimator_, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = self.unit is None
        tags.input_tags.categorical = self.unit is None
        return tags

    def _columns_read(self, X: pd.DataFrame) -> list[str]:
        if self.unit is not None and self.sensors is not None:
            return list(self.sensors)
        return [str(name) for name in X.columns if name not in (self.unit, self.time)]

    def _labels(self, X: Any, y: Any) -> np.ndarray:
        """Return checked labels; of series some may be missing."""
        return check_labels(y, n_rows=len(as_frame(X))) if self.unit is None else _labels_or_gaps(y)

    def _codes(self, labels: np.ndarray) -> np.ndarray:
        """Return 1 for the event and 0 for the other label; NaN for a missing one."""
        unknown = pd.notna(labels) & ~np.isin(labels, self.labels_)
        if unknown.any():
            raise ValueError(f"y_val must hold labels of y, {self.labels_.tolist()}, got {labels[unknown][0]!r}.")
        codes = (labels == self.event_).astype(np.float64)
        codes[pd.isna(labels)] = np.nan
        return codes if np.isnan(codes).any() else codes.astype(np.int64)

    def _of_series(self, what: str) -> SequenceClassifier:
        check_is_fitted(self)
        if not isinstance(self.estimator_, SequenceClassifier):
            raise ValueError(f"{what} needs series; this model was fitted without unit=.")
        return self.estimator_

    def _uncoded(self, codes: np.ndarray) -> np.ndarray:
        return self.labels_[np.where(codes == 1, self.event_index_, 1 - self.event_index_)]

    def _code_weight(self) -> Mapping[Any, float] | Literal["balanced"] | None:
        if not isinstance(self.class_weight, Mapping) or not hasattr(self, "labels_"):
            return None if isinstance(self.class_weight, Mapping) else self.class_weight
        return {int(label == self.event_): weight for label, weight in self.class_weight.items()}


_SHARED = (
    "n_networks",
    "costs",
    "threshold",
    "calibrate",
    "max_seconds",
    "checkpoint",
    "device",
    "precision",
    "random_state",
    "progress",
)

_DELEGATED = frozenset(
    {
        *("n_features_in_", "feature_names_in_", "schema_", "encoder_", "background_", "background_readings_"),
        *("encode", "encoded_outputs", "player_columns_", "encoded_player_", "mixer", "mixed_outputs", "output_module"),
        *("windows", "encode_windows", "readings", "layout_", "unit_index", "sensors_", "units_", "module_", "head_"),
        *("n_members_", "n_rows_", "training_", "history_", "device_", "calibration_", "threshold_"),
    }
)


def _labels_or_gaps(y: Any) -> np.ndarray:
    """Return labels as a column, None where missing, as at rows of series that are history alone."""
    labels = y.to_numpy(dtype=object) if isinstance(y, pd.Series) else np.asarray(y, dtype=object)
    if labels.ndim != 1:
        raise ValueError(f"y must have one label per row, got shape {labels.shape}.")
    return np.asarray(pd.Series(labels).where(pd.notna(labels), None), dtype=object)


def _event_among(labels: np.ndarray, event: Any) -> Any:
    """Return the label that is the failure."""
    if event is not None:
        if event not in labels:
            raise ValueError(f"event must be one of the labels {labels.tolist()}, got {event!r}.")
        return labels[labels == event].tolist()[0]
    if all(isinstance(label, (bool, int, float, np.number, np.bool_)) for label in labels.tolist()):
        return labels.tolist()[-1]
    raise ValueError(f"event must name the label of a failure: which of {labels.tolist()}?")
