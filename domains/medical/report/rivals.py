"""The model beside others on the same images of the same patients: those given, or what anybody would try first."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from appkit.explanation.games.model import is_of_images
from appkit.prediction import brier
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import first_that_fits, measure_or_gap
from appkit.reporting.content.subject import ImageSubject
from appkit.reporting.facts import Block, Cell, Challenger, ChallengerTable, Measure, NotFilled
from appkit.reporting.numbers import count_text
from appkit.reporting.words import compare_phrase, list_text
from domains.medical.prediction import compare_models
from domains.medical.report.baselines import PooledPixels, WholeImageStatistics
from domains.medical.report.shares import counted

__all__ = ["rivals_section", "rivals_title"]

_ITEM = "Other models on the same images"
_AUTO = {
    "Image statistics": (WholeImageStatistics, "logistic regression on four grey-value statistics"),
    "Pooled pixels": (PooledPixels, "logistic regression on an 8 × 8 picture"),
}


def rivals_section(context: ReportContext) -> DomainSection:
    """Return the table of challengers: fitted models by name, scores by name, or two simple baselines.

    A challenger is a fitted classifier, which is given the images as the caller gave them where it is an image model
    that reads frames, else the pixels this model sees ``(n, height, width, n_channels)``; or one score per image that
    grows with the event, such as what a reader or a published model said.
    """
    block = _block(context)
    question = f"Would something simpler, or another model, rank {context.words['rows']} as well?"
    if isinstance(block, ChallengerTable):
        question = f"{rivals_title(block.challengers)}."
    return DomainSection(key="challengers", title="Challengers", question=question, blocks=(block,), after="failures")


def rivals_title(rows: tuple[Challenger, ...]) -> str:
    """Return who is ahead, level or behind, by the intervals of the paired differences.

    Examples
    --------
    >>> own = Challenger("This model", "", Measure(0.9, 0.85, 0.95), None, is_own=True)
    >>> behind = Challenger("Pooled pixels", "", Measure(0.7, 0.6, 0.8), Measure(-0.2, -0.3, -0.1))
    >>> level = Challenger("A reader", "", Measure(0.91, 0.86, 0.96), Measure(0.01, -0.03, 0.05))
    >>> rivals_title((own, behind, level))
    'A reader cannot be told apart from this model; Pooled pixels is behind'
    """
    others = [(row.name, row.difference) for row in rows if row.difference is not None]
    if len(others) == 1:
        return compare_phrase(others[0][0], others[0][1])
    told: dict[str, list[str]] = {"ahead": [], "level": [], "behind": []}
    for name, difference in others:
        if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
            told["level"].append(name)
        else:
            told["ahead" if difference.value > 0 else "behind"].append(name)
    parts = []
    for key, words in (("ahead", "ahead of this model"), ("level", ""), ("behind", "behind")):
        names = told[key]
        if not names:
            continue
        is_one = len(names) == 1
        said = "cannot be told apart from this model" if key == "level" else f"{'is' if is_one else 'are'} {words}"
        parts.append(f"{list_text(tuple(names))} {said}")
    if told["behind"] and len(parts) == 1:
        parts[0] += " this model"
    counts = f"Of {len(others)} challengers {len(told['ahead'])} are ahead and {len(told['behind'])} behind"
    return first_that_fits("; ".join(parts), counts)


def _block(context: ReportContext) -> Block:
    if context.challengers is None:
        fill = "with training images as reference=(X_train, y_train)"
        return NotFilled(item=_ITEM, why="None were given", fill=fill, argument='challengers="auto"')
    is_auto = isinstance(context.challengers, str)
    if is_auto and (context.reference_images is None or context.reference_y is None):
        why = "They need training images and labels to fit on"
        return NotFilled(item=_ITEM, why=why, argument="reference=(X_train, y_train)")
    scores = _auto_scores(context) if is_auto else _given_scores(context, context.challengers)
    notes = {name: note for name, (_, note) in _AUTO.items()} if is_auto else {}
    if not scores:
        return NotFilled(item=_ITEM, why="The mapping given is empty", argument='challengers="auto"')
    return _table(context, scores, notes)


def _table(context: ReportContext, scores: Mapping[str, np.ndarray], notes: Mapping[str, str]) -> ChallengerTable:
    words = context.words
    rows: list[Challenger] = []
    for name, score in scores.items():
        found = compare_models(context.events, score, context.output, groups=context.units)
        if not rows:
            own = type(context.model).__name__
            rows.append(
                Challenger(
                    "This model", own, _measure(found.second), None, (_brier(context, context.output),), is_own=True
                )
            )
        rows.append(
            Challenger(
                name,
                notes.get(name, "as given"),
                _measure(found.first),
                _measure(found.difference),
                (_brier(context, score),),
            )
        )
    n_patients = "" if context.units is None else f" of {counted(len(np.unique(context.units)), words['group'])}"
    clustered = "" if context.units is None else f", clustered by {words['group']} (Obuchowski)"
    return ChallengerTable(
        caption=f"AUC on the same {count_text(context.n)} {words['rows']}{n_patients}. Difference: challenger minus "
        f"this model, by DeLong’s paired interval{clustered}; 95 %.",
        metric="AUC",
        challengers=tuple(rows),
        columns=("Brier score",),
        how_to_read="A bar that touches the solid line at zero means the difference may be chance. "
        "Left of the line this model ranks better.",
    )


def _measure(estimate: Any) -> Measure:
    cell = measure_or_gap(estimate, decimals=3)
    return cell if isinstance(cell, Measure) else Measure(float(estimate.value), decimals=3)


def _brier(context: ReportContext, score: np.ndarray) -> Cell:
    if score.min() < 0 or score.max() > 1:
        return NotFilled(item="Brier score", why="It is a score, not a probability")
    return measure_or_gap(brier(context.events, score, groups=context.units), decimals=3)


def _auto_scores(context: ReportContext) -> dict[str, np.ndarray]:
    """Return the probabilities of baselines fitted on the training images."""
    assert context.reference_images is not None
    assert context.reference_y is not None
    assert isinstance(context.subject, ImageSubject)
    is_event = np.asarray(context.reference_y) == context.subject.output
    if is_event.all() or not is_event.any():
        return {}
    learnt, here = context.reference_images.images.pixels, context.subject.images.pixels
    return {name: kind().fit(learnt, is_event).predict_proba(here)[:, 1] for name, (kind, _) in _AUTO.items()}


def _given_scores(context: ReportContext, challengers: Any) -> dict[str, np.ndarray]:
    """Return what each challenger says of the images, float64 ``(n_images,)``."""
    if not isinstance(challengers, Mapping):
        raise TypeError(f"challengers must be a mapping of models or scores by name, or 'auto', got {challengers!r}.")
    return {str(name): _score_of(context, str(name), given) for name, given in challengers.items()}


def _score_of(context: ReportContext, name: str, given: Any) -> np.ndarray:
    if not hasattr(given, "predict_proba"):
        score = np.asarray(given, dtype=np.float64)
        if score.shape != (context.n,) or not np.isfinite(score).all():
            raise ValueError(
                f"challengers[{name!r}] must be a fitted classifier or one finite score per image, ({context.n},), got "
                f"shape {score.shape}."
            )
        return score
    classes = np.asarray(given.classes_).tolist()
    if context.subject.output not in classes:
        raise ValueError(
            f"challengers[{name!r}] must know the label {context.subject.output!r}, its classes are {classes}."
        )
    place = classes.index(context.subject.output)
    return np.asarray(given.predict_proba(_input_of(context, given)), dtype=np.float64)[:, place]


def _input_of(context: ReportContext, model: Any) -> Any:
    subject = context.subject
    if not isinstance(subject, ImageSubject):
        return context.X
    if subject.given is not None and is_of_images(model):
        return subject.given  # it reads them to the size it wants
    return subject.images.pixels
