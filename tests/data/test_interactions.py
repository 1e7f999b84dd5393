"""Events of users with items become codes in order, whatever their ids, clocks and repeats."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.ids import Ids, read_ids
from appkit.data.interactions import read_interactions
from appkit.exceptions import SchemaError


def table(**columns) -> pd.DataFrame:
    """Return four purchases of two customers, the newest first."""
    base = {"user": ["b", "a", "b", "a"], "item": ["tea", "cup", "jam", "tea"], "day": [4, 3, 2, 1]}
    return pd.DataFrame(base | columns, index=[10, 11, 12, 13])


def problems_of(X, **options):
    with pytest.raises(SchemaError) as caught:
        read_interactions(X, **{"time": "day"} | options)
    return caught.value.problems


def taken(events, user):
    return events.items.values[events.history(int(events.users.codes([user])[0]))].tolist()


def test_events_are_ordered_by_user_and_time():
    events = read_interactions(table(), time="day")
    assert (taken(events, "a"), taken(events, "b")) == (["tea", "cup"], ["jam", "tea"])
    assert events.row.tolist() == [3, 1, 2, 0]
    assert events.offsets.tolist() == [0, 2, 4]


def test_without_times_a_users_rows_are_in_order():
    assert taken(read_interactions(table()), "b") == ["tea", "jam"]


def test_events_at_one_moment_stay_as_they_came():
    X = pd.DataFrame({"user": [1] * 40, "item": np.random.default_rng(0).permutation(40), "day": [5] * 40})
    assert read_interactions(X, time="day").item.tolist() == X["item"].tolist()


def test_rows_equal_in_user_item_and_time_are_one_event_and_values_add_up():
    X = table(item=["tea", "cup", "tea", "tea"], day=[4, 3, 4, 1], n=[2.0, 1.0, 5.0, 1.0])
    events = read_interactions(X, time="day", value="n")
    assert events.value.tolist() == [1.0, 1.0, 7.0]
    assert (len(events), events.n_rows) == (3, 4)


def test_buying_again_later_is_another_event():
    events = read_interactions(table(item=["tea"] * 4), time="day")
    assert events.matrix("count").toarray().tolist() == [[2.0], [2.0]]
    assert events.matrix().toarray().tolist() == [[1.0], [1.0]]


def test_matrices_hold_summed_values():
    events = read_interactions(table(item=["tea"] * 4, n=[1.0, 2.0, 3.0, 4.0]), time="day", value="n")
    assert events.matrix("value").toarray().tolist() == [[6.0], [4.0]]
    with pytest.raises(ValueError, match="needs a value column"):
        read_interactions(table()).matrix("value")


def test_histories_are_padded_on_the_left_and_cut_to_the_latest():
    events = read_interactions(table(), time="day")
    tea, cup, pad = (*events.items.codes(["tea", "cup"]).tolist(), 3)
    assert events.padded(np.array([0, -1]), 3).tolist() == [[pad, tea, cup], [pad, pad, pad]]
    assert events.padded(np.array([0]), 1).tolist() == [[cup]]


def test_taking_events_keeps_ids_and_order():
    some = read_interactions(table(), time="day").take(np.array([3, 0]))
    assert (some.n_users, some.n_items, some.row.tolist()) == (2, 3, [3, 0])


def test_zones_are_brought_to_one_clock():
    days = pd.to_datetime(["2024-01-01 01:00", "2024-01-01 00:00", "2024-01-02 00:00", "2024-01-03 00:00"])
    local = read_interactions(table(day=days.tz_localize("Europe/Berlin")), time="day")
    plain = read_interactions(table(day=days), time="day")
    np.testing.assert_allclose(plain.time - local.time, 1 / 24)
    assert local.is_dated


def test_iso_text_is_read_as_dates():
    events = read_interactions(table(day=["2024-01-04", "2024-01-03", "2024-01-02", "2024-01-01"]), time="day")
    assert events.is_dated
    assert np.diff(events.time[:2]).tolist() == [2.0]


def test_known_ids_leave_others_out():
    known = read_interactions(table(), time="day", items=Ids.of(["tea", "cup"]))
    assert known.n_items == 2
    assert len(known) == 3


@pytest.mark.parametrize(
    "raw",
    [[17850.0, 12346.0], pd.array([17850, 12346], dtype="Int64"), pd.Categorical([17850, 12346]), ["17850", "12346"]],
)
def test_ids_of_many_kinds_are_read(raw):
    assert [int(cell) for cell in read_ids(raw)] == [17850, 12346]


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("user", ["a", None, None, "b"], "Column 'user' must have no missing cell, got 2 (first: row 11)"),
        ("user", [1.5, 2.0, 3.0, 4.0], "must hold whole numbers or text, got 1 others (first: 1.5 in row 10)"),
        ("user", [True, False, True, True], "must hold ids, got truth values"),
        ("item", ["tea", 7, "cup", "jam"], "mixes text and numbers: it must hold one, got 1 others (first: 7"),
        ("item", ["tea", ("a",), "cup", "jam"], "must hold whole numbers or text, got 1 others (first: ('a',)"),
        ("day", [1, None, 3, 4], "Column 'day' must have no missing cell, got 1 (first: row 11)"),
        ("day", ["2024-01-01", "soon", "2024-01-02", "2024-01-03"], "must hold finite numbers or dates, got 'soon'"),
    ],
)
def test_unreadable_cells_are_named(column, cells, message):
    assert any(message in problem for problem in problems_of(table(**{column: cells})))


def test_negative_quantities_name_the_remedy():
    (problem,) = problems_of(table(n=[1, -6, 2, 1]), value="n")
    assert "Column 'n' must be 0 or more, got 1 others (first: -6 in row 11)" in problem
    assert "Take returns and cancellations out first" in problem


def test_missing_columns_suggest_the_nearest():
    assert "Column 'items' is missing. Did you mean 'item'?" in problems_of(table(), item="items")


def test_every_problem_is_told_at_once():
    assert len(problems_of(table(user=[None, "a", "b", "c"], day=[1, None, 2, 3]))) == 2


def test_a_table_without_rows_is_refused():
    assert "X must have at least one interaction, got none." in problems_of(table().iloc[:0])


def test_a_list_is_no_table():
    with pytest.raises(TypeError, match="X must be a DataFrame"):
        read_interactions([[1, 2]])


def test_codes_of_another_kind_are_refused():
    with pytest.raises(SchemaError, match="must hold whole numbers, as at fit, got text"):
        Ids.of([1, 2]).codes(["a"], column="item")


def test_ids_must_be_sorted_and_distinct():
    with pytest.raises(ValueError, match="sorted and distinct"):
        Ids(np.array([2, 1]))


@pytest.mark.parametrize(
    "days", [[4, 3, 2, 1], pd.to_datetime(["2024-01-04", "2024-01-03", "2024-01-02", "2024-01-01"])]
)
def test_a_table_made_of_events_reads_as_the_same_events(days):
    events = read_interactions(table(day=days), time="day")
    again = read_interactions(events.to_frame(time="day"), time="day")
    assert (again.item.tolist(), again.time.tolist()) == (events.item.tolist(), events.time.tolist())
    assert again.is_dated == events.is_dated
