"""Accuracy of each user's list: recall, NDCG, average precision, reciprocal rank and hit."""

import numpy as np

__all__ = ["ACCURACY", "accuracy_by_user"]

ACCURACY = {"recall": "Recall", "ndcg": "NDCG", "map": "MAP", "mrr": "MRR", "hit_rate": "Hit rate"}
"""Measures of :func:`accuracy_by_user` and how they are written."""


def accuracy_by_user(hits: np.ndarray, n_relevant: np.ndarray) -> dict[str, np.ndarray]:
    """Return each user's accuracy by measure, float64 ``(n_users,)``.

    ``recall`` divides by all relevant items, so that a user with more than ``k`` of them cannot reach 1. ``ndcg`` has
    gains of 0 and 1 and divides by the best sum that ``k`` places allow (Järvelin and Kekäläinen, 2002). ``map`` is the
    mean precision at the hits over ``min(k, n_relevant)``. ``mrr`` is 1 over the rank of the first hit, 0 without one.
    ``hit_rate`` is 1 with a hit.

    Parameters
    ----------
    hits
        Whether the item at each place is relevant, the best place first, bool ``(n_users, k)``.
    n_relevant
        Relevant items of each user, on the list or not, at least 1, ``(n_users,)``.

    Examples
    --------
    >>> found = accuracy_by_user(np.array([[False, True, True]]), np.array([4]))
    >>> {measure: round(float(values[0]), 3) for measure, values in found.items()}
    {'recall': 0.5, 'ndcg': 0.531, 'map': 0.389, 'mrr': 0.5, 'hit_rate': 1.0}
    """
    k = hits.shape[1]
    rank = np.arange(1, k + 1)
    attainable = np.minimum(k, n_relevant)
    discount = 1 / np.log2(rank + 1)
    found = np.cumsum(hits, axis=1)
    return {
        "recall": found[:, -1] / n_relevant,
        "ndcg": (hits @ discount) / np.cumsum(discount)[attainable - 1],
        "map": (hits * found / rank).sum(axis=1) / attainable,
        "mrr": (hits & (found == 1)) @ (1 / rank),
        "hit_rate": hits.any(axis=1).astype(np.float64),
    }
