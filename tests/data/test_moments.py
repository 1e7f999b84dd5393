"""Rows are known by unit and time, and put in order without moving what is in order."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.moments import moment_names, read_moments

WORDS = ("mill", "day")


def moments_of(units, times):
    return read_moments(pd.DataFrame({"unit": units, "time": times}), unit="unit", time="time", words=WORDS)


def test_order_agrees_with_a_stable_sort_by_hand():
    rng = np.random.default_rng(0)
    moments = moments_of(rng.integers(5, size=200), rng.integers(10, size=200))
    by_hand = sorted(range(200), key=lambda row: (moments.codes[row], moments.times[row]))
    assert moments.time_order().tolist() == by_hand


def test_rows_in_order_stay_where_they_are():
    assert moments_of(["b", "b", "a"], [1, 2, 0]).time_order().tolist() == [0, 1, 2]


def test_repeats_are_counted_and_the_first_is_named():
    moments = moments_of(["a", "b", "a", "a"], [1, 1, 1, 1])
    problems = moments.repeat_problems(moments.time_order(), pd.Index(["r0", "r1", "r2", "r3"]))
    assert problems == [
        "A unit must have one row per time, got 2 more (first: mill a, day 1 in rows r0 and r2). Keep one, or average."
    ]


def test_a_row_without_unit_or_time_can_still_be_named():
    moments = moments_of(["a", None], [np.nan, 3])
    assert [moments.name(0), moments.name(1)] == ["mill a, day nan", "mill None, day 3"]


def test_where_a_column_is_not_there_rows_are_named_by_their_label():
    X = pd.DataFrame({"unit": ["a"], "time": [1]}, index=["first"])
    assert read_moments(X, unit="units", time="time", words=WORDS).name(0) == "row first"


@pytest.mark.parametrize(
    ("days", "date"), [(19723.0, "2024-01-01"), (19723.25, "2024-01-01 06:00:00"), (-0.5, "1969-12-31 12:00:00")]
)
def test_days_are_told_as_dates(days, date):
    assert moment_names(["a"], np.array([days]), words=WORDS, is_dated=True) == [f"mill a, day {date}"]


def test_cycles_beyond_a_million_are_told_in_full():
    assert moment_names([1.0], np.array([1_234_567.0]), words=WORDS, is_dated=False) == ["mill 1, day 1234567"]
