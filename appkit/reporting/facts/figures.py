"""Figures of performance, drift and fairness: curves, calibration, counts, histories, rows with limits."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from appkit.reporting.facts.block import Figure, NotFilled, check_count
from appkit.reporting.facts.measure import Limit, Measure, Status, Verdict, verdict, worst_status

__all__ = [
    "Axis",
    "Bar",
    "BarRows",
    "CalibrationBin",
    "CalibrationFigure",
    "Curve",
    "CurveFigure",
    "CurvePoint",
    "FairnessFigure",
    "Group",
    "Histogram",
    "HistoryFigure",
    "Outcome",
    "PerHundred",
    "Period",
]

MAX_ROWS = 30
MAX_POINTS = 101
MAX_BINS = 40


@dataclass(frozen=True)
class Axis:
    """What an axis measures; ``low`` and ``high`` only where the data should not decide."""

    label: str
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Curve:
    """A line at fixed x, at most 101 points, with the band that holds it where one is known."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        sizes = {len(values) for values in (self.x, self.y, self.low, self.high) if values is not None}
        if len(sizes) != 1 or not 2 <= len(self.x) <= MAX_POINTS:
            raise ValueError(f"curve {self.name!r} needs 2 to {MAX_POINTS} points, as many y as x, got {sizes}.")
        if any(right < left for left, right in pairwise(self.x)):
            raise ValueError(f"x of curve {self.name!r} must not decrease.")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"low and high of curve {self.name!r} must be given together.")


@dataclass(frozen=True)
class CurvePoint:
    """A point named on a curve, such as the threshold in use, with its cross of intervals."""

    label: str
    x: Measure
    y: Measure
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CurveFigure(Figure):
    """One to four curves over one pair of axes; the first is the report's own, the others are dashed.

    Parameters
    ----------
    x_axis, y_axis
        What the axes measure.
    curves
        First the model's own with its band.
    point
        The operating point, if there is one.
    reference
        Ends of a dashed line ``(x0, y0, x1, y1)``, such as the diagonal of a ROC curve.
    reference_label
        ``"no better than chance"``.
    limit
        Accepted range of y, drawn as strokes.
    """

    HOW_TO_READ: ClassVar[str] = (
        "The line is the measured curve, the band around it its 95 % interval. "
        "Where two bands overlap, the curves cannot be told apart."
    )

    x_axis: Axis
    y_axis: Axis
    curves: tuple[Curve, ...]
    point: CurvePoint | None = None
    reference: tuple[float, float, float, float] | None = None
    reference_label: str = ""
    limit: Limit | None = None

    def __post_init__(self) -> None:
        check_count("curves", len(self.curves), most=4)


@dataclass(frozen=True)
class CalibrationBin:
    """Rows of one group of predictions: their mean prediction and the observed rate, as fractions."""

    mean_predicted: float
    observed: Measure
    n: int


@dataclass(frozen=True)
class Histogram:
    """Counts in at most 40 equal steps from ``low`` to ``high``."""

    low: float
    high: float
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        check_count("counts", len(self.counts), most=MAX_BINS)
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low!r} and {self.high!r}.")

    def edges(self, i: int) -> tuple[float, float]:
        """Return where step ``i`` starts and ends."""
        step = (self.high - self.low) / len(self.counts)
        return self.low + i * step, self.low + (i + 1) * step


@dataclass(frozen=True, kw_only=True)
class CalibrationFigure(Figure):
    """Predicted probability against observed rate, with the distribution of predictions below.

    Parameters
    ----------
    x_axis, y_axis
        Predicted probability and observed rate, unit ``"%"``.
    bins
        At most 40 groups in order of prediction.
    histogram
        Distribution of the predictions; the axes reach as far as its last bin that holds rows.
    threshold
        Decision threshold as a fraction, if there is one.
    """

    HOW_TO_READ: ClassVar[str] = (
        "A dot on the dashed line means the prediction came true as often as it said. "
        "A bar that misses the line is a group to question."
    )

    x_axis: Axis
    y_axis: Axis
    bins: tuple[CalibrationBin, ...]
    histogram: Histogram | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        check_count("bins", len(self.bins), most=MAX_BINS)


@dataclass(frozen=True)
class Outcome:
    """How many rows met one decision and one outcome."""

    label: str
    n: int
    decision: Literal["accepted", "declined"]
    is_event: bool


@dataclass(frozen=True, kw_only=True)
class PerHundred(Figure):
    """A hundred marks, shared out by largest remainder: shape is the decision, filled is the event."""

    HOW_TO_READ: ClassVar[str] = (
        "One mark is one case in a hundred. Circles are accepted, squares declined; filled marks had the event."
    )

    outcomes: tuple[Outcome, ...]
    marks: int = 100

    def __post_init__(self) -> None:
        check_count("outcomes", len(self.outcomes), most=4)
        if sum(outcome.n for outcome in self.outcomes) <= 0:
            raise ValueError("outcomes must count at least one row.")


@dataclass(frozen=True)
class Period:
    """One step of a history: ``label`` below it, ``group`` below that (the year of a quarter)."""

    label: str
    measure: Measure | NotFilled
    group: str = ""
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryFigure(Figure):
    """A measure by period with its limit, oldest first."""

    HOW_TO_READ: ClassVar[str] = (
        "Each dot is one period, its bar the 95 % interval. A bar wholly in the shaded range passes."
    )

    y_axis: Axis
    periods: tuple[Period, ...]
    limit: Limit | None = None

    def __post_init__(self) -> None:
        check_count("periods", len(self.periods), most=MAX_ROWS)

    @property
    def status(self) -> Status:
        """Status of the latest period; earlier ones are history."""
        latest = self.periods[-1].measure
        return latest.status if isinstance(latest, NotFilled) else verdict(latest, self.limit).status


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart."""

    label: str
    measure: Measure
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class BarRows(Figure):
    """A bar from zero with its interval per row, such as the drift of each column.

    Parameters
    ----------
    axis
        What the bars measure.
    bars
        At most 30, the order of the caller.
    limit
        Accepted range of all rows.
    n_total
        How many rows there were before the largest were picked.
    """

    HOW_TO_READ: ClassVar[str] = (
        "Each bar starts at zero; its whisker is the 95 % interval. "
        "Read nothing into which of two bars is longer where their whiskers overlap."
    )

    axis: Axis
    bars: tuple[Bar, ...]
    limit: Limit | None = None
    n_total: int | None = None

    def __post_init__(self) -> None:
        check_count("bars", len(self.bars), most=MAX_ROWS)

    @property
    def status(self) -> Status:
        return worst_status(tuple(verdict(bar.measure, self.limit).status for bar in self.bars))


@dataclass(frozen=True)
class Group:
    """One group of a comparison; ``measure`` is a ``NotFilled`` where the group is too small to report."""

    name: str
    n: int
    measure: Measure | NotFilled
    is_reference: bool = False

    def verdict(self, limit: Limit | None) -> Verdict:
        """Return the verdict against ``limit``; a reference group and a small one have none."""
        if self.is_reference:
            return Verdict("note", "reference")
        if isinstance(self.measure, NotFilled):
            return Verdict("unfilled", "not filled")
        return verdict(self.measure, limit)


@dataclass(frozen=True, kw_only=True)
class FairnessFigure(Figure):
    """A ratio or difference by group against the accepted range.

    Parameters
    ----------
    axis
        ``Axis("approval rate divided by that of the reference group")``.
    groups
        In the caller's order, never by outcome; at most 30.
    limit
        Accepted range.
    no_difference
        Where groups are equal: 1 for ratios, 0 for differences.
    """

    HOW_TO_READ: ClassVar[str] = (
        "A bar wholly inside the shaded range passes, wholly outside fails. "
        "A bar that crosses the dashed limit needs more data before anyone can say."
    )

    axis: Axis
    groups: tuple[Group, ...]
    limit: Limit | None = None
    no_difference: float = 1.0

    def __post_init__(self) -> None:
        check_count("groups", len(self.groups), most=MAX_ROWS)

    @property
    def status(self) -> Status:
        return worst_status(tuple(group.verdict(self.limit).status for group in self.groups))
