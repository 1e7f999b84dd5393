"""What training rows know of the test is found, counted once, and refused by name."""

import pandas as pd
import pytest

from appkit.data.interaction_leaks import check_no_leaks, find_leaks
from appkit.data.interaction_splits import split_interactions
from appkit.exceptions import LeakageError, SchemaError


def events(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user", "item", "day"])


TEST = events((1, "pot", 5), (2, "pot", 7))


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ((1, "tea", 4), None),
        ((3, "tea", 4), None),
        ((3, "tea", 5), None),  # of another's first test moment, not after it
        ((1, "pot", 5), "overlap"),
        ((1, "tea", 5), "basket"),
        ((1, "tea", 6), "own future"),
        ((1, "pot", 6), "own future"),
        ((2, "tea", 6), "future of others"),
        ((3, "tea", 6), "future of others"),
    ],
)
def test_each_row_is_named_for_what_it_knows(row, kind):
    found = find_leaks(events((1, "cup", 1), row), TEST, time="day")
    assert [(leak.kind, leak.n_rows, leak.first) for leak in found] == ([] if kind is None else [(kind, 1, 1)])


def test_leaks_of_every_kind_are_counted_once_the_gravest_first():
    train = events((1, "pot", 5), (1, "tea", 5), (1, "tea", 6), (3, "tea", 6), (3, "cup", 8), (3, "cup", 1))
    found = find_leaks(train.set_axis([*"abcdef"]), TEST, time="day")
    assert [(leak.kind, leak.n_rows, leak.first) for leak in found] == [
        ("overlap", 1, "a"),
        ("basket", 1, "b"),
        ("own future", 1, "c"),
        ("future of others", 2, "d"),
    ]
    assert found[-1].message == "2 of 6 training rows come after the first test row of another user (first: row 'd')"


def test_without_times_only_equal_pairs_can_be_found():
    train = events((1, "pot", 9), (2, "tea", 9))
    assert [(leak.kind, leak.n_rows) for leak in find_leaks(train, TEST)] == [("overlap", 1)]


def test_a_split_by_one_moment_leaks_nothing_and_others_what_they_say():
    rows = [(user, item, 10 * item + user) for user in range(5) for item in range(6)]
    X = events(*rows)
    leaks = {}
    for by in ("time", "last", "random"):
        split = split_interactions(X, by=by, time="day", random_state=0)
        leaks[by] = {leak.kind for leak in find_leaks(split.train, split.test, time="day")}
    assert leaks == {"time": set(), "last": set(), "random": {"own future", "future of others"}}
    last = split_interactions(pd.concat([X, events((9, 0, 90), (9, 1, 95))]), by="last", time="day")
    assert [leak.kind for leak in find_leaks(last.train, last.test, time="day")] == ["future of others"]


def test_a_basket_torn_apart_by_leaving_the_last_row_out_is_found():
    X = events((1, "tea", 1), (1, "cup", 4), (1, "pot", 4))
    split = split_interactions(X, by="last", time="day")
    assert [leak.kind for leak in find_leaks(split.train, split.test, time="day")] == ["basket"]


def test_parts_may_hold_ids_and_times_in_different_forms():
    train = pd.DataFrame({"user": [1.0, 2.0], "item": ["tea", "pot"], "at": ["2020-01-01", "2020-01-03"]})
    test = pd.DataFrame(
        {"user": [2], "item": pd.Categorical(["pot"]), "at": pd.to_datetime(["2020-01-03"]).tz_localize("UTC")}
    )
    assert [leak.kind for leak in find_leaks(train, test, time="at")] == ["overlap"]


def test_leaks_are_refused_unless_allowed():
    train = events((3, "tea", 6))
    with pytest.raises(LeakageError, match=r"1 of 1 training rows come after the first test row of another user"):
        check_no_leaks(train, TEST, time="day")
    with pytest.raises(LeakageError):
        check_no_leaks(train, TEST, time="day", allow=["own future"])
    assert check_no_leaks(train, TEST, time="day", allow=["future of others"]) is None


def test_an_empty_part_knows_nothing():
    assert find_leaks(TEST.iloc[:0], TEST, time="day") == ()
    assert find_leaks(TEST, TEST.iloc[:0], time="day") == ()


def test_bad_input_is_named():
    with pytest.raises(SchemaError, match="test must hold the column 'day', got user, item"):
        find_leaks(TEST, TEST[["user", "item"]], time="day")
    with pytest.raises(SchemaError, match="Column 'user' must hold the same kind of values in both parts"):
        find_leaks(TEST, TEST.astype({"user": str}), time="day")
    with pytest.raises(ValueError, match=r"allow must hold kinds of leaks .*got 'future'"):
        check_no_leaks(TEST, TEST, allow=["future"])
