import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    r2_score,
    roc_auc_score,
)
from sklearn.svm import LinearSVC

from appkit.data.series import read_series
from appkit.data.windows import windows_of
from appkit.model import TabularRegressor
from appkit.model.costs import Costs
from appkit.prediction.calibration import calibration_slope
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
    assert grouped.high - grouped.low == pytest.approx(2 * (alone.high - alone.low), rel=0.1)


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


def by_group(loans, n_groups, *, seed=0):
    """Return rows of groups that share a part of their luck."""
    rng = np.random.default_rng(seed)
    X, y = loans
    return X, y, rng.integers(n_groups, size=len(X))


def redrawn(statistic, groups, *, n_resamples=400):
    """Return a statistic of rows of groups redrawn by hand, the oracle of the intervals."""
    rng, n_groups = np.random.default_rng(1), int(groups.max()) + 1
    members = [np.flatnonzero(groups == group) for group in range(n_groups)]
    draws = (rng.integers(n_groups, size=n_groups) for _ in range(n_resamples))
    return np.array([statistic(np.concatenate([members[group] for group in draw])) for draw in draws])


def test_groups_change_no_value(loans, model):
    X, y, groups = by_group(loans, 30)
    plain, grouped = evaluate(model, X, y, costs=Costs(5, 1)), evaluate(model, X, y, groups=groups, costs=Costs(5, 1))
    for one, other in zip(plain, grouped, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-12), one.name
        assert other.low <= other.value <= other.high, other.name


@pytest.mark.parametrize(
    ("metric", "statistic"),
    [
        ("AUC", lambda y, p: roc_auc_score(y, p)),
        ("Average precision", lambda y, p: average_precision_score(y, p)),
        ("Log-loss", lambda y, p: log_loss(y, p)),
        ("Balanced accuracy", lambda y, p: balanced_accuracy_score(y, p >= 0.5)),
        ("Calibration slope", lambda y, p: calibration_slope(y, p).value),
    ],
)
def test_intervals_are_those_of_groups_redrawn_by_hand(loans, model, metric, statistic):
    X, y, groups = by_group(loans, 40)
    event, p = (y == "good").to_numpy(), model.predict_proba(X)[:, 1]
    found = evaluate(model, X, y, groups=groups)[metric]
    oracle = np.quantile(redrawn(lambda rows: statistic(event[rows], p[rows]), groups), [0.022, 0.978])
    assert (found.low, found.high) == pytest.approx(oracle, abs=0.2 * np.ptp(oracle))
    assert found.method == "bootstrap, 1000 resamples of 40 groups"


def test_intervals_of_values_and_labels_are_those_of_groups_redrawn_by_hand():
    X, labels = load_iris(return_X_y=True)
    groups, petal = np.arange(150) % 25, X[:, 3]
    said = LinearRegression().fit(X[:, :1], petal).predict(X[:, :1])
    values = evaluate_values(petal, said, groups=groups)["R2"]
    oracle = np.quantile(redrawn(lambda rows: r2_score(petal[rows], said[rows]), groups), [0.02, 0.98])
    assert (values.low, values.high) == pytest.approx(oracle, abs=0.2 * np.ptp(oracle))
    model = LogisticRegression(max_iter=1000).fit(X[:, :2], labels)
    guess, p = model.predict(X[:, :2]), model.predict_proba(X[:, :2])
    evaluation = evaluate(model, X[:, :2], labels, groups=groups)
    for name, statistic in {
        "Macro F1": lambda rows: f1_score(labels[rows], guess[rows], average="macro"),
        "Macro AUC (one against rest)": lambda rows: roc_auc_score(labels[rows], p[rows], multi_class="ovr"),
    }.items():
        oracle = np.quantile(redrawn(statistic, groups), [0.02, 0.98])
        assert (evaluation[name].low, evaluation[name].high) == pytest.approx(oracle, abs=0.2 * np.ptp(oracle))


def test_an_evaluation_says_what_was_redrawn(loans, model):
    X, y, groups = by_group(loans, 30)
    evaluation = evaluate(model, X, y, groups=groups)
    assert evaluation.n_groups == 30
    assert str(evaluation).splitlines()[0].endswith("; intervals 95 % by resampling 30 groups")
    assert evaluation["Expected calibration error"].method.endswith("clustered by 30 groups")


def test_one_group_has_values_and_no_intervals(loans, model):
    evaluation = evaluate(model, *loans, groups=np.zeros(300))
    assert all(np.isfinite(estimate.value) and np.isnan(estimate.low) for estimate in evaluation)
    assert {estimate.method for estimate in evaluation} == {"no interval: one group only"}


def test_a_share_of_all_rows_is_as_sure_as_its_groups(loans, model):
    X, y, groups = by_group(loans, 12)
    estimate = evaluate(model, X, y, groups=groups, threshold=0.0001)["Sensitivity"]
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.025 ** (1 / 12))  # Clopper-Pearson, 12 of 12


def test_intervals_of_few_groups_cover_a_mean():
    rng, groups, covered = np.random.default_rng(0), np.repeat(np.arange(8), 5), []
    for seed in range(200):
        luck = 10 + rng.normal(size=8)[groups] + rng.normal(size=40)
        estimate = evaluate_values(np.arange(40) + luck, np.arange(40.0), groups=groups, random_state=seed)[
            "Mean absolute error"
        ]
        covered.append(estimate.low <= 10 <= estimate.high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.04)


class Pumps(RegressorMixin, BaseEstimator):
    """A fitted series regressor that reads its answer off the sensor."""

    def windows(self, X, *, rows="last"):
        series = read_series(X, unit="pump", time="hour", sensors=["heat"])
        place = np.argsort(series.order)
        return windows_of(series, length=3, rows=rows if isinstance(rows, str) else place[rows])

    def unit_index(self, windows):
        return pd.Index(windows.units)

    def predict(self, X):
        return X["heat"].to_numpy() if isinstance(X, pd.DataFrame) else np.array([x[-1][0] for x in X])


def pumps(n=6):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"pump": np.repeat(list("abcdefgh"[:n]), 10), "hour": np.tile(np.arange(10), n)})
    X["heat"] = rng.normal(size=len(X))
    return X.sample(frac=1, random_state=0).reset_index(drop=True)


def test_rows_of_a_series_without_a_value_are_history():
    X = pumps()
    y = (X["heat"] + 1).where(X["hour"] > 6)
    evaluation = evaluate(Pumps(), X, y)
    assert (evaluation.n, evaluation.n_groups, evaluation.group_word) == (18, 6, "pumps")
    assert evaluation["Mean absolute error"].value == pytest.approx(1.0)


def test_groups_given_stand_for_the_units_of_a_series():
    X = pumps()
    y = (X["heat"] + np.arange(60) / 60).where(X["hour"] > 6)
    evaluation = evaluate(Pumps(), X, y, groups=X["pump"].isin(["a", "b", "c"]))
    assert (evaluation.n_groups, evaluation.group_word) == (2, "groups")


def test_arrays_of_a_series_are_a_unit_each():
    readings = [np.full((4, 1), level) for level in (1.0, 2.0, 3.0)]
    assert evaluate(Pumps(), readings, [1.5, np.nan, 3.0]).n_groups == 2


def test_a_series_without_any_value_is_refused():
    X = pumps()
    with pytest.raises(ValueError, match="y must be known in at least one row, got 60 missing ones"):
        evaluate(Pumps(), X, np.full(60, np.nan))


def test_events_and_durations_are_no_values_of_a_series():
    X = pumps()
    with pytest.raises(ValueError, match="give the time left where the event came, NaN where it did not"):
        evaluate(Pumps(), X, np.ones((60, 2)))
