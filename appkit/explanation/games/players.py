"""Players of a table: raw columns, or groups of them the user names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["TablePlayers"]


@dataclass(frozen=True)
class TablePlayers:
    """Which player each column belongs to.

    Parameters
    ----------
    names
        Player names, in the order of their first column.
    columns
        Columns of the table.
    player_of_column
        int64 ``(n_columns,)``: position in ``names``.

    Examples
    --------
    >>> players = TablePlayers.of(["age", "street", "town"], {"address": ["street", "town"]})
    >>> players.names
    ('age', 'address')
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    player_of_column: np.ndarray

    @classmethod
    def of(cls, columns: Sequence[str], groups: Mapping[str, Sequence[str]] | None = None) -> "TablePlayers":
        """Return the players of ``columns``: each group one, each column outside all groups one."""
        group_of = _group_of_column(columns, groups or {})
        label = [group_of.get(column, column) for column in columns]
        names = tuple(dict.fromkeys(label))
        position = {name: i for i, name in enumerate(names)}
        owner = np.array([position[name] for name in label], dtype=np.int64)
        return cls(tuple(map(str, names)), tuple(columns), owner)

    def shown(self, X: pd.DataFrame) -> np.ndarray:
        """Return what the players of ``X`` show, object ``(n_rows, n_players)``; a group shows its columns as text."""
        shown = np.empty((len(X), len(self.names)), dtype=object)
        for player in range(len(self.names)):
            own = [self.columns[i] for i in np.flatnonzero(self.player_of_column == player)]
            shown[:, player] = X[own[0]].to_numpy(dtype=object) if len(own) == 1 else _as_text(X[own])
        return shown


def _group_of_column(columns: Sequence[str], groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    group_of: dict[str, str] = {}
    misnamed = [name for name in groups if name in columns and name not in groups[name]]
    if misnamed:
        raise ValueError(f"players must not be named like a column outside their group, got {misnamed}.")
    for name, members in groups.items():
        if isinstance(members, str) or not members:
            raise ValueError(f"players must map each name to a list of columns, got {members!r} for {name!r}.")
        for column in members:
            if column not in columns:
                raise ValueError(f"players names the column {column!r}, which the model does not use.")
            if column in group_of:
                raise ValueError(f"Column {column!r} must belong to one player, got {group_of[column]!r} and {name!r}.")
            group_of[column] = name
    return group_of


def _as_text(X: pd.DataFrame) -> np.ndarray:
    parts = [f"{column}=" + X[column].astype(str).to_numpy(dtype=object) for column in X.columns]
    text = parts[0]
    for part in parts[1:]:
        text = text + ", " + part
    return text
