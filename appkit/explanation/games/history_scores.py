"""Ask a recommender about histories with holes: for scores, or for the margin of an item over another."""

from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from appkit.explanation.games.tensor import Network, TensorGame
from appkit.model.evaluating import evaluating

__all__ = ["HistoryGame", "ShortenedHistories"]


class ShortenedHistories(nn.Module):
    """Asks about histories with holes as if what is missing never happened.

    Parameters
    ----------
    score
        Takes int64 item ids ``(n, length)``, padded on the left.
    pad
        Id that stands for no item.
    length
        Ids per row that ``score`` is asked with, the most recent ones.
    """

    def __init__(self, score: Network, *, pad: int, length: int) -> None:
        super().__init__()
        self.score = score
        self.pad = pad
        self.length = length

    def forward(self, ids: Tensor) -> Tensor:
        """Return the scores of int64 ``(n, n_ids)``, padding anywhere among the ids."""
        happened = ids != self.pad
        in_order = happened.byte().argsort(dim=1, stable=True)  # padding first, the rest in its order
        ids = ids.gather(1, in_order)[:, -self.length :]
        return self.score(F.pad(ids, (self.length - ids.shape[1], 0), value=self.pad))


class HistoryGame(TensorGame):
    """A game of histories; see :func:`~appkit.explanation.games.history.history_game`.

    Parameters
    ----------
    network
        Answers histories with holes.
    against
        int64 ``(n_rows, n_outputs)``: position of the output subtracted from each; ``None`` subtracts nothing.
    is_of_items
        Whether each player is all places of one item.
    args, options
        As in :class:`~appkit.explanation.games.tensor.TensorGame`.
    """

    def __init__(
        self, network: ShortenedHistories, *args: Any, against: np.ndarray | None, is_of_items: bool, **options: Any
    ) -> None:
        super().__init__(network, *args, **options)
        self._against: Tensor | None = None
        self._is_of_items = is_of_items
        if against is not None:
            self._against = torch.as_tensor(against.astype(np.int64), device=self.device)
            self._last_chosen = max(self._last_chosen, int(against.max()))

    def with_network(self, network: Network) -> Self:
        """Return the same game of another network, which is asked about shortened histories as this one is."""
        own = self._shortened
        wrapped = ShortenedHistories(network, pad=own.pad, length=own.length)
        return super().with_network(network if isinstance(network, ShortenedHistories) else wrapped)

    @property
    def is_additive(self) -> bool:
        """Whether every output is a constant plus a sum over the players, which :meth:`contributions` returns."""
        reads_all = self._shortened.length >= self._rows.shape[1]
        return self._is_of_items and reads_all and bool(getattr(self._shortened.score, "is_additive", False))

    @torch.no_grad()
    def contributions(self) -> Tensor:
        """Return what each player adds to each output, float64 ``(n_rows, n_players, n_outputs)``."""
        with evaluating(self.network):
            added = self._added_to(self._chosen)
            return added if self._against is None else added - self._added_to(self._against)

    def ask(self, elements: Tensor, rows: Tensor, members: Tensor | None = None) -> Tensor:
        """Return the chosen outputs, or their margins over others, ``(n, n_outputs)``."""
        if self._against is None or self._chosen is None:
            return super().ask(elements, rows, members)
        answer = self.network(elements)
        self._check_answer(answer, n_rows=len(elements))
        chosen, against = (_of_rows(which, rows) for which in (self._chosen, self._against))
        return answer.gather(1, chosen).double() - answer.gather(1, against).double()

    @property
    def _shortened(self) -> ShortenedHistories:
        assert isinstance(self.network, ShortenedHistories)
        return self.network

    def _added_to(self, outputs: Tensor | None) -> Tensor:
        """Return what each player adds to its row's ``outputs``, int64 ``(1 or n_rows, n_outputs)``."""
        if outputs is None:
            outputs = torch.arange(len(self.output_names), device=self.device)[None]
        score: Any = self._shortened.score
        added = [
            self.player_sums(score.contributions(self._rows, column.expand(self.n_rows)).double())
            for column in outputs.T
        ]
        self.n_evaluations += len(added) * self.n_rows
        return torch.stack(added, dim=2)


def _of_rows(which: Tensor, rows: Tensor) -> Tensor:
    return which[rows] if len(which) > 1 else which.expand(len(rows), -1)
