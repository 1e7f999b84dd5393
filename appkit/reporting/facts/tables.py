"""Tables that judge: limits, grades, challengers, the certificate."""

from dataclasses import dataclass

from appkit.reporting.facts.block import Block, Cell, check_count
from appkit.reporting.facts.measure import Limit, Measure, Status, Verdict, verdict, worst_status

__all__ = [
    "Certificate",
    "Challenger",
    "ChallengerTable",
    "Check",
    "Grade",
    "GradeTable",
    "LimitRow",
    "LimitTable",
]


@dataclass(frozen=True)
class LimitRow:
    """One measured quantity and its limit; ``n`` rows behind it."""

    name: str
    measure: Measure
    limit: Limit | None = None
    n: int | None = None
    note: str = ""
    is_own: bool = False

    @property
    def verdict(self) -> Verdict:
        """Verdict of the interval against the limit."""
        return verdict(self.measure, self.limit)


@dataclass(frozen=True, kw_only=True)
class LimitTable(Block):
    """Measures of one quantity on one drawn axis, each with its limit and status.

    Parameters
    ----------
    caption
        What the numbers are; the renderer adds the ends of the drawn axis.
    quantity
        Heading of the measured column, unit included.
    rows
        At most 30; same unit throughout.
    """

    caption: str
    quantity: str
    rows: tuple[LimitRow, ...]
    title: str = ""
    label: str = "Name"
    how_to_read: str = ""

    def __post_init__(self) -> None:
        check_count("rows", len(self.rows), most=30)

    @property
    def status(self) -> Status:
        return worst_status(tuple(row.verdict.status for row in self.rows))


@dataclass(frozen=True)
class Grade:
    """One grade: its range, its size, and predicted against observed rate as fractions."""

    name: str
    predicted_range: str
    n: int
    n_events: int
    mean_predicted: float
    observed: Measure

    @property
    def verdict(self) -> Verdict:
        """Holds if the mean prediction lies inside the observed interval."""
        low, high = self.observed.low, self.observed.high
        if low is None or high is None:
            return Verdict("open", "not settled")
        return Verdict("pass", "holds") if low <= self.mean_predicted <= high else Verdict("fail", "misses")


@dataclass(frozen=True, kw_only=True)
class GradeTable(Block):
    """Calibration by grade.

    Parameters
    ----------
    title
        Finding: ``"Observed default rates hold in all seven grades"``.
    caption
        What the marks are and how the intervals were made.
    grades
        Best first, at most 30.
    """

    title: str
    caption: str
    grades: tuple[Grade, ...]
    how_to_read: str = ""

    def __post_init__(self) -> None:
        check_count("grades", len(self.grades), most=30)

    @property
    def status(self) -> Status:
        return worst_status(tuple(grade.verdict.status for grade in self.grades))


@dataclass(frozen=True)
class Challenger:
    """One model of the comparison.

    Parameters
    ----------
    name, note
        Model, and how it was made: ``"light tune"``.
    measure
        The score compared.
    difference
        Paired difference to the report's own model, ``None`` for that model itself.
    cells
        Further cells, one a further column.
    is_own
        Whether this is the model of the report.
    """

    name: str
    note: str
    measure: Measure
    difference: Measure | None
    cells: tuple[Cell, ...] = ()
    is_own: bool = False


@dataclass(frozen=True, kw_only=True)
class ChallengerTable(Block):
    """The model beside others on the same rows; ``columns`` head the further cells."""

    caption: str
    metric: str
    challengers: tuple[Challenger, ...]
    columns: tuple[str, ...] = ()
    title: str = ""
    how_to_read: str = ""

    def __post_init__(self) -> None:
        for challenger in self.challengers:
            if len(challenger.cells) != len(self.columns):
                raise ValueError(
                    f"challenger {challenger.name!r} must have {len(self.columns)} cells as columns does, "
                    f"got {len(challenger.cells)}."
                )


@dataclass(frozen=True)
class Check:
    """One line of a certificate.

    Parameters
    ----------
    name, question
        The check, and what it asks in plain words.
    measure, limit
        Result with interval, and its accepted range.
    result, limit_text
        Words printed instead of the numbers, such as ``"places 1 to 7"``.
    outcome
        Verdict where the interval rule does not apply, such as ``Verdict("open", "limited")``.
    """

    name: str
    question: str
    measure: Measure | None = None
    limit: Limit | None = None
    result: str = ""
    limit_text: str = ""
    outcome: Verdict | None = None

    def __post_init__(self) -> None:
        if self.measure is None and not (self.result and self.outcome):
            raise ValueError(f"check {self.name!r} needs a measure, or a result in words with its outcome.")

    @property
    def verdict(self) -> Verdict:
        """The stated outcome, else the verdict of the interval against the limit."""
        if self.outcome is not None:
            return self.outcome
        assert self.measure is not None
        return verdict(self.measure, self.limit)


@dataclass(frozen=True, kw_only=True)
class Certificate(Block):
    """Every check an explanation went through, those it failed included."""

    caption: str
    checks: tuple[Check, ...]
    title: str = ""

    @property
    def status(self) -> Status:
        return worst_status(tuple(check.verdict.status for check in self.checks))
