"""Candidates of many users at once, and the greedy choice of places among them."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.ids import Ids, read_ids
from appkit.exceptions import SchemaError
from appkit.prediction.ranking import ItemSimilarity

__all__ = ["Candidates", "Choice"]

_CHUNK = 2048  # users re-ranked at once: keeps their candidates' vectors in memory


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidates by user, the best first.

    Parameters
    ----------
    users
        Raw ids, as they first came.
    items
        Raw ids.
    user, item
        int64 ``(n_rows,)``: codes; ``user`` never falls.
    score
        float64 ``(n_rows,)``.
    place
        int64 ``(n_rows,)``: place among the user's candidates, from 1.
    """

    users: np.ndarray
    items: Ids
    user: np.ndarray
    item: np.ndarray
    score: np.ndarray
    place: np.ndarray

    @classmethod
    def read(cls, candidates: pd.DataFrame) -> "Candidates":
        """Return the candidates of a table with columns user, item and score; ties go to the smaller id."""
        raw_user, raw_item = (read_ids(_column(candidates, name), column=name) for name in ("user", "item"))
        user, users = pd.factorize(raw_user)
        items = Ids(np.sort(pd.unique(raw_item)))
        item, score = items.codes(raw_item), _column(candidates, "score").to_numpy(dtype=np.float64)
        if not np.isfinite(score).all():
            row = int(np.flatnonzero(~np.isfinite(score))[0])
            raise ValueError(f"score must be finite, got {score[row]} in row {candidates.index[row]}.")
        order = np.lexsort((item, -score, user))
        user, item, score = user[order].astype(np.int64), item[order], score[order]
        keys = np.sort(user * len(items) + item)
        twice = keys[:-1][keys[1:] == keys[:-1]]
        if len(twice):
            name, again = users[twice[0] // len(items)], items.values[twice[0] % len(items)]
            raise SchemaError(f"A user's candidates must differ, got item {shown(again)} again for user {shown(name)}.")
        place = np.arange(len(user)) - np.searchsorted(user, user) + 1
        return cls(np.asarray(users), items, user, item, score, place)

    def take(self, kept: np.ndarray) -> "Candidates":
        """Return the rows where bool ``kept`` is true; users without one stay known."""
        rows = {name: getattr(self, name)[kept] for name in ("user", "item", "score", "place")}
        return replace(self, **rows)

    def rows_of(self, users: np.ndarray) -> np.ndarray:
        """Return the rows of each of these users, int64 ``(n_users, longest)``, -1 behind the last."""
        first, end = np.searchsorted(self.user, users), np.searchsorted(self.user, users, side="right")
        rows = first[:, None] + np.arange(max(1, int((end - first).max(initial=0))))
        return np.where(rows < end[:, None], rows, -1)

    def lists(self, chosen: np.ndarray) -> pd.DataFrame:
        """Return the rows ``(n_users, k)``, -1 for none, as a table."""
        row, rank = chosen[chosen >= 0], np.nonzero(chosen >= 0)[1] + 1
        return pd.DataFrame(
            {
                "user": self.users[self.user[row]],
                "item": self.items.values[self.item[row]],
                "rank": rank,
                "score": self.score[row],
                "moved_from": self.place[row],
            }
        )


@dataclass(frozen=True, eq=False)
class Choice:
    """How places are given to candidates, one after the other, for many users at once.

    Parameters
    ----------
    candidates
        Whom to choose from.
    lift
        float64 ``(n_items,)``: added to the relevance.
    category
        int64 ``(n_items,)``, or ``None`` where categories do not matter.
    max_per_category
        Items of one category on a list.
    diversity, similarity
        Weight of what is already on the list, and how alike items are; ``None`` where the weight is 0.
    """

    candidates: Candidates
    lift: np.ndarray
    category: np.ndarray | None
    max_per_category: int | None
    diversity: float
    similarity: ItemSimilarity | None

    def places(self, k: int) -> np.ndarray:
        """Return the row of the candidate at each place of each user's list, int64 ``(n_users, k)``, -1 for none."""
        n_users = len(self.candidates.users)
        chosen = np.full((n_users, k), -1, dtype=np.int64)
        if not len(self.candidates.item):
            return chosen
        codes = None if self.similarity is None else self.similarity.known(self.candidates.items.values)
        for start in range(0, n_users, _CHUNK):
            users = np.arange(start, min(start + _CHUNK, n_users))
            chosen[users] = self._greedy(self.candidates.rows_of(users), k, codes)
        return chosen

    def _greedy(self, rows: np.ndarray, k: int, codes: np.ndarray | None) -> np.ndarray:
        """Return ``k`` of each user's ``rows`` (n_users, n_candidates); ``codes`` of items in the similarity."""
        item, open_ = self.candidates.item[rows], rows >= 0
        worth = (1 - self.diversity) * self._relevance(rows)
        chosen, each = np.full((len(rows), k), -1, dtype=np.int64), np.arange(len(rows))
        nearest = np.full(rows.shape, -np.inf)
        for place in range(min(k, rows.shape[1])):
            marginal = worth if codes is None or not place else worth - self.diversity * nearest
            best = np.where(open_, marginal, -np.inf).argmax(axis=1)
            chosen[:, place] = np.where(open_[each, best], rows[each, best], -1)
            open_[each, best] = False
            open_ &= ~self._is_full(chosen[:, : place + 1], item)
            if codes is not None and self.similarity is not None:
                near = self.similarity.between(codes[item[each, best]], codes[item])
                nearest = np.maximum(nearest, near)
        return chosen

    def _relevance(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of each user's rows brought to 0 to 1, and lifted; 0 where there is none."""
        score = self.candidates.score[rows]
        best = np.where(rows >= 0, score, -np.inf).max(axis=1, keepdims=True)
        worst = np.where(rows >= 0, score, np.inf).min(axis=1, keepdims=True)
        has_any = np.isfinite(best)
        best, worst = np.where(has_any, best, 1.0), np.where(has_any, worst, 0.0)
        relevance = (score - worst) / np.where(best > worst, best - worst, 1.0)
        return np.where(rows >= 0, relevance + self.lift[self.candidates.item[rows]], 0.0)

    def _is_full(self, chosen: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Return which candidates ``(n_users, n)`` share the category last chosen, where that has reached its limit."""
        if self.category is None or self.max_per_category is None:
            return np.zeros(item.shape, dtype=bool)
        categories = np.where(chosen >= 0, self.category[self.candidates.item[chosen]], -1)
        last = categories[:, -1:]
        is_full = (categories == last).sum(axis=1, keepdims=True) >= self.max_per_category
        return is_full & (self.category[item] == last)


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table.columns:
        got = ", ".join(map(str, table.columns))
        raise SchemaError(f"candidates must have columns user, item and score, got {got}.")
    return table[name]
