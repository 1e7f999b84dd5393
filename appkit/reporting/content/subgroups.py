"""Columns to tell subgroups by: sex, age band, site, device; one row per row of a report."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from appkit.reporting.content.subject import SeriesSubject, Subject

__all__ = ["subgroup_columns"]


def subgroup_columns(subgroups: pd.DataFrame | Sequence[str] | None, X: Any, subject: Subject) -> pd.DataFrame | None:
    """Return the columns asked for, one row per row of the report and under its index; ``None`` where none were.

    Parameters
    ----------
    subgroups
        Names of columns of ``X``, or a frame of one row per row of ``X``.
    X
        What the caller gave. Of a series model a row of readings, or an array, per entry: those judged are kept.
    subject
        What the report is about.

    Raises
    ------
    ValueError
        If a name is no column of ``X``, ``X`` has no columns, or a frame has another number of rows.
    """
    if subgroups is None:
        return None
    given = subgroups if isinstance(subgroups, pd.DataFrame) else _named(subgroups, X)
    if len(given) != len(X):
        raise ValueError(f"subgroups must have one row per row of X, got {len(given)} for {len(X)}.")
    if not given.columns.is_unique or given.shape[1] == 0:
        raise ValueError(f"subgroups must name each column once, and at least one, got {list(given.columns)}.")
    rows = subject.entries if isinstance(subject, SeriesSubject) else np.arange(len(given))
    return given.iloc[rows].set_axis(subject.table.index, axis=0)


def _named(names: Sequence[str], X: Any) -> pd.DataFrame:
    if isinstance(names, str):
        raise ValueError(f"subgroups must be a list of names, or a frame, got {names!r}. Write [{names!r}].")
    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            f"subgroups must be a frame where X has no columns to name, got {list(names)!r} and {type(X).__name__}."
        )
    absent = [name for name in names if name not in X.columns]
    if absent:
        close = get_close_matches(str(absent[0]), [str(name) for name in X.columns], n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"subgroups must name columns of X or be a frame, {absent} are not in X.{hint}")
    return X[list(names)]
