"""Which of several recommenders is better: differences user by user, with interval and p-value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from appkit.data.cells import shown
from appkit.prediction.estimate import Estimate
from appkit.prediction.ranking.evaluation import RankingResult
from appkit.prediction.ranking.means import Redraws, mean_estimates

__all__ = [
    "PairedDifference",
    "RankingComparison",
    "adjust_p_values",
    "compare_rankings",
    "holm",
    "paired_difference",
]

_DIFFERENCE = (-1.0, 1.0)


@dataclass(frozen=True)
class PairedDifference:
    """How much better one recommender is than another on the same users.

    Parameters
    ----------
    measure
        What was compared, such as ``"ndcg"``.
    estimate
        Mean of first minus second over users, with its interval.
    p_value
        Of no difference, two-sided.
    p_adjusted
        The same, held against all comparisons made together; equal to ``p_value`` where there is one.
    n_better, n_worse
        Users for whom the first is better, and worse; for the others both are alike.
    """

    measure: str
    estimate: Estimate
    p_value: float
    p_adjusted: float
    n_better: int
    n_worse: int


def paired_difference(
    first: RankingResult,
    second: RankingResult,
    *,
    measure: str = "ndcg",
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int | None = 0,
) -> PairedDifference:
    """Return the mean difference of two results over the same users.

    The interval redraws users with both their figures, which takes out that some users are easy and some hard for
    everyone. The p-value is of the paired t-test: over rankings it keeps its promise better than the bootstrap, whose
    p-values are too small, and than rank tests (Urbano, Lima and Hanjalic, 2019).

    Parameters
    ----------
    first, second
        Of the same truth and the same ``k``; users are matched by id.
    measure
        A column of ``per_user``.
    n_resamples, level, random_state
        Of the interval.

    Raises
    ------
    ValueError
        If the results are about other users, other relevant items or another ``k``.

    Examples
    --------
    >>> from appkit.prediction.ranking import evaluate_ranking
    >>> taken = pd.DataFrame({"user": [1, 2, 3], "item": ["tea", "cup", "tea"]})
    >>> tea, cup = (pd.DataFrame({"user": [1, 2, 3], "item": item, "rank": 1}) for item in ("tea", "cup"))
    >>> found = paired_difference(evaluate_ranking(tea, taken, k=1), evaluate_ranking(cup, taken, k=1))
    >>> round(found.estimate.value, 3), found.n_better, found.n_worse, round(found.p_value, 3)
    (0.333, 2, 1, 0.667)
    """
    _check_alike(first, second)
    difference = first.vector(measure) - second.vector(measure)
    difference = difference[~np.isnan(difference)]
    bounds = _DIFFERENCE if np.abs(difference).max(initial=0) <= 1 else (-np.inf, np.inf)
    name = f"Difference of {first.estimates[measure].name}"
    draws = Redraws(n_resamples, random_state, level)
    (estimate,) = mean_estimates({name: difference}, bounds=bounds, draws=draws)
    p_value = _paired_p_value(difference)
    return PairedDifference(
        measure, estimate, p_value, p_value, n_better=int((difference > 0).sum()), n_worse=int((difference < 0).sum())
    )


@dataclass(frozen=True)
class RankingComparison:
    """Several recommenders on the same users, one of them the reference.

    Parameters
    ----------
    reference
        Whom the others are held against.
    estimates
        Each one's measures, by name and measure.
    differences
        Other minus reference, by name and measure.
    correction
        What the adjusted p-values allow for, in a sentence.
    """

    reference: str
    estimates: dict[str, dict[str, Estimate]]
    differences: dict[str, dict[str, PairedDifference]]
    correction: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row per recommender and measure: value, difference to the reference, p-values."""
        return pd.DataFrame(
            [
                {"name": name, "measure": estimate.name, "value": estimate.value, "low": estimate.low}
                | {"high": estimate.high}
                | _difference_columns(self.differences.get(name, {}).get(measure))
                for name, estimates in self.estimates.items()
                for measure, estimate in estimates.items()
            ]
        ).set_index(["name", "measure"])


def compare_rankings(
    results: Mapping[str, RankingResult],
    *,
    reference: str,
    measures: Iterable[str] = ("recall", "ndcg"),
    correction: str = "holm",
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> RankingComparison:
    """Return every result beside a reference, with paired differences.

    Parameters
    ----------
    results
        By name, on the same truth and ``k``.
    reference
        Name of the one that the others are held against: the baseline, or the model whose lead is in question.
    measures
        Columns of ``per_user`` to compare.
    correction
        ``"holm"`` adjusts the p-values so that the chance of one false difference among all of this table stays at the
        level chosen (Holm, 1979); ``"none"`` leaves them. Intervals are those of single comparisons either way.
    n_resamples, random_state
        Of the intervals.

    Examples
    --------
    >>> from appkit.prediction.ranking import evaluate_ranking
    >>> taken = pd.DataFrame({"user": [1, 2, 3], "item": ["tea", "cup", "tea"]})
    >>> lists = {item: pd.DataFrame({"user": [1, 2, 3], "item": item, "rank": 1}) for item in ("tea", "cup")}
    >>> results = {name: evaluate_ranking(table, taken, k=1) for name, table in lists.items()}
    >>> compare_rankings(results, reference="cup", measures=["recall"]).to_frame()[["value", "difference"]].round(3)
                   value  difference
    name measure
    tea  Recall@1  0.667       0.333
    cup  Recall@1  0.333         NaN
    """
    if reference not in results:
        raise ValueError(f"reference must be one of {', '.join(map(repr, results))}, got {reference!r}.")
    if correction not in ("holm", "none"):
        raise ValueError(f"correction must be 'holm' or 'none', got {correction!r}.")
    measures, base = tuple(measures), results[reference]
    differences = {
        name: {
            measure: paired_difference(
                result, base, measure=measure, n_resamples=n_resamples, random_state=random_state
            )
            for measure in measures
        }
        for name, result in results.items()
        if name != reference
    }
    n = len(differences) * len(measures)
    said = f"p-values adjusted for {n} comparisons (Holm)" if correction == "holm" else "p-values not adjusted"
    return RankingComparison(
        reference,
        {name: {measure: result.estimates[measure] for measure in measures} for name, result in results.items()},
        adjust_p_values(differences) if correction == "holm" else differences,
        said,
    )


def adjust_p_values(
    differences: Mapping[str, Mapping[str, PairedDifference]],
) -> dict[str, dict[str, PairedDifference]]:
    """Return differences, by name and measure, with p-values adjusted for how many they are (Holm, 1979)."""
    raw = np.array([found.p_value for by_measure in differences.values() for found in by_measure.values()])
    adjusted = iter(holm(raw).tolist())
    return {
        name: {measure: replace(found, p_adjusted=next(adjusted)) for measure, found in by_measure.items()}
        for name, by_measure in differences.items()
    }


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted step by step for their number (Holm, 1979), float64 ``(n,)``; NaN stays out.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _paired_p_value(difference: np.ndarray) -> float:
    """Return the p-value of the paired t-test; 1 where nothing differs, NaN for less than two users."""
    if len(difference) < 2:
        return float("nan")
    if np.ptp(difference) == 0:
        # the same for everyone: the t-statistic does not exist; the chance that every sign agrees does
        return 1.0 if difference[0] == 0 else float(0.5 ** (len(difference) - 1))
    return float(stats.ttest_1samp(difference, 0.0).pvalue)


def _check_alike(first: RankingResult, second: RankingResult) -> None:
    if first.k != second.k:
        raise ValueError(f"Both results must look at the same number of places, got k={first.k} and k={second.k}.")
    one, other = first.per_user["n_relevant"], second.per_user["n_relevant"]
    if len(one) != len(other) or not one.index.equals(other.index):
        only = len(one.index.symmetric_difference(other.index))
        raise ValueError(
            f"Both results must be about the same users, got {len(one):,} and {len(other):,}, of whom {only:,} are in "
            "one only. Evaluate both on the same truth."
        )
    wrong = one.to_numpy() != other.to_numpy()
    if wrong.any():
        raise ValueError(
            f"Both results must be about the same relevant items, got another number for {int(wrong.sum()):,} users "
            f"(first: {shown(one.index[int(wrong.argmax())])}). Evaluate both with the same truth and seen."
        )


def _difference_columns(found: PairedDifference | None) -> dict[str, float]:
    columns = ("difference", "difference_low", "difference_high", "p", "p_adjusted")
    if found is None:
        return dict.fromkeys(columns, float("nan"))
    estimate = found.estimate
    values = (estimate.value, estimate.low, estimate.high, found.p_value, found.p_adjusted)
    return dict(zip(columns, values, strict=True))
