"""Splits never let the future, or the same person, into training."""

import numpy as np
import pandas as pd
import pytest

from appkit.data import split_by_group, split_by_time, split_stratified, validation_folds

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
