"""Targets count time, not rows, and say that they do not know what nobody watched."""

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from domains.manufacturing.targets import fails_within, remaining_life, time_to_event

X = pd.DataFrame(
    {"pump": ["a", "b", "a", "b", "a", "a"], "hour": [4, 0, 0, 3, 9, 5], "heat": [1.0, 2.0, None, 4.0, 5.0, 6.0]},
    index=list("uvwxyz"),
)
KEYS = {"unit": "pump", "time": "hour"}
ONLY_A = {"a": True, "b": False}
NAN = np.nan


def test_remaining_life_counts_time_and_keeps_the_order_of_the_table():
    life = remaining_life(X, **KEYS)
    pd.testing.assert_series_equal(life, pd.Series([5.0, 3, 9, 0, 0, 4], index=X.index, name="remaining_life"))


def test_remaining_life_of_censored_units_is_unknown():
    np.testing.assert_array_equal(remaining_life(X, **KEYS, failed=ONLY_A), [5, NAN, 9, NAN, 0, 4])
    assert remaining_life(X, **KEYS, failed=False).isna().all()


def test_a_cap_bounds_the_life_and_is_known_of_censored_units_watched_that_long():
    np.testing.assert_array_equal(remaining_life(X, **KEYS, failed=ONLY_A, cap=4), [4, NAN, 4, NAN, 0, 4])
    np.testing.assert_array_equal(remaining_life(X, **KEYS, failed=ONLY_A, cap=3), [3, 3, 3, NAN, 0, 3])


def test_remaining_life_of_dated_readings_counts_days():
    dated = X.assign(hour=pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(X["hour"], unit="h"))
    np.testing.assert_allclose(remaining_life(dated, **KEYS), np.array([5, 3, 9, 0, 0, 4]) / 24)


def test_fails_within_includes_the_end_of_the_horizon():
    assert fails_within(X, 4, **KEYS).tolist() == [0, 1, 0, 1, 1, 1]
    assert fails_within(X, 3.9, **KEYS).tolist() == [0, 1, 0, 1, 1, 0]


def test_fails_within_is_unknown_where_a_censored_unit_was_not_watched_for_the_whole_horizon():
    np.testing.assert_array_equal(fails_within(X, 3, **KEYS, failed=ONLY_A), [0, 0, 0, NAN, 1, 0])
    np.testing.assert_array_equal(fails_within(X, 3.1, **KEYS, failed=ONLY_A), [0, NAN, 0, NAN, 1, 0])


def test_time_to_event_keeps_censored_units():
    known = time_to_event(X, **KEYS, failed=ONLY_A)
    assert known["event"].tolist() == [True, False, True, False, True, True]
    assert known["duration"].tolist() == [5.0, 3, 9, 0, 0, 4]
    assert known.index.equals(X.index)


@pytest.mark.parametrize(
    "failed",
    [
        pd.Series({"a": 1, "b": 0}),
        {"a": np.True_, "b": False},
        pytest.param("ended", id="a column that holds for the whole unit"),
        pytest.param("stopped", id="a column that is true in the last reading"),
    ],
)
def test_who_failed_can_be_said_by_unit_or_in_a_column(failed):
    told = X.assign(ended=(X["pump"] == "a").astype(int), stopped=(X["pump"] == "a") & (X["hour"] == 9))
    np.testing.assert_array_equal(remaining_life(told, **KEYS, failed=failed), [5, NAN, 9, NAN, 0, 4])


def test_a_unit_with_one_reading_fails_at_it():
    single = pd.DataFrame({"pump": ["a"], "hour": [7.0]})
    assert remaining_life(single, **KEYS).tolist() == [0.0]


def test_readings_after_a_failure_are_refused():
    told = X.assign(failure=(X["hour"] == 4).astype(int))
    with pytest.raises(SchemaError, match=r"got a failure at pump a, hour 4 with readings after it\. Give each life"):
        remaining_life(told, **KEYS, failed="failure")


@pytest.mark.parametrize(
    ("failed", "message"),
    [
        ({"a": True, "b": True, "c": True}, "failed names units that X does not have: 'c'"),
        ({"a": True}, "failed must say of every unit whether it failed; it lacks: 'b'"),
        ({"a": True, "b": None}, "failed must be true or false, got None for unit 'b'"),
        ("failures", "got 'failures', which X does not have"),
        ("heat", r"Column 'heat' must be true or false, got nan at pump a, hour 0"),
    ],
)
def test_who_failed_must_fit_the_units(failed, message):
    with pytest.raises(SchemaError, match=message):
        remaining_life(X, **KEYS, failed=failed)


def test_who_failed_is_not_a_list():
    with pytest.raises(TypeError, match="failed must be a bool, a mapping from unit to bool or a column, got list"):
        remaining_life(X, **KEYS, failed=[True, False])


@pytest.mark.parametrize("value", [0, -5, NAN, np.inf, "30", True, None])
def test_a_horizon_must_be_positive(value):
    with pytest.raises(ValueError, match="horizon must be a positive number in the units of time, got"):
        fails_within(X, value, **KEYS)


@pytest.mark.parametrize("value", [0, -5, NAN, np.inf, "30", True])
def test_a_cap_must_be_positive(value):
    with pytest.raises(ValueError, match="cap must be a positive number in the units of time, got"):
        remaining_life(X, **KEYS, cap=value)


def test_two_readings_at_one_time_are_named():
    twice = pd.concat([X, X.loc[["x"]]])
    with pytest.raises(SchemaError, match=r"one row per time, got 1 more \(first: pump b, hour 3 in rows x and x\)"):
        remaining_life(twice, **KEYS)


def test_an_unknown_unit_column_is_named_with_the_nearest():
    with pytest.raises(SchemaError, match=r"Column 'pumps' is missing \(is it 'pump'\?\)"):
        remaining_life(X, unit="pumps", time="hour")


def test_targets_leave_the_table_as_it_was():
    before = X.copy()
    fails_within(X, 3, **KEYS, failed=ONLY_A)
    pd.testing.assert_frame_equal(X, before)
