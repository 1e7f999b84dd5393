"""The leading singular vectors of who took what: in how few directions most of it lies."""

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from appkit.data.interactions import Interactions

__all__ = ["damped_matrix", "likeness_vectors", "right_singular_vectors"]

_SPARE = 1 / 8  # columns drawn beyond those asked for, as a share


def damped_matrix(data: Interactions, *, user_exponent: float, item_exponent: float) -> sparse.csr_array:
    """Return who took what, each cell divided by powers of the user's number of items and the item's number of users.

    float32 ``(n_users, n_items)``; exponents of a half make the bipartite graph's normalised adjacency.
    """
    taken = data.matrix().tocoo()
    users, items = taken.coords
    n_items = np.bincount(users, minlength=data.n_users)[users].astype(np.float64)
    n_users = np.bincount(items, minlength=data.n_items)[items].astype(np.float64)
    damped = n_items**-user_exponent * n_users**-item_exponent
    return sparse.csr_array((damped.astype(np.float32), taken.coords), shape=taken.shape)


def right_singular_vectors(
    matrix: sparse.csr_array,
    n: int,
    *,
    n_iterations: int = 3,
    random_state: int = 0,
    device: torch.device | str = "cpu",
) -> tuple[Tensor, Tensor]:
    """Return the ``n`` leading right singular vectors as columns, and their singular values, largest first.

    By subspace iteration from a random start; as many as the matrix has rows or columns are exact.

    References
    ----------
    Halko, Martinsson and Tropp (2011), "Finding Structure with Randomness".

    Examples
    --------
    >>> vectors, values = right_singular_vectors(sparse.csr_array([[3.0, 0.0], [0.0, 4.0]]), 1)
    >>> vectors.abs().round(decimals=3).tolist(), values.round(decimals=3).tolist()
    ([[0.0], [1.0]], [4.0])
    """
    n_drawn = min(n + 8 + int(n * _SPARE), *matrix.shape)
    forth = _on_device(matrix, device)
    back = forth.T.coalesce()
    generator = torch.Generator().manual_seed(random_state)
    basis = torch.randn(matrix.shape[1], n_drawn, generator=generator).to(device)
    for _ in range(n_iterations):
        basis = torch.linalg.qr(back @ (forth @ basis)).Q
    image = forth @ basis
    values, turns = torch.linalg.eigh(image.T.double() @ image.double())  # small: no SVD of a tall matrix
    order = values.argsort(descending=True)[: min(n, n_drawn)]
    return basis @ turns[:, order].float(), values[order].clamp(min=0).sqrt().float()


def likeness_vectors(data: Interactions, *, width: int = 64, device: torch.device | str = "cpu") -> Tensor:
    """Return vectors whose cosine says how alike the takers of two items are, float32 ``(n_items, at most width)``.

    The normalised adjacency, brought to few columns: items that share takers of takers are alike, too.
    """
    adjacency = damped_matrix(data, user_exponent=0.5, item_exponent=0.5)
    vectors, values = right_singular_vectors(adjacency, width, device=device)
    return vectors * values


def _on_device(matrix: sparse.csr_array, device: torch.device | str) -> Tensor:
    cells = matrix.tocoo()
    places = torch.from_numpy(np.stack(cells.coords).astype(np.int64))
    values = torch.from_numpy(cells.data.astype(np.float32))
    return torch.sparse_coo_tensor(places, values, cells.shape, check_invariants=False).coalesce().to(device)
