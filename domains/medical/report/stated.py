"""What the author of a study told of it, which no data tell."""

from appkit.reporting import ReportContext
from domains.medical.checklist import StudyFacts

__all__ = ["stated_study"]


def stated_study(context: ReportContext) -> StudyFacts:
    """Return the facts the author gave of the study; empty ones where none were given."""
    if context.study is None:
        return StudyFacts()
    if not isinstance(context.study, StudyFacts):
        raise TypeError(f"study must be domains.medical.checklist.StudyFacts, got {type(context.study).__name__}.")
    return context.study
