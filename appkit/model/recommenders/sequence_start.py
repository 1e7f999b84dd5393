"""Where the embeddings of items start: near each other where the same users took them."""

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from appkit.data.interactions import Interactions

__all__ = ["shared_taste_vectors"]

_N_ROUNDS = 8


def shared_taste_vectors(data: Interactions, width: int) -> Tensor:
    r"""Return one vector of length 1 per item that has events, others 0, float32 ``(n_items, width)`` on the CPU.

    They span what the leading right singular vectors of :math:`D_u^{-1/2} X D_i^{-1/2}` do, found by rounds of
    multiplying and orthonormalising, and are turned at random, so that no column leads. Draws from torch's global
    generator.

    Parameters
    ----------
    data
        Events; repeats count once.
    width
        Numbers per item; those beyond the smaller side of the matrix stay 0.

    References
    ----------
    Halko, Martinsson and Tropp (2011), "Finding structure with randomness", algorithm 4.4.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3, 3], "item": ["tea", "cup", "tea", "cup", "saw", "nail"]})
    >>> vectors = shared_taste_vectors(read_interactions(X), 2)
    >>> (vectors @ vectors[0]).round(decimals=2).abs()  # how alike cup, nail, saw and tea are to a cup
    tensor([1., 0., 0., 1.])
    """
    taken = data.matrix()
    scaled = _inverse_root(taken.sum(axis=1)) @ taken @ _inverse_root(taken.sum(axis=0))
    backwards = sparse.csr_array(scaled.T)
    rank = min(width, *taken.shape)
    basis = torch.randn(data.n_items, rank).numpy()
    for _ in range(_N_ROUNDS):
        basis = np.linalg.qr(backwards @ (scaled @ basis))[0]
    turn, _ = torch.linalg.qr(torch.randn(rank, rank))
    vectors = torch.zeros(data.n_items, width)
    vectors[:, :rank] = torch.from_numpy(basis.astype(np.float32)) @ turn
    has_events = torch.from_numpy(np.diff(backwards.indptr) > 0)
    return torch.nn.functional.normalize(vectors, dim=1) * has_events[:, None]


def _inverse_root(counts: np.ndarray) -> sparse.dia_array:
    return sparse.diags_array(1 / np.sqrt(np.maximum(counts, 1)).astype(np.float32))
