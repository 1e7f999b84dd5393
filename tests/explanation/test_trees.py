"""Tree values against enumeration, against the margin that predict gives, and where they must refuse."""

import numpy as np
import pandas as pd
import pytest
import xgboost

from appkit.explanation import exact_shapley, game_from_callable
from appkit.explanation.shap_package import import_shap
from appkit.explanation.trees import tree_shapley

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(300, 4)), columns=["a", "b", "c", "d"])
X.loc[::7, "a"] = np.nan
EVENT = (X["a"].fillna(1.0) + X["b"] * X["c"] > 0).astype(int)
GRADE = (X["b"] > 0).astype(int) + (X["c"] > 0)
FRAME = X.assign(town=pd.Categorical(np.where(X["b"] > 0, "north", "south")))

MODELS = {
    "binary, weighted": lambda: xgboost.XGBClassifier(n_estimators=30, scale_pos_weight=3.0, base_score=0.3).fit(
        X, EVENT
    ),
    "several classes": lambda: xgboost.XGBClassifier(n_estimators=20).fit(X, GRADE),
    "several labels": lambda: xgboost.XGBClassifier(n_estimators=10).fit(X, np.column_stack([EVENT, GRADE > 0])),
    "regression": lambda: xgboost.XGBRegressor(n_estimators=30).fit(X, 1000 * X["b"]),
    "several targets": lambda: xgboost.XGBRegressor(n_estimators=10).fit(X, X[["b", "c"]]),
    "counts": lambda: xgboost.XGBRegressor(n_estimators=10, objective="count:poisson").fit(X, GRADE),
    "ranking": lambda: xgboost.XGBRanker(n_estimators=5).fit(X, EVENT, qid=np.arange(300) // 30),
    "early stopping": lambda: xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=2).fit(
        X[:200], GRADE[:200], eval_set=[(X[200:], GRADE[200:])], verbose=False
    ),
}
PATH_DEPENDENT_ONLY = {
    "dart": lambda: xgboost.XGBClassifier(n_estimators=20, booster="dart", rate_drop=0.3).fit(X, EVENT),
    "forest": lambda: xgboost.XGBRFClassifier(n_estimators=10).fit(X, EVENT),
}


def _margin(model, rows):
    answer = model.predict(rows, output_margin=True)
    return answer.reshape(len(rows), -1)


@pytest.mark.parametrize("name", [*MODELS, *PATH_DEPENDENT_ONLY])
def test_values_sum_to_the_margin_that_the_model_itself_gives(name):
    model = {**MODELS, **PATH_DEPENDENT_ONLY}[name]()
    found = tree_shapley(model, X[:20])
    np.testing.assert_array_equal(found.output, _margin(model, X[:20]))
    scale = np.abs(found.output).max() + np.abs(found.values).sum(1).max()
    assert np.abs(found.gap).max() < 1e-9 * scale
    assert np.abs(found.residual).max() < 1e-5 * scale


@pytest.mark.parametrize("name", MODELS)
def test_interventional_values_are_those_of_enumeration(name):
    model, rows, background = MODELS[name](), X[:5], X[100:225]
    found = tree_shapley(model, rows, background=background)
    truth = exact_shapley(
        game_from_callable(lambda frame: _margin(model, frame), rows, background, output_names=found.output_names)
    )
    scale = np.abs(truth.values).max()
    np.testing.assert_allclose(found.values, truth.values, atol=1e-5 * scale)
    np.testing.assert_allclose(found.base_value, truth.base_value, atol=1e-5 * scale)
    np.testing.assert_allclose(found.standard_error, truth.standard_error, atol=1e-5 * scale)
    assert found.method == "shapley (tree, interventional)"


def test_path_dependent_values_are_those_of_the_shap_package():
    model = MODELS["binary, weighted"]()
    found = tree_shapley(model, X[:20])
    expected = import_shap().TreeExplainer(model).shap_values(X[:20])
    np.testing.assert_allclose(found.values[..., 0], expected, atol=1e-5)
    assert found.method == "shapley (tree, path-dependent)"


def test_a_column_no_tree_splits_on_gets_exactly_nothing():
    model = xgboost.XGBClassifier(n_estimators=10, interaction_constraints=[["b"]]).fit(X[["b"]].assign(d=0.0), EVENT)
    rows = X[["b", "d"]]
    assert (tree_shapley(model, rows[:9]).values[:, 1] == 0).all()
    assert (tree_shapley(model, rows[:9], background=rows).values[:, 1] == 0).all()


def test_early_stopping_ends_where_predict_ends():
    model = MODELS["early stopping"]()
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    stopped, all_trees = tree_shapley(model, X[:5]), tree_shapley(model.get_booster(), X[:5])
    np.testing.assert_array_equal(stopped.output, _margin(model, X[:5]))
    assert np.abs(stopped.output - all_trees.output).max() > 0.01


def test_a_booster_and_arrays_will_do():
    model = xgboost.XGBClassifier(n_estimators=5).fit(X.to_numpy(), EVENT)
    by_model, by_booster = (tree_shapley(m, X.to_numpy()[:5]) for m in (model, model.get_booster()))
    np.testing.assert_array_equal(by_model.values, by_booster.values)
    assert by_model.player_names == ("x0", "x1", "x2", "x3")
    assert by_model.output_names == ("1",)


def test_categories_follow_the_trees():
    model = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True).fit(FRAME[["a", "town"]], EVENT)
    found = tree_shapley(model, FRAME[["a", "town"]][:30])
    assert np.abs(found.values[:, 1]).min() > 0
    assert found.data[0, 1] in ("north", "south")


def test_a_number_that_stands_for_missing_is_missing():
    coded = X.fillna(-999.0)
    model = xgboost.XGBClassifier(n_estimators=20, missing=-999.0).fit(coded, EVENT)
    plain = xgboost.XGBClassifier(n_estimators=20).fit(X, EVENT)
    for background in (None, X[:60]):
        found = tree_shapley(model, coded[:9], background=None if background is None else background.fillna(-999.0))
        expected = tree_shapley(plain, X[:9], background=background)
        np.testing.assert_allclose(found.values, expected.values, atol=1e-6)


def test_outputs_are_chosen_by_class_name_or_position():
    model = MODELS["several classes"]()
    every, one = tree_shapley(model, X[:5]), tree_shapley(model, X[:5], outputs=["2", 0])
    assert every.output_names == ("0", "1", "2")
    assert one.output_names == ("2", "0")
    np.testing.assert_array_equal(one.values, every.values[..., [2, 0]])


@pytest.mark.parametrize(
    ("name", "units"),
    [("binary, weighted", "log-odds"), ("several classes", "margin"), ("regression", "value"), ("counts", "margin")],
)
def test_units_are_those_of_the_margin(name, units):
    assert tree_shapley(MODELS[name](), X[:2]).units == units


def test_categories_with_a_background_are_refused_with_two_ways_out():
    model = xgboost.XGBClassifier(n_estimators=2, enable_categorical=True).fit(FRAME, EVENT)
    with pytest.raises(ValueError, match=r"\['town'\].*path-dependent.*explain\(method='permutation'\)"):
        tree_shapley(model, FRAME[:2], background=FRAME)


@pytest.mark.parametrize("name", PATH_DEPENDENT_ONLY)
def test_what_shap_cannot_weigh_is_refused_with_a_background(name):
    with pytest.raises(ValueError, match=rf"{name}.*path-dependent"):
        tree_shapley(PATH_DEPENDENT_ONLY[name](), X[:2], background=X)


@pytest.mark.parametrize("background", [None, X])
def test_trees_of_several_outputs_are_refused(background):
    model = xgboost.XGBRegressor(n_estimators=2, multi_strategy="multi_output_tree").fit(X, X[["b", "c"]])
    with pytest.raises(ValueError, match="multi_output_tree"):
        tree_shapley(model, X[:2], background=background)


def test_a_linear_booster_is_refused():
    model = xgboost.XGBClassifier(booster="gblinear", n_estimators=2, updater="coord_descent").fit(X.fillna(0), EVENT)
    with pytest.raises(ValueError, match="gblinear"):
        tree_shapley(model, X[:2])


def test_any_other_model_is_refused():
    with pytest.raises(TypeError, match="XGBoost"):
        tree_shapley(len, X[:2])
