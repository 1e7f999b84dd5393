"""Rows with players of their own number are one explanation in the end."""

import numpy as np
import pytest
import torch

from appkit.explanation import RaggedGame, TensorGame, explain_game, explain_parts


@pytest.fixture
def ragged():
    """Rows 0 and 2 have three players, row 1 has two; the output is the weighted sum of what is present."""
    rows = torch.tensor([[1.0, 2, 4], [8, 16, 0], [32, 64, 128]])
    games = [
        TensorGame(
            lambda x: x.sum(1),
            rows[own][:, :n],
            torch.zeros(1, n),
            players=torch.arange(n),
            player_names=[f"player {i}" for i in range(n)],
        )
        for own, n in (([1], 2), ([0, 2], 3))
    ]
    names = np.array([["a", "b", "c"], ["d", "e", None], ["f", "g", "h"]], dtype=object)
    return RaggedGame((np.array([1]), np.array([0, 2])), tuple(games), names)


def test_rows_come_back_in_their_order_and_padded(ragged):
    explanation = explain_game(ragged, "exact")
    nan = np.nan
    np.testing.assert_array_equal(explanation.values[..., 0], [[1, 2, 4], [8, 16, nan], [32, 64, 128]])
    np.testing.assert_array_equal(explanation.data.astype(float), [[1, 2, 4], [8, 16, nan], [32, 64, 128]])
    assert explanation.output[:, 0].tolist() == [7, 24, 224]
    assert explanation.gap[:, 0].tolist() == [0, 0, 0]
    assert explanation.row_player_names is ragged.names


def test_there_is_no_global_importance_of_places(ragged):
    assert np.isnan(explain_game(ragged, "exact").global_importance).all()


def test_the_evaluations_of_each_row_are_told(ragged):
    explanation = explain_game(ragged, "exact")
    assert explanation.row_evaluations.shape == (3,)
    assert explanation.row_evaluations[1] < explanation.row_evaluations[0] == explanation.row_evaluations[2]


def test_all_methods_that_answered_are_named(ragged):
    def exact_for_two(game):
        return explain_game(game, "exact" if len(game.player_names) == 2 else "permutation", random_state=5)

    explanation = explain_parts(ragged, exact_for_two)
    assert explanation.method == "shapley (exact), shapley (permutation)"
    assert explanation.random_state == 5
