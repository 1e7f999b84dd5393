"""What is to be predicted about a machine, built from its readings and from whether it failed at the last of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.series import Series, read_series
from appkit.exceptions import SchemaError

__all__ = ["fails_within", "remaining_life", "time_to_event"]

Failed = bool | str | Mapping[Any, bool] | pd.Series
"""Whether units failed: all or none of them, by unit, or the name of a column of ``X``."""

_NO_SENSOR = "no sensor"


def remaining_life(
    X: pd.DataFrame, *, unit: str, time: str, failed: Failed = True, cap: float | None = None
) -> pd.Series:
    """Return the time from each reading to the failure of its unit, at the unit's last reading.

    Counted in units of ``time`` (days, where ``time`` is a date), not in rows: a gap in the readings is time too.

    Parameters
    ----------
    X
        Readings, shape (n_rows, n_columns), in any order.
    unit, time
        Columns that say which unit a reading is of and when it was taken.
    failed
        Whether each unit failed at its last reading; the others are censored, they were only seen until then. One
        answer for all, a mapping from unit to bool (or a Series indexed by unit), or a column of ``X`` that holds for
        the whole unit or is true in its last reading only.
    cap
        Bound of the remaining life: while there is more, nothing is to be seen of the failure (Heimes, 2008).

    Returns
    -------
    pandas.Series
        float64 (n_rows,), on the index of ``X``. NaN for the readings of censored units, except those with at least
        ``cap`` of known life before them, whose capped life is known.

    Raises
    ------
    SchemaError
        For unit and time that are missing or taken twice, or ``failed`` that does not fit the units.
    ValueError
        For a cap that is not positive.

    References
    ----------
    Heimes, F. O. (2008). Recurrent neural networks for remaining useful life estimation. PHM 2008.

    Examples
    --------
    >>> X = pd.DataFrame({"pump": ["a", "a", "a", "b", "b"], "hour": [0, 1, 5, 0, 3]})
    >>> remaining_life(X, unit="pump", time="hour", failed={"a": True, "b": False}).tolist()
    [5.0, 4.0, 0.0, nan, nan]
    """
    if cap is not None:
        _check_positive(cap, name="cap")
    known = time_to_event(X, unit=unit, time=time, failed=failed)
    life = known["duration"].where(known["event"])
    if cap is not None:
        life = life.where(known["duration"] < cap, float(cap))
    return life.rename("remaining_life")


def fails_within(X: pd.DataFrame, horizon: float, *, unit: str, time: str, failed: Failed = True) -> pd.Series:
    """Return whether each reading's unit fails within a horizon after it, the end of the horizon included.

    Parameters
    ----------
    X, unit, time, failed
        As for :func:`remaining_life`.
    horizon
        How far ahead, in units of ``time`` (days, where ``time`` is a date).

    Returns
    -------
    pandas.Series
        float64 (n_rows,), on the index of ``X``: 1.0 or 0.0, and NaN where a censored unit was not watched for the
        whole horizon, so that nobody knows.

    Raises
    ------
    SchemaError
        As for :func:`remaining_life`.
    ValueError
        For a horizon that is not positive.

    Examples
    --------
    >>> X = pd.DataFrame({"pump": ["a", "a", "a", "b", "b"], "hour": [0, 1, 5, 0, 3]})
    >>> fails_within(X, 2, unit="pump", time="hour", failed={"a": True, "b": False}).tolist()
    [0.0, 0.0, 1.0, 0.0, nan]
    """
    _check_positive(horizon, name="horizon")
    known = time_to_event(X, unit=unit, time=time, failed=failed)
    fails = (known["event"] & (known["duration"] <= horizon)).astype(np.float64)
    is_known = known["event"] | (known["duration"] >= horizon)
    return fails.where(is_known).rename("fails_within")


def time_to_event(X: pd.DataFrame, *, unit: str, time: str, failed: Failed = True) -> pd.DataFrame:
    """Return how long each reading's unit was watched after it, and whether that ended with its failure.

    Parameters
    ----------
    X, unit, time, failed
        As for :func:`remaining_life`.

    Returns
    -------
    pandas.DataFrame
        On the index of ``X``, shape (n_rows, 2): ``event``, bool, and ``duration``, float64 in units of ``time`` (days,
        where ``time`` is a date), 0 for the last reading of a unit.

    Raises
    ------
    SchemaError
        As for :func:`remaining_life`.

    Examples
    --------
    >>> X = pd.DataFrame({"pump": ["a", "a", "b", "b"], "hour": [0, 5, 0, 3]})
    >>> time_to_event(X, unit="pump", time="hour", failed={"a": True, "b": False})
       event  duration
    0   True       5.0
    1   True       0.0
    2  False       3.0
    3  False       0.0
    """
    # the reader checks units and times; it wants a sensor, and none is needed here
    series = read_series(X.assign(**{_NO_SENSOR: 0.0}), unit=unit, time=time, sensors=[_NO_SENSOR])
    lengths = np.diff(series.bounds)
    event, duration = np.empty(series.n_rows, dtype=bool), np.empty(series.n_rows)
    event[series.order] = np.repeat(_failed_units(X, series, failed), lengths)
    duration[series.order] = np.repeat(series.time[series.last_rows], lengths) - series.time
    return pd.DataFrame({"event": event, "duration": duration}, index=X.index)


def _failed_units(X: pd.DataFrame, series: Series, failed: Failed) -> np.ndarray:
    """Return whether each unit failed, bool (n_units,)."""
    if isinstance(failed, bool | np.bool_):
        return np.full(series.n_units, bool(failed))
    if isinstance(failed, str):
        return _failed_by_column(X, series, failed)
    if not isinstance(failed, Mapping | pd.Series):
        raise TypeError(f"failed must be a bool, a mapping from unit to bool or a column, got {type(failed).__name__}.")
    answers = dict(failed)
    known = set(series.units)
    unknown = [label for label in answers if label not in known]
    silent = [label for label in series.units if label not in answers]
    problems = [_unit_problem("names units that X does not have", unknown)] if unknown else []
    problems += [_unit_problem("must say of every unit whether it failed; it lacks", silent)] if silent else []
    problems += [
        f"failed must be true or false, got {shown(answer)} for unit {shown(label)}."
        for label, answer in answers.items()
        if not _is_truth(answer)
    ]
    if problems:
        raise SchemaError(problems)
    return np.array([bool(answers[label]) for label in series.units])


def _failed_by_column(X: pd.DataFrame, series: Series, column: str) -> np.ndarray:
    if column not in X:
        raise SchemaError(f"failed must be a column of X, or a mapping, got {column!r}, which X does not have.")
    cells = X[column].iloc[series.order]
    is_truth = cells.isin([0, 1]).to_numpy()
    if not is_truth.all():
        row = int(is_truth.argmin())
        where = series.row_names([row])[0]
        raise SchemaError(f"Column {column!r} must be true or false, got {shown(cells.iloc[row])} at {where}.")
    flags = cells.to_numpy(dtype=bool)
    last, starts = flags[series.last_rows], series.bounds[:-1]
    n_flagged = np.add.reduceat(flags.astype(np.int64), starts)
    whole_or_last = (n_flagged == 0) | (n_flagged == np.diff(series.bounds)) | (last & (n_flagged == 1))
    if not whole_or_last.all():
        owner = int(whole_or_last.argmin())
        row = int(series.bounds[owner] + flags[series.bounds[owner] : series.bounds[owner + 1]].argmax())
        raise SchemaError(
            f"Column {column!r} must hold for a whole unit, or be true in its last reading only, got a failure at "
            f"{series.row_names([row])[0]} with readings after it. Give each life a unit of its own."
        )
    return last


def _unit_problem(fault: str, labels: list[Any]) -> str:
    first = ", ".join(shown(label) for label in labels[:3])
    return f"failed {fault}: {first}{'' if len(labels) <= 3 else f' and {len(labels) - 3} more'}."


def _is_truth(answer: Any) -> bool:
    return isinstance(answer, bool | int | float | np.generic) and answer in (0, 1)


def _check_positive(value: float, *, name: str) -> None:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a positive number in the units of time, got {value!r}.")
