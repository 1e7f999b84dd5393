"""Thresholds chosen on validation images, and what happens there on images that chose nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.model.costs import Costs
from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share
from appkit.prediction.thresholds import threshold_at_sensitivity, threshold_at_specificity, threshold_of_youden
from domains.medical.prediction.predictive_values import check_prevalence, likelihood_ratios, predictive_values
from domains.medical.prediction.scored_rows import ScoredRows, scored_rows, validation_rows

__all__ = [
    "ChosenPoint",
    "DiagnosticAccuracy",
    "OperatingTable",
    "diagnostic_accuracy",
    "operating_points",
    "operating_table",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]


@dataclass(frozen=True)
class ChosenPoint:
    """A threshold that is settled before the test images are looked at.

    Parameters
    ----------
    name
        What it aims at: ``"sensitivity 95 %"``.
    threshold
        Output from which an image is flagged.
    chosen_by
        How it was found, in words.
    """

    name: str
    threshold: float
    chosen_by: str = "stated beforehand"


@dataclass(frozen=True)
class DiagnosticAccuracy:
    """What happens at one threshold.

    Parameters
    ----------
    point
        The threshold, what it aims at and how it was chosen.
    sensitivity, specificity
        Shares of events flagged and of non-events not flagged.
    ppv, npv
        Shares of flagged that are events and of unflagged that are not, at ``prevalence``.
    positive_ratio, negative_ratio
        By what a flag, and its absence, multiplies the odds of the event.
    flagged
        Share of images flagged, at ``prevalence``.
    prevalence
        Share of events for which ``ppv``, ``npv`` and ``flagged`` hold.
    is_stated
        Whether that prevalence was stated; else it is the share of events in the rows.
    """

    point: ChosenPoint
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    positive_ratio: Estimate
    negative_ratio: Estimate
    flagged: Estimate
    prevalence: float
    is_stated: bool

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """All figures in reading order."""
        return (
            self.sensitivity,
            self.specificity,
            self.ppv,
            self.npv,
            self.positive_ratio,
            self.negative_ratio,
            self.flagged,
        )


@dataclass(frozen=True)
class OperatingTable:
    """Diagnostic accuracy at each threshold, on one set of images.

    Parameters
    ----------
    rows
        One per threshold, in the order given.
    n, n_events
        Images, and events among them.
    n_patients
        Patients by whom intervals are clustered; ``None`` where images are independent.
    """

    rows: tuple[DiagnosticAccuracy, ...]
    n: int
    n_events: int
    n_patients: int | None = None

    def __getitem__(self, name: str) -> DiagnosticAccuracy:
        for row in self.rows:
            if row.point.name == name:
                return row
        raise KeyError(f"{name!r} is not among {[row.point.name for row in self.rows]}.")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per threshold and figure: threshold, value, low, high, method, n."""
        keys = [(row.point.name, figure.name) for row in self.rows for figure in row.estimates]
        cells = [
            (row.point.threshold, figure.value, figure.low, figure.high, figure.method, figure.n)
            for row in self.rows
            for figure in row.estimates
        ]
        index = pd.MultiIndex.from_tuples(keys, names=["point", "figure"])
        return pd.DataFrame(cells, columns=["threshold", "value", "low", "high", "method", "n"], index=index)


def operating_points(
    y_val: ArrayLike,
    p_val: ArrayLike,
    *,
    sensitivities: Sequence[float] = (0.9, 0.95),
    specificities: Sequence[float] = (0.9, 0.95),
    youden: bool = True,
    costs: Costs | None = None,
) -> tuple[ChosenPoint, ...]:
    """Choose thresholds on validation images.

    Parameters
    ----------
    y_val, p_val
        Events and outputs of images that neither trained nor test the model, shape (n_rows,).
    sensitivities, specificities
        Least shares of validation events flagged, and of non-events not flagged, in (0, 1].
    youden
        Also where sensitivity plus specificity is largest.
    costs
        Also where the expected cost is least; asks for calibrated probabilities.

    Examples
    --------
    >>> y, p = [0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.6, 0.9]
    >>> for point in operating_points(y, p, sensitivities=[0.9], specificities=[0.6]):
    ...     print(point.name, round(point.threshold, 3))
    sensitivity 90 % 0.6
    specificity 60 % 0.2
    Youden 0.6
    """
    rows = validation_rows(y_val, p_val, probabilities=costs is not None)
    n_events = int(rows.y.sum())
    n_rest = len(rows.y) - n_events
    points = [
        ChosenPoint(
            f"sensitivity {100 * target:g} %",
            threshold_at_sensitivity(rows.y, rows.p, target),
            f"the highest threshold that flags at least {100 * target:g} % of {n_events} validation events",
        )
        for target in sensitivities
    ]
    points += [
        ChosenPoint(
            f"specificity {100 * target:g} %",
            threshold_at_specificity(rows.y, rows.p, target),
            f"the lowest threshold that leaves at least {100 * target:g} % of {n_rest} validation non-events unflagged",
        )
        for target in specificities
    ]
    if youden:
        how = f"largest sensitivity plus specificity on {len(rows.y)} validation images"
        points.append(ChosenPoint("Youden", threshold_of_youden(rows.y, rows.p), how))
    if costs is not None:
        how = f"an event missed costs {costs.missed_event:g}, a false alarm {costs.false_alarm:g} {costs.currency}"
        points.append(ChosenPoint("least cost", costs.threshold, how.rstrip()))
    return tuple(points)


def operating_table(
    points: Sequence[ChosenPoint],
    y: ArrayLike,
    p: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    prevalence: float | None = None,
    level: float = 0.95,
) -> OperatingTable:
    """Measure each threshold on images that had no part in choosing it.

    Parameters
    ----------
    points
        From :func:`operating_points`, or stated: ``ChosenPoint("as fitted", 0.5)``.
    y, p
        Events and outputs, shape (n_rows,).
    groups
        Patient of each image, shape (n_rows,): intervals are clustered by them.
    prevalence
        Share of events where the model is to be used, strictly between 0 and 1; default that of these images.
    level
        Coverage the intervals aim at.

    Examples
    --------
    >>> table = operating_table([ChosenPoint("as fitted", 0.5)], [0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.6, 0.9])
    >>> print(table["as fitted"].specificity)
    Specificity 0.667 (0.094 to 0.992)
    """
    rows = scored_rows(y, p, groups=groups)
    measured = tuple(_measure(rows, point, prevalence=prevalence, level=level) for point in points)
    return OperatingTable(measured, len(rows.y), int(rows.y.sum()), rows.n_patients)


def diagnostic_accuracy(
    y: ArrayLike,
    p: ArrayLike,
    *,
    threshold: float,
    groups: ArrayLike | None = None,
    prevalence: float | None = None,
    level: float = 0.95,
) -> DiagnosticAccuracy:
    """Return what happens where images are flagged from ``threshold`` on; see :func:`operating_table`.

    Examples
    --------
    >>> found = diagnostic_accuracy([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.6, 0.9], threshold=0.5, prevalence=0.1)
    >>> round(found.ppv.value, 2), round(found.flagged.value, 2)
    (0.25, 0.4)
    """
    point = ChosenPoint(f"threshold {threshold:g}", float(threshold))
    return _measure(scored_rows(y, p, groups=groups), point, prevalence=prevalence, level=level)


def sensitivity_at_specificity(
    y: ArrayLike,
    p: ArrayLike,
    *,
    specificity: float,
    y_val: ArrayLike,
    p_val: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return the sensitivity at the threshold that reaches a specificity on validation images.

    The threshold owes nothing to the images measured, so that the interval is exact where they are independent.

    Examples
    --------
    >>> y, p = [0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.6, 0.9]
    >>> print(sensitivity_at_specificity(y, p, specificity=0.9, y_val=y, p_val=p))
    Sensitivity at specificity 90 % 0.500 (0.013 to 0.987)
    """
    rows, chosen = scored_rows(y, p, groups=groups), validation_rows(y_val, p_val)
    flagged = rows.p >= threshold_at_specificity(chosen.y, chosen.p, specificity)
    name = f"Sensitivity at specificity {100 * specificity:g} %"
    return exact_share(name, flagged[rows.y], groups=rows.patients(rows.y), level=level)


def specificity_at_sensitivity(
    y: ArrayLike,
    p: ArrayLike,
    *,
    sensitivity: float,
    y_val: ArrayLike,
    p_val: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return the specificity at the threshold that reaches a sensitivity on validation images; see above.

    Examples
    --------
    >>> y, p = [0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.6, 0.9]
    >>> print(specificity_at_sensitivity(y, p, sensitivity=0.9, y_val=y, p_val=p))
    Specificity at sensitivity 90 % 0.667 (0.094 to 0.992)
    """
    rows, chosen = scored_rows(y, p, groups=groups), validation_rows(y_val, p_val)
    passed = rows.p < threshold_at_sensitivity(chosen.y, chosen.p, sensitivity)
    name = f"Specificity at sensitivity {100 * sensitivity:g} %"
    return exact_share(name, passed[~rows.y], groups=rows.patients(~rows.y), level=level)


def _measure(rows: ScoredRows, point: ChosenPoint, *, prevalence: float | None, level: float) -> DiagnosticAccuracy:
    y, alarm = rows.y, rows.p >= point.threshold
    sensitivity = exact_share("Sensitivity", alarm[y], groups=rows.patients(y), level=level)
    specificity = exact_share("Specificity", ~alarm[~y], groups=rows.patients(~y), level=level)
    ppv, npv = predictive_values(y, alarm, prevalence=prevalence, groups=rows.groups, level=level)
    ratios = likelihood_ratios(y, alarm, groups=rows.groups, level=level)
    if prevalence is None:
        flagged = exact_share("Flagged", alarm, groups=rows.groups, level=level)
        return DiagnosticAccuracy(
            point, sensitivity, specificity, ppv, npv, *ratios, flagged, float(y.mean()), is_stated=False
        )
    check_prevalence(prevalence)
    flagged = _flagged_at(prevalence, sensitivity, specificity, n=len(y))
    return DiagnosticAccuracy(
        point, sensitivity, specificity, ppv, npv, *ratios, flagged, float(prevalence), is_stated=True
    )


def _flagged_at(prevalence: float, sensitivity: Estimate, specificity: Estimate, *, n: int) -> Estimate:
    """Return the share flagged at a prevalence: each of two exact intervals weighs as its share of the images does."""
    value = prevalence * sensitivity.value + (1 - prevalence) * (1 - specificity.value)
    below = np.hypot(
        prevalence * (sensitivity.value - sensitivity.low), (1 - prevalence) * (specificity.high - specificity.value)
    )
    above = np.hypot(
        prevalence * (sensitivity.high - sensitivity.value), (1 - prevalence) * (specificity.value - specificity.low)
    )
    method = f"from sensitivity and specificity ({sensitivity.method})"
    return Estimate("Flagged", value, float(value - below), float(value + above), method, n=n, level=sensitivity.level)
