"""RemainingLifeRegressor stays within its cap, says how sure it is, and compares with healthy windows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from appkit.checks import estimator_checks
from appkit.exceptions import DataWarning, LeakageError, SchemaError
from domains.manufacturing import RemainingLifeRegressor
from tests.domains.manufacturing.pumps import NAMED, pumps

CAP = 12.0


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, pd.Series]:
    return pumps()


@pytest.fixture(scope="module")
def model(table):
    return RemainingLifeRegressor(**NAMED | {"max_epochs": 20}, cap=CAP, validation_fraction=0.5).fit(*table)


@pytest.mark.parametrize("check", estimator_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize("head", ["mean", "quantile"])
def test_promises_are_kept(head, check, table):
    check(RemainingLifeRegressor(**NAMED, cap=CAP, head=head), *table)


def test_a_clone_has_the_cap_and_nothing_learnt(model):
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "module_")


def test_remaining_life_is_learnt(model, table):
    X, left = table
    assert np.abs(model.predict(X) - left.clip(upper=CAP)).mean() < 1.5


def test_values_lie_between_nothing_and_the_cap(model, table):
    X, _ = table
    beyond = X.assign(heat=X["heat"] * 10 - 90)  # far from anything seen, on both sides
    values = model.predict(beyond)
    assert (values.min(), values.max()) == (0, CAP)


def test_targets_beyond_the_cap_are_the_cap(table):
    X, left = table
    given, capped = (RemainingLifeRegressor(**NAMED, cap=CAP).fit(X, y) for y in (left, left.clip(upper=CAP)))
    assert np.array_equal(given.predict(X), capped.predict(X))


def test_without_a_cap_values_are_not_negative_and_may_be_any(table):
    X, left = table
    values = RemainingLifeRegressor(**NAMED | {"max_epochs": 20}).fit(X, left + 100).predict(X)
    assert values.max() > 110


@pytest.mark.parametrize("cap", [0, -5.0])
def test_a_cap_that_is_no_time_is_refused(cap, table):
    with pytest.raises(ValueError, match="cap must be a positive time or None"):
        RemainingLifeRegressor(**NAMED, cap=cap).fit(*table)


def test_intervals_stay_between_nothing_and_the_cap(model, table):
    ends = model.predict_interval(table[0], alpha=0.2)
    assert (ends[:, 0] <= ends[:, 1]).all()
    assert ends.min() >= 0
    assert ends.max() <= CAP


def test_intervals_widen_with_the_probability_asked_for(model, table):
    narrow, wide = (np.diff(model.predict_interval(table[0], alpha=alpha), axis=1) for alpha in (0.5, 0.2))
    assert (narrow <= wide + 1e-9).all()
    assert narrow.mean() < wide.mean()


def test_intervals_hold_the_life_of_new_pumps(table):
    X, left = pumps(n_units=40)
    fitted = RemainingLifeRegressor(**NAMED | {"n_networks": 3}, cap=CAP).fit(X[:400], left[:400])
    low, high = fitted.predict_interval(X[400:], alpha=0.2).T
    truth = left[400:].clip(upper=CAP)
    assert ((low <= truth) & (truth <= high)).mean() >= 0.75


def test_too_few_units_for_a_probability_are_counted(model, table):
    with pytest.raises(ValueError, match=r"alpha=0.01 needs at least 99 held-out units, the model has 7"):
        model.predict_interval(table[0], alpha=0.01)


def test_rows_of_pumps_that_still_ran_are_history(table):
    X, left = table
    known = left.where(X["pump"] != "p3")
    assert RemainingLifeRegressor(**NAMED, cap=CAP).fit(X, known).n_rows_ == known.notna().sum()


def test_the_background_is_healthy(model, table):
    X, left = table
    assert model.background_readings_[:, -1, 0].max() <= X["heat"][left >= CAP].max()


def test_explanations_compare_with_healthy_windows_in_the_units_of_time(model, table):
    X, _ = table
    why = model.explain(X[X["pump"] == "p1"], random_state=0)
    heat = [i for i, name in enumerate(why.player_names) if name.startswith(("heat", "age"))]
    assert why.units == "value"
    np.testing.assert_allclose(why.output[0, 0], model.predict_last(X)["p1"], atol=1e-4)
    assert why.base_value[0, 0] > 8
    assert why.values[0, heat, 0].sum() < 0.9 * (why.output - why.base_value)[0, 0] < 0


def test_a_unit_in_training_and_validation_is_named(table):
    X, left = table
    is_last = X["pump"] == "p13"
    RemainingLifeRegressor(**NAMED).fit(X[~is_last], left[~is_last], X_val=X[is_last], y_val=left[is_last])
    with pytest.raises(LeakageError, match="'p13'"):
        RemainingLifeRegressor(**NAMED).fit(X, left, X_val=X[is_last], y_val=left[is_last])


def test_negative_lives_are_taken_for_none(table):
    X, left = table
    fitted = RemainingLifeRegressor(**NAMED, cap=CAP)
    late = fitted.fit(X, left - 2).predict(X)
    assert np.array_equal(late, clone(fitted).fit(X, (left - 2).clip(lower=0)).predict(X))


def test_pumps_shorter_than_the_window_are_padded(model, table):
    X, left = table
    short = X[X["hour"] < 4]
    fitted = RemainingLifeRegressor(**NAMED, cap=CAP).fit(short, left[short.index])
    assert np.isfinite(fitted.predict(short)).all()
    assert model.predict(X[:1]).shape == (1,)


def test_a_pump_with_a_single_row_is_learnt_from(table):
    X, left = table
    some = X[(X["pump"] != "p0") | (X["hour"] == 5)]
    assert RemainingLifeRegressor(**NAMED, cap=CAP).fit(some, left[some.index]).n_rows_ == len(some)


def test_rows_out_of_order_get_their_own_values(model, table):
    X, _ = table
    straight = pd.Series(model.predict(X), index=X.index)
    shuffled = X.sample(frac=1, random_state=2)
    assert np.array_equal(model.predict(shuffled), straight[shuffled.index])


def test_two_readings_at_one_time_are_named(table):
    X, left = table
    with pytest.raises(SchemaError, match="pump p0, hour 3 in rows 3 and 3"):
        RemainingLifeRegressor(**NAMED).fit(pd.concat([X, X[3:4]]), pd.concat([left, left[3:4]]))


def test_sensors_that_never_read_or_never_change_are_left_out_and_named(table):
    X, left = table
    with pytest.warns(DataWarning) as told:
        fitted = RemainingLifeRegressor(**NAMED).fit(X.assign(dead=np.nan, stuck=7.0), left)
    said = " ".join(str(warning.message) for warning in told)
    assert "'dead'" in said
    assert "'stuck'" in said
    assert fitted.layout_.sensors == ("heat", "noise", "age")


def test_no_sensor_that_changes_is_an_error(table):
    X, left = table
    with pytest.raises(ValueError, match="sensor"):
        RemainingLifeRegressor(**NAMED, use_age=False).fit(X[["pump", "hour"]].assign(stuck=7.0), left)


def test_sensors_may_come_in_another_order_and_must_all_come(model, table):
    X, _ = table
    again = X[["noise", "hour", "heat", "pump"]].assign(site="Hull")
    assert np.array_equal(model.predict(again), model.predict(X))
    with pytest.raises(SchemaError, match=r"Column 'noise' is missing \(is it 'noises'\?\)"):
        model.predict(X.rename(columns={"noise": "noises"}))


def test_an_infinite_reading_is_named(model, table):
    X, _ = table
    hot = X.assign(heat=X["heat"].where(X.index != 45, np.inf))
    with pytest.raises(SchemaError, match=r"Sensor 'heat' must be finite.*pump p2, hour 5"):
        model.predict(hot)
