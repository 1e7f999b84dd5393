"""What every recommender is underneath: a module from a user's history to a score of every item."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

__all__ = ["ItemScorer", "distinct_items"]


class ItemScorer(nn.Module):
    """A network, or a closed form, that scores every item for anyone whose history is given.

    Users have no parameters of their own: a user not seen at fit is scored like any other. ``type(self)(**config())``
    builds one of the same shape, whose weights and buffers ``load_state_dict`` fills in.

    Parameters
    ----------
    n_items
        Items are numbered from 0; ``n_items`` itself is the padding.
    """

    is_additive: ClassVar[bool] = False
    """Whether a score is a constant of the item plus a sum over the distinct items of the history."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.n_items = n_items

    @abstractmethod
    def forward(self, histories: Tensor) -> Tensor:
        """Return the scores of all items, float32 ``(n, n_items)``, finite.

        ``histories`` is int64 ``(n, length)``, oldest first, padded on the left; items may repeat, and a row may be all
        padding. The scores are the caller's to write in.
        """

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what the constructor takes, as JSON values."""

    @abstractmethod
    def item_vectors(self) -> Tensor:
        """Return one vector for each item, ``(n_items, width)``, whose cosine says how alike two items are."""

    def contributions(self, histories: Tensor, items: Tensor) -> Tensor:
        """Return what each place of a history adds to the score of an item, ``(n, length)``; additive scorers only.

        Of an item that comes twice the last place has all of it; padding has 0.
        """
        raise NotImplementedError(f"{type(self).__name__} does not add up over the history: sample coalitions instead.")


def distinct_items(histories: Tensor, *, pad: int) -> Tensor:
    """Return histories with every item but its last occurrence replaced by padding, in place of what was there.

    Examples
    --------
    >>> distinct_items(torch.tensor([[9, 4, 2, 4]]), pad=9)
    tensor([[9, 9, 2, 4]])
    """
    ordered, places = histories.sort(dim=1, stable=True)
    is_last = torch.ones_like(ordered, dtype=torch.bool)
    is_last[:, :-1] = ordered[:, :-1] != ordered[:, 1:]
    kept = torch.empty_like(is_last).scatter_(1, places, is_last)
    return histories.masked_fill(~kept, pad)
