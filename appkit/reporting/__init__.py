"""What is told to the reader: facts (content), drawings (charts), one offline page (html)."""

from appkit.reporting.facts import Section, Wording
from appkit.reporting.html import RENDERERS, render_html
from appkit.reporting.report import Report, report_schema

__all__ = ["Report", "Section", "Wording", "report_schema", "render_html", "RENDERERS"]
