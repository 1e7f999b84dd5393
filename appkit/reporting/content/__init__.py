"""From a model and rows to the facts of a report."""

from appkit.reporting.content.build import report
from appkit.reporting.content.context import DomainSection, Limits, ReportContext
from appkit.reporting.content.phrasing import Words

__all__ = ["report", "ReportContext", "DomainSection", "Limits", "Words"]
