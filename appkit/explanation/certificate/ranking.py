"""How far down the order of players is settled: by the errors of their values, and by a second seed."""

from dataclasses import dataclass

import numpy as np

from appkit.explanation.explanation import Explanation

__all__ = ["Ranking", "rank_players", "rank_row"]

_CLEAR = 2.0  # standard errors of a difference


@dataclass(frozen=True)
class Ranking:
    """Players by size of effect, and how far down their order is settled; arrays ``(n_players,)``.

    Parameters
    ----------
    order
        Positions of the players, largest first, int64.
    importance, standard_error
        Size of each player's effect and its error, in the order of the explanation.
    gap, gap_error
        Difference of each place to the next and its standard error, ``(n_players - 1,)``.
    survives
        Whether a second seed puts the same players above the gap, bool ``(n_players - 1,)``.
    """

    order: np.ndarray
    importance: np.ndarray
    standard_error: np.ndarray
    gap: np.ndarray
    gap_error: np.ndarray
    survives: np.ndarray

    @property
    def is_settled(self) -> np.ndarray:
        """Whether each gap exceeds two of its standard errors and survives the second seed, ``(n_players - 1,)``."""
        return (self.gap > _CLEAR * self.gap_error) & self.survives

    @property
    def reliable(self) -> int:
        """Last place down to which every gap is settled; all places where all gaps are."""
        open_gaps = np.flatnonzero(~self.is_settled)
        return int(open_gaps[0]) if len(open_gaps) else len(self.order)

    @property
    def n_moving(self) -> int:
        """Players that have an effect: those whose value or error is not exactly 0."""
        return int(((self.importance != 0) | (self.standard_error != 0)).sum())

    def places(self, place: int) -> tuple[int, int]:
        """Return the first and last place, from 1, that the player at ``place``, from 0, may hold."""
        above = np.flatnonzero(self.is_settled[:place])
        below = np.flatnonzero(self.is_settled[place:])
        first = int(above[-1]) + 2 if len(above) else 1
        last = place + int(below[0]) + 1 if len(below) else len(self.order)
        return first, last


def rank_players(
    first: Explanation, second: Explanation, *, output: int = 0, n_population: int | None = None
) -> Ranking:
    """Rank players by mean absolute value over rows and say which gaps are settled.

    A gap is settled if it exceeds two standard errors of the difference and the second seed puts the same players
    above it. The error of a difference has two parts: that of the sampled coalitions, taken as independent between
    players, and that of explaining a sample of rows, taken row by row and so with its correlation; it vanishes where
    every row was explained.

    Parameters
    ----------
    first, second
        The same rows by two seeds.
    output
        Position of the output.
    n_population
        Rows the explained ones were drawn from; ``None`` means that they are all there are.

    Raises
    ------
    ValueError
        If rows have players of their own: players at the same place then mean different things.
    """
    if first.row_player_names is not None:
        raise ValueError("A global ranking needs players that all rows share, got rows with players of their own.")
    sizes = np.abs(first.values[..., output])
    importance, again = first.global_importance[:, output], second.global_importance[:, output]
    error = _known_error(first.global_standard_error[:, output], importance - again, is_drawn=_is_drawn(first))
    order = _order(importance)
    upper, lower = order[:-1], order[1:]
    n_rows = len(sizes) if n_population is None else n_population
    by_rows = _variance_of_mean(sizes[:, upper] - sizes[:, lower], n_rows=n_rows)
    return Ranking(
        order=order,
        importance=importance,
        standard_error=np.sqrt(error**2 + _variance_of_mean(sizes, n_rows=n_rows)),
        gap=importance[upper] - importance[lower],
        gap_error=np.sqrt(error[upper] ** 2 + error[lower] ** 2 + by_rows),
        survives=_same_above(order, _order(again)),
    )


def rank_row(first: Explanation, second: Explanation, row: int, *, output: int = 0) -> Ranking:
    """Rank the players of one row by absolute value; players the row does not have are left out.

    Errors of two players are taken as independent. Where the method gives none, the two seeds stand in: the spread of
    their differences, pooled over the players; a method that draws nothing has no such error.
    """
    own = ~np.isnan(first.values[row, :, output])
    values, again = first.values[row, own, output], second.values[row, own, output]
    error = _known_error(first.standard_error[row, own, output], values - again, is_drawn=_is_drawn(first))
    importance = np.abs(values)
    order = _order(importance)
    upper, lower = order[:-1], order[1:]
    return Ranking(
        order=order,
        importance=importance,
        standard_error=error,
        gap=importance[upper] - importance[lower],
        gap_error=np.sqrt(error[upper] ** 2 + error[lower] ** 2),
        survives=_same_above(order, _order(np.abs(again))),
    )


def _order(importance: np.ndarray) -> np.ndarray:
    return np.argsort(-importance, kind="stable")


def _same_above(order: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return for each gap whether both orders hold the same players above it, bool ``(n_players - 1,)``."""
    place = np.empty(len(order), dtype=np.int64)
    place[other] = np.arange(len(order))
    return np.maximum.accumulate(place[order])[:-1] == np.arange(len(order) - 1)


def _is_drawn(explanation: Explanation) -> bool:
    return explanation.random_state is not None


def _known_error(error: np.ndarray, difference: np.ndarray, *, is_drawn: bool) -> np.ndarray:
    """Return standard errors; unknown ones from the ``difference`` of two seeds, whose variance is twice theirs."""
    if not np.isnan(error).any():
        return error
    pooled = np.sqrt(np.mean(difference**2) / 2) if is_drawn else 0.0
    return np.where(np.isnan(error), pooled, error)


def _variance_of_mean(values: np.ndarray, *, n_rows: int) -> np.ndarray:
    """Return the variance of column means over rows drawn without replacement from ``n_rows``."""
    n = len(values)
    if n == n_rows or n < 2:
        return np.zeros(values.shape[1])
    return values.var(axis=0, ddof=1) / n * (1 - n / n_rows)
