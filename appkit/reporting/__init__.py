"""What is told to the reader: facts (content), drawings (charts), one offline page (html)."""

from appkit.reporting.content import DomainSection, Limits, ReportContext, Words, report
from appkit.reporting.html import RENDERERS, render_html
from appkit.reporting.report import Report, report_schema

__all__ = [
    "report",
    "Report",
    "report_schema",
    "render_html",
    "RENDERERS",
    "ReportContext",
    "DomainSection",
    "Limits",
    "Words",
]
