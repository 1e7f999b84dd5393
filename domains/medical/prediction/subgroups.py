"""Is the model as good for each sex, age band, site and device as for the rest."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.prediction import Estimate, auc, calibration_in_the_large
from appkit.prediction.intervals import exact_share
from appkit.prediction.resampling import undefined_estimate
from domains.medical.prediction.scored_rows import ScoredRows, scored_rows
from domains.medical.prediction.subgroup_levels import subgroup_levels

__all__ = ["SubgroupDifference", "SubgroupLevel", "SubgroupTable", "by_subgroup"]

_Figure = Callable[[np.ndarray, float], Estimate]
"""From rows, bool ``(n_rows,)``, and a level of coverage to what was measured on them."""


@dataclass(frozen=True)
class SubgroupDifference:
    """A figure of a subgroup minus that of all other images.

    Parameters
    ----------
    estimate
        With the interval of this one comparison.
    stands
        Whether 0 stays out of the interval that allows for all comparisons of the table (Bonferroni).
    """

    estimate: Estimate
    stands: bool


@dataclass(frozen=True)
class SubgroupLevel:
    """How the model does in one subgroup; figures that its images do not define are NaN and say why.

    Parameters
    ----------
    column, label
        ``"sex"``, ``"F"``.
    n, n_events
        Images, and events among them.
    n_patients
        ``None`` where images are independent.
    is_too_small
        Fewer patients with the event, or without, than the table asks for: shown, but neither to be relied on nor
        compared.
    auc, sensitivity, specificity
        Ranking, and shares at the threshold.
    calibration
        In the large, in log-odds: above 0, events were more frequent than predicted.
    differences
        From the rest, in the order of the figures; empty where the level is too small or is everybody.
    """

    column: str
    label: str
    n: int
    n_events: int
    n_patients: int | None
    is_too_small: bool
    auc: Estimate
    sensitivity: Estimate
    specificity: Estimate
    calibration: Estimate
    differences: tuple[SubgroupDifference, ...] = ()

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """All figures in reading order."""
        return self.auc, self.sensitivity, self.specificity, self.calibration


@dataclass(frozen=True)
class SubgroupTable:
    """Figures by subgroup, on one set of images.

    Parameters
    ----------
    levels
        In the order of the columns, and of the labels within.
    threshold
        Probability from which an image is flagged.
    min_each
        Fewest patients with the event, and without, of a level that is compared; images where these are independent.
    n_comparisons
        Differences looked at; a column of two levels gives each once.
    """

    levels: tuple[SubgroupLevel, ...]
    threshold: float
    min_each: int
    n_comparisons: int

    def __getitem__(self, key: tuple[str, str]) -> SubgroupLevel:
        for level in self.levels:
            if (level.column, level.label) == key:
                return level
        raise KeyError(f"{key!r} is not among {[(level.column, level.label) for level in self.levels]}.")

    def __iter__(self) -> Iterator[SubgroupLevel]:
        return iter(self.levels)

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def note(self) -> str:
        """How to read so many comparisons at once."""
        if not self.n_comparisons:
            return "No subgroup was compared with the rest."
        if self.n_comparisons == 1:
            return "One difference was looked at; nothing is to be allowed for."
        standing = sum(difference.stands for level in self.levels for difference in level.differences)
        return (
            f"{self.n_comparisons} differences were looked at: about {0.05 * self.n_comparisons:.1f} of their 95 % "
            f"intervals would leave 0 out by chance alone. A difference stands where it does so at "
            f"{100 * (1 - 0.05 / self.n_comparisons):.2f} % (Bonferroni): {standing or 'none'} of them."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per column, label and figure or difference: value, low, high, n, method, whether too small."""
        rows = []
        for level in self.levels:
            for figure in (*level.estimates, *(difference.estimate for difference in level.differences)):
                ends = (figure.value, figure.low, figure.high, figure.n, figure.method)
                rows.append((level.column, level.label, figure.name, *ends, level.is_too_small))
        names = ["column", "label", "figure", "value", "low", "high", "n", "method", "is_too_small"]
        return pd.DataFrame(rows, columns=names).set_index(["column", "label", "figure"])


def by_subgroup(
    y: ArrayLike,
    p: ArrayLike,
    subgroups: pd.DataFrame,
    *,
    threshold: float,
    groups: ArrayLike | None = None,
    min_each: int = 10,
) -> SubgroupTable:
    """Measure a model in each level of each column, and compare it there with all other images.

    The difference takes its interval from those of both sides (Zou and Donner, 2008), whatever the figure; a patient
    with images on both sides makes it somewhat wide.

    Parameters
    ----------
    y, p
        Events, and their probabilities, shape (n_rows,).
    subgroups
        One column per attribute, one row per image: sex, age, site, device. Ages are put into bands, other numbers into
        quarters (:func:`~domains.medical.prediction.subgroup_levels.subgroup_levels`); missing values are a level too.
    threshold
        Probability from which an image is flagged.
    groups
        Patient of each image, shape (n_rows,).
    min_each
        Fewest patients with the event, and without, of a level that is compared (images where these are independent);
        smaller ones are kept and marked.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=400)
    >>> table = by_subgroup(rng.random(400) < p, p, pd.DataFrame({"sex": ["F", "M"] * 200}), threshold=0.5)
    >>> print(table["sex", "F"].auc)
    AUC 0.825 (0.770 to 0.880)
    >>> table.n_comparisons
    4
    """
    rows = scored_rows(y, p, groups=groups, probabilities=True)
    if not isinstance(subgroups, pd.DataFrame) or len(subgroups) != len(rows.y):
        raise ValueError(
            f"subgroups must be a DataFrame with one row per image, got {type(subgroups).__name__} of length "
            f"{len(subgroups)} for {len(rows.y)} images."
        )
    figures = _figures(rows, threshold)
    members = {str(name): _members(subgroups[name], name=str(name)) for name in subgroups.columns}
    n_comparisons = sum(_count_comparisons(rows, levels, min_each) for levels in members.values()) * len(figures)
    measured = tuple(
        _measure(rows, own, figures, place=(column, label), min_each=min_each, n_comparisons=n_comparisons)
        for column, levels in members.items()
        for label, own in levels.items()
    )
    return SubgroupTable(measured, float(threshold), min_each, n_comparisons)


def _figures(rows: ScoredRows, threshold: float) -> tuple[_Figure, ...]:
    alarm = rows.p >= threshold

    def share(name: str, hits: np.ndarray, side: np.ndarray) -> _Figure:
        return lambda own, level: exact_share(name, hits[own & side], groups=rows.patients(own & side), level=level)

    def of_both(name: str, figure: Callable[..., Estimate]) -> _Figure:
        def measured(own: np.ndarray, level: float) -> Estimate:
            n, n_events = int(own.sum()), int(rows.y[own].sum())
            if n_events in (0, n):
                found = "no event" if n_events == 0 else "events only"
                return undefined_estimate(name, f"{found} among {n} images", n=n, level=level)
            return figure(rows.y[own], rows.p[own], groups=rows.patients(own), level=level)

        return measured

    return (
        of_both("AUC", auc),
        share("Sensitivity", alarm, rows.y),
        share("Specificity", ~alarm, ~rows.y),
        of_both("Calibration in the large", calibration_in_the_large),
    )


def _members(values: pd.Series, *, name: str) -> dict[str, np.ndarray]:
    levels = subgroup_levels(values, name=name)
    return {str(label): levels.codes == code for code, label in enumerate(levels.categories)}


def _measure(
    rows: ScoredRows,
    own: np.ndarray,
    figures: tuple[_Figure, ...],
    *,
    place: tuple[str, str],
    min_each: int,
    n_comparisons: int,
) -> SubgroupLevel:
    patients = rows.patients(own)
    ranking, sensitivity, specificity, calibration = (figure(own, 0.95) for figure in figures)
    return SubgroupLevel(
        column=place[0],
        label=place[1],
        n=int(own.sum()),
        n_events=int(rows.y[own].sum()),
        n_patients=None if patients is None else len(np.unique(patients)),
        is_too_small=_smaller_class(rows, own) < min_each,
        auc=ranking,
        sensitivity=sensitivity,
        specificity=specificity,
        calibration=calibration,
        differences=tuple(_difference(figure, own, n_comparisons) for figure in figures)
        if _is_compared(rows, own, min_each)
        else (),
    )


def _smaller_class(rows: ScoredRows, own: np.ndarray) -> int:
    """Return how many patients (or images, where these are independent) have the rarer outcome."""
    sides = own & rows.y, own & ~rows.y
    return min(int(side.sum()) if rows.groups is None else len(np.unique(rows.groups[side])) for side in sides)


def _is_compared(rows: ScoredRows, own: np.ndarray, min_each: int) -> bool:
    return min(_smaller_class(rows, own), _smaller_class(rows, ~own)) >= min_each


def _count_comparisons(rows: ScoredRows, levels: dict[str, np.ndarray], min_each: int) -> int:
    compared = sum(_is_compared(rows, own, min_each) for own in levels.values())
    # of two levels each is the rest of the other
    return 1 if len(levels) == 2 and compared == 2 else compared


def _difference(figure: _Figure, own: np.ndarray, n_comparisons: int) -> SubgroupDifference:
    estimate, strict = (_minus(figure(own, level), figure(~own, level)) for level in (0.95, 1 - 0.05 / n_comparisons))
    return SubgroupDifference(estimate, bool(strict.low > 0 or strict.high < 0))


def _minus(figure: Estimate, rest: Estimate) -> Estimate:
    """Return a difference with the interval that those of both sides give."""
    value = figure.value - rest.value
    return replace(
        figure,
        name=f"{figure.name} minus the rest",
        value=value,
        low=value - math.hypot(figure.value - figure.low, rest.high - rest.value),
        high=value + math.hypot(figure.high - figure.value, rest.value - rest.low),
        method=f"from both intervals ({figure.method})",
        n=figure.n + rest.n,
    )
