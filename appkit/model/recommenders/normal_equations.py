"""Solve one small weighted ridge regression for each of many users, or items, at a bounded cost in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

__all__ = ["WeightedLists", "diagonal_basis", "solve_lists"]

_CELLS_ON_CPU = 1 << 22
_CELLS_ON_GPU = 1 << 26


@dataclass(frozen=True, eq=False)
class WeightedLists:
    """One list of entries for each row, laid end to end: what a sparse matrix holds, on the device.

    Parameters
    ----------
    offsets
        int64 ``(n_rows + 1,)``: where each list begins.
    ids
        int64 ``(n_entries,)``: what the entries are.
    weights
        float32 ``(n_entries,)``: how much each counts, above 0.
    """

    offsets: Tensor
    ids: Tensor
    weights: Tensor

    @classmethod
    def of(cls, matrix: sparse.csr_array, *, device: torch.device | str = "cpu") -> "WeightedLists":
        """Return the rows of a sparse matrix."""
        return cls(
            torch.from_numpy(matrix.indptr.astype(np.int64)).to(device),
            torch.from_numpy(matrix.indices.astype(np.int64)).to(device),
            torch.from_numpy(matrix.data.astype(np.float32)).to(device),
        )

    @property
    def lengths(self) -> Tensor:
        """Entries of each row, int64 ``(n_rows,)``."""
        return self.offsets.diff()


def diagonal_basis(factors: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factors in a basis where their Gram matrix is diagonal, and that diagonal.

    Scores are products of factors and do not depend on the basis; in this one the term all users share costs nothing.

    Examples
    --------
    >>> rotated, spectrum = diagonal_basis(torch.tensor([[1.0, 1.0], [1.0, 1.0]]))
    >>> spectrum.tolist()
    [0.0, 4.0]
    """
    wide = factors.T.double() @ factors.double() if len(factors) < 1 << 16 else (factors.T @ factors).double()
    spectrum, basis = torch.linalg.eigh(wide)
    return factors @ basis.to(factors.dtype), spectrum.clamp(min=0).to(factors.dtype)


def solve_lists(lists: WeightedLists, factors: Tensor, shared: Tensor, penalties: Tensor) -> Tensor:
    r"""Return for each row the vector that tells its entries from all others best, float32 ``(n_rows, n_factors)``.

    Row ``u`` solves :math:`(\sum_i w_{ui} h_i h_i^T + \mathrm{diag}(s) + \lambda_u I)\, x = \sum_i w_{ui} h_i`. With
    the diagonal taken to both sides, the matrix is the identity plus a product, whose smaller form is solved: as wide
    as the factors, or, for rows with fewer entries than factors, as wide as the list (Woodbury's identity).

    Parameters
    ----------
    lists
        Entries ``i`` of each row and their weights; an empty list gives zeros.
    factors
        float32 ``(n_ids, n_factors)``: the ``h``.
    shared
        float32 ``(n_factors,)``: the diagonal ``s`` all rows share, 0 or more.
    penalties
        float32 ``(n_rows,)``: the ridge penalty of each row, above 0.
    """
    solved = factors.new_zeros(len(lists.offsets) - 1, factors.shape[1])
    for rows, length in _batches(lists.lengths, n_factors=factors.shape[1]):
        scale = torch.rsqrt(shared + penalties[rows, None])
        solve = _solve_short if length <= factors.shape[1] else _solve_long
        solved[rows] = scale * solve(lists, rows, length, factors, scale)
    return solved


def _batches(lengths: Tensor, *, n_factors: int) -> Iterator[tuple[Tensor, int]]:
    """Yield rows of similar length, and the longest of them, such that their entries fill a bounded number of cells."""
    cells = _CELLS_ON_GPU if lengths.is_cuda else _CELLS_ON_CPU
    order = lengths.argsort(descending=True, stable=True)
    falling = lengths[order].cpu().numpy()
    start, end = 0, int((falling > 0).sum())
    while start < end:
        longest = int(falling[start])
        narrow = min(longest, n_factors)
        n_rows = max(1, cells // max(longest * n_factors, narrow**2))
        is_near = falling[start : start + n_rows] * 4 >= longest * 3
        n_rows = min(n_rows, int(is_near.sum()), end - start)
        yield order[start : start + n_rows], longest
        start += n_rows


def _gather(lists: WeightedLists, rows: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ids at these places of each list and the roots of their weights, 0 beyond the end of a list."""
    starts, ends = lists.offsets[rows, None], lists.offsets[rows + 1, None]
    at = starts + places
    is_inside = at < ends
    at = torch.where(is_inside, at, starts)
    return lists.ids[at], lists.weights[at].sqrt() * is_inside


def _solve_short(lists: WeightedLists, rows: Tensor, length: int, factors: Tensor, scale: Tensor) -> Tensor:
    """Solve in the space of the entries, ``length`` wide."""
    ids, roots = _gather(lists, rows, torch.arange(length, device=factors.device))
    scaled = factors[ids] * scale[:, None] * roots[..., None]
    kernel = scaled @ scaled.mT
    kernel.diagonal(dim1=1, dim2=2).add_(1)
    return (scaled.mT @ _solve(kernel, roots[..., None]))[..., 0]


def _solve_long(lists: WeightedLists, rows: Tensor, length: int, factors: Tensor, scale: Tensor) -> Tensor:
    """Solve in the space of the factors; one row may have more entries than fit at once."""
    cells = _CELLS_ON_GPU if factors.is_cuda else _CELLS_ON_CPU
    step = max(1, cells // (len(rows) * factors.shape[1]))
    gram = torch.eye(factors.shape[1], device=factors.device).repeat(len(rows), 1, 1)
    right = torch.zeros_like(scale)[..., None]
    for start in range(0, length, step):
        places = torch.arange(start, min(start + step, length), device=factors.device)
        ids, roots = _gather(lists, rows, places)
        scaled = factors[ids] * scale[:, None] * roots[..., None]
        gram.baddbmm_(scaled.mT, scaled)
        right.baddbmm_(scaled.mT, roots[..., None])
    return _solve(gram, right)[..., 0]


def _solve(matrices: Tensor, right: Tensor) -> Tensor:
    """Solve positive definite systems; where a tiny penalty leaves float32 too few digits, in float64."""
    roots, failed = torch.linalg.cholesky_ex(matrices)
    if failed.any():
        return torch.cholesky_solve(right.double(), torch.linalg.cholesky(matrices.double())).to(right.dtype)
    return torch.cholesky_solve(right, roots)
