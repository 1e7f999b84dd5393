"""What a certificate is made from, and the numbers of each row that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from appkit.explanation.certificate.pointing import Pointing
from appkit.explanation.certificate.randomisation import RandomisationTest
from appkit.explanation.certificate.removal import RemovalTest
from appkit.explanation.explanation import Explanation

__all__ = ["Evidence", "Range"]

Range = tuple[float | None, float | None]
"""Smallest and largest accepted value, ``None`` where open."""

_FLOOR = 0.05  # of the output: a row nearer to its base value than this has its error held against that


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything the checks look at.

    Parameters
    ----------
    explanation, second, lime
        What is certified, the same by another seed, and LIME of the same rows.
    said
        What the model says of each row, asked once more, float64 ``(n_rows,)``.
    removal, randomisation, pointing
        Tests that were run.
    output
        Position of the output.
    limits
        Accepted range by name of the check.
    """

    explanation: Explanation
    second: Explanation
    lime: Explanation | None
    said: np.ndarray
    removal: RemovalTest | None
    randomisation: RandomisationTest | None
    pointing: Pointing | None
    output: int
    limits: Mapping[str, Range]

    @cached_property
    def values(self) -> np.ndarray:
        """Values of the output, float64 ``(n_rows, n_players)``, NaN where a row has no such player."""
        return self.explanation.values[..., self.output]

    @cached_property
    def n_own(self) -> np.ndarray:
        """Players of each row, int64 ``(n_rows,)``."""
        return (~np.isnan(self.values)).sum(1)

    @cached_property
    def scale(self) -> np.ndarray:
        """Size of each row's output, ``(n_rows,)``: its own or that of the base value, whichever is larger."""
        return np.maximum(np.abs(self.said), np.abs(self.explanation.base_value[:, self.output]))

    @cached_property
    def gaps(self) -> np.ndarray:
        """What each row's values miss of what the model says, relative to the largest term, ``(n_rows,)``."""
        sizes = np.nansum(np.abs(self.values), axis=1)
        total = self.explanation.base_value[:, self.output] + np.nansum(self.values, axis=1)
        return _ratio(np.abs(self.said - total), np.maximum(self.scale, sizes))

    @cached_property
    def relative_errors(self) -> np.ndarray:
        """Norm of the standard errors over norm of the values, ``(n_rows,)``; NaN where the method gives none.

        Of a row that lies within a twentieth of its output of the base value, that twentieth stands for the values.
        """
        errors = np.where(np.isnan(self.values), 0.0, self.explanation.standard_error[..., self.output])
        norm = np.sqrt(np.nansum(self.values**2, axis=1))
        return _ratio(np.sqrt((errors**2).sum(1)), np.maximum(norm, _FLOOR * self.scale))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return above / np.where(below > 0, below, 1.0)
