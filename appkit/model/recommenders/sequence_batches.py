"""Cut histories into pieces a Transformer learns from, and put pieces of like length into one batch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.data.interactions import Interactions

__all__ = ["SequenceBatch", "sequence_batches"]

_LENGTH_NOISE = 0.1  # pieces meet others of about their length, not the same ones in each epoch


@dataclass(frozen=True, eq=False)
class SequenceBatch:
    """What was taken and what was taken next, place by place.

    Parameters
    ----------
    histories
        int64 ``(n, length)``, padded on the left with the number of items; the empty history is one padding.
    following
        int64 ``(n, length)``: the item after each place.
    is_learnt
        bool ``(n, length)``: places that are followed by an item.
    """

    histories: Tensor
    following: Tensor
    is_learnt: Tensor

    def to(self, device: torch.device | str) -> "SequenceBatch":
        """Return the batch on a device."""
        return SequenceBatch(self.histories.to(device), self.following.to(device), self.is_learnt.to(device))


def sequence_batches(
    data: Interactions, *, length: int, n_events: int, rng: np.random.Generator
) -> Iterator[SequenceBatch]:
    """Yield all events of all users once, each after at most ``length`` of those before it.

    Histories longer than that are cut at places that differ from call to call; the first event of a piece follows the
    last of the piece before it, the first event of a user the empty history.

    Parameters
    ----------
    data
        Events in order.
    length
        Longest piece.
    n_events
        Places of a batch at most, padding included; a longer piece is a batch of its own.
    rng
        Cuts pieces and shuffles batches.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> data = read_interactions(pd.DataFrame({"user": [1, 1, 1], "item": ["a", "b", "c"]}))
    >>> batch, = sequence_batches(data, length=5, n_events=100, rng=np.random.default_rng(0))
    >>> batch.histories, batch.following
    (tensor([[3, 0, 1]]), tensor([[0, 1, 2]]))
    """
    starts, ends = _pieces(data.offsets, length=length, rng=rng)
    lengths = ends - starts
    order = np.argsort(lengths * (1 + _LENGTH_NOISE * rng.random(len(lengths))), kind="stable")
    before = np.concatenate([[data.n_items], data.item[:-1]])  # what each event follows
    before[data.offsets[:-1][np.diff(data.offsets) > 0]] = data.n_items
    groups = _groups(lengths[order], n_events)
    for group in rng.permutation(len(groups)):
        rows = order[groups[group]]
        width = int(lengths[rows].max())
        places = ends[rows, None] - np.arange(width, 0, -1)
        is_learnt = np.arange(width, 0, -1) <= lengths[rows, None]
        yield SequenceBatch(
            torch.from_numpy(np.where(is_learnt, before[places], data.n_items)),
            torch.from_numpy(data.item[places]),
            torch.from_numpy(is_learnt),
        )


def _pieces(offsets: np.ndarray, *, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return where pieces of at most ``length`` events start and end, int64 ``(n_pieces,)``, those of a user in order.

    The first piece of a longer history is of random length, at least half of what is left over if all others are whole.
    """
    counts = np.diff(offsets)
    first = np.where(counts > length, rng.integers((length + 1) // 2, length + 1, size=len(counts)), counts)
    n_pieces = np.where(counts > 0, 1 + -(-(counts - first) // length), 0)
    user = np.repeat(np.arange(len(counts)), n_pieces)
    place = np.arange(len(user)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
    starts = offsets[user] + np.where(place > 0, first[user] + (place - 1) * length, 0)
    ends = np.minimum(offsets[user] + first[user] + place * length, offsets[user + 1])
    return starts, ends


def _groups(lengths: np.ndarray, n_events: int) -> list[slice]:
    """Return runs of pieces that, padded to the longest, have no more than ``n_events`` places."""
    groups, start, widest = [], 0, 0
    for place, length in enumerate(lengths.tolist()):
        widest = max(widest, length)
        if place > start and (place + 1 - start) * widest > n_events:
            groups.append(slice(start, place))
            start, widest = place, length
    return [*groups, slice(start, len(lengths))]
