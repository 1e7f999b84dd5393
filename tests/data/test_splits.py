"""Splits never let the future, or the same person, into training."""

import numpy as np
import pandas as pd
import pytest

from appkit.data import split_by_group, split_by_time, split_stratified, validation_folds
from appkit.data.splits import check_units_apart, split_by_unit_time
from appkit.exceptions import DataWarning, LeakageError, SchemaError

RNG = np.random.default_rng(0)
GROUPS = RNG.integers(0, 40, 500)
LABELS = (RNG.random(500) < 0.3).astype(int)


def covers_all_rows_once(parts, n_rows: int) -> bool:
    return sorted(np.concatenate(parts).tolist()) == list(range(n_rows))


def test_split_by_time_never_trains_on_the_future():
    times = pd.to_datetime("2020-01-01") + pd.to_timedelta(RNG.integers(0, 60, 300), unit="D")
    train, test = split_by_time(times, test_size=0.25)
    assert times[train].max() < times[test].min()
    assert covers_all_rows_once((train, test), 300)
    assert len(test) / 300 == pytest.approx(0.25, abs=0.03)


def test_split_by_time_keeps_rows_of_one_moment_together():
    train, test = split_by_time([1, 2, 2, 2, 2, 2], test_size=0.2)
    assert (train.tolist(), test.tolist()) == ([0], [1, 2, 3, 4, 5])


def test_split_by_time_leaves_something_to_train_on():
    train, test = split_by_time([1, 1, 1, 1, 1, 2], test_size=0.9)
    assert (train.tolist(), test.tolist()) == ([0, 1, 2, 3, 4], [5])


@pytest.mark.parametrize(
    ("times", "message"),
    [([1, 1, 1], "two different moments, got 1"), ([], "two different"), ([1, None, 2], "no missing entry, got 1")],
)
def test_split_by_time_refuses_what_it_cannot_order(times, message):
    with pytest.raises(ValueError, match=message):
        split_by_time(times, test_size=0.5)


@pytest.mark.parametrize("y", [None, LABELS])
def test_split_by_group_never_has_a_group_on_both_sides(y):
    train, test = split_by_group(GROUPS, test_size=0.25, random_state=1, y=y)
    assert not set(GROUPS[train]) & set(GROUPS[test])
    assert covers_all_rows_once((train, test), 500)
    assert len(test) / 500 == pytest.approx(0.25, abs=0.03)


def test_split_by_group_keeps_classes_in_proportion_when_asked():
    _, test = split_by_group(GROUPS, test_size=0.25, random_state=1, y=LABELS)
    assert LABELS[test].mean() == pytest.approx(LABELS.mean(), abs=0.03)


def test_split_by_group_trains_on_something_when_one_group_is_huge():
    train, test = split_by_group(["a"] * 99 + ["b"], test_size=0.5, random_state=0)
    assert len(train) > 0
    assert len(test) > 0


def test_split_by_group_needs_two_groups():
    with pytest.raises(ValueError, match="two different groups, got 1"):
        split_by_group(["a", "a"], test_size=0.5, random_state=0)


def test_split_stratified_keeps_classes_in_proportion():
    train, test = split_stratified(LABELS, test_size=0.2, random_state=0)
    assert len(test) == 100
    assert covers_all_rows_once((train, test), 500)
    assert LABELS[test].mean() == pytest.approx(LABELS.mean(), abs=0.01)


@pytest.mark.parametrize("test_size", [0, 1, 1.5, -0.1])
def test_a_share_outside_zero_and_one_is_refused(test_size):
    with pytest.raises(ValueError, match="test_size must be a share strictly between 0 and 1"):
        split_stratified(LABELS, test_size=test_size, random_state=0)


def test_splits_repeat_with_their_seed():
    first, again = (split_by_group(GROUPS, test_size=0.3, random_state=7) for _ in range(2))
    np.testing.assert_array_equal(first[1], again[1])


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("groups", [None, GROUPS])
def test_folds_hold_each_row_out_once(stratify, groups):
    folds = validation_folds(LABELS, n_folds=5, groups=groups, stratify=stratify, random_state=0)
    assert covers_all_rows_once([held_out for _, held_out in folds], 500)
    assert all(covers_all_rows_once(fold, 500) for fold in folds)


@pytest.mark.parametrize("stratify", [True, False])
def test_folds_keep_groups_whole(stratify):
    folds = validation_folds(LABELS, n_folds=5, groups=GROUPS, stratify=stratify, random_state=0)
    assert not any(set(GROUPS[train]) & set(GROUPS[held_out]) for train, held_out in folds)


def test_stratified_folds_hold_classes_in_proportion():
    folds = validation_folds(LABELS, n_folds=5, stratify=True, random_state=0)
    events = [int(LABELS[held_out].sum()) for _, held_out in folds]
    assert max(events) - min(events) <= 1


@pytest.mark.parametrize(
    "y",
    [
        ["a"] * 20 + ["b"],  # one rare class joins the common one
        ["a"] * 20 + ["b", "c", "c", "d", "d", "e"],  # rare classes share a stratum
        list("abcdefgh"),  # every class is rare
    ],
)
@pytest.mark.parametrize("grouped", [False, True])
def test_folds_work_when_a_class_has_fewer_rows_than_folds(y, grouped):
    groups = np.arange(len(y)) if grouped else None
    folds = validation_folds(y, n_folds=4, groups=groups, stratify=True, random_state=0)  # warnings are errors
    assert covers_all_rows_once([held_out for _, held_out in folds], len(y))


@pytest.mark.parametrize(
    ("n_folds", "groups", "message"),
    [
        (1, None, "n_folds must be at least 2, got 1"),
        (5, None, "n_folds=5 needs at least as many rows, got 4 samples"),
        (3, [0, 0, 1, 1], "n_folds=3 needs at least as many groups, got 2"),
    ],
)
def test_impossible_folds_are_refused(n_folds, groups, message):
    with pytest.raises(ValueError, match=message):
        validation_folds([0, 1, 0, 1], n_folds=n_folds, groups=groups, stratify=True, random_state=0)


def lives(*spans: tuple[int, int]) -> pd.DataFrame:
    """One reading a day of machines that ran from one day to another, both included; rows shuffled."""
    rows = [(f"m{number}", day) for number, (first, last) in enumerate(spans) for day in range(first, last + 1)]
    frame = pd.DataFrame(rows, columns=["machine", "day"]).sample(frac=1, random_state=0)
    return frame.assign(day=pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["day"], unit="D"))


def test_split_by_unit_time_trains_on_machines_that_ended_before_the_others_began():
    X = lives((0, 9), (5, 14), (15, 24), (30, 39))
    train, test = split_by_unit_time(X, unit="machine", time="day", test_size=0.5)
    assert set(X["machine"].iloc[train]) == {"m0", "m1"}
    assert X["day"].iloc[train].max() < X["day"].iloc[test].min()
    assert covers_all_rows_once((train, test), 40)


@pytest.mark.parametrize(("test_size", "n_test"), [(0.2, 10), (0.5, 20), (0.8, 30)])
def test_split_by_unit_time_comes_as_near_the_share_as_whole_machines_allow(test_size, n_test):
    X = lives((0, 9), (10, 19), (20, 29), (30, 39))
    assert len(split_by_unit_time(X, unit="machine", time="day", test_size=test_size)[1]) == n_test


def test_split_by_unit_time_leaves_out_machines_running_across_and_says_so():
    X = lives((0, 9), (5, 25), (20, 29))
    with pytest.warns(DataWarning, match=r"1 of 3 units were running at .*2024-01-21.*\(first: 'm1'\)"):
        train, test = split_by_unit_time(X, unit="machine", time="day", test_size=0.5)
    assert set(X["machine"].iloc[train]) == {"m0"}
    assert set(X["machine"].iloc[test]) == {"m2"}


def test_split_by_unit_time_refuses_clocks_that_all_start_together():
    X = pd.DataFrame({"machine": ["a", "a", "b", "b"], "cycle": [1, 2, 1, 2]})
    with pytest.raises(ValueError, match=r"No unit had ended when another began.*split_by_group instead"):
        split_by_unit_time(X, unit="machine", time="cycle", test_size=0.5)


def test_split_by_unit_time_reads_text_as_dates_and_takes_no_other():
    days = ["2024-01-02T00:00+02:00", "2024-01-01T23:00Z"]  # as text the other way round
    X = pd.DataFrame({"machine": ["a", "b"], "day": days})
    train, test = split_by_unit_time(X, unit="machine", time="day", test_size=0.5)
    assert (train.tolist(), test.tolist()) == ([0], [1])
    with pytest.raises(SchemaError, match="Column 'day' must hold numbers or dates, got '9'"):
        split_by_unit_time(X.assign(day=["9", "10"]), unit="machine", time="day", test_size=0.5)


def test_split_by_unit_time_names_a_column_that_is_not_there():
    with pytest.raises(SchemaError, match="X must hold the column 'engine', got machine, day"):
        split_by_unit_time(lives((0, 1)), unit="engine", time="day", test_size=0.5)


def test_split_by_unit_time_refuses_missing_moments():
    X = pd.DataFrame({"machine": ["a", "b"], "day": [1.0, np.nan]})
    with pytest.raises(ValueError, match="Column 'day' must have no missing entry, got 1"):
        split_by_unit_time(X, unit="machine", time="day", test_size=0.5)


def test_units_on_both_sides_are_named():
    check_units_apart([1, 1, 2], [3])
    with pytest.raises(LeakageError, match=r"got 4 on both \(first: 2, 5, 4\)"):
        check_units_apart([1, 2, 2, 5, 4, 3], np.array([3, 4, 5, 2]))
