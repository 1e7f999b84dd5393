"""Metrics of probabilities, decisions and labels, each with its interval.

Outcomes are 0/1 or boolean with 1 the event; probabilities are those of the event. Labels of more than two classes go
to the functions that take ``labels``. ``groups`` marks rows of one patient, customer or machine, and clusters the
interval by them.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from sklearn.isotonic import isotonic_regression

from appkit.prediction.delong import auc_influence
from appkit.prediction.estimate import Estimate
from appkit.prediction.inputs import as_outcomes, as_probabilities, as_values, as_weights
from appkit.prediction.intervals import (
    linear_estimate,
    mean_estimate,
    normal_estimate,
    proportion,
    standard_error,
)

__all__ = [
    "BrierParts",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "brier_parts",
    "log_loss",
    "macro_auc",
    "macro_f1",
    "multiclass_log_loss",
    "precision",
    "sensitivity",
    "specificity",
]

_SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)  # scikit-learn's choice for log_loss


def average_precision(
    y: ArrayLike, score: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the area under the precision-recall steps.

    The interval is linearised and made on the logit scale, which covers better than the bootstrap (Boyd, Eng and Page,
    2013).

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value, 4)
    0.8333
    """
    y = as_outcomes(y)
    weights = as_weights(sample_weight, len(y))
    # ranks from the highest score down; ties share one
    rank = np.unique(-as_values(score, len(y), name="score"), return_inverse=True)[1]
    events = np.bincount(rank, weights=weights * y)
    caught, alarmed = np.cumsum(events), np.cumsum(np.bincount(rank, weights=weights))
    if caught[-1] == 0:
        raise ValueError("sample_weight must not be 0 for all events.")
    safe = np.where(alarmed > 0, alarmed, 1.0)
    at_rank = caught / safe
    value = float(events @ at_rank / caught[-1])
    # a row is in the numerator (if an event) and in the denominator of the precision at its own rank and all below
    gain, loss = _sum_from(events / safe), _sum_from(events * at_rank / safe)
    influence = weights * (y * (at_rank[rank] - value + gain[rank]) - loss[rank]) / caught[-1]
    estimate = _linear_share("Average precision", value, influence, groups=groups, n_independent=int(y.sum()))
    if not 0 < value < 1:
        return estimate
    error = standard_error(influence, groups=groups) / (value * (1 - value))
    scale = normal_estimate("Average precision", float(logit(value)), error, n=len(y), method="linearised logit")
    return replace(scale, value=value, low=float(expit(scale.low)), high=float(expit(scale.high)))


def log_loss(
    y: ArrayLike, p: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the mean negative log-likelihood of the outcomes, in nats.

    Examples
    --------
    >>> round(log_loss([0, 1], [0.2, 0.9]).value, 4)
    0.1643
    """
    y = as_outcomes(y, both=False)
    p = as_probabilities(p, len(y))
    of_outcome = np.clip(np.where(y, p, 1 - p), _SMALLEST_PROBABILITY, 1.0)
    return _mean("Log-loss", -np.log(of_outcome), sample_weight=sample_weight, groups=groups)


def brier(
    y: ArrayLike, p: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the mean squared difference of probability and outcome.

    Examples
    --------
    >>> round(brier([0, 1], [0.2, 0.9]).value, 4)
    0.025
    """
    y = as_outcomes(y, both=False)
    return _mean("Brier score", (as_probabilities(p, len(y)) - y) ** 2, sample_weight=sample_weight, groups=groups)


@dataclass(frozen=True)
class BrierParts:
    """Brier score = miscalibration - discrimination + uncertainty (Dimitriadis, Gneiting and Jordan, 2021).

    Parameters
    ----------
    miscalibration
        What the best monotone recalibration would gain; in small samples never quite 0.
    discrimination
        What that recalibration gains over predicting the mean.
    uncertainty
        Brier score of predicting the mean.
    """

    miscalibration: float
    discrimination: float
    uncertainty: float


def brier_parts(y: ArrayLike, p: ArrayLike, *, sample_weight: ArrayLike | None = None) -> BrierParts:
    """Split the Brier score by isotonic recalibration: no bins to choose.

    Examples
    --------
    >>> brier_parts([0, 1, 0, 1], [0.2, 0.2, 0.8, 0.8])
    BrierParts(miscalibration=0.09, discrimination=0.0, uncertainty=0.25)
    """
    y = as_outcomes(y)
    p, weights = as_probabilities(p, len(y)), as_weights(sample_weight, len(y))
    _, tie = np.unique(p, return_inverse=True)  # sorted by p, equal probabilities pooled
    mass = np.bincount(tie, weights=weights)
    used = mass > 0
    observed = np.bincount(tie, weights=weights * y)[used] / mass[used]
    fitted = np.zeros(len(mass))
    fitted[used] = isotonic_regression(observed, sample_weight=mass[used])
    share = weights / weights.sum()
    mean = share @ y
    score, recalibrated = share @ (p - y) ** 2, share @ (fitted[tie] - y) ** 2
    uncertainty = mean * (1 - mean)
    parts = score - recalibrated, uncertainty - recalibrated, uncertainty
    return BrierParts(*(round(float(part), 12) + 0.0 for part in parts))


def sensitivity(
    y: ArrayLike, alarm: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the share of events that raised an alarm.

    Examples
    --------
    >>> print(sensitivity([1, 1, 1, 0], [True, True, False, False]))
    Sensitivity 0.667 (0.208 to 0.939)
    """
    y, alarm = _decided(y, alarm)
    return _share_within("Sensitivity", alarm, y, sample_weight=sample_weight, groups=groups)


def specificity(
    y: ArrayLike, alarm: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the share of non-events that raised no alarm."""
    y, alarm = _decided(y, alarm)
    return _share_within("Specificity", ~alarm, ~y, sample_weight=sample_weight, groups=groups)


def precision(
    y: ArrayLike, alarm: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Estimate:
    """Return the share of alarms that were events; NaN without an alarm."""
    y, alarm = _decided(y, alarm)
    return _share_within("Precision", y, alarm, sample_weight=sample_weight, groups=groups)


def accuracy(
    labels: ArrayLike,
    predicted: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return the share of rows whose label was predicted."""
    labels, predicted = _labelled(labels, predicted)
    return mean_estimate("Accuracy", labels == predicted, sample_weight=sample_weight, groups=groups)


def balanced_accuracy(
    labels: ArrayLike,
    predicted: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return the mean over classes of the share predicted rightly.

    Examples
    --------
    >>> round(balanced_accuracy(["a", "a", "b", "b"], ["a", "a", "b", "a"]).value, 3)
    0.75
    """
    labels, predicted = _labelled(labels, predicted)
    weights = as_weights(sample_weight, len(labels))
    classes = [label for label in np.unique(labels) if weights[labels == label].sum() > 0]
    recalls, influence = [], np.zeros(len(labels))
    for label in classes:
        members = np.where(labels == label, weights, 0.0)
        recall = float(members @ (predicted == label) / members.sum())
        recalls.append(recall)
        influence += members * ((predicted == label) - recall) / members.sum() / len(classes)
    return _linear_share("Balanced accuracy", float(np.mean(recalls)), influence, groups=groups)


def macro_f1(
    labels: ArrayLike,
    predicted: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return the mean over classes of the F1 score; classes seen in neither array do not count.

    Examples
    --------
    >>> round(macro_f1(["a", "a", "b", "b"], ["a", "a", "b", "a"]).value, 4)
    0.7333
    """
    labels, predicted = _labelled(labels, predicted)
    weights = as_weights(sample_weight, len(labels))
    classes = np.unique(np.concatenate([labels, predicted]))
    scores, influence = [], np.zeros(len(labels))
    for label in classes:
        true, said = labels == label, predicted == label
        size = np.add(true, said, dtype=np.float64)
        total = float(weights @ size)
        score = float(2 * weights @ (true & said)) / total if total else 0.0
        scores.append(score)
        influence += weights * (2.0 * (true & said) - score * size) / (total or 1.0) / len(classes)
    return _linear_share("Macro F1", float(np.mean(scores)), influence, groups=groups)


def macro_auc(
    codes: ArrayLike,
    p: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return the mean over classes of the AUC of that class against the rest.

    Parameters
    ----------
    codes
        Class numbers, int ``(n_rows,)``; classes without a row are left out of the mean.
    p
        Probabilities, ``(n_rows, n_classes)``.
    sample_weight, groups
        Weights and clusters, shape (n_rows,).
    """
    codes, p = _class_codes(codes, p)
    present = np.unique(codes)
    if len(present) < 2:
        raise ValueError("labels must hold at least two classes, got one: nothing can be ranked.")
    parts = [
        auc_influence(codes == code, p[:, code], sample_weight=sample_weight, small_sample=groups is None)
        for code in present
    ]
    value = float(np.mean([part[0] for part in parts]))
    return linear_estimate(
        "Macro AUC (one against rest)",
        value,
        np.mean([part[1] for part in parts], axis=0),
        groups=groups,
        bounds=(0.0, 1.0),
        n_independent=int(np.bincount(codes)[present].min()),
        method="DeLong, averaged",
    )


def multiclass_log_loss(
    codes: ArrayLike,
    p: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return the mean negative log-likelihood of class numbers ``codes`` under ``p`` ``(n_rows, n_classes)``."""
    codes, p = _class_codes(codes, p)
    of_label = np.clip(p[np.arange(len(codes)), codes], _SMALLEST_PROBABILITY, 1.0)
    return _mean("Log-loss", -np.log(of_label), sample_weight=sample_weight, groups=groups)


def _mean(name: str, losses: np.ndarray, *, sample_weight: ArrayLike | None, groups: ArrayLike | None) -> Estimate:
    return mean_estimate(name, losses, sample_weight=sample_weight, groups=groups, bounds=(0.0, np.inf))


def _linear_share(
    name: str,
    value: float,
    influence: np.ndarray,
    *,
    groups: ArrayLike | None,
    n_independent: int | None = None,
) -> Estimate:
    return linear_estimate(name, value, influence, groups=groups, bounds=(0.0, 1.0), n_independent=n_independent)


def _sum_from(values: np.ndarray) -> np.ndarray:
    """Return, at each place, the sum of the values from there to the end."""
    return np.cumsum(values[::-1])[::-1]


def _share_within(
    name: str,
    hit: np.ndarray,
    within: np.ndarray,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return the share of ``hit`` among the rows ``within``; its denominator is random under clustering."""
    n = int(within.sum())
    weights = np.where(within, as_weights(sample_weight, len(hit)), 0.0)
    if weights.sum() == 0:
        return Estimate(name, np.nan, np.nan, np.nan, method="none: no such row", n=0)
    if sample_weight is None and groups is None:
        return proportion(name, int((hit & within).sum()), n)
    value = float(weights @ hit / weights.sum())
    clusters = None if groups is None else np.asarray(groups)[within]
    influence = (weights * (hit - value) / weights.sum())[within]
    return linear_estimate(name, value, influence, groups=clusters, bounds=(0.0, 1.0))


def _decided(y: ArrayLike, alarm: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y, alarm = as_outcomes(y, both=False), as_outcomes(alarm, both=False)
    if y.shape != alarm.shape:
        raise ValueError(f"y and alarm must have one shape, got {y.shape} and {alarm.shape}.")
    return y, alarm


def _labelled(labels: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.ndim != 1 or labels.shape != predicted.shape or labels.size == 0:
        raise ValueError(
            f"labels and predicted must be one-dimensional, equally long and not empty, "
            f"got shapes {labels.shape} and {predicted.shape}."
        )
    return labels, predicted


def _class_codes(codes: ArrayLike, p: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    codes, p = np.asarray(codes), np.asarray(p, dtype=np.float64)
    if p.ndim != 2 or codes.shape != p.shape[:1] or codes.size == 0:
        raise ValueError(f"p must have shape (n_rows, n_classes) for {codes.shape} codes, got {p.shape}.")
    if codes.dtype.kind not in "iu" or codes.min() < 0 or codes.max() >= p.shape[1]:
        raise ValueError(f"codes must be class numbers from 0 to {p.shape[1] - 1}.")
    return codes, p
