"""Deletion and insertion against random orders."""

from dataclasses import replace

import numpy as np
import pytest

from appkit.explanation import explain_game, permutation_shapley
from appkit.explanation.certificate import removal_test
from appkit.explanation.games.ragged import RaggedGame
from appkit.prediction import Estimate
from tests.explanation.certificate.values import explanation_of
from tests.explanation.fakes import game_of, make_numbers

WEIGHTS = np.array([3.0, 2.0, 1.0, 0.0, 0.0])


def linear_game(n_rows: int = 12, *, n_outputs: int = 1):
    X = make_numbers(n_rows, n_columns=5)
    names = [f"output {i}" for i in range(n_outputs)]
    return game_of(lambda x: np.outer(x @ WEIGHTS, 1.0 + np.arange(n_outputs)), X, X[:1] * 0.0, output_names=names)


def test_removal_moves_a_linear_model_by_the_values_removed():
    game = linear_game()
    explanation = permutation_shapley(game, random_state=0)
    test = removal_test(game, explanation, random_state=0)
    values = explanation.values[..., 0]
    toward = np.sort(values * np.sign(values.sum(1, keepdims=True)), axis=1)[:, ::-1]
    assert test.deletion == pytest.approx(np.concatenate([[0.0], toward.cumsum(1).mean(0)]), abs=1e-9)
    assert test.insertion == pytest.approx(test.deletion, abs=1e-9)
    assert test.deletion_area.value == pytest.approx(test.deletion[1:-1].mean())


def test_the_order_of_true_values_moves_more_than_random_orders():
    game = linear_game()
    test = removal_test(game, permutation_shapley(game, random_state=0), random_state=0)
    assert test.deletion_ratio.low > 1
    assert test.deletion_area.value > test.random_area.value


def test_the_reverse_order_moves_less_than_random_orders():
    game = linear_game()
    explanation = permutation_shapley(game, random_state=0)
    test = removal_test(game, replace(explanation, values=-explanation.values), random_state=0)
    assert test.deletion_ratio.high < 1


def test_each_output_has_a_test_of_its_own():
    game = linear_game(n_outputs=2)
    explanation = permutation_shapley(game, random_state=0)
    first, second = (removal_test(game, explanation, output=i, random_state=0) for i in (0, 1))
    assert second.deletion == pytest.approx(2 * first.deletion)


def test_a_ratio_that_does_not_exist_is_none():
    X = make_numbers(4, n_columns=5)
    flat = game_of(lambda x: np.zeros(len(x)), X, X[:1])
    assert removal_test(flat, permutation_shapley(flat, random_state=0), random_state=0).deletion_ratio is None


def test_ratios_are_estimates_with_their_rows():
    game = linear_game()
    ratio = removal_test(game, permutation_shapley(game, random_state=0), random_state=0).insertion_ratio
    assert isinstance(ratio, Estimate)
    assert ratio.n == 12


def test_one_row_is_held_against_many_random_orders():
    game = linear_game(1)
    ratio = removal_test(game, permutation_shapley(game, random_state=0), random_state=0).deletion_ratio
    assert ratio.low < ratio.value < ratio.high
    assert "random orders" in ratio.method


def test_two_players_are_too_few_to_test():
    X = make_numbers(4, n_columns=2)
    game = game_of(lambda x: x.sum(1), X, X[:1])
    assert removal_test(game, permutation_shapley(game, random_state=0), random_state=0) is None


def test_rows_with_different_numbers_of_players_share_one_curve():
    wide, narrow = make_numbers(3, n_columns=5), make_numbers(2, n_columns=3)
    games = (game_of(lambda x: x.sum(1), wide, wide[:1] * 0), game_of(lambda x: x.sum(1), narrow, narrow[:1] * 0))
    ragged = RaggedGame((np.array([0, 2, 4]), np.array([1, 3])), games, np.full((5, 5), "item", dtype=object))
    test = removal_test(ragged, explain_game(ragged, random_state=0), random_state=0)
    assert test.n_rows == 5
    assert test.share.tolist() == pytest.approx(np.linspace(0, 1, 11).tolist())
    assert test.deletion[-1] == pytest.approx(test.random[-1])


def test_the_same_seed_gives_the_same_test():
    game = linear_game()
    explanation = explanation_of(np.random.default_rng(0).normal(size=(12, 5)))
    one, other = (removal_test(game, explanation, random_state=3) for _ in range(2))
    assert one.deletion_ratio == other.deletion_ratio
    assert np.array_equal(one.random, other.random)
