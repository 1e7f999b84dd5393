"""Evaluate a fitted model, ours or any scikit-learn estimator: every metric of its task with its interval."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import is_classifier

from appkit.data import check_groups
from appkit.model.costs import Costs
from appkit.prediction import metrics, regression
from appkit.prediction.calibration import calibration_in_the_large, calibration_slope, expected_calibration_error
from appkit.prediction.cluster_bootstrap import Clusters, redraw_events, redraw_labels, redraw_values
from appkit.prediction.delong import auc
from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_outcomes, as_probabilities, as_values, as_weights
from appkit.prediction.intervals import mean_estimate
from appkit.prediction.labelled_windows import labelled_windows, takes_series
from appkit.prediction.target_range import within_range
from appkit.prediction.thresholds import expected_cost, operating_point

__all__ = ["Evaluation", "evaluate", "evaluate_events", "evaluate_labels", "evaluate_values", "event_of"]


@dataclass(frozen=True)
class Evaluation:
    """What was measured on one set of rows.

    Parameters
    ----------
    estimates
        One per metric, in reading order; also reached by name: ``evaluation["AUC"].low``.
    task
        ``"binary"``, ``"multiclass"`` or ``"regression"``.
    n, n_events
        Rows, and events among them (``None`` unless binary).
    event
        Label of the event; ``None`` unless binary.
    threshold
        Probability from which an event was predicted; ``None`` unless binary.
    currency
        Unit of the cost per row; empty without one.
    n_groups, group_word
        Groups whose rows go together, and what they are called: intervals come from redrawing whole groups. ``None``
        where rows stand alone.
    """

    estimates: tuple[Estimate, ...]
    task: str
    n: int
    n_events: int | None = None
    event: Any = None
    threshold: float | None = None
    currency: str = ""
    n_groups: int | None = None
    group_word: str = "groups"

    def __getitem__(self, name: str) -> Estimate:
        for estimate in self.estimates:
            if estimate.name == name:
                return estimate
        raise KeyError(f"{name!r} is not among {[estimate.name for estimate in self.estimates]}.")

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per metric, indexed by its name: value, low, high, method, n, level."""
        columns = ("value", "low", "high", "method", "n", "level")
        rows = [[getattr(estimate, column) for column in columns] for estimate in self.estimates]
        names = pd.Index([estimate.name for estimate in self.estimates], name="metric")
        return pd.DataFrame(rows, columns=list(columns), index=names)

    def __str__(self) -> str:
        width = max(len(estimate.name) for estimate in self.estimates)
        lines = [
            f"{estimate.name:<{width}}  {estimate.value:>9.4f}  ({estimate.low:.4f} to {estimate.high:.4f})"
            for estimate in self.estimates
        ]
        return "\n".join([self._heading(), *lines])

    @property
    def resampling(self) -> str:
        """How intervals treat rows that go together: ``"95 % by resampling 100 engines"``; empty where none do."""
        return "" if self.n_groups is None else f"95 % by resampling {self.n_groups} {self.group_word}"

    def _heading(self) -> str:
        intervals = "" if self.n_groups is None else f"; intervals {self.resampling}"
        if self.task != "binary":
            return f"{self.n} rows{intervals}"
        found = f"{self.n} rows, {self.n_events} with event {self.event!r}, predicted from {self.threshold:.4g} on"
        return found + intervals


def evaluate(
    model: Any,
    X: Any,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    threshold: float | None = None,
    costs: Costs | None = None,
    random_state: int | None = 0,
) -> Evaluation:
    """Measure a fitted classifier or regressor on rows it has not seen.

    Parameters
    ----------
    model
        Fitted; a classifier needs ``predict_proba``. The event is ``model.event_`` where there is one, else the second
        of two classes. A regressor with ``predict_interval(X)``, shape (n_rows, 2), is asked for its intervals too.
    X, y
        Rows as the model takes them, and their labels or values. Of a series model readings, and a label or value per
        row: rows where it is missing are history, not measured. Values beyond the ``target_range_`` of a model (a
        capped remaining life) are cut to it, as in training.
    sample_weight, groups
        Weights; and patients, customers or machines, which every interval then redraws whole. The groups of a series
        model are its units unless others are given. Shape (n_rows,).
    threshold
        Probability from which the event is predicted. Default: that of ``costs``, else ``model.threshold_`` where
        there is one, else 0.5.
    costs
        Adds the cost per row. Default: ``model.costs`` where the model decides by costs.
    random_state
        Seed of the bootstrap.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.arange(40.0)[:, None]; y = np.where(np.arange(40) % 7 + np.arange(40) / 4 > 8, "bad", "good")
    >>> model = LogisticRegression().fit(X, y)
    >>> print(evaluate(model, X, y)["AUC"])
    AUC 0.940 (0.873 to 1.000)
    """
    check_groups(groups, n_rows=len(np.atleast_1d(y)))
    rows = _judged_rows(model, X, y, groups=groups)
    options: dict[str, Any] = {
        "sample_weight": rows.of(sample_weight),
        "groups": rows.groups,
        "group_word": rows.group_word,
        "random_state": random_state,
    }
    if not (is_classifier(model) or hasattr(model, "predict_proba")):
        predicted = np.asarray(model.predict(X))
        _check_length(y, len(predicted))
        interval = rows.of(_interval_of(model, X))
        return evaluate_values(within_range(model, rows.of(y)), rows.of(predicted), interval=interval, **options)
    if not hasattr(model, "predict_proba"):
        raise TypeError(f"{type(model).__name__} must have predict_proba; wrap it in CalibratedClassifierCV.")
    p = np.asarray(model.predict_proba(X), dtype=np.float64)
    _check_length(y, len(p))
    codes, p = _class_codes(model, rows.of(y)), rows.of(p)
    if p.shape[1] != 2:
        return evaluate_labels(codes, p, predicted=_class_codes(model, rows.of(model.predict(X))), **options)
    event = event_of(model)
    column = int(pd.Index(model.classes_).get_loc(event))
    if threshold is None and costs is None:
        threshold, costs = getattr(model, "threshold_", None), getattr(model, "costs", None)
    return evaluate_events(codes == column, p[:, column], event=event, threshold=threshold, costs=costs, **options)


def event_of(model: Any) -> Any:
    """Return the label of the event of a fitted binary classifier: ``event_`` if it declares one, else the second."""
    event = getattr(model, "event_", None)
    event = model.classes_[1] if event is None else event
    return event.item() if isinstance(event, np.generic) else event


def evaluate_events(
    y: ArrayLike,
    p: ArrayLike,
    *,
    event: Any = 1,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    group_word: str = "groups",
    threshold: float | None = None,
    costs: Costs | None = None,
    random_state: int | None = 0,
) -> Evaluation:
    """Measure probabilities ``p`` of an event against outcomes ``y``, both of shape (n_rows,)."""
    y = as_outcomes(y)
    p = as_probabilities(p, len(y))
    if threshold is None:
        threshold = 0.5 if costs is None else costs.threshold
    weighting: dict[str, Any] = {"sample_weight": sample_weight, "groups": groups}
    clusters = _clusters(groups, len(y), word=group_word, random_state=random_state)
    point = operating_point(y, p, threshold=threshold, **weighting)
    alarm = p >= threshold
    estimates = [
        auc(y, p, **weighting),
        metrics.average_precision(y, p, **weighting),
        metrics.log_loss(y, p, **weighting),
        metrics.brier(y, p, **weighting),
        calibration_slope(y, p, **weighting),
        calibration_in_the_large(y, p, **weighting),
        expected_calibration_error(y, p, random_state=random_state, **weighting),
        metrics.accuracy(y, alarm, **weighting),
        metrics.balanced_accuracy(y, alarm, **weighting),
        point.sensitivity,
        point.specificity,
        point.precision,
    ]
    per_row = None if costs is None else costs.of(y, alarm)
    if costs is not None and clusters is None:
        estimates.append(expected_cost(y, alarm, costs, sample_weight=sample_weight, random_state=random_state))
    if per_row is not None and clusters is not None:
        estimates.append(mean_estimate("Cost per row", per_row, **weighting))
    if clusters is not None:
        weights = as_weights(sample_weight, len(y))
        estimates = redraw_events(estimates, y, p, alarm=alarm, costs=per_row, weights=weights, clusters=clusters)
    return Evaluation(
        tuple(estimates),
        "binary",
        n=len(y),
        n_events=int(y.sum()),
        event=event,
        threshold=float(threshold),
        currency="" if costs is None else costs.currency,
        **_grouping(clusters),
    )


def evaluate_labels(
    codes: ArrayLike,
    p: ArrayLike,
    *,
    predicted: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    group_word: str = "groups",
    random_state: int | None = 0,
) -> Evaluation:
    """Measure class probabilities ``p`` ``(n_rows, n_classes)`` against class numbers; argmax decides by default."""
    codes, p = np.asarray(codes), np.asarray(p)
    said = p.argmax(axis=1) if predicted is None else np.asarray(predicted)
    weighting: dict[str, Any] = {"sample_weight": sample_weight, "groups": groups}
    estimates = [
        metrics.accuracy(codes, said, **weighting),
        metrics.balanced_accuracy(codes, said, **weighting),
        metrics.macro_f1(codes, said, **weighting),
        metrics.macro_auc(codes, p, **weighting),
        metrics.multiclass_log_loss(codes, p, **weighting),
    ]
    clusters = _clusters(groups, len(codes), word=group_word, random_state=random_state)
    if clusters is not None:
        weights = as_weights(sample_weight, len(codes))
        estimates = redraw_labels(estimates, codes, p, predicted=said, weights=weights, clusters=clusters)
    return Evaluation(tuple(estimates), "multiclass", n=len(codes), **_grouping(clusters))


def evaluate_values(
    y: ArrayLike,
    predicted: ArrayLike,
    *,
    interval: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    group_word: str = "groups",
    random_state: int | None = 0,
) -> Evaluation:
    """Measure predicted values, and their intervals ``(n_rows, 2)`` where there are any, against ``y``."""
    weighting: dict[str, Any] = {"sample_weight": sample_weight, "groups": groups}
    estimates = [
        regression.rmse(y, predicted, **weighting),
        regression.mae(y, predicted, **weighting),
        regression.r2(y, predicted, **weighting),
    ]
    n, ends = estimates[0].n, None
    if interval is not None:
        ends = np.asarray(interval, dtype=np.float64)
        if ends.shape != (n, 2):
            raise ValueError(f"interval must have shape ({n}, 2): low and high, got {ends.shape}.")
        estimates.append(regression.interval_coverage(y, ends[:, 0], ends[:, 1], **weighting))
        estimates.append(regression.interval_width(y, ends[:, 0], ends[:, 1], **weighting))
    clusters = _clusters(groups, n, word=group_word, random_state=random_state)
    if clusters is not None:
        truth, said = as_values(y, n, name="y"), as_values(predicted, n, name="predicted")
        weights = as_weights(sample_weight, n)
        estimates = redraw_values(estimates, truth, said, ends=ends, weights=weights, clusters=clusters)
    return Evaluation(tuple(estimates), "regression", n=n, **_grouping(clusters))


@dataclass(frozen=True, eq=False)
class _JudgedRows:
    """Which rows are measured, ``None`` for all, and which of these go together."""

    rows: np.ndarray | None
    groups: np.ndarray | None
    group_word: str = "groups"

    def of(self, values: Any) -> Any:
        """Return what was given per row for the rows measured."""
        return values if self.rows is None or values is None else np.asarray(values)[self.rows]


def _judged_rows(model: Any, X: Any, y: ArrayLike, *, groups: ArrayLike | None) -> _JudgedRows:
    """Return all rows of a table; of a series those with a label, which go together by unit."""
    if not takes_series(model):
        return _JudgedRows(None, None if groups is None else np.asarray(groups))
    rows, windows = labelled_windows(model, X, y)
    if groups is not None:
        return _JudgedRows(rows, np.asarray(groups)[rows])
    return _JudgedRows(rows, windows.units, f"{windows.series.words[0]}s")


def _clusters(groups: ArrayLike | None, n_rows: int, *, word: str, random_state: int | None) -> Clusters | None:
    codes = check_groups(groups, n_rows=n_rows)
    return None if codes is None else Clusters(codes, word, random_state)


def _grouping(clusters: Clusters | None) -> dict[str, Any]:
    return {} if clusters is None else {"n_groups": clusters.n, "group_word": clusters.word}


def _interval_of(model: Any, X: Any) -> Any:
    if not hasattr(model, "predict_interval"):
        return None
    try:
        return model.predict_interval(X)
    except ValueError:  # predict has just taken X: too few rows were held out in fit to promise an interval
        return None


def _check_length(y: ArrayLike, n_rows: int) -> None:
    shape = np.shape(y)
    if len(shape) == 0 or shape[0] != n_rows or np.prod(shape) != n_rows:
        raise ValueError(f"y must have one entry per row of X, got shape {shape} for {n_rows} rows.")


def _class_codes(model: Any, y: ArrayLike) -> np.ndarray:
    """Return the place of each label in ``model.classes_``."""
    labels = pd.Index(np.asarray(y).ravel())
    if labels.hasnans:
        rows = np.flatnonzero(labels.isna())
        raise ValueError(
            f"y must not hold missing labels, got {len(rows)} (first: row {rows[0]}). Drop these rows, or label them."
        )
    codes = pd.Index(model.classes_).get_indexer(labels)
    if (codes < 0).any():
        unknown, known = list(dict.fromkeys(labels[codes < 0]))[:5], pd.Index(model.classes_).tolist()
        row = int(np.flatnonzero(codes < 0)[0])
        raise ValueError(f"y must hold labels the model was fitted on, {known}, got also {unknown} (first: row {row}).")
    return codes
