import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from xgboost import XGBClassifier

from appkit.model.costs import Costs
from domains.finance.challengers import (
    FrameXGBClassifier,
    WoEScorecard,
    compare_challengers,
    xgboost_challenger,
)


@parametrize_with_checks([FrameXGBClassifier(n_estimators=5, n_jobs=1)])
def test_xgboost_on_frames_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def loans():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "income": np.where(rng.random(1000) < 0.1, np.nan, rng.normal(size=1000)),
            "purpose [coded]": rng.choice(["car", "home", "boat"], size=1000),
            "opened": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, size=1000), unit="D"),
        }
    )
    risk = 1.5 * (table["purpose [coded]"] == "boat") - table["income"].fillna(0) - 1
    return table, np.where(rng.random(1000) < 1 / (1 + np.exp(-risk)), "bad", "good")


@pytest.fixture(scope="module")
def fitted(loans):
    table, y = loans
    ours = FrameXGBClassifier(event="bad", n_estimators=30, n_jobs=1, random_state=0)
    return {
        "ours": ours.fit(table[:600], y[:600]),
        "scorecard": WoEScorecard(event="bad").fit(table[:600], y[:600]),
    }


def test_light_tune_is_what_it_says():
    settings = xgboost_challenger(event="bad", random_state=3).get_params()
    expected = {"n_estimators": 400, "learning_rate": 0.03, "max_depth": 4, "subsample": 0.8, "colsample_bytree": 0.6}
    assert {name: settings[name] for name in expected} == expected
    assert settings["random_state"] == 3


def test_probabilities_are_xgboosts_own(loans):
    table, y = loans
    ours = FrameXGBClassifier(event="bad", n_estimators=20, n_jobs=1, random_state=0).fit(table, y)
    plain = pd.DataFrame(
        {
            "a": table["income"],
            "b": pd.Categorical(table["purpose [coded]"], categories=["boat", "car", "home"]).rename_categories(
                [0, 1, 2]
            ),
            "c": (table["opened"] - pd.Timestamp(0)).dt.days.astype(float),
        }
    )
    reference = XGBClassifier(n_estimators=20, enable_categorical=True, n_jobs=1, random_state=0).fit(plain, y == "bad")
    assert ours.predict_proba(table)[:, 0] == pytest.approx(reference.predict_proba(plain)[:, 1], abs=1e-6)


def test_a_category_never_seen_is_taken_as_missing(loans, fitted):
    unseen, missing = (loans[0][600:610].assign(**{"purpose [coded]": word}) for word in ("rocket", None))
    model = fitted["ours"]
    np.testing.assert_array_equal(model.predict_proba(unseen), model.predict_proba(missing))


def test_columns_may_come_in_another_order(loans, fitted):
    table = loans[0][600:]
    model = fitted["ours"]
    np.testing.assert_array_equal(model.predict_proba(table), model.predict_proba(table[table.columns[::-1]]))


def test_each_model_is_compared_with_the_first(loans, fitted):
    table, y = loans[0][600:], loans[1][600:]
    ours, scorecard = compare_challengers(fitted, table, y)
    areas = {name: roc_auc_score(y == "bad", model.predict_proba(table)[:, 0]) for name, model in fitted.items()}
    assert (ours.name, ours.auc_difference) == ("ours", None)
    assert scorecard.auc.value == pytest.approx(areas["scorecard"])
    assert scorecard.auc_difference.value == pytest.approx(areas["scorecard"] - areas["ours"])


def test_a_difference_of_correlated_models_is_surer_than_their_areas(loans, fitted):
    _, scorecard = compare_challengers(fitted, loans[0][600:], loans[1][600:])
    difference, area = scorecard.auc_difference, scorecard.auc
    assert difference.high - difference.low < area.high - area.low


def test_costs_add_a_column(loans, fitted):
    costs = Costs(5, 1)
    ours, _ = compare_challengers(fitted, loans[0][600:], loans[1][600:], costs=costs)
    alarm = fitted["ours"].predict_proba(loans[0][600:])[:, 0] >= costs.threshold
    assert ours.cost.value == pytest.approx(costs.of(loans[1][600:] == "bad", alarm).mean())


def test_a_foreign_model_is_asked_for_the_same_event(loans, fitted):
    table, y = loans
    foreign = LogisticRegression().fit(np.zeros((4, 3)), ["bad", "good", "good", "good"])
    foreign.predict_proba = lambda X: fitted["ours"].predict_proba(X)
    _, copied = compare_challengers({"ours": fitted["ours"], "foreign": foreign}, table[600:], y[600:])
    assert copied.auc_difference.value == 0.0


def test_a_model_of_other_labels_is_refused(loans, fitted):
    other = LogisticRegression().fit([[0.0], [1.0]], ["no", "yes"])
    with pytest.raises(ValueError, match="'other' must tell 'bad'"):
        compare_challengers({**fitted, "other": other}, loans[0], loans[1])


def test_no_models_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        compare_challengers({}, [[0.0]], [0])
