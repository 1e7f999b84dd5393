"""Networks for tables: an encoded matrix in, one logit per member and output out."""

import itertools
from collections.abc import Callable
from typing import Any, cast

import torch
from tabm import LinearBatchEnsemble, LinearEnsemble
from torch import Tensor, nn

from appkit.data.table_encoder import Layout

__all__ = ["MLP", "MultiNetwork", "NetworkFactory", "TabM", "TableEmbedding"]

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


class TabM(nn.Module):
    """Parameter-efficient ensemble: members share every weight matrix and scale its input and output.

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
    ICLR. The layers are the authors'.
    """

    def __init__(
        self,
        layout: Layout,
        n_outputs: int,
        *,
        n_members: int = 16,
        width: int = 256,
        depth: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.n_members = n_members
        self.embedding = TableEmbedding(layout)
        widths = [self.embedding.width] + [width] * depth
        # Random signs on the very first scaling alone set the members apart; all others start as identity.
        self.layers = nn.ModuleList(
            LinearBatchEnsemble(a, b, k=n_members, scaling_init=("random-signs" if i == 0 else "ones", "ones"))
            for i, (a, b) in enumerate(itertools.pairwise(widths))
        )
        self.dropout = nn.Dropout(dropout)
        self.output = LinearEnsemble(width, n_outputs, k=n_members)

    def forward(self, Z: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits ``(n_rows, n_members, n_outputs)``, or ``(n_rows, 1, n_outputs)`` of one member per row."""
        h = self.embedding(Z)
        if members is not None:
            return self._forward_one(h, members)
        h = h[:, None].expand(-1, self.n_members, -1)
        for layer in self.layers:
            h = self.dropout(torch.relu(layer(h)))
        return self.output(h)

    def _forward_one(self, h: Tensor, members: Tensor) -> Tensor:
        for module in self.layers:
            layer = cast(Any, module)
            h = (h * layer.r[members]) @ layer.weight.T * layer.s[members] + layer.bias[members]
            h = self.dropout(torch.relu(h))
        output = cast(Any, self.output)
        return (torch.einsum("nd,ndo->no", h, output.weight[members]) + output.bias[members])[:, None]


class MLP(nn.Module):
    """Plain multilayer perceptron on the same embedding; one member."""

    def __init__(
        self, layout: Layout, n_outputs: int, *, width: int = 256, depth: int = 2, dropout: float = 0.1
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

    def forward(self, Z: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits ``(n_rows, n_members, n_outputs)``, or ``(n_rows, 1, n_outputs)`` of one member per row."""
        if members is None:
            return torch.cat([_with_member_axis(network(Z)) for network in self.networks], dim=1)
        return self._forward_one(Z, members)

    def _forward_one(self, Z: Tensor, members: Tensor) -> Tensor:
        per_network = self.n_members(Z[:1]) // len(self.networks)
        logits: Tensor | None = None
        for index, network in enumerate(self.networks):
            chosen = torch.nonzero(members // per_network == index).squeeze(1)
            inner = network(Z[chosen]) if per_network == 1 else network(Z[chosen], members[chosen] % per_network)
            inner = _with_member_axis(inner)
            logits = inner.new_empty(len(Z), 1, inner.shape[-1]) if logits is None else logits
            logits[chosen] = inner
        assert logits is not None
        return logits

    def n_members(self, Z: Tensor) -> int:
        """Return how many members the networks have together, asked on one encoded row."""
        return sum(_with_member_axis(network(Z)).shape[1] for network in self.networks)


def _with_member_axis(logits: Tensor) -> Tensor:
    return logits[:, None] if logits.ndim == 2 else logits
