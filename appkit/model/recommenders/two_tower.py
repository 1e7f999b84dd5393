"""Two towers, one for users and one for items: features stand in where there are no events yet."""

from typing import Any

import torch
from torch import Tensor, nn

from appkit.model.recommenders.scorer import ItemScorer, distinct_items

__all__ = ["TwoTowerScorer"]


class TwoTowerScorer(ItemScorer):
    """Scores an item by the cosine between its vector and the user's, and a constant of the item.

    An item's vector is what its features say plus what was learnt of the item itself; the latter is 0 for items without
    events. A user's vector is the mean over the history plus what the user's features say.

    Parameters
    ----------
    n_items
        Number of items.
    n_item_features, n_user_features
        Widths of the encoded features, 0 for none.
    n_factors, n_hidden
        Widths of the vectors and of the hidden layers.
    temperature
        What cosines are divided by.
    dropout
        Share of the hidden units and of the user's vector left out in training.

    References
    ----------
    Yi et al. (2019), "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations".
    """

    item_features: Tensor
    has_events: Tensor

    def __init__(
        self,
        n_items: int,
        *,
        n_item_features: int = 0,
        n_user_features: int = 0,
        n_factors: int = 64,
        n_hidden: int = 128,
        temperature: float = 0.1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(n_items)
        self.n_item_features, self.n_user_features = n_item_features, n_user_features
        self.n_factors, self.n_hidden = n_factors, n_hidden
        self.temperature, self.dropout = temperature, dropout
        self.n_epochs = 0
        """Epochs of training; known after a fit, not after loading."""
        self.register_buffer("item_features", torch.zeros(n_items, n_item_features))
        self.register_buffer("has_events", torch.zeros(n_items))
        self.own = nn.Embedding(n_items, n_factors + 1)
        nn.init.normal_(self.own.weight, std=n_factors**-0.5)
        self.item_tower = self._tower(n_item_features, n_factors + 1)
        self.user_tower = self._tower(n_user_features, n_factors)
        self.taste = self._tower(n_factors, n_factors)

    def forward(self, histories: Tensor, user_features: Tensor | None = None) -> Tensor:
        """Return the scores of all items, ``(n, n_items)``.

        ``user_features`` is float32 ``(n, n_user_features)``; without it users are known by their histories alone.
        Someone with neither is advised the items with the highest constants.
        """
        items = self.encoded(torch.arange(self.n_items, device=histories.device))
        users = self.user_vectors(distinct_items(histories, pad=self.n_items), items, user_features)
        return self.scores(users, items)

    def encode_items(self, features: Tensor) -> Tensor:
        """Return items never seen in training, known by their features alone, ``(n, n_factors + 1)``.

        The vector, of length 1, comes first and the constant last: what :meth:`scores` takes.
        """
        if not self.n_item_features:
            raise ValueError("encode_items needs a scorer fitted with item_features, this one has none.")
        return self._normalised(self.item_tower(features))

    def user_vectors(self, histories: Tensor, items: Tensor, user_features: Tensor | None = None) -> Tensor:
        """Return the vectors of users, ``(n, n_factors)``; ``histories`` hold rows of ``items``, or their number."""
        pad = len(items)
        table = torch.cat([items[:, :-1], items.new_zeros(1, self.n_factors)])
        mean = nn.functional.embedding_bag(histories, table, mode="mean", padding_idx=pad)
        has_history = (histories != pad).any(dim=1, keepdim=True)
        vectors = mean + self.taste(mean) * has_history
        if user_features is not None and self.n_user_features:
            vectors = vectors + self.user_tower(user_features)
        return nn.functional.normalize(nn.functional.dropout(vectors, self.dropout, self.training), dim=1)

    def scores(self, users: Tensor, items: Tensor) -> Tensor:
        """Return the scores of encoded items for users, ``(n_users, n)``."""
        return users @ items[:, :-1].T / self.temperature + items[:, -1]

    def config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        names = ("n_items", "n_item_features", "n_user_features", "n_factors", "n_hidden", "temperature", "dropout")
        return {name: getattr(self, name) for name in names}

    def item_vectors(self) -> Tensor:
        """Return the vectors of the items, ``(n_items, n_factors)``."""
        return self.encoded(torch.arange(self.n_items, device=self.has_events.device))[:, :-1]

    def encoded(self, ids: Tensor, is_known: Tensor | None = None) -> Tensor:
        """Return items by id, ``(n, n_factors + 1)``; where ``is_known``, one each, is 0, features alone must do."""
        known = self.has_events[ids] if is_known is None else is_known
        encoded = self.own(ids) * known[:, None]
        if self.n_item_features:
            encoded = encoded + self.item_tower(self.item_features[ids])
        return self._normalised(encoded)

    def _normalised(self, encoded: Tensor) -> Tensor:
        return torch.cat([nn.functional.normalize(encoded[:, :-1], dim=1), encoded[:, -1:]], dim=1)

    def _tower(self, n_inputs: int, n_outputs: int) -> nn.Module:
        if not n_inputs:
            return nn.Identity()
        return nn.Sequential(
            nn.Linear(n_inputs, self.n_hidden),
            nn.GELU(),
            nn.Dropout(self.dropout),
            nn.Linear(self.n_hidden, n_outputs),
        )
