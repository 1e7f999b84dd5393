"""The same advice to everybody: what sells most, of all times or lately."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from appkit.data.interactions import Interactions
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["PopularityScorer", "fit_popularity", "fit_recency"]


class PopularityScorer(ItemScorer):
    """Scores each item alike for everyone.

    Parameters
    ----------
    n_items
        Number of items.
    """

    is_additive = True
    popularity: Tensor

    def __init__(self, n_items: int) -> None:
        super().__init__(n_items)
        self.register_buffer("popularity", torch.zeros(n_items))

    def forward(self, histories: Tensor) -> Tensor:
        """Return the popularity of all items for each history, ``(n, n_items)``."""
        return self.popularity.repeat(len(histories), 1)

    def config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {"n_items": self.n_items}

    def item_vectors(self) -> Tensor:
        """Return the popularity of each item, ``(n_items, 1)``: all items are alike."""
        return self.popularity[:, None]

    def contributions(self, histories: Tensor, items: Tensor) -> Tensor:
        """Return zeros ``(n, length)``: no purchase moves a score."""
        return torch.zeros(histories.shape, device=self.popularity.device)


def fit_popularity(data: Interactions) -> PopularityScorer:
    """Return a scorer by the share of users who ever took an item.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 2, 2, 3], "item": ["tea", "tea", "cup", "tea"]})
    >>> fit_popularity(read_interactions(X)).popularity
    tensor([0.3333, 1.0000])
    """
    takers = np.diff(data.matrix().tocsc().indptr)
    return _scorer(takers / max(len(np.unique(data.user)), 1))


def fit_recency(data: Interactions, *, half_life: float | None = None) -> PopularityScorer:
    """Return a scorer by how often an item was taken lately: an event counts half after each ``half_life``.

    Parameters
    ----------
    data
        Events with times.
    half_life
        In units of ``data.time`` (days, where it is dated); ``None`` means a twentieth of the time the data span.

    Raises
    ------
    ValueError
        If the events have no times, or the half-life is not above 0.
    """
    if data.time is None:
        raise ValueError("recency needs times. Pass time=, or use popularity.")
    if half_life is not None and not half_life > 0:
        raise ValueError(f"half_life must be above 0 or None, got {half_life!r}.")
    age = data.time.max() - data.time
    half_life = max(age.max() / 20, 1e-12) if half_life is None else half_life
    return _scorer(np.bincount(data.item, weights=0.5 ** (age / half_life), minlength=data.n_items))


def _scorer(popularity: np.ndarray) -> PopularityScorer:
    scorer = PopularityScorer(len(popularity))
    scorer.popularity.copy_(torch.from_numpy(popularity))
    return scorer
