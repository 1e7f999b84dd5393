"""Times to an event, however they are given."""

import numpy as np
import pandas as pd
import pytest

from appkit.model.event_times import check_event_times


def test_a_frame_is_read_by_its_columns():
    y = pd.DataFrame({"duration": [3.0, 8.0], "event": [1, 0]})
    times = check_event_times(y, n_rows=2)
    assert times.event.tolist() == [True, False]
    assert times.duration.tolist() == [3.0, 8.0]


def test_an_array_has_events_first():
    times = check_event_times(np.array([[1, 3.0], [0, 8.0]]), n_rows=2)
    assert times.event.tolist() == [True, False]


def test_durations_alone_are_all_observed():
    assert check_event_times([3, 8], n_rows=2).event.all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1.0, 2.0, 3.0]], "two columns"),
        ([1.0], "one event time per row, got 1 for 2 rows"),
        ([[1.0, np.inf], [1.0, 1.0]], "finite and not negative, got inf in row 0"),
        ([[np.nan, 1.0], [1.0, 1.0]], "event must be 0 or 1, got nan in row 0"),
    ],
)
def test_other_shapes_and_values_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        check_event_times(y, n_rows=2)


def test_rows_are_named_as_the_frame_names_them():
    y = pd.DataFrame({"event": [1, 1, 0], "duration": [2.0, -1.0, -3.0]}, index=[7, 9, 8])
    with pytest.raises(ValueError, match=r"not negative, got -1 in row 9 and 1 more\."):
        check_event_times(y, n_rows=3)


def test_a_frame_of_unnamed_columns_is_an_array():
    assert check_event_times(pd.DataFrame([[1, 3.0], [0, 8.0]]), n_rows=2).event.tolist() == [True, False]
