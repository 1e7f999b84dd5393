"""The linear autoencoder of a large catalogue: each item from the few others that share most of its users."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from appkit.data.interactions import Interactions
from appkit.model.recommenders.ease import check_penalties, co_occurrence
from appkit.model.recommenders.linear import LinearScorer
from appkit.model.recommenders.singular_vectors import likeness_vectors

__all__ = ["fit_local_ease", "local_ease_weights"]

_CELLS_AT_ONCE = 1 << 22
_MAX_PAIRS = 250_000_000


def fit_local_ease(
    data: Interactions,
    *,
    n_neighbours: int = 50,
    penalty: float = 8.0,
    relative_penalty: float = 1.0,
    user_exponent: float = 0.5,
    rebuy: float = 0.0,
    device: torch.device | str = "cpu",
) -> LinearScorer:
    """Return the ridge regression of every item on its nearest neighbours alone.

    As :func:`~appkit.model.recommenders.ease.fit_ease`, with all weights 0 but those of the ``n_neighbours`` items
    that share most users with the item, popular ones at a discount. Memory grows with the number of items, not with
    its square; very long histories are cut where they would need more than some 4 GB.

    Parameters
    ----------
    data
        Events; an item a user took several times counts once.
    n_neighbours
        Weights of each item.
    penalty, relative_penalty, user_exponent, rebuy
        As in :func:`~appkit.model.recommenders.ease.fit_ease`.
    device
        Where to solve; the scorer stays there.

    References
    ----------
    Ning and Karypis (2011), "SLIM: Sparse Linear Methods for Top-N Recommender Systems" (with feature selection);
    Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data".

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["cup", "tea", "cup", "tea", "saw"]})
    >>> scorer = fit_local_ease(read_interactions(X), penalty=1.0, relative_penalty=0.0, user_exponent=0.0)
    >>> scorer(torch.tensor([[0]])).round(decimals=2)  # of someone with a cup: cup, saw, tea
    tensor([[0.0000, 0.0000, 0.6700]])
    """
    weights = local_ease_weights(
        data,
        n_neighbours=n_neighbours,
        penalty=penalty,
        relative_penalty=relative_penalty,
        user_exponent=user_exponent,
        device=device,
    )
    return LinearScorer.of_sparse(weights, vectors=likeness_vectors(data, device=device), rebuy=rebuy).to(device)


def local_ease_weights(
    data: Interactions,
    *,
    n_neighbours: int,
    penalty: float,
    relative_penalty: float,
    user_exponent: float,
    device: torch.device | str = "cpu",
) -> sparse.csr_array:
    """Return the weights of :func:`fit_local_ease`, float32 ``(n_items, n_items)``; row: taken, column: scored."""
    check_penalties(penalty, relative_penalty)
    if n_neighbours < 1:
        raise ValueError(f"n_neighbours must be 1 or more, got {n_neighbours!r}.")
    together = co_occurrence(data, user_exponent=user_exponent, max_pairs=_MAX_PAIRS)
    neighbours = _nearest(together, n_neighbours)
    weights = np.zeros(neighbours.shape, dtype=np.float32)
    for start, system in _systems(together, neighbours):
        solved = system.to(device).solve(penalty, relative_penalty)
        weights[start : start + len(solved)] = solved.cpu().numpy()
    is_one = neighbours >= 0
    scored = np.repeat(np.arange(data.n_items), neighbours.shape[1]).reshape(neighbours.shape)
    return sparse.csr_array((weights[is_one], (neighbours[is_one], scored[is_one])), shape=together.shape)


@dataclass(frozen=True, eq=False)
class _Systems:
    """One regression for each of some items.

    Parameters
    ----------
    gram
        float32 ``(n, m, m)``: how often neighbours come together; places without a neighbour have a 1 on the diagonal.
    targets
        float32 ``(n, m)``: how often each neighbour comes with the item.
    """

    gram: Tensor
    targets: Tensor

    def to(self, device: torch.device | str) -> "_Systems":
        return _Systems(self.gram.to(device), self.targets.to(device))

    def solve(self, penalty: float, relative_penalty: float) -> Tensor:
        """Return the ridge weights, ``(n, m)``."""
        diagonal = self.gram.diagonal(dim1=1, dim2=2)
        diagonal += penalty + relative_penalty * diagonal
        return torch.cholesky_solve(self.targets[..., None], torch.linalg.cholesky(self.gram))[..., 0]


def _nearest(together: sparse.csr_array, n: int) -> np.ndarray:
    """Return the neighbours of each item, int64 ``(n_items, at most n)``, the most popular first, -1 for none.

    Nearest are those with most users in common, divided by the root of their own number of users.
    """
    popularity = together.diagonal()
    discount = 1 / np.sqrt(np.maximum(popularity, np.finfo(np.float32).tiny))
    n = min(n, max(together.shape[0] - 1, 1))
    nearest = np.full((together.shape[0], n), -1, dtype=np.int64)
    for item in range(together.shape[0]):
        row = slice(together.indptr[item], together.indptr[item + 1])
        others = together.indices[row]
        likeness = np.where(others == item, -1, together.data[row] * discount[others])
        kept = others[np.argsort(-likeness, kind="stable")[: min(n, int((likeness > 0).sum()))]]
        nearest[item, : len(kept)] = kept[np.argsort(-popularity[kept], kind="stable")]
    return nearest


def _systems(together: sparse.csr_array, neighbours: np.ndarray) -> Iterator[tuple[int, _Systems]]:
    """Yield the first item of each piece and its regressions."""
    n_items, width = neighbours.shape
    popularity = together.diagonal()
    later, earlier = np.tril_indices(width, -1)  # rows of rarer items are shorter, and searched faster
    at_once = max(_CELLS_AT_ONCE // width**2, 1)
    for start in range(0, n_items, at_once):
        ids = neighbours[start : start + at_once]
        is_one, known = ids >= 0, np.maximum(ids, 0)
        gram = np.zeros((len(ids), width, width), dtype=np.float32)
        pairs = _cells(together, known[:, later], known[:, earlier])
        gram[:, later, earlier] = pairs * (is_one[:, later] & is_one[:, earlier])
        gram[:, np.arange(width), np.arange(width)] = np.where(is_one, popularity[known], 1)
        items = np.broadcast_to(np.arange(start, start + len(ids))[:, None], ids.shape)
        targets = _cells(together, known, items) * is_one
        yield start, _Systems(torch.from_numpy(gram), torch.from_numpy(targets))


def _cells(matrix: sparse.csr_array, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    if not rows.size:  # SciPy gives a sparse array for no cells
        return np.zeros(rows.shape, dtype=np.float32)
    return np.asarray(matrix[rows.ravel(), columns.ravel()], dtype=np.float32).reshape(rows.shape)
