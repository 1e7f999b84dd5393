"""How right the rows kept are as ever more doubtful ones are let go, for counts of redrawn rows."""

from dataclasses import dataclass

import numpy as np

__all__ = ["KeptRows"]


@dataclass(frozen=True, eq=False)
class KeptRows:
    """Rows in order of doubt, the most certain first; rows of one doubt are let go together, each in part.

    Parameters
    ----------
    marks
        Whether a row counts, is right, is an event, and is an event that is right; float64 ``(4, n_rows)``.
    first
        Place of the first row of each doubt, int64.
    units
        What is redrawn, by row: its patient, or itself; int64 ``(n_rows,)``.
    n_units
        How many there are.
    """

    marks: np.ndarray
    first: np.ndarray
    units: np.ndarray
    n_units: int

    @classmethod
    def of(cls, y: np.ndarray, right: np.ndarray, doubt: np.ndarray, *, groups: np.ndarray | None) -> "KeptRows":
        """Return rows of outcome, rightness and doubt, all ``(n_rows,)``, in order."""
        order = np.argsort(doubt, kind="stable")
        marks = np.stack([np.ones(len(y)), right, y, y & right])[:, order].astype(np.float64)
        first = np.flatnonzero(np.diff(doubt[order], prepend=-np.inf) > 0)
        units = order if groups is None else groups[order]
        return cls(marks, first, units, int(units.max()) + 1)

    def figures(self, counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return accuracy, sensitivity and specificity at each share kept, and the mean error over all shares.

        ``counts`` says how often each unit was drawn, ``(n_resamples, n_units)``; the answer is ``(n_resamples,
        3 * n_shares + 1)``, NaN where no event, or no other row, is kept.
        """
        return np.stack([self._figures(drawn[self.units], shares) for drawn in counts])

    def _figures(self, weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
        sums = np.zeros((4, len(self.first) + 1))
        np.cumsum(np.add.reduceat(self.marks * weights, self.first, axis=1), axis=1, out=sums[:, 1:])
        kept, right, events, caught = sums
        at = shares * kept[-1]
        n_right, n_events, n_caught = (np.interp(at, kept, mark) for mark in (right, events, caught))
        return np.concatenate(
            [
                n_right / at,
                _share(n_caught, n_events),
                _share(n_right - n_caught, at - n_events),
                [_mean_error(kept / kept[-1], (kept - right) / kept[-1])],
            ]
        )


def _share(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 1e-9)


def _mean_error(kept: np.ndarray, wrong: np.ndarray) -> float:
    """Return the integral of ``wrong / kept`` over ``kept`` from 0 to 1; both rise from 0 along straight lines."""
    grows = np.append(True, np.diff(kept) > 0)
    kept, wrong = kept[grows], wrong[grows]
    slope = np.diff(wrong) / np.diff(kept)
    # on a piece from a on, wrong / kept = slope + (wrong(a) - slope a) / kept; the first piece starts at 0
    start = (wrong[:-1] - slope * kept[:-1])[1:]
    return float(slope @ np.diff(kept) + start @ np.log(kept[2:] / kept[1:-1]))
