import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from appkit.data.series import read_series
from appkit.data.windows import windows_of
from appkit.exceptions import SchemaError
from domains.manufacturing.prediction.baselines import (
    MeanLifeRegressor,
    WindowRegressor,
    remaining_life_baselines,
    ridge_baseline,
    xgboost_baseline,
)
from domains.manufacturing.prediction.window_statistics import window_feature_names, window_features


def fleet(n_units=12, seed=0):
    """Return shuffled readings of units that run to failure, their sensor a noisy sign of wear, and remaining life."""
    rng = np.random.default_rng(seed)
    lives = rng.integers(25, 50, size=n_units)
    cycle = np.concatenate([np.arange(life) for life in lives]).astype(float)
    left = np.repeat(lives, lives) - 1 - cycle
    table = pd.DataFrame(
        {
            "engine": np.repeat(np.arange(n_units), lives),
            "cycle": cycle,
            "wear": np.exp(-left / 15) + rng.normal(scale=0.05, size=len(cycle)),
            "noise": rng.normal(size=len(cycle)),
        }
    )
    shuffle = rng.permutation(len(table))
    return table.iloc[shuffle].reset_index(drop=True), left[shuffle]


def features_by_hand(series, end, length):
    unit = series.units_at(np.array([end]))[0]
    rows = np.arange(max(series.bounds[unit], end - length + 1), end + 1)
    columns = {name: [] for name in ("last", "mean", "std", "slope", "min", "max")}
    for sensor in range(len(series.sensors)):
        values = series.values[rows, sensor]
        seen, times = values[~np.isnan(values)], series.time[rows][~np.isnan(values)]
        columns["last"].append(values[-1])
        columns["mean"].append(seen.mean() if len(seen) else np.nan)
        columns["std"].append(seen.std() if len(seen) else np.nan)
        slope_of_few = np.nan if not len(seen) else 0.0
        columns["slope"].append(np.polyfit(times, seen, 1)[0] if len(seen) > 1 else slope_of_few)
        columns["min"].append(seen.min() if len(seen) else np.nan)
        columns["max"].append(seen.max() if len(seen) else np.nan)
    return np.concatenate([*columns.values(), [series.age[end]]])


@pytest.mark.parametrize("length", [2, 7, 60])
def test_window_features_agree_with_numpy_window_by_window(length):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "unit": np.repeat(["a", "b", "c"], [20, 1, 9]),
            "time": np.cumsum(rng.integers(1, 5, size=30)),
            "heat": np.where(rng.random(30) < 0.3, np.nan, rng.normal(size=30)),
            "load": rng.normal(size=30),
            "dead": np.nan,
        }
    )
    series = read_series(table, unit="unit", time="time")
    features = window_features(windows_of(series, length=length, rows="all"))
    expected = [features_by_hand(series, end, length) for end in range(30)]
    np.testing.assert_allclose(features, expected, atol=1e-10)
    assert len(window_feature_names(series.sensors)) == features.shape[1]


def test_window_features_do_not_depend_on_the_chunking(monkeypatch):
    table, _ = fleet()
    windows = windows_of(read_series(table, unit="engine", time="cycle"), length=5, rows="all")
    whole = window_features(windows, use_age=False)
    monkeypatch.setattr("domains.manufacturing.prediction.window_statistics._READINGS_AT_ONCE", 70)
    np.testing.assert_array_equal(window_features(windows, use_age=False), whole)


def test_window_features_of_single_precision_are_computed_in_double():
    readings = np.float32([[1e6 + step] for step in range(9)])
    features = window_features(windows_of(read_series([readings], unit=None, time=None), length=9, rows="last"))
    assert features[0, 3] == pytest.approx(1.0)


def test_mean_life_is_the_mean_of_units_that_got_so_old():
    table = pd.DataFrame({"unit": [1, 2, 3], "time": 0.0, "heat": 20.0})
    model = MeanLifeRegressor().fit(table, [10.0, 20.0, 60.0])
    asked = pd.DataFrame({"unit": [7] * 5, "time": [0.0, 10.0, 15.0, 50.0, 70.0], "heat": 0.0})
    # beyond the oldest unit nothing is left
    assert model.predict(asked).tolist() == [30.0, 30.0, 25.0, 10.0, 0.0]


def test_mean_life_with_a_cap_is_the_mean_of_capped_lives():
    table, left = fleet()
    model = MeanLifeRegressor(unit="engine", time="cycle", cap=12.0).fit(table, np.minimum(left, 12.0))
    lives = (table["cycle"] + left).groupby(table["engine"]).max().to_numpy()
    for age in (0.0, 20.0, 33.0):
        expected = np.minimum(lives[lives > age] - age, 12.0).mean()
        asked = pd.DataFrame({"engine": [0, 0], "cycle": [0.0, age + 1e-9], "wear": 0.0, "noise": 0.0})
        assert model.predict_last(asked)[0] == pytest.approx(expected)


def test_predictions_come_back_in_the_order_of_the_table():
    table, left = fleet()
    model = WindowRegressor(LinearRegression(), unit="engine", time="cycle", window=5).fit(table, left)
    ordered = table.sort_values(["engine", "cycle"])
    np.testing.assert_allclose(
        model.predict(table)[ordered.index], model.predict(ordered.reset_index(drop=True)), rtol=1e-9
    )


def test_last_predictions_are_those_of_each_unit_s_newest_row():
    table, left = fleet()
    model = ridge_baseline(unit="engine", time="cycle", window=5).fit(table, left)
    newest = table.assign(predicted=model.predict(table)).sort_values("cycle").groupby("engine")["predicted"].last()
    pd.testing.assert_series_equal(model.predict_last(table).sort_index(), newest, check_names=False)


def test_rows_without_a_target_are_history_only():
    table, left = fleet()
    hidden = np.where(table["cycle"] < 10, np.nan, left)
    model = WindowRegressor(LinearRegression(), unit="engine", time="cycle", window=20, whole_only=False)
    model.fit(table, hidden)
    windows = windows_of(read_series(table, unit="engine", time="cycle"), length=20, rows="all")
    known = ~np.isnan(hidden[windows.series.order])
    oracle = LinearRegression().fit(window_features(windows)[known], hidden[windows.series.order][known])
    np.testing.assert_allclose(model.regressor_.coef_, oracle.coef_)


def test_only_whole_windows_are_learned_from_where_there_are_any():
    table, left = fleet()
    by_default, told = (
        WindowRegressor(LinearRegression(), unit="engine", time="cycle", window=20, whole_only=whole_only).fit(
            table, target
        )
        for whole_only, target in [(True, left), (False, np.where(table["cycle"] < 19, np.nan, left))]
    )
    np.testing.assert_allclose(by_default.regressor_.coef_, told.regressor_.coef_)
    longer_than_any = WindowRegressor(LinearRegression(), unit="engine", time="cycle", window=60).fit(table, left)
    assert np.isfinite(longer_than_any.predict(table)).all()


def test_arrays_have_one_target_and_one_prediction_each():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(length, 2)) for length in (5, 9, 3, 7)]
    model = WindowRegressor(LinearRegression(), window=2, use_age=False).fit(arrays, [1.0, 2.0, 3.0, 4.0])
    assert model.predict(arrays).shape == (4,)


def test_columns_may_come_in_another_order_with_others_beside():
    table, left = fleet()
    model = ridge_baseline(unit="engine", time="cycle", window=5).fit(table, left)
    other = table[["noise", "wear", "cycle", "engine"]].assign(note="text")
    np.testing.assert_array_equal(model.predict(other), model.predict(table))


def test_a_missing_sensor_is_named():
    table, left = fleet()
    model = ridge_baseline(unit="engine", time="cycle", window=5).fit(table, left)
    with pytest.raises(SchemaError, match="'wear'"):
        model.predict(table.drop(columns="wear"))


def test_all_baselines_beat_the_mean_life_where_wear_shows():
    train, left = fleet(seed=1)
    test, truth = fleet(seed=2)
    columns, whole = {"unit": "engine", "time": "cycle", "window": 10, "n_jobs": 1}, test["cycle"] >= 9
    errors = {
        name: np.sqrt(np.mean((model.fit(train, left).predict(test) - truth)[whole] ** 2))
        for name, model in remaining_life_baselines(**columns).items()
    }
    assert list(errors) == ["Mean life", "Ridge", "XGBoost", "XGBoost, light tune"]
    assert max(list(errors.values())[1:]) < errors["Mean life"]


def test_baselines_can_be_cloned_and_fitted_twice_alike():
    table, left = fleet()
    model = xgboost_baseline(unit="engine", time="cycle", window=5, n_jobs=1)
    first = clone(model).fit(table, left).predict(table)
    np.testing.assert_array_equal(model.fit(table, left).fit(table, left).predict(table), first)
    assert model.regressor.get_params()["n_estimators"] == 400


def test_a_sensor_without_readings_does_not_stop_a_ridge():
    table, left = fleet()
    model = ridge_baseline(unit="engine", time="cycle", window=5).fit(table.assign(dead=np.nan), left)
    assert np.isfinite(model.predict(table.assign(dead=np.nan))).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda left: left[:-1], "y must have one value per row of the table"),
        (lambda left: np.full(len(left), np.nan), "known in at least one row, got only NaN"),
        (lambda left: np.where(np.arange(len(left)) == 3, np.inf, left), "got infinity at 3"),
        (lambda left: np.where(np.arange(len(left)) == 4, -1.0, left), "must not be negative, got -1 at 4"),
    ],
)
def test_targets_that_make_no_sense_are_refused(change, message):
    table, left = fleet()
    with pytest.raises(ValueError, match=message):
        MeanLifeRegressor(unit="engine", time="cycle").fit(table, change(left))


def test_settings_that_make_no_sense_are_refused():
    table, left = fleet()
    with pytest.raises(ValueError, match="cap must be positive, got 0"):
        MeanLifeRegressor(unit="engine", time="cycle", cap=0).fit(table, left)
    with pytest.raises(ValueError, match="tune must be 'default' or 'light', got 'heavy'"):
        xgboost_baseline(tune="heavy")
