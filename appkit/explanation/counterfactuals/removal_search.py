"""Search the smallest set of players whose removal takes an item off the list."""

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from appkit.explanation.games.history_players import distinct_players
from appkit.explanation.history_advice import AdvisedCases

__all__ = ["Answers", "LinearAnswers", "ModelAnswers", "Proof", "Removal", "smallest_removal"]

Proof = Literal["smallest", "minimal", "pruned", ""]

_TIE = 1e-12  # below any difference of scores in single precision
_ROUNDING = 1e-5  # of the largest score: single precision adds some hundred terms
_NEAREST = 2_000  # rivals kept in the algebra; a proof needs all within reach
_PREFIXES = 64
_CHUNK = 64
_SUBSETS_AT_ONCE = 4_096
_MOST_TRIED = 64  # players a greedy step looks at, those that do most alone
_SUBSETS_CHECKED = 12  # players of a set all of whose parts are checked


class Answers(Protocol):
    """What happens to one advice where players leave."""

    n_players: int
    n_asked: int
    budget: int

    @abstractmethod
    def margins(self, removed: np.ndarray, *, reach: int | None = None) -> np.ndarray:
        """Return the margin over the k-th best of the others without players, bool ``(n, n_players)``: ``(n,)``.

        With ``reach``, the most players that leave, margins above 0 may be too high: only their sign is wanted.
        """

    def least_size(self) -> float:
        """Return a size that no working set can fall short of."""
        return 1

    def is_settled(self, size: int) -> bool:
        """Return whether :meth:`margins` tells for every set of ``size`` players whether it works."""
        return True

    def suggested(self, max_size: int) -> np.ndarray:
        """Return sets worth a look, bool ``(n, n_players)``, smaller ones first."""
        return np.zeros((0, self.n_players), dtype=bool)


class ModelAnswers(Answers):
    """Answers by scoring shortened histories.

    Parameters
    ----------
    cases, row
        Which advice.
    budget
        Sets that an exhaustive search may look at.
    """

    def __init__(self, cases: AdvisedCases, row: int, *, budget: int) -> None:
        self._cases, self._row = cases, row
        self._history = cases.histories[row]
        items, self._player = distinct_players(self._history)
        self.n_players = len(items)
        self.n_asked = 0
        self.budget = budget
        self._others = np.flatnonzero(cases.open_to(row) & (np.arange(len(cases.allowed)) != cases.items[row]))

    def margins(self, removed: np.ndarray, *, reach: int | None = None) -> np.ndarray:
        """Return the margins, float64 ``(n,)``, each history scored by the model."""
        shortened = [self.shortened(without) for without in removed]
        self.n_asked += len(shortened)
        return np.array([self._margin(scores) for scores in self._cases.scores(shortened)])

    def _margin(self, scores: np.ndarray) -> float:
        item, last = int(self._cases.items[self._row]), len(self._others) - self._cases.k
        own = scores[self._others]
        margin = float(scores[item] - np.partition(own, last)[last])
        if margin != 0:
            return margin
        is_ahead = (own > scores[item]) | ((own == scores[item]) & (self._others < item))  # as recommend breaks ties
        return -_TIE if is_ahead.sum() >= self._cases.k else 0.0

    def shortened(self, removed: np.ndarray) -> np.ndarray:
        """Return the history without some players, bool ``(n_players,)``, and all their purchases."""
        return self._history[~removed[self._player]]


class LinearAnswers(Answers):
    """Answers by algebra: what each player adds to the margin over each rival.

    A set works where ``k`` rivals come out ahead. Over one rival the fewest players are those that add most, so no set
    can be smaller than what the ``k``-th easiest rival takes.

    Parameters
    ----------
    cases, row
        Which advice, of a scorer that adds up.
    max_size
        Largest set looked for.
    budget
        Sets that an exhaustive search may look at.
    """

    def __init__(self, cases: AdvisedCases, row: int, *, max_size: int, budget: int) -> None:
        self._cases, self._item = cases, int(cases.items[row])
        self._players, _ = distinct_players(cases.histories[row])
        self.n_players = len(self._players)
        self.n_asked = 2
        self.budget = budget
        self._k = cases.k
        scores, self._nothing = cases.scores([cases.histories[row], np.empty(0, dtype=np.int64)])
        others = np.flatnonzero(cases.open_to(row) & (np.arange(len(cases.allowed)) != self._item))
        margins = scores[self._item] - scores[others]
        margins -= _TIE * (others < self._item)  # of equal scores the lower code comes first
        slack = _ROUNDING * float(np.abs(scores[others]).max())
        needed = self._fewest(margins - slack, others, max_size=max_size)
        nearest = np.lexsort((margins, needed))
        kept = nearest[: max(_NEAREST, 2 * self._k)]
        self._least = min(float(needed[nearest[self._k - 1]]), max_size + 1.0)
        self._farthest_seen = math.inf if len(kept) == len(nearest) else float(needed[nearest[len(kept)]])
        self._needed, self._margins = needed[kept], margins[kept]
        self._added = np.concatenate([part[:, kept] for part in self._added_over(others)])

    def margins(self, removed: np.ndarray, *, reach: int | None = None) -> np.ndarray:
        """Return the margins over the k-th best of the rivals kept, float64 ``(n,)``."""
        near = len(self._needed) if reach is None else int(np.searchsorted(self._needed, reach, side="right"))
        if near < self._k:
            return np.full(len(removed), np.inf)
        left = self._margins[:near] - removed.astype(np.float64) @ self._added[:, :near]
        return np.partition(left, self._k - 1, axis=1)[:, self._k - 1]

    def least_size(self) -> float:
        """Return what the k-th easiest rival takes."""
        return self._least

    def is_settled(self, size: int) -> bool:
        """Return whether every rival that ``size`` players can bring ahead was kept."""
        return self._farthest_seen > size

    def suggested(self, max_size: int) -> np.ndarray:
        """Return for each of the nearest rivals the players that add most to the margin over it, from one on."""
        order = np.argsort(-self._added[:, :_PREFIXES], axis=0, kind="stable")
        place = np.argsort(order, axis=0)
        sizes = range(1, min(max_size, self.n_players) + 1)
        return np.concatenate([(place < size).T for size in sizes])

    def _fewest(self, margins: np.ndarray, others: np.ndarray, *, max_size: int) -> np.ndarray:
        """Return the fewest players whose leaving brings each rival ahead; infinity beyond ``max_size``."""
        most = np.zeros((max_size, len(others)))  # what the strongest players add, in no order
        for part in self._added_over(others):
            both = np.concatenate([most, part.clip(min=0)])
            most = np.partition(both, len(both) - max_size, axis=0)[len(both) - max_size :]
        sums = np.sort(most, axis=0)[::-1].cumsum(0)
        n_short = (sums < margins).sum(0)
        needed = np.where(margins <= 0, 0, n_short + 1).astype(np.float64)
        return np.where(needed > max_size, np.inf, needed)

    def _added_over(self, others: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what some players after others add to the margin over each rival, ``(n_some, n_others)``."""
        for start in range(0, self.n_players, _CHUNK):
            alone = [np.array([item]) for item in self._players[start : start + _CHUNK]]
            self.n_asked += len(alone)
            added = np.stack(list(self._cases.scores(alone))) - self._nothing
            yield added[:, [self._item]] - added[:, others]


@dataclass(frozen=True, eq=False)
class Removal:
    """What the search found.

    Parameters
    ----------
    removed
        bool ``(n_players,)``; ``None`` where no set was found.
    at_least
        No set of fewer players works.
    proof
        What is known of the set: ``"smallest"``, no smaller one works; ``"minimal"``, no part of it works;
        ``"pruned"``, none of its players can be spared.
    """

    removed: np.ndarray | None
    at_least: float
    proof: Proof


def smallest_removal(answers: Answers, *, max_size: int) -> Removal:
    """Return the smallest set found of at most ``max_size`` players without which the margin falls below 0.

    Single players are all tried. Then sets that suggest themselves, and the greedy one, are stripped of players that
    can be spared; last, smaller sets are searched one size after another as far as the budget goes.
    """
    most = min(max_size, answers.n_players)
    alone = answers.margins(np.eye(answers.n_players, dtype=bool))
    if alone.min() < 0:
        return Removal(_only(alone.argmin(), answers.n_players), 1, "smallest")
    found = _stripped(answers, _first_that_works(answers, answers.suggested(most)))
    by_steps = _stripped(answers, _greedy(answers, alone, max_size=most))
    if by_steps is not None and (found is None or by_steps.sum() < found.sum()):
        found = by_steps
    at_least = max(2.0, answers.least_size())
    limit = most if found is None else int(found.sum()) - 1
    left = answers.budget
    while at_least <= limit:
        size = int(at_least)
        left -= math.comb(answers.n_players, size)
        if left < 0 or not answers.is_settled(size):
            break
        better = _any_of_size(answers, size)
        if better is not None:
            return Removal(better, at_least, "smallest")
        at_least += 1
    return Removal(found, at_least, "" if found is None else _proof(answers, found, at_least))


def _proof(answers: Answers, found: np.ndarray, at_least: float) -> Proof:
    size = int(found.sum())
    if at_least >= size:
        return "smallest"
    if size > _SUBSETS_CHECKED:
        return "pruned"
    players = np.flatnonzero(found)
    parts = np.zeros((2**size - 2, answers.n_players), dtype=bool)
    parts[:, players] = (np.arange(1, 2**size - 1)[:, None] >> np.arange(size) & 1).astype(bool)
    return "pruned" if (answers.margins(parts) < 0).any() else "minimal"


def _greedy(answers: Answers, alone: np.ndarray, *, max_size: int) -> np.ndarray | None:
    """Return the set that grows by the player who lowers the margin most, once it works."""
    tried = np.argsort(alone, kind="stable")[:_MOST_TRIED]
    removed = _only(tried[0], answers.n_players)
    while removed.sum() < max_size:
        further = tried[~removed[tried]]
        if not len(further):
            break
        sets = np.repeat(removed[None], len(further), axis=0)
        sets[np.arange(len(further)), further] = True
        margins = answers.margins(sets)
        removed = sets[margins.argmin()]
        if margins.min() < 0:
            return removed
    return None


def _first_that_works(answers: Answers, sets: np.ndarray) -> np.ndarray | None:
    if not len(sets):
        return None
    works = answers.margins(sets) < 0
    return sets[works.argmax()] if works.any() else None


def _stripped(answers: Answers, removed: np.ndarray | None) -> np.ndarray | None:
    """Return the set without the players that can be spared, one after another, the most dispensable first."""
    while removed is not None and removed.sum() > 1:
        players = np.flatnonzero(removed)
        sets = np.repeat(removed[None], len(players), axis=0)
        sets[np.arange(len(players)), players] = False
        margins = answers.margins(sets)
        if margins.min() >= 0:
            break
        removed = sets[margins.argmin()]
    return removed


def _any_of_size(answers: Answers, size: int) -> np.ndarray | None:
    """Return the set of this size with the lowest margin, where it works."""
    combinations = itertools.combinations(range(answers.n_players), size)
    best, lowest = None, 0.0
    while chunk := list(itertools.islice(combinations, _SUBSETS_AT_ONCE)):
        sets = np.zeros((len(chunk), answers.n_players), dtype=bool)
        sets[np.arange(len(chunk))[:, None], np.array(chunk)] = True
        margins = answers.margins(sets, reach=size)
        if margins.min() < lowest:
            best, lowest = sets[margins.argmin()], margins.min()
    return best


def _only(player: np.integer, n_players: int) -> np.ndarray:
    removed = np.zeros(n_players, dtype=bool)
    removed[player] = True
    return removed
