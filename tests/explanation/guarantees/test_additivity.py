"""Values of every additive method sum to what the model says less what it says on average."""

import numpy as np
import pytest

from appkit.explanation import explain, explainers
from appkit.explanation.trees import tree_shapley
from tests.explanation.guarantees.catalogue import ADDITIVE, PROBLEMS, SEEDS, cases
from tests.explanation.guarantees.problem import explained
from tests.explanation.guarantees.set_functions import SetFunctionGame, random_tables
from tests.explanation.guarantees.tables import CLASSIFIERS, fitted, make_credit, rows_for


def assert_additive(explanation):
    assert explanation.is_additive
    total = np.nansum(explanation.values, axis=1)
    np.testing.assert_allclose(total, explanation.output - explanation.base_value, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "method"), cases(ADDITIVE))
def test_values_sum_to_the_output_less_the_base(name, method, seed):
    assert_additive(explained(PROBLEMS[name](seed), method, seed=seed))


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_ends_are_what_the_model_says_of_the_row_and_of_the_background(name):
    problem = PROBLEMS[name](2)
    explanation = explained(problem, "permutation")
    for row, n_players in enumerate(problem.n_players):
        everybody = np.ones(n_players, dtype=bool)
        np.testing.assert_allclose(explanation.output[row], problem.said(row, everybody), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(explanation.base_value[row], problem.said(row, ~everybody), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("n_players", [1, 2, 6, 9])
@pytest.mark.parametrize("method", ["exact", "permutation", "regression", "shapley"])
def test_random_set_functions_are_shared_out_to_the_last_bit(method, n_players, n_members):
    game = SetFunctionGame(random_tables(3, 8, n_members, n_players=n_players, seed=n_players))
    assert_additive(explainers()[method](game, random_state=0))


@pytest.mark.parametrize("target_error", [0.5, 0.05])
@pytest.mark.parametrize("name", ["columns, attention", "history, gru", "table, tabm, probability"])
def test_values_sum_wherever_a_row_stops(name, target_error):
    assert_additive(explained(PROBLEMS[name](0), "permutation", target_error=target_error))


@pytest.mark.parametrize("method", ["exact", "permutation", "regression"])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_values_of_the_conditional_game_sum_too(kind, method):
    X = rows_for(kind, make_credit(60, seed=7)[0])
    explanation = explain(
        fitted(kind), X[:4], method, background=X[4:], correlated="conditional", units="log-odds", random_state=0
    )
    assert_additive(explanation)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_values_of_the_shap_package_sum_too(kind):
    X = rows_for(kind, make_credit(20, seed=7)[0])
    assert_additive(explain(fitted(kind), X[:2], background=X[16:], backend="shap", random_state=0))


def test_tree_values_of_categories_sum_to_the_margin():
    X = rows_for("xgboost", make_credit(20, seed=7)[0])
    explanation = tree_shapley(fitted("xgboost"), X)
    assert_additive(explanation)
    np.testing.assert_allclose(explanation.output[:, 0], fitted("xgboost").predict(X, output_margin=True))
