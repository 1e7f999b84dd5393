"""What a practitioner would try instead: counts, nearest neighbours, EASE in numpy, and ALS as `implicit` does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy import linalg, sparse

from appkit.data.interactions import Interactions
from appkit.model.recommenders.gain import cumulative_gain
from appkit.model.recommenders.holdout import HeldOut, hold_out

__all__ = ["PEERS", "Advisor", "Peer", "choose_settings", "highest"]

_USERS_AT_ONCE = 512
_ROWS_AT_ONCE = 1024

Settings = Mapping[str, Any]


class Advisor(Protocol):
    """A fitted peer."""

    def best(self, users: np.ndarray, k: int, *, filter_seen: bool) -> np.ndarray:
        """Return the best items of each user, codes int64 ``(n_users, k)``, best first; -1 is nothing."""


@dataclass(frozen=True)
class Peer:
    """How a peer is fitted, and what is tried of it.

    Parameters
    ----------
    fit
        From events and settings.
    grid
        Settings to choose from on events held out.
    packages
        Distributions its results depend on.
    max_items
        Largest catalogue it can be fitted to; ``None`` for any.
    needs_time
        Whether it goes by moments.
    advises_again
        Whether it advises what was bought before, and nothing else.
    """

    fit: Callable[[Interactions, Settings], Advisor]
    grid: tuple[Settings, ...] = field(default=({},))
    packages: tuple[str, ...] = ("numpy", "scipy")
    max_items: int | None = None
    needs_time: bool = False
    advises_again: bool = False

    def refusal(self, data: Interactions, *, filter_seen: bool) -> str:
        """Return why it cannot be fitted to these events; empty where it can."""
        if self.needs_time and data.time is None:
            return "it needs moments"
        if self.advises_again and filter_seen:
            return "it advises what was bought before"
        if self.max_items is not None and data.n_items > self.max_items:
            return f"{data.n_items:,} items are more than the {self.max_items:,} that fit into memory"
        return ""


def choose_settings(
    peer: Peer, data: Interactions, *, by: HeldOut, filter_seen: bool, k: int = 10, random_state: int = 0
) -> Settings:
    """Return the settings of the grid with the highest NDCG at ``k`` on events held out of ``data``."""
    if len(peer.grid) == 1:
        return peer.grid[0]
    fitted, judged = hold_out(data, by, random_state=random_state)
    taken = judged.matrix()
    if filter_seen:
        taken = taken - taken.multiply(fitted.matrix())
        taken.eliminate_zeros()
    users = np.flatnonzero((np.diff(taken.indptr) > 0) & (np.diff(fitted.offsets) > 0))
    truth = sparse.csr_array(taken[users])

    def gain(settings: Settings) -> float:
        lists = peer.fit(fitted, settings).best(users, k, filter_seen=filter_seen)
        return float(cumulative_gain(lists, truth).mean())

    gains = [gain(settings) for settings in peer.grid]
    return peer.grid[int(np.argmax(gains))]


def highest(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the ``k`` highest scores of each row, best first; -1 in place of those at -inf.

    Examples
    --------
    >>> highest(np.array([[0.1, 0.9, -np.inf, 0.5]]), 4)
    array([[ 1,  3,  0, -1]])
    """
    k = min(k, scores.shape[1])
    found = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, found, axis=1), axis=1, kind="stable")
    found = np.take_along_axis(found, order, axis=1)
    return np.where(np.isneginf(np.take_along_axis(scores, found, axis=1)), -1, found)


@dataclass(frozen=True, eq=False)
class _Scored:
    """Ranks all items by ``scores(users)``, float ``(n, n_items)``."""

    taken: sparse.csr_array
    scores: Callable[[np.ndarray], np.ndarray]

    def best(self, users: np.ndarray, k: int, *, filter_seen: bool) -> np.ndarray:
        lists = []
        for start in range(0, len(users), _USERS_AT_ONCE):
            part = users[start : start + _USERS_AT_ONCE]
            scores = self.scores(part)
            if filter_seen:
                scores[self.taken[part].nonzero()] = -np.inf
            lists.append(highest(scores, k))
        return np.concatenate(lists)


def _popularity(data: Interactions, settings: Settings) -> Advisor:
    taken = data.matrix()
    return _same_for_all(taken, np.asarray(taken.sum(axis=0)))


def _recency(data: Interactions, settings: Settings) -> Advisor:
    assert data.time is not None
    age = data.time.max() - data.time
    is_late = age <= settings["share"] * age.max()
    return _same_for_all(data.matrix(), np.bincount(data.item[is_late], minlength=data.n_items))


def _same_for_all(taken: sparse.csr_array, scores: np.ndarray) -> Advisor:
    return _Scored(taken, lambda users: np.tile(scores.astype(np.float64), (len(users), 1)))


def _bought_before(data: Interactions, settings: Settings) -> Advisor:
    """Rank what a customer bought before by how often, of equals the more popular, then what is popular."""
    counts, taken = data.matrix("count"), data.matrix()
    popularity = np.asarray(taken.sum(axis=0), dtype=np.float64) / (2 * data.n_users)
    return _Scored(taken, lambda users: counts[users].toarray().astype(np.float64) + popularity)


def _item_knn(data: Interactions, settings: Settings) -> Advisor:
    """Sum the cosines of an item to those taken, kept for its nearest neighbours (Sarwar et al., 2001)."""
    taken = data.matrix().astype(np.float64)
    n_takers = np.asarray(taken.sum(axis=0))
    columns = sparse.csr_array(taken.T)
    parts = []
    for start in range(0, data.n_items, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        both = (columns[rows] @ taken).toarray()
        norms = np.sqrt(np.outer(n_takers[rows], n_takers)) + settings["shrink"]
        cosine = np.divide(both, norms, out=np.zeros_like(both), where=norms > 0)
        cosine[np.arange(len(cosine)), start + np.arange(len(cosine))] = 0
        parts.append(_largest(cosine, settings["neighbours"]))
    weights = sparse.csr_array(sparse.vstack(parts))
    return _Scored(data.matrix(), lambda users: (taken[users] @ weights.T).toarray())


def _largest(values: np.ndarray, n: int) -> sparse.csr_array:
    """Return the rows with all but their ``n`` largest values dropped."""
    kept = np.argpartition(-values, min(n, values.shape[1]) - 1, axis=1)[:, :n]
    rows = np.repeat(np.arange(len(values)), kept.shape[1])
    found = sparse.csr_array((values[rows, kept.ravel()], (rows, kept.ravel())), shape=values.shape)
    found.eliminate_zeros()
    return found


def _ease(data: Interactions, settings: Settings) -> Advisor:
    """Solve for item weights with a zero diagonal in closed form (Steck, 2019)."""
    taken = data.matrix()
    gram = (taken.T @ taken).toarray().astype(np.float32)
    gram[np.diag_indices_from(gram)] += settings["penalty"]
    factor = linalg.cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    inverse, failed = linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    assert not failed
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    inverse /= -np.diag(inverse)
    inverse[np.diag_indices_from(inverse)] = 0
    return _Scored(taken, lambda users: taken[users] @ inverse)


@dataclass(frozen=True, eq=False)
class _Implicit:
    """Asks a model of ``implicit`` for its own lists."""

    model: Any
    taken: sparse.csr_matrix

    def best(self, users: np.ndarray, k: int, *, filter_seen: bool) -> np.ndarray:
        items, scores = self.model.recommend(users, self.taken[users], N=k, filter_already_liked_items=filter_seen)
        return np.where(scores > np.finfo(np.float32).min, items, -1).astype(np.int64)


def _als(data: Interactions, settings: Settings) -> Advisor:
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(**settings, num_threads=1, random_state=0)
    taken = sparse.csr_matrix(data.matrix())
    model.fit(taken, show_progress=False)
    return _Implicit(model, taken)


def _grid(**choices: tuple[Any, ...]) -> tuple[Settings, ...]:
    """Return every combination.

    Examples
    --------
    >>> _grid(a=(1, 2), b=(3,))
    ({'a': 1, 'b': 3}, {'a': 2, 'b': 3})
    """
    combined: tuple[Settings, ...] = ({},)
    for name, values in choices.items():
        combined = tuple({**settings, name: value} for settings in combined for value in values)
    return combined


PEERS: Mapping[str, Peer] = {
    "popularity": Peer(_popularity),
    "recency": Peer(_recency, _grid(share=(0.02, 0.05, 0.1, 0.2, 0.5)), needs_time=True),
    "bought before": Peer(_bought_before, advises_again=True),
    "item-knn": Peer(_item_knn, _grid(neighbours=(20, 50, 100, 200, 500), shrink=(0.0, 10.0, 50.0))),
    "ease": Peer(_ease, _grid(penalty=(50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)), max_items=15_000),
    "implicit als": Peer(
        _als,
        _grid(factors=(32, 64, 128), regularization=(1.0, 10.0, 50.0), alpha=(1.0, 5.0, 20.0), iterations=(15,)),
        packages=("implicit", "numpy", "scipy"),
    ),
}
