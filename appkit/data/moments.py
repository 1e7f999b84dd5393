"""Read which unit each row of a table belongs to and when it was measured, and put rows in that order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cells import infer_kind, read_cells, text_of

__all__ = ["Moments", "moment_names", "read_moments"]

_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, eq=False)
class Moments:
    """Unit and time of each row of a table, and what is wrong with them.

    Parameters
    ----------
    codes
        int64 ``(n_rows,)``: position in ``labels`` of each row's unit; -1 where it is missing.
    labels
        Units in order of first appearance.
    times
        float64 ``(n_rows,)``: numbers as given, dates as days since 1970-01-01 (UTC), NaN where missing.
    is_dated
        Whether ``times`` are days.
    words
        What a unit and a moment are called.
    problems
        One sentence per fault.
    row_labels
        What names a row instead where the unit or time column is not there.
    """

    codes: np.ndarray
    labels: tuple[Any, ...]
    times: np.ndarray
    is_dated: bool
    words: tuple[str, str]
    problems: tuple[str, ...]
    row_labels: pd.Index | None

    def name(self, row: int) -> str:
        """Return a row in words: ``"engine 3, cycle 120"``."""
        if self.row_labels is not None:
            return f"row {self.row_labels[row]}"
        label = self.labels[self.codes[row]] if self.codes[row] >= 0 else None
        return moment_names([label], self.times[[row]], words=self.words, is_dated=self.is_dated)[0]

    def time_order(self) -> np.ndarray:
        """Return the rows by unit, then by time, int64 ``(n_rows,)``; equal ones as they came."""
        same_unit = np.diff(self.codes) == 0
        if ((np.diff(self.codes) > 0) | (same_unit & (np.diff(self.times) > 0))).all():
            return np.arange(len(self.codes))
        return np.lexsort((self.times, self.codes))

    def repeat_problems(self, order: np.ndarray, index: pd.Index) -> list[str]:
        """Return a sentence if a unit has two rows at one time; ``order`` is that of :meth:`time_order`."""
        codes, times = self.codes[order], self.times[order]
        repeated = np.flatnonzero((codes[1:] == codes[:-1]) & (codes[1:] >= 0) & (times[1:] == times[:-1]))
        if not len(repeated):
            return []
        first, second = order[repeated[0] : repeated[0] + 2].tolist()
        where = f"{self.name(first)} in rows {index[first]} and {index[second]}"
        return [
            f"A unit must have one row per time, got {len(repeated):,} more (first: {where}). Keep one, or average."
        ]


def read_moments(X: pd.DataFrame, *, unit: str | None, time: str | None, words: tuple[str, str]) -> Moments:
    """Return unit and time of each row; without a unit column all are unit 0, without a time column steps in order.

    Examples
    --------
    >>> X = pd.DataFrame({"pump": ["b", "a", "b"], "hour": [5, 1, 2]})
    >>> moments = read_moments(X, unit="pump", time="hour", words=("pump", "hour"))
    >>> moments.labels, moments.time_order(), moments.name(0)
    (('b', 'a'), array([2, 0, 1]), 'pump b, hour 5')
    """
    codes, labels = (np.zeros(len(X), dtype=np.int64), (0,)) if unit not in X else _read_units(X[unit])
    problems = _missing_problems(codes < 0, X.index, column=unit)
    times, is_dated = pd.Series(codes).groupby(codes).cumcount().to_numpy(dtype=np.float64), False
    if time in X:
        times, is_dated, time_problems = _read_times(X[time])
        problems += time_problems
    is_incomplete = any(name is not None and name not in X for name in (unit, time))
    return Moments(
        codes=codes,
        labels=labels,
        times=times,
        is_dated=is_dated,
        words=words,
        problems=tuple(problems),
        row_labels=X.index if is_incomplete else None,
    )


def moment_names(units: Sequence[Any], times: np.ndarray, *, words: tuple[str, str], is_dated: bool) -> list[str]:
    """Return moments in words.

    Examples
    --------
    >>> moment_names([3, "x"], np.array([120.0, 0.5]), words=("engine", "cycle"), is_dated=False)
    ['engine 3, cycle 120', 'engine x, cycle 0.5']
    """
    moments = _dates(times) if is_dated else [text_of(time) for time in times.tolist()]
    return [f"{words[0]} {text_of(unit)}, {words[1]} {moment}" for unit, moment in zip(units, moments, strict=True)]


def _read_units(raw: pd.Series) -> tuple[np.ndarray, tuple[Any, ...]]:
    codes, labels = pd.factorize(raw)
    return codes.astype(np.int64), tuple(labels.tolist())


def _read_times(raw: pd.Series) -> tuple[np.ndarray, bool, list[str]]:
    """Return float64 times, NaN where there is none, whether they are dates, and what is wrong."""
    is_dated = infer_kind(raw) in ("time", "category")
    times, faults = read_cells(raw, "time" if is_dated else "numeric")
    if is_dated:
        times = np.where(np.isnat(times), np.nan, times.astype(np.int64) / _DAY_NS)
    problems = [
        f"Column {raw.name!r} must hold finite numbers or dates, got {fault.first} in row "
        f"{raw.index[int(fault.rows[0])]}. Give numbers, datetimes or ISO 8601 text."
        for fault in faults
    ]
    return times, is_dated, problems + _missing_problems(raw.isna().to_numpy(), raw.index, column=raw.name)


def _missing_problems(missing: np.ndarray, index: pd.Index, *, column: Any) -> list[str]:
    if not missing.any():
        return []
    count, first = int(missing.sum()), index[int(missing.argmax())]
    return [
        f"Column {column!r} must have no missing cell, got {count:,} (first: row {first}). Fill it, or drop the row."
    ]


def _dates(days: np.ndarray) -> list[str]:
    """Return days since 1970 as dates, with the time of day where it is not midnight."""
    seconds = np.round(np.where(np.isnan(days), 0, days) * 86_400).astype(np.int64).astype("datetime64[s]")
    return [str(stamp).replace("T", " ").removesuffix(" 00:00:00") for stamp in seconds]
