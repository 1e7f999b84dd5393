"""Explain a sample of rows and one case, twice and by two methods, within a stated budget."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from appkit.explanation import Explanation, lime_surrogate, permutation_shapley
from appkit.explanation.permutation import MIN_PAIRS
from appkit.reporting.content.economy import SharedEnds
from appkit.reporting.content.removal import RemovalTest, removal_test
from appkit.reporting.content.subject import Subject

__all__ = ["CaseExplanation", "ModelExplanation", "Ranking", "explain_case", "explain_model", "rank_columns"]

SHAPLEY_EVALUATIONS = 1_500
LIME_EVALUATIONS = 600
CASE_EVALUATIONS = 8_192
TOTAL_EVALUATIONS = 300_000  # of one seed, all rows together: what a wide table cuts its rows to
_FEWEST_ROWS = 30


@dataclass(frozen=True)
class ModelExplanation:
    """Explanations of a sample of rows.

    Parameters
    ----------
    rows
        Positions of the rows explained, int ``(n_explained,)``.
    n_rows
        Rows they were drawn from.
    shapley, second
        Shapley values by the first and by a second seed.
    lime
        Weights of LIME; ``None`` where there is but one column.
    removal
        What removing and adding columns in the order of the values does to the output.
    ranking
        How far down the order of columns is settled.
    n_background
        Background rows.
    """

    rows: np.ndarray
    n_rows: int
    shapley: Explanation
    second: Explanation
    lime: Explanation | None
    removal: RemovalTest | None
    ranking: "Ranking"
    n_background: int

    @property
    def n_explained(self) -> int:
        """Rows explained."""
        return len(self.rows)


@dataclass(frozen=True)
class CaseExplanation:
    """Explanation of one row.

    Parameters
    ----------
    label
        Name of the row: its index.
    rule
        How it was chosen, in words.
    is_flagged
        Whether its output is at the threshold or above; ``None`` without a threshold.
    shapley, lime
        Of this one row.
    """

    label: str
    rule: str
    is_flagged: bool | None
    shapley: Explanation
    lime: Explanation | None

    @property
    def output(self) -> float:
        """The model's output of the row."""
        return float(self.shapley.output[0, 0])


@dataclass(frozen=True)
class Ranking:
    """Columns by mean size of effect, and how far down their order is settled; arrays ``(n_columns,)``.

    Parameters
    ----------
    order
        Positions of the columns, largest first.
    importance, standard_error
        Mean absolute value of each column, in the order of the explanation; the error of sampling coalitions and
        background, and that of drawing the rows, together.
    gap, gap_error
        Difference of each place to the next and its standard error, ``(n_columns - 1,)``.
    is_settled
        Whether places up to and including k hold the same columns under the second seed and the gap below exceeds two
        standard errors, bool ``(n_columns - 1,)``.
    """

    order: np.ndarray
    importance: np.ndarray
    standard_error: np.ndarray
    gap: np.ndarray
    gap_error: np.ndarray
    is_settled: np.ndarray

    @property
    def reliable(self) -> int:
        """Last place down to which every gap is settled; all places where all gaps are."""
        open_gaps = np.flatnonzero(~self.is_settled)
        return int(open_gaps[0]) if len(open_gaps) else len(self.order)

    def places(self, place: int) -> tuple[int, int]:
        """Return the first and last place, from 1, that the column at ``place``, from 0, may hold."""
        above = np.flatnonzero(self.is_settled[:place])
        below = np.flatnonzero(self.is_settled[place:])
        first = int(above[-1]) + 2 if len(above) else 1
        last = place + int(below[0]) + 1 if len(below) else len(self.order)
        return first, last


def explain_model(
    subject: Subject, X: pd.DataFrame, background: pd.DataFrame, *, n_explained: int, random_state: int
) -> ModelExplanation:
    """Explain at most ``n_explained`` rows of ``X``, drawn by the seed."""
    n_players = len(subject.model.player_columns_) if subject.is_ours else X.shape[1]
    n_wanted = min(n_explained, len(X), max(_FEWEST_ROWS, TOTAL_EVALUATIONS // _budget(n_players, 1)))
    rows = np.sort(np.random.default_rng(random_state).choice(len(X), n_wanted, replace=False))
    game = SharedEnds(subject.game(X.iloc[rows], background))
    budget = _budget(n_players, game.n_members)
    shapley = permutation_shapley(game, max_evaluations=budget, random_state=random_state)
    second = permutation_shapley(game, max_evaluations=budget, random_state=random_state + 1)
    return ModelExplanation(
        rows=rows,
        n_rows=len(X),
        shapley=shapley,
        second=second,
        lime=_lime(game, LIME_EVALUATIONS, random_state=random_state),
        removal=removal_test(game, shapley, random_state=random_state) if n_players > 2 else None,
        ranking=rank_columns(shapley, second, n_rows=len(X)),
        n_background=game.n_references,
    )


def explain_case(
    subject: Subject,
    row: pd.DataFrame,
    background: pd.DataFrame,
    *,
    rule: str,
    threshold: float | None,
    random_state: int,
) -> CaseExplanation:
    """Explain one row, a frame of one row, with a budget of its own."""
    game = SharedEnds(subject.game(row, background))
    budget = max(CASE_EVALUATIONS, _budget(len(game.player_names), game.n_members))
    shapley = permutation_shapley(game, max_evaluations=budget, random_state=random_state)
    return CaseExplanation(
        label=str(row.index[0]),
        rule=rule,
        is_flagged=None if threshold is None else bool(shapley.output[0, 0] >= threshold),
        shapley=shapley,
        lime=_lime(game, CASE_EVALUATIONS, random_state=random_state),
    )


def rank_columns(first: Explanation, second: Explanation, *, n_rows: int) -> Ranking:
    """Rank columns by mean absolute value and say which gaps are settled.

    A gap is settled if it exceeds two standard errors of the difference and the second seed puts the same columns
    above it. The error of a difference has two parts: that of the sampled coalitions, taken as independent between
    columns, and that of explaining a sample of the ``n_rows``, taken row by row and so with its correlation; it
    vanishes where every row was explained.

    Parameters
    ----------
    first, second
        The same rows by two seeds.
    n_rows
        Rows they were drawn from.
    """
    sizes = np.abs(first.values[..., 0])
    importance, again = first.global_importance[:, 0], second.global_importance[:, 0]
    order = np.argsort(-importance, kind="stable")
    sampling = first.global_standard_error[:, 0] ** 2
    upper, lower = order[:-1], order[1:]
    gap = importance[upper] - importance[lower]
    gap_error = np.sqrt(
        sampling[upper] + sampling[lower] + _variance_of_mean(sizes[:, upper] - sizes[:, lower], n_rows=n_rows)
    )
    other = np.argsort(-again, kind="stable")
    survives = np.array([set(order[:k]) == set(other[:k]) for k in range(1, len(order))], dtype=bool)
    return Ranking(
        order=order,
        importance=importance,
        standard_error=np.sqrt(sampling + _variance_of_mean(sizes, n_rows=n_rows)),
        gap=gap,
        gap_error=gap_error,
        is_settled=(gap > 2 * gap_error) & survives,
    )


def _variance_of_mean(values: np.ndarray, *, n_rows: int) -> np.ndarray:
    """Return the variance of column means over rows drawn without replacement from ``n_rows``."""
    n = len(values)
    if n == n_rows or n < 2:
        return np.zeros(values.shape[1])
    return values.var(axis=0, ddof=1) / n * (1 - n / n_rows)


def _lime(game: SharedEnds, budget: int, *, random_state: int) -> Explanation | None:
    n_players = len(game.player_names)
    if n_players < 2:
        return None
    return lime_surrogate(
        game, max_evaluations=max(budget, 10 * n_players + 2), members="one", random_state=random_state
    )


def _budget(n_players: int, n_members: int) -> int:
    """Return the evaluations of one row: the usual ones, or what twenty pairs of permutations take."""
    least = MIN_PAIRS * max(1, 2 * (n_players - 1)) + 1 + n_members
    return max(SHAPLEY_EVALUATIONS, least)
