import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders import local_ease
from appkit.model.recommenders.ease import fit_ease
from appkit.model.recommenders.local_ease import fit_local_ease, local_ease_weights

SETTINGS = {"penalty": 1.5, "relative_penalty": 0.3, "user_exponent": 0.5}


def purchases(*, n_users: int = 90, n_items: int = 18, seed: int = 0) -> Interactions:
    """Users of three tastes; one to eight items each."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        odds = np.where(np.arange(n_items) % 3 == user % 3, 1.0, 0.1)
        chosen = rng.choice(n_items, size=rng.integers(1, 9), replace=False, p=odds / odds.sum())
        rows += [(user, item) for item in chosen]
    return read_interactions(pd.DataFrame(rows, columns=["user", "item"]))


def chosen_by_hand(taken: np.ndarray, n: int) -> np.ndarray:
    """Return bool (n_items, n_items): column by column the ``n`` items with most weighted users in common."""
    weighted = taken * taken.sum(axis=1, keepdims=True) ** -SETTINGS["user_exponent"]
    together = weighted.T @ taken
    likeness = together / np.sqrt(together.diagonal())[:, None]
    np.fill_diagonal(likeness, -1)
    chosen = np.zeros(likeness.shape, dtype=bool)
    np.put_along_axis(chosen, np.argsort(-likeness, axis=0)[:n], True, axis=0)
    return chosen & (likeness > 0)


def test_with_all_neighbours_it_is_ease():
    weights = local_ease_weights(purchases(), n_neighbours=17, **SETTINGS).toarray()
    np.testing.assert_allclose(weights, fit_ease(purchases(), **SETTINGS).weights, atol=1e-5)


def test_each_item_is_regressed_on_its_nearest_alone():
    data = purchases()
    taken = data.matrix().toarray().astype(np.float64)
    importance = taken.sum(axis=1) ** -SETTINGS["user_exponent"]
    expected = np.zeros((18, 18))
    for item, chosen in enumerate(chosen_by_hand(taken, 4).T):
        gram = taken[:, chosen].T @ (importance[:, None] * taken[:, chosen])
        ridge = gram + np.diag(SETTINGS["penalty"] + SETTINGS["relative_penalty"] * gram.diagonal())
        expected[chosen, item] = np.linalg.solve(ridge, taken[:, chosen].T @ (importance * taken[:, item]))
    weights = local_ease_weights(data, n_neighbours=4, **SETTINGS).toarray()
    np.testing.assert_allclose(weights, expected, atol=1e-5)


def test_the_size_of_a_piece_does_not_count(monkeypatch):
    whole = local_ease_weights(purchases(), n_neighbours=5, **SETTINGS)
    monkeypatch.setattr(local_ease, "_CELLS_AT_ONCE", 60)
    pieces = local_ease_weights(purchases(), n_neighbours=5, **SETTINGS)
    np.testing.assert_allclose(pieces.toarray(), whole.toarray(), atol=1e-6)


def test_an_item_nobody_shares_has_no_neighbours():
    X = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["cup", "tea", "cup", "tea", "saw"]})
    weights = local_ease_weights(read_interactions(X), n_neighbours=2, **SETTINGS).toarray()
    assert not weights[1].any()
    assert not weights[:, 1].any()
    assert weights[0, 2] > 0


def test_one_item_alone_fits():
    data = read_interactions(pd.DataFrame({"user": [1, 2], "item": ["tea", "tea"]}))
    assert fit_local_ease(data)(torch.tensor([[0]])).tolist() == [[0.0]]


def test_similar_items_share_takers():
    vectors = torch.nn.functional.normalize(fit_local_ease(purchases()).item_vectors(), dim=1)
    alike = vectors @ vectors.T
    same = (torch.arange(18)[:, None] - torch.arange(18)) % 3 == 0
    assert alike[same].mean() > alike[~same].mean() + 0.2


def test_no_neighbours_are_refused():
    with pytest.raises(ValueError, match="n_neighbours must be 1 or more, got 0"):
        fit_local_ease(purchases(), n_neighbours=0)
