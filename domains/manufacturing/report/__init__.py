"""What a maintenance dossier adds: the fleet, prognostics, alarms, failure modes and operating conditions."""

from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.subject import SeriesSubject
from domains.manufacturing.report.alarms import alarms_section
from domains.manufacturing.report.conditions import conditions_section
from domains.manufacturing.report.fleet import fleet_section, newest_of_fleet
from domains.manufacturing.report.modes import case_modes, flagged_modes
from domains.manufacturing.report.prognostics import prognostics_section
from domains.manufacturing.report.record import reported_record
from domains.manufacturing.report.table_costs import table_costs

__all__ = ["report_sections"]


def report_sections(context: ReportContext) -> tuple[DomainSection, ...]:
    """Return the sections of a maintenance dossier: all of them for series, costs and failure modes for tables.

    Limits are read by the names ``"RMSE"``, ``"MAE"``, ``"Bias"``, ``"NASA score"``, ``"Alpha-lambda"``,
    ``"Prognostic horizon"``, ``"Coverage"``, ``"Interval width"``, ``"Alarm recall"``, ``"Alarm precision"`` and
    ``"Error by condition"``.
    """
    if context.evaluation.task == "multiclass":
        return ()
    if not isinstance(context.subject, SeriesSubject):
        return _of_table(context)
    record = reported_record(context)
    fleet = newest_of_fleet(context, record)
    prognostics = () if context.subject.is_probability else (prognostics_section(context, record),)
    return (
        fleet_section(context, record, fleet),
        *prognostics,
        alarms_section(context, record),
        conditions_section(context, record),
        case_modes(context),
    )


def _of_table(context: ReportContext) -> tuple[DomainSection, ...]:
    if context.evaluation.task != "binary":
        return ()
    modes = case_modes(context)
    drivers = DomainSection(key="drivers", title="", question="", blocks=flagged_modes(context))
    return (table_costs(context), drivers, modes)
