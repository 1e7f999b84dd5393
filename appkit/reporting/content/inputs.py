"""What a caller gives, checked and completed: outputs, reference, background, protected columns, words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.data import check_groups, check_sample_weight
from appkit.data.windows import Windows
from appkit.domain import Domain, discover_domains, domain_of
from appkit.model.costs import Costs
from appkit.prediction import Evaluation, evaluate
from appkit.reporting.content.image_subject import ImageSubject, image_subject
from appkit.reporting.content.series_subject import SeriesSubject, series_subject
from appkit.reporting.content.subject import Subject
from appkit.reporting.content.table_subject import TableSubject, as_table
from appkit.reporting.numbers import count_text

__all__ = [
    "Background",
    "Measured",
    "Reference",
    "background_rows",
    "measure",
    "protected_columns",
    "reference_rows",
    "refuse_what_others_have",
    "resolve_domain",
    "words_of",
]

_SAMPLED_BACKGROUND = 200
_FILLING_IMAGES = 20  # each is asked about wherever a patch is left out


@dataclass(frozen=True, eq=False)
class Measured:
    """The model's output on the rows of a report, and what came.

    Parameters
    ----------
    y
        Labels or values, ``(n_rows,)``.
    output
        Probability of the event or the chosen class, or the value, float64 ``(n_rows,)``.
    evaluation
        Metrics on these rows.
    is_event
        Whether the event, or the chosen class, came, bool ``(n_rows,)``; ``None`` for values.
    flagged
        Whether the output is at the threshold or above, bool ``(n_rows,)``; ``None`` unless binary.
    sample_weight, costs
        As given, or as the model has them.
    groups
        Code of the patient, customer or machine behind each row, int64 ``(n_rows,)``; ``None`` where rows stand alone.
    given_y
        Labels as the caller gave them, one per row of ``X``, missing ones included.
    """

    y: np.ndarray
    output: np.ndarray
    evaluation: Evaluation
    is_event: np.ndarray | None
    flagged: np.ndarray | None
    sample_weight: np.ndarray | None
    costs: Costs | None
    groups: np.ndarray | None = None
    given_y: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Reference:
    """Training rows to hold those of the report against.

    Parameters
    ----------
    table
        One row per row judged, columns as in the table of the report.
    y
        Their labels, where given.
    output
        The model's output on them, float64 ``(n_rows,)``.
    subject
        Of a series model what a report on them would be about, with their readings; ``None`` of tables.
    images
        The same of an image model.
    """

    table: pd.DataFrame
    y: np.ndarray | None
    output: np.ndarray
    subject: SeriesSubject | None = None
    images: ImageSubject | None = None


@dataclass(frozen=True, eq=False)
class Background:
    """What stands for what is unknown.

    Parameters
    ----------
    rows
        Rows of a table; or windows, or pixels of images, ``None`` for those the model keeps.
    origin
        Whose they are: ``"model"``, ``"caller"`` or ``"report"`` (rows of the reference or of the report itself).
    notes
        What fell back, a sentence each.
    """

    rows: Any
    origin: str = "caller"
    notes: tuple[str, ...] = ()


def measure(
    subject: Subject,
    X: Any,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None,
    groups: ArrayLike | None,
    costs: Costs | None,
    threshold: float | None,
    random_state: int,
) -> Measured:
    """Evaluate the model and keep its outputs; without costs and threshold those of the model hold."""
    given_y = np.asarray(y).ravel()
    weights = check_sample_weight(sample_weight, n_rows=len(given_y))
    if isinstance(subject, ImageSubject):
        _check_one_label_an_image(given_y, subject)
        X, groups = subject.images.pixels, subject.units if groups is None else groups  # files are read once
    evaluation = evaluate(
        subject.model,
        X,
        y,
        sample_weight=weights,
        groups=groups,
        costs=costs,
        threshold=threshold,
        random_state=random_state,
    )
    if costs is None and threshold is None:
        costs = getattr(subject.model, "costs", None)
    output, labels = subject(subject.table), subject.of_rows(given_y)
    return Measured(
        y=labels,
        output=output,
        evaluation=evaluation,
        is_event=labels == subject.output if subject.is_probability else None,
        flagged=None if evaluation.threshold is None else output >= evaluation.threshold,
        sample_weight=subject.of_rows(weights),
        costs=None if subject.task == "multiclass" else costs,
        groups=_group_codes(subject, groups),
        given_y=given_y,
    )


def _check_one_label_an_image(y: np.ndarray, subject: ImageSubject) -> None:
    if len(y) != len(subject.images):  # before patients are held against them, who are not to blame
        raise ValueError(f"y must have one entry per image of X, got {len(y)} for {len(subject.images)} images.")


def _group_codes(subject: Subject, groups: ArrayLike | None) -> np.ndarray | None:
    if groups is not None:
        return check_groups(subject.of_rows(groups), n_rows=len(subject.table))
    return subject.units if isinstance(subject, SeriesSubject) else None


def resolve_domain(domain: Domain | str | None, model: Any) -> Domain | None:
    """Return the domain whose words and sections are used: the one given, or that of the model's class."""
    if not isinstance(domain, str):
        return domain or domain_of(model)
    known = discover_domains()
    if domain not in known:
        raise ValueError(f"domain must be one of {sorted(known)}, got {domain!r}.")
    return known[domain]


def words_of(domain: Domain | None, subject: Subject) -> Mapping[str, str]:
    """Return the words of the domain before those of the kind of data; without one the event is known by its label."""
    if domain is not None:
        return {**subject.words, **domain.wording}
    event = {"event": f"event {subject.output!r}", "events": "events"} if subject.task == "binary" else {}
    return {**subject.words, **event}


def refuse_what_others_have(subject: Subject, *, tables: Mapping[str, Any], images: bool | str) -> None:
    """Raise for the first argument that was given and that only another kind of data has a use for.

    Parameters
    ----------
    subject
        What the report is about.
    tables
        Arguments for models of tables, by name.
    images
        Whether images were asked for.
    """
    if images and not isinstance(subject, ImageSubject):
        raise ValueError(f"show_images is for models of images, got {images!r}. Leave it out.")
    if isinstance(subject, TableSubject):
        return
    kind = "images" if isinstance(subject, ImageSubject) else "sensor series"
    for name, value in tables.items():
        if value is not None:
            raise ValueError(f"{name} is for models of tables; a report on {kind} has no use for it. Leave it out.")


def reference_rows(reference: Any, subject: Subject) -> Reference | None:
    """Return the training rows given, or those a table model of ours keeps; ``None`` where there are none."""
    if isinstance(reference, tuple) and (len(reference) != 2 or len(reference[0]) != len(reference[1])):
        raise ValueError("reference must be training rows or (X_train, y_train) of equal length.")
    X, y = reference if isinstance(reference, tuple) else (reference, None)
    if isinstance(subject, SeriesSubject):
        return None if X is None else _series_reference(subject, X, y)
    if isinstance(subject, ImageSubject):
        return None if X is None else _image_reference(subject, X, y)
    kept = getattr(subject.model, "background_", None)
    if X is None and not isinstance(kept, pd.DataFrame):
        return None
    table = kept if X is None else as_table(X, model=subject.model)
    assert isinstance(table, pd.DataFrame)
    return Reference(table, None if y is None else np.asarray(y).ravel(), subject(table))


def _series_reference(subject: SeriesSubject, X: Any, y: ArrayLike | None) -> Reference:
    seen = series_subject(subject.model, X, y, output=subject.output if subject.task == "multiclass" else None)
    labels = None if y is None else seen.of_rows(np.asarray(y).ravel())
    return Reference(seen.table, labels, seen(seen.table), seen)


def _image_reference(subject: ImageSubject, X: Any, y: ArrayLike | None) -> Reference:
    seen = image_subject(subject.model, X, output=subject.output if subject.task == "multiclass" else None)
    return Reference(seen.table, None if y is None else np.asarray(y).ravel(), seen.outputs, images=seen)


def background_rows(background: Any, subject: Subject, *, reference: Reference | None, random_state: int) -> Background:
    """Return the rows that stand for what is unknown, and what fell back."""
    if isinstance(subject, SeriesSubject):
        return _background_windows(background, subject, random_state=random_state)
    if isinstance(subject, ImageSubject):
        return _background_images(background, subject, random_state=random_state)
    assert isinstance(subject, TableSubject)
    if background is not None:
        return Background(as_table(background, model=subject.model))
    if subject.is_ours:
        return Background(subject.model.background_, "model")
    source, note = (
        (subject.table, "rows of this report") if reference is None else (reference.table, "rows of the reference")
    )
    chosen = _drawn(len(source), random_state)
    sentence = f"No background was given: {len(chosen)} {note}, drawn by the seed, stand in."
    return Background(source.iloc[chosen], "report", (sentence,))


def _background_windows(background: Any, subject: SeriesSubject, *, random_state: int) -> Background:
    """Return windows given, or readings of which every window counts, at most 200 of them."""
    if background is None:
        return Background(None, "model")
    windows = background if isinstance(background, Windows) else subject.model.windows(background, rows="all")
    chosen = _drawn(len(windows), random_state)
    if len(chosen) == len(windows):
        return Background(windows)
    sentence = f"{len(chosen)} of {count_text(len(windows))} background windows, drawn by the seed, are used."
    return Background(windows[chosen], notes=(sentence,))


def _background_images(background: Any, subject: ImageSubject, *, random_state: int) -> Background:
    """Return images given, at most 20 of them."""
    if background is None:
        return Background(None, "model")
    pixels = subject.model.images(background).pixels
    chosen = _drawn(len(pixels), random_state, most=_FILLING_IMAGES)
    if len(chosen) == len(pixels):
        return Background(pixels)
    sentence = f"{len(chosen)} of {count_text(len(pixels))} background images, drawn by the seed, are used."
    return Background(pixels[chosen], notes=(sentence,))


def _drawn(n: int, random_state: int, *, most: int = _SAMPLED_BACKGROUND) -> np.ndarray:
    return np.sort(np.random.default_rng(random_state).choice(n, min(most, n), replace=False))


def protected_columns(protected: Any, subject: Subject) -> pd.DataFrame | None:
    """Return the protected columns, one row per row of ``X``; ``None`` where none is named or found."""
    X = subject.table
    if not isinstance(subject, TableSubject):
        return None
    if isinstance(protected, pd.DataFrame):
        if len(protected) != len(X):
            raise ValueError(f"protected must have one row per row of X, got {len(protected)} for {len(X)}.")
        return protected
    if protected is None:
        present = [name for name in getattr(subject.model, "protected_", ()) if name in X.columns]
        return X[present] if present else None
    absent = [name for name in protected if name not in X.columns]
    if absent:
        raise ValueError(f"protected must name columns of X or be a frame, {absent} are not in X.")
    return X[list(protected)]
