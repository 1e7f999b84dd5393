"""A public or generated table of interactions with all that is known about it: columns, names, protocol, licence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.interaction_splits import InteractionSplit, split_interactions
from appkit.exceptions import SchemaError

__all__ = ["InteractionDataset"]

Protocol = Literal["published", "time", "last", "random"]


@dataclass(frozen=True, eq=False, repr=False)
class InteractionDataset:
    """Interactions of users with items, and what their publisher says about them.

    Parameters
    ----------
    name, description
        Short name as in ``$APPKIT_DATA``, and one sentence.
    X
        One row per interaction, in the order of the file.
    user, item
        Columns of ``X`` that hold the raw ids.
    licence, citation, source
        Terms of use, whom to cite, and the publisher's address.
    time, value
        Columns of moments and of quantities, spend or ratings; ``None`` where there are none.
    user_features, item_features
        What else is known of each user and item, one row each, indexed by the raw id.
    item_names
        Readable name by raw item id.
    protocol
        How :meth:`split` parts the rows: as published (``given_test``) or a way of
        :func:`~appkit.data.split_interactions`.
    given_test
        True for the rows of the published test part, bool (n_rows,).
    cut
        First moment of the test part where the protocol is ``"time"``; ``None``: by size.
    removed
        What cleaning took out, rule by rule; ``None`` where ``X`` is as published.
    """

    name: str
    description: str
    X: pd.DataFrame
    user: str
    item: str
    licence: str
    citation: str
    source: str
    time: str | None = None
    value: str | None = None
    user_features: pd.DataFrame | None = None
    item_features: pd.DataFrame | None = None
    item_names: Mapping[Any, str] | None = None
    protocol: Protocol = "time"
    given_test: np.ndarray | None = None
    cut: str | float | pd.Timestamp | None = None
    removed: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for column in (self.user, self.item, self.time, self.value):
            if column is not None and column not in self.X:
                columns = ", ".join(map(str, self.X.columns))
                raise SchemaError(f"X of {self.name} must hold its column {column!r}, got {columns}.")
        if self.protocol not in ("published", "time", "last", "random"):
            raise ValueError(f"protocol of {self.name} must be published, time, last or random, got {self.protocol!r}.")
        if self.protocol == "published" and self.given_test is None:
            raise ValueError(f"protocol 'published' of {self.name} needs given_test.")
        if self.protocol == "time" and self.time is None:
            raise ValueError(f"protocol 'time' of {self.name} needs a column of moments, got time=None.")
        given = self.given_test
        if given is not None and (given.dtype != bool or given.shape != (len(self.X),)):
            raise ValueError(
                f"given_test of {self.name} must be bool ({len(self.X)},), got {given.dtype} {given.shape}."
            )

    @property
    def columns(self) -> dict[str, str | None]:
        """Columns as keyword arguments of readers and estimators: ``user``, ``item``, ``time``, ``value``."""
        return {"user": self.user, "item": self.item, "time": self.time, "value": self.value}

    def split(
        self, by: Protocol | None = None, *, test_size: float | None = None, random_state: int | None = 0
    ) -> InteractionSplit:
        """Return the two parts by the data set's own protocol, or by another one.

        Parameters
        ----------
        by
            ``None`` for the protocol of the data set.
        test_size
            As :func:`~appkit.data.split_interactions` takes it, instead of the data set's own ``cut``; a published
            test part has its own size.
        random_state
            Seed of a random split.
        """
        way = self.protocol if by is None else by
        if way == "published":
            if self.given_test is None:
                raise ValueError(f"{self.name} has no published test part. Split by 'time', 'last' or 'random'.")
            train, test = self.X.loc[~self.given_test], self.X.loc[self.given_test]
            return InteractionSplit(train, test, _PUBLISHED, is_optimistic=True)
        return split_interactions(
            self.X,
            by=way,
            user=self.user,
            item=self.item,
            time=self.time,
            test_size=test_size,
            at=self.cut if way == "time" and test_size is None else None,
            random_state=random_state,
        )

    def describe(self) -> str:
        """Return what a reader should know before using the data, as plain text."""
        counts = self.X.groupby(self.user, sort=False).size()
        facts = {
            "rows": f"{len(self.X):,}",
            "users": f"{len(counts):,} (column {self.user!r}), {counts.min():,} to {counts.max():,} rows each",
            "items": f"{self.X[self.item].nunique():,} (column {self.item!r})",
            "time": "none" if self.time is None else f"{self._span()} (column {self.time!r})",
            "value": "none" if self.value is None else f"column {self.value!r}",
            "columns": f"{self.X.shape[1]} ({', '.join(map(str, self.X.columns))})",
            "user features": _described(self.user_features),
            "item features": _described(self.item_features),
            "split": self.protocol if self.cut is None else f"{self.protocol}, at {self.cut}",
            "licence": self.licence,
            "citation": self.citation,
            "source": self.source,
        }
        return "\n".join([f"{self.name}: {self.description}", *(f"  {name}: {fact}" for name, fact in facts.items())])

    def __repr__(self) -> str:
        sizes = f"{len(self.X):,} rows, {self.X[self.user].nunique():,} users, {self.X[self.item].nunique():,} items"
        return f"<{type(self).__name__} {self.name}: {sizes}>"

    def _span(self) -> str:
        moments = self.X[self.time]
        return f"{moments.min()} to {moments.max()}"


_PUBLISHED = "as published, whatever the order of events (optimistic)"


def _described(features: pd.DataFrame | None) -> str:
    return "none" if features is None else ", ".join(map(str, features.columns))
