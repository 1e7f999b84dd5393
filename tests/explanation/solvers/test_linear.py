"""Sums are read off, and only sums."""

import numpy as np
import pytest
import torch

from appkit.explanation import explain_game, game_from_callable
from appkit.explanation.games import history_game
from tests.explanation.fakes import make_numbers
from tests.explanation.recommenders import Linear, Saturating, weights_of


def test_a_sum_over_items_gives_its_summands():
    scorer = Linear(np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, -0.5, 0.0]]), base=1.0)
    game = history_game(scorer, [[0, 2, 0]], pad=3, players="items", outputs=[1])
    explanation = explain_game(game)
    assert game.names.tolist() == [["2", "0 (2 times)"]]
    assert explanation.values[0, :, 0].tolist() == [-0.5, 2.0]
    assert (explanation.base_value.item(), explanation.output.item(), explanation.method) == (
        1,
        2.5,
        "shapley (linear)",
    )
    assert explanation.note.startswith("The output is a sum over players")


def test_nothing_is_drawn_and_four_evaluations_of_a_margin_are_counted():
    game = history_game(
        Linear(weights_of(6)),
        [[0, 2, 1]],
        pad=6,
        players="items",
        outputs=[[4]],
        against=[[5]],
        output_names=["margin"],
    )
    explanation = explain_game(game, "linear")
    assert (explanation.n_evaluations, explanation.random_state, explanation.standard_error.any()) == (4, None, False)
    assert abs(explanation.residual.item()) < 1e-6


def test_all_outputs_are_read_off_where_none_is_chosen():
    scorer, names = Linear(weights_of(6)), [f"score of {i}" for i in range(6)]
    game = history_game(scorer, [[0, 2, 1], [3]], pad=6, players="items", output_names=names)
    exact = explain_game(game, "exact")
    np.testing.assert_allclose(explain_game(game, "linear").values, exact.values, atol=1e-6)


def test_a_table_is_no_sum_over_its_players():
    X = make_numbers(5, n_columns=2)
    game = game_from_callable(lambda rows: rows["x0"], X, X, output_names=["y"])
    with pytest.raises(ValueError, match="method='linear' explains outputs that are sums over their players"):
        explain_game(game, "linear")


@pytest.mark.parametrize(
    "options",
    [
        {"score": Saturating(weights_of(6)), "players": "items"},  # does not add up
        {"score": Linear(weights_of(6)), "players": "interactions"},  # a second purchase adds nothing
        {"score": Linear(weights_of(6)), "players": "items", "length": 2},  # an older item moves up
    ],
)
def test_what_does_not_add_up_is_enumerated(options):
    score = options.pop("score")
    game = history_game(score, [[0, 2, 1]], pad=6, outputs=[4], **options)
    assert explain_game(game).method == "shapley (exact)"
    with pytest.raises(ValueError, match="method='linear'"):
        explain_game(game, "linear")


def test_a_scorer_that_claims_to_add_up_and_does_not_is_found_out():
    class Boastful(Saturating):
        is_additive = True

    game = history_game(Boastful(weights_of(6)), [[0, 2, 1]], pad=6, players="items", outputs=[4])
    with pytest.raises(ValueError, match="Contributions must sum to the output less the base value"):
        explain_game(game)


def test_older_items_than_explained_count_for_the_base_value():
    scorer = Linear(weights_of(6))
    game = history_game(scorer, [[0, 2, 1]], pad=6, players="items", n_recent=2, outputs=[4])
    explanation = explain_game(game)
    with torch.no_grad():
        assert explanation.base_value.item() == pytest.approx(scorer(torch.tensor([[6, 6, 0]]))[0, 4].item())
    assert abs(explanation.gap.item()) < 1e-6
