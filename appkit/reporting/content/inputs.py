"""What a caller gives, checked and completed: outputs, reference, background, protected columns, words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.data import check_sample_weight
from appkit.domain import Domain, discover_domains, domain_of
from appkit.model.costs import Costs
from appkit.prediction import Evaluation, evaluate
from appkit.reporting.content.subject import Subject, as_table

__all__ = [
    "Measured",
    "background_rows",
    "measure",
    "protected_columns",
    "reference_rows",
    "resolve_domain",
    "words_of",
]

_SAMPLED_BACKGROUND = 200


@dataclass(frozen=True)
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
    """

    y: np.ndarray
    output: np.ndarray
    evaluation: Evaluation
    is_event: np.ndarray | None
    flagged: np.ndarray | None
    sample_weight: np.ndarray | None
    costs: Costs | None


def measure(
    subject: Subject,
    X: Any,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None,
    costs: Costs | None,
    threshold: float | None,
    random_state: int,
) -> Measured:
    """Evaluate the model and keep its outputs; without costs and threshold those of the model hold."""
    table, labels = as_table(X, model=subject.model), np.asarray(y).ravel()
    weights = check_sample_weight(sample_weight, n_rows=len(table))
    evaluation = evaluate(
        subject.model, X, y, sample_weight=weights, costs=costs, threshold=threshold, random_state=random_state
    )
    if costs is None and threshold is None:
        costs = getattr(subject.model, "costs", None)
    output = subject(table)
    return Measured(
        y=labels,
        output=output,
        evaluation=evaluation,
        is_event=labels == subject.output if subject.is_probability else None,
        flagged=None if evaluation.threshold is None else output >= evaluation.threshold,
        sample_weight=weights,
        costs=costs if subject.task == "binary" else None,
    )


def resolve_domain(domain: Domain | str | None, model: Any) -> Domain | None:
    """Return the domain whose words and sections are used: the one given, or that of the model's class."""
    if not isinstance(domain, str):
        return domain or domain_of(model)
    known = discover_domains()
    if domain not in known:
        raise ValueError(f"domain must be one of {sorted(known)}, got {domain!r}.")
    return known[domain]


def words_of(domain: Domain | None, subject: Subject) -> Mapping[str, str]:
    """Return the words of the domain; without one the event is known by its label."""
    if domain is not None:
        return domain.wording
    return {"event": f"event {subject.output!r}", "events": "events"} if subject.task == "binary" else {}


def reference_rows(reference: Any, model: Any) -> tuple[pd.DataFrame | None, np.ndarray | None]:
    """Return training rows and their labels, ``None`` where there are none; a model of ours keeps a sample."""
    if reference is None:
        return getattr(model, "background_", None), None
    if isinstance(reference, tuple):
        if len(reference) != 2 or len(reference[0]) != len(reference[1]):
            raise ValueError("reference must be training rows or (X_train, y_train) of equal length.")
        return as_table(reference[0], model=model), np.asarray(reference[1]).ravel()
    return as_table(reference, model=model), None


def background_rows(
    background: Any, subject: Subject, *, reference: pd.DataFrame | None, X: pd.DataFrame, random_state: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows that stand for what is unknown, and what fell back."""
    if background is not None:
        return as_table(background, model=subject.model), ()
    if subject.is_ours:
        return subject.model.background_, ()
    source, note = (X, "rows of this report") if reference is None else (reference, "rows of the reference")
    n = min(_SAMPLED_BACKGROUND, len(source))
    chosen = np.sort(np.random.default_rng(random_state).choice(len(source), n, replace=False))
    return source.iloc[chosen], (f"No background was given: {n} {note}, drawn by the seed, stand in.",)


def protected_columns(protected: Any, model: Any, X: pd.DataFrame) -> pd.DataFrame | None:
    """Return the protected columns, one row per row of ``X``; ``None`` where none is named or found."""
    if isinstance(protected, pd.DataFrame):
        if len(protected) != len(X):
            raise ValueError(f"protected must have one row per row of X, got {len(protected)} for {len(X)}.")
        return protected
    if protected is None:
        present = [name for name in getattr(model, "protected_", ()) if name in X.columns]
        return X[present] if present else None
    absent = [name for name in protected if name not in X.columns]
    if absent:
        raise ValueError(f"protected must name columns of X or be a frame, {absent} are not in X.")
    return X[list(protected)]
