"""What outputs and effects are measured in, in the words of the domain."""

from appkit.reporting.content.context import ReportContext

__all__ = ["effect_axis", "effects_in", "is_loss_low", "value_words"]


def effect_axis(context: ReportContext) -> tuple[str, str]:
    """Return the axis of effects in words and their unit."""
    if context.subject.is_probability:
        return "percentage points", "points"
    unit = context.words["unit"]
    return unit or "units of the prediction", unit


def effects_in(context: ReportContext) -> str:
    """Return the unit of effects as the end of a phrase, empty where it has no name: ``" in cycles"``."""
    if context.subject.is_probability:
        return " in percentage points"
    return f" in {context.words['unit']}" if context.words["unit"] else ""


def value_words(context: ReportContext) -> str:
    """Return what is predicted, with its unit: ``"remaining life (cycles)"``."""
    value, unit = context.words["value"], context.words["unit"]
    return f"{value} ({unit})" if unit else value


def is_loss_low(context: ReportContext) -> bool:
    """Return whether the loss lies at the low end of the output, so that lowering effects are drawn as harmful."""
    return not context.subject.is_probability and context.words["loss_at"] == "low"
