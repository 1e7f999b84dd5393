"""How well the advice of a fitted model meets what users took next: the score models are chosen by."""

import numpy as np
from scipy import sparse

from appkit.data.ids import Ids
from appkit.data.interactions import Interactions
from appkit.model.recommenders.advice import Histories, best_items
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["advice_gain", "cumulative_gain", "judged_users", "left_to_find"]


def cumulative_gain(items: np.ndarray, taken: sparse.csr_array) -> np.ndarray:
    """Return the normalised discounted cumulative gain of each list, float64 ``(n,)``.

    Parameters
    ----------
    items
        int64 ``(n, k)``, best first; -1 is nothing.
    taken
        ``(n, n_items)``: what each user took, as non-zero cells.

    References
    ----------
    Järvelin, Kekäläinen (2002). Cumulated gain-based evaluation of IR techniques. ACM TOIS 20(4).

    Examples
    --------
    >>> cumulative_gain(np.array([[2, 0]]), sparse.csr_array([[1, 0, 0]])).round(3)
    array([0.631])
    """
    n, k = items.shape
    counts = np.diff(taken.indptr)
    keys = np.repeat(np.arange(n), counts) * taken.shape[1] + taken.indices
    asked = np.arange(n)[:, None] * taken.shape[1] + items
    is_hit = np.isin(asked, keys) & (items >= 0)
    discount = 1 / np.log2(np.arange(k) + 2)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(counts, k)]
    return (is_hit * discount).sum(axis=1) / np.where(ideal == 0, 1.0, ideal)


def advice_gain(
    scorer: ItemScorer,
    fitted: Interactions,
    judged: Interactions,
    *,
    k: int = 10,
    filter_seen: bool = True,
    device: str = "cpu",
    features: np.ndarray | None = None,
) -> np.ndarray:
    """Return the gain at ``k`` of each user of ``judged`` who has a history in ``fitted``, float64 ``(n_judged,)``.

    All items compete. With ``filter_seen`` items of the history are neither advised nor counted. ``features``, float32
    ``(n_users, width)``, goes to scorers that look at users themselves.
    """
    users, taken = judged_users(fitted, judged, filter_seen=filter_seen)
    own = None if features is None else features[users]
    items, _ = best_items(
        scorer, Histories.of(fitted), users, k=k, filter_seen=filter_seen, device=device, features=own
    )
    return cumulative_gain(items, taken)


def judged_users(
    fitted: Interactions, judged: Interactions, *, filter_seen: bool
) -> tuple[np.ndarray, sparse.csr_array]:
    """Return the codes of users with a history and something left to find, and what, ``(n, n_items)``."""
    taken = judged.matrix()
    if filter_seen:
        taken = taken - taken.multiply(fitted.matrix())
        taken.eliminate_zeros()
    users = np.flatnonzero((np.diff(taken.indptr) > 0) & (np.diff(fitted.offsets) > 0))
    return users, sparse.csr_array(taken[users])


def left_to_find(
    later: Interactions, before: Interactions | None, *, items: Ids
) -> tuple[np.ndarray, sparse.csr_array]:
    """Return users with something left to find, raw ids ``(n,)``, and what, ``(n, n_items or more)``.

    Parameters
    ----------
    later
        What users took, under ids of its own.
    before
        What they had taken at fit, which then does not count; ``None`` where it does.
    items
        Ids of the fit. Others cannot be advised, and stand in columns of their own.
    """
    codes = items.codes(later.items.values)
    is_new = codes < 0
    codes = np.where(is_new, len(items) + np.cumsum(is_new) - 1, codes)
    width = len(items) + int(is_new.sum())
    shape = (later.n_users, width)
    taken = sparse.csr_array((np.ones(len(later)), (later.user, codes[later.item])), shape=shape)
    if before is not None:
        own = before.users.codes(later.users.values)
        had = before.matrix()[np.maximum(own, 0)].multiply((own >= 0)[:, None]).tocsr()
        had.resize(shape)
        taken = sparse.csr_array(taken - taken.multiply(had > 0))
        taken.eliminate_zeros()
    has_some = np.flatnonzero(np.diff(taken.indptr))
    return later.users.values[has_some], sparse.csr_array(taken[has_some])
