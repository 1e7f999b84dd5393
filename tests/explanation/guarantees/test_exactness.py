"""Exact methods give what enumerating every coalition gives, through the model's own door and no game."""

import numpy as np
import pytest

from appkit.explanation import exact_shapley, explain_game
from appkit.explanation.solvers import regression_shapley
from tests.explanation.guarantees.catalogue import PROBLEMS, SEEDS
from tests.explanation.guarantees.problem import enumerated, explained
from tests.explanation.guarantees.set_functions import SetFunctionGame, random_tables

ROWS = (1, 2)  # of different number of players, where rows differ


def assert_close(found, truth):
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-5 * np.abs(truth).max())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_exact_values_match_enumeration(name, seed):
    problem = PROBLEMS[name](seed)
    found = explained(problem, "exact")
    for row in ROWS:
        n_players = problem.n_players[row]
        truth = enumerated(lambda present, row=row: problem.said(row, present), n_players)
        assert_close(found.values[row, :n_players], truth)


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_affordable_is_exact_without_asking(name):
    problem = PROBLEMS[name](0)
    picked, exact = explained(problem, "auto"), explained(problem, "exact")
    assert picked.method == "shapley (exact)"
    assert picked.values.tobytes() == exact.values.tobytes()


@pytest.mark.parametrize(
    "name", [name for name in PROBLEMS if name.startswith(("columns,", "codes", "series", "image", "history"))]
)
def test_a_regression_on_all_coalitions_matches_enumeration(name):
    problem = PROBLEMS[name](0)
    exact = explained(problem, "exact")
    found = explained(problem, "regression", max_evaluations=2**6 * 6 + 4)  # six players, six background rows
    np.testing.assert_allclose(found.values, exact.values, rtol=0, atol=1e-9 * np.nanmax(np.abs(exact.values)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_members", [1, 3])
def test_random_set_functions_match_enumeration(n_members, seed):
    said = random_tables(2, 7, n_members, n_players=6, seed=seed)
    found = explain_game(SetFunctionGame(said), "exact")
    place = 2 ** np.arange(6)
    for row in range(2):
        truth = enumerated(lambda present, row=row: said[row, :, :, present @ place].mean(keepdims=True)[0], 6)
        np.testing.assert_allclose(found.values[row], truth, atol=1e-12)


def test_the_error_of_exact_values_is_the_spread_of_the_background_rows():
    said = random_tables(1, 7, 1, n_players=5, seed=0)
    place = 2 ** np.arange(5)
    each = [enumerated(lambda present, r=r: said[0, r, :, present @ place], 5) for r in range(7)]
    found = exact_shapley(SetFunctionGame(said))
    np.testing.assert_allclose(found.standard_error[0], np.std(each, axis=0, ddof=1) / 7**0.5, atol=1e-12)


@pytest.mark.parametrize("n_players", [2, 4, 7])
def test_a_regression_on_all_coalitions_of_a_set_function_matches_enumeration(n_players):
    said = random_tables(3, 5, 1, n_players=n_players, seed=n_players)
    exact = exact_shapley(SetFunctionGame(said))
    found = regression_shapley(SetFunctionGame(said), max_evaluations=2**n_players * 5 + 4, random_state=0)
    np.testing.assert_allclose(found.values, exact.values, atol=1e-9)


@pytest.mark.parametrize(
    "name", ["columns, silu", "series, lstm", "codes, embedding", "table, disagreeing members, probability"]
)
def test_more_evaluations_bring_permutations_to_the_enumerated_values(name):
    problem = PROBLEMS[name](0)
    truth = explained(problem, "exact").values
    few, many = (
        np.linalg.norm(explained(problem, "permutation", max_evaluations=n).values - truth) / np.linalg.norm(truth)
        for n in (240, 24000)
    )
    assert many < 0.03
    assert many < 0.5 * few
