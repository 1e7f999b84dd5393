"""Networks for tables: an encoded matrix in, one logit per member and output out."""

import itertools
from collections.abc import Callable
from typing import Any, cast

import torch
from tabm import LinearEnsemble
from torch import Tensor, nn
from torch.nn import functional

from appkit.data.table_encoder import Layout
from appkit.model.mixing import by_network

__all__ = ["MLP", "ColumnLinear", "MultiNetwork", "NetworkFactory", "TabM", "TableEmbedding"]

NetworkFactory = Callable[[Layout, int], nn.Module]
"""What ``network=`` accepts: from a ``Layout`` and a number of outputs to a module.

The module takes float32 ``(n_rows, layout.width)`` and returns ``(n_rows, n_outputs)`` or, for an ensemble,
``(n_rows, n_members, n_outputs)``. ``TableEmbedding(layout)`` is a ready first layer.
"""

_EMBEDDING_WIDTH = 16
_MAX_ONE_HOT = 64


class TableEmbedding(nn.Module):
    """Piecewise-linear codes of numbers, ready values as they are, one-hot or learnt codes of categories.

    A number between knots fills its bins from the left, each bin from 0 to 1; under a flag (missing, special code) all
    bins are 0, so that the flag alone speaks.

    References
    ----------
    Gorishniy, Rubachev, Babenko (2022). On Embeddings for Numerical Features in Tabular Deep Learning. NeurIPS.
    """

    numbers: Tensor  # int64 (n_numbers,): where they lie
    source: Tensor  # int64 (n_bins,): number of each bin
    left: Tensor  # float32 (n_bins,)
    inverse_width: Tensor  # float32 (n_bins,)
    gates: Tensor  # float32 (encoded width, n_numbers): 1 where a flag says the number is none
    ready: Tensor
    one_hot: Tensor
    starts: Tensor
    column_of: Tensor  # int64 (width,): raw column of each embedded feature

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self._register_bins(layout)
        self.register_buffer("ready", torch.tensor(layout.indicators, dtype=torch.int64), persistent=False)
        sizes = dict(zip(layout.categories, layout.cardinalities, strict=True))
        one_hot = {position: size for position, size in sizes.items() if size <= _MAX_ONE_HOT}
        self.learnt_positions = [position for position in sizes if position not in one_hot]
        self.tables = nn.ModuleList(nn.Embedding(sizes[p], _EMBEDDING_WIDTH) for p in self.learnt_positions)
        self.n_one_hot = sum(one_hot.values())
        starts = torch.tensor([0, *one_hot.values()][: len(one_hot)], dtype=torch.int64).cumsum(0)
        self.register_buffer("one_hot", torch.tensor(list(one_hot), dtype=torch.int64), persistent=False)
        self.register_buffer("starts", starts, persistent=False)
        self.register_buffer("column_of", self._columns(layout, list(one_hot.values())), persistent=False)

    def _register_bins(self, layout: Layout) -> None:
        """Lay the bins of all numbers side by side: source number, left edge and inverse width of each."""
        bins = [(j, a, b) for j, knots in enumerate(layout.knots) for a, b in itertools.pairwise(knots)]
        gates = torch.zeros(layout.width, len(layout.numeric))
        for j, flags in enumerate(layout.gates):
            gates[list(flags), j] = 1.0
        for name, values, dtype in (
            ("numbers", layout.numeric, torch.int64),
            ("source", [j for j, _, _ in bins], torch.int64),
            ("left", [a for _, a, _ in bins], torch.float32),
            ("inverse_width", [1 / (b - a) for _, a, b in bins], torch.float32),
        ):
            self.register_buffer(name, torch.tensor(values, dtype=dtype), persistent=False)
        self.register_buffer("gates", gates, persistent=False)

    def _columns(self, layout: Layout, one_hot_sizes: list[int]) -> Tensor:
        """Return the raw column of each embedded feature, in the order of :meth:`forward`."""
        column_of = torch.from_numpy(layout.column_of)
        numbers = column_of[self.numbers]
        learnt = column_of[torch.tensor(self.learnt_positions, dtype=torch.int64)].repeat_interleave(_EMBEDDING_WIDTH)
        hot = column_of[self.one_hot].repeat_interleave(torch.tensor(one_hot_sizes, dtype=torch.int64))
        return torch.cat([numbers[self.source], numbers, column_of[self.ready], hot, learnt])

    @property
    def width(self) -> int:
        """Number of embedded features."""
        learnt = _EMBEDDING_WIDTH * len(self.tables)
        return len(self.source) + len(self.numbers) + len(self.ready) + self.n_one_hot + learnt

    def bins(self, Z: Tensor) -> Tensor:
        """Return the piecewise-linear codes of all numbers, ``(n_rows, n_bins)``, each in [0, 1] and increasing."""
        present = 1 - Z @ self.gates  # (n_rows, n_numbers); a number is missing or special, never both
        codes = (Z[:, self.numbers][:, self.source] - self.left) * self.inverse_width
        return codes.clamp(0, 1) * present[:, self.source]

    def forward(self, Z: Tensor) -> Tensor:
        """Return the embedded rows, ``(n_rows, width)``."""
        parts = [self.bins(Z), Z[:, self.numbers], Z[:, self.ready]]
        if self.n_one_hot:
            codes = Z[:, self.one_hot].long() + self.starts
            parts.append(Z.new_zeros(len(Z), self.n_one_hot).scatter_(1, codes, 1.0))
        parts += [table(Z[:, p].long()) for p, table in zip(self.learnt_positions, self.tables, strict=True)]
        return torch.cat(parts, dim=1)


class ColumnLinear(nn.Module):
    """A linear map of each raw column on its own: ``(n_rows, n_columns, width)``.

    The parts sum to what one matrix over all embedded features would give; kept apart, each member of an ensemble can
    turn the sign of a whole column at a cost that does not grow with the column's bins.

    The weights of the bins start at zero, so the network begins as one on scaled numbers and bends them as it learns.
    """

    positions: Tensor  # int64 (n_columns, widest): embedded features of each column, padded by one past the last

    def __init__(self, embedding: TableEmbedding, width: int) -> None:
        super().__init__()
        column_of = embedding.column_of
        n_columns = int(column_of.max()) + 1
        members = [torch.nonzero(column_of == c).squeeze(1) for c in range(n_columns)]
        positions = nn.utils.rnn.pad_sequence(members, batch_first=True, padding_value=embedding.width)
        self.register_buffer("positions", positions, persistent=False)
        n_bins = len(embedding.source)
        bound = (embedding.width - n_bins) ** -0.5 if embedding.width > n_bins else 1.0
        weight = torch.empty(n_columns, positions.shape[1], width).uniform_(-bound, bound)
        weight[positions < n_bins] = 0.0
        self.weight = nn.Parameter(weight)

    def forward(self, embedded: Tensor) -> Tensor:
        """Return the mapped columns of embedded rows ``(n_rows, embedding.width)``."""
        padded = torch.cat([embedded, embedded.new_zeros(len(embedded), 1)], dim=1)[:, self.positions]
        return torch.bmm(padded.transpose(0, 1), self.weight).transpose(0, 1)


class TabM(nn.Module):
    """Ensemble of networks that share all hidden weights: TabM-mini with one sign per member and column.

    Each member weighs the raw columns in its own way (random signs at the start) before the first activation, and has
    its own output layer; everything between is shared.

    Parameters
    ----------
    layout, n_outputs
        Encoded input and logits per member.
    n_members
        Ensemble members.
    width, depth
        Hidden units and hidden layers.
    dropout
        Share of hidden units dropped while training.

    References
    ----------
    Gorishniy, Kotelnikov, Babenko (2025). TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling.
    ICLR. The output layer is the authors'; tying the first scaling within a column is ours, and makes the first layer
    cost less than the second.
    """

    def __init__(
        self,
        layout: Layout,
        n_outputs: int,
        *,
        n_members: int = 8,
        width: int = 128,
        depth: int = 2,
        dropout: float = 0.15,
    ) -> None:
        super().__init__()
        self.n_members = n_members
        self.embedding = TableEmbedding(layout)
        self.columns = ColumnLinear(self.embedding, width)
        n_columns = len(self.columns.positions)
        self.signs = nn.Parameter(torch.where(torch.rand(n_members, n_columns) < 0.5, -1.0, 1.0))
        self.scale = nn.Parameter(torch.ones(n_members, width))
        self.bias = nn.Parameter(torch.zeros(n_members, width))
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.dropout = nn.Dropout(dropout)
        self.output = LinearEnsemble(width, n_outputs, k=n_members)

    def forward(self, Z: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits ``(n_rows, n_members, n_outputs)``, or ``(n_rows, 1, n_outputs)`` of one member per row."""
        columns = self.map_columns(Z)
        if members is None:
            return self.of_all_members(self.signs @ columns)
        return self.of_one_member((self.signs[members, None] @ columns).squeeze(1), members)

    def map_columns(self, Z: Tensor) -> Tensor:
        """Return mapped columns, ``(n_rows, n_columns, width)``."""
        return self.columns(self.embedding(Z))

    def from_columns(self, mapped: Tensor, entries: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits of rows mixed from mapped columns; see :class:`~appkit.model.mixing.ColumnNetwork`."""
        if members is None:
            return self.of_all_members(self.signs @ functional.embedding(entries, mapped))
        h = functional.embedding_bag(entries, mapped, mode="sum", per_sample_weights=self.signs[members])
        return self.of_one_member(h, members)

    def of_all_members(self, h: Tensor) -> Tensor:
        """Return logits ``(n_rows, n_members, n_outputs)`` from weighed sums ``(n_rows, n_members, width)``."""
        return self.output(self._hidden(h, self.scale, self.bias))

    def of_one_member(self, h: Tensor, members: Tensor) -> Tensor:
        """Return logits ``(n_rows, 1, n_outputs)`` from weighed sums ``(n_rows, width)`` of one member each."""
        h = self._hidden(h, self.scale[members], self.bias[members])
        output = cast(Any, self.output)
        return (torch.einsum("nd,ndo->no", h, output.weight[members]) + output.bias[members])[:, None]

    def _hidden(self, h: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        h = self.dropout(torch.relu(h * scale + bias))
        for layer in self.layers:
            h = self.dropout(torch.relu(layer(h)))
        return h


class MLP(nn.Module):
    """Plain multilayer perceptron on the same embedding; one member."""

    def __init__(
        self, layout: Layout, n_outputs: int, *, width: int = 128, depth: int = 2, dropout: float = 0.15
    ) -> None:
        super().__init__()
        embedding = TableEmbedding(layout)
        widths = [embedding.width] + [width] * depth
        blocks: list[nn.Module] = [embedding]
        for a, b in itertools.pairwise(widths):
            blocks += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*blocks, nn.Linear(width, n_outputs))

    def forward(self, Z: Tensor) -> Tensor:
        """Return logits ``(n_rows, n_outputs)``."""
        return self.layers(Z)


class MultiNetwork(nn.Module):
    """Networks side by side as one ensemble; members are counted through.

    Parameters
    ----------
    networks
        Modules of equal member count.
    """

    def __init__(self, networks: list[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self._per_network = 0  # members of each, known after the first question

    def forward(self, Z: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits ``(n_rows, n_members, n_outputs)``, or ``(n_rows, 1, n_outputs)`` of one member per row."""
        if members is None:
            return torch.cat([_with_member_axis(network(Z)) for network in self.networks], dim=1)
        return self._forward_one(Z, members)

    def _forward_one(self, Z: Tensor, members: Tensor) -> Tensor:
        per_network = self._per_network = self._per_network or self.n_members(Z[:1]) // len(self.networks)

        def ask(i: int, rows: Tensor) -> Tensor:
            network = self.networks[i]
            return _with_member_axis(
                network(Z[rows]) if per_network == 1 else network(Z[rows], members[rows] % per_network)
            )

        return by_network(members // per_network, len(self.networks), ask)

    def n_members(self, Z: Tensor) -> int:
        """Return how many members the networks have together, asked on one encoded row."""
        return sum(_with_member_axis(network(Z)).shape[1] for network in self.networks)


def _with_member_axis(logits: Tensor) -> Tensor:
    return logits[:, None] if logits.ndim == 2 else logits
