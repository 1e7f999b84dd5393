"""What a player of a series report is, and what stands in for one that is unknown."""

from appkit.reporting.content.context import ReportContext
from appkit.reporting.facts import Paragraphs
from appkit.reporting.numbers import count_text

__all__ = ["players_note"]


def players_note(context: ReportContext) -> Paragraphs | None:
    """Return what a sensor's effect is the effect of; tables need no such words."""
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


def _background_words(context: ReportContext) -> str:
    n, rows = count_text(context.explanation.n_background), context.words["rows"]
    if context.background.origin != "model":
        return f"{n} {rows} given by the caller"
    usual = context.words["usual"]
    return f"{n} {rows} the model kept from training" + (f", {usual}" if usual else "")
