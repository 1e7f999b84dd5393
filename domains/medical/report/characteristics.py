"""Who is in each part of the data: sex, age band, site and the like, as far as every part tells."""

from collections.abc import Sequence

import pandas as pd

from appkit.reporting.content.phrasing import capital, label_of, percent
from appkit.reporting.facts import Cell, DataTable
from appkit.reporting.numbers import count_text
from domains.medical.prediction import subgroup_levels
from domains.medical.report.parts import Part

__all__ = ["characteristics_of", "characteristics_table"]

_MOST_ROWS = 30


def characteristics_of(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the columns to tell subgroups by that every one of at least two parts has."""
    *others, test = parts
    if not others or test.records is None:
        return ()
    return tuple(
        name
        for name in test.records.columns
        if all(part.records is not None and name in part.records for part in others)
        and _levels(parts, name) is not None
    )


def characteristics_table(parts: Sequence[Part]) -> DataTable | None:
    """Return how many images of each part are of each level, ages in bands; ``None`` where parts do not tell alike."""
    rows: list[tuple[Cell, ...]] = []
    for name in characteristics_of(parts):
        levels = _levels(parts, name)
        assert levels is not None, "only such columns are kept"
        part = pd.Series([part.name for part in parts]).repeat([part.n for part in parts]).to_numpy()
        counts = pd.crosstab(levels, part)
        for level in levels.categories:
            cells = [_share(int(counts.loc[level, one.name]), one.n) for one in parts]
            rows.append((f"{label_of(name)}: {level}", *cells))
    if not rows:
        return None
    return DataTable(
        title="Who is in each part",
        caption="Images by part, and the share of the part; ages and other numbers in bands"
        + (f"; {len(rows) - _MOST_ROWS} further levels are left out" if len(rows) > _MOST_ROWS else ""),
        columns=("Characteristic", *(capital(part.name) for part in parts)),
        rows=tuple(rows[:_MOST_ROWS]),
    )


def _levels(parts: Sequence[Part], name: str) -> pd.Categorical | None:
    """Return the level of each image over all parts; ``None`` where a column names images or patients."""
    columns = [part.records[name] for part in parts if part.records is not None]
    try:
        return subgroup_levels(pd.concat(columns, ignore_index=True), name=str(name))
    except ValueError:
        return None


def _share(n: int, total: int) -> str:
    return f"{count_text(n)} ({percent(n / total)})"
