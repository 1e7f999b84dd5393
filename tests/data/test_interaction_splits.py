"""Splits of interactions keep their promise: which rows are tested, and what training may have seen."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.interaction_splits import split_interactions
from appkit.exceptions import SchemaError


@pytest.fixture
def shop() -> pd.DataFrame:
    """Three customers, one with a single purchase, in no order, on an index of its own."""
    rows = [
        ("ann", "tea", 3),
        ("bob", "cup", 9),
        ("ann", "cup", 1),
        ("cid", "pot", 5),
        ("ann", "pot", 7),
        ("bob", "tea", 2),
        ("bob", "pot", 4),
    ]
    return pd.DataFrame(rows, columns=["who", "what", "day"], index=[f"r{n}" for n in range(7)])


def columns(**more: object) -> dict:
    return {"user": "who", "item": "what", "time": "day", **more}


def brute_force_random_test(users: np.ndarray, *, seed: int, share: float) -> np.ndarray:
    """The published protocol, user by user."""
    draws = np.random.default_rng(seed).random(len(users))
    is_test = np.zeros(len(users), dtype=bool)
    for user in np.unique(users):
        rows = np.flatnonzero(users == user)
        n_test = max(1, int(np.floor(share * len(rows))))
        is_test[rows[np.argsort(draws[rows])[:n_test]]] = True
    return is_test


def test_split_by_time_never_trains_on_the_future(shop):
    split = split_interactions(shop, **columns(test_size=0.4))
    assert split.test.index.tolist() == ["r1", "r3", "r4"]
    assert split.train["day"].max() < split.cut == 5.0 == split.test["day"].min()
    assert (split.is_optimistic, split.label) == (False, "all events from 5 on")


def test_parts_are_rows_of_the_table_untouched_and_in_its_order(shop):
    before = shop.copy()
    for by in ("time", "last", "random"):
        split = split_interactions(shop, by=by, **columns(random_state=0))
        assert set(split.train.index).isdisjoint(split.test.index)
        both = pd.concat([split.train, split.test]).loc[shop.index]
        pd.testing.assert_frame_equal(both, before)
        assert split.train.index.tolist() == [label for label in shop.index if label in set(split.train.index)]


def test_a_given_moment_opens_the_test_part(shop):
    split = split_interactions(shop, **columns(at=4))
    assert split.test["day"].tolist() == [9, 5, 7, 4]
    assert split.cut == 4.0


@pytest.mark.parametrize("at", ["2010-12-01", pd.Timestamp("2010-12-01"), pd.Timestamp("2010-12-01", tz="UTC")])
def test_a_moment_may_be_a_date_in_any_form(at):
    days = pd.to_datetime(["2010-11-30 23:59", "2010-12-01 00:00", "2010-12-02 12:00"])
    X = pd.DataFrame({"user": [1, 1, 2], "item": [1, 2, 3], "time": days})
    split = split_interactions(X, time="time", at=at)
    assert split.test["item"].tolist() == [2, 3]
    assert split.cut == pd.Timestamp("2010-12-01")
    assert split.label == "all events from 2010-12-01 on"


def test_times_with_a_zone_are_parted_at_the_same_moment_as_in_utc():
    local = pd.to_datetime(["2010-03-28 00:30", "2010-03-28 03:30", "2010-03-28 04:30"]).tz_localize("Europe/Paris")
    X = pd.DataFrame({"user": [1, 1, 1], "item": [1, 2, 3], "time": local})
    split = split_interactions(X, time="time", at="2010-03-28 01:30")
    assert split.test["item"].tolist() == [2, 3]  # half past three in Paris is half past one in UTC, that morning
    assert split.cut == pd.Timestamp("2010-03-28 01:30", tz="UTC")


def test_rows_of_one_moment_stay_on_one_side():
    X = pd.DataFrame({"user": [1, 2, 3, 4], "item": [1, 1, 1, 1], "day": [1, 2, 2, 2]})
    assert len(split_interactions(X, time="day", test_size=0.25).test) == 3


def test_the_last_event_of_each_user_is_tested_and_a_single_one_trains(shop):
    split = split_interactions(shop, by="last", **columns())
    assert split.test.index.tolist() == ["r1", "r4"]
    assert "r3" in split.train.index
    assert split.is_optimistic
    assert split.label.startswith("last event of each user (optimistic")


def test_of_equal_times_the_last_row_of_the_table_is_the_last_event():
    X = pd.DataFrame({"user": [1, 1, 1, 2, 2], "item": [5, 6, 7, 5, 6], "day": [1, 2, 2, 3, 3]})
    assert split_interactions(X, by="last", time="day").test.index.tolist() == [2, 4]


def test_without_times_the_table_is_in_order():
    X = pd.DataFrame({"user": [1, 2, 1, 2], "item": [5, 6, 7, 5]})
    assert split_interactions(X, by="last").test.index.tolist() == [2, 3]


def test_several_last_events_leave_each_user_one_to_train(shop):
    split = split_interactions(shop, by="last", **columns(test_size=5))
    assert split.train.index.tolist() == ["r2", "r3", "r5"]
    assert split.label.startswith("last 5 events of each user")


def test_random_split_is_the_published_protocol_row_by_row():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"user": rng.integers(0, 40, 900), "item": np.arange(900)})
    split = split_interactions(X, by="random", random_state=7)
    expected = brute_force_random_test(X["user"].to_numpy(), seed=7, share=0.2)
    assert split.test.index.tolist() == np.flatnonzero(expected).tolist()
    assert split.is_optimistic


def test_a_user_of_one_event_is_tested_by_a_random_split(shop):
    split = split_interactions(shop, by="random", **columns(random_state=0))
    assert "r3" in split.test.index


@pytest.mark.parametrize("by", ["last", "random"])
def test_rows_of_one_event_are_never_on_both_sides(by):
    rows = [(1, "tea", 1), (1, "cup", 2), (1, "cup", 2), (1, "pot", 3), (1, "pot", 3), (1, "pot", 3)]
    X = pd.DataFrame(rows, columns=["user", "item", "day"])
    for seed in range(5):
        split = split_interactions(X, by=by, time="day", random_state=seed)
        assert not set(split.train["item"]) & set(split.test["item"])


def test_one_user_only_can_be_split_in_every_way(shop):
    ann = shop[shop["who"] == "ann"]
    for by in ("time", "last", "random"):
        assert len(split_interactions(ann, by=by, **columns(random_state=0)).test) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "leave-one-out"}, "by must be 'time', 'last' or 'random', got 'leave-one-out'"),
        ({"time": None}, "by='time' needs the column of moments"),
        ({"test_size": 3}, "test_size must be a share strictly between 0 and 1 for by='time', got 3"),
        ({"by": "last", "test_size": 0.2}, "test_size must be a whole number of events for by='last'"),
        ({"by": "last", "at": 3}, "at parts the table by='time'"),
        ({"at": 100}, "at must leave events on both sides, got 100 where column 'day' spans 1 to 9"),
        ({"at": 1}, "at must leave events on both sides"),
    ],
)
def test_a_split_that_cannot_be_says_what_to_do(shop, options, message):
    with pytest.raises(ValueError, match=message):
        split_interactions(shop, **columns(**options))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"who": None}, "Column 'who' must have no missing cell"),
        ({"day": "some day"}, "Column 'day' must hold numbers or dates and none missing, got .*in row r0"),
        ({"day": pd.NaT}, "Column 'day' must hold numbers or dates and none missing"),
    ],
)
def test_rows_that_cannot_be_read_are_named(shop, changed, message):
    with pytest.raises(SchemaError, match=message):
        split_interactions(shop.assign(**changed), by="last", **columns())


def test_a_moment_of_another_kind_than_the_times_is_refused(shop):
    with pytest.raises(SchemaError, match="at must be a number, as the moments of the table are, got '2010-12-01'"):
        split_interactions(shop, **columns(at="2010-12-01"))
    dated = shop.assign(day=pd.to_datetime(shop["day"], unit="D"))
    with pytest.raises(SchemaError, match="at must be a date, as the moments of the table are, got 4"):
        split_interactions(dated, **columns(at=4))


def test_an_absent_column_and_an_empty_table_are_named(shop):
    with pytest.raises(SchemaError, match=r"Column 'user' is missing\. Columns are who, what, day"):
        split_interactions(shop, time="day")
    with pytest.raises(SchemaError, match="X must have at least one interaction, got none"):
        split_interactions(shop.iloc[:0], **columns())
    with pytest.raises(TypeError, match="X must be a DataFrame with one row per interaction, got dict"):
        split_interactions({"user": [1]}, time="day")
