"""How well the advice of a fitted model meets what users took next: the score models are chosen by."""

import numpy as np
from scipy import sparse

from appkit.data.interactions import Interactions
from appkit.model.recommenders.advice import Histories, best_items
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["advice_gain", "cumulative_gain"]


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
) -> np.ndarray:
    """Return the gain at ``k`` of each user of ``judged`` who has a history in ``fitted``, float64 ``(n_judged,)``.

    All items compete. With ``filter_seen`` items of the history are neither advised nor counted.
    """
    taken = judged.matrix()
    if filter_seen:
        taken = taken - taken.multiply(fitted.matrix())
        taken.eliminate_zeros()
    has_both = (np.diff(taken.indptr) > 0) & (np.diff(fitted.offsets) > 0)
    users = np.flatnonzero(has_both)
    items, _ = best_items(scorer, Histories.of(fitted), users, k=k, filter_seen=filter_seen, device=device)
    return cumulative_gain(items, sparse.csr_array(taken[users]))
