"""Histories: what is left out never happened, whoever is asked and however long the others are."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.explanation import RaggedGame, explain_game, game_from_callable
from appkit.explanation.games import history_game
from tests.explanation.games.networks import Attention, facts_of, seeded, shapley_by_orders, state_of


@pytest.fixture(scope="module")
def network():
    return seeded(lambda: Attention(n_items=20)).eval()


def scores(network, history, length):
    """Return the scores of one history, filled up on the left."""
    padded = [0] * (length - len(history)) + list(history)
    with torch.no_grad():
        return network(torch.tensor([padded]))[0].numpy()


def recency(ids):
    """Answer with the ids as the digits of a number, the latest first."""
    return (ids * 10.0 ** np.arange(ids.shape[1])[::-1]).sum(1)


def test_three_items_match_all_orders(network):
    history = [3, 7, 5]
    explanation = explain_game(history_game(network, [history], outputs=[11]), "exact")

    def value(present):
        return scores(network, np.array(history)[present], 3)[11]

    np.testing.assert_allclose(explanation.values[0, :, 0], shapley_by_orders(value, 3), atol=1e-5)
    assert explanation.base_value[0, 0] == pytest.approx(value(np.zeros(3, dtype=bool)), abs=1e-6)


def test_what_never_happened_lets_the_others_close_ranks():
    (game,) = history_game(recency, [[1, 2, 3]]).games
    coalitions = torch.tensor([[True, True, True], [True, False, True], [True, False, False], [False, False, False]])
    assert game.values(coalitions).flatten().tolist() == [123, 13, 1, 0]


def test_histories_of_different_length_come_back_in_their_order(network):
    histories = [[4, 5, 6, 7], [8], [9, 3, 2, 1], [2, 2]]
    game = history_game(network, histories, outputs=[11])
    assert isinstance(game, RaggedGame)
    explanation = explain_game(game, "exact")
    assert explanation.data[1].tolist()[0] == 8
    np.testing.assert_array_equal(np.isfinite(explanation.values[..., 0]).sum(1), [4, 1, 4, 2])
    np.testing.assert_allclose(
        explanation.output[:, 0], [scores(network, history, 4)[11] for history in histories], atol=1e-6
    )
    np.testing.assert_allclose(
        np.nansum(explanation.values, 1), explanation.output - explanation.base_value, rtol=1e-5, atol=1e-9
    )


def test_an_interaction_that_is_not_read_weighs_exactly_nothing():
    game = history_game(lambda ids: np.tanh((ids == 7).sum(1) + 2.0 * (ids == 5).sum(1)), [[1, 7, 2, 5], [3, 5, 4, 4]])
    for method in ("exact", "permutation"):
        values = explain_game(game, method, random_state=0).values[..., 0]
        assert (values[[0, 0, 1, 1, 1], [0, 2, 0, 2, 3]] == 0).all()
        assert (values[[0, 0, 1], [1, 3, 1]] > 0).all()


def test_an_item_that_comes_twice_is_two_interactions():
    game = history_game(lambda ids: (ids == 7).sum(1) > 1, [[7, 3, 7]], item_names={3: "tea", 7: "cup"})
    assert game.names.tolist() == [["cup", "tea", "cup (2)"]]
    explanation = explain_game(game, "exact")
    assert explanation.values[0, :, 0].tolist() == [0.5, 0, 0.5]
    assert explanation.data.tolist() == [["cup", "tea", "cup"]]
    assert explanation.layout.items.tolist() == [["cup", "tea", "cup"]]


@pytest.mark.parametrize("method", ["exact", "permutation", "lime"])
def test_the_same_bytes_whatever_the_batch_size_and_the_order_of_the_rows(network, method):
    rng = np.random.default_rng(0)
    histories = [rng.integers(1, 20, n).tolist() for n in (4, 6, 4, 3, 6, 6)]
    order = [5, 0, 3, 2, 4, 1]

    def explained(some, batch_size):
        return explain_game(history_game(network, some, outputs=[11], batch_size=batch_size), method, random_state=2)

    straight = explained(histories, 64)
    assert facts_of(straight) == facts_of(explained(histories, 256))
    shuffled = explained([histories[i] for i in order], 512)
    assert shuffled.values.tobytes() == straight.values[order].tobytes()


def test_a_fixed_length_makes_answers_independent_of_company(network):
    alone = explain_game(history_game(network, [[4, 5, 6]], outputs=[11], length=10), "exact")
    together = explain_game(history_game(network, [[4, 5, 6], [1] * 9], outputs=[11], length=10), "exact")
    assert alone.values[0].tobytes() == together.values[0, :3].tobytes()


def test_older_interactions_move_up_where_the_model_reads_the_latest_only():
    game = history_game(recency, [[1, 2, 3]], length=2)
    coalitions = torch.tensor([[True, True, True], [True, False, True], [True, False, False]])
    assert game.games[0].values(coalitions).flatten().tolist() == [23, 13, 1]


def test_older_interactions_than_explained_are_always_present():
    game = history_game(recency, [[1, 2, 3], [4]], n_recent=2, item_names={1: "a", 2: "b", 3: "c", 4: "d"})
    assert game.names.tolist() == [["b", "c"], ["d", None]]
    explanation = explain_game(game, "exact")
    assert explanation.base_value[:, 0].tolist() == [1, 0]
    assert explanation.output[:, 0].tolist() == [123, 4]


def test_each_user_may_have_an_output_of_their_own(network):
    histories = [[4, 5, 6], [8, 9], [1, 2, 3]]
    own = explain_game(history_game(network, histories, outputs=[[11], [12], [13]]), "exact")
    for row, item in enumerate([11, 12, 13]):
        one = explain_game(history_game(network, histories, outputs=[item]), "exact")
        np.testing.assert_array_equal(own.values[row], one.values[row])
        assert own.base_value[row] == one.base_value[row]


def test_all_purchases_of_an_item_are_one_player_at_the_latest_place():
    game = history_game(recency, [[7, 3, 7, 5]], players="items", item_names={3: "tea", 5: "jam", 7: "cup"})
    assert game.names.tolist() == [["tea", "cup (2 times)", "jam"]]
    coalitions = torch.tensor([[True, True, True], [True, False, True], [False, True, False]])
    assert game.games[0].values(coalitions).flatten().tolist() == [7375, 35, 77]
    assert (game.layout.ids.tolist(), game.layout.counts.tolist()) == ([[3, 7, 5]], [[1, 2, 1]])


def test_only_the_items_bought_last_are_explained():
    game = history_game(recency, [[7, 3, 7, 5], [4]], players="items", n_recent=2)
    assert game.names.tolist() == [["7 (2 times)", "5"], ["4", None]]
    explanation = explain_game(game, "exact")
    assert explanation.base_value[:, 0].tolist() == [3, 0]
    assert explanation.output[:, 0].tolist() == [7375, 4]


def test_an_output_may_be_held_against_another(network):
    histories = [[4, 5, 6], [8, 9]]
    margins = explain_game(history_game(network, histories, outputs=[[11], [12]], against=[[13], [14]]), "exact")
    for row, (item, other) in enumerate([(11, 13), (12, 14)]):
        both = explain_game(history_game(network, histories, outputs=[item, other], output_names=["a", "b"]), "exact")
        expected = both.values[row, ..., 0] - both.values[row, ..., 1]
        np.testing.assert_allclose(margins.values[row, ..., 0], expected, atol=1e-6)


def test_another_network_is_asked_about_shortened_histories_too():
    game = history_game(recency, [[1, 2, 3]]).with_network(lambda ids: ids.sum(1).double())
    coalitions = torch.tensor([[True, True, True], [True, False, True]])
    assert game.games[0].values(coalitions).flatten().tolist() == [6, 4]


def test_the_network_is_left_as_found():
    network = seeded(lambda: Attention(n_items=20)).train()
    before = state_of(network)
    game = history_game(network, [[4, 5, 6], [8, 9]], outputs=[11])
    first = explain_game(game, "permutation", random_state=0)
    assert state_of(network) == before
    assert facts_of(first) == facts_of(explain_game(game, "permutation", random_state=0))


def test_a_function_sees_integers_filled_up_on_the_left():
    seen = []
    game = history_game(lambda ids: seen.append(ids) or ids.sum(1), [[5, 6], [7]], pad=-1, length=3)
    explain_game(game, "exact")
    assert {ids.dtype for ids in seen} == {np.dtype(np.int64)}
    assert {tuple(row) for ids in seen for row in ids.tolist()} == {
        (-1, 5, 6), (-1, -1, 5), (-1, -1, 6), (-1, -1, -1), (-1, -1, 7)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("histories", "options", "message"),
    [
        ([], {}, "at least one history"),
        ([[1], []], {}, "in row 1. Leave users without a history out"),
        ([1, 2], {}, "sequence of at least one item id"),
        ([[1], ["tea"]], {}, "integer item ids, as score takes them, got <U3 in row 1"),
        ([[1.0, 2.5]], {}, "got float64 in row 0"),
        ([[1], [3, 0]], {}, "padding id 0, got one in row 1"),
        ([[1]], {"length": 0}, "length must be an integer from 1 on"),
        ([[1]], {"n_recent": 1.5}, "n_recent must be an integer from 1 on"),
        ([[1, 4]], {"item_names": {1: "tea"}}, "4 is missing"),
        ([[1, 4]], {"item_names": ["none", "tea"]}, "4 is missing"),
        ([[-1]], {"item_names": ["none", "tea"]}, "-1 is missing"),
        ([[1]], {"players": "purchases"}, "players must be one of .'interactions', 'items'., got 'purchases'"),
        ([[1]], {"against": [0]}, "against must be positions from 0 on, of the shape of outputs, None"),
        ([[1]], {"outputs": [0], "against": [1, 2]}, r"of the shape of outputs, \(1,\)"),
        ([[1]], {"outputs": [0], "against": [-1]}, "positions from 0 on"),
    ],
)
def test_histories_that_are_none_are_refused(histories, options, message):
    with pytest.raises(ValueError, match=message):
        history_game(lambda ids: ids.sum(1), histories, **options)


def test_a_model_without_an_answer_to_a_new_user_is_refused():
    def mean_of_items(ids):
        known = (ids != 0).sum(1)
        return np.where(known > 0, ids.sum(1) / np.maximum(known, 1), np.nan)

    with pytest.raises(ValueError, match="score must answer a history that is all padding"):
        history_game(mean_of_items, [[1, 2]])
    recent = history_game(mean_of_items, [[1, 2]], n_recent=1)  # nobody asks
    assert explain_game(recent, "exact").output[0, 0] == 1.5


def test_features_of_user_and_item_are_two_players_of_a_table():
    pairs = pd.DataFrame({"age": [30.0, 60], "city": ["Rome", "Oslo"], "price": [5.0, 9], "kind": ["cup", "tea"]})
    game = game_from_callable(
        lambda rows: (rows["age"] / 10 * rows["price"]).to_numpy() + (rows["city"] == "Rome") * (rows["kind"] == "cup"),
        pairs,
        pairs,
        output_names=["score"],
        players={"user": ["age", "city"], "item": ["price", "kind"]},
    )
    explanation = explain_game(game, "exact")
    assert explanation.player_names == ("user", "item")
    assert explanation.data[0].tolist() == ["age=30.0, city=Rome", "price=5.0, kind=cup"]
    # scores of users by items [[16, 27], [30, 54]]; nobody known: 35, the user: 21.5, the item: 23, both: 16
    np.testing.assert_allclose(explanation.values[0, :, 0], [(-13.5 - 7) / 2, (-12 - 5.5) / 2])
