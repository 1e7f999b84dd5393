"""Readings of many units become one matrix, whatever their order, labels and clocks."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.series import read_series
from appkit.exceptions import SchemaError


def pumps(**columns):
    """Return three readings of two pumps, newest first, the pumps mixed."""
    base = {"pump": ["b", "a", "b"], "hour": [5, 1, 2], "heat": [30.0, 10.0, 20.0]}
    return pd.DataFrame(base | columns)


def read(X, **options):
    return read_series(X, **{"unit": "pump", "time": "hour"} | options)


def problems_of(X, **options):
    with pytest.raises(SchemaError) as caught:
        read(X, **options)
    return caught.value.problems


def test_rows_are_put_together_by_unit_and_sorted_by_time():
    series = read(pumps())
    assert series.units == ("b", "a")
    assert series.values.ravel().tolist() == [20.0, 30.0, 10.0]
    assert series.time.tolist() == [2.0, 5.0, 1.0]
    assert series.bounds.tolist() == [0, 2, 3]


def test_order_leads_back_to_the_rows_of_the_table():
    X = pd.DataFrame({"pump": [1, 2] * 50, "hour": np.random.default_rng(0).permutation(100), "heat": np.arange(100.0)})
    series = read(X)
    np.testing.assert_array_equal(X["heat"].to_numpy()[series.order], series.values[:, 0])
    np.testing.assert_array_equal(X["hour"].to_numpy()[series.order], series.time)


def test_a_series_says_how_many_how_old_and_which_are_newest():
    series = read(pumps())
    assert (series.n_units, series.n_rows) == (2, 3)
    assert series.unit_of_row.tolist() == [0, 0, 1]
    assert series.last_rows.tolist() == [1, 2]
    assert series.age.tolist() == [0.0, 3.0, 0.0]


@pytest.mark.parametrize(
    "labels", [[7, 3, 7], ["x", "y", "x"], [("line", 1), 3, ("line", 1)], pd.array([7, 3, 7], dtype="Int64")]
)
def test_units_keep_labels_of_any_hashable_type(labels):
    assert read(pumps(pump=labels)).units == (labels[0], labels[1])


def test_categorical_units_read_like_text():
    assert read(pumps(pump=pd.Categorical(["b", "a", "b"], categories=["a", "b", "never seen"]))).units == ("b", "a")


def test_dates_count_days_in_utc():
    hours = pd.to_datetime(["1970-01-03 02:00", "1970-01-02 00:00", "1970-01-02 14:00"]).tz_localize("Europe/Berlin")
    series = read(pumps(hour=hours))  # Berlin was one hour ahead
    assert series.time.tolist() == pytest.approx([1 + 13 / 24, 2 + 1 / 24, 23 / 24])
    assert series.row_names([0, 1]) == ["pump b, hour 1970-01-02 13:00:00", "pump b, hour 1970-01-03 01:00:00"]


def test_dates_may_be_iso_text():
    series = read(pumps(hour=["2024-03-02", "2024-03-01", "2024-03-01"]))
    assert series.row_names([1]) == ["pump b, hour 2024-03-02"]
    assert np.diff(series.time[:2]).tolist() == [1.0]


def test_sensors_of_every_numeric_dtype_become_floats():
    X = pumps(
        on=pd.array([True, None, False], dtype="boolean"),
        load=pd.array([1, 2, None], dtype="Int64"),
        open=[True, False, True],
        gone=[None, None, None],
    )
    series = read(X)
    assert series.values.dtype == np.float64
    expected = [[20, 0, np.nan, 1, np.nan], [30, 1, 1, 1, np.nan], [10, np.nan, 2, 0, np.nan]]
    np.testing.assert_array_equal(series.values, expected)


def test_single_precision_is_kept():
    assert read(pumps(heat=np.float32([1, 2, 3]))).values.dtype == np.float32
    assert read_series([np.zeros((2, 1), np.float32)] * 2, unit=None, time=None).values.dtype == np.float32


def test_named_sensors_alone_are_read_in_the_order_named():
    X = pumps(load=[1.0, 2.0, 3.0], note=["text", "is", "not read"])
    series = read(X, sensors=["load", "heat"])
    assert series.sensors == ("load", "heat")
    assert series.values[0].tolist() == [3.0, 20.0]


def test_the_table_is_left_as_it_was():
    X = pumps()
    before = X.copy()
    read(X).values[:] = -1.0
    pd.testing.assert_frame_equal(X, before)


def test_without_a_unit_column_all_rows_are_one_unit():
    series = read_series(pumps().drop(columns="pump"), unit=None, time="hour")
    assert series.units == (0,)
    assert series.values.ravel().tolist() == [10.0, 20.0, 30.0]


def test_without_a_time_column_rows_are_steps_in_order():
    series = read_series(pumps().drop(columns="hour"), unit="pump", time=None, time_name="cycle")
    assert series.values.ravel().tolist() == [30.0, 20.0, 10.0]
    assert series.row_names([1, 2]) == ["pump b, cycle 1", "pump a, cycle 0"]


def test_arrays_are_units_by_position_and_steps_by_row():
    series = read_series([np.ones((2, 3)), np.zeros((1, 3), dtype=int)], unit=None, time=None)
    assert series.units == (0, 1)
    assert series.time.tolist() == [0.0, 1.0, 0.0]
    assert series.sensors == ("sensor 0", "sensor 1", "sensor 2")
    assert series.order.tolist() == [0, 1, 2]


def test_a_list_and_a_3d_array_read_alike():
    X = np.random.default_rng(0).normal(size=(3, 4, 2))
    stacked, listed = (read_series(given, unit=None, time=None) for given in (X, list(X)))
    np.testing.assert_array_equal(stacked.values, listed.values)
    np.testing.assert_array_equal(stacked.bounds, listed.bounds)


def test_one_big_array_on_disk_is_not_copied(tmp_path):
    np.save(tmp_path / "readings.npy", np.random.default_rng(0).normal(size=(1000, 3)))
    on_disk = np.load(tmp_path / "readings.npy", mmap_mode="r")
    assert np.shares_memory(read_series([on_disk], unit=None, time=None).values, on_disk)
    assert np.shares_memory(read_series(on_disk.reshape(10, 100, 3), unit=None, time=None).values, on_disk)


def test_taken_units_keep_their_rows_and_labels():
    series = read_series([np.full((n, 1), n) for n in (1, 2, 3, 4)], unit=None, time=None)
    taken = series.take_units(np.array([3, 0, 3]))
    assert taken.units == (3, 0, 3)
    assert taken.bounds.tolist() == [0, 4, 5, 9]
    assert taken.values.ravel().tolist() == [4] * 4 + [1] + [4] * 4
    assert taken.order.tolist() == [6, 7, 8, 9, 0, 6, 7, 8, 9]


def test_neighbouring_units_are_taken_without_a_copy():
    series = read_series([np.zeros((n, 1)) for n in (1, 2, 3)], unit=None, time=None)
    taken = series.take_units(np.array([False, True, True]))
    assert np.shares_memory(taken.values, series.values)
    assert taken.order.tolist() == [1, 2, 3, 4, 5]


def test_no_units_may_be_taken():
    taken = read(pumps()).take_units(np.array([], dtype=np.int64))
    assert (taken.n_units, taken.n_rows, taken.last_rows.tolist()) == (0, 0, [])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"pump": ["b", None, "b"]}, "Column 'pump' must have no missing cell, got 1 (first: row 1)"),
        ({"hour": [5, np.nan, 2]}, "Column 'hour' must have no missing cell, got 1 (first: row 1)"),
        ({"hour": [5, 1, np.inf]}, "Column 'hour' must hold finite numbers or dates, got inf in row 2"),
        ({"hour": ["noon", "1970-01-01", "1970-01-02"]}, "must hold finite numbers or dates, got 'noon' in row 0"),
        ({"hour": [5, 1, 5]}, "one row per time, got 1 more (first: pump b, hour 5 in rows 0 and 2)"),
        (
            {"heat": [1.0, -np.inf, 2.0]},
            "'heat' must be finite, got infinity in 1 of 3 rows (first: -inf, pump a, hour 1)",
        ),
        ({"heat": ["hot", 1, 2]}, "Sensor 'heat' must hold numbers or booleans, got text (first: 'hot' in row 0)"),
        ({"heat": pd.to_datetime(["2024-01-01"] * 3)}, "Sensor 'heat' must hold numbers or booleans, got datetime64"),
    ],
)
def test_a_wrong_cell_is_named_by_sensor_unit_and_time(change, problem):
    found = problems_of(pumps(**change))
    assert len(found) == 1
    assert problem in found[0]


def test_a_missing_column_is_named_with_its_near_match():
    found = problems_of(pumps(), unit="pumps", time="Hour", sensors=["heat", "hat"])
    assert found == (
        "Column 'pumps' is missing (is it 'pump'?). Add it, or name another.",
        "Column 'Hour' is missing (is it 'hour'?). Add it, or name another.",
        "Column 'hat' is missing (is it 'heat'?). Add it, or name another.",
    )


def test_all_problems_come_in_one_error():
    X = pumps(hour=[5, np.nan, 5], heat=[np.inf, 1, 2], note=["a", "b", "c"])
    found = problems_of(X, sensors=["heat", "note", "load"])
    assert [problem.split(" ")[0] for problem in found] == ["Column", "Column", "A", "Sensor", "Sensor"]


def test_rows_are_named_by_position_where_unit_or_time_is_not_there():
    found = problems_of(pumps(heat=[1.0, 2.0, np.inf]), unit="machine", sensors=["heat"])
    assert "(first: inf, row 2)" in found[1]


@pytest.mark.parametrize(
    ("X", "problem"),
    [
        (pumps().iloc[:0], "at least one row"),
        (pumps().drop(columns="heat"), "at least one sensor column"),
        (pd.concat([pumps(), pumps()[["heat"]]], axis=1), "'heat' appears more than once"),
        (pumps().rename(columns={"heat": 3}), "Sensor names must be text, got 3"),
    ],
)
def test_a_table_without_rows_or_proper_columns_is_refused(X, problem):
    assert problem in problems_of(X)[0]


def test_a_unit_cannot_be_its_own_sensor():
    assert "'hour' must be unit, time or one sensor" in problems_of(pumps(), sensors=["hour"])[0]


@pytest.mark.parametrize(
    ("X", "problem"),
    [
        ([], "at least one unit"),
        ([np.zeros((3, 2)), np.zeros((0, 2))], r"Unit 1 must have shape \(n_steps, n_sensors\).*got \(0, 2\)"),
        ([np.zeros(3)], r"Unit 0 must have shape .* got \(3,\)"),
        ([np.zeros((3, 2)), np.zeros((3, 1))], "same sensors, got 2 in unit 0 and 1 in unit 1"),
        ([np.array([["hot"]])], "Unit 0 must hold numbers, got dtype <U3"),
        (
            [np.zeros((2, 1)), np.array([[0], [np.inf]])],
            "'sensor 0' must be finite, got infinity .first: pump 1, hour 1",
        ),
        (np.zeros((3, 2)), "3 axes .* got 2"),
        ([pumps()], "must be one DataFrame"),
    ],
)
def test_arrays_that_are_no_series_are_refused(X, problem):
    with pytest.raises(SchemaError, match=problem):
        read(X)


@pytest.mark.parametrize("sensors", [["a"], ["a", "a"], "ab"])
def test_names_of_arrays_must_fit_their_columns(sensors):
    with pytest.raises(SchemaError, match="sensors must be 2 different names"):
        read([np.zeros((3, 2))], sensors=sensors)


def test_what_is_no_table_at_all_is_a_type_error():
    with pytest.raises(TypeError, match="DataFrame, a list of 2-D arrays or a 3-D array, got int"):
        read(3)
    with pytest.raises(TypeError, match="sensors must be a list of column names, got the text 'heat'"):
        read(pumps(), sensors="heat")
