"""What a player of a report on series or images is, and what stands in for one that is unknown."""

import numpy as np

from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.image_subject import ImageSubject
from appkit.reporting.facts import Paragraphs
from appkit.reporting.numbers import count_text

__all__ = ["players_note"]


def players_note(context: ReportContext) -> Paragraphs | None:
    """Return what the effect of a sensor or a patch is the effect of; tables need no such words."""
    if isinstance(context.subject, ImageSubject):
        return _patches_note(context, context.subject)
    if context.over_time is None:
        return None
    words = context.words
    n_steps = context.model.layout_.n_times
    shown = (
        f"One {words['row']} is the last {n_steps} {words['steps']} of one {words['group']}. Each {words['column']} "
        f"counts as a whole: tables and colours show its mean over the {words['row']}, of the age the newest value."
    )
    usual = (
        f"Effects are differences from “as usual”: a {words['column']} that is left out shows what it showed, at the "
        f"same {words['steps']}, in {_background_words(context)}."
    )
    return Paragraphs(title="What an effect compares with", texts=(shown, usual))


def _patches_note(context: ReportContext, subject: ImageSubject) -> Paragraphs:
    explanation, shape = context.explanation, subject.images.shape
    n_rows, n_columns = (len(np.unique(line)) for line in (subject.patches[:, 0], subject.patches[0]))
    cut = (
        f"A grid of {n_rows} × {n_columns} lies over every image of {shape.height} × {shape.width} pixels; "
        "“patch 2, 3” is the second from the top and the third from the left."
    )
    usual = (
        "Effects are differences from “as usual”: a patch that is left out shows the same place in "
        f"{_filling_words(context)}."
    )
    spent = (
        f"{count_text(explanation.n_explained)} of {count_text(explanation.n_rows)} images are explained here, each by "
        f"{count_text(explanation.shapley.n_evaluations)} gradients or answers and a second time by another seed: "
        "images are dear to ask. More images (n_explained=) narrow the intervals."
    )
    return Paragraphs(title="What an effect compares with", texts=(cut, usual, spent))


def _filling_words(context: ReportContext) -> str:
    if context.background.origin == "model":
        return "the mean training image, the only image the model keeps"
    n = len(context.background.rows)
    return f"{'the image' if n == 1 else f'{count_text(n)} images'} given by the caller"


def _background_words(context: ReportContext) -> str:
    n, rows = count_text(context.explanation.n_background), context.words["rows"]
    if context.background.origin != "model":
        return f"{n} {rows} given by the caller"
    usual = context.words["usual"]
    return f"{n} {rows} the model kept from training" + (f", {usual}" if usual else "")
