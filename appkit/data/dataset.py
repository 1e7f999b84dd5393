"""A public or generated table, or series, with all that is known about it: target, event, protocol, licence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.splits import check_units_apart, split_by_group, split_by_time, split_by_unit_time, split_stratified

__all__ = ["Dataset", "GeneratedDataset"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A table, its target, and what its publisher says about them.

    Parameters
    ----------
    name, description
        Short name as in ``$APPKIT_DATA``, and one sentence.
    X, y
        Table, shape (n_rows, n_columns), protected columns included; target, shape (n_rows,), on the same index. Of
        series, one row per reading; the target is NaN where nobody knows it.
    target
        What ``y`` means.
    event
        The label whose probability is wanted; ``None`` where there is none: numbers, or several classes alike.
    licence, citation, source
        Terms of use, whom to cite, and the publisher's address.
    protected
        Columns that must not drive a decision: sex, age, origin.
    costs
        Published costs of the two mistakes where there are any: ``missed_event`` and ``false_alarm``.
    special_codes
        Numbers that stand for a reason, by column.
    protocol
        How :meth:`split` divides the rows: as published (``given_test``), by ``time``, by ``groups``, or stratified by
        ``y``. Series are divided by whole units, whatever the protocol; ``"group"`` needs no ``groups`` then, and
        ``"time"`` puts units that ended before a moment against units that began after it.
    time, groups
        Moment and group (customer, household) of each row, on the index of ``X``.
    given_test
        True for the rows of the published test part, bool (n_rows,).
    unit, time_column
        Columns of ``X`` that say which machine a reading is of, and when it was taken; ``None`` for a table whose rows
        stand for themselves.
    """

    name: str
    description: str
    X: pd.DataFrame
    y: pd.Series
    target: str
    event: str | int | None
    licence: str
    citation: str
    source: str
    protected: tuple[str, ...] = ()
    costs: Mapping[str, float] | None = None
    special_codes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    protocol: Literal["published", "time", "group", "stratified"] = "stratified"
    time: pd.Series | None = None
    groups: pd.Series | None = None
    given_test: np.ndarray | None = None
    unit: str | None = None
    time_column: str | None = None

    def __post_init__(self) -> None:
        for column in (self.unit, self.time_column):
            if column is not None and column not in self.X:
                raise ValueError(f"X of {self.name} must hold its column {column!r}, got {', '.join(self.X.columns)}.")
        groups = self.groups if self.unit is None else self.X[self.unit]
        time = self.time if self.time_column is None else self.X[self.time_column]
        needed = {"published": self.given_test, "time": time, "group": groups, "stratified": self.y}
        if needed.get(self.protocol) is None:
            raise ValueError(f"protocol {self.protocol!r} of {self.name} lacks what it splits by, or is unknown.")

    def split(
        self, *, test_size: float = 0.25, random_state: int | None = 0
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
        """Return ``X_train, X_test, y_train, y_test`` by the data set's own protocol.

        Parameters
        ----------
        test_size
            Share of rows to test on; a published test part has its own size.
        random_state
            Seed of a drawn split; a published or dated one draws nothing.

        Raises
        ------
        LeakageError
            Where a unit of a series would be on both sides.
        """
        train, test = self._split_rows(test_size, random_state)
        if self.unit is not None:
            labels = self.X[self.unit]
            check_units_apart(labels.iloc[train], labels.iloc[test])
        return self.X.iloc[train], self.X.iloc[test], self.y.iloc[train], self.y.iloc[test]

    def describe(self) -> str:
        """Return what a reader should know before using the data, as plain text."""
        facts = {
            "rows": f"{self.X.shape[0]:,}",
            **self._describe_units(),
            "columns": f"{self.X.shape[1]} ({', '.join(self.X.columns)})",
            "target": f"{self.target}; {self._describe_target()}",
            "protected": ", ".join(self.protected) or "none named",
            "split": self.protocol,
            "costs": "none published"
            if self.costs is None
            else ", ".join(f"{name} {cost:g}" for name, cost in self.costs.items()),
            "licence": self.licence,
            "citation": self.citation,
            "source": self.source,
        }
        return "\n".join([f"{self.name}: {self.description}", *(f"  {name}: {fact}" for name, fact in facts.items())])

    def __repr__(self) -> str:
        rows, columns = self.X.shape
        return f"<{type(self).__name__} {self.name}: {rows:,} rows x {columns} columns, {self._subject()}>"

    def _subject(self) -> str:
        """Say in two or three words what is to be predicted."""
        if self.event is not None:
            return f"event {self.event!r}"
        if self.unit is not None:
            return f"{self.X[self.unit].nunique()} units"
        return "numeric target" if pd.api.types.is_numeric_dtype(self.y) else f"{self.y.nunique()} classes"

    def _describe_units(self) -> dict[str, str]:
        if self.unit is None:
            return {}
        lengths = self.X.groupby(self.unit, sort=False).size()
        readings = f"{lengths.min():,} to {lengths.max():,} readings each"
        return {"units": f"{len(lengths):,} in column {self.unit!r}, {readings}, ordered by {self.time_column!r}"}

    def _describe_target(self) -> str:
        if self.event is not None:
            return f"event {self.event!r} in {(self.y == self.event).mean():.1%} of rows"
        if not pd.api.types.is_numeric_dtype(self.y):
            return ", ".join(f"{name} {share:.1%}" for name, share in self.y.value_counts(normalize=True).items())
        span = f"{self.y.min():g} to {self.y.max():g}, mean {self.y.mean():.4g}"
        return span if self.y.notna().all() else f"{span}, known in {self.y.notna().mean():.1%} of rows"

    def _split_rows(self, test_size: float, random_state: int | None) -> tuple[np.ndarray, np.ndarray]:
        options: dict[str, Any] = {"test_size": test_size, "random_state": random_state}
        if self.protocol == "published":
            assert self.given_test is not None
            return np.flatnonzero(~self.given_test), np.flatnonzero(self.given_test)
        if self.protocol == "time":
            if self.unit is not None and self.time_column is not None:
                return split_by_unit_time(self.X, unit=self.unit, time=self.time_column, test_size=test_size)
            return split_by_time(self.time, test_size=test_size)
        if self.protocol == "group":
            return split_by_group(self.groups if self.unit is None else self.X[self.unit], **options)
        return split_stratified(self.y, **options)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GeneratedDataset(Dataset):
    """A data set whose truth is known, to hold models and explanations against.

    The true log-odds of the event are ``intercept`` plus the row sum of ``contributions``; every other column of ``X``
    has no effect. So the true Shapley value of a driver, in log-odds and against a background, is its contribution
    minus the mean contribution over the background.

    Parameters
    ----------
    contributions
        What each driver adds to the log-odds of each row, float64 (n_rows, n_drivers), on the index of ``X``.
    intercept
        Log-odds when every contribution is 0.
    decoys
        Columns that go with a driver but have no effect of their own.
    """

    contributions: pd.DataFrame
    intercept: float
    decoys: tuple[str, ...]

    @property
    def drivers(self) -> tuple[str, ...]:
        """Columns that do have an effect."""
        return tuple(self.contributions.columns)

    @property
    def log_odds(self) -> pd.Series:
        """True log-odds of the event, on the index of ``X``."""
        return self.intercept + self.contributions.sum(axis=1)
