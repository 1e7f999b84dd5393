import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.item_knn import fit_item_knn


def purchases(*, seed: int = 0) -> Interactions:
    rng = np.random.default_rng(seed)
    taken = rng.random((40, 12)) < rng.random(12) * 0.6
    users, items = taken.nonzero()
    return read_interactions(pd.DataFrame({"user": users, "item": items}))


def cosines(taken: np.ndarray, *, shrinkage: float, n: int) -> np.ndarray:
    norms = np.linalg.norm(taken, axis=0)
    weights = taken.T @ taken / (np.outer(norms, norms) + shrinkage)
    np.fill_diagonal(weights, 0)
    order = np.argsort(-weights, axis=0, kind="stable")
    np.put_along_axis(weights, order[n:], 0, axis=0)
    return weights


def weights_of(scorer) -> np.ndarray:
    return scorer(torch.arange(scorer.n_items)[:, None]).numpy()


@pytest.mark.parametrize(("shrinkage", "n"), [(0.0, 12), (5.0, 12), (5.0, 3)])
def test_weights_are_shrunk_cosines_of_the_nearest(shrinkage, n):
    scorer = fit_item_knn(purchases(), shrinkage=shrinkage, n_neighbours=n)
    expected = cosines(purchases().matrix().toarray(), shrinkage=shrinkage, n=n)
    np.testing.assert_allclose(weights_of(scorer), expected, atol=1e-6)


def test_bm25_agrees_with_the_formula():
    taken = purchases().matrix().toarray().astype(np.float64)
    lengths = taken.sum(axis=1, keepdims=True)
    rarity = np.log(1 + (len(taken) - taken.sum(axis=0) + 0.5) / (taken.sum(axis=0) + 0.5))
    weighted = taken * rarity * 2.2 / (1 + 1.2 * (0.25 + 0.75 * lengths / lengths.mean()))
    scorer = fit_item_knn(purchases(), shrinkage=2.0, n_neighbours=4, weighting="bm25")
    np.testing.assert_allclose(weights_of(scorer), cosines(weighted, shrinkage=2.0, n=4), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"), [("n_neighbours", 0), ("shrinkage", -1.0), ("shrinkage", float("nan")), ("weighting", "tf")]
)
def test_settings_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        fit_item_knn(purchases(), **{name: value})
