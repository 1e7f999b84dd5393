"""Ask a network about rows put together, column by column, from rows it has seen: the first layer is looked up.

Explanations ask about thousands of mixtures of few rows. A network that maps each raw column on its own has then only
as many different columns to map as there are rows; every mixture is a sum of mapped columns.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, cast

import torch
from torch import Tensor, nn

__all__ = ["ColumnNetwork", "RowMixer", "by_network"]

_ROWS_AT_ONCE = 256  # always whole: kernels round the rows of a ragged batch differently
_ROUNDING_BLOCK = 64


class ColumnNetwork(Protocol):
    """A network whose first layer maps each raw column on its own."""

    n_members: int

    def map_columns(self, Z: Tensor) -> Tensor:
        """Return mapped columns, ``(n_rows, n_columns, width)``, of encoded rows."""

    def from_columns(self, mapped: Tensor, entries: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits of mixed rows, ``(n_rows, n_members, n_outputs)``; with ``members``, one member per row.

        ``mapped`` is ``(n_entries, width)``, ``entries`` int64 ``(n_rows, n_columns)``: where each column's map lies.
        """


class RowMixer:
    """Known rows, mapped once, and the networks that answer about their mixtures.

    Parameters
    ----------
    networks
        Members are counted through.
    Z
        Encoded rows that mixtures are taken from, ``(n_rows, width)``.
    """

    def __init__(self, networks: Sequence[nn.Module], Z: Tensor) -> None:
        self._networks = [cast(ColumnNetwork, network) for network in networks]
        with torch.no_grad():
            self._mapped = [_mapped(network, Z) for network in self._networks]
        self._n_columns = [mapped.shape[1] for mapped in self._mapped]

    @staticmethod
    def n_numbers(networks: Sequence[nn.Module], Z: Tensor) -> int | None:
        """Return how many numbers per row the maps would keep; ``None`` if a network cannot map columns."""
        if not all(hasattr(network, "map_columns") for network in networks):
            return None
        with torch.no_grad():
            return sum(cast(ColumnNetwork, network).map_columns(Z[:1]).numel() for network in networks)

    def logits(self, sources: Tensor, members: Tensor | None = None) -> Tensor:
        """Return logits ``(n_rows, n_members, n_outputs)``, or ``(n_rows, 1, n_outputs)`` of one member per row.

        Parameters
        ----------
        sources
            int64 ``(n_rows, n_columns)``: the known row each raw column is taken from.
        members
            int64 ``(n_rows,)``; ``None`` asks all.
        """
        if members is None:
            return torch.cat([self._one(i, sources, None) for i in range(len(self._networks))], dim=1)
        per_network = self._networks[0].n_members
        return by_network(
            members // per_network,
            len(self._networks),
            lambda i, asked: self._one(i, sources[asked], members[asked] % per_network),
        )

    def _one(self, i: int, sources: Tensor, members: Tensor | None) -> Tensor:
        n_columns = self._n_columns[i]
        entries = sources[:, :n_columns] * n_columns + torch.arange(n_columns, device=sources.device)
        return self._networks[i].from_columns(self._mapped[i].flatten(0, 1), entries, members)


def by_network(network: Tensor, n_networks: int, ask: Callable[[int, Tensor], Tensor]) -> Tensor:
    """Return what each row's own network says, ``(n_rows, 1, n_outputs)``.

    Rows are handed over in multiples of 64, the first of them repeated: kernels round by how many there are.

    Parameters
    ----------
    network
        int64 ``(n_rows,)``: which network each row asks.
    n_networks
        How many there are.
    ask
        From a network's position and the rows that ask it, int64 ``(n,)``, to answers ``(n, 1, n_outputs)``.
    """
    answers: Tensor | None = None
    for i in range(n_networks):
        chosen = torch.nonzero(network == i).squeeze(1)
        if not len(chosen):
            continue
        answer = ask(i, torch.cat([chosen, chosen[:1].expand(-len(chosen) % _ROUNDING_BLOCK)]))[: len(chosen)]
        answers = answer.new_empty(len(network), *answer.shape[1:]) if answers is None else answers
        answers[chosen] = answer
    if answers is None:
        raise ValueError("by_network needs one row at least, got none.")
    return answers


def _mapped(network: ColumnNetwork, Z: Tensor) -> Tensor:
    short = -len(Z) % _ROWS_AT_ONCE
    padded = torch.cat([Z, Z[:1].expand(short, -1)])
    return torch.cat([network.map_columns(part) for part in padded.split(_ROWS_AT_ONCE)])[: len(Z)].float().contiguous()
