import numpy as np
import pandas as pd
import pytest

from appkit.prediction.ranking import by_history, evaluate_ranking
from tests.prediction.ranking.shop import make_events, make_lists

BEFORE = pd.DataFrame({"user": [1, 1, 1, 2, 3, 3, 4], "item": [10, 11, 12, 10, 10, 11, 10]})
LISTS = pd.DataFrame({"user": [1, 2, 3, 5], "item": [13, 11, 12, 10], "rank": 1})
TAKEN = pd.DataFrame({"user": [1, 1, 2, 3, 5], "item": [13, 99, 11, 99, 11]})


def groups_of(**options):
    groups = by_history(evaluate_ranking(LISTS, TAKEN, k=1), BEFORE, **options)
    return {(group.of, group.name): group for group in groups}


def test_users_are_parted_at_the_median_of_those_with_a_history():
    groups = groups_of()  # 3, 1 and 2 items; user 5 has none
    assert [groups["users", name].counts for name in ("cold", "warm", "hot")] == ["0", "1 to 2", "3 or more"]
    assert [groups["users", name].n_members for name in ("cold", "warm", "hot")] == [1, 2, 1]
    assert [groups["users", name].estimates["recall"].value for name in ("cold", "warm", "hot")] == [0.0, 0.5, 0.5]


def test_items_are_counted_by_the_relevant_pairs_that_lists_hold():
    groups = groups_of(item_cut=1)  # 13 and 99 were never bought, 11 by two
    cold, tail, popular = (groups["items", name] for name in ("cold", "tail", "popular"))
    assert (cold.n_members, cold.n_pairs, cold.estimates["recall"].value) == (2, 3, pytest.approx(1 / 3))
    assert (tail.n_members, tail.n_pairs) == (0, 0)
    assert (popular.n_pairs, popular.estimates["recall"].value) == (2, 0.5)


def test_a_group_nobody_is_in_has_no_figure():
    tail = groups_of(item_cut=1)["items", "tail"]
    assert np.isnan(tail.estimates["recall"].value)
    assert tail.estimates["recall"].method == "undefined: no such pair"


def test_rows_that_repeat_a_pair_are_no_longer_history():
    result = evaluate_ranking(LISTS, TAKEN, k=1)
    once, twice = by_history(result, BEFORE), by_history(result, pd.concat([BEFORE, BEFORE]))
    assert [(group.counts, group.n_members) for group in twice] == [(group.counts, group.n_members) for group in once]


def test_groups_of_users_add_up_to_the_whole():
    result = evaluate_ranking(make_lists(), make_events(), k=8)
    users = [group for group in by_history(result, make_events(60, seed=5)) if group.of == "users"]
    assert sum(group.n_members for group in users) == len(result.per_user)
    total = sum(group.n_members * group.estimates["ndcg"].value for group in users if group.n_members)
    assert total / len(result.per_user) == pytest.approx(result.estimates["ndcg"].value)


def test_groups_of_items_add_up_to_all_pairs():
    result = evaluate_ranking(make_lists(), make_events(), k=8)
    items = [group for group in by_history(result, make_events(60, seed=5)) if group.of == "items"]
    assert sum(group.n_pairs for group in items) == len(result.truth)
    found = sum(group.n_pairs * group.estimates["recall"].value for group in items)
    assert found == pytest.approx((result.found_at > 0).sum())


def test_a_cut_below_one_is_refused():
    with pytest.raises(ValueError, match="user_cut must be at least 1, got 0"):
        groups_of(user_cut=0)
