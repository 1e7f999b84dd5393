"""Any model becomes a game: which outputs, in which units, over which background."""

import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from appkit.exceptions import DataWarning, SchemaError
from appkit.explanation import EncodedTableGame, FrameGame, explain, game_for
from tests.explanation.fakes import FakeEnsemble, make_table


@pytest.fixture(scope="module")
def X():
    return make_table(60)


@pytest.fixture(scope="module")
def pipeline(X):
    encode = make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough")
    return make_pipeline(encode, LogisticRegression()).fit(X, np.where(X["a"] + X["c"] > 0, "bad", "good"))


def test_a_model_of_ours_is_masked_in_its_own_encoding_against_its_own_background(X):
    game = game_for(FakeEnsemble(), X)
    assert isinstance(game, EncodedTableGame)
    assert (game.units, game.n_references, game.n_members) == ("probability", 40, 3)


def test_a_pipeline_on_text_is_explained_for_the_second_class(X, pipeline):
    explanation = explain(pipeline, X[:5], background=X, random_state=0)
    assert explanation.output_names == ("good",)
    np.testing.assert_allclose(explanation.output[:, 0], pipeline.predict_proba(X[:5])[:, 1])
    assert explanation.data[:, 1].tolist() == X["b"][:5].tolist()


def test_log_odds_of_a_logistic_regression_are_additive_in_the_columns(X, pipeline):
    explanation = explain(pipeline, X[:5], background=X, units="log-odds")
    columns = pipeline[0].get_feature_names_out().tolist()
    weight = pipeline[1].coef_[0, columns.index("remainder__a")]
    np.testing.assert_allclose(explanation.values[:, 0, 0], weight * (X["a"][:5] - X["a"].mean()), atol=1e-9)


def test_probabilities_of_zero_and_one_are_clipped_with_a_warning(X):
    forest = RandomForestClassifier(3, random_state=0).fit(X[["a", "c"]], X["a"] > 0)
    with pytest.warns(DataWarning, match="no log-odds: clipped at 1e-12"):
        explanation = explain(forest, X[["a", "c"]][:2], background=X[["a", "c"]], units="log-odds")
    assert np.abs(explanation.output).max() == pytest.approx(np.log(1e12), rel=1e-6)


def test_several_classes_have_an_output_each(X):
    model = LogisticRegression().fit(X[["a", "c", "d"]], X["b"])
    explanation = explain(model, X[["a", "c", "d"]][:3], background=X[["a", "c", "d"]])
    assert explanation.output_names == ("x", "y", "z")
    np.testing.assert_allclose(explanation.values.sum(axis=2), 0, atol=1e-12)


def test_gradient_boosting_on_categories_is_explained(X):
    X = X.assign(b=X["b"].astype("category"))
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, enable_categorical=True).fit(X, X["b"] == "x")
    explanation = explain(model, X[:4], background=X)
    np.testing.assert_allclose(explanation.output[:, 0], model.predict_proba(X[:4])[:, 1], rtol=1e-6)
    assert (explanation.values[:, [0, 2, 3]] == 0).all()


def test_a_regressor_and_a_function_give_values(X):
    numbers = X[["a", "c", "d"]]
    model = LinearRegression().fit(numbers, numbers.assign(e=2 * numbers["a"])[["a", "e"]])
    assert game_for(model, numbers, background=numbers).output_names == ("output 0", "output 1")
    game = game_for(lambda rows: rows["a"], numbers, background=numbers)
    assert isinstance(game, FrameGame)
    assert (game.output_names, game.units) == (("output",), "value")


def test_an_array_is_explained_as_the_model_was_trained(X):
    array = X[["a", "c"]].to_numpy()
    model = LinearRegression().fit(array, array[:, 0])
    explanation = explain(model, array[:3], background=array)  # a frame would make scikit-learn warn
    assert explanation.player_names == ("x0", "x1")
    np.testing.assert_allclose(explanation.values[:, 0, 0], array[:3, 0] - array[:, 0].mean())


def test_without_a_background_the_rows_stand_in_and_a_warning_says_so(X, pipeline):
    with pytest.warns(DataWarning, match="60 of the 60 rows to explain stand for"):
        game = game_for(pipeline, X, random_state=0)
    assert game.n_references == 60


def test_outputs_are_chosen_by_name_or_position(X):
    model = FakeEnsemble(n_outputs=3)
    for outputs in ("grade 2", 2, ["grade 2"], [2]):
        assert game_for(model, X, outputs=outputs).output_names == ("grade 2",)
    assert game_for(model, X, outputs=["grade 2", 0]).output_names == ("grade 2", "grade 0")


@pytest.mark.parametrize("outputs", ["grade 9", 3, -1, [], ["grade 1", "nonsense"], 1.5])
def test_outputs_nobody_knows_are_refused(X, outputs):
    with pytest.raises(ValueError, match=r"outputs must be names among .* or positions below 3"):
        game_for(FakeEnsemble(n_outputs=3), X, outputs=outputs)


def test_units_that_do_not_fit_the_model_are_refused(X, pipeline):
    with pytest.raises(ValueError, match=r"units must be one of .*log-odds.* for Pipeline, got 'logit'"):
        game_for(pipeline, X, background=X, units="logit")
    with pytest.raises(ValueError, match=r"units must be one of \('value',\)"):
        game_for(lambda rows: rows["a"], X, background=X, units="probability")


def test_a_classifier_without_probabilities_is_refused(X):
    model = LinearSVC().fit(X[["a", "c"]], X["b"])
    with pytest.raises(TypeError, match="must have predict_proba"):
        game_for(model, X[["a", "c"]], background=X[["a", "c"]])


@pytest.mark.parametrize("empty", [make_table(0), pd.DataFrame(index=[0, 1])])
def test_an_empty_table_is_refused(pipeline, empty):
    with pytest.raises(SchemaError, match="X must have at least one row and one column"):
        game_for(pipeline, empty, background=make_table(3))


def test_a_background_that_lacks_columns_is_refused(X, pipeline):
    for model in (FakeEnsemble(), pipeline):
        with pytest.raises(SchemaError, match=r"background must have every column of X, \['a', 'd'\] are missing"):
            game_for(model, X, background=X[["b", "c"]])


def test_an_empty_background_is_refused(X, pipeline):
    with pytest.raises(ValueError, match="0 background rows"):
        game_for(pipeline, X, background=X[:0])


def test_columns_of_the_same_name_are_refused(X):
    doubled = pd.concat([X, X], axis=1)
    with pytest.raises(SchemaError, match="appears more than once"):
        game_for(lambda rows: rows, doubled, background=doubled)


def test_an_array_of_one_dimension_is_refused(X):
    with pytest.raises(SchemaError, match="two-dimensional"):
        game_for(lambda rows: rows, np.zeros(3), background=X)
