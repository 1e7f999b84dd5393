import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.svm import LinearSVC

from appkit.model import TabularRegressor
from appkit.model.costs import Costs
from appkit.prediction.evaluation import evaluate, evaluate_values, event_of


@pytest.fixture(scope="module")
def loans():
    X, y = make_classification(300, 5, weights=[0.7], random_state=0)
    return pd.DataFrame(X, columns=list("abcde")), pd.Series(np.where(y == 1, "bad", "good"))


@pytest.fixture(scope="module")
def model(loans):
    return LogisticRegression().fit(*loans)


def test_event_of_a_foreign_classifier_is_its_second_class(loans, model):
    assert evaluate(model, *loans).event == "good"


def test_declared_event_turns_the_probabilities(loans):
    model = LogisticRegression().fit(*loans)
    model.event_ = "bad"
    evaluation = evaluate(model, *loans)
    assert evaluation.n_events == (loans[1] == "bad").sum()
    assert evaluation["AUC"].value == pytest.approx(
        roc_auc_score(loans[1] == "bad", model.predict_proba(loans[0])[:, 0])
    )


def test_every_interval_holds_its_value(loans, model):
    for estimate in evaluate(model, *loans, costs=Costs(5, 1)):
        assert estimate.low <= estimate.value <= estimate.high, estimate.name


def test_costs_set_the_threshold_and_add_the_cost(loans, model):
    evaluation = evaluate(model, *loans, costs=Costs(5, 1, currency="EUR"))
    assert evaluation.threshold == pytest.approx(1 / 6)
    assert evaluation["Cost per row"].value > 0
    assert evaluation.currency == "EUR"


def test_fitted_threshold_of_a_model_is_used_unless_another_is_given(loans):
    model = LogisticRegression().fit(*loans)
    model.threshold_ = 0.3
    assert evaluate(model, *loans).threshold == 0.3
    assert evaluate(model, *loans, threshold=0.4).threshold == 0.4


def test_groups_widen_the_intervals_of_repeated_rows(loans, model):
    X, y = pd.concat([loans[0]] * 4), pd.concat([loans[1]] * 4)
    alone, grouped = (evaluate(model, X, y, groups=groups)["AUC"] for groups in (None, np.tile(np.arange(300), 4)))
    assert grouped.high - grouped.low == pytest.approx(2 * (alone.high - alone.low), rel=0.02)


def test_three_classes_get_the_metrics_of_labels():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(X, y)
    evaluation = evaluate(model, X, y)
    assert evaluation.task == "multiclass"
    assert evaluation["Accuracy"].value == pytest.approx(model.score(X, y))
    assert evaluation["Log-loss"].value == pytest.approx(log_loss(y, model.predict_proba(X)))


def test_regressor_gets_the_metrics_of_values(loans):
    X, _ = loans
    y = X["a"] + np.random.default_rng(0).normal(size=300)
    evaluation = evaluate(LinearRegression().fit(X, y), X, y)
    assert [estimate.name for estimate in evaluation] == ["Root mean squared error", "Mean absolute error", "R2"]
    assert evaluation["R2"].value == pytest.approx(LinearRegression().fit(X, y).score(X, y))


def test_predicted_intervals_are_measured():
    evaluation = evaluate_values([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], interval=[[0, 2], [3, 4], [2, 6]])
    assert evaluation["Interval coverage"].value == pytest.approx(2 / 3)
    assert evaluation["Interval width"].value == pytest.approx(7 / 3)


def test_frame_has_a_row_per_metric(loans, model):
    evaluation = evaluate(model, *loans)
    frame = evaluation.to_frame()
    assert list(frame.columns) == ["value", "low", "high", "method", "n", "level"]
    assert frame.loc["AUC", "method"] == "DeLong"
    assert len(frame) == len(evaluation)


def test_text_is_a_table_with_its_event(loans, model):
    lines = str(evaluate(model, *loans)).splitlines()
    assert lines[0] == "300 rows, 209 with event 'good', predicted from 0.5 on"
    assert lines[1].startswith("AUC ")


def test_unknown_metric_lists_the_known_ones(loans, model):
    with pytest.raises(KeyError, match="Log-loss"):
        evaluate(model, *loans)["auc"]


def test_event_is_a_plain_value():
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    assert type(event_of(model)) is int


def test_unseen_label_is_named(loans, model):
    with pytest.raises(ValueError, match="'ugly'"):
        evaluate(model, loans[0], loans[1].replace("bad", "ugly"))


def test_missing_label_is_counted(loans, model):
    y = loans[1].where(np.arange(300) > 1)
    with pytest.raises(ValueError, match="missing labels, got 2"):
        evaluate(model, loans[0], y)


def test_one_class_is_refused(loans, model):
    keep = loans[1] == "good"
    with pytest.raises(ValueError, match="events and non-events"):
        evaluate(model, loans[0][keep], loans[1][keep])


def test_classifier_without_probabilities_is_refused(loans):
    with pytest.raises(TypeError, match="CalibratedClassifierCV"):
        evaluate(LinearSVC().fit(*loans), *loans)


def test_a_regressor_with_too_few_held_out_rows_is_measured_without_intervals():
    X = pd.DataFrame({"x": np.arange(20.0)})
    model = TabularRegressor(width=8, n_networks=1, max_epochs=2, random_state=0).fit(X, X["x"])
    names = [estimate.name for estimate in evaluate(model, X, X["x"])]
    assert names == ["Root mean squared error", "Mean absolute error", "R2"]
