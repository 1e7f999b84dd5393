"""Advice: which item is held against which, who the players are, and what cannot be explained."""

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from appkit.explanation import certify, explain, explain_game
from appkit.explanation.games.model import is_of_histories
from appkit.explanation.games.recommender import recommender_game
from tests.explanation.recommenders import Linear, Shop, linear_shop, saturating_shop, weights_of


def customers(*users):
    return pd.DataFrame({"customer": list(users)})


def advised(users, items):
    return pd.DataFrame({"customer": users, "article": items})


def scores_of(shop, history):
    """Return the scores of a linear shop, summed by hand."""
    weights = shop.item_scorer().weights.double().numpy()
    return shop.item_scorer().base.double().numpy() + weights[np.unique(history)].sum(0)


def test_the_first_advice_is_held_against_the_item_after_the_list():
    shop = linear_shop()
    explanation = explain(shop, customers("u0", "u3"), k=3)
    for row, user in enumerate(["u0", "u3"]):
        (history,) = shop.histories([user])
        scores = scores_of(shop, history)
        order = [item for item in np.argsort(-scores) if item not in history]
        advice = explanation.layout.advice
        assert (advice.items[row], advice.rivals[row]) == (f"i{order[0]:03d}", f"i{order[3]:03d}")
        assert explanation.output[row, 0] == pytest.approx(scores[order[0]] - scores[order[3]], abs=1e-6)
    assert explanation.output_names == ("margin over the item at rank 4",)


def test_an_item_below_the_list_is_held_against_the_last_on_it():
    shop = linear_shop()
    (history,) = shop.histories(["u0"])
    scores = scores_of(shop, history)
    order = [item for item in np.argsort(-scores) if item not in history]
    explanation = explain(shop, advised(["u0"], [f"i{order[6]:03d}"]), k=3)
    assert (explanation.layout.advice.rivals[0], explanation.layout.advice.ranks[0]) == (f"i{order[2]:03d}", 7)
    assert explanation.output.item() < 0


def test_algebra_agrees_with_enumeration():
    shop = linear_shop(n_users=8)
    game = recommender_game(shop, customers(*shop.users_.values), k=4)
    algebra, enumerated = explain_game(game), explain_game(game, "exact")
    assert (algebra.method, enumerated.method) == ("shapley (linear)", "shapley (exact)")
    np.testing.assert_allclose(algebra.values, enumerated.values, atol=2e-6)
    np.testing.assert_allclose(algebra.base_value, enumerated.base_value, atol=1e-12)
    assert (algebra.standard_error[~np.isnan(algebra.values)] == 0).all()


def test_sampling_is_right_within_its_standard_errors():
    shop = saturating_shop(n_users=20, longest=10)
    game = recommender_game(shop, customers(*shop.users_.values), k=4)
    exact = explain_game(game, "exact").values
    sampled = explain_game(game, "permutation", max_evaluations=400, random_state=0)
    is_drawn = sampled.standard_error > 1e-9
    misses = np.abs(sampled.values - exact)[is_drawn] / sampled.standard_error[is_drawn]
    assert is_drawn.sum() > 60
    assert np.mean(misses < 2) > 0.9
    assert misses.max() < 6


def test_leaving_one_out_is_another_question_with_a_name_of_its_own():
    shop = saturating_shop()
    left_out = explain(shop, customers("u1"), "occlusion", k=4)
    (history,) = shop.histories(["u1"])
    game = recommender_game(shop, customers("u1"), k=4)
    assert left_out.method == "occlusion"
    assert left_out.values.shape[1] == len(np.unique(history))
    assert np.abs(left_out.values - explain_game(game).values).max() > 1e-3


def test_every_solver_takes_the_game():
    shop = saturating_shop(longest=12)
    game = recommender_game(shop, customers("u0", "u1"), k=4)
    exact = explain_game(game, "exact").values
    for method, miss in [("regression", 1e-6), ("permutation", 0.05), ("lime", 0.2)]:
        found = explain_game(game, method, random_state=0)
        np.testing.assert_allclose(found.values, exact, atol=miss, err_msg=method)


def test_an_item_bought_again_is_one_player_named_with_its_count():
    shop = Shop(Linear(weights_of(6)), {"u": [0, 3, 0, 0]}, names=["tea", "cup", "pot", "jam", "tin", "mug"])
    explanation = explain(shop, customers("u"), k=2)
    assert explanation.row_player_names.tolist() == [["jam", "tea (3 times)"]]
    assert explanation.data.tolist() == [["jam", "tea"]]
    assert explanation.layout.ids.tolist() == [["i003", "i000"]]
    assert explanation.layout.counts.tolist() == [[1, 3]]


def test_one_advice_is_named_and_equal_names_are_told_apart():
    shop = Shop(
        Linear(weights_of(6)), {"u": [0, 3]}, names={0: "tea", 1: "cup", 2: "cup", 3: "jam", 4: "tin", 5: "mug"}
    )
    explanation = explain(shop, advised(["u"], ["i001"]), k=2, candidates=["i001", "i002", "i003", "i004"])
    assert explanation.output_names[0].startswith("margin of cup [i001] over ")
    assert explanation.row_player_names.tolist() == [["tea", "jam"]]


def test_a_list_of_bought_items_too_may_be_explained():
    shop = linear_shop()
    (history,) = shop.histories(["u0"])
    again = advised(["u0"], [f"i{history[0]:03d}"])
    open_to_all = explain(shop, again, filter_seen=False)
    as_fitted = explain(linear_shop(filter_seen=False), again)
    np.testing.assert_array_equal(open_to_all.values, as_fitted.values)
    assert not open_to_all.layout.advice.filter_seen


def test_only_candidates_compete():
    shop = linear_shop()
    (history,) = shop.histories(["u0"])
    order = [item for item in np.argsort(-scores_of(shop, history)) if item not in history]
    some = [f"i{item:03d}" for item in order[2:7]]
    among = explain(shop, customers("u0"), k=2, candidates=[*some, "never seen"])
    without = explain(shop, customers("u0"), k=2, exclude=[f"i{item:03d}" for item in order[:2]])
    for explanation in (among, without):
        advice = explanation.layout.advice
        assert (advice.items[0], advice.rivals[0], advice.ranks[0]) == (some[0], some[2], 1)


def test_columns_of_recommend_are_read_too():
    shop = linear_shop()
    named = explain(shop, advised(["u0"], ["i019"]))
    told = pd.DataFrame({"user": ["u0"], "item": ["i019"], "rank": [1], "basis": ["history"]})
    np.testing.assert_array_equal(explain(shop, told).values, named.values)


def test_the_latest_items_of_a_long_history_are_explained_and_the_note_says_so():
    scorer = saturating_shop(n_items=80).item_scorer()
    shop = Shop(scorer, {"long": list(range(60)), "short": [1, 2, 3]})
    game = recommender_game(shop, customers("long", "short"))
    assert game.names.shape == (2, 50)
    explanation = explain(shop, customers("long", "short"), n_players=3, k=4)
    assert explanation.note.endswith(
        "Of 1 history the 3 items bought last are explained; older ones are always present."
    )
    assert explanation.row_player_names[0].tolist() == ["i057", "i058", "i059"]
    linear = Shop(Linear(weights_of(80)), {"long": list(range(60))})
    assert recommender_game(linear, customers("long")).names.shape == (1, 60)


def test_rows_are_explained_the_same_in_any_company():
    shop = saturating_shop()
    together = explain(shop, customers("u0", "u1", "u2"), k=4)
    alone = explain(shop, customers("u1"), k=4)
    n = alone.values.shape[1]
    np.testing.assert_allclose(together.values[1, :n], alone.values[0], atol=1e-6)
    assert together.layout.advice.items[1] == alone.layout.advice.items[0]


@pytest.mark.parametrize("shop", [linear_shop(), saturating_shop(longest=10)], ids=["linear", "saturating"])
def test_a_certificate_checks_advice(shop):
    game = recommender_game(shop, customers("u0", "u1", "u2", "u3"), k=3)
    certificate = certify(game, explain_game(game, random_state=0))
    assert certificate["Additivity gap"].verdict == "ok"
    assert certificate["Deletion"].verdict == "ok"
    assert certificate["SHAP and LIME"].measured.value > 0.8
    assert len(certificate.rows) == 4


def test_a_second_seed_and_its_errors_are_checked_where_values_were_drawn():
    shop = saturating_shop(longest=10)
    game = recommender_game(shop, customers("u0", "u1", "u2", "u3"), k=3)
    certificate = certify(game, explain_game(game, "permutation", max_evaluations=400, random_state=0))
    assert certificate["Sampling error"].verdict == "ok"
    assert certificate["Second seed"].measured.value >= 0.8


def test_a_recommender_is_known_by_what_it_offers():
    assert is_of_histories(linear_shop())
    assert not is_of_histories(linear_shop().item_scorer())


@pytest.mark.parametrize(
    ("X", "options", "error", "message"),
    [
        (["u0"], {}, TypeError, "X must be a DataFrame of users"),
        (customers(), {}, SchemaError, "X must have at least one row"),
        (pd.DataFrame({"buyer": ["u0"]}), {}, SchemaError, "X must have the column 'customer' of users"),
        (customers("u0", "who"), {}, SchemaError, r"User 'who' \(row 1\) is unknown to the model"),
        (customers(7), {}, SchemaError, "Column 'customer' must hold text, as at fit"),
        (customers("empty"), {}, SchemaError, r"User 'empty' \(row 0\) has no history: the advice is what is popular"),
        (advised(["u0"], ["i999"]), {}, SchemaError, r"Item 'i999' \(row 0\) was never seen at fit"),
        (
            advised(["u0"], ["i002"]),
            {},
            SchemaError,
            "Item 'i002' .* was already taken by user 'u0'.*filter_seen=False",
        ),
        (advised(["u0"], ["i005"]), {"exclude": ["i005"]}, SchemaError, "is excluded, or none of the candidates"),
        (customers("u0"), {"k": 18}, SchemaError, "to user 'u0' .* 18 items may be advised, got k=18"),
        (customers("u0"), {"k": 0}, ValueError, "k must be a whole number from 1 on, got 0"),
        (customers("u0"), {"candidates": []}, ValueError, "candidates must hold items known at fit"),
        (customers("u0"), {"exclude": "i005"}, TypeError, "exclude must be a list of ids, got 'i005'"),
        (customers("u0"), {"n_players": 0}, ValueError, "n_recent must be an integer from 1 on"),
        (customers("u0"), {"background": customers("u0")}, ValueError, "background is not for recommenders"),
        (customers("u0"), {"outputs": 0}, ValueError, "outputs is not for recommenders"),
        (customers("u0"), {"units": "probability"}, ValueError, "units must be one of"),
        (customers("u0"), {"method": "tree"}, ValueError, "histories need another method"),
        (customers("u0"), {"backend": "shap"}, ValueError, "histories need backend='appkit'"),
        (customers("u0"), {"correlated": "conditional"}, ValueError, "histories need correlated='interventional'"),
    ],
)
def test_what_cannot_be_explained_is_named(X, options, error, message):
    shop = Shop(linear_shop().item_scorer(), {"u0": [2, 3], "empty": []})
    with pytest.raises(error, match=message):
        explain(shop, X, **options)


def test_many_problems_are_counted():
    X = customers(*(f"stranger {i}" for i in range(9)))
    with pytest.raises(SchemaError, match="4 more rows like these") as caught:
        explain(linear_shop(), X)
    assert len(caught.value.problems) == 6


def test_what_a_list_is_made_of_is_for_recommenders_alone():
    X = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(ValueError, match="a model of columns knows no k, got 5"):
        explain(lambda rows: rows["a"], X, background=X, k=5)
