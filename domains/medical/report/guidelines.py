"""CLAIM and TRIPOD+AI item by item: what this report fills, and what its author must supply."""

from collections.abc import Sequence

from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.facts import Axis, Bar, BarRows, DataTable, Measure, Tile, Verdict, WarningBox
from appkit.reporting.numbers import count_text
from domains.medical.checklist import ChecklistCount, FilledItem, StudyFacts, count_items, fill

__all__ = ["checklist_title", "guidelines_section"]

LIMIT = "Checklist items filled"

_SOURCES = {
    "CLAIM": "Checklist for Artificial Intelligence in Medical Imaging, update of 2024 (Tejani and others)",
    "TRIPOD+AI": "Transparent reporting of prediction models that use regression or machine learning, 2024 (Collins "
    "and others)",
}
_VERDICTS = {
    "filled": Verdict("pass", "filled"),
    "partly": Verdict("open", "partly"),
    "missing": Verdict("unfilled", "missing"),
}


def guidelines_section(context: ReportContext, facts: StudyFacts) -> DomainSection:
    """Return both checklists; the limit ``"Checklist items filled"`` is on the number of items filled."""
    filled = fill(facts)
    counts = count_items(filled)
    n_filled, n = sum(count.n_filled for count in counts), len(filled)
    n_partly, n_missing = (sum(getattr(count, name) for count in counts) for name in ("n_partly", "n_missing"))
    box = WarningBox(
        level="open",
        finding=f"{count_text(n - n_filled)} of {n} items wait for the author",
        text="Facts fill what data, model and figures tell; nothing here is made up. Ethics, how the truth was "
        "established, limitations and the like only a person can answer for: give them as "
        'study=StudyFacts(data_source="...", statements={"CLAIM 44": "No funding."}).',
    )
    return DomainSection(
        key="checklists",
        title="Checklists",
        question="What do CLAIM and TRIPOD+AI ask, what does this report answer, and what is missing?",
        blocks=(*(() if n == n_filled else (box,)), _figure(counts, filled)),
        tiles=(
            Tile(
                name="Checklist items filled",
                measure=Measure.exact(float(n_filled), unit="count"),
                limit=context.limits.get(LIMIT),
                sentence=f"Of {n} items of CLAIM and TRIPOD+AI; {n_partly} are filled in part, {n_missing} wait for "
                "the author.",
            ),
        ),
        after="case",
    )


def checklist_title(counts: Sequence[ChecklistCount]) -> str:
    """Return how far the checklists are filled.

    Examples
    --------
    >>> checklist_title([ChecklistCount("CLAIM", 20, 10, 14), ChecklistCount("TRIPOD+AI", 12, 8, 32)])
    '32 of 96 items are filled, 18 in part, 46 wait for the author'
    >>> checklist_title([ChecklistCount("CLAIM", 44, 0, 0)])
    'All 44 items are filled'
    """
    filled, partly, missing = (
        sum(getattr(count, name) for count in counts) for name in ("n_filled", "n_partly", "n_missing")
    )
    n = filled + partly + missing
    if filled == n:
        return f"All {n} items are filled"
    wait = "none waits" if missing == 0 else f"{missing} {'waits' if missing == 1 else 'wait'}"
    return f"{filled or 'None'} of {n} items are filled, {partly or 'none'} in part, {wait} for the author"


def _figure(counts: Sequence[ChecklistCount], filled: Sequence[FilledItem]) -> BarRows:
    """Return how many items of each checklist have each status; the items themselves are the table behind it."""
    bars = [
        Bar(f"{count.checklist}, {name}", Measure.exact(float(n), unit="count"))
        for count in counts
        for name, n in (("filled", count.n_filled), ("in part", count.n_partly), ("missing", count.n_missing))
    ]
    return BarRows(
        key="checklist-items",
        finding=checklist_title(counts),
        caption=f"{'; '.join(f'{count.checklist}: {_SOURCES[count.checklist]}' for count in counts)}. The table behind "
        "has every item, what this report says on it and what its author must supply.",
        how_to_read="An item is filled where data, model, figures or the author tell all it asks for. "
        "Open the table for what is still to be written.",
        axis=Axis("items"),
        bars=tuple(bars),
        twin=_table(filled),
    )


def _table(filled: Sequence[FilledItem]) -> DataTable:
    return DataTable(
        caption="CLAIM and TRIPOD+AI, item by item",
        columns=("Item", "Status", "This report says", "The author must supply"),
        rows=tuple(
            (
                f"{one.item.key} {one.item.topic}",
                _VERDICTS[one.status],
                one.text or "nothing",
                one.needed or "nothing",
            )
            for one in filled
        ),
    )
