"""Survival curves of machines, some of which had not failed when they were last seen."""

import numpy as np
import pandas as pd
import pytest

from appkit.checks import estimator_checks
from appkit.persistence import load, save
from appkit.prediction.kaplan_meier import kaplan_meier
from domains.manufacturing import RemainingLifeRegressor, make_degradation, time_to_event

QUICK = {"unit": "machine", "time": "hour", "window": 12, "width": 8, "n_networks": 1, "max_epochs": 4}
QUICK |= {"head": "hazard", "random_state": 0, "progress": False}


@pytest.fixture(scope="module")
def series() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return readings of twelve pumps, five of them stopped before they failed, and their times to the event."""
    data = make_degradation(12, n_conditions=1, censored=0.4, random_state=5)
    known = time_to_event(data.X, unit="machine", time="hour", failed=data.failed)
    return data.X.iloc[:, [0, 1, 5, 6, 8]], known


@pytest.fixture(scope="module")
def model(series):
    return RemainingLifeRegressor(**QUICK).fit(*series)


@pytest.mark.parametrize("check", estimator_checks(), ids=lambda check: check.__name__)
def test_promises_are_kept(check, series):
    check(RemainingLifeRegressor(**QUICK), *series)


def test_machines_that_still_ran_are_learnt_from(model, series):
    X, known = series
    assert not known["event"].all()
    assert model.n_rows_ == len(X)


def test_curves_fall_from_one_and_stay_probabilities(model, series):
    edges = np.array([0.0, *model.head_.edges])
    curves = model.predict_survival(series[0], edges)
    assert (curves[:, 0] == 1).all()
    assert (np.diff(curves, axis=1) <= 0).all()
    assert curves.min() >= 0


def test_expected_life_is_the_area_under_the_curve(model, series):
    edges = np.array([0.0, *model.head_.edges])
    area = np.trapezoid(model.predict_survival(series[0], edges), edges, axis=1)
    np.testing.assert_allclose(model.predict(series[0]), area, rtol=1e-6)
    assert area.min() >= 0
    assert area.max() <= edges[-1]


def test_a_network_that_learnt_nothing_says_the_life_table(series):
    X, known = series
    blind = RemainingLifeRegressor(**QUICK | {"max_epochs": 1}, learning_rate=1e-9).fit(X, known)
    edges = np.array(blind.head_.edges[:-1])
    expected = kaplan_meier(known["event"], known["duration"]).at(edges)
    np.testing.assert_allclose(blind.predict_survival(X, edges).mean(axis=0), expected, atol=0.05)


def test_leaving_out_those_that_still_ran_makes_lives_too_short(series):
    X, known = series
    blind = RemainingLifeRegressor(**QUICK | {"max_epochs": 1}, learning_rate=1e-9)
    with_all = blind.fit(X, known).predict_survival(X, [100.0]).mean()
    with_failed = blind.fit(X, known.astype(float).where(known["event"])).predict_survival(X, [100.0]).mean()
    assert blind.n_rows_ == known["event"].sum()
    assert with_failed < with_all


def test_lives_beyond_the_cap_are_survived_not_ended_at_the_cap(series):
    X, known = series
    capped = RemainingLifeRegressor(**QUICK, cap=40).fit(X, known)
    share = (known["duration"] > 40).mean()
    curve = capped.predict_survival(X, [capped.head_.edges[-1]])
    assert capped.head_.edges[-1] <= 40
    assert curve.mean() == pytest.approx(share, abs=0.15)
    assert capped.predict(X).max() <= 40


def test_a_loaded_model_draws_the_same_curves(model, series, tmp_path):
    again = load(save(model, tmp_path / "curves.appkit"))
    assert np.array_equal(
        again.predict_survival(series[0], [5.0, 50.0]), model.predict_survival(series[0], [5.0, 50.0])
    )


def test_other_heads_have_no_curves(series):
    X, known = series
    fitted = RemainingLifeRegressor(**QUICK | {"head": "mean"}).fit(X, known["duration"])
    with pytest.raises(ValueError, match="predict_survival needs head='hazard', the model has 'mean'"):
        fitted.predict_survival(X, [1.0])


def test_times_beyond_what_was_seen_are_refused(model, series):
    with pytest.raises(ValueError, match="times must"):
        model.predict_survival(series[0], [model.head_.edges[-1] + 1])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"duration": -2.0}, "duration must be finite and not negative, got -2 in row 700"),
        ({"duration": np.nan}, "Each event needs its duration: duration must be a number, got nan in row 700"),
        ({"event": 2.0}, "event must be 0 or 1, got 2 in row 700"),
    ],
)
def test_a_row_that_cannot_be_is_named_as_the_caller_knows_it(cell, message, series):
    X, known = series
    order = np.random.default_rng(0).permutation(len(X))
    known = known.astype(float)
    known.iloc[:20] = np.nan  # history: no reason to count rows anew
    known.loc[700, list(cell)] = list(cell.values())
    with pytest.raises(ValueError, match=message):
        RemainingLifeRegressor(**QUICK).fit(X.iloc[order], known.iloc[order])


def test_a_target_without_durations_is_refused(series):
    X, known = series
    with pytest.raises(ValueError, match=r"y must have the columns event and duration.*no 'duration'"):
        RemainingLifeRegressor(**QUICK).fit(X, known[["event"]])


def test_an_array_of_event_and_duration_is_a_target_too(model, series):
    X, known = series
    again = RemainingLifeRegressor(**QUICK).fit(X, known.to_numpy(dtype=float))
    assert np.array_equal(again.predict(X), model.predict(X))
