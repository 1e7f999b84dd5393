"""What a credit report adds: grades, drift, reason codes, fairness, challengers and the incumbent."""

from appkit.reporting import DomainSection, ReportContext
from domains.finance.report.applicant import applicant_section
from domains.finance.report.drift import drift_section
from domains.finance.report.grades import grades_section
from domains.finance.report.groups import groups_section
from domains.finance.report.rivals import rivals_section

__all__ = ["report_sections"]


def report_sections(context: ReportContext) -> tuple[DomainSection, ...]:
    """Return the credit sections of a report; ratings with several grades get stability alone.

    Limits are read by the names ``"KS"``, ``"Gini"``, ``"PSI"`` (score and columns alike), ``"Approval ratio"`` and
    ``"Calibration gap"``.
    """
    if context.evaluation.task != "binary":
        return (drift_section(context),)
    return (
        grades_section(context),
        drift_section(context),
        applicant_section(context),
        groups_section(context),
        rivals_section(context),
    )
