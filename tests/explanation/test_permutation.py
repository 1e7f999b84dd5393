"""Permutation values against exact ones, and their errors against what happens."""

import numpy as np
import pytest

from appkit.explanation import EncodedTableGame, exact_shapley, permutation_shapley
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table, tangled

POPULATION = make_numbers(1000, n_columns=4, seed=7)


def _errors_in_standard_errors(X, background, truth, *, seed, budget):
    found = permutation_shapley(game_of(tangled, X, background), random_state=seed, max_evaluations=budget)
    return (found.values - truth.values) / found.standard_error


def test_values_lie_within_four_standard_errors_of_enumeration():
    X, background = make_numbers(10, n_columns=4), make_numbers(100, n_columns=4, seed=1)
    truth = exact_shapley(game_of(tangled, X, background))
    errors = _errors_in_standard_errors(X, background, truth, seed=0, budget=2000)
    assert np.abs(errors).max() < 4


def test_two_standard_errors_cover_the_population_nineteen_times_in_twenty():
    X = make_numbers(8, n_columns=4)
    truth = exact_shapley(game_of(tangled, X, POPULATION))
    covered = [
        np.abs(_errors_in_standard_errors(X, POPULATION, truth, seed=seed, budget=400)) < 2 for seed in range(60)
    ]
    assert 0.90 < np.mean(covered) < 0.99


def test_two_standard_errors_cover_the_population_when_the_background_is_a_small_sample_of_it():
    X = make_numbers(8, n_columns=4)
    truth = exact_shapley(game_of(tangled, X, POPULATION))
    covered = [
        np.abs(_errors_in_standard_errors(X, POPULATION.sample(40, random_state=seed), truth, seed=seed, budget=1000))
        < 2
        for seed in range(60)
    ]
    assert 0.88 < np.mean(covered) < 0.99


def test_two_standard_errors_cover_the_global_importance():
    X = make_numbers(8, n_columns=4)
    truth = exact_shapley(game_of(tangled, X, POPULATION)).global_importance
    covered = []
    for seed in range(60):
        found = permutation_shapley(game_of(tangled, X, POPULATION), random_state=seed, max_evaluations=1000)
        covered.append(np.abs(found.global_importance - truth) < 2 * found.global_standard_error)
    assert 0.85 < np.mean(covered) <= 1


def test_the_control_variate_halves_the_error_of_a_smooth_game():
    X, weights = make_numbers(8, n_columns=4), np.array([0.5, -0.4, 0.3, 0.2])
    truth = exact_shapley(game_of(lambda x: np.tanh(x @ weights), X, POPULATION)).values
    errors = {True: [], False: []}
    for controlled, found in errors.items():
        for seed in range(10):
            game = game_of(lambda x: np.tanh(x @ weights), X, POPULATION)
            if not controlled:
                game.reference_features = lambda: None
            found.append(np.abs(permutation_shapley(game, random_state=seed, max_evaluations=400).values - truth))
    assert np.mean(errors[True]) < 0.5 * np.mean(errors[False])


def test_a_linear_game_is_exact_under_the_control_variate():
    X, weights = make_numbers(3, n_columns=4), np.arange(4.0)
    found = permutation_shapley(game_of(lambda x: x @ weights, X, POPULATION), random_state=0)
    np.testing.assert_allclose(found.values[..., 0], weights * (X - POPULATION.mean()), atol=1e-9)
    expected = weights * POPULATION.std().to_numpy() / 1000**0.5
    np.testing.assert_allclose(found.standard_error[..., 0], np.tile(expected, (3, 1)), atol=1e-9)


@pytest.mark.parametrize("units", ["probability", "log-odds", "value"])
def test_one_member_per_permutation_still_aims_at_the_mean_of_all(units):
    model, X = FakeEnsemble(), make_table(10)
    truth = exact_shapley(EncodedTableGame(model, X, model.background_, units=units))
    found = permutation_shapley(
        EncodedTableGame(model, X, model.background_, units=units), random_state=0, max_evaluations=6000
    )
    used = found.standard_error > 0
    assert used[:, :3].all()
    assert np.abs((found.values - truth.values)[used] / found.standard_error[used]).max() < 4


def test_members_are_asked_one_at_a_time_only_where_the_output_is_their_mean():
    model, X = FakeEnsemble(), make_table(3)
    assert EncodedTableGame(model, X, X, units="probability").n_members == 3
    assert EncodedTableGame(model, X, X, units="log-odds").n_members == 1


def test_what_no_draw_saw_is_shared_and_counted_as_error():
    X, background = make_numbers(1, n_columns=2) * 0, make_numbers(1000, n_columns=2) * 0
    background.loc[999, "x0"] = 1.0  # the one row that matters is hardly ever drawn
    found = permutation_shapley(game_of(lambda x: x[:, 0], X, background), random_state=0, max_evaluations=50)
    assert found.values.sum() == pytest.approx(-0.001)
    assert (np.abs(found.standard_error) > 0).all()


def test_a_budget_below_twenty_pairs_is_refused_with_the_one_that_suffices():
    X = make_numbers(2, n_columns=4)
    with pytest.raises(ValueError, match=r"at least 121 .*got 120"):
        permutation_shapley(game_of(tangled, X, X), max_evaluations=120)


@pytest.mark.parametrize("budget", [121, 500, 2048])
def test_evaluations_stay_within_the_budget_and_the_background(budget):
    X, background = make_numbers(10, n_columns=4), make_numbers(30, n_columns=4, seed=1)
    found = permutation_shapley(game_of(tangled, X, background), random_state=0, max_evaluations=budget)
    shared_by_ten_rows = (30 + budget) / 10
    assert 0.5 * budget < found.n_evaluations <= budget + shared_by_ten_rows
