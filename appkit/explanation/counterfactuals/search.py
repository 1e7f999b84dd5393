"""Find the smallest plausible changes: every single one, pairs of the best, beams of more, then draw them back."""

from dataclasses import dataclass

import numpy as np

from appkit.explanation.counterfactuals.candidates import Answers, Candidates, includes
from appkit.explanation.counterfactuals.goal import Goal
from appkit.explanation.counterfactuals.levels import Levels
from appkit.explanation.counterfactuals.mixtures import Mixtures

__all__ = ["Search"]

_SINGLES = 128  # single changes of a row that enter pairs: 8,128 pairs
_BEST_COLUMNS = 12
_BEAM = 32  # sets of columns kept from one size to the next
_NARROW_BEAM = 4
_MOST_BEYOND = 12  # changes tried beyond the limit, to say whether the limit binds
_SWEEPS = 2
_FIRST_LOOK = 32  # cheapest candidates of a row whose plausibility is looked at first


class Search:
    """A search over a block of rows: all candidates of all rows go through the model together.

    Rows count from 0 within the block.

    Parameters
    ----------
    mixtures
        Scores changed rows.
    levels
        Where the cells of the block may go.
    goal, limit
        What is to be reached, and the largest plausible distance ``(n_rows,)``, of all rows.
    first_row
        Where the block starts.
    """

    def __init__(self, mixtures: Mixtures, levels: Levels, goal: Goal, *, limit: np.ndarray, first_row: int) -> None:
        self._mixtures = mixtures
        self._goal = goal
        self._limit = limit[first_row:]
        self._first_row = first_row
        self._row_of = levels.row_of
        self._step = levels.step
        self._cost = levels.cost
        self._is_on_grid = levels.is_on_grid

    def run(self, is_asked: np.ndarray, *, max_changes: int, n_alternatives: int) -> Answers:
        """Return the answers of the rows of the block that are asked, bool ``(n,)``; others have none."""
        answers = Answers.none(len(is_asked), n_alternatives, max_changes)
        rows = np.flatnonzero(is_asked)
        singles = self._single(rows, np.isfinite(self._cost[rows]) & self._is_on_grid)
        pool = singles.joined(self._finer(rows, singles))
        self._collect(pool, answers)
        for size in range(2, max_changes + 1):
            slots = _Slots.of(singles, rows[answers.n_found[rows] < n_alternatives])
            pool = self._pairs(slots) if size == 2 else self._longer(self._beam(pool, _BEAM), slots)
            self._collect(pool, answers)
        self._draw_back(answers)
        self._look_beyond(pool, singles, answers, rows=rows, max_changes=max_changes)
        return self._tidied(answers)

    def _scored(self, rows: np.ndarray, columns: np.ndarray, levels: np.ndarray) -> Candidates:
        """Return candidates that change ``columns`` of ``rows`` to ``levels``; a column of -1 stands for no change."""
        if not len(rows):
            return Candidates(rows, columns, levels, np.empty(0), np.empty(0), np.empty(0, dtype=bool))
        cost = np.where(columns < 0, 0.0, self._cost[rows[:, None], columns, levels]).sum(axis=1)
        outputs = self._mixtures.outputs(self._sources(rows, columns, levels))
        everywhere = self._first_row + rows
        margin, is_reached = self._goal.margin(outputs, everywhere), self._goal.is_reached(outputs, everywhere)
        return Candidates(rows, columns, levels, cost, margin, is_reached)

    def _sources(self, rows: np.ndarray, columns: np.ndarray, levels: np.ndarray) -> np.ndarray:
        return self._mixtures.sources(self._first_row + rows, columns, self._row_of[columns, levels])

    def _finer(self, rows: np.ndarray, singles: Candidates) -> Candidates:
        """Return, where the grid reaches the goal in a column, every cheaper value between its points."""
        place = np.searchsorted(rows, singles.rows)
        reached = singles.is_reached
        cheapest = np.full((len(rows), len(self._row_of)), np.inf)
        np.minimum.at(cheapest, (place[reached], singles.columns[reached, 0]), singles.cost[reached])
        cheapest[np.isinf(cheapest)] = 0.0
        return self._single(rows, ~self._is_on_grid & (self._cost[rows] < cheapest[..., None]))

    def _single(self, rows: np.ndarray, wanted: np.ndarray) -> Candidates:
        place, column, level = wanted.nonzero()
        return self._scored(rows[place], column[:, None], level[:, None])

    def _pairs(self, slots: "_Slots") -> Candidates:
        first, second = np.triu_indices(slots.columns.shape[1], k=1)
        column, level = slots.columns, slots.levels
        fits = (column[:, first] >= 0) & (column[:, second] >= 0) & (column[:, first] != column[:, second])
        place, pair = fits.nonzero()
        chosen = np.stack([first[pair], second[pair]], axis=1)
        return self._scored(slots.rows[place], column[place[:, None], chosen], level[place[:, None], chosen])

    def _longer(self, beam: Candidates, slots: "_Slots") -> Candidates:
        """Return the beam's candidates with one change more."""
        beam = beam.taken(np.isin(beam.rows, slots.rows))
        column, level = slots.of_rows(beam.rows)
        fits = (column >= 0) & (column[:, :, None] != beam.columns[:, None, :]).all(axis=2)
        start, slot = fits.nonzero()
        columns = np.column_stack([beam.columns[start], column[start, slot]])
        levels = np.column_stack([beam.levels[start], level[start, slot]])
        order = np.argsort(columns, axis=1)
        columns, levels = np.take_along_axis(columns, order, axis=1), np.take_along_axis(levels, order, axis=1)
        # two ways lead to one candidate
        _, first = np.unique(np.column_stack([beam.rows[start], columns, levels]), axis=0, return_index=True)
        return self._scored(beam.rows[start][first], columns[first], levels[first])

    def _beam(self, pool: Candidates, width: int) -> Candidates:
        """Return each row's furthest candidates, one per set of columns, plausible ones first."""
        by_set = np.lexsort((-pool.margin, *pool.columns.T[::-1], pool.rows))
        keys = np.column_stack([pool.rows, pool.columns])[by_set]
        is_first = np.ones(len(keys), dtype=bool)
        is_first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
        best = pool.taken(by_set[is_first])
        best = best.taken(_within(np.lexsort((-best.margin, best.rows)), best.rows, 4 * width))
        self._measure(best, np.arange(len(best.rows)))
        is_plausible = best.distance <= self._limit[best.rows]
        return best.taken(_within(np.lexsort((-best.margin, ~is_plausible, best.rows)), best.rows, width))

    def _collect(self, pool: Candidates, answers: Answers) -> None:
        """Give each unfinished row its cheapest plausible candidates, each with other columns than the ones before."""
        n_alternatives = answers.columns.shape[1]
        np.maximum.at(answers.best_margin, pool.rows, pool.margin)
        for _ in range(n_alternatives):
            usable = pool.is_reached & (answers.n_found[pool.rows] < n_alternatives) & ~answers.holds(pool)
            chosen = self._cheapest(pool, usable)
            if not len(chosen):
                break
            answers.add(pool.taken(chosen))
        known = pool.is_reached & ~np.isnan(pool.distance)
        np.minimum.at(answers.nearest, pool.rows[known], pool.distance[known])

    def _cheapest(self, pool: Candidates, usable: np.ndarray) -> np.ndarray:
        """Return positions of the cheapest plausible candidate of each row; looks at distances as far as it must."""
        order = np.lexsort((pool.cost, pool.rows))
        order = order[usable[order]]
        chosen: list[np.ndarray] = []
        width = _FIRST_LOOK
        while len(order):
            rank = _rank_within(pool.rows[order])
            part = order[rank < width]
            self._measure(pool, part)
            fits = part[pool.distance[part] <= self._limit[pool.rows[part]]]
            _, first = np.unique(pool.rows[fits], return_index=True)
            chosen.append(fits[first])
            order = order[(rank >= width) & ~np.isin(pool.rows[order], pool.rows[fits])]
            width *= 4
        return np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int64)

    def _measure(self, pool: Candidates, asked: np.ndarray) -> None:
        unknown = asked[np.isnan(pool.distance[asked])]
        part = pool.taken(unknown)
        pool.distance[unknown] = self._mixtures.distances(self._sources(part.rows, part.columns, part.levels))

    def _draw_back(self, answers: Answers) -> None:
        """Drop changes that are not needed and take each of the others back as far as the goal allows."""
        self._drop(answers)
        for _ in range(_SWEEPS):
            for place in range(answers.columns.shape[2]):
                self._shrink(answers, place)
        self._drop(answers)

    def _drop(self, answers: Answers) -> None:
        size = answers.columns.shape[2]
        for _ in range(size - 1):
            rows, alternative = ((answers.columns >= 0).sum(axis=2) > 1).nonzero()
            asked, dropped = (answers.columns[rows, alternative] >= 0).nonzero()
            columns = answers.columns[rows, alternative][asked]
            levels = answers.levels[rows, alternative][asked]
            columns[np.arange(len(asked)), dropped] = -1
            if not self._replace(answers, rows[asked], alternative[asked], columns, levels):
                break

    def _shrink(self, answers: Answers, place: int) -> None:
        rows, alternative = (answers.columns[..., place] >= 0).nonzero()
        columns, levels = answers.columns[rows, alternative], answers.levels[rows, alternative]
        column = columns[:, place]
        cost = self._cost[rows, column]
        asked, level = (cost < cost[np.arange(len(rows)), levels[:, place]][:, None]).nonzero()
        levels = levels[asked]
        levels[:, place] = level
        self._replace(answers, rows[asked], alternative[asked], columns[asked], levels)

    def _replace(
        self, answers: Answers, rows: np.ndarray, alternative: np.ndarray, columns: np.ndarray, levels: np.ndarray
    ) -> bool:
        """Replace each answer by its cheapest variant that is plausible and still reaches the goal, if there is one."""
        if not len(rows):
            return False
        pool = self._scored(rows, columns, levels)
        n_alternatives = answers.columns.shape[1]
        limit, pool.rows = self._limit, rows * n_alternatives + alternative
        order = np.lexsort((pool.cost, pool.rows))
        order = order[pool.is_reached[order]]
        part = pool.taken(order)
        distance = self._mixtures.distances(self._sources(rows[order], part.columns, part.levels))
        fits = order[distance <= limit[rows[order]]]
        _, first = np.unique(pool.rows[fits], return_index=True)
        chosen = fits[first]
        answers.columns[rows[chosen], alternative[chosen]] = columns[chosen]
        answers.levels[rows[chosen], alternative[chosen]] = levels[chosen]
        return bool(len(chosen))

    def _tidied(self, answers: Answers) -> Answers:
        """Say what each change is, put the smallest answer first and leave out what became another's double."""
        is_change = answers.columns >= 0
        row = np.arange(len(is_change))[:, None, None]
        answers.steps = np.where(is_change, self._step[row, answers.columns, answers.levels], 0.0)
        answers.cells = np.where(is_change, self._row_of[answers.columns, answers.levels], -1)
        answers.put_in_order()
        for place in range(1, is_change.shape[1]):
            is_double = np.zeros(len(is_change), dtype=bool)
            for earlier in range(place):
                is_double |= includes(answers.columns[:, place], answers.columns[:, earlier])
            answers.columns[is_double, place] = -1
        answers.put_in_order()
        return answers

    def _look_beyond(
        self, pool: Candidates, singles: Candidates, answers: Answers, *, rows: np.ndarray, max_changes: int
    ) -> None:
        """Find how many changes reach the goal where no candidate within the limit did."""
        beyond = rows[(answers.n_found[rows] == 0) & np.isinf(answers.nearest[rows])]
        for size in range(max_changes + 1, max_changes + 1 + _MOST_BEYOND):
            if not len(beyond) or not len(pool.rows):
                break
            pool = self._longer(self._beam(pool, _NARROW_BEAM), _Slots.of(singles, beyond))
            reached = np.unique(pool.rows[pool.is_reached])
            answers.n_beyond[reached] = size
            beyond = np.setdiff1d(beyond, reached)


@dataclass(frozen=True)
class _Slots:
    """The single changes of each row that enter longer ones: the best columns, values of each evenly spread.

    Where a row has no more than 128 single changes on the grid, all of them.
    """

    rows: np.ndarray  # (n_rows,), ascending
    columns: np.ndarray  # (n_rows, n_slots), -1 where empty
    levels: np.ndarray

    @classmethod
    def of(cls, singles: Candidates, rows: np.ndarray) -> "_Slots":
        pool = singles.taken(np.isin(singles.rows, rows))
        column = pool.columns[:, 0]
        n_columns = int(column.max(initial=-1)) + 1
        best = np.full((len(rows), n_columns), -np.inf)
        place = np.searchsorted(rows, pool.rows)
        np.maximum.at(best, (place, column), pool.margin)
        rank = np.argsort(np.argsort(-best, axis=1, kind="stable"), axis=1, kind="stable")[place, column]
        n_own = np.bincount(place, minlength=len(rows))[place]
        # by cost within a column, so that an even choice goes from the smallest step to the largest
        order = np.lexsort((pool.cost, rank, place))
        pool, place, rank, n_own = pool.taken(order), place[order], rank[order], n_own[order]
        group = place * max(n_columns, 1) + rank
        n_group = np.bincount(group, minlength=len(rows) * max(n_columns, 1))[group]
        share = np.minimum(n_group, _SINGLES // min(_BEST_COLUMNS, max(n_columns, 1)))
        step = _rank_within(group)
        is_even = (step + 1) * share // n_group > step * share // n_group
        kept = np.flatnonzero((n_own <= _SINGLES) | (is_even & (rank < _BEST_COLUMNS)))
        kept = kept[_rank_within(place[kept]) < _SINGLES]
        slot = _rank_within(place[kept])
        columns = np.full((len(rows), int(slot.max(initial=-1)) + 1), -1)
        levels = columns.copy()
        columns[place[kept], slot] = pool.columns[kept, 0]
        levels[place[kept], slot] = pool.levels[kept, 0]
        return cls(rows, columns, levels)

    def of_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return columns and levels of the slots of ``rows``, ``(n, n_slots)``."""
        place = np.searchsorted(self.rows, rows)
        return self.columns[place], self.levels[place]


def _rank_within(groups: np.ndarray) -> np.ndarray:
    """Return the place of each entry in its group, from 0; entries of a group stand together.

    Examples
    --------
    >>> _rank_within(np.array([4, 4, 7, 7, 7])).tolist()
    [0, 1, 0, 1, 2]
    """
    if not len(groups):
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.append(starts, len(groups))))


def _within(order: np.ndarray, rows: np.ndarray, most: int) -> np.ndarray:
    """Return the first ``most`` of each row in an order that keeps rows together."""
    return order[_rank_within(rows[order]) < most]
