"""What a Transformer over histories minimises: the surprise at the item taken next, among all or among some."""

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from appkit.model.device import Placement

__all__ = ["sampled_softmax_loss", "softmax_loss"]

_NEVER = -1e4


def softmax_loss(states: Tensor, items: Tensor, following: Tensor, *, placement: Placement) -> Tensor:
    """Return the mean negative logarithm of the probability of what followed, all items competing.

    Parameters
    ----------
    states
        float32 ``(n, width)``.
    items
        Embeddings, float32 ``(n_items, width)``.
    following
        int64 ``(n,)``.
    placement
        Precision of the products, by far the largest of the fit.
    """
    with placement.autocast():
        logits = states @ items.T
    return cross_entropy(logits, following)


def sampled_softmax_loss(
    states: Tensor, items: Tensor, following: Tensor, *, drawn: Tensor, placement: Placement
) -> Tensor:
    """Return the loss with what followed competing with the same few items everywhere, each standing for many.

    Parameters
    ----------
    states, items, following, placement
        As in :func:`softmax_loss`.
    drawn
        Items drawn evenly, int64 ``(n_drawn,)``. The exponential of a logit counts ``n_items / n_drawn`` times, so that
        their sum is right on average; where what followed is among them it is left out.

    References
    ----------
    Jean, Cho, Memisevic and Bengio (2015), "On Using Very Large Target Vocabulary for Neural Machine Translation".

    Examples
    --------
    >>> states, items = torch.zeros(1, 2), torch.zeros(9, 2)
    >>> loss = sampled_softmax_loss(
    ...     states, items, torch.tensor([0]), drawn=torch.tensor([3, 5]), placement=Placement("cpu", "float32")
    ... )
    >>> round(float(loss.exp()))  # one and twice 9 / 2 that are equally likely
    10
    """
    with placement.autocast():
        logits = states @ items[drawn].T
    logits = logits.float() + math.log(len(items) / len(drawn))
    logits = logits.masked_fill(drawn == following[:, None], _NEVER)
    own = (states * items[following]).sum(dim=1, keepdim=True)
    return cross_entropy(torch.cat([own, logits], dim=1), torch.zeros_like(following))
