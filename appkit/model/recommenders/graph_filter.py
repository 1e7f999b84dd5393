"""What the graph of users and items says once its noise is filtered out, and a regression for what the filter blurs."""

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from appkit.data.interactions import Interactions
from appkit.model.recommenders.linear import LinearScorer
from appkit.model.recommenders.local_ease import local_ease_weights
from appkit.model.recommenders.singular_vectors import damped_matrix, right_singular_vectors

__all__ = ["fit_graph_filter"]

_CELLS_AT_ONCE = 1 << 24
_LIKENESS_WIDTH = 64
_ENTITIES_PER_FACTOR = 28
_MOST_PRODUCTS = 8 * 10**12  # some minutes of one processor


def fit_graph_filter(
    data: Interactions,
    *,
    n_factors: int | None = None,
    n_neighbours: int = 200,
    exponent: float = 0.3,
    tilt: float = 0.15,
    filter_weight: float = 0.7,
    n_regressors: int = 50,
    penalty: float = 8.0,
    relative_penalty: float = 1.0,
    user_exponent: float = 0.5,
    rebuy: float = 0.0,
    random_state: int = 0,
    device: torch.device | str = "cpu",
) -> LinearScorer:
    r"""Return the sum of an ideal low-pass filter and a local regression, as the largest weights of each item.

    With :math:`\tilde R = D_U^{-a} R D_I^{-a}`, who took what damped by the numbers of items and users, and ``V`` its
    leading right singular vectors, the filter is :math:`D_I^{-t} V V^\top D_I^{t}`: it keeps what many users share.
    The regression (:func:`~appkit.model.recommenders.local_ease.fit_local_ease`) tells near items apart. Both are
    linear in the history, and so is the sum. Only the ``n_neighbours`` largest filter weights of each item are kept,
    which is more accurate than all of them, and quick; memory grows with the number of items.

    Parameters
    ----------
    data
        Events; an item a user took several times counts once.
    n_factors
        Singular vectors kept; ``None`` keeps one for every 28 users or items, whichever are fewer, 16 to 1,024
        (200 at 200,000 items: time grows with the square of the number of items).
    n_neighbours
        Filter weights kept for each item.
    exponent
        The ``a``: how much active users and popular items are damped before filtering.
    tilt
        The ``t``: above 0 popular items score higher, and say less about their takers.
    filter_weight
        How much the filter counts beside the regression.
    n_regressors
        Neighbours of each item in the regression; 0 leaves it out.
    penalty, relative_penalty, user_exponent
        Of the regression.
    rebuy
        See :class:`~appkit.model.recommenders.linear.LinearScorer`.
    random_state
        Seed of the start of the iteration for the singular vectors.
    device
        Where to compute; the scorer stays there.

    References
    ----------
    Shen, Wu, Zhang, Shan, Zhang, Letaief and Li (2021), "How Powerful is Graph Convolution for Recommendation?"; Fu,
    Zheng and others (2022), "Revisiting Neighborhood-based Link Prediction for Collaborative Filtering", for exponents.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["cup", "tea", "cup", "tea", "saw"]})
    >>> scorer = fit_graph_filter(read_interactions(X), n_factors=1, n_regressors=0, filter_weight=1.0)
    >>> scorer(torch.tensor([[0]])).round(decimals=2).abs()  # of someone with a cup: cup, saw, tea
    tensor([[0.0000, 0.0000, 0.5000]])
    """
    n_factors = _usual_factors(data) if n_factors is None else n_factors
    _check(n_factors=n_factors, n_neighbours=n_neighbours)
    damped = damped_matrix(data, user_exponent=exponent, item_exponent=exponent)
    vectors, values = right_singular_vectors(damped, n_factors, random_state=random_state, device=device)
    n_users = torch.from_numpy(np.bincount(damped.indices, minlength=data.n_items)).to(vectors).clamp(min=1)
    taken, scored = n_users[:, None] ** -tilt * vectors, n_users[:, None] ** tilt * vectors
    weights = filter_weight * _largest_products(taken, scored, n_neighbours)
    if n_regressors:
        weights = weights + local_ease_weights(
            data,
            n_neighbours=n_regressors,
            penalty=penalty,
            relative_penalty=relative_penalty,
            user_exponent=user_exponent,
            device=device,
        )
    likeness = (vectors * values)[:, :_LIKENESS_WIDTH]
    return LinearScorer.of_sparse(sparse.csr_array(weights), vectors=likeness, rebuy=rebuy).to(device)


def _largest_products(taken: Tensor, scored: Tensor, n: int) -> sparse.csr_array:
    """Return the ``n`` largest of each column of ``taken @ scored.T`` above 0 and off the diagonal."""
    n_items = len(taken)
    n = min(n, n_items)
    at_once = max(_CELLS_AT_ONCE // n_items, 1)
    pieces = []
    for start in range(0, n_items, at_once):
        products = scored[start : start + at_once] @ taken.T
        places = torch.arange(len(products), device=products.device)
        products[places, start + places] = 0
        largest, rows = products.topk(n, dim=1, sorted=False)
        is_kept = largest > 0
        columns = (start + places[:, None]).expand_as(rows)
        pieces.append(tuple(part[is_kept].cpu().numpy() for part in (largest, rows, columns)))
    cells = [np.concatenate(part) for part in zip(*pieces, strict=True)]
    return sparse.csr_array((cells[0], (cells[1], cells[2])), shape=(n_items, n_items))


def _usual_factors(data: Interactions) -> int:
    """Return how many singular vectors to keep: on inner splits MovieLens-100k wants 32, Gowalla 1,024 or more."""
    affordable = _MOST_PRODUCTS // max(data.n_items, 1) ** 2
    wanted = min(data.n_users, data.n_items) // _ENTITIES_PER_FACTOR
    return max(min(wanted, affordable, 1_024), 16)


def _check(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be 1 or more, got {count!r}.")
