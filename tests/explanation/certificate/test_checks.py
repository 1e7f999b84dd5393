"""One check at a time: its number, its limit, its words."""

from dataclasses import replace

import numpy as np
import pytest

from appkit.explanation import explain_game, lime_surrogate, permutation_shapley
from appkit.explanation.certificate import certify
from appkit.explanation.certificate.checks import decide
from appkit.explanation.certificate.rerun import lime_beside, with_next_seed
from appkit.explanation.games.ragged import RaggedGame
from appkit.prediction import Estimate
from tests.explanation.fakes import game_of, make_numbers, tangled


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0.85, 0.95, "ok"), (0.75, 0.85, "warn"), (0.6, 0.7, "bad"), (0.8, 0.8, "ok")]
)
def test_the_interval_decides(low, high, expected):
    measured = Estimate("Second seed", (low + high) / 2, low, high, method="Wald", n=9)
    assert decide(measured, (0.8, None)) == expected
    assert decide(measured, None) == "info"


def tangled_game(n_rows: int = 8):
    return game_of(tangled, make_numbers(n_rows, n_columns=7), make_numbers(30, n_columns=7, seed=1))


def test_the_second_explanation_has_the_next_seed_and_no_smaller_budget():
    game = tangled_game()
    first = permutation_shapley(game, max_evaluations=600, random_state=4)
    second = with_next_seed(game, first)
    assert (second.random_state, second.method) == (5, first.method)
    assert (second.row_evaluations >= first.row_evaluations).all()


def test_parts_explained_by_two_methods_are_run_again_by_the_same_choice():
    wide, narrow = make_numbers(2, n_columns=16), make_numbers(1, n_columns=3)
    games = (game_of(lambda x: x.sum(1), narrow, narrow * 0), game_of(lambda x: x.prod(1), wide, wide[:1] * 0))
    ragged = RaggedGame((np.array([1]), np.array([0, 2])), games, np.full((3, 16), "item", dtype=object))
    first = explain_game(ragged, random_state=0)
    assert first.method == "shapley (exact), shapley (permutation)"
    second = with_next_seed(ragged, first)
    assert (second.method, second.random_state) == (first.method, 1)


def test_lime_is_run_again_as_lime():
    game = tangled_game()
    assert with_next_seed(game, lime_surrogate(game, max_evaluations=100, random_state=0)).method == "lime"
    assert lime_beside(game, lime_surrogate(game, random_state=0), random_state=0) is None


def test_the_second_seed_counts_shares_jaccard_and_whole_top_fives():
    X = make_numbers(8, n_columns=7)
    game = game_of(lambda x: x @ np.arange(1.0, 8.0), X, X[:1] * 0)
    first = permutation_shapley(game, random_state=0)
    swapped = first.values.copy()
    order = np.argsort(-np.abs(swapped[0, :, 0]))
    swapped[0, order[[4, 5]]] = swapped[0, order[[5, 4]]]  # one of five leaves the first row's top five
    check = certify(game, first, second=replace(first, values=swapped, random_state=1))["Second seed"]
    assert check.measured.value == pytest.approx((0.8 + 7) / 8)
    assert check.words == "98% (Jaccard 0.96); the whole top five in 88% of rows"


def test_the_sampling_error_says_how_many_rows_are_within_its_limit():
    game = tangled_game()
    first = permutation_shapley(game, random_state=0)
    errors = np.zeros_like(first.standard_error)
    errors[:2, 0] = 100.0
    check = certify(game, replace(first, standard_error=errors))["Sampling error"]
    assert check.words.endswith("75% of rows within 0.25")


def test_a_method_without_errors_has_no_sampling_check():
    game = tangled_game()
    first = permutation_shapley(game, random_state=0)
    unknown = replace(first, standard_error=np.full_like(first.values, np.nan))
    assert "Sampling error" not in {check.name for check in certify(game, unknown).checks}
