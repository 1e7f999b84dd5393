"""Windows end where they should, never cross units, and cost nothing until they are cut."""

import tracemalloc

import numpy as np
import pytest

from appkit.data.series import read_series
from appkit.data.windows import Windows, window_rows, windows_of


def series_of(*lengths):
    """Return units of these lengths whose first sensor says the unit and whose second the step."""
    arrays = [np.column_stack([np.full(n, unit), np.arange(n)]).astype(float) for unit, n in enumerate(lengths)]
    return read_series(arrays, unit="engine", time="cycle")


def cut_by_hand(series, end, length):
    """Return one window, step by step."""
    unit = series.unit_of_row
    rows = [row for row in range(max(end - length + 1, 0), end + 1) if unit[row] == unit[end]]
    return [[np.nan, np.nan]] * (length - len(rows)) + [series.values[row].tolist() for row in rows]


@pytest.mark.parametrize("length", [1, 2, 5, 12])
def test_windows_agree_with_brute_force_and_never_cross_units(length):
    series = series_of(7, 1, 3, 9, 1)
    windows = windows_of(series, length=length, rows="all")
    readings, padding = windows.cut()
    np.testing.assert_array_equal(readings, [cut_by_hand(series, end, length) for end in range(series.n_rows)])
    np.testing.assert_array_equal(padding, np.isnan(readings[..., 0]))
    units = series.unit_of_row[windows.ends]
    assert (np.isnan(readings[..., 0]) | (readings[..., 0] == units[:, None])).all()


def test_a_unit_with_one_row_is_padded_at_the_start():
    readings, padding = windows_of(series_of(4, 1), length=3, rows="last").cut()
    assert padding.tolist() == [[False, False, False], [True, True, False]]
    np.testing.assert_array_equal(readings[1, :, 0], [np.nan, np.nan, 1.0])


def test_a_window_longer_than_the_series_is_padded_at_the_start():
    readings, padding = windows_of(series_of(2), length=4, rows="last").cut()
    np.testing.assert_array_equal(readings[0, :, 1], [np.nan, np.nan, 0.0, 1.0])
    assert padding.tolist() == [[True, True, False, False]]


def test_missing_readings_stay_missing_and_are_no_padding():
    series = read_series([[[1.0], [np.nan]]], unit=None, time=None)
    readings, padding = windows_of(series, length=2, rows="last").cut()
    np.testing.assert_array_equal(readings[0, :, 0], [1.0, np.nan])
    assert not padding.any()


def test_a_stride_counts_back_from_each_units_newest_row():
    series = series_of(5, 1, 4)
    assert windows_of(series, length=2, rows="all", stride=3).ends.tolist() == [1, 4, 5, 6, 9]


def test_windows_end_at_the_rows_asked_for():
    series = series_of(5, 3)
    assert windows_of(series, length=2, rows="last").ends.tolist() == [4, 7]
    assert windows_of(series, length=2, rows=np.array([6, 0])).names() == ["engine 1, cycle 1", "engine 0, cycle 0"]


def test_names_take_other_words():
    assert windows_of(series_of(2), length=1, rows="last").names(words=("mill", "day")) == ["mill 0, day 1"]


def test_some_of_the_windows_are_windows():
    windows = windows_of(series_of(5, 3), length=2, rows="all")
    assert len(windows[2:4]) == 2
    assert windows[np.array([7, 0])].ends.tolist() == [7, 0]
    np.testing.assert_array_equal(windows[3:].cut()[0], windows.cut()[0][3:])
    assert np.shares_memory(windows[2:4].ends, windows.ends)


def test_no_windows_cut_to_an_empty_array():
    readings, padding = windows_of(series_of(3), length=2, rows=np.array([], dtype=np.int64)).cut()
    assert (readings.shape, padding.shape) == ((0, 2, 2), (0, 2))


def test_single_precision_stays_single():
    series = read_series([np.ones((3, 2), dtype=np.float32)], unit=None, time=None)
    assert windows_of(series, length=5, rows="all").cut()[0].dtype == np.float32


def test_cutting_leaves_the_readings_alone():
    series = series_of(3, 2)
    before = series.values.copy()
    windows_of(series, length=4, rows="all").cut()[0][:] = -1.0
    np.testing.assert_array_equal(series.values, before)


def test_a_million_windows_cost_their_index_until_a_few_are_cut():
    series = read_series([np.zeros((10**6, 4), dtype=np.float32)], unit=None, time=None)
    tracemalloc.start()
    windows = windows_of(series, length=500, rows="all")
    readings, _ = windows[-100:].cut()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(windows) == 10**6  # copied out they would take 8 GB
    assert readings.shape == (100, 500, 4)
    assert peak < windows.ends.nbytes + 5 * 10**6  # a hundred windows and their rows; the index is 8 MB


def test_windows_of_an_array_on_disk_read_only_their_rows(tmp_path):
    np.save(tmp_path / "readings.npy", np.arange(300_000.0).reshape(-1, 3))
    on_disk = np.load(tmp_path / "readings.npy", mmap_mode="r")
    windows = windows_of(read_series([on_disk], unit=None, time=None), length=2, rows="last")
    assert windows.cut()[0][0, :, 0].tolist() == [299_994.0, 299_997.0]
    assert np.shares_memory(windows.series.values, on_disk)


def test_rows_of_windows_are_clamped_to_the_first_of_the_unit():
    rows, padding = window_rows(np.array([10]), np.array([9]), 4)
    assert rows.tolist() == [[9, 9, 9, 10]]
    assert padding.tolist() == [[True, True, False, False]]


@pytest.mark.parametrize("length", [0, -1, 2.0, True, "3"])
def test_a_length_is_a_positive_integer(length):
    with pytest.raises(ValueError, match="length must be a positive integer"):
        windows_of(series_of(3), length=length, rows="all")


@pytest.mark.parametrize(
    ("rows", "stride", "problem"),
    [
        ("all", 0, "stride must be a positive integer, got 0"),
        ("last", 2, "stride needs rows='all', got stride=2"),
        ("first", 1, "'all', 'last' or rows of the series as integers, got 'first'"),
        (np.array([True, False, True]), 1, "rows of the series as integers"),
        (np.array([0, 3]), 1, "must lie in the 3 rows of the series, got 3"),
        (np.array([-1]), 1, "must lie in the 3 rows of the series, got -1"),
    ],
)
def test_rows_must_be_rows_of_the_series(rows, stride, problem):
    with pytest.raises(ValueError, match=problem):
        windows_of(series_of(3), length=2, rows=rows, stride=stride)


def test_windows_are_made_of_their_parts():
    windows = Windows(series_of(3, 2), np.array([1, 4]), 2)
    assert windows.units.tolist() == [0, 1]
    assert windows.starts.tolist() == [0, 3]
