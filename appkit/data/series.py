"""Read sensor readings of many units, however they come, into one matrix: unit below unit, each oldest row first."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cells import infer_kind, read_cells, shown
from appkit.data.moments import Moments, moment_names, read_moments
from appkit.exceptions import SchemaError

__all__ = ["Series", "read_series"]

_BLOCK_ROWS = 1 << 16  # rows looked at in one go: a memory-mapped matrix is never held whole


@dataclass(frozen=True, eq=False)
class Series:
    """Readings of many units, one unit below the other; each unit's rows together, oldest first.

    Parameters
    ----------
    values
        float64 (float32 where that was given), ``(n_rows, n_sensors)``; NaN where a reading is missing. May be a memory
        map.
    sensors
        Names of the columns of ``values``.
    bounds
        int64 ``(n_units + 1,)``: unit ``u`` owns rows ``bounds[u]:bounds[u + 1]``, at least one.
    units
        Label of each unit, in order of first appearance.
    time
        float64 ``(n_rows,)``: numbers as given, datetimes as days since 1970-01-01 (UTC).
    order
        int64 ``(n_rows,)``: the row of the caller's table that each row came from.
    words
        What a unit and a moment are called: ``("engine", "cycle")``.
    is_dated
        Whether ``time`` counts days.

    Examples
    --------
    >>> series = read_series([[[20.0], [21.0]], [[19.0]]], unit="pump", time="hour", sensors=["heat"])
    >>> series.values.ravel(), series.bounds, series.row_names([0, 1])
    (array([20., 21., 19.]), array([0, 2, 3]), ['pump 0, hour 0', 'pump 0, hour 1'])
    """

    values: np.ndarray
    sensors: tuple[str, ...]
    bounds: np.ndarray
    units: tuple[Any, ...]
    time: np.ndarray
    order: np.ndarray
    words: tuple[str, str] = ("unit", "time")
    is_dated: bool = False

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def n_rows(self) -> int:
        """Number of readings of all units together."""
        return len(self.time)

    @property
    def unit_of_row(self) -> np.ndarray:
        """Position in ``units`` of each row's unit, int64 ``(n_rows,)``."""
        return np.repeat(np.arange(self.n_units), np.diff(self.bounds))

    @property
    def last_rows(self) -> np.ndarray:
        """Newest row of each unit, int64 ``(n_units,)``."""
        return self.bounds[1:] - 1

    @property
    def age(self) -> np.ndarray:
        """Time since the first row of the unit, float64 ``(n_rows,)``, in units of ``time``."""
        return self.time - np.repeat(self.time[self.bounds[:-1]], np.diff(self.bounds))

    def units_at(self, rows: np.ndarray) -> np.ndarray:
        """Return the position in ``units`` of the unit that owns each of ``rows``, int64 like ``rows``."""
        return np.searchsorted(self.bounds, rows, side="right") - 1

    def row_names(self, rows: Sequence[int] | np.ndarray, *, words: tuple[str, str] | None = None) -> list[str]:
        """Return rows in words: ``"engine 3, cycle 120"``; ``words`` replaces the two nouns."""
        rows = np.asarray(rows, dtype=np.int64)
        labels = [self.units[unit] for unit in self.units_at(rows)]
        return moment_names(labels, self.time[rows], words=words or self.words, is_dated=self.is_dated)

    def take_units(self, units: np.ndarray) -> "Series":
        """Return the units at these positions, in this order; one named twice comes twice, as a bootstrap asks.

        ``order`` goes on to name rows of the caller's table. Neighbours in their old order are views, not copies.
        """
        units = np.asarray(units)
        units = np.flatnonzero(units) if units.dtype == bool else units.astype(np.int64)
        lengths = np.diff(self.bounds)[units]
        bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = self._rows_of(units, bounds)
        return Series(
            values=self.values[rows],
            sensors=self.sensors,
            bounds=bounds,
            units=tuple(self.units[unit] for unit in units),
            time=self.time[rows],
            order=self.order[rows],
            words=self.words,
            is_dated=self.is_dated,
        )

    def _rows_of(self, units: np.ndarray, bounds: np.ndarray) -> slice | np.ndarray:
        """Return the rows of ``units``; ``bounds`` are those of the result."""
        if len(units) and (np.diff(units) == 1).all():
            return slice(self.bounds[units[0]], self.bounds[units[-1] + 1])
        return np.arange(bounds[-1]) + np.repeat(self.bounds[units] - bounds[:-1], np.diff(bounds))


def read_series(
    X: Any, *, unit: str | None, time: str | None, sensors: Sequence[str] | None = None, time_name: str = "time"
) -> Series:
    """Return sensor readings as a :class:`Series`, from a long table or from one array per unit.

    Parameters
    ----------
    X
        A DataFrame with one row per unit and moment, in any order, gaps and uneven steps allowed; or a list of 2-D
        arrays (n_steps, n_sensors), or a 3-D array, one per unit: their units are called 0, 1, ... and their times are
        the steps 0, 1, ... A single array of floats, a memory map for example, is taken without a copy.
    unit
        Column that names the unit, labels of any hashable type; ``None``: all rows are one unit, called 0. For arrays
        the word for a unit.
    time
        Column that orders a unit's rows: numbers, datetimes (time zones are converted to UTC) or ISO 8601 text;
        ``None``: the rows are in order, at steps 0, 1, ... For arrays the word for a step.
    sensors
        Columns to read: numbers or booleans, missing ones allowed. ``None``: every column besides unit and time. For
        arrays the names of their columns; ``None`` calls these ``sensor 0``, ``sensor 1``, ...
    time_name
        The word for a moment where ``time`` is ``None``.

    Raises
    ------
    SchemaError
        Listing every problem: a column that is missing, two readings of a unit at one time, a row without unit or
        time, a reading that is infinite or no number, no rows, no sensors.
    TypeError
        If ``X`` is neither a DataFrame nor arrays.

    Examples
    --------
    >>> X = pd.DataFrame({"engine": [7, 3, 7], "cycle": [2, 1, 1], "heat": [21.0, 30.0, None]})
    >>> series = read_series(X, unit="engine", time="cycle")
    >>> series.units, series.order, series.values.ravel()
    ((7, 3), array([2, 0, 1]), array([nan, 21., 30.]))
    """
    words = (unit or "unit", time or time_name)
    if isinstance(X, pd.DataFrame):
        return _from_frame(X, unit=unit, time=time, sensors=sensors, words=words)
    arrays = _checked_arrays(X)
    return _from_arrays(arrays, values=_stacked(X, arrays), sensors=sensors, words=words)


def _from_frame(
    X: pd.DataFrame, *, unit: str | None, time: str | None, sensors: Sequence[str] | None, words: tuple[str, str]
) -> Series:
    names = _sensor_columns(X, taken=(unit, time), sensors=sensors)
    problems = _column_problems(X, keys=(unit, time), sensors=names)
    if not X.columns.is_unique or not len(X):
        raise SchemaError(problems)
    moments = read_moments(X, unit=unit, time=time, words=words)
    order = moments.time_order()
    values, reading_problems = _read_sensors(X, [name for name in names if name in X], order=order, moments=moments)
    problems += [*moments.problems, *moments.repeat_problems(order, X.index), *reading_problems]
    if problems:
        raise SchemaError(problems)
    return Series(
        values=values,
        sensors=tuple(names),
        bounds=np.concatenate([[0], np.cumsum(np.bincount(moments.codes))]).astype(np.int64),
        units=moments.labels,
        time=moments.times[order],
        order=order,
        words=words,
        is_dated=moments.is_dated,
    )


def _sensor_columns(X: pd.DataFrame, *, taken: tuple[str | None, ...], sensors: Sequence[str] | None) -> list[Any]:
    if sensors is None:
        return [name for name in X.columns if name not in taken]
    if isinstance(sensors, str):
        raise TypeError(f"sensors must be a list of column names, got the text {sensors!r}. Write [{sensors!r}].")
    return list(sensors)


def _column_problems(X: pd.DataFrame, *, keys: tuple[str | None, ...], sensors: list[Any]) -> list[str]:
    """Return what is wrong before any cell is read."""
    problems = [] if len(X) else ["The table must have at least one row, got none. Check the filter that made it."]
    if not sensors:
        problems.append("The table must have at least one sensor column besides unit and time, got none.")
    wanted = [name for name in keys if name is not None] + sensors
    missing = [name for name in dict.fromkeys(wanted) if name not in X.columns]
    problems += [f"Column {name!r} is missing{_hint(name, X.columns)}. Add it, or name another." for name in missing]
    twice = list(dict.fromkeys(X.columns[X.columns.duplicated()]))
    problems += [f"Column {name!r} appears more than once. Keep one, or rename the others." for name in twice]
    again = [name for name in dict.fromkeys(wanted) if wanted.count(name) > 1]
    problems += [f"Column {name!r} must be unit, time or one sensor, got it in two places." for name in again]
    unnamed = [name for name in sensors if not isinstance(name, str)]
    problems += [f"Sensor names must be text, got {name!r}. Rename the columns." for name in unnamed[:1]]
    return problems


def _hint(name: Any, columns: pd.Index) -> str:
    close = difflib.get_close_matches(str(name), [str(column) for column in columns], n=1)
    return f" (is it {close[0]!r}?)" if close else ""


def _read_sensors(
    X: pd.DataFrame, names: list[str], *, order: np.ndarray, moments: Moments
) -> tuple[np.ndarray, list[str]]:
    """Return the readings in ``order``, float ``(n_rows, n_sensors)``, and what is wrong with them."""
    is_single = bool(names) and all(X[name].dtype == np.float32 for name in names)
    values = np.empty((len(X), len(names)), dtype=np.float32 if is_single else np.float64)
    problems = []
    for position, name in enumerate(names):
        raw = X[name]
        if infer_kind(raw) not in ("numeric", "boolean") and raw.notna().any():
            problems.append(_not_numeric(raw))
            continue
        readings, faults = read_cells(raw, "numeric")
        problems += [
            f"Sensor {name!r} must be finite, got {fault.got} in {len(fault.rows):,} of {len(X):,} rows "
            f"(first: {fault.first}, {moments.name(fault.rows[0])}). Replace it by a missing value or by a real limit."
            for fault in faults
        ]
        values[:, position] = readings[order]
    return values, problems


def _not_numeric(raw: pd.Series) -> str:
    first = raw.first_valid_index()
    what = "text" if infer_kind(raw) == "category" else str(raw.dtype)
    return (
        f"Sensor {raw.name!r} must hold numbers or booleans, got {what} (first: {shown(raw.dropna().iloc[0])} in row "
        f"{first!r}). Drop it, turn it into numbers, or name the sensors to read."
    )


def _checked_arrays(X: Any) -> list[np.ndarray]:
    """Return one 2-D array of numbers per unit, all of one width."""
    if isinstance(X, np.ndarray) and X.ndim != 3:
        raise SchemaError(
            f"An array of series must have 3 axes (units, steps, sensors), got {X.ndim}. A single unit goes in a list."
        )
    if not isinstance(X, np.ndarray | list | tuple):
        raise TypeError(f"X must be a DataFrame, a list of 2-D arrays or a 3-D array, got {type(X).__name__}.")
    if any(isinstance(array, pd.DataFrame) for array in X):
        raise SchemaError("X must be one DataFrame, got a list of them. Join them: pd.concat(frames, names=['unit']).")
    arrays = [np.asarray(array) for array in X]
    if not arrays:
        raise SchemaError("X must hold at least one unit, got none. Check the filter that made it.")
    problems = [problem for unit, array in enumerate(arrays) for problem in _array_problems(unit, array)]
    if not problems and len({array.shape[1] for array in arrays}) > 1:
        unit = next(u for u, array in enumerate(arrays) if array.shape[1] != arrays[0].shape[1])
        widths = f"{arrays[0].shape[1]} in unit 0 and {arrays[unit].shape[1]} in unit {unit}"
        problems.append(f"Units must have the same sensors, got {widths}. Give NaN where one has no such sensor.")
    if problems:
        raise SchemaError(problems)
    return arrays


def _array_problems(unit: int, array: np.ndarray) -> list[str]:
    if array.ndim != 2 or 0 in array.shape:
        return [f"Unit {unit} must have shape (n_steps, n_sensors), neither of them 0, got {array.shape}."]
    if array.dtype.kind not in "buif":
        return [f"Unit {unit} must hold numbers, got dtype {array.dtype}. Convert it, or pass a DataFrame."]
    return []


def _from_arrays(
    arrays: list[np.ndarray], *, values: np.ndarray, sensors: Sequence[str] | None, words: tuple[str, str]
) -> Series:
    names = _array_names(sensors, n_sensors=values.shape[1])
    lengths = [len(array) for array in arrays]
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    n_rows = int(bounds[-1])
    series = Series(
        values=values,
        sensors=names,
        bounds=bounds,
        units=tuple(range(len(arrays))),
        time=(np.arange(n_rows) - np.repeat(bounds[:-1], lengths)).astype(np.float64),
        order=np.arange(n_rows),
        words=words,
    )
    if problems := _infinity_problems(series):
        raise SchemaError(problems)
    return series


def _array_names(sensors: Sequence[str] | None, *, n_sensors: int) -> tuple[str, ...]:
    if sensors is None:
        return tuple(f"sensor {position}" for position in range(n_sensors))
    if isinstance(sensors, str) or len(sensors) != n_sensors or len(set(sensors)) < n_sensors:
        raise SchemaError(
            f"sensors must be {n_sensors} different names, one per column of the arrays, got {sensors!r}."
        )
    return tuple(sensors)


def _stacked(X: Any, arrays: list[np.ndarray]) -> np.ndarray:
    """Return the arrays one below the other; a single or a 3-D one of floats without a copy."""
    dtype = np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64
    if isinstance(X, np.ndarray):
        return X.reshape(-1, X.shape[2]).astype(dtype, copy=False)
    if len(arrays) == 1:
        return arrays[0].astype(dtype, copy=False)
    return np.concatenate(arrays, dtype=dtype)


def _infinity_problems(series: Series) -> list[str]:
    first: dict[int, int] = {}
    for start in range(0, series.n_rows, _BLOCK_ROWS):
        is_infinite = np.isinf(series.values[start : start + _BLOCK_ROWS])
        for column in np.flatnonzero(is_infinite.any(axis=0)).tolist():
            first.setdefault(column, start + int(is_infinite[:, column].argmax()))
    return [
        f"Sensor {series.sensors[column]!r} must be finite, got infinity (first: {series.row_names([row])[0]}). "
        "Replace it by a missing value or by a real limit."
        for column, row in first.items()
    ]
