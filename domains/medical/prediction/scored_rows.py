"""Images with their outcome, the model's output and their patient, checked to fit together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from appkit.data import check_groups
from appkit.prediction.inputs import as_outcomes, as_probabilities, as_values

__all__ = ["ScoredRows", "scored_rows", "validation_rows"]


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """What is measured, row by row; arrays of shape (n_rows,).

    Parameters
    ----------
    y
        Events, bool.
    p
        Output that grows with the event, float64.
    groups
        Patient of each row, int64 from 0, or ``None`` where rows are independent.
    """

    y: np.ndarray
    p: np.ndarray
    groups: np.ndarray | None = None

    def patients(self, rows: np.ndarray) -> np.ndarray | None:
        """Return the patients of some rows, given as bool ``(n_rows,)``."""
        return None if self.groups is None else self.groups[rows]

    @property
    def n_patients(self) -> int | None:
        """Number of patients; ``None`` where they are not known."""
        return None if self.groups is None else int(self.groups.max()) + 1


def scored_rows(
    y: ArrayLike, p: ArrayLike, *, groups: ArrayLike | None = None, probabilities: bool = False, name: str = "p"
) -> ScoredRows:
    """Return checked rows that hold both classes; ``probabilities`` asks for outputs in [0, 1].

    Raises
    ------
    ValueError
        For one class only, NaN, an output or group of another length, a row without a patient.
    """
    outcomes = as_outcomes(y)
    read = as_probabilities if probabilities else as_values
    return ScoredRows(outcomes, read(p, len(outcomes), name=name), check_groups(groups, n_rows=len(outcomes)))


def validation_rows(
    y_val: ArrayLike, p_val: ArrayLike, *, groups: ArrayLike | None = None, probabilities: bool = False
) -> ScoredRows:
    """Return checked rows to choose on; an error names the validation rows.

    Examples
    --------
    >>> validation_rows([0, 0], [0.1, 0.2])
    Traceback (most recent call last):
    ValueError: y_val must hold events and non-events to choose a threshold on, got 2 non-events and no event.
    """
    outcomes = as_outcomes(y_val, both=False)
    if outcomes.all() or not outcomes.any():
        found, lacking = ("events", "non-event") if outcomes[0] else ("non-events", "event")
        raise ValueError(
            f"y_val must hold events and non-events to choose a threshold on, got {len(outcomes)} {found} "
            f"and no {lacking}."
        )
    return scored_rows(outcomes, p_val, groups=groups, probabilities=probabilities, name="p_val")
