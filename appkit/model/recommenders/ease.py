"""The linear autoencoder with a closed form: every item from all others, none from itself."""

import bisect

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from appkit.data.interactions import Interactions
from appkit.model.recommenders.linear import LinearScorer

__all__ = ["check_penalties", "co_occurrence", "fit_ease"]

_MOST_ITEMS = 20_000  # 1.6 GB of float32, three times over while it is inverted


def fit_ease(
    data: Interactions,
    *,
    penalty: float = 500.0,
    relative_penalty: float = 0.0,
    user_exponent: float = 0.0,
    max_items: int = _MOST_ITEMS,
    rebuy: float = 0.0,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> LinearScorer:
    r"""Return the weights that best rebuild each user's items from their other items.

    They minimise :math:`\sum_u n_u^{-q} |x_u - x_u B|^2 + \sum_h (\lambda + r g_h) |B_h|^2` with a diagonal of 0, where
    ``x_u`` are the ``n_u`` distinct items of a user and ``g_h`` is the (weighted) number of users of an item.

    Parameters
    ----------
    data
        Events; an item a user took several times counts once.
    penalty
        The :math:`\lambda`, above 0.
    relative_penalty
        The ``r``: as if each item of a history were left out at random with odds ``r``.
    user_exponent
        The ``q``: 0 lets users with many items count for more, 1 for no more than others.
    max_items
        Refuse larger catalogues; time grows with the cube of the number of items, memory with its square.
    rebuy
        See :class:`~appkit.model.recommenders.linear.LinearScorer`.
    device, dtype
        Where and in what precision to invert; weights are float32, on that device.

    Raises
    ------
    ValueError
        If a setting is out of range, or there are more than ``max_items`` items.

    References
    ----------
    Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data"; Steck (2020), "Autoencoders that don't overfit
    towards the Identity", for the relative penalty.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["cup", "tea", "cup", "tea", "saw"]})
    >>> fit_ease(read_interactions(X), penalty=1.0).weights.abs()  # cup, saw, tea
    tensor([[0.0000, 0.0000, 0.6667],
            [0.0000, 0.0000, 0.0000],
            [0.6667, 0.0000, 0.0000]])
    """
    check_penalties(penalty, relative_penalty)
    _check_size(data.n_items, max_items)
    gram = torch.from_numpy(co_occurrence(data, user_exponent=user_exponent).toarray()).to(device=device, dtype=dtype)
    diagonal = gram.diagonal()
    diagonal += penalty + relative_penalty * diagonal
    return LinearScorer.of_dense(_leave_one_out_weights(gram), rebuy=rebuy)


def co_occurrence(data: Interactions, *, user_exponent: float = 0.0, max_pairs: int | None = None) -> sparse.csr_array:
    """Return how many users took both items of each pair, each counting ``n ** -user_exponent`` at ``n`` items.

    float32 ``(n_items, n_items)``, columns in order; the diagonal counts the users of each item. Where users make more
    than ``max_pairs`` pairs in all, the longest histories are cut to one length, by a draw with a fixed seed: 2.5e8
    pairs need up to 4 GB.
    """
    taken = data.matrix()
    importance = np.maximum(np.diff(taken.indptr), 1) ** (-user_exponent / 2)
    taken = taken if max_pairs is None else _with_fewer_pairs(taken, max_pairs)
    weighted = sparse.csr_array(taken.multiply(importance[:, None].astype(np.float32)))
    together = sparse.csr_array(weighted.T.tocsr() @ weighted)
    together.sort_indices()
    return together


def _with_fewer_pairs(taken: sparse.csr_array, max_pairs: int) -> sparse.csr_array:
    """Return the matrix with the longest rows cut so that squared lengths add up to at most ``max_pairs``."""
    lengths = np.diff(taken.indptr).astype(np.int64)
    if (lengths**2).sum() <= max_pairs:
        return taken
    longest = bisect.bisect_right(range(1, lengths.max()), max_pairs, key=lambda n: (np.minimum(lengths, n) ** 2).sum())
    users = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((np.random.default_rng(0).random(taken.nnz), users))
    kept = order[np.arange(taken.nnz) - taken.indptr[users] < max(longest, 1)]
    return sparse.csr_array((taken.data[kept], (users[kept], taken.indices[kept])), shape=taken.shape)


def _leave_one_out_weights(gram: Tensor) -> Tensor:
    """Return the ridge weights of each variable, by column, on all others, given the penalised Gram matrix."""
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    return inverse.div_(-inverse.diagonal()).fill_diagonal_(0)


def check_penalties(penalty: float, relative_penalty: float) -> None:
    """Refuse penalties under which a regression may have no answer."""
    if not penalty > 0:
        raise ValueError(f"penalty must be above 0, got {penalty!r}. Try 500.")
    if not relative_penalty >= 0:
        raise ValueError(f"relative_penalty must be 0 or more, got {relative_penalty!r}.")


def _check_size(n_items: int, max_items: int) -> None:
    if n_items > max_items:
        raise ValueError(
            f"EASE inverts a matrix of n_items x n_items and takes at most max_items={max_items:,} items, got "
            f"{n_items:,}. Use the graph filter, which keeps a few weights of each item, or raise max_items."
        )
