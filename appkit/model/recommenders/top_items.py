"""The best few of many scores."""

from torch import Tensor

__all__ = ["top_items"]


def top_items(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the ``k`` highest scores of each row and their columns, best first, equal scores by column.

    Examples
    --------
    >>> import torch
    >>> best, items = top_items(torch.tensor([[0.5, 2.0, 0.5]]), 2)
    >>> items
    tensor([[1, 0]])
    """
    best, items = scores.topk(k, dim=1)
    items, order = items.sort(dim=1)
    best, again = best.gather(1, order).sort(dim=1, descending=True, stable=True)
    return best, items.gather(1, again)
