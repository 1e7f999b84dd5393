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
    weights = _largest_of_columns(_cosines(taken, shrinkage), n_neighbours)
    return LinearScorer.of_sparse(weights, vectors=likeness_vectors(data, device=device), rebuy=rebuy).to(device)


def _bm25(taken: sparse.csr_array) -> sparse.csr_array:
    n_each = np.diff(taken.indptr)
    n_users = np.bincount(taken.indices, minlength=taken.shape[1])
    rarity = np.log1p((taken.shape[0] - n_users + 0.5) / (n_users + 0.5))
    length = 1 - _BM25_LENGTH + _BM25_LENGTH * n_each / max(n_each.mean(), 1e-12)
    saturated = (1 + _BM25_SATURATION) / (1 + _BM25_SATURATION * length)
    return sparse.csr_array(taken.multiply(saturated[:, None]).multiply(rarity[None, :])).astype(np.float32)


def _cosines(taken: sparse.csr_array, shrinkage: float) -> sparse.csr_array:
    """Return shrunk cosines of columns, without the diagonal."""
    products = sparse.coo_array(taken.T.tocsr() @ taken)
    norms = np.sqrt(taken.multiply(taken).sum(axis=0))
    rows, columns = products.coords
    cosines = np.where(rows == columns, 0, products.data / (norms[rows] * norms[columns] + shrinkage))
    return sparse.csr_array((cosines.astype(np.float32), (rows, columns)), shape=products.shape)


def _largest_of_columns(weights: sparse.csr_array, n: int) -> sparse.csr_array:
    """Return the ``n`` largest weights of each column, the first of equals."""
    by_column = weights.tocsc()
    columns = np.repeat(np.arange(weights.shape[1]), np.diff(by_column.indptr))
    order = np.lexsort((by_column.indices, -by_column.data, columns))
    rank = np.arange(len(order)) - by_column.indptr[columns]
    kept = order[rank < n]
    cells = (by_column.indices[kept], columns[kept])
    return sparse.csr_array((by_column.data[kept], cells), shape=weights.shape)
