"""A TabM that rises or falls in named columns by construction."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from appkit.data.table_encoder import Layout
from appkit.model.networks import TableEmbedding, TabM

__all__ = ["MonotoneTabM"]


class MonotoneTabM(nn.Module):
    """TabM on the free columns, and a path of non-negative weights for the monotone ones.

    The number of a monotone column enters only through its piecewise-linear codes, which rise with it; all weights on
    the way from there to the logit are non-negative, all activations rise, and a falling column's codes are turned
    round. The free columns may bend that path anywhere through its biases, so interactions are kept. Missing values
    and special codes of a monotone column are flags among the free columns: no order is promised between a flag and
    a number.

    Half of the hidden units are convex (ReLU) and half concave, else a non-negative network could only be convex.

    Parameters
    ----------
    layout, n_outputs
        Encoded input and logits per member; every logit rises.
    signs
        ``+1`` (rises) or ``-1`` (falls) by column name; numbers and booleans only.
    n_members, width, depth, dropout
        As in ``TabM``.

    References
    ----------
    Runje, Shankaranarayana (2023). Constrained Monotonic Neural Networks. ICML.
    """

    bins: Tensor  # int64 (n_rising,): piecewise-linear codes of the monotone columns
    turn: Tensor  # float32 (n_rising,): their signs

    def __init__(
        self,
        layout: Layout,
        n_outputs: int,
        *,
        signs: Mapping[str, int],
        n_members: int = 8,
        width: int = 128,
        depth: int = 2,
        dropout: float = 0.15,
    ) -> None:
        super().__init__()
        _check_signs(signs, layout)
        self.n_members = n_members
        self.embedding = TableEmbedding(layout)
        sign_of_number = [signs.get(layout.columns[layout.column_of[p]], 0) for p in layout.numeric]
        sign_of_bin = torch.tensor([float(sign_of_number[j]) for j in self.embedding.source.tolist()])
        self.register_buffer("bins", torch.nonzero(sign_of_bin).squeeze(1), persistent=False)
        self.register_buffer("turn", sign_of_bin[self.bins], persistent=False)
        self.free = TabM(
            _without_numbers(layout, {n for n, s in signs.items() if s}),
            width,
            n_members=n_members,
            width=width,
            depth=depth,
            dropout=dropout,
        )
        per_column = max(len(self.bins) // max(sum(sign != 0 for sign in sign_of_number), 1), 1)
        self.inward = nn.Parameter(torch.rand(len(self.bins), width) * 2 / per_column)
        self.across = nn.Parameter(torch.rand(width, width) * 2 / width)
        self.outward = nn.Parameter(torch.rand(n_members, width, n_outputs) * 4 / width)
        self.bias = nn.Parameter(torch.zeros(n_members, width))
        self.shift = nn.Parameter(torch.zeros(n_members, n_outputs))

    def forward(self, Z: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits ``(n_rows, n_members, n_outputs)``, or ``(n_rows, 1, n_outputs)`` of one member per row."""
        free = self.free(Z) if members is None else self.free(Z, members)  # (n_rows, members, width)
        return self._answer(free, self._rising(Z) @ self.inward.abs(), members)

    def map_columns(self, Z: Tensor) -> Tensor:
        """Return mapped columns, ``(n_rows, n_columns, 2 * width)``: their free parts, then their rising ones."""
        free = self.free.map_columns(Z)
        owner = self.embedding.column_of[self.bins]
        n_columns = max(free.shape[1], int(owner.max()) + 1)
        rising, inward = self._rising(Z), self.inward.abs()
        parts = [rising[:, owner == column] @ inward[owner == column] for column in range(n_columns)]
        free = functional.pad(free, (0, 0, 0, n_columns - free.shape[1]))
        return torch.cat([free, torch.stack(parts, dim=1)], dim=2)

    def from_columns(self, mapped: Tensor, entries: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits of rows mixed from mapped columns; see :class:`~appkit.model.mixing.ColumnNetwork`."""
        width = mapped.shape[1] // 2
        signs = functional.pad(self.free.signs, (0, entries.shape[1] - self.free.signs.shape[1]))
        if members is None:
            columns = functional.embedding(entries, mapped)
            free = self.free.of_all_members(signs @ columns[..., :width])
            return self._answer(free, columns[..., width:].sum(1), None)
        weighed = functional.embedding_bag(entries, mapped, mode="sum", per_sample_weights=signs[members])
        free = self.free.of_one_member(weighed[:, :width], members)
        return self._answer(free, functional.embedding_bag(entries, mapped, mode="sum")[:, width:], members)

    def _rising(self, Z: Tensor) -> Tensor:
        """Return codes ``(n_rows, n_bins)`` that rise in the promised direction."""
        return self.embedding.bins(Z)[:, self.bins] * self.turn

    def _answer(self, free: Tensor, rising: Tensor, members: Tensor | None) -> Tensor:
        bias, outward, shift = self._of(members)
        hidden = _bent(free + rising[:, None])
        hidden = _bent(hidden @ self.across.abs() + bias)
        return (hidden[..., None, :] @ outward).squeeze(-2) + shift

    def _of(self, members: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        outward = self.outward.abs()
        if members is None:
            return self.bias, outward, self.shift
        return self.bias[members, None], outward[members, None], self.shift[members, None]


def _bent(h: Tensor) -> Tensor:
    """Apply a convex activation to the first half of the units and a concave one to the rest; both rise."""
    half = h.shape[-1] // 2
    return torch.cat([torch.relu(h[..., :half]), -torch.relu(-h[..., half:])], dim=-1)


def _without_numbers(layout: Layout, columns: set[str]) -> Layout:
    """Return the layout without the numbers of ``columns``; their flags stay."""
    kept = [i for i, p in enumerate(layout.numeric) if layout.columns[layout.column_of[p]] not in columns]
    return Layout(
        numeric=tuple(layout.numeric[i] for i in kept),
        knots=tuple(layout.knots[i] for i in kept),
        indicators=layout.indicators,
        gates=tuple(layout.gates[i] for i in kept),
        categories=layout.categories,
        cardinalities=layout.cardinalities,
        column_of=layout.column_of,
        columns=layout.columns,
    )


def _check_signs(signs: Mapping[str, int], layout: Layout) -> None:
    numbers = {layout.columns[layout.column_of[p]] for p in layout.numeric}
    for name, sign in signs.items():
        if name not in numbers:
            raise ValueError(f"monotone column {name!r} must be a number or a boolean: other columns have no order.")
        if sign not in (-1, 0, 1):
            raise ValueError(f"monotone[{name!r}] must be 1 (rises), -1 (falls) or 0 (free), got {sign!r}.")
