import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from appkit.prediction.ranking.accuracy import accuracy_by_user

# one user, three relevant items, two of them at ranks 1 and 4
ONE = accuracy_by_user(np.array([[True, False, False, True, False]]), np.array([3]))


def test_measures_of_one_list_by_hand():
    assert ONE["recall"][0] == pytest.approx(2 / 3)
    assert ONE["ndcg"][0] == pytest.approx((1 + 1 / np.log2(5)) / (1 + 1 / np.log2(3) + 1 / 2))
    assert ONE["map"][0] == pytest.approx((1 / 1 + 2 / 4) / 3)
    assert ONE["mrr"][0] == 1.0
    assert ONE["hit_rate"][0] == 1.0


def test_a_user_with_more_relevant_items_than_places_reaches_ndcg_and_map_of_1_but_not_recall():
    found = accuracy_by_user(np.array([[True, True]]), np.array([8]))
    assert found["recall"][0] == 0.25
    assert found["ndcg"][0] == pytest.approx(1.0)
    assert found["map"][0] == pytest.approx(1.0)


def test_a_list_without_a_hit_is_worth_nothing():
    found = accuracy_by_user(np.zeros((1, 4), dtype=bool), np.array([2]))
    assert [float(values[0]) for values in found.values()] == [0.0] * 5


def test_the_reciprocal_rank_is_that_of_the_first_hit():
    found = accuracy_by_user(np.array([[False, False, True, True], [False, True, False, True]]), np.array([2, 5]))
    np.testing.assert_allclose(found["mrr"], [1 / 3, 1 / 2])


@pytest.mark.parametrize("k", [1, 3, 10])
def test_ndcg_is_that_of_sklearn(k):
    rng = np.random.default_rng(k)
    scores, relevant = rng.random((40, 10)), rng.random((40, 10)) < 0.3
    relevant[:, 0] |= ~relevant.any(axis=1)
    hits = np.take_along_axis(relevant, np.argsort(-scores, axis=1), axis=1)[:, :k]
    mean = accuracy_by_user(hits, relevant.sum(axis=1))["ndcg"].mean()
    assert mean == pytest.approx(ndcg_score(relevant, scores, k=k))


def test_average_precision_of_a_full_list_is_that_of_sklearn():
    rng = np.random.default_rng(3)
    scores, relevant = rng.random(12), rng.random(12) < 0.4
    hits = relevant[np.argsort(-scores)][None, :]
    found = accuracy_by_user(hits, np.array([relevant.sum()]))["map"][0]
    assert found == pytest.approx(average_precision_score(relevant, scores))
