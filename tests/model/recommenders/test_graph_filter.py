import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.graph_filter import fit_graph_filter
from appkit.model.recommenders.local_ease import local_ease_weights

REGRESSION = {"penalty": 1.5, "relative_penalty": 0.3, "user_exponent": 0.5}
FILTER = {"n_factors": 10, "exponent": 0.3, "tilt": 0.15}


def purchases(*, n_users: int = 90, n_items: int = 18, seed: int = 0) -> Interactions:
    """Users of three tastes; one to eight items each, and one who took everything."""
    rng = np.random.default_rng(seed)
    rows = [(n_users, item) for item in range(n_items)]
    for user in range(n_users):
        odds = np.where(np.arange(n_items) % 3 == user % 3, 1.0, 0.1)
        chosen = rng.choice(n_items, size=rng.integers(1, 9), replace=False, p=odds / odds.sum())
        rows += [(user, item) for item in chosen]
    return read_interactions(pd.DataFrame(rows, columns=["user", "item"]))


def filter_by_hand(data: Interactions, *, n_kept: int) -> np.ndarray:
    taken = data.matrix().toarray().astype(np.float64)
    n_users = taken.sum(axis=0)
    damped = taken * taken.sum(axis=1, keepdims=True) ** -FILTER["exponent"] * n_users ** -FILTER["exponent"]
    rows = np.linalg.svd(damped)[2][: FILTER["n_factors"]]
    weights = (n_users ** -FILTER["tilt"])[:, None] * (rows.T @ rows) * n_users ** FILTER["tilt"]
    np.fill_diagonal(weights, 0)
    weights[weights < np.sort(weights, axis=0)[-n_kept]] = 0
    return np.maximum(weights, 0)


def weights_of(scorer) -> np.ndarray:
    return scorer(torch.arange(scorer.n_items)[:, None]).numpy()


@pytest.mark.parametrize("n_kept", [3, 18])
def test_the_filter_projects_on_leading_singular_vectors_and_keeps_the_largest(n_kept):
    scorer = fit_graph_filter(purchases(), n_neighbours=n_kept, n_regressors=0, filter_weight=2.0, **FILTER)
    np.testing.assert_allclose(weights_of(scorer), 2 * filter_by_hand(purchases(), n_kept=n_kept), atol=1e-3)


def test_filter_and_regression_are_added():
    settings = {"n_neighbours": 3, **FILTER, **REGRESSION}
    blurred = fit_graph_filter(purchases(), n_regressors=0, **settings)
    both = fit_graph_filter(purchases(), n_regressors=4, **settings)
    regression = local_ease_weights(purchases(), n_neighbours=4, **REGRESSION).toarray()
    np.testing.assert_allclose(weights_of(both), weights_of(blurred) + regression, atol=1e-5)


def test_users_of_a_taste_are_advised_items_of_it():
    scores = fit_graph_filter(purchases(), n_factors=3)(torch.tensor([[0, 3], [1, 4], [2, 5]]))
    scores.scatter_(1, torch.tensor([[0, 3], [1, 4], [2, 5]]), -torch.inf)
    assert (scores.topk(4).indices % 3 == torch.arange(3)[:, None]).all()


def test_the_same_seed_gives_the_same_weights():
    first, again = (fit_graph_filter(purchases(), n_factors=3, random_state=2) for _ in range(2))
    assert torch.equal(first.weights, again.weights)


def test_one_user_with_one_item_fits():
    data = read_interactions(pd.DataFrame({"user": [1], "item": ["tea"]}))
    assert fit_graph_filter(data)(torch.tensor([[0], [1]])).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("name", ["n_factors", "n_neighbours"])
def test_settings_out_of_range_are_named(name):
    with pytest.raises(ValueError, match=f"{name} must be 1 or more, got 0"):
        fit_graph_filter(purchases(), **{name: 0})
