"""A causal Transformer over histories: what is advised depends on what was taken last and before it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu, scaled_dot_product_attention

from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["SequentialScorer"]

_START_SPREAD = 0.02
_START_DECAY = 0.75
_MASKED = -1e9
_MOST_LAYERS = 100  # far beyond any use; a forged file cannot ask for a billion


class SequentialScorer(ItemScorer):
    """Scores items by the state a Transformer is in after the history.

    Layers normalise their input (pre-norm). Where SASRec adds a vector per position, here each head adds to its
    attention a number learnt for each distance, which starts as a power law: what holds of an event then holds wherever
    in a history it stands, long histories can be cut anywhere, and far fewer epochs are needed. Items are scored by the
    embeddings they enter with. The padding has an embedding too: it stands for the empty history.

    Parameters
    ----------
    n_items
        Number of items.
    width
        Numbers per item; a multiple of ``n_heads``.
    n_heads, n_layers
        Attention heads per layer, and layers.
    length
        Most recent events looked at; older ones are not seen.
    dropout
        Share of the embeddings and of what a layer adds left out in training.

    Raises
    ------
    ValueError
        If a number is below 1, there are more than 100 layers, ``width`` is no multiple of ``n_heads``, or ``dropout``
        is not from 0 to below 1.

    References
    ----------
    Kang and McAuley (2018), "Self-Attentive Sequential Recommendation".
    """

    n_epochs: int = 0
    """For how long the weights were trained."""

    def __init__(
        self,
        n_items: int,
        *,
        width: int = 64,
        n_heads: int = 2,
        n_layers: int = 1,
        length: int = 50,
        dropout: float = 0.4,
    ) -> None:
        _check(width, n_heads, n_layers, length, dropout)
        super().__init__(n_items)
        self.width, self.n_heads, self.n_layers = width, n_heads, n_layers
        self.length, self.dropout = length, dropout
        self.items = nn.Embedding(n_items + 1, width)
        nn.init.normal_(self.items.weight, std=_START_SPREAD)
        self.layers = nn.ModuleList(_Layer(width, n_heads, length, dropout=dropout) for _ in range(n_layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, histories: Tensor) -> Tensor:
        """Return the scores of all items, ``(n, n_items)``."""
        return self.states(histories[:, -self.length :])[:, -1] @ self.item_vectors().T

    def states(self, histories: Tensor) -> Tensor:
        """Return the state after each place of histories of at most ``length``, ``(n, length, width)``."""
        states = dropout(self.items(histories), self.dropout, self.training)
        mask = _mask(histories == self.n_items)
        for layer in self.layers:
            states = layer(states, mask)
        return self.norm(states)

    @torch.no_grad()
    def start_from(self, vectors: Tensor) -> None:
        """Turn embeddings to these directions, ``(n_items, width)``, at their usual length; where 0, they stay."""
        own = self.item_vectors()
        own.copy_(torch.where(vectors.any(dim=1, keepdim=True), vectors * own.norm(dim=1).mean(), own))

    def config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        names = ("n_items", "width", "n_heads", "n_layers", "length", "dropout")
        return {name: getattr(self, name) for name in names}

    def item_vectors(self) -> Tensor:
        """Return the embeddings, ``(n_items, width)``."""
        return self.items.weight[: self.n_items]


class _Layer(nn.Module):
    """Attention and a small network, each before a sum with what came in."""

    def __init__(self, width: int, n_heads: int, length: int, *, dropout: float) -> None:
        super().__init__()
        self.n_heads, self.dropout = n_heads, dropout
        self.attention_norm, self.network_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.answer = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        power_law = -_START_DECAY * torch.arange(1, length + 1).float().log()
        self.nearness = nn.Parameter(power_law.repeat(n_heads, 1))  # by distance, 0 first

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the new states ``(n, length, width)``; ``mask`` is added to attention, ``(n, 1, length, length)``."""
        states = states + self._dropped(self.answer(self._attended(self.attention_norm(states), mask)))
        return states + self._dropped(self.narrow(gelu(self.widen(self.network_norm(states)))))

    def _attended(self, states: Tensor, mask: Tensor) -> Tensor:
        n, length, width = states.shape
        parts = self.asked(states).view(n, length, 3, self.n_heads, width // self.n_heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        places = torch.arange(length, device=states.device)
        distance = (places[:, None] - places).clamp(min=0)
        bias = mask + self.nearness[:, distance]
        attended = scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return attended.transpose(1, 2).reshape(n, length, width)

    def _dropped(self, states: Tensor) -> Tensor:
        return dropout(states, self.dropout, self.training)


def _mask(is_padding: Tensor) -> Tensor:
    """Return what shuts later places and padding off, ``(n, 1, length, length)``; each place may see itself."""
    length = is_padding.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool, device=is_padding.device).tril()
    itself = torch.eye(length, dtype=torch.bool, device=is_padding.device)
    is_seen = earlier & (~is_padding[:, None, None, :] | itself)
    return torch.zeros(is_seen.shape, device=is_padding.device).masked_fill_(~is_seen, _MASKED)


def _check(width: int, n_heads: int, n_layers: int, length: int, dropout: float) -> None:
    for name, count in (("width", width), ("n_heads", n_heads), ("n_layers", n_layers), ("length", length)):
        if count < 1:
            raise ValueError(f"{name} must be 1 or more, got {count!r}.")
    if n_layers > _MOST_LAYERS:
        raise ValueError(f"n_layers must be {_MOST_LAYERS} or less, got {n_layers!r}.")
    if width % n_heads:
        raise ValueError(f"width must be a multiple of n_heads={n_heads}, got {width}.")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be from 0 to below 1, got {dropout!r}.")
