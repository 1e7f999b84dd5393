"""The fewest purchases without which an item is not advised, held against all subsets."""

import itertools

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from appkit.explanation.counterfactuals import removal_sets
from appkit.explanation.history_advice import Listed, advised_cases, place_on_list
from tests.explanation.recommenders import Linear, Shop, histories_of, linear_shop, saturating_shop, weights_of


def customers(*users):
    return pd.DataFrame({"customer": list(users)})


def fewest_by_all_subsets(shop, user, k):
    """Return the size of the smallest set that works, 0 where none does."""
    cases = advised_cases(shop, customers(user), listed=Listed(k=k))
    history, others = cases.histories[0], cases.open_to(0)
    others[cases.items[0]] = False
    for size in range(1, len(np.unique(history)) + 1):
        for items in itertools.combinations(np.unique(history), size):
            (scores,) = cases.scores([history[~np.isin(history, items)]])
            if place_on_list(scores, cases.items[0], others, k=k)[0] > k:
                return size
    return 0


@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [linear_shop, saturating_shop])
def test_no_smaller_set_exists_among_all_subsets(make, seed, k):
    shop = make(n_items=25, seed=seed)
    found = removal_sets(shop, customers(*shop.users_.values), k=k)
    sizes = [fewest_by_all_subsets(shop, user, k) for user in shop.users_.values]
    assert found.sizes.tolist() == sizes
    assert found.proof == tuple("smallest" if size else "" for size in sizes)
    assert found.verified.tolist() == [size > 0 for size in sizes]


def test_the_model_itself_no_longer_advises_the_item():
    shop = linear_shop(n_items=25, seed=2)
    found = removal_sets(shop, customers("u0"), k=3)
    (history,) = shop.histories(["u0"])
    kept = [item for item in history if f"i{item:03d}" not in set(found.rows["removed"])]
    scorer = shop.item_scorer()
    scores = scorer.base.numpy() + scorer.weights.numpy()[np.unique(kept)].sum(0)
    still_open = np.setdiff1d(np.arange(25), history)  # what was removed does not come back as an advice
    order = still_open[np.argsort(-scores[still_open])]
    place = [f"i{item:03d}" for item in order].index(found.advice.items[0]) + 1
    assert place == found.ranks_after[0] > 3
    assert found.margin_before[0] > 0 > found.margin_after[0]


def test_an_item_goes_with_all_its_purchases():
    weights = np.zeros((4, 4))
    weights[0, 2], weights[1, 3] = 3.0, 1.0
    shop = Shop(Linear(weights), {"u": [0, 1, 0]}, names=["tea", "cup", "pot", "jam"])
    found = removal_sets(shop, customers("u"), k=1)
    assert found.rows.to_dict("records") == [
        {"row": 0, "user": "u", "item": "i002", "removed": "i000", "name": "tea (2 times)", "n_purchases": 2}
    ]
    assert found.describe(0) == "Without tea (2 times), pot drops from rank 1 to rank 2."


def test_two_purchases_that_stand_in_for_one_another_go_together():
    weights = np.zeros((5, 5))
    weights[0, 3] = weights[1, 3] = 2.0
    weights[2, 4] = 1.0
    shop = Shop(Linear(weights), {"u": [0, 1, 2]}, names=["tea", "cup", "jam", "pot", "egg"])
    found = removal_sets(shop, customers("u"), k=1)
    assert found.describe(0) == "Without tea and cup, pot drops from rank 1 to rank 2; no single purchase does that."
    assert (found.at_least[0], found.names(0)) == (2, ("tea", "cup"))


def test_a_set_that_is_not_proven_smallest_says_what_is_known():
    shop = saturating_shop(n_items=40, longest=14, seed=5)
    all_tried = removal_sets(shop, customers(*shop.users_.values), k=8)
    short = removal_sets(shop, customers(*shop.users_.values), k=8, max_sets=0)
    larger = short.sizes > 2
    assert larger.any()
    assert {short.proof[row] for row in np.flatnonzero(larger)} <= {"minimal", "pruned"}
    assert (short.sizes >= all_tried.sizes).all()
    assert (short.at_least[larger] == 2).all()
    assert short.verified[short.found].all()


def test_advice_that_nothing_in_the_history_holds_has_no_set():
    shop = Shop(Linear(np.zeros((4, 4)), [3.0, 2, 1, 0]), {"u": [3]})
    found = removal_sets(shop, customers("u"), k=1)
    assert (found.found[0], found.verified[0], found.ranks_after[0]) == (False, False, -1)
    assert found.describe(0) == "The model would list the item even without any history."


def test_no_set_is_sought_larger_than_allowed():
    weights = np.zeros((8, 8))
    weights[:6, 6] = 1.0
    shop = Shop(Linear(weights, [0.0] * 7 + [0.5]), {"u": [0, 1, 2, 3, 4, 5]})
    limited = removal_sets(shop, customers("u"), k=1, max_size=4)
    assert limited.describe(0) == "No set of up to 4 items takes it off the list."
    assert limited.at_least[0] == 5
    assert removal_sets(shop, customers("u"), k=1).sizes.tolist() == [6]


def test_an_item_below_the_list_has_nothing_to_lose():
    shop = linear_shop()
    cases = advised_cases(shop, customers("u0"), listed=Listed(k=5))
    (scores,) = cases.scores(cases.histories)
    last = np.where(cases.open_to(0), scores, np.inf).argmin()
    X = pd.DataFrame({"customer": ["u0"], "article": [f"i{last:03d}"]})
    found = removal_sets(shop, X, k=5)
    assert found.describe(0).endswith("not among the first 5 as it is.")
    assert found.n_evaluations[0] == 0


def test_equal_scores_are_listed_in_the_order_of_the_items():
    weights = np.zeros((4, 4))
    weights[0, 3] = 1.0  # without item 0 all score 0, and item 3 comes last
    shop = Shop(Linear(weights), {"u": [0]})
    found = removal_sets(shop, customers("u"), k=2)
    assert (found.verified[0], found.ranks_after[0], found.proof[0]) == (True, 3, "smallest")


def test_long_histories_are_proven_without_trying_all_subsets():
    weights = weights_of(300, seed=4) * (np.random.default_rng(4).random((300, 300)) < 0.1)
    shop = Shop(Linear(weights), histories_of(4, 300, longest=120, seed=3))
    found = removal_sets(shop, customers(*shop.users_.values), k=5, max_sets=0)
    assert (found.sizes >= 1).all()
    assert (found.at_least <= found.sizes).all()
    assert "smallest" in found.proof


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_size": 0}, ValueError, "max_size must be a whole number from 1 on, got 0"),
        ({"max_sets": -1}, ValueError, "max_sets must be 0 or more, got -1"),
        ({"k": 30}, SchemaError, "k must leave an item at rank k [+] 1"),
    ],
)
def test_what_cannot_be_searched_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        removal_sets(linear_shop(), customers("u0"), **options)


def test_a_row_that_is_none_has_no_names():
    with pytest.raises(IndexError, match="row must be a position below 1"):
        removal_sets(linear_shop(), customers("u0")).names(1)
