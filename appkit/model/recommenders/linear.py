"""Recommenders that are a table of weights: what an item taken adds to the score of every other."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from appkit.model.recommenders.scorer import ItemScorer, distinct_items

__all__ = ["LinearScorer"]

_ENTRIES_AT_ONCE = 1 << 22  # on a GPU; some 100 MiB of indices


class LinearScorer(ItemScorer):
    r"""Scores an item by the sum of its weights from the distinct items of the history.

    :math:`s_j = \sum_h B_{hj}`, and for an item of the history itself ``rebuy`` times :math:`\log(1 + n)`, ``n`` being
    how often it was taken. Without a history all scores are 0. Weights are one dense matrix, or, for a large catalogue,
    the few of each item that count.

    Parameters
    ----------
    n_items
        Number of items.
    n_weights
        Number of weights stored; ``None`` stores all of them, ``n_items`` squared.
    width
        Width of the vectors that say how alike two items are; 0 takes the weights towards an item.
    rebuy
        What taking an item adds to its own score. The other weights of an item are around 0.1 each.

    Examples
    --------
    >>> weights = sparse.csr_array([[0.0, 0.5, 0.0], [0.5, 0.0, 0.25], [0.0, 0.25, 0.0]])
    >>> scorer = LinearScorer.of_sparse(weights, rebuy=1.0)
    >>> scorer(torch.tensor([[3, 0, 2], [1, 1, 1]]))
    tensor([[0.6931, 0.7500, 0.6931],
            [0.5000, 1.3863, 0.2500]])
    """

    is_additive = True
    weights: Tensor
    offsets: Tensor
    columns: Tensor
    vectors: Tensor

    def __init__(self, n_items: int, *, n_weights: int | None = None, width: int = 0, rebuy: float = 0.0) -> None:
        super().__init__(n_items)
        self.n_weights = n_weights
        self.width = width
        self.rebuy = rebuy
        is_dense = n_weights is None
        self.register_buffer("weights", torch.zeros((n_items, n_items) if n_weights is None else n_weights))
        self.register_buffer("offsets", torch.zeros(0 if is_dense else n_items + 1, dtype=torch.int64))
        self.register_buffer("columns", torch.zeros(n_weights or 0, dtype=torch.int32))
        self.register_buffer("vectors", torch.zeros(n_items if width else 0, width))

    @classmethod
    def of_dense(cls, weights: Tensor, *, rebuy: float = 0.0) -> Self:
        """Return a scorer with these weights ``(n_items, n_items)``; row: taken, column: scored; the diagonal is 0."""
        scorer = cls(len(weights), rebuy=rebuy).to(weights.device)
        scorer.weights.copy_(weights).fill_diagonal_(0)
        return scorer.eval()

    @classmethod
    def of_sparse(cls, weights: sparse.csr_array, *, vectors: Tensor | None = None, rebuy: float = 0.0) -> Self:
        """Return a scorer with the weights there are, on the processor; row: taken, column: scored.

        Those on the diagonal are left out. ``vectors``, float32 ``(n_items, width)``, say how alike items are.
        """
        kept = weights.tocoo()
        kept.data = np.where(kept.coords[0] == kept.coords[1], 0, kept.data).astype(np.float32)
        kept.eliminate_zeros()
        rows = kept.tocsr()
        scorer = cls(rows.shape[0], n_weights=rows.nnz, width=0 if vectors is None else vectors.shape[1], rebuy=rebuy)
        scorer.weights.copy_(torch.from_numpy(rows.data))
        scorer.offsets.copy_(torch.from_numpy(rows.indptr.astype(np.int64)))
        scorer.columns.copy_(torch.from_numpy(rows.indices.astype(np.int32)))
        if vectors is not None:
            scorer.vectors.copy_(vectors)
        return scorer.eval()

    def forward(self, histories: Tensor) -> Tensor:
        """Return the scores of all items, ``(n, n_items)``."""
        distinct = distinct_items(histories, pad=self.n_items)
        is_item = distinct != self.n_items
        rows, items = is_item.nonzero()[:, 0], distinct[is_item]
        if self.n_weights is None:
            counts = is_item.sum(dim=1)
            scores = nn.functional.embedding_bag(items, self.weights, counts.cumsum(dim=0) - counts, mode="sum")
        else:
            scores = self._sparse_sums(rows, items, n_rows=len(histories))
        if self.rebuy:
            scores[rows, items] += self._own_weights(histories)[is_item]
        return scores

    def contributions(self, histories: Tensor, items: Tensor) -> Tensor:
        """Return what each place of a history adds to the score of an item, ``(n, length)``."""
        distinct = distinct_items(histories, pad=self.n_items)
        is_item = distinct != self.n_items
        taken, scored = distinct[is_item], items[:, None].expand_as(distinct)[is_item]
        shares = torch.zeros(distinct.shape, dtype=self.weights.dtype, device=self.weights.device)
        shares[is_item] = self._weights_between(taken, scored)
        if self.rebuy:
            shares += self._own_weights(histories) * (distinct == items[:, None])
        return shares

    def config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {"n_items": self.n_items, "n_weights": self.n_weights, "width": self.width, "rebuy": self.rebuy}

    def item_vectors(self) -> Tensor:
        """Return the vectors given at fit, ``(n_items, width)``, or else the weights towards each item."""
        if self.width:
            return self.vectors
        if self.n_weights is None:
            return self.weights.T
        rows = torch.repeat_interleave(torch.arange(self.n_items, device=self.offsets.device), self.offsets.diff())
        vectors = self.weights.new_zeros(self.n_items, self.n_items)
        vectors[self.columns.long(), rows] = self.weights
        return vectors

    def _sparse_sums(self, rows: Tensor, items: Tensor, *, n_rows: int) -> Tensor:
        """Return ``(n_rows, n_items)``: the weights of the items, added up row by row."""
        if self.weights.device.type == "cpu":
            return self._sums_in_turn(rows, items, n_rows=n_rows)
        return self._sums_at_once(rows, items, n_rows=n_rows)

    def _sums_at_once(self, rows: Tensor, items: Tensor, *, n_rows: int) -> Tensor:
        sums = self.weights.new_zeros(n_rows * self.n_items)
        for pairs, entries in self._entries(items):
            sums.index_add_(0, rows[pairs] * self.n_items + self.columns[entries], self.weights[entries])
        return sums.view(n_rows, self.n_items)

    def _sums_in_turn(self, rows: Tensor, items: Tensor, *, n_rows: int) -> Tensor:
        """Return the same, faster on a processor: the weights of an item lie together, and a row fits the cache."""
        sums = self.weights.new_zeros(n_rows, self.n_items)
        columns, weights = self.columns.numpy(), self.weights.numpy()
        starts, ends = self.offsets[items].tolist(), self.offsets[items + 1].tolist()
        last = rows.bincount(minlength=n_rows).cumsum(dim=0).tolist()
        for row, (begin, end) in enumerate(zip([0, *last], last, strict=False)):
            if begin < end:
                runs = [slice(*run) for run in zip(starts[begin:end], ends[begin:end], strict=True)]
                places = torch.from_numpy(np.concatenate([columns[run] for run in runs]))
                sums[row].index_add_(0, places, torch.from_numpy(np.concatenate([weights[run] for run in runs])))
        return sums

    def _weights_between(self, taken: Tensor, scored: Tensor) -> Tensor:
        """Return the weight from each item taken to the one scored beside it, ``(n_pairs,)``."""
        if self.n_weights is None:
            return self.weights[taken, scored]
        found = self.weights.new_zeros(len(taken))
        for pairs, entries in self._entries(taken):
            is_asked = self.columns[entries] == scored[pairs]
            found[pairs[is_asked]] = self.weights[entries[is_asked]]
        return found

    def _entries(self, items: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield, piece by piece, the place in ``items`` and the place in ``weights`` of every weight of the items."""
        starts = self.offsets[items]
        counts = self.offsets[items + 1] - starts
        ends = counts.cumsum(dim=0)
        piece = ends.div(_ENTRIES_AT_ONCE, rounding_mode="floor")
        for first, last in _runs(piece):
            n_each = counts[first:last]
            n_entries = int(n_each.sum())
            pairs = torch.repeat_interleave(torch.arange(first, last, device=items.device), n_each)
            shift = starts[first:last] - (n_each.cumsum(dim=0) - n_each)
            yield pairs, torch.arange(n_entries, device=items.device) + shift[pairs - first]

    def _own_weights(self, histories: Tensor) -> Tensor:
        """Return what the item at each place adds to itself, ``(n, length)``: at its last place all of it, else 0."""
        return self.rebuy * torch.log1p(_occurrences(histories).to(self.weights.dtype))


def _runs(labels: Tensor) -> list[tuple[int, int]]:
    """Return where each run of equal labels, in order, begins and ends."""
    _, lengths = torch.unique_consecutive(labels, return_counts=True)
    ends = lengths.cumsum(dim=0).tolist()
    return list(zip([0, *ends], ends, strict=False))


def _occurrences(histories: Tensor) -> Tensor:
    """Return how often the item at each place comes in its row, at its last place; 0 at the others, ``(n, length)``."""
    ordered, places = histories.sort(dim=1, stable=True)
    is_new = torch.ones_like(ordered, dtype=torch.bool)
    is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    is_last = is_new.roll(-1, dims=1)  # the first place is always new, so the last one is always last
    index = torch.arange(ordered.shape[1], device=ordered.device)
    starts = torch.where(is_new, index, 0).cummax(dim=1).values
    return torch.empty_like(ordered).scatter_(1, places, torch.where(is_last, index - starts + 1, 0))
