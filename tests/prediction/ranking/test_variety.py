import numpy as np
import pandas as pd
import pytest

from appkit.data.ids import Ids
from appkit.exceptions import SchemaError
from appkit.prediction.ranking import ItemSimilarity, evaluate_ranking
from appkit.prediction.ranking.variety import catalogue_coverage, gini, list_diversity
from tests.prediction.ranking.shop import make_events, make_lists

KITCHEN = ItemSimilarity.of_categories({"cup": "kitchen", "mug": "kitchen", "tea": "food", "pen": "desk"})
# 4 users have tea, 2 have cup, 1 has pen
BEFORE = pd.DataFrame({"user": [1, 2, 3, 4, 1, 2, 3], "item": ["tea"] * 4 + ["cup"] * 2 + ["pen"]})
LISTS = pd.DataFrame({"user": [1, 1, 3, 3], "item": ["pen", "mug", "cup", "tea"], "rank": [1, 2, 1, 2]})
TAKEN = pd.DataFrame({"user": [1, 3], "item": ["mug", "pot"]})


def measured(**options):
    return evaluate_ranking(LISTS, TAKEN, k=2, train=BEFORE, **options)


def test_coverage_counts_distinct_items_of_the_catalogue():
    assert measured(catalogue=["cup", "mug", "tea", "pen", "pot"]).estimates["coverage"].value == 0.8
    assert catalogue_coverage(np.array([[0, 0], [1, -1]]), 10).value == 0.2


def test_the_catalogue_is_by_default_what_was_bought_or_listed():
    assert measured().estimates["coverage"].value == 1.0


def test_gini_is_half_the_relative_mean_difference():
    counts = np.array([5, 0, 1, 2, 0])
    places = np.repeat(np.arange(5), counts)[:, None]
    difference = np.abs(counts[:, None] - counts[None, :]).mean()
    assert gini(places, 5).value == pytest.approx(difference / (2 * counts.mean()))


def test_gini_is_0_where_all_items_are_advised_alike():
    assert gini(np.array([[0, 1], [2, 3]]), 4).value == pytest.approx(0.0)


def test_novelty_is_the_mean_information_and_items_never_bought_count_as_bought_once():
    found = measured().per_user["novelty"]
    assert found[1] == pytest.approx((2 + 2) / 2)  # pen: 1 of 4 users; mug: nobody, as if one
    assert found[3] == pytest.approx((1 + 0) / 2)  # cup: 2 of 4; tea: all


def test_popularity_is_held_against_the_users_own_history():
    result = measured()
    assert result.per_user["list_popularity"].tolist() == [0.125, 0.75]
    assert result.per_user["history_popularity"].tolist() == [0.75, 0.625]  # tea and cup; tea and pen
    assert result.estimates["popularity_ratio"].value == pytest.approx(0.875 / 1.375)


def test_the_popular_items_are_the_tenth_of_the_catalogue_with_most_users():
    before = pd.DataFrame({"user": [1, 2, 3, 1, 2], "item": [5, 5, 5, 6, 6]})
    lists = pd.DataFrame({"user": [1, 1, 2, 2], "item": [5, 6, 6, 7], "rank": [1, 2, 1, 2]})
    taken = pd.DataFrame({"user": [1, 2], "item": 9})
    few = evaluate_ranking(lists, taken, k=2, train=before, catalogue=range(5, 15))
    many = evaluate_ranking(lists, taken, k=2, train=before, catalogue=range(5, 25))
    assert few.per_user["popular_share"].tolist() == [0.5, 0.0]
    assert many.per_user["popular_share"].tolist() == [1.0, 0.5]


def test_an_item_outside_the_catalogue_is_not_among_its_popular_tenth():
    before = pd.DataFrame({"user": [1, 2, 1], "item": [99, 99, 5]})
    lists = pd.DataFrame({"user": [1], "item": [5], "rank": [1]})
    result = evaluate_ranking(lists, lists, k=1, train=before, catalogue=[5, 6])
    assert result.per_user["popular_share"].tolist() == [1.0]


def test_diversity_is_the_mean_of_all_pairs():
    places = np.array([[0, 1, 3], [0, 1, -1], [2, -1, -1], [-1, -1, -1]])
    items = Ids.of(["cup", "mug", "pen", "tea"])
    np.testing.assert_allclose(list_diversity(places, items, similarity=KITCHEN), [2 / 3, 0.0, np.nan, np.nan])


def test_diversity_by_vectors_is_one_minus_the_mean_cosine():
    vectors = np.random.default_rng(0).normal(size=(40, 5))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    listed = make_lists(k=6)
    found = evaluate_ranking(
        listed, make_events(), k=6, similarity=ItemSimilarity.of_vectors(np.arange(40), vectors), n_resamples=10
    ).per_user["diversity"]
    items = listed.groupby("user")["item"].apply(list)[found.index[0]]
    cosines = (unit[items] @ unit[items].T)[np.triu_indices(6, k=1)]
    assert found.iloc[0] == pytest.approx(1 - cosines.mean(), abs=1e-6)


def test_users_without_a_list_have_no_novelty_but_count_for_accuracy():
    taken = pd.concat([TAKEN, pd.DataFrame({"user": [9], "item": ["tea"]})])
    result = evaluate_ranking(LISTS, taken, k=2, train=BEFORE, similarity=KITCHEN)
    assert np.isnan(result.per_user.loc[9, "novelty"])
    assert result.estimates["novelty"].n == 2
    assert result.estimates["recall"].n == 3


def test_an_item_without_a_similarity_is_named():
    with pytest.raises(SchemaError, match=r"got 1 others \(first: 'tea'\)"):
        measured(similarity=ItemSimilarity.of_categories({"cup": 1, "mug": 1, "pen": 2}))
