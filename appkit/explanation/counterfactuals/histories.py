"""The fewest past purchases without which an item would not be advised."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation.counterfactuals.removal_search import (
    LinearAnswers,
    ModelAnswers,
    Proof,
    Removal,
    smallest_removal,
)
from appkit.explanation.games.history_players import HistoryPlayers
from appkit.explanation.history_advice import (
    AdvisedCases,
    ExplainableRecommender,
    Listed,
    advice_of,
    advised_cases,
    item_labels,
    place_on_list,
)
from appkit.explanation.layouts import Advice
from appkit.model.device import on_one_thread

__all__ = ["RemovalSets", "removal_sets"]

_LINEAR_SETS, _SCORED_SETS = 50_000, 2_000
_PROOFS = {
    "smallest": "no smaller set does that",
    "minimal": "no part of it does that",
    "pruned": "none of it can be spared",
}


@dataclass(frozen=True, eq=False)
class RemovalSets:
    """For each advice the smallest set of past purchases found without which the item leaves the list.

    Parameters
    ----------
    advice
        What was advised to whom.
    rows
        One line per item removed: ``row``, ``user``, ``item`` (advised), ``removed``, ``name``, ``n_purchases``.
    found
        bool ``(n_rows,)``.
    verified
        bool ``(n_rows,)``: whether the model, asked with the shortened history, puts ``k`` others before the item.
    proof
        For each row what is known of its set: ``"smallest"``, no smaller one of the history works; ``"minimal"``, no
        part of it works; ``"pruned"``, none of its items can be spared; empty where there is none.
    at_least
        int64 ``(n_rows,)``: no set of fewer items works, found or not; 0 where none was looked for.
    reasons
        For each row why there is no set; else empty.
    ranks_after
        int64 ``(n_rows,)``: place of the item by the shortened history; -1 where there is no set.
    margin_before, margin_after
        float64 ``(n_rows,)``: over the k-th best of the others, which may be another item afterwards; NaN where there
        is no set.
    n_evaluations
        int64 ``(n_rows,)``: histories scored.
    """

    advice: Advice
    rows: pd.DataFrame
    found: np.ndarray
    verified: np.ndarray
    proof: tuple[Proof, ...]
    at_least: np.ndarray
    reasons: tuple[str, ...]
    ranks_after: np.ndarray
    margin_before: np.ndarray
    margin_after: np.ndarray
    n_evaluations: np.ndarray

    def __len__(self) -> int:
        return len(self.found)

    @property
    def sizes(self) -> np.ndarray:
        """Items in each set, int64 ``(n_rows,)``; 0 where there is none."""
        return np.bincount(self.rows["row"].to_numpy(dtype=np.int64), minlength=len(self))

    def names(self, row: int) -> tuple[str, ...]:
        """Return the items of a row's set as explanations name them, ``"tea (3 times)"``; empty where there is none."""
        if not 0 <= row < len(self):
            raise IndexError(f"row must be a position below {len(self)}, got {row!r}.")
        return tuple(self.rows.loc[self.rows["row"] == row, "name"])

    def describe(self, row: int) -> str:
        """Return what a row's set does, in a sentence."""
        names, item = self.names(row), self.advice.item_names[row]
        if not names:
            return self.reasons[row]
        before, after = self.advice.ranks[row], self.ranks_after[row]
        words = f"Without {_listed(names)}, {item} drops from rank {before} to rank {after}"
        if len(names) == 1:
            return f"{words}."
        proof = "no single purchase does that" if len(names) == 2 else _PROOFS[self.proof[row]]
        return f"{words}; {proof}."


@on_one_thread()
def removal_sets(
    model: ExplainableRecommender,
    X: pd.DataFrame,
    *,
    k: int = 10,
    max_size: int = 10,
    filter_seen: bool | None = None,
    candidates: Iterable[Any] | None = None,
    exclude: Iterable[Any] | None = None,
    max_sets: int | None = None,
) -> RemovalSets:
    """Return for each advice the fewest past purchases without which the item is not among the first ``k``.

    An item leaves the history with all its purchases, and the model scores what is left; it is not fitted again. The
    list is always that over what may be advised by the *whole* history, so that an item that was removed does not come
    back as an advice.

    Parameters
    ----------
    model
        Fitted recommender.
    X
        One row per advice: columns of users and items; without items each user's first advice.
    k, filter_seen, candidates, exclude
        The list, as in :func:`~appkit.explanation.games.recommender.recommender_game`.
    max_size
        Most items removed.
    max_sets
        Sets an exhaustive search may look at, row by row; ``None`` means 50,000 where the model adds up (algebra, not
        scored), else 2,000.

    Returns
    -------
    RemovalSets
        Every set was scored once more by the model: ``verified`` says what came out.

    Raises
    ------
    SchemaError
        Naming users and items that have no explanation.
    ValueError
        If a parameter is out of range.

    Notes
    -----
    Single items are all tried. Where the model adds up, what each item gives the advised one over each rival is known:
    over one rival, the fewest items are those that give most. So no set can be smaller than what the ``k``-th easiest
    rival takes, and a set of that size is proven smallest. Larger ones, and those of models that do not add up, come
    from a greedy search, stripped of items that can be spared, and from all smaller sets as far as ``max_sets`` goes.

    Examples
    --------
    >>> from appkit.model import InteractionRecommender
    >>> bought = pd.DataFrame(
    ...     {"user": [1, 1, 2, 2, 3, 3, 4, 4], "item": ["tea", "pot", "tea", "pot", "jam", "egg", "tea", "jam"]}
    ... )
    >>> model = InteractionRecommender(model="als", random_state=0).fit(bought)
    >>> print(removal_sets(model, pd.DataFrame({"user": [4]}), k=1).describe(0))
    Without tea, pot drops from rank 1 to rank 2.
    """
    if isinstance(max_size, bool) or not isinstance(max_size, int | np.integer) or max_size < 1:
        raise ValueError(f"max_size must be a whole number from 1 on, got {max_size!r}.")
    if max_sets is not None and max_sets < 0:
        raise ValueError(f"max_sets must be 0 or more, got {max_sets!r}.")
    cases = advised_cases(model, X, listed=Listed(k=k, filter_seen=filter_seen, candidates=candidates, exclude=exclude))
    advice = advice_of(cases, model)
    outcomes = [_outcome(cases, row, max_size=int(max_size), max_sets=max_sets) for row in range(len(cases))]
    return RemovalSets(
        advice=advice,
        rows=_lines(cases, outcomes, model, advice=advice),
        found=np.array([outcome.removed is not None for outcome in outcomes]),
        verified=np.array([outcome.removed is not None and outcome.rank_after > cases.k for outcome in outcomes]),
        proof=tuple(outcome.proof for outcome in outcomes),
        at_least=np.array([outcome.at_least for outcome in outcomes]),
        reasons=tuple(outcome.reason for outcome in outcomes),
        ranks_after=np.array([outcome.rank_after for outcome in outcomes]),
        margin_before=np.array([outcome.margin_before for outcome in outcomes]),
        margin_after=np.array([outcome.margin_after for outcome in outcomes]),
        n_evaluations=np.array([outcome.n_evaluations for outcome in outcomes]),
    )


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What came out for one row."""

    removed: np.ndarray | None = None  # bool (n_players,)
    proof: Proof = ""
    at_least: int = 0
    reason: str = ""
    rank_after: int = -1
    margin_before: float = float("nan")
    margin_after: float = float("nan")
    n_evaluations: int = 0


def _outcome(cases: AdvisedCases, row: int, *, max_size: int, max_sets: int | None) -> _Outcome:
    if cases.ranks[row] > cases.k:
        return _Outcome(reason=f"The item is at rank {cases.ranks[row]}, not among the first {cases.k} as it is.")
    scored = ModelAnswers(cases, row, budget=_SCORED_SETS if max_sets is None else max_sets)
    nobody = np.zeros(scored.n_players, dtype=bool)
    before, _ = _said(cases, row, scored.shortened(nobody))
    asked = 1
    removal = None
    if cases.scorer.is_additive:
        linear = LinearAnswers(cases, row, max_size=max_size, budget=_LINEAR_SETS if max_sets is None else max_sets)
        removal = smallest_removal(linear, max_size=max_size)
        asked += linear.n_asked
    if removal is None or not _holds(removal, scored):  # a tie within rounding: let the model decide
        removal = smallest_removal(scored, max_size=max_size)
    at_least = int(removal.at_least)
    if removal.removed is None:
        stays = scored.margins(~nobody[None]).item() >= 0
        reason = _no_set(at_least, min(max_size, scored.n_players), stays=stays)
        return _Outcome(at_least=at_least, reason=reason, n_evaluations=asked + scored.n_asked)
    after, rank_after = _said(cases, row, scored.shortened(removal.removed))
    return _Outcome(
        removed=removal.removed,
        proof=removal.proof,
        at_least=at_least,
        rank_after=rank_after,
        margin_before=before,
        margin_after=after,
        n_evaluations=asked + 1 + scored.n_asked,
    )


def _holds(removal: Removal, scored: ModelAnswers) -> bool:
    """Return whether the model agrees that a set works; there is nothing to disagree on where none was found."""
    return removal.removed is None or scored.margins(removal.removed[None]).item() < 0


def _said(cases: AdvisedCases, row: int, history: np.ndarray) -> tuple[float, int]:
    """Return the margin over the k-th best of the others, and the rank, by a history."""
    (scores,) = cases.scores([history])
    item, others = int(cases.items[row]), cases.open_to(row)
    others[item] = False
    rank, rival = place_on_list(scores, item, others, k=cases.k)
    return float(scores[item] - scores[rival]), rank


def _no_set(at_least: int, most: int, *, stays: bool) -> str:
    if stays:
        return "The model would list the item even without any history."
    if at_least > most:
        return f"No set of up to {most} items takes it off the list."
    return f"No set of up to {most} items was found; none of fewer than {at_least} takes it off the list."


def _lines(
    cases: AdvisedCases, outcomes: list[_Outcome], model: ExplainableRecommender, *, advice: Advice
) -> pd.DataFrame:
    labels = item_labels(model, np.unique(np.concatenate(cases.histories)).tolist())
    lines = []
    for row, outcome in enumerate(outcomes):
        if outcome.removed is None:
            continue
        history = cases.histories[row]
        own = HistoryPlayers.of_items([history], length=len(history), n_recent=None, item_names=labels)
        lines += [
            {
                "row": row,
                "user": advice.users[row],
                "item": advice.items[row],
                "removed": model.items_.values[own.ids[0, player]],
                "name": own.names[0, player],
                "n_purchases": int(own.counts[0, player]),
            }
            for player in np.flatnonzero(outcome.removed)
        ]
    return pd.DataFrame(lines, columns=["row", "user", "item", "removed", "name", "n_purchases"])


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
