"""Rows that go together: what that means for the numbers, and machines the model may have learnt from."""

from typing import Any

from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.image_subject import ImageSubject
from appkit.reporting.content.phrasing import capital
from appkit.reporting.content.series_subject import SeriesSubject
from appkit.reporting.facts import WarningBox
from appkit.reporting.numbers import count_text
from appkit.reporting.words import list_text

__all__ = ["dependence_box", "intervals_words", "of_groups", "rows_words", "seen_units"]

_MOST_NAMED = 5


def rows_words(context: ReportContext) -> str:
    """Return how many rows there are, and of how many groups: ``"n = 183 of 20 engines"``."""
    return f"n = {count_text(context.n)}{of_groups(context)}"


def intervals_words(context: ReportContext) -> str:
    """Return how intervals of shares are made, for a caption."""
    if context.units is None:
        return "95 % Wilson intervals"
    return f"95 % intervals, each {context.words['group']} with all its {context.words['rows']} as one draw"


def of_groups(context: ReportContext) -> str:
    """Return what resamples draw, for a caption: ``" of 20 engines"``; nothing where they draw rows."""
    n_groups = context.evaluation.n_groups
    return "" if n_groups is None else f" of {count_text(n_groups)} {context.words['groups']}"


def dependence_box(context: ReportContext) -> WarningBox | None:
    """Return what rows of one group mean for the intervals, and which units share a label with training ones."""
    words, n_groups = context.words, context.evaluation.n_groups
    if n_groups is None:
        return None
    group, groups, rows = words["group"], words["groups"], words["rows"]
    alike = "are alike" if isinstance(context.subject, ImageSubject) else "overlap or follow one another"
    text = (
        f"{capital(rows)} of one {group} {alike}, so {count_text(context.n)} {rows} are worth "
        f"{count_text(n_groups)} {groups}: intervals of metrics redraw whole {groups}. Those of effects take the "
        f"{rows} explained as drawn one by one."
    )
    seen = seen_units(context)
    if not seen:
        return WarningBox(level="note", finding=f"{capital(rows)} of one {group} are not independent", text=text)
    more = f" and {count_text(len(seen) - _MOST_NAMED)} more" if len(seen) > _MOST_NAMED else ""
    named = tuple(f"{group} {label}" for label in seen[:_MOST_NAMED])
    names = f"{', '.join(named)}{more}" if more else list_text(named)
    return WarningBox(
        level="open",
        finding=f"{count_text(len(seen))} of {count_text(n_groups)} {groups} have labels the model was trained on",
        text=f"{names}: if they are the same {groups}, every number here is too good. {text}",
    )


def seen_units(context: ReportContext) -> tuple[Any, ...]:
    """Return the labels of reported units that are also labels of units the model was trained on."""
    subject = context.subject
    if not isinstance(subject, SeriesSubject):
        return ()
    learnt = set(getattr(subject.model, "units_", ()))
    judged = set(subject.units.tolist())
    return tuple(label for place, label in enumerate(subject.series.units) if place in judged and label in learnt)
