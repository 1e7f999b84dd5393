"""Sets of labels that remain possible: do they hold the truth as promised, and how much do they leave open."""

from typing import Any

import numpy as np

from appkit.reporting import ReportContext
from appkit.reporting.content.phrasing import first_that_fits, percent
from appkit.reporting.content.subject import ImageSubject
from appkit.reporting.facts import Cell, DataTable, NotFilled, Verdict, verdict
from domains.medical.prediction import ConformalSummary, conformal_summary
from domains.medical.report.shares import interval_words, share_cell

__all__ = ["sets_block", "sets_title"]

_ALPHA = 0.1


def sets_block(context: ReportContext) -> DataTable | NotFilled:
    """Return what sets hold by class, their sizes, and how right those of one label are; limit ``"Set coverage"``."""
    item = "Sets of labels that remain possible"
    if not hasattr(context.model, "predict_set") or not isinstance(context.subject, ImageSubject):
        return NotFilled(item=item, why="The model has no predict_set: it kept no held-out scores to make sets from")
    sets = _predicted_sets(context.model, context.subject)
    if isinstance(sets, str):
        return NotFilled(item=item, why=sets, fill="a fit on more images")
    classes = list(context.model.classes_)
    codes = np.array([classes.index(label) for label in context.y])
    summary = conformal_summary(codes, sets, classes=classes, alpha=_ALPHA, groups=context.units)
    limit = context.limits.get("Set coverage")
    rows: list[tuple[Cell, ...]] = []
    for one in (summary.coverage, *summary.by_class):
        cell = share_cell(one)
        decided = Verdict("unfilled", "not filled") if isinstance(cell, NotFilled) else verdict(cell, limit)
        rows.append((one.name, cell, decided))
    names = ["No label possible", "One label", *[f"{n} labels" for n in range(2, len(classes) + 1)]]
    rows += [
        (f"{name}: share of {context.words['rows']}", share_cell(one), "does not apply")
        for name, one in zip(names, summary.sizes, strict=True)
    ]
    rows.append(("Right where one label is left", share_cell(summary.single), "does not apply"))
    return DataTable(
        title=sets_title(summary),
        caption=f"Sets are made to hold the true label of at least {percent(1 - _ALPHA)} of {context.words['rows']} of "
        f"each class, by conformal prediction on images the model held out in training; {interval_words(context)} "
        "below each value",
        columns=("Figure", "Share", "Verdict"),
        rows=tuple(rows),
        how_to_read="Where one label is left the model commits itself; where several or none are, a person should read "
        "the image. The promise holds for images like those of training.",
    )


def sets_title(summary: ConformalSummary) -> str:
    """Return whether sets hold the truth as promised, by the interval of each class."""
    promised = summary.promised
    assert promised is not None
    short = [one.name.removeprefix("Coverage of ") for one in summary.by_class if one.high < promised]
    if short:
        return first_that_fits(
            f"Sets miss the promised {percent(promised)} for {' and '.join(short)}",
            f"Sets miss the promised {percent(promised)} for {len(short)} classes",
        )
    single = f"{percent(summary.sizes[1].value)} of images have one label left"
    if all(one.low >= promised for one in summary.by_class if one.low == one.low):
        return f"Sets keep their promise of {percent(promised)}; {single}"
    return f"No class is told to miss the promised {percent(promised)}; {single}"


def _predicted_sets(model: Any, subject: ImageSubject) -> np.ndarray | str:
    try:
        return np.asarray(model.predict_set(subject.images.pixels, alpha=_ALPHA), dtype=bool)
    except ValueError as err:  # fitted on too few images to hold any out
        return str(err).rstrip(".")
