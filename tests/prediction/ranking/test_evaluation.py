import math

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from appkit.prediction.ranking import evaluate_ranking
from tests.prediction.ranking.shop import make_events, make_lists

LISTS = pd.DataFrame({"user": [1, 1, 1, 2, 2], "item": [10, 11, 12, 10, 13], "rank": [1, 2, 3, 1, 2]})
TAKEN = pd.DataFrame({"user": [1, 1, 2, 3], "item": [11, 99, 10, 12]})


def by_loops(lists, taken, k):
    """Return recall, NDCG, MAP, MRR and hit rate of each user, by the definitions."""
    found = {}
    for user, relevant in taken.groupby("user")["item"]:
        relevant = set(relevant)
        listed = lists[(lists["user"] == user) & (lists["rank"] <= k)].sort_values("rank")["item"].tolist()
        hits = [rank for rank, item in enumerate(listed, start=1) if item in relevant]
        best = min(k, len(relevant))
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, best + 1))
        precision = sum(sum(hit <= rank for hit in hits) / rank for rank in hits)
        gain = sum(1 / math.log2(rank + 1) for rank in hits)
        first = 1 / hits[0] if hits else 0.0
        found[user] = [len(hits) / len(relevant), gain / ideal, precision / best, first, float(bool(hits))]
    return pd.DataFrame.from_dict(found, orient="index", columns=["recall", "ndcg", "map", "mrr", "hit_rate"])


@pytest.mark.parametrize("k", [1, 5, 20])
def test_every_user_is_worth_what_the_definitions_say(k):
    lists, taken = make_lists(), make_events()
    shuffled = lists.sample(frac=1.0, random_state=0)
    expected = by_loops(lists, taken, k)
    found = evaluate_ranking(shuffled, taken, k=k, n_resamples=10).per_user
    np.testing.assert_allclose(found.loc[expected.index, expected.columns], expected)


def test_users_without_relevant_items_are_left_out():
    result = evaluate_ranking(LISTS, TAKEN[TAKEN["user"] == 1], k=3)
    assert result.per_user.index.tolist() == [1]
    assert "Users with a list but no relevant item, left out: 1." in result.notes


def test_users_without_a_list_count_zero_and_are_told_of():
    result = evaluate_ranking(LISTS, TAKEN, k=3)
    assert result.per_user.loc[3, ["n_listed", "recall"]].tolist() == [0, 0.0]
    assert result.n_without_list == 1
    assert result.estimates["recall"].value == pytest.approx((0.5 + 1 + 0) / 3)
    assert "1 of 3 users has no list and counts 0." in result.notes


def test_found_at_is_the_rank_of_each_relevant_pair():
    result = evaluate_ranking(LISTS, TAKEN, k=3)
    pairs = zip(result.truth.users.values[result.truth.user], result.truth.items.values[result.truth.item], strict=True)
    assert dict(zip(pairs, result.found_at.tolist(), strict=True)) == {(1, 11): 2, (1, 99): 0, (2, 10): 1, (3, 12): 0}


def test_places_beyond_k_do_not_count():
    assert evaluate_ranking(LISTS, TAKEN, k=1).per_user["recall"].tolist() == [0.0, 1.0, 0.0]


def test_rows_that_repeat_a_pair_count_once():
    twice = pd.concat([TAKEN, TAKEN])
    pd.testing.assert_frame_equal(
        evaluate_ranking(LISTS, twice, k=3).per_user, evaluate_ranking(LISTS, TAKEN, k=3).per_user
    )


def test_pairs_of_training_may_be_left_out():
    before = pd.DataFrame({"user": [1, 2, 2], "item": [11, 10, 13]})
    result = evaluate_ranking(LISTS, TAKEN, k=3, train=before, seen="left out")
    assert result.per_user.index.tolist() == [1, 3]
    assert result.per_user["n_relevant"].tolist() == [1, 1]
    assert "Items had before are left out of what is relevant: 2 pairs." in result.notes


def test_the_share_of_advice_that_the_user_had_before_is_told():
    before = pd.DataFrame({"user": [1, 2], "item": [11, 13]})
    result = evaluate_ranking(LISTS, TAKEN, k=3, train=before)
    assert "40.0% of the places advise what the user had before." in result.notes


def test_text_and_whole_floats_give_the_same_figures():
    lists, taken = make_lists(), make_events()
    expected = evaluate_ranking(lists, taken, k=5).estimates
    assert evaluate_ranking(lists.astype(float), taken, k=5).estimates == expected
    as_text = evaluate_ranking(lists.astype({"user": str, "item": str}), taken.astype(str), k=5).estimates
    assert as_text["recall"].value == pytest.approx(expected["recall"].value)


def test_columns_of_the_truth_have_the_users_names():
    renamed = TAKEN.rename(columns={"user": "CustomerID", "item": "StockCode"})
    result = evaluate_ranking(LISTS, renamed, k=3, user="CustomerID", item="StockCode", train=renamed)
    assert result.per_user.index.name == "CustomerID"


def test_intervals_hold_the_mean_of_many_other_users():
    taken = make_events(30_000, n_users=5000)
    population = evaluate_ranking(make_lists(5000), taken, k=8, n_resamples=10).per_user["ndcg"].mean()
    held = []
    for start in range(0, 5000, 100):
        some = taken[taken["user"].between(start, start + 99)]
        estimate = evaluate_ranking(make_lists(5000), some, k=8, n_resamples=200).estimates["ndcg"]
        held.append(estimate.low <= population <= estimate.high)
    assert np.mean(held) >= 0.86


def test_no_hit_at_all_does_not_claim_certainty():
    lists = pd.DataFrame({"user": range(20), "item": 0, "rank": 1})
    taken = pd.DataFrame({"user": range(20), "item": 1})
    estimate = evaluate_ranking(lists, taken, k=1).estimates["recall"]
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_one_user_has_no_interval():
    estimate = evaluate_ranking(LISTS, TAKEN[TAKEN["user"] == 2], k=2).estimates["recall"]
    assert estimate.value == 1.0
    assert math.isnan(estimate.low)


def test_a_measure_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match=r"measure must be one of recall, ndcg, .*, got 'auc'"):
        evaluate_ranking(LISTS, TAKEN).vector("auc")


def test_k_larger_than_the_lists_is_welcome_and_said():
    result = evaluate_ranking(LISTS, TAKEN, k=50)
    assert "2 lists are shorter than 50." in result.notes
    assert result.per_user["recall"].tolist() == [0.5, 1.0, 0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rank": [0, 1, 2, 1, 2]}, "whole numbers from 1, got 0 in row 0"),
        ({"rank": [1, 2, 4, 1, 2]}, "got 4 where 3 is due for user 1"),
        ({"rank": [1, 2, 2, 1, 2]}, "got 2 where 3 is due for user 1"),
        ({"item": [10, 11, 10, 10, 13]}, "got 10 again for user 1"),
        ({"user": ["1", "1", "1", "2", "2"]}, "name a user alike, got text \\('1' in recommended\\)"),
        ({"item": [10, None, 12, 10, 13]}, "Column 'item' must have no missing cell"),
    ],
)
def test_lists_that_are_none_are_refused(change, message):
    with pytest.raises(SchemaError, match=message):
        evaluate_ranking(LISTS.assign(**change), TAKEN)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be a positive whole number of places, got 0"),
        ({"seen": "left out"}, "needs train"),
        ({"seen": "never"}, "'counted' or 'left out', got 'never'"),
        ({"n_items": 2}, "got 2: the lists hold 4 items"),
        ({"catalogue": [10, 11, 12]}, "items of the catalogue only, got 1 others \\(first: 13\\)"),
        ({"catalogue": []}, "catalogue must have at least one item"),
        ({"train": TAKEN[:0]}, "train must have at least one pair"),
        ({"train": TAKEN, "seen": "left out"}, "a pair that is not in train"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        evaluate_ranking(LISTS, TAKEN, **options)


def test_a_truth_of_other_users_is_refused():
    with pytest.raises(ValueError, match="got none for 2 users"):
        evaluate_ranking(LISTS, TAKEN.assign(user=[7, 7, 8, 8]))


def test_an_empty_truth_is_refused():
    with pytest.raises(ValueError, match="truth must have at least one pair"):
        evaluate_ranking(LISTS, TAKEN[:0])


def test_a_missing_column_is_named():
    with pytest.raises(SchemaError, match="'rank' is missing"):
        evaluate_ranking(LISTS.drop(columns="rank"), TAKEN)


def test_the_label_of_the_split_is_a_note():
    assert (
        evaluate_ranking(LISTS, TAKEN, label="last purchase of each user: optimistic").notes[-1].endswith("optimistic")
    )


def test_the_table_has_a_row_per_measure():
    frame = evaluate_ranking(LISTS, TAKEN, k=2, n_items=4).to_frame()
    assert frame.index.tolist()[:2] == ["Recall@2", "NDCG@2"]
    assert frame.loc["Catalogue coverage", "value"] == 0.75
