"""The baseline of item-to-item advice: items whose users overlap, nearest first."""

from typing import Literal

import numpy as np
import torch
from scipy import sparse

from appkit.data.interactions import Interactions
from appkit.model.recommenders.linear import LinearScorer
from appkit.model.recommenders.singular_vectors import likeness_vectors

__all__ = ["fit_item_knn"]

_BM25_SATURATION, _BM25_LENGTH = 1.2, 0.75
_COLUMNS_AT_ONCE = 512


def fit_item_knn(
    data: Interactions,
    *,
    n_neighbours: int = 100,
    shrinkage: float = 10.0,
    weighting: Literal["none", "bm25"] = "none",
    rebuy: float = 0.0,
    device: torch.device | str = "cpu",
) -> LinearScorer:
    r"""Return the cosine of every item with its nearest neighbours, shrunk where few users tell of it.

    :math:`B_{hj} = x_h \cdot x_j / (|x_h||x_j| + s)`, ``x`` an item's column of who took what.

    Parameters
    ----------
    data
        Events; an item a user took several times counts once.
    n_neighbours
        Weights kept of each item, the largest.
    shrinkage
        The ``s``, 0 or more, in users.
    weighting
        ``"bm25"`` lets items of users with many items count for less (Okapi's length normalisation and inverse
        frequency).
    rebuy
        See :class:`~appkit.model.recommenders.linear.LinearScorer`.
    device
        Where the scorer is to stay.

    References
    ----------
    Sarwar, Karypis, Konstan and Riedl (2001), "Item-based Collaborative Filtering Recommendation Algorithms".

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["cup", "tea", "cup", "tea", "tea"]})
    >>> fit_item_knn(read_interactions(X), shrinkage=0.0)(torch.tensor([[0]]))  # of someone with a cup: cup, tea
    tensor([[0.0000, 0.8165]])
    """
    if n_neighbours < 1:
        raise ValueError(f"n_neighbours must be 1 or more, got {n_neighbours!r}.")
    if not shrinkage >= 0:
        raise ValueError(f"shrinkage must be 0 or more, got {shrinkage!r}.")
    if weighting not in ("none", "bm25"):
        raise ValueError(f"weighting must be 'none' or 'bm25', got {weighting!r}.")
    taken = data.matrix() if weighting == "none" else _bm25(data.matrix())
    weights = _nearest(taken, n=n_neighbours, shrinkage=shrinkage)
    return LinearScorer.of_sparse(weights, vectors=likeness_vectors(data, device=device), rebuy=rebuy).to(device)


def _bm25(taken: sparse.csr_array) -> sparse.csr_array:
    n_each = np.diff(taken.indptr)
    n_users = np.bincount(taken.indices, minlength=taken.shape[1])
    rarity = np.log1p((taken.shape[0] - n_users + 0.5) / (n_users + 0.5))
    length = 1 - _BM25_LENGTH + _BM25_LENGTH * n_each / max(n_each.mean(), 1e-12)
    saturated = (1 + _BM25_SATURATION) / (1 + _BM25_SATURATION * length)
    return sparse.csr_array(taken.multiply(saturated[:, None]).multiply(rarity[None, :])).astype(np.float32)


def _nearest(taken: sparse.csr_array, *, n: int, shrinkage: float) -> sparse.csr_array:
    """Return the ``n`` largest shrunk cosines of each column with the others, the first of equals.

    Some columns at a time: all pairs that share a user may be more than memory holds.
    """
    columns, by_item = taken.tocsc(), taken.T.tocsr()
    norms = np.sqrt(taken.multiply(taken).sum(axis=0))
    rows, owners, found = [], [], []
    for start in range(0, taken.shape[1], _COLUMNS_AT_ONCE):
        block = sparse.csc_array(by_item @ columns[:, start : start + _COLUMNS_AT_ONCE])
        block.sort_indices()
        for place in range(block.shape[1]):
            own = slice(block.indptr[place], block.indptr[place + 1])
            item, others = start + place, block.indices[own]
            cosines = block.data[own] / (norms[others] * norms[item] + shrinkage)
            kept = _largest(np.where(others == item, 0, cosines).astype(np.float32), n)
            rows.append(others[kept])
            owners.append(np.full(len(kept), item))
            found.append(cosines[kept].astype(np.float32))
    cells = (np.concatenate(rows), np.concatenate(owners))
    return sparse.csr_array((np.concatenate(found), cells), shape=(taken.shape[1], taken.shape[1]))


def _largest(values: np.ndarray, n: int) -> np.ndarray:
    """Return the places of the ``n`` largest values above 0, the first of equals, in order."""
    if len(values) <= n:
        return np.flatnonzero(values > 0)
    least = np.partition(values, len(values) - n)[len(values) - n]
    above = np.flatnonzero(values > max(least, 0))
    ties = np.flatnonzero((values == least) & (values > 0))[: n - len(above)]
    return np.sort(np.concatenate([above, ties]))
