"""Rows set aside for choices, such as operating points, so that nothing is chosen on the rows of the report."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.reporting.content.hashing import data_hash
from appkit.reporting.content.subject import ImageSubject, SeriesSubject, Subject, subject_of

__all__ = ["Validation", "validation_rows"]


@dataclass(frozen=True, eq=False)
class Validation:
    """The model's output on rows set aside for choices.

    Parameters
    ----------
    y
        Their labels or values, ``(n_rows,)``.
    output
        Probability of the event or the chosen class, or the value, float64 ``(n_rows,)``.
    is_event
        Whether the event, or the chosen class, came, bool ``(n_rows,)``; ``None`` for values.
    units
        Patient or machine behind each row, ``(n_rows,)``, where the model knows it.
    images
        Of an image model what a report on these rows would be about: its images are ``images.images``.
    """

    y: np.ndarray
    output: np.ndarray
    is_event: np.ndarray | None
    units: np.ndarray | None = None
    images: ImageSubject | None = None

    def __len__(self) -> int:
        return len(self.y)


def validation_rows(validation: Any, subject: Subject) -> Validation | None:
    """Return ``(X_val, y_val)`` as evaluated by the model; ``None`` where nothing was given.

    Raises
    ------
    ValueError
        If it is no such pair, a label is missing or none the model knows, or the rows are those of the report.
    """
    if validation is None:
        return None
    if not isinstance(validation, tuple) or len(validation) != 2 or len(validation[0]) != len(validation[1]):
        raise ValueError("validation must be a pair (X_val, y_val) of equal length.")
    X, y = validation
    seen = subject_of(subject.model, X, y, output=subject.output if subject.task == "multiclass" else None)
    labels = seen.of_rows(np.asarray(y).ravel())
    _check_labels(labels, subject)
    if data_hash(seen.data) == data_hash(subject.data):
        raise ValueError("validation must hold other rows than the report, got the same: what is chosen on rows cannot "
                         "be judged on them.")  # fmt: skip
    units = seen.units if isinstance(seen, ImageSubject | SeriesSubject) else None
    is_event = labels == subject.output if subject.is_probability else None
    images = seen if isinstance(seen, ImageSubject) else None
    return Validation(labels, seen(seen.table), is_event, units, images)


def _check_labels(labels: np.ndarray, subject: Subject) -> None:
    missing = np.flatnonzero(pd.isna(labels))
    if len(missing):
        raise ValueError(f"y of validation must hold no missing labels, got {len(missing)} (first: row {missing[0]}).")
    if not subject.is_probability:
        return
    known = np.asarray(subject.model.classes_)
    unknown = np.flatnonzero(~np.isin(labels, known))
    if len(unknown):
        raise ValueError(
            f"y of validation must hold labels the model was fitted on, {known.tolist()}, got also "
            f"{labels.tolist()[unknown[0]]!r} (first: row {unknown[0]})."
        )
