import numpy as np
import pandas as pd
import pytest

from appkit.prediction.ranking import evaluate_ranking
from domains.retail.prediction import evaluate_advice, popular_lists

BEFORE = pd.DataFrame({"user": [1, 1, 2, 2, 3, 3, 4], "item": ["tea", "cup", "tea", "pen", "tea", "cup", "mug"]})
TAKEN = pd.DataFrame({"user": [1, 2, 3, 5], "item": ["pen", "cup", "tea", "tea"]})


def lists_of(items):
    return pd.DataFrame({"user": [1, 2, 3, 5], "item": items, "rank": 1})


def test_everyone_is_advised_what_most_have():
    lists = popular_lists(BEFORE, [2, 9], 2)
    assert lists["item"].tolist() == ["tea", "cup"] * 2
    assert lists["rank"].tolist() == [1, 2, 1, 2]


def test_what_a_user_has_may_be_passed_over():
    lists = popular_lists(BEFORE, [1, 2, 9], 2, new_only=True)
    assert lists.groupby("user")["item"].apply(list).to_dict() == {
        1: ["mug", "pen"],
        2: ["cup", "mug"],
        9: ["tea", "cup"],
    }


def test_popular_lists_of_many_users_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    events = pd.DataFrame({"user": rng.integers(0, 6000, 30_000), "item": (50 * rng.random(30_000) ** 2).astype(int)})
    lists = popular_lists(events, range(6000), 5, new_only=True)
    counts = events.drop_duplicates().groupby("item").size()
    ranked = sorted(counts.index, key=lambda item: (-counts[item], item))
    for user in (0, 1, 4095, 4096, 5999):
        had = set(events.loc[events["user"] == user, "item"])
        expected = [item for item in ranked if item not in had][:5]
        assert lists.loc[lists["user"] == user, "item"].tolist() == expected


def test_a_catalogue_smaller_than_the_list_makes_short_lists():
    assert popular_lists(BEFORE, [1], 10, new_only=True)["item"].tolist() == ["mug", "pen"]


def test_popularity_is_always_in_the_table():
    found = evaluate_advice({"ours": lists_of(["pen", "cup", "tea", "tea"])}, TAKEN, train=BEFORE, model="ours", k=1)
    assert found.to_frame().index.tolist() == ["ours", "popularity"]
    assert found.to_frame()["Recall@1"].tolist() == [1.0, 0.5]
    assert found.differences["popularity"]["recall"].estimate.value == 0.5


def test_popularity_given_is_kept():
    lists = {"popularity": lists_of("cup"), "ours": lists_of("tea")}
    found = evaluate_advice(lists, TAKEN, train=BEFORE, model="ours", k=1)
    assert found.to_frame().index.tolist() == ["ours", "popularity"]
    assert found.results["popularity"].estimates["recall"].value == 0.25


def test_new_items_only_are_held_against_new_popular_items():
    found = evaluate_advice({"ours": lists_of("pen")}, TAKEN, train=BEFORE, model="ours", k=1, seen="left out")
    assert found.results["popularity"].per_user.index.tolist() == [1, 2, 5]  # user 3 had tea before
    assert "0.0% of the places advise what the user had before." in found.results["popularity"].notes


def test_all_recommenders_are_judged_by_one_catalogue():
    lists = {"ours": lists_of("jam"), "theirs": lists_of("pot")}
    found = evaluate_advice(lists, TAKEN, train=BEFORE, model="ours", k=1)
    assert {result.estimates["coverage"].value for result in found.results.values()} == {1 / 6}


def test_p_values_are_adjusted_for_all_differences():
    lists = {"ours": lists_of(["pen", "cup", "tea", "mug"]), "theirs": lists_of("tea")}
    found = evaluate_advice(lists, TAKEN, train=BEFORE, model="ours", k=1)
    frame = found.differences_frame()
    assert len(frame) == 4
    assert (frame["p_adjusted"] == np.minimum(1.0, 4 * frame["p"].min())).all()


def test_the_table_by_history_is_the_models():
    found = evaluate_advice({"ours": lists_of("tea")}, TAKEN, train=BEFORE, model="ours", k=1)
    frame = found.history_frame()
    assert frame["of"].tolist() == ["users"] * 3 + ["items"] * 3
    assert frame.loc[0, ["group", "members", "recall"]].tolist() == ["cold", 1, 1.0]
    assert found.notes == evaluate_ranking(lists_of("tea"), TAKEN, k=1, train=BEFORE).notes


def test_a_model_without_lists_is_named():
    with pytest.raises(ValueError, match="model must be one of 'ours', got 'best'"):
        evaluate_advice({"ours": lists_of("tea")}, TAKEN, train=BEFORE, model="best")
