"""Exact values against every order of the players, and against algebra."""

import numpy as np
import pytest

from appkit.explanation import exact_shapley
from tests.explanation.fakes import brute_force, game_of, make_numbers, tangled


@pytest.mark.parametrize("n_players", [3, 4, 6])
def test_exact_values_equal_the_average_over_all_orders(n_players):
    X, background = make_numbers(2, n_columns=n_players), make_numbers(20, n_columns=n_players, seed=1)
    explanation = exact_shapley(game_of(tangled, X, background))
    for row in range(len(X)):
        expected = brute_force(tangled, X.to_numpy()[row], background.to_numpy())
        np.testing.assert_allclose(explanation.values[row, :, 0], expected, atol=1e-10)


def test_a_linear_game_gives_weight_times_distance_from_the_background_mean():
    X, background, weights = make_numbers(4, n_columns=5), make_numbers(30, n_columns=5, seed=1), np.arange(5.0)
    explanation = exact_shapley(game_of(lambda x: x @ weights, X, background))
    np.testing.assert_allclose(explanation.values[..., 0], weights * (X - background.mean()), atol=1e-10)


def test_a_product_of_two_is_shared_equally_over_a_background_of_zeros():
    X = make_numbers(3, n_columns=3)
    explanation = exact_shapley(game_of(lambda x: x[:, 0] * x[:, 1], X, 0 * X[:1]))
    half = (X["x0"] * X["x1"] / 2).to_numpy()
    np.testing.assert_allclose(explanation.values[..., 0], np.column_stack([half, half, 0 * half]), atol=1e-12)


def test_the_standard_error_of_a_linear_game_is_that_of_the_background_mean():
    X, background, weights = make_numbers(2, n_columns=3), make_numbers(50, n_columns=3, seed=1), np.array([1.0, 2, 3])
    explanation = exact_shapley(game_of(lambda x: x @ weights, X, background))
    expected = weights * background.std(ddof=1).to_numpy() / 50**0.5
    np.testing.assert_allclose(explanation.standard_error[..., 0], np.tile(expected, (2, 1)))


def test_one_background_row_leaves_no_error():
    X = make_numbers(2, n_columns=3)
    explanation = exact_shapley(game_of(tangled, X, X[:1]))
    assert (explanation.standard_error == 0).all()


def test_evaluations_are_every_inner_coalition_with_every_background_row_and_the_ends():
    X, background = make_numbers(10, n_columns=3), make_numbers(7, n_columns=3, seed=1)
    asked = []
    game = game_of(lambda x: asked.append(len(x)) or tangled(x), X, background)
    explanation = exact_shapley(game)
    inner, full = (2**3 - 2) * 7, 2
    assert explanation.n_evaluations == inner + full + 1  # 7 evaluations of the background are shared by ten rows
    assert len(asked) * game._batch_size >= 10 * explanation.n_evaluations - 10


def test_many_players_are_refused_with_a_way_out():
    X = make_numbers(1, n_columns=13)
    with pytest.raises(ValueError, match=r"at most 12 players, got 13.*permutation"):
        exact_shapley(game_of(tangled, X, X))


def test_a_budget_too_small_is_refused_with_the_one_that_suffices():
    X = make_numbers(5, n_columns=3)
    with pytest.raises(ValueError, match=r"at least 30 .*got 29"):
        exact_shapley(game_of(tangled, X, X), max_evaluations=29)
