"""What one item of a reporting guideline is."""

from dataclasses import dataclass

__all__ = ["ChecklistItem", "items_of"]


@dataclass(frozen=True)
class ChecklistItem:
    """One thing that a report must tell.

    Parameters
    ----------
    number
        As the guideline counts: ``"7"``, ``"12a"``.
    topic
        What it is about, in a few words.
    what
        What is asked, in our words; the guideline's own are in the publication.
    checklist
        ``"CLAIM"`` or ``"TRIPOD+AI"``.
    """

    number: str
    topic: str
    what: str
    checklist: str

    @property
    def key(self) -> str:
        """Name of the item among all checklists: ``"CLAIM 7"``."""
        return f"{self.checklist} {self.number}"


def items_of(checklist: str, table: str) -> tuple[ChecklistItem, ...]:
    """Return the items of a table of lines ``number | topic | what``.

    Examples
    --------
    >>> items_of("CLAIM", "7 | Data sources | Where the data come from.")[0].key
    'CLAIM 7'
    """
    lines = (line.split("|") for line in table.strip().splitlines())
    return tuple(ChecklistItem(number.strip(), topic.strip(), what.strip(), checklist) for number, topic, what in lines)
