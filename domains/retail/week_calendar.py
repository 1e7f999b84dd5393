"""What the calendar says of a week that begins on Monday."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["WEEK", "monday_of", "week_calendar"]

WEEK = np.timedelta64(7, "D")
_MONDAY = np.datetime64("1970-01-05", "D")


def monday_of(days: Any) -> np.ndarray:
    """Return the Monday on or before each date, datetime64[D] of the same shape.

    Examples
    --------
    >>> monday_of(["2010-12-05", "2010-12-06"])
    array(['2010-11-29', '2010-12-06'], dtype='datetime64[D]')
    """
    days = np.asarray(days).astype("datetime64[D]")
    return _MONDAY + (days - _MONDAY) // WEEK * WEEK


def week_calendar(weeks: Any, *, holidays: Iterable[Any] = ()) -> pd.DataFrame:
    """Return the ISO week of the year, the weeks until Christmas and the holidays of each week.

    Parameters
    ----------
    weeks
        Dates, shape (n_weeks,); a week is named by any of its days.
    holidays
        Dates on which little or nothing is bought, or much; nothing else is known of them.

    Returns
    -------
    pandas.DataFrame
        ``week_of_year`` (1 to 53), ``weeks_to_christmas`` (0 in the week of 25 December, then 51 or 52) and, where
        holidays are given, ``n_holidays``; int64, one row per week.

    Examples
    --------
    >>> week_calendar(["2010-12-06", "2010-12-27"], holidays=["2010-12-27", "2010-12-28"])
       week_of_year  weeks_to_christmas  n_holidays
    0            49                   2           0
    1            52                  51           2
    """
    mondays = monday_of(weeks)
    stamps = pd.DatetimeIndex(mondays)
    this_year, next_year = (_christmas_weeks(stamps.year + later) for later in (0, 1))
    ahead = np.where(this_year >= mondays, this_year, next_year) - mondays
    calendar = {
        "week_of_year": stamps.isocalendar().week.to_numpy(dtype=np.int64),
        "weeks_to_christmas": (ahead // WEEK).astype(np.int64),
    }
    given = np.array(pd.DatetimeIndex(list(holidays)), dtype="datetime64[D]")
    if len(given):
        celebrated = pd.Series(monday_of(np.unique(given))).value_counts()
        calendar["n_holidays"] = celebrated.reindex(stamps, fill_value=0).to_numpy(dtype=np.int64)
    return pd.DataFrame(calendar)


def _christmas_weeks(years: Any) -> np.ndarray:
    return monday_of([f"{year}-12-25" for year in years])
