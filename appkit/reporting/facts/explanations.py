"""Blocks that explain: importance, beeswarm, waterfall, reason codes, counterfactual."""

import math
from dataclasses import dataclass
from typing import ClassVar

from appkit.reporting.facts.block import Block, Figure, check_count
from appkit.reporting.facts.measure import Measure

__all__ = [
    "BeeswarmFigure",
    "BeeswarmRow",
    "Change",
    "Counterfactual",
    "ImportanceFigure",
    "ImportanceRow",
    "OtherSteps",
    "Reason",
    "ReasonCodes",
    "Step",
    "WaterfallFigure",
]

N_QUANTILES = 100
MAX_STEPS = 8
MAX_ROWS = 30


@dataclass(frozen=True)
class ImportanceRow:
    """Importance of one column by both methods.

    Parameters
    ----------
    column, unit
        Name and unit as the reader knows them.
    rank_low, rank_high
        Places the column may hold; equal where its place is settled.
    shapley
        Mean absolute Shapley value with interval and standard error.
    lime, lime_rank
        Mean absolute LIME weight and its own rank; ``None`` where LIME was not run.
    """

    column: str
    unit: str
    rank_low: int
    rank_high: int
    shapley: Measure
    lime: Measure | None = None
    lime_rank: int | None = None


@dataclass(frozen=True, kw_only=True)
class ImportanceFigure(Figure):
    """Columns by mean size of effect, cut below the last reliable rank.

    Parameters
    ----------
    axis_label
        What the bars measure: ``"percentage points"``.
    rows
        By Shapley importance, largest first; at most 30.
    reliable
        Last reliable rank; rows below it are hatched.
    n_columns
        Columns the model has, those not shown included.
    """

    HOW_TO_READ: ClassVar[str] = (
        "Longer bar: the column moves the prediction more. Where two whiskers overlap, do not read anything into "
        "which bar is longer. Hatched bars have no settled order."
    )

    axis_label: str
    rows: tuple[ImportanceRow, ...]
    reliable: int
    n_columns: int

    def __post_init__(self) -> None:
        check_count("rows", len(self.rows), most=MAX_ROWS)
        if not 0 <= self.reliable <= self.n_columns:
            raise ValueError(f"reliable must lie between 0 and n_columns={self.n_columns}, got {self.reliable!r}.")


@dataclass(frozen=True)
class BeeswarmRow:
    """Spread of one column's effects.

    Parameters
    ----------
    column
        Name as the reader knows it.
    effects
        100 quantiles of the effect, ascending.
    levels
        Mean value-quantile, 0 to 1, of the rows in each hundredth; ``None`` where the value is missing or the
        column has no order.
    mean_highest, mean_lowest
        Mean effect over the highest and lowest fifth of the column's values.
    """

    column: str
    effects: tuple[float, ...]
    levels: tuple[float | None, ...]
    mean_highest: float | None = None
    mean_lowest: float | None = None

    def __post_init__(self) -> None:
        if len(self.effects) != N_QUANTILES or len(self.levels) != N_QUANTILES:
            raise ValueError(
                f"effects and levels of {self.column!r} must have {N_QUANTILES} entries, "
                f"got {len(self.effects)} and {len(self.levels)}."
            )


@dataclass(frozen=True, kw_only=True)
class BeeswarmFigure(Figure):
    """Effects of the columns with a reliable rank, 100 quantile dots each; ``unit`` as in :class:`Measure`."""

    HOW_TO_READ: ClassVar[str] = (
        "Right of zero the column raised the prediction, left it lowered it. "
        "Colour gives the value of the column, from low to high as in the key."
    )

    axis_label: str
    rows: tuple[BeeswarmRow, ...]
    unit: str = "points"

    def __post_init__(self) -> None:
        check_count("rows", len(self.rows), most=MAX_ROWS)


@dataclass(frozen=True)
class Step:
    """One column's effect on one prediction, with its LIME weight beside it.

    Parameters
    ----------
    column, shown_value
        Name, and the case's value as text with its unit: ``"EUR 14 500"``.
    effect, standard_error
        Shapley value and its standard error.
    lime, lime_standard_error
        LIME weight and its standard error; ``None`` where LIME was not run.
    """

    column: str
    shown_value: str
    effect: float
    standard_error: float
    lime: float | None = None
    lime_standard_error: float | None = None


@dataclass(frozen=True)
class OtherSteps:
    """The sum of the columns not shown."""

    n_columns: int
    effect: float
    standard_error: float


@dataclass(frozen=True, kw_only=True)
class WaterfallFigure(Figure):
    """From the average to one prediction, step by step.

    Parameters
    ----------
    axis_label
        What the outputs are: ``"default probability (%)"``.
    average, output
        Where the steps start and end.
    steps
        At most 8, by size.
    others
        The remaining columns in one step.
    unit, effect_unit
        Units of outputs and of effects as in :class:`Measure`, ``"%"`` and ``"points"`` for probabilities.
    threshold, threshold_label
        Decision threshold and its words: ``"decline at 16.7 % or more"``.
    average_label, case_label
        ``"Average applicant"``, ``"This applicant"``.
    raises_label, lowers_label
        Words of the key.
    is_reversed
        Whether the event or loss lies at the low end of the output, so that orange is negative.
    """

    HOW_TO_READ: ClassVar[str] = (
        "Start at the average, follow each step down to this case. "
        "A step whose whisker is longer than its bar could be zero."
    )

    axis_label: str
    average: float
    output: float
    steps: tuple[Step, ...]
    others: OtherSteps | None = None
    unit: str = "%"
    effect_unit: str = "points"
    threshold: float | None = None
    threshold_label: str = ""
    average_label: str = "Average"
    case_label: str = "This case"
    raises_label: str = "raises the prediction"
    lowers_label: str = "lowers it"
    is_reversed: bool = False

    def __post_init__(self) -> None:
        check_count("steps", len(self.steps), most=MAX_STEPS)
        effects = [step.effect for step in self.steps] + ([self.others.effect] if self.others else [])
        if not math.isclose(self.average + math.fsum(effects), self.output, rel_tol=1e-4, abs_tol=1e-6):
            total = self.average + math.fsum(effects)
            raise ValueError(f"average and steps must add up to output={self.output!r}, got {total!r}.")


@dataclass(frozen=True)
class Reason:
    """One reason in the applicant's words, with the effect behind it."""

    sentence: str
    effect: float
    standard_error: float


@dataclass(frozen=True, kw_only=True)
class ReasonCodes(Block):
    """One to four reasons, largest first; only effects beyond two standard errors."""

    title: str
    note: str
    reasons: tuple[Reason, ...]
    unit: str = "points"

    def __post_init__(self) -> None:
        check_count("reasons", len(self.reasons), most=4)
        for reason in self.reasons:
            if abs(reason.effect) <= 2 * reason.standard_error:
                raise ValueError(
                    f"reason {reason.sentence!r} must lie beyond two standard errors, "
                    f"got {reason.effect!r} with standard error {reason.standard_error!r}. Leave it out."
                )


@dataclass(frozen=True)
class Change:
    """One column of a counterfactual, its values as text; bold where they differ."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Counterfactual(Block):
    """A smallest change found that turns the decision; the changed row has been scored.

    Parameters
    ----------
    title, note
        What it is, and which columns could change.
    before, after
        Output today and after the change.
    changes
        Columns declared changeable.
    sentence
        How near the changed row is to real ones; that it describes the model, not a promise.
    """

    title: str
    note: str
    before: Measure
    after: Measure
    changes: tuple[Change, ...]
    sentence: str
    before_label: str = "Today"
    after_label: str = "After the change"
