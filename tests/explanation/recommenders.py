"""Recommenders small enough to know the answer."""

import numpy as np
import torch

from appkit.data.ids import Ids
from appkit.model.recommenders.scorer import ItemScorer, distinct_items


class Linear(ItemScorer):
    """A constant of each item and one row of weights for each distinct item of the history."""

    is_additive = True

    def __init__(self, weights, base=0.0):
        super().__init__(weights.shape[1])
        self.register_buffer("weights", torch.as_tensor(np.vstack([weights, np.zeros(weights.shape[1])])).float())
        self.register_buffer("base", torch.as_tensor(base).float().expand(weights.shape[1]))

    def forward(self, histories):
        return self.base + self.weights[distinct_items(histories, pad=self.n_items)].sum(1)

    def contributions(self, histories, items):
        return self.weights[distinct_items(histories, pad=self.n_items), items[:, None]]

    def config(self):
        return {}

    def item_vectors(self):
        return self.weights[:-1]


class Saturating(Linear):
    """Says less of every further item, more of later ones, and counts repeats: nothing adds up."""

    is_additive = False

    def forward(self, histories):
        later = 0.95 ** torch.arange(histories.shape[1] - 1.0, -1.0, -1.0)
        return torch.tanh(self.base + (self.weights[histories] * later[:, None]).sum(1))


class Shop:
    """A fitted recommender, as explanations see it."""

    user, item = "customer", "article"

    def __init__(self, scorer, histories, *, names=None, filter_seen=True):
        self.users_ = Ids.of(list(histories))
        n_items = scorer.n_items
        self.items_ = Ids.of([f"i{code:03d}" for code in range(n_items)])
        self.item_names_ = names
        self.filter_seen = filter_seen
        self._scorer = scorer.eval()
        self._histories = {user: np.array(history, dtype=np.int64) for user, history in histories.items()}

    def item_scorer(self):
        return self._scorer

    def histories(self, users):
        return [self._histories.get(user, np.empty(0, dtype=np.int64)) for user in users]


def weights_of(n_items, *, seed=0):
    """Return item-to-item weights with nothing on the diagonal, as a closed-form model has them."""
    weights = np.random.default_rng(seed).normal(size=(n_items, n_items))
    np.fill_diagonal(weights, 0.0)
    return weights


def histories_of(n_users, n_items, *, longest=7, seed=0):
    """Return histories of different length, some with an item bought again."""
    rng = np.random.default_rng(seed)
    return {f"u{user}": rng.integers(0, n_items, rng.integers(2, longest + 1)).tolist() for user in range(n_users)}


def linear_shop(n_users=5, n_items=20, *, seed=0, **options):
    scorer = Linear(weights_of(n_items, seed=seed), np.linspace(0, 1, n_items))
    return Shop(scorer, histories_of(n_users, n_items, seed=seed), **options)


def saturating_shop(n_users=5, n_items=20, *, seed=0, longest=7, **options):
    scorer = Saturating(0.3 * weights_of(n_items, seed=seed), np.linspace(0, 0.3, n_items))
    return Shop(scorer, histories_of(n_users, n_items, seed=seed, longest=longest), **options)
