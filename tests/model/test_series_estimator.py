"""Series estimators keep the promises that scikit-learn's own checks cannot test on them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_score

from appkit.checks import estimator_checks
from appkit.data.windows import window_rows
from appkit.exceptions import LeakageError, SchemaError
from appkit.model import SequenceClassifier, SequenceRegressor

TINY = {"window": 6, "n_networks": 1, "max_epochs": 3, "width": 8, "random_state": 0, "progress": False}
NAMED = {"unit": "pump", "time": "hour", **TINY}


def pumps(n_units=14, n_hours=20, seed=0):
    """Pumps whose heat rises with age and whose noise means nothing."""
    rng = np.random.default_rng(seed)
    hour = np.tile(np.arange(n_hours), n_units)
    X = pd.DataFrame({"pump": np.repeat([f"p{i}" for i in range(n_units)], n_hours), "hour": hour})
    X["heat"] = hour + rng.normal(0, 0.5, len(X))
    X["noise"] = rng.normal(0, 1, len(X))
    return X, pd.Series(n_hours - 1.0 - hour, index=X.index, name="left")


@pytest.fixture(scope="module")
def table():
    return pumps()


@pytest.fixture(scope="module")
def regressor(table):
    return SequenceRegressor(**NAMED, bounds=(0, 15)).fit(*table)


@pytest.fixture(scope="module")
def classifier(table):
    X, left = table
    return SequenceClassifier(**NAMED).fit(X, left < 5)


ESTIMATORS = [SequenceRegressor(**NAMED), SequenceClassifier(**NAMED)]


@pytest.mark.parametrize("check", estimator_checks())
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_promises_of_every_estimator(estimator, check, table):
    X, left = table
    check(estimator, X, left < 5 if isinstance(estimator, SequenceClassifier) else left)


def test_all_promises_were_asked_for():
    assert len(estimator_checks()) == 6


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_a_clone_has_the_parameters_and_nothing_learnt(estimator, table):
    fitted = clone(estimator).fit(table[0], table[1] < 5)
    assert clone(fitted).get_params() == estimator.get_params()
    assert not hasattr(clone(fitted), "module_")


def test_each_row_gets_its_value_whatever_the_order_of_rows(regressor, table):
    X, _ = table
    shuffled = X.sample(frac=1, random_state=3)
    straight = pd.Series(regressor.predict(X), index=X.index)
    assert np.array_equal(regressor.predict(shuffled), straight[shuffled.index])


def test_the_newest_value_of_each_unit_is_that_of_its_last_row(regressor, table):
    X, _ = table
    last = X.groupby("pump", sort=False).tail(1)
    values = pd.Series(regressor.predict(X), index=X.index)[last.index]
    newest = regressor.predict_last(X)
    assert newest.index.tolist() == last["pump"].tolist()
    assert newest.index.name == "pump"
    np.testing.assert_allclose(newest, values, rtol=1e-6)


def test_units_may_be_pairs(table):
    X, left = table
    pairs = [("hall", int(name[1:])) for name in X["pump"]]
    newest = SequenceRegressor(**NAMED).fit(X.assign(pump=pairs), left).predict_last(X.assign(pump=pairs))
    assert newest.index[3] == ("hall", 3)
    assert len(newest) == 14


def test_parameters_set_after_fit_change_no_answer(table):
    X, left = table
    model = SequenceRegressor(**NAMED, bounds=(0, 15)).fit(X, left)
    values, ends = model.predict(X), model.predict_interval(X, alpha=0.5)
    model.set_params(window=3, use_age=False, bounds=(None, None), head="hazard")
    np.testing.assert_array_equal(model.predict(X), values)
    np.testing.assert_array_equal(model.predict_interval(X, alpha=0.5), ends)
    assert model.target_range_ == (0.0, 15.0)


def test_no_window_sees_another_unit_or_the_future(regressor, table):
    X, _ = table
    one = X[X["pump"] == "p3"]
    early = one[one["hour"] < 10]
    np.testing.assert_allclose(regressor.predict(early), regressor.predict(X)[one.index[:10]], rtol=1e-6)


def test_windows_are_cut_as_index_arithmetic_says(regressor, table):
    windows = regressor.windows(table[0], rows="all")
    encoded = regressor.encode_windows(windows).numpy()
    rows, padding = window_rows(windows.ends, windows.starts, 6)
    channels = regressor.encoder_.transform(windows.series)
    assert np.array_equal(encoded[..., :-1], np.where(padding[..., None], 0, channels[rows]))
    assert np.array_equal(encoded[..., -1], ~padding)


def test_windows_of_another_length_are_refused(regressor, table):
    windows = regressor.windows(table[0])
    with pytest.raises(ValueError, match="windows must have the model's 6 steps, got 4"):
        regressor.encode_windows(replace(windows, length=4))


def test_values_stay_within_their_bounds(regressor, table):
    values = regressor.predict(table[0])
    assert values.min() >= 0
    assert values.max() <= 15


def test_rows_without_target_are_history_alone(table):
    X, left = table
    known = left.where(X["hour"] >= 8)
    model = SequenceRegressor(**NAMED).fit(X, known)
    assert model.n_rows_ == known.notna().sum()
    assert np.isfinite(model.predict(X)).all()


def test_units_that_weigh_nothing_are_as_good_as_absent(table):
    X, left = table
    counts = X["pump"] != "p3"
    odd = X.assign(noise=X["noise"].where(counts, 1e3))
    weighed = SequenceRegressor(**NAMED).fit(odd, left, sample_weight=counts.astype(float))
    without = SequenceRegressor(**NAMED).fit(X[counts], left[counts])
    np.testing.assert_array_equal(weighed.predict(X), without.predict(X))


def test_a_stride_learns_from_every_so_many_rows_and_always_from_the_newest(table):
    X, left = table
    model = SequenceRegressor(**NAMED, stride=7).fit(X, left)
    assert model.n_rows_ == 14 * 3  # hours 5, 12 and 19
    assert len(model.predict(X)) == len(X)


def test_arrays_are_judged_at_their_end():
    X, _ = pumps()
    arrays = [part[["heat", "noise"]].to_numpy() for _, part in X.groupby("pump", sort=False)]
    model = SequenceRegressor(**TINY).fit(arrays, np.arange(14.0))
    assert model.n_rows_ == 14
    assert model.predict(arrays[:3]).shape == (3,)
    assert model.n_features_in_ == 2


def test_inner_folds_keep_units_whole(table, monkeypatch):
    from appkit.model import neural_estimator

    seen = {}
    whole = neural_estimator.fit_ensemble

    def spy(recipe, data, folds, **options):
        seen["apart"] = [set(data.Z.starts[a].tolist()) & set(data.Z.starts[b].tolist()) for a, b in folds]
        return whole(recipe, data, folds, **options)

    monkeypatch.setattr(neural_estimator, "fit_ensemble", spy)
    SequenceRegressor(**NAMED | {"n_networks": 3}).fit(*table)
    assert seen["apart"] == [set(), set(), set()]


def test_a_unit_in_training_and_validation_is_named(table):
    X, left = table
    with pytest.raises(LeakageError, match="'p5'"):
        SequenceRegressor(**NAMED).fit(X, left, X_val=X[X["pump"] == "p5"], y_val=left[X["pump"] == "p5"])


def test_groups_that_divide_a_unit_are_refused(table):
    X, left = table
    with pytest.raises(ValueError, match=r"keep each unit whole.*'p0'"):
        SequenceRegressor(**NAMED).fit(X, left, groups=X["hour"])


def test_cross_validation_by_unit_works(table):
    X, left = table
    scores = cross_val_score(SequenceRegressor(**NAMED), X, left, groups=X["pump"], cv=GroupKFold(3))
    assert np.isfinite(scores).all()


def test_sensors_may_come_in_another_order_and_must_all_come(regressor, table):
    X, _ = table
    again = X[["noise", "hour", "heat", "pump"]].assign(extra=1.0)
    assert np.array_equal(regressor.predict(again), regressor.predict(X))
    with pytest.raises(SchemaError, match="noise"):
        regressor.predict(X.drop(columns="noise"))


def test_a_unit_shorter_than_the_window_is_padded(regressor, table):
    X, _ = table
    assert np.isfinite(regressor.predict(X.iloc[:1])).all()
    assert regressor.encode(X.iloc[:1])[:][0, :, -1].tolist() == [0, 0, 0, 0, 0, 1]


def test_gaps_are_filled_and_marked(table):
    X, left = table
    X = X.copy()
    X.loc[X.index[::7], "heat"] = np.nan
    model = SequenceRegressor(**NAMED).fit(X, left)
    assert len(model.layout_.indicators) == 1
    assert np.isfinite(model.predict(X)).all()


def test_the_background_is_whole_windows_in_physical_units(regressor):
    assert regressor.background_.shape[1:] == (6, 4)
    assert (regressor.background_[..., -1] == 1).all()
    assert regressor.layout_.sensors == ("heat", "noise", "age")
    ages = regressor.background_readings_[..., 2]
    assert (np.diff(ages, axis=1) == 1).all()


def test_the_background_of_two_classes_is_the_first(classifier, table):
    X, left = table
    heat = classifier.background_readings_[:, -1, 0]
    assert heat.max() < X.loc[left < 5, "heat"].min() + 2


def test_class_weights_costs_and_sets_work_on_series(table):
    X, left = table
    model = SequenceClassifier(**NAMED, class_weight="balanced", threshold=0.9).fit(X, left < 5)
    assert model.predict(X).mean() <= (model.predict_proba(X)[:, 1] >= 0.5).mean()
    assert model.predict_set(X).shape == (len(X), 2)


def test_probabilities_of_the_newest_rows_have_a_line_per_unit(classifier, table):
    table_of_units = classifier.predict_proba_last(table[0])
    assert table_of_units.shape == (14, 2)
    np.testing.assert_allclose(table_of_units.sum(axis=1), 1)
    assert classifier.predict_last(table[0]).isin([True, False]).all()


@pytest.mark.parametrize("network", ["tcn", "lstm", "transformer", "statistics"])
def test_every_network_learns(network, table):
    model = SequenceRegressor(**NAMED | {"network": network, "max_epochs": 30, "batch_size": 32}).fit(*table)
    assert abs(model.predict(table[0]) - table[1]).mean() < 2.5


def test_a_factory_is_given_the_layout(table):
    import torch

    class Last(torch.nn.Module):
        def __init__(self, layout, n_outputs):
            super().__init__()
            self.output = torch.nn.Linear(layout.n_channels, n_outputs)

        def forward(self, Z):
            return self.output(Z[:, -1])

    model = SequenceRegressor(**NAMED | {"network": Last}).fit(*table)
    assert np.isfinite(model.predict(table[0])).all()


def test_a_killed_fit_goes_on_to_the_same_end(table, tmp_path):
    straight = SequenceRegressor(**NAMED).fit(*table)
    cut = SequenceRegressor(**NAMED | {"max_epochs": 1}, checkpoint=tmp_path / "fit.pt")
    cut.fit(*table)
    resumed = SequenceRegressor(**NAMED, checkpoint=tmp_path / "fit.pt").fit(*table)
    assert np.array_equal(resumed.predict(table[0]), straight.predict(table[0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window must be a positive whole number"),
        ({"stride": 1.5}, "stride must be a positive whole number"),
        ({"network": "rnn"}, "network must be one of"),
        ({"conditions": "heat"}, "conditions must be a sequence"),
        ({"bounds": (10, 0)}, "bounds must be"),
        ({"head": "mode"}, "head must be one of"),
        ({"dropout": 1.0}, "dropout must be"),
    ],
)
def test_wrong_parameters_are_named(options, message, table):
    with pytest.raises(ValueError, match=message):
        SequenceRegressor(**NAMED | options).fit(*table)


def test_targets_must_fit_the_rows(table):
    X, left = table
    with pytest.raises(ValueError, match="one target per row of X, got 5 for 280"):
        SequenceRegressor(**NAMED).fit(X, left[:5])
    with pytest.raises(ValueError, match="every row is missing"):
        SequenceRegressor(**NAMED).fit(X, left * np.nan)
