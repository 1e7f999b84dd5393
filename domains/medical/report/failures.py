"""The images the model was most wrong about: as pictures where these may be shown, else by name and probability."""

import numpy as np
import pandas as pd

from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.image_errors import thumbnail_gallery
from appkit.reporting.content.phrasing import capital, label_of, percent
from appkit.reporting.content.subject import ImageSubject
from appkit.reporting.facts import Block, Cell, DataTable, Measure, Paragraphs
from appkit.reporting.numbers import count_text
from domains.medical.prediction import WorstErrors, subgroup_levels, worst_errors
from domains.medical.report.points import threshold_text
from domains.medical.report.subgroups import usable_columns

__all__ = ["failures_section", "n_failures_shown"]

_OF_A_KIND = 8
_MOST_COLUMNS = 3


def failures_section(context: ReportContext) -> DomainSection:
    """Return the worst missed events and false alarms, of every patient at most one of a kind."""
    found = _found(context)
    missed = _of_kind(
        context, found.false_negatives, found.n_false_negatives, key="missed", kind=f"missed {context.words['event']}"
    )
    alarms = _of_kind(context, found.false_positives, found.n_false_positives, key="false-alarms", kind="false alarm")
    return DomainSection(
        key="failures",
        title="Failures",
        question=f"Which {context.words['rows']} did the model get most wrong, and how sure was it?",
        blocks=(missed, alarms),
        after="referral",
    )


def n_failures_shown(context: ReportContext) -> int:
    """Return how many wrongly decided images the section shows."""
    found = _found(context)
    return len(found.false_negatives) + len(found.false_positives)


def _found(context: ReportContext) -> WorstErrors:
    return worst_errors(
        context.events, context.output, threshold=float(context.threshold or 0.0), k=_OF_A_KIND, groups=context.units
    )


def _of_kind(context: ReportContext, rows: np.ndarray, n: int, *, key: str, kind: str) -> Block:
    at = threshold_text(float(context.threshold or 0.0))
    if not len(rows):
        return Paragraphs(title=f"No {kind}", texts=(f"At the threshold in force, {at}, there is none.",))
    told = "the only one" if n == 1 else f"all {n}" if len(rows) == n else f"the worst {len(rows)} of {count_text(n)}"
    kinds = kind if n == 1 else f"{kind}s"
    one_each = "" if context.units is None else f", at most one of each {context.words['group']}"
    if isinstance(context.subject, ImageSubject) and context.subject.shows:
        return thumbnail_gallery(
            context,
            rows,
            key=key,
            finding=f"{capital(kinds)}, {told}: probabilities from {_range(context, rows)}",
            caption=f"The most confident first{one_each}; decisions at {at}. Pictures as the network sees them.",
        )
    columns = _subgroup_columns(context)
    body: list[tuple[Cell, ...]] = [
        (
            str(context.X.index[row]),
            str(context.y[row]),
            Measure(float(context.output[row]), unit="%", decimals=1),
            *(str(levels[row]) for levels in columns.values()),
        )
        for row in rows
    ]
    return DataTable(
        title=f"{capital(kinds)}, {told}",
        caption=f"The most confident first{one_each}, by place in the data from 0; decisions at {at}. Images may be of "
        "patients and are shown only when asked for (show_images=)",
        columns=(
            capital(context.words["row"]),
            "Label",
            f"Probability of {context.words['event']}",
            *(label_of(name) for name in columns),
        ),
        rows=tuple(body),
    )


def _subgroup_columns(context: ReportContext) -> dict[object, pd.Categorical]:
    """Return the subgroup of each image by column, ages in bands: nobody is to be known by them."""
    if context.subgroups is None:
        return {}
    columns, _ = usable_columns(context.subgroups)
    return {name: subgroup_levels(columns[name], name=str(name)) for name in columns.columns[:_MOST_COLUMNS]}


def _range(context: ReportContext, rows: np.ndarray) -> str:
    low, high = float(context.output[rows].min()), float(context.output[rows].max())
    return f"{percent(low)} to {percent(high)}"
