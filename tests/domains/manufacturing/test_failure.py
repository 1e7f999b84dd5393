"""FailureClassifier knows a failure by its label, on tables and on series, and keeps the promises of an estimator."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from appkit.checks import estimator_checks
from appkit.exceptions import DataWarning, LeakageError, SchemaError
from appkit.model import Costs, SequenceClassifier, TabularClassifier
from appkit.persistence import load, save
from domains.manufacturing import FailureClassifier
from tests.domains.manufacturing.pumps import NAMED, pumps

QUICK = {"n_networks": 1, "max_epochs": 6, "width": 16, "random_state": 0, "progress": False}


@pytest.fixture(scope="module")
def parts() -> tuple[pd.DataFrame, np.ndarray]:
    """Return milled parts, text included, of which those of great torque broke the tool."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"torque": rng.normal(40, 10, 200), "speed": rng.normal(1500, 100, 200), "type": ["L", "M"] * 100})
    return X, np.where(X["torque"] > 48, "broken", "fine")


@pytest.fixture(scope="module")
def series() -> tuple[pd.DataFrame, pd.Series]:
    """Return readings and whether the pump fails within five hours."""
    X, left = pumps()
    return X, (left < 5).astype(float).rename("fails")


@pytest.fixture(scope="module")
def of_table(parts):
    return FailureClassifier(event="broken", **QUICK).fit(*parts)


@pytest.fixture(scope="module")
def of_series(series):
    return FailureClassifier(**NAMED).fit(*series)


@pytest.mark.parametrize("check", estimator_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", ["table", "series"])
def test_promises_are_kept_on_tables_and_on_series(kind, check, parts, series):
    if kind == "table":
        check(FailureClassifier(event="broken", **QUICK), *parts)
    else:
        check(FailureClassifier(**NAMED), *series)


def test_tables_and_series_go_to_estimators_of_their_kind(of_table, of_series):
    assert type(of_table.estimator_) is TabularClassifier
    assert type(of_series.estimator_) is SequenceClassifier


def test_a_clone_of_either_has_nothing_learnt(of_table, of_series):
    for fitted in (of_table, of_series):
        assert clone(fitted).get_params() == fitted.get_params()
        assert not hasattr(clone(fitted), "event_")


def test_of_two_texts_the_failure_must_be_named(parts):
    X, y = parts
    with pytest.raises(ValueError, match=r"event must name the label of a failure: which of \['broken', 'fine'\]"):
        FailureClassifier(**QUICK).fit(X, y)
    with pytest.raises(ValueError, match=r"event must be one of the labels \['broken', 'fine'\], got 'Broken'"):
        FailureClassifier(event="Broken", **QUICK).fit(X, y)


@pytest.mark.parametrize(
    ("labels", "name"), [((1, 2), "2"), ((False, True), "True"), ((0.0, 1.0), "1"), ((-1, 1), "1")]
)
def test_of_two_numbers_the_larger_is_the_failure(labels, name, parts):
    X, y = parts
    model = FailureClassifier(**QUICK).fit(X, np.where(y == "broken", labels[1], labels[0]))
    assert model.event_ == labels[1]
    assert model.output_names_ == (name,)


def test_flipped_labels_give_flipped_columns_and_the_same_failures(parts):
    X, y = parts
    straight = FailureClassifier(event="broken", **QUICK).fit(X, y)
    flipped = FailureClassifier(event="z broken", **QUICK).fit(X, np.where(y == "broken", "z broken", y))
    assert straight.classes_.tolist() == ["broken", "fine"]
    assert flipped.classes_.tolist() == ["fine", "z broken"]
    assert np.array_equal(flipped.predict_proba(X), straight.predict_proba(X)[:, ::-1])
    assert np.array_equal(flipped.probability_of_failure(X), straight.probability_of_failure(X))
    assert np.array_equal(flipped.predict(X) == "z broken", straight.predict(X) == "broken")


def test_the_failure_may_be_the_smaller_number(series):
    X, fails = series
    usual, other = FailureClassifier(**NAMED).fit(X, fails), FailureClassifier(event=0, **NAMED).fit(X, 1 - fails)
    assert np.array_equal(other.probability_of_failure(X), usual.probability_of_failure(X))


def test_the_failure_is_what_rises_with_its_cause(of_table, of_series, parts, series):
    hot = series[0].sort_values("heat")
    risk = pd.Series(of_series.probability_of_failure(series[0]), index=series[0].index)[hot.index]
    assert risk[-30:].mean() > risk[:30].mean()
    broken = of_table.probability_of_failure(parts[0])
    assert broken[parts[1] == "broken"].mean() > broken[parts[1] == "fine"].mean()


def test_costs_move_the_threshold_and_not_the_probabilities(of_table, parts):
    X, y = parts
    costly = FailureClassifier(event="broken", costs=Costs(missed_event=9, false_alarm=1), **QUICK).fit(X, y)
    assert np.array_equal(costly.predict_proba(X), of_table.predict_proba(X))
    assert np.array_equal(costly.predict(X) == "broken", costly.probability_of_failure(X) >= 0.1)


def test_a_threshold_decides_on_series(series):
    X, fails = series
    model = FailureClassifier(**NAMED, threshold=0.01).fit(X, fails)
    assert np.array_equal(model.predict(X) == 1, model.probability_of_failure(X) >= 0.01)


def test_sets_and_decisions_speak_of_the_labels_given(of_table, parts):
    X, _ = parts
    failure, sets = of_table.probability_of_failure(X), of_table.predict_set(X, alpha=0.5)
    assert of_table.classes_.tolist() == ["broken", "fine"]
    assert sets[failure.argmax()].tolist() == [True, False]
    assert sets[failure.argmin()].tolist() == [False, True]
    assert (of_table.decide(X, 0.3) == np.where(failure >= 0.3, "broken", "fine")).all()


def test_class_weights_are_those_of_the_labels_given(of_table, parts):
    X, y = parts
    heavy = FailureClassifier(event="broken", class_weight={"broken": 20.0, "fine": 1.0}, **QUICK).fit(X, y)
    assert heavy.probability_of_failure(X).mean() > of_table.probability_of_failure(X).mean() + 0.2


def test_rows_of_series_without_a_label_are_history_and_of_tables_an_error(series, parts):
    X, fails = series
    known = fails.where(X["hour"] >= 8)
    assert FailureClassifier(**NAMED).fit(X, known).n_rows_ == known.notna().sum()
    unknown = parts[1].astype(object)
    unknown[3] = None
    with pytest.raises(ValueError, match="missing"):
        FailureClassifier(event="broken", **QUICK).fit(parts[0], unknown)


def test_text_labels_of_series_may_be_missing_too(series):
    X, fails = series
    words = fails.map({0.0: "runs", 1.0: "fails"}).where(X["hour"] >= 8)
    model = FailureClassifier(event="fails", **NAMED).fit(X, words)
    assert model.classes_.tolist() == ["fails", "runs"]
    assert set(model.predict(X)) <= {"fails", "runs"}


def test_labels_of_series_keep_their_type_where_some_are_missing(series):
    X, fails = series
    model = FailureClassifier(**NAMED).fit(X, fails.astype("Int64").where(X["hour"] >= 8))
    assert model.classes_.dtype == model.predict(X).dtype == np.int64


def test_labels_of_two_types_are_refused(series):
    X, fails = series
    with pytest.raises(ValueError, match="y must hold labels of one type, got 0 and 'fails'"):
        FailureClassifier(event="fails", **NAMED).fit(X, ["fails" if soon else 0 for soon in fails])


def test_one_label_or_three_are_refused(parts):
    X, y = parts
    for labels in (np.full(len(X), "fine"), np.where(X["speed"] > 1500, "worn", y)):
        with pytest.raises(ValueError, match=r"y must hold (two labels|at least two classes)"):
            FailureClassifier(event="fine", **QUICK).fit(X, labels)


def test_validation_rows_have_the_labels_of_training_and_other_units(series):
    X, fails = series
    words, late = fails.map({0.0: "runs", 1.0: "fails"}), X["pump"].isin(["p12", "p13"])
    model = FailureClassifier(event="fails", **NAMED)
    assert model.fit(X[~late], words[~late], X_val=X[late], y_val=words[late]).event_ == "fails"
    with pytest.raises(LeakageError, match="'p12'"):
        model.fit(X, words, X_val=X[late], y_val=words[late])
    with pytest.raises(ValueError, match=r"y_val must hold labels of y, \['fails', 'runs'\], got 'stopped'"):
        model.fit(X[~late], words[~late], X_val=X[late], y_val=words[late].replace("runs", "stopped"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "pump"}, "unit='pump' needs time=: the column"),
        ({"time": "hour"}, "time='hour' needs unit=: the column"),
        ({"unit": "pump", "time": "hour", "monotone": {"heat": 1}}, "monotone is for tables"),
        ({"unit": "pump", "time": "hour", "window": 0}, "window must be a positive whole number"),
    ],
)
def test_parameters_that_do_not_go_together_are_named(options, message, series):
    with pytest.raises(ValueError, match=message):
        FailureClassifier(**QUICK, **options).fit(*series)


def test_the_newest_probability_of_each_unit_is_that_of_its_last_row(of_series, of_table, series, parts):
    X, _ = series
    newest = of_series.probability_of_failure_last(X)
    expected = pd.Series(of_series.probability_of_failure(X), index=X["pump"]).groupby(level=0, sort=False).last()
    np.testing.assert_allclose(newest, expected[newest.index], rtol=1e-6)
    with pytest.raises(ValueError, match="needs series"):
        of_table.predict_last(parts[0])


def test_the_background_of_series_is_healthy_whatever_the_order_of_labels(series):
    X, fails = series
    words = fails.map({0.0: "runs", 1.0: "fails"})
    model = FailureClassifier(event="fails", **NAMED).fit(X, words)
    assert model.background_readings_[:, -1, 0].max() < X.loc[fails == 1, "heat"].max() - 3


def test_a_loaded_model_knows_its_failure(of_table, of_series, parts, series, tmp_path):
    for name, model, X in (("table", of_table, parts[0]), ("series", of_series, series[0])):
        again = load(save(model, tmp_path / f"{name}.appkit"))
        assert (again.event_, type(again.event_)) == (model.event_, type(model.event_))
        assert np.array_equal(again.probability_of_failure(X), model.probability_of_failure(X))


def test_explanations_are_of_the_probability_of_failure(of_series, series):
    X, _ = series
    why = of_series.explain(X[X["pump"] == "p1"], random_state=0)
    assert (why.output_names, why.units) == (("1",), "probability")
    np.testing.assert_allclose(why.output[0, 0], of_series.probability_of_failure_last(X)["p1"], rtol=1e-5)


def test_a_pump_shorter_than_the_window_and_one_with_a_single_row_are_padded(of_series, series):
    X, fails = series
    short = X[(X["pump"] != "p0") | (X["hour"] < 1)]
    short = short[(short["pump"] != "p1") | (short["hour"] < 3)]
    model = FailureClassifier(**NAMED).fit(short, fails[short.index])
    assert np.isfinite(model.predict_proba(short)).all()
    assert np.isfinite(of_series.predict_proba(X[:1])).all()


def test_rows_out_of_order_change_nothing_but_their_order(series):
    X, fails = series
    order = np.random.default_rng(1).permutation(len(X))
    order = order[np.argsort(X["pump"].to_numpy()[order], kind="stable")]  # units in one order: folds are dealt by it
    base = np.argsort(X["pump"].to_numpy(), kind="stable")
    straight = FailureClassifier(**NAMED).fit(X.iloc[base], fails.iloc[base])
    shuffled = FailureClassifier(**NAMED).fit(X.iloc[order], fails.iloc[order])
    assert np.array_equal(shuffled.predict_proba(X), straight.predict_proba(X))


def test_two_readings_at_one_time_are_named(series):
    X, fails = series
    with pytest.raises(SchemaError, match="pump p0, hour 3 in rows 3 and 3"):
        FailureClassifier(**NAMED).fit(pd.concat([X, X[3:4]]), pd.concat([fails, fails[3:4]]))


def test_sensors_that_never_read_or_never_change_are_left_out_and_named(series):
    X, fails = series
    with pytest.warns(DataWarning) as told:
        model = FailureClassifier(**NAMED).fit(X.assign(dead=np.nan, stuck=7.0), fails)
    said = " ".join(str(warning.message) for warning in told)
    assert "'dead'" in said
    assert "'stuck'" in said
    assert model.layout_.sensors == ("heat", "noise", "age")


def test_sensors_may_come_in_another_order_and_must_all_come(of_series, series):
    X, _ = series
    again = X[["noise", "hour", "heat", "pump"]].assign(note="a text column nobody reads")
    assert np.array_equal(of_series.predict_proba(again), of_series.predict_proba(X))
    with pytest.raises(SchemaError, match="Column 'heat' is missing"):
        of_series.predict(X.drop(columns="heat"))
