"""What a cell may become: values seen in its column, and what each step there costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype

from appkit.data import Column
from appkit.explanation.ranked_columns import column_numbers, mid_ranks

__all__ = ["Levels", "observed_levels"]

MOST_LEVELS = 256  # of a column, refined search
GRID_LEVELS = 32  # of a column, first search


@dataclass(frozen=True)
class Levels:
    """Values that were seen in each column, and the cost of each for each row.

    Parameters
    ----------
    row_of
        int64 ``(n_columns, n_levels)``: a background row that shows the value.
    step
        float64 ``(n_rows, n_columns, n_levels)``: signed change in quantiles of the column, 1 between words; NaN where
        the row may not go there.
    is_on_grid
        bool ``(n_columns, n_levels)``: whether the first search looks at it.
    """

    row_of: np.ndarray
    step: np.ndarray
    is_on_grid: np.ndarray

    @property
    def is_allowed(self) -> np.ndarray:
        """Where each row may go, bool ``(n_rows, n_columns, n_levels)``."""
        return ~np.isnan(self.step)

    @property
    def cost(self) -> np.ndarray:
        """Size of each step, ``(n_rows, n_columns, n_levels)``; infinite where it may not be taken."""
        return np.where(self.is_allowed, np.abs(self.step), np.inf)


def observed_levels(
    pooled: pd.DataFrame,
    rows: np.ndarray,
    *,
    n_rows: int,
    changeable: Sequence[str],
    signs: Mapping[str, np.ndarray],
    declared: Mapping[str, Column],
) -> Levels:
    """Return the levels of all columns of ``pooled``, rows above and background below.

    Missing cells and special codes stay as they are, and no cell becomes one. Of a number with more than 256 values
    seen, 256 evenly spread over its quantiles count; of words the 256 commonest.

    Parameters
    ----------
    pooled, n_rows
        Rows and background end to end, and how many rows there are.
    rows
        Rows to change, int64 ``(n,)``: the first axis of what comes back.
    changeable
        Columns that may change.
    signs
        int64 ``(n_rows,)`` by column: 1 where a row may only go up in it, -1 down, 0 either way, 2 nowhere.
    declared
        What a schema says of columns.
    """
    by_column = []
    for name in pooled.columns:
        numbers, is_ordered = column_numbers(pooled[name], declared.get(name))
        if name in signs and not is_ordered:
            raise ValueError(f"directions[{name!r}] needs a column with an order, got words.")
        own, seen = numbers[rows], numbers[n_rows:]
        shown_by, on_grid = _levels(seen, is_ordered=is_ordered)
        if name not in changeable:
            shown_by, on_grid = shown_by[:0], on_grid[:0]
        step = _steps(own, seen, shown_by, is_word=not is_ordered or is_bool_dtype(pooled[name].dtype))
        sign = signs.get(name, np.zeros(n_rows))[rows, None]
        step[(sign != 0) & (np.sign(seen[shown_by] - own[:, None]) != sign)] = np.nan
        by_column.append((shown_by, step, on_grid))
    width = max(1, max(len(shown_by) for shown_by, _, _ in by_column))
    return Levels(
        row_of=np.stack([_padded(shown_by, width, 0) for shown_by, _, _ in by_column]),
        step=np.stack([_padded(step, width, np.nan) for _, step, _ in by_column], axis=1),
        is_on_grid=np.stack([_padded(on_grid, width, False) for _, _, on_grid in by_column]),
    )


def _levels(seen: np.ndarray, *, is_ordered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a background row of each value seen, in order (words: the commonest first), and which are on the grid."""
    values, first, counts = np.unique(seen, return_index=True, return_counts=True)
    known = ~np.isnan(values)
    first, counts = first[known], counts[known]
    if not is_ordered:
        commonest = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
        return first[commonest], np.arange(len(commonest)) < GRID_LEVELS
    kept = _evenly(counts, MOST_LEVELS)
    on_grid = np.zeros(len(counts), dtype=bool)
    on_grid[_evenly(counts, GRID_LEVELS)] = True
    kept = np.union1d(kept, np.flatnonzero(on_grid))
    return first[kept], on_grid[kept]


def _evenly(counts: np.ndarray, most: int) -> np.ndarray:
    """Return positions of at most ``most`` values at even quantiles, both ends among them."""
    if len(counts) <= most:
        return np.arange(len(counts))
    middle = (counts.cumsum() - counts / 2) / counts.sum()
    wanted = np.linspace(middle[0], middle[-1], most)
    return np.unique(np.searchsorted(middle, wanted).clip(0, len(counts) - 1))


def _steps(own: np.ndarray, seen: np.ndarray, rows: np.ndarray, *, is_word: bool) -> np.ndarray:
    level = seen[rows]
    if is_word:
        step = np.where(np.isnan(own)[:, None], np.nan, np.ones((len(own), len(rows))))
    else:
        step = mid_ranks(level, seen) - mid_ranks(own, seen)[:, None]
    return np.where(level == own[:, None], np.nan, step)


def _padded(levels: np.ndarray, width: int, filler: float) -> np.ndarray:
    padding = [(0, 0)] * (levels.ndim - 1) + [(0, width - levels.shape[-1])]
    return np.pad(levels, padding, constant_values=filler)
