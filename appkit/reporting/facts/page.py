"""The report as a tree of facts: header, verdict strip, sections."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self

from appkit.reporting.facts.block import Block, Figure, NotFilled
from appkit.reporting.facts.measure import Status, worst_status
from appkit.reporting.facts.notes import Fact, RankTile, Tile

__all__ = ["ReportFacts", "Section", "Wording"]

_KEY = re.compile("[a-z][a-z0-9-]*")  # part of an id and a link


@dataclass(frozen=True)
class Wording:
    """Words of the domain for what every report talks about."""

    event: str = "event"
    row: str = "row"
    rows: str = "rows"
    column: str = "column"
    columns: str = "columns"

    @classmethod
    def of(cls, words: Mapping[str, str]) -> Self:
        """Return the wording a domain declares; words a report has no use for are left aside.

        Examples
        --------
        >>> Wording.of({"row": "loan", "rows": "loans", "threshold": "cut-off"}).rows
        'loans'
        """
        known = {item.name for item in fields(cls)}
        return cls(**{name: word for name, word in words.items() if name in known})


@dataclass(frozen=True, kw_only=True)
class Section:
    """A question and the blocks that answer it.

    Parameters
    ----------
    key
        Short name unique in the report, used for links: ``"performance"``.
    title
        Two or three words for the contents.
    question
        What the section answers, in one sentence; or its answer.
    blocks
        In reading order; consecutive gaps become one table.
    starts_page
        Whether print begins a new page here.
    """

    key: str
    title: str
    question: str
    blocks: tuple[Block, ...]
    starts_page: bool = False

    @property
    def status(self) -> Status:
        """Worst open point of the blocks."""
        return worst_status(tuple(block.status for block in self.blocks))


@dataclass(frozen=True, kw_only=True)
class ReportFacts:
    """Everything a report says, and nothing of how it looks.

    Parameters
    ----------
    title
        The event or quantity the model predicts: ``"Credit default within 12 months"``.
    kicker
        Domain and portfolio in a few words.
    lead
        What holds and every open point, at most 45 words.
    tiles
        Verdict strip, best six.
    facts
        Model, data, n, events, date, seed, hashes, versions.
    sections
        In reading order.
    wording
        Words of the domain.
    running_head
        Right side of the printed head, such as event and model hash; the title where empty.
    flag
        A notice above the whole page, such as "All figures invented"; usually empty.
    language
        Language tag of the text.
    """

    title: str
    kicker: str
    lead: str
    tiles: tuple[Tile | RankTile | NotFilled, ...]
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    wording: Wording = field(default_factory=Wording)
    running_head: str = ""
    flag: str = ""
    language: str = "en"

    def __post_init__(self) -> None:
        keys = [section.key for section in self.sections]
        keys += [block.key for section in self.sections for block in section.blocks if isinstance(block, Figure)]
        if strange := [key for key in keys if not _KEY.fullmatch(key)]:
            raise ValueError(f"keys must be small letters, digits and hyphens, got {strange[0]!r}.")
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            raise ValueError(f"keys of sections and figures must be unique, got {repeated} more than once.")
