"""For whom, and for which items, advice is good: cold, warm and hot, by how much was known in training."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from appkit.prediction.estimate import Estimate
from appkit.prediction.ranking.evaluation import RankingResult
from appkit.prediction.ranking.lists import Pairs, read_pairs
from appkit.prediction.ranking.means import Redraws, mean_estimates, quotient_estimate

__all__ = ["HistoryGroup", "by_history"]

_USERS = ("cold", "warm", "hot")
_ITEMS = ("cold", "tail", "popular")
_POPULAR = 0.9  # the share of items that the popular ones leave


@dataclass(frozen=True)
class HistoryGroup:
    """Users, or items, with a like number of distinct partners in training, and how well they are served.

    Parameters
    ----------
    of
        ``"users"`` or ``"items"``.
    name
        ``"cold"`` for no history; then ``"warm"`` and ``"hot"``, of items ``"tail"`` and ``"popular"``.
    low, high
        Fewest and most partners, ends included; ``high`` is ``None`` where there is no upper end.
    n_members
        Users, or distinct items, of the group among the relevant pairs.
    n_pairs
        Relevant pairs behind the figures.
    estimates
        Of users the means of the group's recall, NDCG and hit rate. Of items the share of the pairs that the lists
        hold, under ``"recall"``.
    """

    of: str
    name: str
    low: int
    high: int | None
    n_members: int
    n_pairs: int
    estimates: dict[str, Estimate]

    @property
    def counts(self) -> str:
        """The range in words, such as ``"1 to 12"``."""
        if self.high is None:
            return f"{self.low:,} or more"
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"


def by_history(
    result: RankingResult,
    train: pd.DataFrame,
    *,
    user: str = "user",
    item: str = "item",
    user_cut: int | None = None,
    item_cut: int | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> tuple[HistoryGroup, ...]:
    """Return the result for users and for items apart, by how many distinct partners they had in training.

    A figure over all users hides that the many with a long history carry it, and that new items are never advised.

    Parameters
    ----------
    result
        Of :func:`appkit.prediction.ranking.evaluate_ranking`.
    train
        The table the model was fitted on, with columns ``user`` and ``item``; rows that repeat a pair count once.
    user, item
        Its columns.
    user_cut
        Most items of a warm user; by default the median over the evaluated users who had any.
    item_cut
        Most users of an item of the tail; by default what nine tenths of the items in training do not exceed.
    n_resamples, random_state
        Of the intervals.

    Examples
    --------
    >>> from appkit.prediction.ranking import evaluate_ranking
    >>> before = pd.DataFrame({"user": [1, 1, 2], "item": ["tea", "cup", "tea"]})
    >>> lists = pd.DataFrame({"user": [1, 2, 3], "item": ["mug", "cup", "tea"], "rank": 1})
    >>> taken = pd.DataFrame({"user": [1, 2, 3], "item": ["pot", "cup", "tea"]})
    >>> groups = by_history(evaluate_ranking(lists, taken, k=1), before)
    >>> [(group.of, group.name, group.counts, group.estimates["recall"].value) for group in groups][:3]
    [('users', 'cold', '0', 1.0), ('users', 'warm', '1', 1.0), ('users', 'hot', '2 or more', 0.0)]
    """
    had = read_pairs(train, user=user, item=item, of="train")
    of_user = _partners(had.users.codes(result.truth.users.values, column=user), had.n_items_of)
    of_item = _partners(had.items.codes(result.truth.items.values, column=item), had.n_users_of)
    warm = user_cut if user_cut is not None else _median(of_user[of_user > 0])
    tail = item_cut if item_cut is not None else _ninth_decile(had)
    draws = Redraws(n_resamples, random_state)
    users = [
        _of_users(result, of_user, name=name, low=low, high=high, draws=draws)
        for name, low, high in _ranges(_USERS, warm, name="user_cut")
    ]
    items = [
        _of_items(result, of_item, name=name, low=low, high=high, draws=draws)
        for name, low, high in _ranges(_ITEMS, tail, name="item_cut")
    ]
    return tuple(users + items)


def _of_users(
    result: RankingResult, counts: np.ndarray, *, name: str, low: int, high: int | None, draws: Redraws
) -> HistoryGroup:
    members = _within(counts, low, high)
    vectors = {measure: result.vector(measure)[members] for measure in ("recall", "ndcg", "hit_rate")}
    names = {result.estimates[measure].name: vector for measure, vector in vectors.items()}
    estimates = dict(zip(vectors, mean_estimates(names, draws=draws), strict=True))
    n_pairs = int(members[result.truth.user].sum())
    return HistoryGroup("users", name, low, high, int(members.sum()), n_pairs, estimates)


def _of_items(
    result: RankingResult, counts: np.ndarray, *, name: str, low: int, high: int | None, draws: Redraws
) -> HistoryGroup:
    truth = result.truth
    is_in = _within(counts, low, high)[truth.item]
    found = np.bincount(truth.user[is_in], weights=result.found_at[is_in] > 0, minlength=len(truth.users))
    relevant = np.bincount(truth.user[is_in], minlength=len(truth.users))
    has_any = relevant > 0
    share = quotient_estimate(
        f"Share found@{result.k}", found[has_any], relevant[has_any], undefined="no such pair", draws=draws
    )
    n_items = len(np.unique(truth.item[is_in]))
    return HistoryGroup("items", name, low, high, n_items, int(is_in.sum()), {"recall": share})


def _partners(codes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.append(counts, 0)[codes]  # code -1 reads the last place


def _median(counts: np.ndarray) -> int:
    return int(np.median(counts)) if len(counts) else 1


def _ninth_decile(had: Pairs) -> int:
    return int(np.quantile(had.n_users_of, _POPULAR)) if len(had) else 1


def _ranges(names: tuple[str, str, str], cut: int, *, name: str) -> list[tuple[str, int, int | None]]:
    if cut < 1:
        raise ValueError(f"{name} must be at least 1, got {cut!r}: those without a history are a group of their own.")
    return [(names[0], 0, 0), (names[1], 1, int(cut)), (names[2], int(cut) + 1, None)]


def _within(counts: np.ndarray, low: int, high: int | None) -> np.ndarray:
    return (counts >= low) & (counts <= (np.inf if high is None else high))
