"""What comes next, in closed form: one ridge regression from the events around each event, near ones counting most."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from appkit.data.interactions import Interactions
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["TransitionScorer", "fit_transition"]

_LONGEST_PIECE = 512  # events: the work of a history grows with the square of its length


class TransitionScorer(ItemScorer):
    r"""Scores an item by the sum over the history of its weight for that item, older events counting less.

    The event ``k`` places from the end counts :math:`k^{-decay}`. An item taken twice counts twice. When an event is
    taken out, older ones move up and count more: a removal is not one summand less, so the scorer is not additive.

    Parameters
    ----------
    n_items
        Number of items.
    decay
        How fast older events lose weight, 0 for not at all.
    """

    item_weights: Tensor

    def __init__(self, n_items: int, *, decay: float) -> None:
        super().__init__(n_items)
        self.decay = decay
        self.register_buffer("item_weights", torch.zeros(n_items, n_items))  # row: taken, column: advised

    def forward(self, histories: Tensor) -> Tensor:
        """Return the scores of all items, ``(n, n_items)``; without a history they are 0."""
        is_item = histories != self.n_items
        counts = is_item.sum(dim=1)
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(dim=0)[:-1]])
        return torch.nn.functional.embedding_bag(
            histories[is_item],
            self.item_weights,
            starts,
            mode="sum",
            per_sample_weights=self._weights(is_item)[is_item],
        )

    def config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {"n_items": self.n_items, "decay": self.decay}

    def item_vectors(self) -> Tensor:
        """Return what each item makes likely next, ``(n_items, n_items)``."""
        return self.item_weights

    def _weights(self, is_item: Tensor) -> Tensor:
        """Return the weight of each place by how many events follow it, 0 for padding."""
        places = is_item.flip(1).cumsum(dim=1).flip(1)
        return places.clamp(min=1).to(self.item_weights.dtype).pow(-self.decay) * is_item


def fit_transition(
    data: Interactions,
    *,
    penalty: float = 4.0,
    decay: float = 0.75,
    backward: float = 0.4,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> TransitionScorer:
    r"""Return the ridge regression of every event on the events around it.

    For event :math:`t` of a user let :math:`x_t = \sum_k k^{-a} (e_{i_{t-k}} + b\, e_{i_{t+k}})`, what came before and,
    counting :math:`b` as much, what came after. The weights minimise :math:`\sum_t |e_{i_t} - x_t B|^2 + \lambda
    |B|^2`. Without decay and with :math:`b = 1` that is a linear autoencoder of which each item is left out in turn
    (EASE rather forbids it to answer for itself); with :math:`b = 0` a session model. What came after helps because few
    items have many events, and being near says much whatever the order.

    Time is cubic and memory quadratic in the number of items.

    Parameters
    ----------
    data
        Events in order of time.
    penalty
        The :math:`\lambda`, above 0, in units of the mean of the diagonal of :math:`\sum_t x_t' x_t`: sparse and dense
        data then ask for about the same.
    decay
        The :math:`a`, 0 or more.
    backward
        The :math:`b`, from 0 to 1.
    device, dtype
        Where and how precisely to solve; the scorer stays there, in float32.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    References
    ----------
    Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data"; Choi, Kim, Lee, Shim and Lee (2021),
    "Session-aware Linear Item-Item Models for Session-based Recommendation".

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 1, 2, 2, 2], "item": ["tea", "cup", "saw", "tea", "cup", "nail"]})
    >>> scorer = fit_transition(read_interactions(X), penalty=1.0, backward=0.0)
    >>> scorer(torch.tensor([[3]])).round(decimals=2)  # after tea: cup, nail, saw, tea
    tensor([[0.5800, 0.0600, 0.0600, 0.0000]])
    """
    _check(penalty, decay, backward)
    gram, cross = _moments(data, decay=decay, backward=backward)
    lhs = torch.from_numpy(gram).to(device, dtype)
    lhs.diagonal().add_(penalty * (float(lhs.diagonal().mean()) or 1.0))  # 0 where no user has two events
    factor = torch.linalg.cholesky(lhs)
    del lhs, gram
    scorer = TransitionScorer(data.n_items, decay=decay)
    solved = torch.cholesky_solve(torch.from_numpy(cross).to(device, dtype), factor).float()
    scorer.item_weights = solved.contiguous()  # row by row, as it is once loaded: sums are then equal to the last bit
    return scorer.eval()


def _moments(data: Interactions, *, decay: float, backward: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of ``x x'`` and of ``x e'`` over all events, float32 ``(n_items, n_items)`` each."""
    gram = np.zeros((data.n_items, data.n_items), dtype=np.float32)
    cross = np.zeros_like(gram)
    lags = np.arange(_LONGEST_PIECE)
    near = _nearness(lags[:, None] - lags, decay=decay, backward=backward)
    for items in _pieces(data):
        distinct, places = np.unique(items, return_inverse=True)
        is_of = np.zeros((len(items), len(distinct)), dtype=np.float32)
        is_of[np.arange(len(items)), places] = 1.0
        x = near[: len(items), : len(items)] @ is_of
        block = np.ix_(distinct, distinct)
        gram[block] += x.T @ x
        cross[block] += x.T @ is_of
    return gram, cross


def _nearness(lag: np.ndarray, *, decay: float, backward: float) -> np.ndarray:
    """Return the weight of an event so many places before (above 0) or after another, float32; 0 of itself."""
    weights = np.abs(lag).clip(1).astype(np.float32) ** -decay
    return weights * np.where(lag > 0, 1.0, np.where(lag < 0, backward, 0.0)).astype(np.float32)


def _pieces(data: Interactions) -> Iterator[np.ndarray]:
    """Yield the histories of two events or more, very long ones cut."""
    for history in np.split(data.item, data.offsets[1:-1]):
        for start in range(0, len(history), _LONGEST_PIECE):
            piece = history[start : start + _LONGEST_PIECE]
            if len(piece) > 1:
                yield piece


def _check(penalty: float, decay: float, backward: float) -> None:
    if not penalty > 0:
        raise ValueError(f"penalty must be above 0, got {penalty!r}. Try 4.")
    if not decay >= 0:
        raise ValueError(f"decay must be 0 or more, got {decay!r}. Try 0.75.")
    if not 0 <= backward <= 1:
        raise ValueError(f"backward must be from 0 to 1, got {backward!r}.")
