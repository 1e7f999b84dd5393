"""What the dossier of a reader study adds: data flow, operating points, subgroups, referral, failures, checklists."""

from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.facts import NotFilled
from domains.medical.report.failures import failures_section, n_failures_shown
from domains.medical.report.flow import flow_section
from domains.medical.report.guidelines import guidelines_section
from domains.medical.report.operating import operating_section
from domains.medical.report.parts import find_overlaps, parts_of
from domains.medical.report.points import points_of
from domains.medical.report.record import study_facts
from domains.medical.report.referral import referral_section
from domains.medical.report.rivals import rivals_section
from domains.medical.report.subgroups import subgroup_section

__all__ = ["report_sections"]


def report_sections(context: ReportContext) -> tuple[DomainSection, ...]:
    """Return the sections of a reader study; of more than two classes, or of values, data flow and checklists alone.

    Limits are read by the names ``"Sensitivity"``, ``"Specificity"``, ``"PPV"``, ``"NPV"``, ``"Sensitivity at
    specificity 90 %"``, ``"Specificity at sensitivity 90 %"`` (both also with 95 %), ``"Subgroup AUC gap"``,
    ``"Referred"``, ``"Error of images kept"``, ``"Set coverage"`` and ``"Checklist items filled"``. Thresholds and the
    rule of referral are chosen on ``validation=``, never on the rows reported on.
    """
    parts = parts_of(context)
    overlaps = find_overlaps(parts)
    flow = flow_section(context, parts, overlaps)
    if context.evaluation.task != "binary":
        return (_without_event(context), flow, guidelines_section(context, study_facts(context, parts, overlaps)))
    points = points_of(context)
    facts = study_facts(context, parts, overlaps, points=points, n_errors_shown=n_failures_shown(context))
    return (
        operating_section(context, points),
        subgroup_section(context),
        referral_section(context),
        failures_section(context),
        rivals_section(context),
        flow,
        guidelines_section(context, facts),
    )


def _without_event(context: ReportContext) -> DomainSection:
    """Return a section that says what a model without an event lacks."""
    several = (
        f"names one of {len(context.model.classes_)} classes" if context.subject.is_probability else "tells values"
    )
    gap = NotFilled(
        item="Operating points, subgroups, referral, failures and challengers",
        why=f"They need one finding against the rest; this model {several}",
        fill="a report on a model of y == the finding",
    )
    return DomainSection(
        key="challengers",
        title="Operating points",
        question="What does the model catch?",
        blocks=(gap,),
        after="performance",
    )
