"""Occlusion: one player away at a time, by hand and by brute force."""

import numpy as np
import pytest

from appkit.explanation import EncodedTableGame
from appkit.explanation.solvers.occlusion import occlusion
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table, tangled


def test_a_value_is_what_the_output_loses_on_average_over_the_background():
    X, background = make_numbers(5, n_columns=3), make_numbers(30, n_columns=3, seed=1)
    found = occlusion(game_of(tangled, X, background))
    for row, player in ((0, 0), (4, 2)):
        left = np.tile(X.to_numpy()[row], (30, 1))
        left[:, player] = background.to_numpy()[:, player]
        expected = tangled(X.to_numpy())[row] - tangled(left).mean()
        assert found.values[row, player, 0] == pytest.approx(expected)


def test_the_standard_error_is_the_spread_over_the_background():
    X, background = make_numbers(5, n_columns=3), make_numbers(30, n_columns=3, seed=1)
    found = occlusion(game_of(lambda x: 2 * x[:, 0], X, background))
    assert found.standard_error[:, 0, 0] == pytest.approx(2 * background["x0"].std(ddof=0) / 30**0.5)
    assert (found.standard_error[:, 1:] == 0).all()
    assert (found.values[:, 1:] == 0).all()


def test_two_standard_errors_cover_the_whole_background_when_it_is_sampled():
    X, background = make_numbers(8, n_columns=4), make_numbers(1000, n_columns=4, seed=7)
    truth = occlusion(game_of(tangled, X, background), max_evaluations=4001)
    covered, importance = [], []
    for seed in range(40):
        found = occlusion(game_of(tangled, X, background), max_evaluations=401, random_state=seed)
        covered.append(np.abs(found.values - truth.values) <= 2 * found.standard_error)
        gap = np.abs(found.global_importance - truth.global_importance)
        importance.append(gap <= 2 * found.global_standard_error)
    assert np.mean(covered) > 0.93
    assert np.mean(importance) > 0.9


def test_a_single_reference_leaves_no_error():
    X = make_numbers(3, n_columns=3)
    found = occlusion(game_of(tangled, X, X.iloc[:1]))
    assert (found.standard_error == 0).all()
    assert found.random_state is None


def test_evaluations_stay_within_the_budget():
    X, background = make_numbers(10, n_columns=4), make_numbers(500, n_columns=4, seed=1)
    found = occlusion(game_of(tangled, X, background), max_evaluations=200, random_state=0)
    assert 190 < found.n_evaluations - 500 / 10 <= 200
    assert found.random_state == 0


def test_a_budget_below_twenty_references_is_refused_with_the_one_that_suffices():
    X = make_numbers(30, n_columns=4)
    with pytest.raises(ValueError, match=r"at least 81 .*got 80"):
        occlusion(game_of(tangled, X, X), max_evaluations=80)


def test_a_large_game_gets_twenty_references_unasked():
    X = make_numbers(30, n_columns=200)
    assert 20 * 200 < occlusion(game_of(tangled, X.iloc[:2], X)).n_evaluations < 20 * 200 + 20


def test_values_promise_no_sum():
    X = make_numbers(3, n_columns=3)
    found = occlusion(game_of(tangled, X, X))
    assert not found.is_additive
    assert np.isnan(found.gap).all()


def test_the_batch_and_the_order_of_rows_leave_the_bytes_alone():
    model, X, background = FakeEnsemble(n_outputs=2), make_table(9), make_table(100, seed=1)
    small = occlusion(EncodedTableGame(model, X, background, units="value", batch_size=64), random_state=3)
    large = occlusion(EncodedTableGame(model, X[::-1], background, units="value", batch_size=1024), random_state=3)
    assert small.values.tobytes() == large.values[::-1].tobytes()
    assert small.standard_error.tobytes() == large.standard_error[::-1].tobytes()
