"""What every part of a report is: a block of facts that knows its own status."""

from dataclasses import dataclass
from typing import ClassVar

from appkit.reporting.facts.measure import Measure, Status, Verdict

__all__ = ["Block", "Cell", "DataTable", "Figure", "NotFilled", "block_types", "check_count"]

_BLOCK_TYPES: dict[str, type["Block"]] = {}


@dataclass(frozen=True, kw_only=True)
class Block:
    """Base of everything that can stand in a section.

    A new kind of block is one frozen dataclass deriving from this (or from :class:`Figure`) and one render function
    registered in ``appkit.reporting.html.RENDERERS``. JSON and schema follow from the annotations.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        known = _BLOCK_TYPES.setdefault(cls.__name__, cls)
        if known.__module__ != cls.__module__:
            raise TypeError(f"Block {cls.__name__!r} exists already in {known.__module__}; choose another name.")

    @property
    def status(self) -> Status:
        """What the block leaves open; ``"note"`` where it judges nothing."""
        return "note"


@dataclass(frozen=True, kw_only=True)
class NotFilled(Block):
    """A gap, named: what is missing, why, and what would fill it.

    Parameters
    ----------
    item
        What is missing: ``"Swap set against the incumbent"``.
    why
        The reason in one sentence.
    fill
        What would fill it, in words; empty where ``argument`` says it.
    argument
        The argument that would fill it, shown as code: ``"incumbent_decision="``.
    """

    item: str
    why: str
    fill: str = ""
    argument: str = ""

    @property
    def status(self) -> Status:
        return "unfilled"


Cell = str | int | float | Measure | Verdict | NotFilled
"""One cell of a table; floats are printed to three digits, a Measure with its interval below."""


@dataclass(frozen=True, kw_only=True)
class DataTable(Block):
    """A plain table; the first cell of a row is its heading.

    Parameters
    ----------
    caption
        What the numbers are, with units and the level of the intervals.
    columns
        Headings, units included.
    rows
        As many cells a row as columns.
    title
        Finding above the table; may be empty.
    how_to_read
        Two sentences below it; may be empty.
    is_sortable
        Whether headings sort the rows where scripts run.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    how_to_read: str = ""
    is_sortable: bool = False

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"rows[{i}] must have {len(self.columns)} cells as columns does, got {len(row)}.")


@dataclass(frozen=True, kw_only=True)
class Figure(Block):
    """A drawing with its finding; the renderer numbers it.

    Parameters
    ----------
    key
        Short name unique in the report, used for links: ``"roc"``.
    finding
        What the figure shows, with its number, at most 16 words, no full stop.
    caption
        What is plotted: rows, period, kind of interval.
    description
        The finding in numbers for those who cannot see the drawing; the finding itself where empty.
    how_to_read
        Two sentences: what a mark is, what to conclude; the component's own where empty.
    twin
        Table behind the figure; built from the figure's own facts where ``None``.
    """

    HOW_TO_READ: ClassVar[str] = ""

    key: str
    finding: str
    caption: str
    description: str = ""
    how_to_read: str = ""
    twin: DataTable | None = None


def block_types() -> dict[str, type[Block]]:
    """Return every concrete kind of block by name, those of domain packages included."""
    return {name: block for name, block in _BLOCK_TYPES.items() if block is not Figure}


def check_count(name: str, n: int, *, most: int) -> None:
    """Refuse a figure without entries or with more than it can show; ``name`` is the field's."""
    if not 1 <= n <= most:
        raise ValueError(f"{name} must have 1 to {most} entries, got {n}.")
