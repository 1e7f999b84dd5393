"""Blocks of words: facts, boxes, badges, reproduction."""

from dataclasses import dataclass
from typing import Literal

from appkit.reporting.facts.block import Block, NotFilled
from appkit.reporting.facts.measure import Limit, Measure, Status, Verdict, verdict

__all__ = [
    "Badge",
    "Fact",
    "FactList",
    "Option",
    "OptionsNote",
    "Paragraphs",
    "RankTile",
    "Reproduction",
    "Tile",
    "WarningBox",
]


@dataclass(frozen=True, kw_only=True)
class Tile(Block):
    """One measure of the verdict strip.

    Parameters
    ----------
    name
        What is measured, in the reader's words: ``"Ranking of applicants (AUC)"``.
    measure
        Its value with the interval.
    limit
        Accepted range, or ``None`` for "no limit set".
    sentence
        What the number means, in one plain sentence.
    """

    name: str
    measure: Measure
    limit: Limit | None = None
    sentence: str = ""

    @property
    def verdict(self) -> Verdict:
        """Verdict of the interval against the limit."""
        return verdict(self.measure, self.limit)

    @property
    def status(self) -> Status:
        return self.verdict.status


@dataclass(frozen=True, kw_only=True)
class RankTile(Block):
    """How far down an explanation's ranking can be relied on.

    Parameters
    ----------
    name
        ``"Explanation ranking"``.
    reliable
        Last place whose gap to the next is settled, 0 if none is.
    total
        Number of places.
    sentence
        What was checked, in one plain sentence.
    """

    name: str
    reliable: int
    total: int
    sentence: str = ""

    def __post_init__(self) -> None:
        if self.total < 1:
            raise ValueError(f"total must be at least one place, got {self.total!r}.")
        if not 0 <= self.reliable <= self.total:
            raise ValueError(f"reliable must lie between 0 and total={self.total}, got {self.reliable!r}.")

    @property
    def verdict(self) -> Verdict:
        """Passes if every place is settled, fails if none is."""
        if self.reliable == self.total:
            return Verdict("pass", "passes")
        return Verdict("open", "limited") if self.reliable else Verdict("fail", "not reliable")

    @property
    def status(self) -> Status:
        return self.verdict.status


@dataclass(frozen=True)
class Fact:
    """A term and what it is; hashes and versions are set in a fixed-width face."""

    term: str
    value: str | Measure | NotFilled
    is_code: bool = False


@dataclass(frozen=True, kw_only=True)
class FactList(Block):
    """Terms and their values, three a line."""

    facts: tuple[Fact, ...]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class WarningBox(Block):
    """A finding that needs an answer: what, the numbers, what to do. At most three a section."""

    level: Literal["fail", "open", "note"]
    finding: str
    text: str

    @property
    def status(self) -> Status:
        return self.level


@dataclass(frozen=True, kw_only=True)
class Badge(Block):
    """A claim about the figure below it, with its reason in words and numbers."""

    level: Literal["fail", "open", "pass", "note"]
    claim: str
    reason: str

    @property
    def status(self) -> Status:
        return self.level


@dataclass(frozen=True, kw_only=True)
class Paragraphs(Block):
    """Plain text under an optional heading."""

    texts: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Option:
    """One choice the caller made or left at its default."""

    name: str
    value: str
    meaning: str
    is_default: bool = False


@dataclass(frozen=True, kw_only=True)
class OptionsNote(Block):
    """Choices that change the numbers on the page, stated where they act."""

    options: tuple[Option, ...]
    title: str = "Options in force"


@dataclass(frozen=True, kw_only=True)
class Reproduction(Block):
    """What it takes to make this report again; no machine paths.

    Parameters
    ----------
    command
        Copyable command or code.
    model_hash, data_hash
        Full SHA-256 digests in hex.
    method, budget
        Explanation method and how many evaluations it spent.
    intervals, split
        How intervals were made; how train and test were kept apart.
    device
        Device, threads and precision.
    fallbacks
        Every fall-back that happened, one sentence each.
    versions
        ``"numpy 2.4.1"`` and so on.
    note
        A sentence on what "the same" means here.
    """

    command: str
    model_hash: str
    data_hash: str
    method: str
    budget: str
    intervals: str
    split: str
    device: str
    seed: int | None = None
    fallbacks: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    note: str = ""
