"""Lists of many users, batch by batch, are those of a plain sort; their gain is that of scikit-learn."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.metrics import ndcg_score

from appkit.data.interactions import read_interactions
from appkit.model.recommenders import advice
from appkit.model.recommenders.advice import Histories, best_items, pair_scores
from appkit.model.recommenders.als import fit_als
from appkit.model.recommenders.gain import advice_gain, cumulative_gain
from appkit.model.recommenders.holdout import hold_out
from appkit.model.recommenders.popularity import fit_popularity


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(1)
    return read_interactions(pd.DataFrame({"user": rng.integers(0, 30, 300), "item": rng.integers(0, 25, 300)}))


@pytest.fixture(scope="module")
def scorer(events):
    return fit_als(events, n_factors=4, random_state=0)


def sorted_lists(scorer, events, *, k, filter_seen):
    """Return the lists one user at a time."""
    lists = []
    for user in range(events.n_users):
        with torch.no_grad():
            scores = scorer(torch.from_numpy(events.padded(np.array([user])))).numpy()[0]
        if filter_seen:
            scores[events.history(user)] = -np.inf
        lists.append(np.argsort(-scores, kind="stable")[:k])
    return np.stack(lists)


@pytest.mark.parametrize("filter_seen", [True, False])
def test_lists_are_those_of_a_plain_sort(scorer, events, filter_seen):
    items, _ = best_items(scorer, Histories.of(events), np.arange(30), k=5, filter_seen=filter_seen)
    np.testing.assert_array_equal(items, sorted_lists(scorer, events, k=5, filter_seen=filter_seen))


def test_batches_do_not_change_lists(scorer, events, monkeypatch):
    whole, _ = best_items(scorer, Histories.of(events), np.arange(30), k=5, filter_seen=True)
    monkeypatch.setattr(advice, "_USERS_AT_ONCE", 7)
    parts, _ = best_items(scorer, Histories.of(events), np.arange(30), k=5, filter_seen=True)
    np.testing.assert_array_equal(parts, whole)


def test_lists_end_where_items_do(scorer, events):
    allowed = np.zeros(25, dtype=bool)
    allowed[[3, 4]] = True
    items, scores = best_items(scorer, Histories.of(events), np.array([-1]), k=4, filter_seen=True, allowed=allowed)
    assert set(items[0, :2]) == {3, 4}
    assert items[0, 2:].tolist() == [-1, -1]
    assert np.isnan(scores[0, 2:]).all()


def test_pairs_are_scored_as_whole_rows(scorer, events):
    users, place_of, items = np.array([4, 9]), np.array([1, 0, 1]), np.array([7, 8, 9])
    with torch.no_grad():
        whole = scorer(torch.from_numpy(events.padded(users))).numpy()
    found = pair_scores(scorer, Histories.of(events), users, place_of, items)
    np.testing.assert_allclose(found, whole[place_of, items], rtol=1e-5)


def test_gain_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    scores, taken = rng.random((40, 12)), rng.random((40, 12)) < 0.3
    taken[:, 0] = True
    lists = np.argsort(-scores, axis=1)[:, :5]
    expected = [ndcg_score(taken[[row]], scores[[row]], k=5) for row in range(40)]
    np.testing.assert_allclose(cumulative_gain(lists, sparse.csr_array(taken)), expected)


def test_nothing_listed_gains_nothing():
    assert cumulative_gain(np.array([[-1, -1]]), sparse.csr_array([[0, 1]])).tolist() == [0.0]


def test_users_without_a_past_or_a_future_are_not_judged(events):
    fitted, judged = hold_out(events, "last")
    only = judged.take(judged.user < 10)
    gains = advice_gain(fit_popularity(fitted), fitted, only, filter_seen=False)
    assert len(gains) == 10


def test_seen_items_count_only_where_they_may_be_advised():
    X = pd.DataFrame({"user": [1, 1, 1, 2], "item": ["tea", "cup", "tea", "tea"], "day": [1, 2, 3, 1]})
    fitted, judged = hold_out(read_interactions(X, time="day"), "last")
    assert len(advice_gain(fit_popularity(fitted), fitted, judged, filter_seen=True)) == 0
    assert advice_gain(fit_popularity(fitted), fitted, judged, filter_seen=False).tolist() == [1.0]
