"""Probability and log-odds are never mixed: outputs, base values and values are all in the units named."""

import numpy as np
import pytest
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from appkit.explanation import explain, explain_game, game_for
from appkit.model import TabularClassifier
from tests.explanation.guarantees.tables import CLASSIFIERS, fitted, make_credit, pipeline, rows_for

METHODS = ["exact", "permutation", "regression", "lime", "occlusion", "shapley"]
IN_UNITS = {"probability": lambda probability: probability, "log-odds": logit}


def rows_and_background(kind):
    X = rows_for(kind, make_credit(30, seed=4)[0])
    return X[:4], X[4:]


def event(kind, X):
    return fitted(kind).predict_proba(X)[:, 1].astype(np.float64)


@pytest.mark.parametrize("units", IN_UNITS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_the_output_is_predict_proba_or_its_logit(kind, method, units):
    X, background = rows_and_background(kind)
    explanation = explain(fitted(kind), X, method, background=background, units=units, random_state=0)
    assert explanation.units == units
    np.testing.assert_allclose(explanation.output[:, 0], IN_UNITS[units](event(kind, X)), rtol=0, atol=1e-6)
    mean = IN_UNITS[units](event(kind, background)).mean()
    np.testing.assert_allclose(explanation.base_value[:, 0], mean, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_probability_is_what_nobody_asked_otherwise_gets(kind):
    X, background = rows_and_background(kind)
    assert explain(fitted(kind), X[:1], background=background).units == "probability"


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_values_in_one_unit_are_not_those_in_the_other(kind):
    X, background = rows_and_background(kind)
    by_units = {u: explain(fitted(kind), X, "exact", background=background, units=u) for u in IN_UNITS}
    totals = {units: found.values.sum(1) for units, found in by_units.items()}
    assert np.abs(totals["probability"]).max() <= 1
    assert (np.abs(totals["log-odds"]) > 2 * np.abs(totals["probability"])).all()  # the slope of a logit is 4 at least


@pytest.mark.parametrize("kind", ["tabm", "pipeline"])
def test_a_choice_between_many_names_every_class_and_sums_to_one(kind):
    X, y = make_credit(200, seed=2)
    grade = np.where(X["income"] > 25, "high", y)
    short = {"n_networks": 2, "n_members": 2, "max_epochs": 2, "random_state": 0, "device": "cpu"}
    model = (TabularClassifier(**short) if kind == "tabm" else pipeline()).fit(X, grade)
    explanation = explain(model, X[:4], "exact", background=X[180:])
    assert explanation.output_names == ("bad", "good", "high")
    np.testing.assert_allclose(explanation.output, model.predict_proba(X[:4]), atol=1e-6)
    np.testing.assert_allclose(explanation.output.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(explanation.values.sum(2), 0, atol=1e-6)  # what one class gains the others lose


def test_log_odds_of_several_classes_are_those_of_each_against_the_others():
    X, y = make_credit(200, seed=2)
    model = pipeline().fit(X, np.where(X["income"] > 25, "high", y))
    explanation = explain(model, X[:4], "exact", background=X[180:], units="log-odds")
    np.testing.assert_allclose(explanation.output, logit(model.predict_proba(X[:4])), atol=1e-6)


def test_log_odds_of_a_logistic_regression_are_its_coefficients_by_the_distance_from_the_mean():
    X, y = make_credit(200, seed=2)
    numbers = X[["income", "owner"]].astype(float)
    model = LogisticRegression().fit(numbers, y)
    explanation = explain(model, numbers[:5], "exact", background=numbers[100:], units="log-odds")
    expected = model.coef_[0] * (numbers[:5] - numbers[100:].mean())
    np.testing.assert_allclose(explanation.values[..., 0], expected, atol=1e-9)


def test_one_member_at_a_time_is_asked_in_probability_only():
    X, background = rows_and_background("tabm")
    n_members = {u: game_for(fitted("tabm"), X, background=background, units=u).n_members for u in IN_UNITS}
    assert n_members == {"probability": fitted("tabm").n_members_, "log-odds": 1}


@pytest.mark.parametrize("method", ["permutation", "regression"])
def test_sampled_log_odds_of_an_ensemble_aim_at_the_logit_of_its_mean(method):
    X, background = rows_and_background("tabm")
    truth, found = (
        explain_game(game_for(fitted("tabm"), X, background=background, units="log-odds"), m, random_state=0)
        for m in ("exact", method)
    )
    assert np.linalg.norm(found.values - truth.values) < 0.05 * np.linalg.norm(truth.values)


def test_units_that_do_not_fit_are_refused():
    X, background = rows_and_background("regressor")
    with pytest.raises(ValueError, match="units must be one of"):
        explain(fitted("regressor"), X, background=background, units="log-odds")
    with pytest.raises(ValueError, match="units must be one of"):
        explain(fitted("xgboost"), rows_for("xgboost", X), background=background, units="value")
