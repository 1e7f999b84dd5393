"""What every section of a report is made from: the model's outputs on the rows, and what the caller gave."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from appkit.domain import Domain
from appkit.model.costs import Costs
from appkit.prediction import Evaluation
from appkit.reporting.content.explaining import CaseExplanation, ModelExplanation
from appkit.reporting.content.phrasing import Words
from appkit.reporting.content.subject import Subject
from appkit.reporting.facts import Limit, NotFilled, RankTile, Section, Tile

__all__ = ["DomainSection", "Limits", "ReportContext"]


class Limits(Mapping[str, Limit]):
    """Limits by the name of what they limit; remembers which names were asked for, so that a typing error shows.

    Examples
    --------
    >>> limits = Limits({"AUC": (0.75, None), "Acu": (0.75, None)})
    >>> limits.get("AUC")
    Limit(low=0.75, high=None, label='')
    >>> limits.never_asked()
    ('Acu',)
    """

    def __init__(self, given: Mapping[str, Limit | tuple[float | None, float | None]] | None = None) -> None:
        self._limits = {name: _limit(name, limit) for name, limit in (given or {}).items()}
        self._asked: dict[str, None] = {}

    def __getitem__(self, name: str) -> Limit:
        self._asked[name] = None
        return self._limits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def never_asked(self) -> tuple[str, ...]:
        """Return the names of limits that nothing on the page was held against."""
        return tuple(name for name in self._limits if name not in self._asked)

    def known(self) -> tuple[str, ...]:
        """Return the names of everything that was measured against a limit, or could have been."""
        return tuple(sorted(self._asked))


@dataclass(frozen=True, kw_only=True)
class ReportContext:
    """Everything the sections of a report draw on; a domain's ``report_sections(context)`` gets this.

    Parameters
    ----------
    subject
        The model and the one output reported on; ``subject(frame)`` gives outputs of other rows.
    X, y
        Rows reported on and their labels or values.
    output
        Output of each row, float64 ``(n_rows,)``: probability of the event, of the chosen class, or the value.
    evaluation
        Metrics on these rows.
    is_event
        bool ``(n_rows,)``; of the chosen class where there are several, ``None`` for values.
    flagged
        bool ``(n_rows,)``: output at the threshold or above; ``None`` unless binary.
    explanation, case
        Shapley values and LIME of a sample of rows, and of one row.
    words, limits, domain
        Words of the domain, limits of the caller, and the domain itself.
    reference, reference_output
        Training rows to hold these against, and the model's output on them; ``None`` where there are none.
    reference_y
        Labels of the reference, where given.
    sample_weight, costs, protected, dates, incumbent_score, challengers
        As the caller gave them.
    data_name, random_state
        Name of the data, and the seed of everything drawn.
    """

    subject: Subject
    X: pd.DataFrame
    y: np.ndarray
    output: np.ndarray
    evaluation: Evaluation
    is_event: np.ndarray | None
    flagged: np.ndarray | None
    explanation: ModelExplanation
    case: CaseExplanation
    words: Words
    limits: Limits
    domain: Domain | None = None
    reference: pd.DataFrame | None = None
    reference_output: np.ndarray | None = None
    reference_y: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    costs: Costs | None = None
    protected: pd.DataFrame | None = None
    dates: Any = None
    incumbent_score: Any = None
    challengers: Any = None
    data_name: str = ""
    random_state: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def model(self) -> Any:
        """The model reported on."""
        return self.subject.model

    @property
    def threshold(self) -> float | None:
        """Probability from which the event is predicted; ``None`` unless binary."""
        return self.evaluation.threshold

    @property
    def events(self) -> np.ndarray:
        """Which rows had the event, bool ``(n_rows,)``."""
        assert self.is_event is not None, "only probabilities have events"
        return self.is_event

    @property
    def n(self) -> int:
        """Rows reported on."""
        return len(self.X)


@dataclass(frozen=True, kw_only=True)
class DomainSection(Section):
    """A section a domain adds. Blocks of a key the report has already are added to that section.

    Parameters
    ----------
    tiles
        What it adds to the verdict strip.
    after
        Key of the section it follows; before the limitations where empty.
    """

    tiles: tuple[Tile | RankTile | NotFilled, ...] = ()
    after: str = ""


def _limit(name: str, limit: Any) -> Limit:
    if isinstance(limit, Limit):
        return limit
    if isinstance(limit, tuple) and len(limit) == 2:
        return Limit(*limit)
    raise TypeError(f"limits[{name!r}] must be a Limit or a pair (lowest, highest) with None for open, got {limit!r}.")
