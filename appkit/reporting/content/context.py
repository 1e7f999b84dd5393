"""What every section of a report is made from: the model's outputs on the rows, and what the caller gave."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.domain import Domain
from appkit.model.costs import Costs
from appkit.prediction import Evaluation
from appkit.reporting.content.explaining import CaseExplanation, CaseOverTime, ModelExplanation
from appkit.reporting.content.image_methods import ImageMethods
from appkit.reporting.content.inputs import Background, Measured
from appkit.reporting.content.phrasing import Words
from appkit.reporting.content.subject import ImageSubject, SeriesSubject, Subject
from appkit.reporting.content.validation import Validation
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
        The model and the one output reported on, see ``Subject``; ``subject(rows)`` gives outputs of rows of ``X`` (of
        tables: of any rows). Of a series model ``subject.series`` holds all readings, ``subject.windows`` the judged
        windows in the order of ``X``, ``subject.data`` the readings as given, and ``subject.game_over_time(rows)`` the
        game of sensors over stretches of time. Of an image model ``subject.images`` holds the images as the model sees
        them, in the order of ``X``, ``subject.shows`` whether they may stand on the page (``False``, ``True``, or
        ``"named"``: with names of files), and ``subject.patch_game(rows, grid)`` the game over patches of any grid.
    X
        Rows reported on. Of an image model one per image, known as ``"image 3"`` (by its file where names are shown),
        its columns the patches of a grid over the images, with their mean brightness. Of a series model one per judged
        window, a row of the readings whose label is known: its index says which (``"engine 3, cycle 120"``), its
        columns are ``model.layout_.sensors`` with the mean reading over the window (of the age the newest).
    measured
        Outputs, metrics and labels, one per row of ``X``; its parts are properties here.
    explanation, case
        Shapley values and LIME of a sample of rows, and of one row; of a series model the players are whole sensors.
    over_time
        The case once more, by sensors over stretches of time; ``None`` unless of a series model.
    methods
        The case by every method an image allows, each with its certificate; ``None`` unless of an image model.
    background
        What stands for "as usual": rows of a table, or windows; in words ``background.words``.
    words, limits, domain
        Words of the domain, limits of the caller, and the domain itself.
    reference, reference_output
        Training rows to hold these against, and the model's output on them; ``None`` where there are none. Of a series
        model a table like ``X``, only where the caller gave readings.
    reference_y
        Labels of the reference, where given.
    reference_subject
        Of a series model what a report on the reference would be about: its readings are ``reference_subject.data``,
        its windows ``reference_subject.windows``, in the order of ``reference``.
    reference_images
        Of an image model the same: its images are ``reference_images.images``.
    validation
        Rows set aside for choices, such as operating points: their labels and the model's output on them; ``None``
        where none were given. :attr:`validation_y`, :attr:`validation_output` and :attr:`validation_events` are short
        for its parts.
    subgroups
        Columns to tell subgroups by, one row per row of ``X``; ``None`` where none were given.
    protected, dates, incumbent_score, challengers
        As the caller gave them, one entry per row of ``X``.
    prevalence
        Share of events where the model is to be used, as stated; ``None`` where nobody did.
    study
        What only a person can tell of the study behind the rows, as a domain wants it.
    data_name, purpose, random_state, notes
        Name of the data, what the model is used for, the seed of everything drawn, and what fell back.
    """

    subject: Subject
    X: pd.DataFrame
    measured: Measured
    explanation: ModelExplanation
    case: CaseExplanation
    words: Words
    limits: Limits
    background: Background
    over_time: CaseOverTime | None = None
    methods: ImageMethods | None = None
    domain: Domain | None = None
    reference: pd.DataFrame | None = None
    reference_output: np.ndarray | None = None
    reference_y: np.ndarray | None = None
    reference_subject: SeriesSubject | None = None
    reference_images: ImageSubject | None = None
    validation: Validation | None = None
    subgroups: pd.DataFrame | None = None
    protected: pd.DataFrame | None = None
    dates: Any = None
    incumbent_score: Any = None
    challengers: Any = None
    prevalence: float | None = None
    study: Any = None
    data_name: str = ""
    purpose: str = ""
    random_state: int = 0
    notes: tuple[str, ...] = ()

    @property
    def model(self) -> Any:
        """The model reported on."""
        return self.subject.model

    @property
    def y(self) -> np.ndarray:
        """Labels or values, ``(n_rows,)``."""
        return self.measured.y

    @property
    def output(self) -> np.ndarray:
        """Output of each row, float64 ``(n_rows,)``."""
        return self.measured.output

    @property
    def evaluation(self) -> Evaluation:
        """Metrics on these rows."""
        return self.measured.evaluation

    @property
    def flagged(self) -> np.ndarray | None:
        """Which outputs are at the threshold or above, bool ``(n_rows,)``; ``None`` unless binary."""
        return self.measured.flagged

    @property
    def sample_weight(self) -> np.ndarray | None:
        """Weight of each row, ``None`` where all count alike."""
        return self.measured.sample_weight

    @property
    def costs(self) -> Costs | None:
        """Costs of errors: those in force for a probability, as given for a value, whose domain knows what errs."""
        return self.measured.costs

    @property
    def threshold(self) -> float | None:
        """Probability from which the event is predicted; ``None`` unless binary."""
        return self.evaluation.threshold

    @property
    def events(self) -> np.ndarray:
        """Which rows had the event, bool ``(n_rows,)``."""
        assert self.measured.is_event is not None, "only probabilities have events"
        return self.measured.is_event

    @property
    def validation_y(self) -> np.ndarray | None:
        """Labels or values of the validation rows, ``(n_validation_rows,)``."""
        return None if self.validation is None else self.validation.y

    @property
    def validation_output(self) -> np.ndarray | None:
        """The model's output on the validation rows, float64 ``(n_validation_rows,)``."""
        return None if self.validation is None else self.validation.output

    @property
    def validation_events(self) -> np.ndarray | None:
        """Which validation rows had the event, bool ``(n_validation_rows,)``; ``None`` for values."""
        return None if self.validation is None else self.validation.is_event

    @property
    def n(self) -> int:
        """Rows reported on."""
        return len(self.X)

    @property
    def units(self) -> np.ndarray | None:
        """Code of the patient, customer or machine behind each row, int64 ``(n_rows,)``; ``None``: rows stand alone.

        Of a series model the position of the window's unit in ``subject.series.units``. Every interval redraws whole
        units: give them as ``groups`` to whatever is measured.
        """
        return self.measured.groups


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
