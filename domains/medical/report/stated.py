"""What the caller told of a study that no data tell: how often the event comes in use, and what only authors know."""

from appkit.reporting import ReportContext
from domains.medical.checklist import StudyFacts
from domains.medical.prediction.predictive_values import check_prevalence

__all__ = ["stated_prevalence", "stated_purpose", "stated_study"]


def stated_prevalence(context: ReportContext) -> float | None:
    """Return the share of events where the model is to be used; ``None`` where nobody stated one."""
    prevalence = getattr(context, "prevalence", None)
    if prevalence is None:
        return None
    check_prevalence(prevalence)
    return float(prevalence)


def stated_study(context: ReportContext) -> StudyFacts:
    """Return the facts the author gave of the study; empty ones where none were given."""
    study = getattr(context, "study", None)
    if study is None:
        return StudyFacts()
    if not isinstance(study, StudyFacts):
        raise TypeError(f"study must be domains.medical.checklist.StudyFacts, got {type(study).__name__}.")
    return study


def stated_purpose(context: ReportContext) -> str:
    """Return what the caller said the model is for; empty where nothing was said."""
    return str(getattr(context, "purpose", "") or "")
