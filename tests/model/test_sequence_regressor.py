"""Values, quantiles, survival curves and intervals of series."""

import numpy as np
import pandas as pd
import pytest

from appkit import load, save
from appkit.model import SequenceRegressor

NAMED = {"unit": "pump", "time": "hour", "window": 6, "width": 8, "random_state": 0, "progress": False}


def pumps(n_units=30, seed=0):
    """Pumps of different lives; heat rises as the end comes near. Every third was stopped before."""
    rng = np.random.default_rng(seed)
    parts = []
    for unit in range(n_units):
        life = int(rng.integers(15, 30))
        seen = life if unit % 3 else int(rng.integers(8, life))
        hour = np.arange(seen)
        heat = np.maximum(0, 12 - (life - 1 - hour)) + rng.normal(0, 0.4, seen)
        parts.append(pd.DataFrame({"pump": unit, "hour": hour, "heat": heat, "left": life - 1.0 - hour}))
    X = pd.concat(parts, ignore_index=True)
    failed = X["pump"] % 3 != 0
    newest = X.groupby("pump")["hour"].transform("max")
    times = pd.DataFrame({"event": failed, "duration": np.where(failed, X["left"], newest - X["hour"])})
    return X.drop(columns="left"), X["left"], times


@pytest.fixture(scope="module")
def data():
    return pumps()


@pytest.fixture(scope="module")
def hazards(data):
    X, _, times = data
    return SequenceRegressor(**NAMED, head="hazard", n_networks=1, max_epochs=60, batch_size=32).fit(X, times)


def test_survival_curves_start_at_one_and_fall(hazards, data):
    edges = hazards.head_.edges
    curves = hazards.predict_survival(data[0], [0, *edges])
    assert (curves[:, 0] == 1).all()
    assert (np.diff(curves, axis=1) <= 0).all()


def test_a_worn_pump_is_less_likely_to_last(hazards, data):
    X, left, _ = data
    chance = hazards.predict_survival(X, [5.0])[:, 0]
    assert chance[left <= 2].mean() < chance[left >= 12].mean() - 0.3


def test_the_value_of_hazards_is_the_area_under_the_curve(hazards, data):
    X, _, _ = data
    grid = np.linspace(0, hazards.head_.edges[-1], 4001)
    areas = np.trapezoid(hazards.predict_survival(X[:20], grid), grid, axis=1)
    np.testing.assert_allclose(hazards.predict(X)[:20], areas, rtol=1e-3)


def test_censored_rows_count(data):
    X, _, times = data
    everyone = SequenceRegressor(**NAMED, head="hazard", n_networks=1, max_epochs=2).fit(X, times)
    failed = SequenceRegressor(**NAMED, head="hazard", n_networks=1, max_epochs=2).fit(
        X, times.where(times["event"].astype(bool))
    )
    assert everyone.n_rows_ == len(X)
    assert failed.n_rows_ == times["event"].sum()


def test_survival_beyond_the_last_edge_is_not_known(hazards, data):
    with pytest.raises(ValueError, match="last edge"):
        hazards.predict_survival(data[0], [1e6])


def test_a_warm_start_keeps_the_intervals_of_time(data):
    X, _, times = data
    model = SequenceRegressor(**NAMED, head="hazard", n_networks=1, max_epochs=2, warm_start=True).fit(X, times)
    edges, early = model.head_.edges, X["hour"] > 13
    assert model.fit(X[early], times[early]).head_.edges == edges


def test_quantiles_rise_and_the_value_is_the_median(data):
    X, left, _ = data
    model = SequenceRegressor(**NAMED, head="quantile", n_networks=1, max_epochs=5, bounds=(0, 25)).fit(X, left)
    quantiles = model.predict_quantiles(X)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert np.array_equal(model.predict(X), quantiles[:, 1])


def test_another_head_has_no_quantiles_and_no_curves(hazards, data):
    with pytest.raises(ValueError, match="predict_quantiles needs head='quantile'"):
        hazards.predict_quantiles(data[0])
    model = SequenceRegressor(**NAMED, n_networks=1, max_epochs=1).fit(data[0], data[1])
    with pytest.raises(ValueError, match="predict_survival needs head='hazard'"):
        model.predict_survival(data[0], [1.0])


def test_intervals_lie_within_the_bounds_around_the_value(data):
    X, left, _ = data
    model = SequenceRegressor(**NAMED, n_networks=5, max_epochs=15, bounds=(0, 12)).fit(X, left)
    ends = model.predict_interval(X, alpha=0.2)
    assert ends.min() >= 0
    assert ends.max() <= 12
    assert (ends[:, 0] <= ends[:, 1]).all()
    assert ((ends[:, 0] <= np.minimum(left, 12)) & (np.minimum(left, 12) <= ends[:, 1])).mean() > 0.7


def test_too_few_units_for_an_interval_say_how_many(data):
    X, left, _ = data
    model = SequenceRegressor(**NAMED, n_networks=5, max_epochs=1).fit(X, left)
    with pytest.raises(ValueError, match="units"):
        model.predict_interval(X, alpha=0.001)


@pytest.mark.parametrize("head", ["mean", "quantile", "hazard"])
def test_every_head_is_saved_and_loaded(head, data, tmp_path):
    X, left, times = data
    y = times if head == "hazard" else left
    model = SequenceRegressor(**NAMED, head=head, n_networks=2, max_epochs=2, validation_fraction=0.3).fit(X, y)
    loaded = load(save(model, tmp_path / "model.appkit"))
    assert np.array_equal(loaded.predict(X), model.predict(X))
    assert np.array_equal(loaded.predict_interval(X, alpha=0.3), model.predict_interval(X, alpha=0.3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"duration": -1.0}, "duration must be finite and not negative, got -1 in row 3"),
        ({"duration": np.nan}, "Each event needs its duration.* in row 3"),
        ({"event": 2.0}, "event must be 0 or 1, got 2 in row 3"),
    ],
)
def test_wrong_event_times_are_named_by_row(change, message, data):
    X, _, times = data
    wrong = times.astype(float)
    wrong.loc[3, list(change)] = list(change.values())
    with pytest.raises(ValueError, match=message):
        SequenceRegressor(**NAMED, head="hazard").fit(X, wrong)


def test_event_times_need_both_columns(data):
    X, _, times = data
    with pytest.raises(ValueError, match="no 'duration'"):
        SequenceRegressor(**NAMED, head="hazard").fit(X, times[["event"]])
