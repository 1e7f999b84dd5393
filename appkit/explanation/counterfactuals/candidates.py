"""Changed rows on the way through the search, and those that came out of it."""

from dataclasses import dataclass, field, fields

import numpy as np

__all__ = ["Answers", "Candidates", "includes"]

_SCORED = ("rows", "columns", "levels", "cost", "margin", "is_reached")


@dataclass
class Candidates:
    """Changed rows that the model has scored; arrays have one entry per candidate, ``(n,)`` or ``(n, n_changes)``."""

    rows: np.ndarray
    columns: np.ndarray
    levels: np.ndarray
    cost: np.ndarray
    margin: np.ndarray
    is_reached: np.ndarray
    distance: np.ndarray = field(init=False)  # NaN where nobody asked yet

    def __post_init__(self) -> None:
        self.distance = np.full(len(self.rows), np.nan)

    def taken(self, chosen: np.ndarray) -> "Candidates":
        """Return some of the candidates."""
        part = Candidates(*(getattr(self, name)[chosen] for name in _SCORED))
        part.distance = self.distance[chosen]
        return part

    def joined(self, other: "Candidates") -> "Candidates":
        """Return these candidates and others of the same size."""
        return Candidates(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in _SCORED))


@dataclass
class Answers:
    """The changes found for each row of a block.

    Parameters
    ----------
    columns
        int64 ``(n_rows, n_alternatives, max_changes)``: columns that change, -1 where there is no further change.
    levels
        Same shape: which of the column's values they change to.
    cells, steps
        Same shape: the background row that shows the value, and the signed change in quantiles.
    best_margin
        float64 ``(n_rows,)``: the furthest any candidate within the limits came; -infinity where there was none.
    nearest
        float64 ``(n_rows,)``: distance to the data of the nearest candidate that reached the goal; infinite if none.
    n_beyond
        int64 ``(n_rows,)``: how many changes reach the goal where ``max_changes`` do not; 0 where none was found.
    """

    columns: np.ndarray
    levels: np.ndarray
    cells: np.ndarray
    steps: np.ndarray
    best_margin: np.ndarray
    nearest: np.ndarray
    n_beyond: np.ndarray

    @property
    def n_found(self) -> np.ndarray:
        """Answers of each row, int64 ``(n_rows,)``."""
        return (self.columns >= 0).any(axis=2).sum(axis=1)

    @classmethod
    def joined(cls, blocks: "list[Answers]") -> "Answers":
        """Return the answers of several blocks end to end."""
        return cls(*(np.concatenate([getattr(block, item.name) for block in blocks]) for item in fields(cls)))

    @classmethod
    def none(cls, n_rows: int, n_alternatives: int, max_changes: int) -> "Answers":
        """Return no answers yet."""
        shape = (n_rows, n_alternatives, max_changes)
        return cls(
            columns=np.full(shape, -1),
            levels=np.full(shape, -1),
            cells=np.full(shape, -1),
            steps=np.zeros(shape),
            best_margin=np.full(n_rows, -np.inf),
            nearest=np.full(n_rows, np.inf),
            n_beyond=np.zeros(n_rows, dtype=np.int64),
        )

    def holds(self, pool: Candidates) -> np.ndarray:
        """Return which candidates change all the columns of an answer the row has already, bool ``(n,)``."""
        held = np.zeros(len(pool.rows), dtype=bool)
        for place in range(self.columns.shape[1]):
            held |= includes(pool.columns, self.columns[pool.rows, place])
        return held

    def add(self, pool: Candidates) -> None:
        """Add one candidate to each of its rows."""
        place, size = self.n_found[pool.rows], pool.columns.shape[1]
        self.columns[pool.rows, place, :size] = pool.columns
        self.levels[pool.rows, place, :size] = pool.levels

    def put_in_order(self) -> None:
        """Sort the columns of each answer as in the table, and the answers of each row by size, then by cost."""
        is_change = self.columns >= 0
        size = is_change.sum(axis=2)
        cost = np.where(is_change, np.abs(self.steps), 0.0).sum(axis=2)
        among = np.lexsort((cost, np.where(size > 0, size, np.inf)), axis=1)[:, :, None]
        within = np.argsort(np.where(is_change, self.columns, np.iinfo(np.int64).max), axis=2, kind="stable")
        for name in ("columns", "levels", "cells", "steps"):
            values = np.take_along_axis(getattr(self, name), within, axis=2)
            setattr(self, name, np.take_along_axis(values, among, axis=1))


def includes(columns: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return where ``columns`` name all of ``others``, ``(n, size)`` each and -1 where empty; none includes nothing."""
    is_shared = (others[:, :, None] == columns[:, None, :]).any(axis=2)
    return (others >= 0).any(axis=1) & (is_shared | (others < 0)).all(axis=1)
