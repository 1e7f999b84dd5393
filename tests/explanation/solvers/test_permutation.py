"""Permutation values against exact ones, and their errors against what happens."""

import numpy as np
import pytest

from appkit.explanation import EncodedTableGame, exact_shapley, permutation_shapley
from appkit.explanation.solvers.permutation import _rounds
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
    assert 0.93 < np.mean(covered) < 1


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
    expected = weights * POPULATION.std(ddof=0).to_numpy() / 1000**0.5
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


def test_what_no_draw_saw_is_asked_for_and_counted_as_error():
    X, background = make_numbers(1, n_columns=2) * 0, make_numbers(1000, n_columns=2) * 0
    background.loc[999, "x0"] = 1.0  # the one row that matters is hardly ever drawn
    found = permutation_shapley(game_of(lambda x: x[:, 0], X, background), random_state=0, max_evaluations=50)
    np.testing.assert_allclose(found.values[0, :, 0], [-0.001, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.standard_error[0, :, 0], [0.001, 0.0], atol=1e-12)


def test_a_budget_below_twenty_pairs_is_refused_with_the_one_that_suffices():
    X = make_numbers(2, n_columns=4)
    with pytest.raises(ValueError, match=r"at least 121 .*got 120"):
        permutation_shapley(game_of(tangled, X, X), max_evaluations=120, random_state=0)


@pytest.mark.parametrize("budget", [121, 500, 2048])
def test_evaluations_stay_within_the_budget_and_the_background(budget):
    X, background = make_numbers(10, n_columns=4), make_numbers(30, n_columns=4, seed=1)
    found = permutation_shapley(game_of(tangled, X, background), random_state=0, max_evaluations=budget)
    shared_by_ten_rows = (30 + budget) / 10
    assert 0.5 * budget < found.n_evaluations <= budget + shared_by_ten_rows


def test_rows_stop_at_the_target_error_each_in_its_own_time():
    X = make_numbers(40, n_columns=4)
    found = permutation_shapley(game_of(tangled, X, POPULATION), target_error=0.2, random_state=0)
    assert found.note == ""
    sizes = np.maximum(np.linalg.norm(found.values[..., 0], axis=1), 0.1 * tangled(POPULATION.to_numpy()).std())
    assert (np.linalg.norm(found.standard_error[..., 0], axis=1) <= 0.2 * sizes).all()
    assert len(np.unique(found.row_evaluations)) > 3


def test_a_smaller_target_takes_more_evaluations():
    game = game_of(tangled, make_numbers(20, n_columns=4), POPULATION)
    coarse = permutation_shapley(game, target_error=0.4, random_state=0)
    fine = permutation_shapley(game, target_error=0.15, random_state=0)
    assert fine.row_evaluations.mean() > 3 * coarse.row_evaluations.mean()


def test_two_standard_errors_cover_the_truth_with_adaptive_stopping_on():
    X = make_numbers(30, n_columns=4)
    truth = exact_shapley(game_of(tangled, X, POPULATION)).values
    covered = []
    for seed in range(20):
        found = permutation_shapley(game_of(tangled, X, POPULATION), target_error=0.15, random_state=seed)
        covered.append(np.abs(found.values - truth) < 2 * found.standard_error)
    assert 0.93 < np.mean(covered) < 1


def test_a_row_at_the_base_is_told_to_a_tenth_of_the_spread():
    background = make_numbers(500, n_columns=3, seed=1)
    X = background[:0].copy()
    X.loc[0] = background.mean()  # no effect at all: no share of it can be reached
    found = permutation_shapley(
        game_of(lambda x: x[:, 0] + x[:, 1] * x[:, 2], X, background), target_error=0.5, random_state=0
    )
    assert found.note == ""
    assert found.row_evaluations[0] < 20_000


def test_rows_that_miss_the_target_say_what_kept_them():
    X = make_numbers(5, n_columns=4)
    short = permutation_shapley(game_of(tangled, X, POPULATION), target_error=1e-4, max_evaluations=400, random_state=0)
    assert short.note == "Short of the target error of 0%: 5 of 5 rows used up their evaluations."


def test_a_small_background_stops_what_more_permutations_cannot_mend():
    X = make_numbers(5, n_columns=4)
    found = permutation_shapley(game_of(tangled, X, POPULATION[:30]), target_error=0.01, random_state=0)
    assert "5 of 5 rows are left with the error of a background of 30 rows: give more of them" in found.note
    assert (found.row_evaluations < 2_000).all()


def test_time_that_is_over_stops_after_the_first_round():
    X = make_numbers(5, n_columns=4)
    found = permutation_shapley(game_of(tangled, X, POPULATION), target_error=1e-9, max_seconds=1e-9, random_state=0)
    assert "5 of 5 rows ran out of time" in found.note
    assert (found.row_evaluations == 32 * 6 + 1).all()


def test_a_row_is_explained_as_if_alone_whatever_stops_the_others():
    X = make_numbers(12, n_columns=4)
    together = permutation_shapley(game_of(tangled, X, POPULATION), target_error=0.1, random_state=0)
    alone = permutation_shapley(game_of(tangled, X[7:8], POPULATION), target_error=0.1, random_state=0)
    assert together.values[7].tobytes() == alone.values[0].tobytes()
    assert together.row_evaluations[7] == alone.row_evaluations[0]


@pytest.mark.parametrize("limits", [{"target_error": 0}, {"target_error": -1.0}, {"max_seconds": 0.0}])
def test_limits_must_be_positive(limits):
    X = make_numbers(2, n_columns=4)
    with pytest.raises(ValueError, match="must be positive"):
        permutation_shapley(game_of(tangled, X, X), **limits)


@pytest.mark.parametrize(
    ("n_references", "expected"), [(1, [32, 48, 72, 90]), (40, [32, 40, 80]), (1000, [32, 48, 72, 90])]
)
def test_rounds_grow_by_half_and_close_on_whole_backgrounds(n_references, expected):
    n_pairs = 80 if n_references == 40 else 90
    assert list(_rounds(n_pairs, n_references)) == expected


def _with_flag(n_rows, *, share, seed):
    rng = np.random.default_rng(seed)
    table = make_numbers(n_rows, n_columns=12, seed=seed)
    return table.assign(
        flag=(rng.random(n_rows) < share).astype(float), idle=(rng.random(n_rows) < share).astype(float)
    )


def test_a_flag_that_no_draw_shows_gets_its_effect_and_an_error():
    background, weights = _with_flag(2000, share=0.003, seed=1), np.r_[np.ones(12), 10.0, 0.0]
    X = background[:3].assign(flag=0.0)
    found = permutation_shapley(
        game_of(lambda x: x @ weights, X, background), max_evaluations=900, random_state=0
    )  # some 34 pairs: all of them with the flag down
    truth = -10 * background["flag"].mean()
    np.testing.assert_allclose(found.values[:, 12, 0], truth, rtol=0.1)
    assert (found.standard_error[:, 12, 0] > 0).all()
    assert (found.values[:, 13] == 0).all()
    assert (found.standard_error[:, 13] == 0).all()


def test_two_standard_errors_cover_rare_flags_at_the_default_target():
    background, weights = _with_flag(3000, share=0.01, seed=2), np.r_[np.ones(12), 10.0, 0.0]
    X = background[:3]
    truth = (weights * (X - background.mean()).to_numpy())[:, 12]
    covered = []
    for seed in range(12):
        found = permutation_shapley(game_of(lambda x: x @ weights, X, background), random_state=seed)
        covered.append(np.abs(found.values[:, 12, 0] - truth) <= 2 * found.standard_error[:, 12, 0] + 1e-9)
    assert np.mean(covered) > 0.9


def test_a_fill_of_the_rows_own_is_asked_once():
    X = make_numbers(1, n_columns=2)
    game = game_of(lambda x: x.sum(1), X, X * 0)
    game._fills_are_shared = False
    permutation_shapley(game, max_evaluations=100, random_state=0)
    assert game.n_evaluations <= 104  # 49 pairs, and the ends once each for base, output, first and last


def test_few_background_rows_are_told():
    X = make_numbers(2, n_columns=4)
    found = permutation_shapley(game_of(tangled, X, POPULATION[:5]), max_evaluations=400, random_state=0)
    assert found.note == "Standard errors rest on 5 background rows: give 20 or more."
