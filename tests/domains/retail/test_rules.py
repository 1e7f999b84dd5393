import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from appkit.prediction.ranking import ItemSimilarity
from domains.retail.rules import Rules, apply_rules, recommend_by_rules

KINDS = {"cup": "kitchen", "mug": "kitchen", "pot": "kitchen", "tea": "food", "jam": "food", "pen": "desk"}
SCORES = {"cup": 9.0, "mug": 8.0, "pot": 7.0, "tea": 6.0, "jam": 5.0, "pen": 4.0}


def candidates(*users):
    return pd.concat(
        [pd.DataFrame({"user": user, "item": SCORES.keys(), "score": SCORES.values()}) for user in users or (1,)],
        ignore_index=True,
    )


def advised(k=3, **rules):
    return apply_rules(candidates(), k, Rules(**rules)).lists["item"].tolist()


def test_without_rules_the_best_scores_are_advised():
    ruled = apply_rules(candidates(1, 2), 2, Rules())
    assert ruled.lists["item"].tolist() == ["cup", "mug"] * 2
    assert ruled.lists["rank"].tolist() == ruled.lists["moved_from"].tolist() == [1, 2, 1, 2]
    assert ruled.n_short == 0


def test_excluded_items_are_not_advised():
    assert advised(exclude=["mug", "cup"]) == ["pot", "tea", "jam"]


def test_only_what_is_in_stock_is_advised():
    ruled = apply_rules(candidates(), 3, Rules(in_stock=["jam", "pen", "cup"], exclude=["cup", "mug"]))
    assert ruled.lists["item"].tolist() == ["jam", "pen"]
    assert ruled.n_removed == {"exclude": 2, "in_stock": 2}
    assert ruled.short.tolist() == [1]


def test_an_empty_stock_leaves_nothing():
    ruled = apply_rules(candidates(1, 2), 3, Rules(in_stock=[]))
    assert len(ruled.lists) == 0
    assert ruled.short.tolist() == [1, 2]


def test_a_category_fills_at_most_its_places():
    assert advised(max_per_category=1, categories=KINDS) == ["cup", "tea", "pen"]
    assert advised(4, max_per_category=2, categories=KINDS) == ["cup", "mug", "tea", "jam"]


def test_items_without_a_category_share_it_with_no_other():
    assert advised(max_per_category=1, categories={"mug": "a", "pot": "a"}) == ["cup", "mug", "tea"]


def test_what_moved_up_says_from_where():
    ruled = apply_rules(candidates(), 3, Rules(max_per_category=1, categories=KINDS))
    assert ruled.lists["moved_from"].tolist() == [1, 4, 6]
    assert ruled.lists["score"].tolist() == [9.0, 6.0, 4.0]


def test_diversity_of_one_takes_each_category_in_turn():
    assert advised(diversity=1.0, categories=KINDS) == ["cup", "tea", "pen"]


def test_diversity_weighs_relevance_by_hand():
    # relevance 1, .8, .6, .4, .2, 0. At .4 the second place: mug .48 - .4, tea .24 - 0; then jam .12 - .4, mug .08
    assert advised(diversity=0.4, categories=KINDS) == ["cup", "tea", "mug"]
    # at .1: mug .72 - .1, tea .36
    assert advised(diversity=0.1, categories=KINDS) == ["cup", "mug", "pot"]


def greedy(scores, vectors, k, diversity):
    """Return the places of one user by the definition of the maximal marginal relevance."""
    relevance = (scores - scores.min()) / np.ptp(scores)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    chosen = []
    while len(chosen) < k:
        worth = {
            item: (1 - diversity) * relevance[item]
            - (diversity * max(unit[item] @ unit[other] for other in chosen) if chosen else 0)
            for item in range(len(scores))
            if item not in chosen
        }
        chosen.append(max(worth, key=worth.get))
    return chosen


@pytest.mark.parametrize("diversity", [0.2, 0.5, 0.9])
def test_reranking_is_the_maximal_marginal_relevance(diversity):
    rng = np.random.default_rng(0)
    scores, vectors = rng.normal(size=(5, 30)), rng.normal(size=(30, 4))
    table = pd.DataFrame({"user": np.repeat(range(5), 30), "item": np.tile(range(30), 5), "score": scores.ravel()})
    similarity = ItemSimilarity.of_vectors(np.arange(30), vectors)
    lists = apply_rules(table, 8, Rules(diversity=diversity), similarity=similarity).lists
    expected = [greedy(row, vectors, 8, diversity) for row in scores]
    assert lists["item"].to_numpy().reshape(5, 8).tolist() == expected


def test_a_boost_is_in_shares_of_the_spread_of_scores():
    assert advised(boost={"pen": 0.5}) == ["cup", "mug", "pot"]  # 0 + .5 stays behind pot's .6
    assert advised(boost={"pen": 0.7}) == ["cup", "mug", "pen"]
    assert advised(boost={"cup": -2.0}) == ["mug", "pot", "tea"]


def test_the_order_of_the_rows_makes_no_difference():
    table = candidates(1).assign(score=[1.0, 1.0, 1.0, 2.0, 2.0, 0.0])
    rules = Rules(diversity=0.3, categories=KINDS)
    first, second = apply_rules(table, 4, rules).lists, apply_rules(table[::-1], 4, rules).lists
    pd.testing.assert_frame_equal(first, second)


def test_equal_scores_go_to_the_smaller_id():
    assert apply_rules(candidates().assign(score=1.0), 2, Rules()).lists["item"].tolist() == ["cup", "jam"]


def test_users_whose_lists_are_short_are_named():
    table = pd.concat([candidates(1), candidates(2)[:1]])
    assert apply_rules(table, 3, Rules()).short.tolist() == [2]


def test_no_candidates_make_no_lists():
    ruled = apply_rules(candidates()[:0], 3, Rules(diversity=0.5, categories=KINDS))
    assert ruled.lists.columns.tolist() == ["user", "item", "rank", "score", "moved_from"]
    assert len(ruled.lists) == ruled.n_short == 0


def test_ids_that_are_not_in_the_catalogue_are_named():
    rules = Rules(exclude=["cup", "cpu"], in_stock=["mug"], boost={"tee": 0.1})
    with pytest.raises(SchemaError, match="got 1 others in exclude: 'cpu'") as raised:
        apply_rules(candidates(), 3, rules, catalogue=KINDS)
    assert "in boost: 'tee'" in str(raised.value)


def test_rules_of_numbers_for_items_of_text_are_refused():
    with pytest.raises(SchemaError, match="'exclude' must hold text"):
        apply_rules(candidates(), 3, Rules(exclude=[22423]))
    with pytest.raises(SchemaError, match="'categories' must hold"):
        apply_rules(candidates(), 3, Rules(max_per_category=1, categories={1: "a"}))


def test_diversity_without_anything_to_measure_it_by_is_refused():
    with pytest.raises(ValueError, match="how alike items are"):
        apply_rules(candidates(), 3, Rules(diversity=0.5))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"diversity": 1.5}, "between 0 and 1, got 1.5"),
        ({"max_per_category": 0, "categories": KINDS}, "at least 1, got 0"),
        ({"max_per_category": 2}, "needs categories"),
        ({"boost": {"cup": float("nan")}}, "boost must be finite, got nan for item 'cup'"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules, message):
    with pytest.raises(ValueError, match=message):
        Rules(**rules)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (candidates().drop(columns="score"), "columns user, item and score"),
        (candidates().assign(score=np.nan), "score must be finite, got nan in row 0"),
        (pd.concat([candidates(), candidates()]), "got item 'cup' again for user 1"),
    ],
)
def test_candidates_that_are_none_are_refused(table, message):
    with pytest.raises(ValueError, match=message):
        apply_rules(table, 3, Rules())


class Shop:
    """Advises items 0, 1, 2, ... to everyone it knows, and remembers how many were asked for."""

    def __init__(self, n_items=200, known=(1, 2, 3)):
        self.n_items, self.known, self.asked = n_items, known, []

    def __call__(self, users, n):
        self.asked.append((len(users), n))
        users = [user for user in users if user in self.known]
        items = np.arange(self.n_items)[:n]
        table = {"user": np.repeat(users, len(items)).astype(np.int64), "item": np.tile(items, len(users))}
        return pd.DataFrame(table).assign(score=lambda frame: -frame["item"].astype(float))


def test_candidates_are_asked_for_until_lists_are_full():
    shop = Shop()
    ruled = recommend_by_rules(shop, [1, 2], 3, rules=Rules(exclude=range(100)))
    assert ruled.lists["item"].tolist() == [100, 101, 102] * 2
    assert shop.asked == [(2, 15), (2, 60), (2, 240)]


def test_asking_ends_with_the_catalogue():
    shop = Shop(n_items=20)
    ruled = recommend_by_rules(shop, [1], 3, rules=Rules(in_stock=[4]))
    assert ruled.lists["item"].tolist() == [4]
    assert ruled.short.tolist() == [1]
    assert len(shop.asked) == 2


def test_users_without_any_candidate_are_short():
    ruled = recommend_by_rules(Shop(), [3, 7], 3, rules=Rules())
    assert ruled.short.tolist() == [7]
    assert ruled.lists["user"].unique().tolist() == [3]


def test_only_short_users_are_asked_for_again():
    def recommend(users, n):
        asked.append(list(users))
        table = Shop()(users, n)
        return table.assign(item=table["item"] + 50 * table["user"])

    asked = []
    ruled = recommend_by_rules(recommend, [1, 2], 5, rules=Rules(exclude=range(50, 90)))
    assert asked == [[1, 2], [1]]
    assert ruled.lists.groupby("user")["item"].first().to_dict() == {1: 90, 2: 100}
