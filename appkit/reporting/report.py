"""The report a caller holds: facts that can be saved, shown and read back."""

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Self

from appkit.reporting.facts import ReportFacts
from appkit.reporting.html import render_html
from appkit.reporting.serialization import facts_from_json, facts_to_json, json_schema

__all__ = ["Report", "report_schema"]


@dataclass(frozen=True, kw_only=True)
class Report(ReportFacts):
    """Everything a report says, with the ways to keep and show it.

    Examples
    --------
    >>> report = Report(title="Default", kicker="Loans", lead="Nothing was measured.", tiles=(), facts=(), sections=())
    >>> Report.from_json(report.to_json()) == report
    True
    """

    def to_json(self) -> str:
        """Return the facts as JSON; equal reports give equal text."""
        return facts_to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the report that :meth:`to_json` wrote; ``ValueError`` names the first place that does not fit."""
        return facts_from_json(text, cls)

    def to_html(self) -> str:
        """Return one self-contained page; equal reports give equal text."""
        return render_html(self)

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write the page to ``path`` and its facts beside it with the suffix ``.json``; return both paths.

        Each file is written whole or not at all.
        """
        page = Path(path)
        if page.suffix == ".json":
            raise ValueError(f"path must name the page, such as 'report.html', got {str(path)!r}.")
        twin = page.with_suffix(".json")
        html, json = self.to_html(), self.to_json()
        _write_whole(page, html)
        _write_whole(twin, json)
        return page, twin

    def _repr_html_(self) -> str:
        # srcdoc keeps the page's style sheet from leaking into the notebook
        page, title = escape(self.to_html()), escape(self.title)
        return f'<iframe srcdoc="{page}" title="{title}" width="100%" height="720" style="border:0"></iframe>'


def report_schema() -> dict[str, Any]:
    """Return the JSON schema of a report.

    Examples
    --------
    >>> report_schema()["$ref"]
    '#/$defs/Report'
    """
    return json_schema(Report)


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
