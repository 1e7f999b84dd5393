"""Split rows so that nothing known only later, or about the same person, leaks from test into training."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)
from sklearn.utils import check_random_state

from appkit.data.cells import infer_kind, read_cells, shown
from appkit.data.validation import check_groups
from appkit.exceptions import DataWarning, LeakageError, SchemaError

__all__ = [
    "check_units_apart",
    "split_by_group",
    "split_by_time",
    "split_by_unit_time",
    "split_stratified",
    "validation_folds",
]

RandomState = int | np.random.RandomState | None
Split = tuple[np.ndarray, np.ndarray]


def split_by_time(times: Any, *, test_size: float) -> Split:
    """Return training rows strictly before, and test rows at or after, one moment.

    Rows of the same moment stay together, so the test part can differ a little from ``test_size``.

    Parameters
    ----------
    times
        Dates or numbers that order the rows, shape (n_rows,).
    test_size
        Share of rows to test on, between 0 and 1.

    Returns
    -------
    train, test
        Row positions, int64, in the order of the table.

    Examples
    --------
    >>> split_by_time([2020, 2021, 2021, 2022], test_size=0.5)
    (array([0]), array([1, 2, 3]))
    """
    _check_share(test_size)
    moments = pd.Series(times)
    if moments.isna().any():
        raise ValueError(f"times must have no missing entry, got {int(moments.isna().sum())}. Drop these rows first.")
    ranks = moments.rank(method="dense").to_numpy(dtype=np.int64)
    if not len(ranks) or ranks.max() == 1:
        raise ValueError(f"times must hold at least two different moments, got {moments.nunique()}.")
    first_of_test = np.sort(ranks)[len(ranks) - max(1, round(test_size * len(ranks)))]
    is_test = ranks >= max(first_of_test, 2)
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def split_by_group(groups: Any, *, test_size: float, random_state: RandomState = None, y: Any = None) -> Split:
    """Return training and test rows such that no group is on both sides.

    Parameters
    ----------
    groups
        Patient, customer or machine of each row, shape (n_rows,).
    test_size
        Share of rows to test on, between 0 and 1; met as closely as whole groups allow.
    random_state
        Seed of the draw.
    y
        Labels to keep in proportion where whole groups allow, shape (n_rows,).

    Returns
    -------
    train, test
        Row positions, int64, in the order of the table.
    """
    _check_share(test_size)
    codes = check_groups(groups, n_rows=len(groups))
    assert codes is not None
    if codes.max(initial=-1) < 1:
        raise ValueError(f"groups must hold at least two different groups, got {codes.max(initial=-1) + 1}.")
    if y is not None:
        n_folds = min(max(2, round(1 / test_size)), int(codes.max()) + 1)
        return validation_folds(y, n_folds=n_folds, groups=codes, stratify=True, random_state=random_state)[0]
    order = check_random_state(random_state).permutation(codes.max() + 1)
    rows_so_far = np.cumsum(np.bincount(codes)[order])
    n_test = int(np.argmin(np.abs(rows_so_far[:-1] - test_size * len(codes)))) + 1  # the last group always trains
    is_test = np.isin(codes, order[:n_test])
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def split_by_unit_time(X: pd.DataFrame, *, unit: str, time: str, test_size: float) -> Split:
    """Return rows of units that ended before one moment to train on, and of units that began after it to test on.

    For series on one common clock, such as dates. Units stay whole, so that every window has its own history on its own
    side, and no training target was made from what happened after the moment. Units that were running at the moment
    would show the model both sides: they are on neither, and a :class:`~appkit.exceptions.DataWarning` says how many.
    For units whose clock starts at 0, such as cycles, "before" has no meaning: use ``split_by_group(X[unit])``.

    Parameters
    ----------
    X
        Readings in any order, shape (n_rows, n_columns).
    unit, time
        Columns that say which unit a reading is of and when it was taken: numbers, datetimes or ISO 8601 text.
    test_size
        Share of the rows used to test on, between 0 and 1; met as closely as whole units allow.

    Returns
    -------
    train, test
        Row positions, int64, in the order of the table.

    Raises
    ------
    SchemaError
        For a column that ``X`` does not have, or a time that is text and no date.
    ValueError
        Where no moment has a whole unit before it and another after it.

    Examples
    --------
    >>> X = pd.DataFrame({"pump": ["a", "a", "b", "b"], "year": [2021, 2022, 2023, 2024]})
    >>> split_by_unit_time(X, unit="pump", time="year", test_size=0.5)
    (array([0, 1]), array([2, 3]))
    """
    _check_share(test_size)
    for column in (unit, time):
        if column not in X:
            raise SchemaError(f"X must hold the column {column!r}, got {', '.join(map(str, X.columns))}.")
    codes = check_groups(X[unit], n_rows=len(X))
    assert codes is not None
    moments = _moments(X[time])
    lives = moments.groupby(codes).agg(["min", "max", "size"])
    moment = _moment_between(lives, test_size)
    ended, began = (lives["max"] < moment).to_numpy(), (lives["min"] >= moment).to_numpy()
    _warn_of_running_units(X[unit], codes, running=~(ended | began), moment=moment)
    return np.flatnonzero(ended[codes]), np.flatnonzero(began[codes])


def _moments(raw: pd.Series) -> pd.Series:
    """Return times that can be put in order, text as dates."""
    if raw.isna().any():
        raise ValueError(f"Column {raw.name!r} must have no missing entry, got {int(raw.isna().sum())}. Drop them.")
    if infer_kind(raw) != "category":
        return raw.reset_index(drop=True)
    times, faults = read_cells(raw, "time")
    if faults:
        raise SchemaError(f"Column {raw.name!r} must hold numbers or dates, got {faults[0].first}.")
    return pd.Series(times)


def _moment_between(lives: pd.DataFrame, test_size: float) -> Any:
    """Return the start of a unit that parts the rows of whole units as nearly as can be into the share asked."""
    by_start, by_end = lives.sort_values("min", kind="stable"), lives.sort_values("max", kind="stable")
    starts = by_start["min"].to_numpy()
    rows_after = by_start["size"].to_numpy()[::-1].cumsum()[::-1][np.searchsorted(starts, starts)]
    n_ended = np.searchsorted(by_end["max"].to_numpy(), starts)
    rows_before = np.concatenate([[0], by_end["size"].to_numpy().cumsum()])[n_ended]
    if not rows_before.any():
        raise ValueError(
            "No unit had ended when another began, so a moment cannot part them: their lives overlap, or each counts "
            "time from its own start. Split whole units with split_by_group instead."
        )
    miss = np.abs(rows_after / (rows_after + rows_before) - test_size)
    return by_start["min"].iloc[int(np.where(rows_before > 0, miss, np.inf).argmin())]


def _warn_of_running_units(units: pd.Series, codes: np.ndarray, *, running: np.ndarray, moment: Any) -> None:
    if running.any():
        first = units.iloc[int(np.flatnonzero(running[codes])[0])]
        warnings.warn(
            f"{running.sum()} of {len(running)} units were running at {shown(moment)} (first: {shown(first)}) and are "
            "on neither side of the split: their readings would show the model what it is tested on.",
            DataWarning,
            stacklevel=3,
        )


def check_units_apart(train_units: Any, test_units: Any, *, called: str | None = None) -> None:
    """Raise ``LeakageError`` where a unit is on both sides of a split.

    Parameters
    ----------
    train_units, test_units
        Unit (machine, patient, customer) of each row, or each unit once; any length.
    called
        What units are called, such as the name of their column.

    Examples
    --------
    >>> check_units_apart(["pump 1", "pump 2"], ["pump 3"])
    >>> check_units_apart(["pump 1", "pump 2"], ["pump 2", "pump 3"])
    Traceback (most recent call last):
        ...
    appkit.exceptions.LeakageError: A unit must be on one side of a split only, got 1 on both (first: 'pump 2'). ...
    """
    test = set(pd.unique(pd.Series(test_units)))
    both = [label for label in pd.unique(pd.Series(train_units)) if label in test]
    if both:
        first = ", ".join(shown(label) for label in both[:3])
        raise LeakageError(
            f"A {called or 'unit'} must be on one side of a split only, got {len(both)} on both (first: {first}). "
            f"Keep {called or 'unit'}s whole, as split_by_group does."
        )


def split_stratified(y: Any, *, test_size: float, random_state: RandomState = None) -> Split:
    """Return training and test rows with the classes in proportion.

    Parameters
    ----------
    y
        Labels, shape (n_rows,), each class with at least two rows.
    test_size
        Share of rows to test on, between 0 and 1.
    random_state
        Seed of the draw.

    Returns
    -------
    train, test
        Row positions, int64, shuffled.
    """
    _check_share(test_size)
    labels = np.asarray(y)
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=test_size, random_state=random_state)
    return next(splitter.split(np.zeros(len(labels)), labels))


def validation_folds(
    y: Any, *, n_folds: int, groups: Any = None, stratify: bool, random_state: RandomState = None
) -> list[Split]:
    """Return ``n_folds`` pairs of training and held-out rows; each row is held out once.

    Parameters
    ----------
    y
        Target, shape (n_rows,).
    n_folds
        Number of folds, at least 2.
    groups
        Rows of one group are held out together, shape (n_rows,).
    stratify
        Whether to keep the classes of ``y`` in proportion. Classes with fewer rows than folds are spread at random.
    random_state
        Seed of the draw.

    Returns
    -------
    list of (train, held_out)
        Row positions, int64, in the order of the table.

    Examples
    --------
    >>> [held_out.tolist() for _, held_out in validation_folds([0, 0, 1, 1], n_folds=2, stratify=True, random_state=0)]
    [[1, 2], [0, 3]]
    """
    labels = np.asarray(y)
    codes = check_groups(groups, n_rows=len(labels))
    _check_folds(n_folds, n_rows=len(labels), n_groups=None if codes is None else int(codes.max()) + 1)
    options: dict[str, Any] = {"n_splits": n_folds, "shuffle": True, "random_state": random_state}
    if stratify:
        splitter = StratifiedKFold(**options) if codes is None else StratifiedGroupKFold(**options)
        return list(splitter.split(labels, _strata(labels, n_folds), codes))
    splitter = KFold(**options) if codes is None else GroupKFold(**options)
    return list(splitter.split(labels, groups=codes))


def _strata(labels: np.ndarray, n_folds: int) -> np.ndarray:
    """Merge classes rarer than folds with each other, and with the largest class if still too rare."""
    codes, classes = pd.factorize(labels)
    counts = np.bincount(codes)
    rare = counts < n_folds
    home = len(classes) if counts[rare].sum() >= n_folds else int(counts.argmax())
    return np.where(rare, home, np.arange(len(classes)))[codes]


def _check_folds(n_folds: int, *, n_rows: int, n_groups: int | None) -> None:
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, got {n_folds!r}.")
    if n_rows < n_folds:
        raise ValueError(f"n_folds={n_folds} needs at least as many rows, got {n_rows} sample{'s'[: n_rows != 1]}.")
    if n_groups is not None and n_groups < n_folds:
        raise ValueError(f"n_folds={n_folds} needs at least as many groups, got {n_groups}.")


def _check_share(test_size: float) -> None:
    if not 0 < test_size < 1:
        raise ValueError(f"test_size must be a share strictly between 0 and 1, got {test_size!r}.")
