"""The changes found, and how to read them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Counterfactuals"]


@dataclass(frozen=True)
class Counterfactuals:
    """The smallest plausible changes found that turn each row's decision. They describe the model, not a promise.

    Parameters
    ----------
    rows
        One line per changed cell: ``row`` (position), ``alternative`` (from 0, the smallest change first), ``column``,
        ``from``, ``to``, and ``change``: signed change in quantiles of the column, 1 between words.
    changed
        The changed rows, all columns, indexed by ``row`` and ``alternative``; a row whose decision is the wanted one
        already stands there as it is.
    before
        float64 ``(n_rows, n_outputs)``: what the model says of each row, in ``units``.
    after
        float64 ``(n_rows, n_alternatives, n_outputs)``: what it says of the changed rows; NaN where there is none.
    decision_before, decision_after
        object ``(n_rows,)`` and ``(n_rows, n_alternatives)``: labels, or the values themselves; ``None`` where there is
        none.
    found
        bool ``(n_rows,)``: whether a change was found, or none is needed.
    reasons
        For each row why none was found, or why none is needed; else empty.
    wanted
        For each row what it was to reach, in words.
    distance
        float64 ``(n_rows, n_alternatives)``: how far the changed row is from the nearest background row, root mean
        square over columns of differences in quantiles (words: 0 or 1).
    distance_limit
        float64 ``(n_rows,)``: the largest such distance that counts as plausible.
    changeable
        Columns that were free to change.
    output_names, units
        Names of the outputs; ``"probability"`` or ``"value"``.
    n_evaluations
        Changed rows that the model scored, of all rows together.
    random_state
        Seed of the sample of the background.
    """

    rows: pd.DataFrame
    changed: pd.DataFrame
    before: np.ndarray
    after: np.ndarray
    decision_before: np.ndarray
    decision_after: np.ndarray
    found: np.ndarray
    reasons: tuple[str, ...]
    wanted: tuple[str, ...]
    distance: np.ndarray
    distance_limit: np.ndarray
    changeable: tuple[str, ...]
    output_names: tuple[str, ...]
    units: str
    n_evaluations: int
    random_state: int | None

    def changes(self, row: int, *, alternative: int = 0) -> pd.DataFrame:
        """Return the lines of :attr:`rows` of one answer."""
        is_own = (self.rows["row"] == row) & (self.rows["alternative"] == alternative)
        return self.rows[is_own].reset_index(drop=True)

    def describe(self, row: int, *, alternative: int = 0) -> str:
        """Return one answer in plain words."""
        if not 0 <= row < len(self.found):
            raise IndexError(f"row must be a position below {len(self.found)}, got {row!r}.")
        today = f"Today the model says {self._says(self.decision_before[row], self.before[row])}."
        changes = self.changes(row, alternative=alternative)
        if not len(changes):
            reason = self.reasons[row] or f"There is no alternative {alternative}."
            return f"{today} {reason}"
        parts = [
            f"{column} at {_shown(after)} instead of {_shown(before)}"
            for column, before, after in zip(changes["column"], changes["from"], changes["to"], strict=True)
        ]
        after = self._says(self.decision_after[row, alternative], self.after[row, alternative])
        return f"{today} With {_listed(parts)} it would say {after}. Describes the model, not a promise."

    def _says(self, decision: Any, outputs: np.ndarray) -> str:
        if self.units == "value":
            return f"{outputs[0]:.4g}"
        if len(self.output_names) == 1:  # two classes: the output is the probability of one of them
            share = outputs[0] if str(decision) == self.output_names[0] else 1 - outputs[0]
            return f"{decision!r} ({share:.1%})"
        shown = ", ".join(f"{value:.1%} for {name!r}" for name, value in zip(self.output_names, outputs, strict=True))
        return f"{decision!r} ({shown})"


def _shown(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    return repr(value) if isinstance(value, str) else str(value)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
