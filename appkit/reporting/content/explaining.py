"""Explain a sample of rows and one case, twice and by two methods, within a stated budget."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation import Explanation, lime_surrogate, permutation_shapley
from appkit.explanation.certificate import Certificate, Ranking, certify
from appkit.explanation.solvers.permutation import MIN_PAIRS
from appkit.reporting.content.economy import SharedEnds
from appkit.reporting.content.series_subject import SeriesSubject
from appkit.reporting.content.subject import Subject

__all__ = ["CaseExplanation", "CaseOverTime", "ModelExplanation", "explain_case", "explain_model", "explain_over_time"]

EXPLAINED_ROWS = 200  # by default
SHAPLEY_EVALUATIONS = 3_000
LIME_EVALUATIONS = 1_000
CASE_EVALUATIONS = 8_192
TOTAL_EVALUATIONS = 600_000  # of one seed, all rows together: what a wide table cuts its rows to
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
    shapley
        Shapley values; of images Aumann-Shapley values, by expected gradients.
    lime
        Weights of LIME; ``None`` where there is but one column.
    certificate
        What was checked about the Shapley values, by a second seed and by removal among others.
    n_background
        Background rows.
    second
        The same by the next seed, where it is kept.
    """

    rows: np.ndarray
    n_rows: int
    shapley: Explanation
    lime: Explanation | None
    certificate: Certificate
    n_background: int
    second: Explanation | None = None

    @property
    def n_explained(self) -> int:
        """Rows explained."""
        return len(self.rows)

    @property
    def ranking(self) -> Ranking:
        """Columns over all rows, by mean size of effect."""
        assert self.certificate.ranking is not None, "the rows of a table share their columns"
        return self.certificate.ranking

    @property
    def reliable(self) -> int:
        """Last place that holds: all gaps above it are settled, and no check speaks against the whole order."""
        assert self.certificate.overall is not None
        return min(self.certificate.overall.rank, self.ranking.reliable)


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

    @classmethod
    def of(
        cls,
        row: pd.DataFrame,
        shapley: Explanation,
        lime: Explanation | None,
        *,
        rule: str,
        threshold: float | None,
    ) -> "CaseExplanation":
        """Return the explanation of a frame of one row; what is flagged starts at the threshold."""
        is_flagged = None if threshold is None else bool(shapley.output[0, 0] >= threshold)
        return cls(str(row.index[0]), rule, is_flagged, shapley, lime)

    @property
    def output(self) -> float:
        """The model's output of the row."""
        return float(self.shapley.output[0, 0])


@dataclass(frozen=True)
class CaseOverTime:
    """Explanation of one window by sensors over stretches of time.

    Parameters
    ----------
    shapley
        Shapley values; player ``sensor * n_stretches + stretch``.
    certificate
        What was checked about them.
    """

    shapley: Explanation
    certificate: Certificate


def explain_model(
    subject: Subject, X: pd.DataFrame, background: Any, *, n_explained: int, random_state: int
) -> ModelExplanation:
    """Explain at most ``n_explained`` rows of ``X``, drawn by the seed."""
    n_players = subject.n_players
    n_wanted = min(n_explained, len(X), max(_FEWEST_ROWS, TOTAL_EVALUATIONS // _budget(n_players, 1)))
    rows = np.sort(np.random.default_rng(random_state).choice(len(X), n_wanted, replace=False))
    chosen = X.iloc[rows]
    game = SharedEnds(subject.game(chosen, background), shown=subject.shown(chosen))
    budget = _budget(n_players, game.n_members)
    shapley = permutation_shapley(game, max_evaluations=budget, random_state=random_state)
    second = permutation_shapley(game, max_evaluations=budget, random_state=random_state + 1)
    lime = _lime(game, LIME_EVALUATIONS, random_state=random_state)
    return ModelExplanation(
        rows=rows,
        n_rows=len(X),
        shapley=shapley,
        lime=lime,
        certificate=certify(game, shapley, second=second, lime=lime, n_population=len(X), random_state=random_state),
        n_background=game.n_references,
    )


def explain_case(
    subject: Subject,
    row: pd.DataFrame,
    background: Any,
    *,
    rule: str,
    threshold: float | None,
    random_state: int,
) -> CaseExplanation:
    """Explain one row, a frame of one row, with a budget of its own."""
    game = SharedEnds(subject.game(row, background), shown=subject.shown(row))
    shapley = permutation_shapley(game, max_evaluations=_case_budget(game), random_state=random_state)
    lime = _lime(game, CASE_EVALUATIONS, random_state=random_state)
    return CaseExplanation.of(row, shapley, lime, rule=rule, threshold=threshold)


def explain_over_time(subject: SeriesSubject, row: pd.DataFrame, background: Any, *, random_state: int) -> CaseOverTime:
    """Explain one window, a frame of one row, by sensors over stretches of time, and certify that."""
    game = SharedEnds(subject.game_over_time(row, background))
    shapley = permutation_shapley(game, max_evaluations=_case_budget(game), random_state=random_state)
    return CaseOverTime(shapley, certify(game, shapley, random_state=random_state))


def _case_budget(game: SharedEnds) -> int:
    return max(CASE_EVALUATIONS, _budget(len(game.player_names), game.n_members))


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
