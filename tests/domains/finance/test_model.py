"""Credit estimators: the event, protected columns, grades and ordered ratings."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import get_scorer

from domains.finance import CreditRatingClassifier, CreditRiskClassifier, MasterScale, find_protected

QUICK = {"width": 16, "n_members": 4, "n_networks": 1, "max_epochs": 4, "random_state": 0}


@pytest.fixture(scope="module")
def fitted(german_credit_split):
    X_train, _, y_train, _ = german_credit_split
    return CreditRiskClassifier(**QUICK).fit(X_train, y_train)


def test_probability_of_default_is_the_column_of_the_event(fitted, german_credit_split):
    X_test = german_credit_split[1]
    assert fitted.classes_.tolist() == ["bad", "good"]
    assert fitted.event_ == "bad"
    assert np.array_equal(fitted.probability_of_default(X_test), fitted.predict_proba(X_test)[:, 0])


def test_renaming_labels_flips_nothing(german_credit_split):
    X_train, X_test, y_train, _ = german_credit_split
    words = CreditRiskClassifier(**QUICK).fit(X_train, y_train)
    numbers = CreditRiskClassifier(**QUICK).fit(X_train, (y_train == "bad").astype(int))
    assert numbers.event_ == 1
    correlation = np.corrcoef(words.probability_of_default(X_test), numbers.probability_of_default(X_test))[0, 1]
    assert correlation > 0.5


def test_labels_of_unknown_meaning_must_say_which_is_the_default(german_credit_split):
    X_train, _, y_train, _ = german_credit_split
    labels = y_train.map({"good": "left", "bad": "right"})
    with pytest.raises(ValueError, match="event must name the label of the default: which of"):
        CreditRiskClassifier(**QUICK).fit(X_train, labels)
    assert CreditRiskClassifier(**QUICK, event="right").fit(X_train, labels).event_ == "right"


def test_event_that_is_no_label_is_refused(german_credit_split):
    X_train, _, y_train, _ = german_credit_split
    with pytest.raises(ValueError, match=r"event must be one of the labels \['bad', 'good'\], got 'Bad'"):
        CreditRiskClassifier(**QUICK, event="Bad").fit(X_train, y_train)


def test_monotone_signs_speak_of_the_event_whatever_its_place(german_credit_split):
    X_train, X_test, y_train, _ = german_credit_split
    model = CreditRiskClassifier(**QUICK, monotone={"duration_months": 1}).fit(X_train, y_train)
    rows = pd.concat([X_test.iloc[[0]]] * 30, ignore_index=True).assign(duration_months=np.arange(4, 64, 2))
    assert np.all(np.diff(model.probability_of_default(rows)) >= -1e-12)


def test_protected_columns_stay_out_of_the_features(fitted, german_credit_split):
    X_test = german_credit_split[1]
    assert fitted.protected_ == ("personal_status_sex", "age", "foreign_worker")
    assert not set(fitted.protected_) & set(fitted.player_columns_)
    blind = X_test.drop(columns=list(fitted.protected_))
    assert np.array_equal(fitted.predict_proba(blind), fitted.predict_proba(X_test))


def test_words_of_protection_are_found_inside_names_not_inside_words():
    assert find_protected(["language", "mortgage", "AGE", "applicant sex", "stage", "date_of_birth"]) == (
        "AGE",
        "applicant sex",
        "date_of_birth",
    )


def test_grades_follow_the_scale_that_is_set(fitted, german_credit_split):
    X_test = german_credit_split[1]
    p = fitted.probability_of_default(X_test)
    fitted.set_params(master_scale=MasterScale(("low", "high"), (0.3, 1.0)))
    grades = fitted.grade(X_test)
    fitted.set_params(master_scale=None)
    assert np.array_equal(grades, np.where(p < 0.3, "low", "high"))


def test_points_rise_as_risk_falls(fitted, german_credit_split):
    X_test = german_credit_split[1]
    order = np.argsort(fitted.probability_of_default(X_test))
    assert np.all(np.diff(fitted.score_points(X_test)[order]) <= 0)


def test_three_labels_point_to_the_rating_classifier(german_credit_split):
    X_train = german_credit_split[0]
    with pytest.raises(ValueError, match="CreditRatingClassifier"):
        CreditRiskClassifier(**QUICK).fit(X_train, np.arange(len(X_train)) % 3)


def ratings(n_rows=300):
    debt = np.random.default_rng(0).uniform(0, 1, n_rows)
    X = pd.DataFrame({"debt": debt})
    return X, np.array(["C", "AA", "B"])[np.digitize(debt, [0.3, 0.7])]


def test_ratings_follow_the_order_given():
    X, y = ratings()
    model = CreditRatingClassifier(**QUICK | {"max_epochs": 40, "width": 32}, grades=["C", "AA", "B"]).fit(X, y)
    p = model.predict_proba(X)
    assert model.grades_.tolist() == ["C", "AA", "B"]
    assert np.allclose(p.sum(axis=1), 1)
    assert model.score(X, y) > 0.85


def test_cumulative_rating_is_monotone_by_construction():
    X, y = ratings()
    model = CreditRatingClassifier(**QUICK, grades=["C", "AA", "B"], monotone={"debt": 1}).fit(X, y)
    with torch.no_grad():
        for parameter in model.module_.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)) * 0.3)
    p = model.predict_proba(pd.DataFrame({"debt": np.linspace(-1, 2, 50)}))
    p = p[:, [model.classes_.tolist().index(grade) for grade in model.grades_]]
    beyond = p[:, ::-1].cumsum(axis=1)[:, ::-1]
    assert np.all(np.diff(beyond, axis=0) >= -1e-12)


def test_scorers_of_scikit_learn_read_the_columns_of_ratings_rightly():
    X, y = ratings()
    model = CreditRatingClassifier(**QUICK | {"max_epochs": 40, "width": 32}, grades=["C", "AA", "B"]).fit(X, y)
    p = model.predict_proba(X)
    own = -np.log(p[np.arange(len(y)), [model.classes_.tolist().index(label) for label in y]]).mean()
    assert get_scorer("neg_log_loss")(model, X, y) == pytest.approx(-own)
    assert get_scorer("roc_auc_ovr")(model, X, y) > 0.9


def test_weights_of_grades_and_prediction_sets_follow_the_labels():
    X, y = ratings()
    weight = {"C": 1.0, "AA": 5.0, "B": 1.0}
    options = QUICK | {"max_epochs": 40, "width": 32}
    by_class = CreditRatingClassifier(**options, grades=["C", "AA", "B"], class_weight=weight).fit(X, y)
    by_row = CreditRatingClassifier(**options, grades=["C", "AA", "B"])
    by_row.fit(X, y, sample_weight=[weight[label] for label in y])
    sets = by_class.predict_set(X, alpha=0.2)
    assert np.array_equal(by_class.predict_proba(X), by_row.predict_proba(X))
    assert sets[np.arange(len(y)), np.searchsorted(["AA", "B", "C"], y)].mean() > 0.75


def test_ratings_go_on_from_a_warm_start():
    X, y = ratings()
    model = CreditRatingClassifier(**QUICK, grades=["C", "AA", "B"], warm_start=True).fit(X, y)
    assert model.fit(X, y).grades_.tolist() == ["C", "AA", "B"]


def test_grades_that_are_not_the_labels_are_refused():
    X, y = ratings()
    with pytest.raises(ValueError, match="grades must be the labels of y in order"):
        CreditRatingClassifier(**QUICK, grades=["A", "B"]).fit(X, y)
