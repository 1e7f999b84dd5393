"""The value every explanation method returns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from appkit.explanation.layouts import Layout
from appkit.explanation.shap_package import import_shap

if TYPE_CHECKING:
    import shap

__all__ = ["Explanation"]


@dataclass(frozen=True)
class Explanation:
    """Attributions of model outputs to players, with what is known of their error.

    Holds facts only: no plot, no file format, no reference to the model.

    Parameters
    ----------
    values
        float64 ``(n_rows, n_players, n_outputs)``, in ``units``.
    standard_error
        Same shape; the error of the coalition sample and of the background sample together. 0 where exact, NaN where
        the method gives none.
    base_value, output
        float64 ``(n_rows, n_outputs)``: outputs of the empty and of the full coalition.
    residual
        float64 ``(n_rows, n_outputs)``: what sampling left open before it was spread over the players; NaN for methods
        that are not additive.
    data
        object ``(n_rows, n_players)``: what each player showed.
    player_names, output_names
        Names along the axes.
    method
        ``"shapley (exact)"``, ``"shapley (permutation)"``, ``"lime"``, ...
    units
        ``"probability"``, ``"log-odds"``, ``"value"``, ``"margin"`` (of trees, before a link that is no
        logit) or ``"activation"`` (Grad-CAM: where, not how much).
    n_evaluations
        Model evaluations spent per row, endpoints included.
    is_additive
        Whether the values promise to sum to ``output - base_value``.
    random_state
        Seed that reproduces the values; ``None`` where nothing was drawn.
    global_importance, global_standard_error
        float64 ``(n_players, n_outputs)``: mean absolute value over rows, and its error from per-permutation means
        (rows share coalitions, so their errors are correlated); NaN where the method gives none.
    local_fit
        float64 ``(n_rows, n_outputs)``: weighted R2 of a local surrogate (LIME); NaN for other methods.
    n_effective
        Kish's effective number of samples behind a weighted fit (LIME); NaN for other methods.
    layout
        Where players lie in an image, a window or a history; ``None`` for tables.
    row_evaluations
        int64 ``(n_rows,)``: evaluations spent on each row, where the method stops row by row; else ``None``.
    row_player_names
        object ``(n_rows, n_players)``: names of each row's own players, where rows have players of their own (items of
        a history, superpixels); ``None`` where all share ``player_names``. A row with fewer players than others has
        ``None`` for a name and NaN for values and standard errors.
    correlated
        What fills absent players: ``"interventional"`` (any background row, whatever is present), ``"conditional"``
        (the nearest ones) or ``"path-dependent"`` (training rows on the same path of a tree).
    note
        Why this method was picked and what it fell back from, in a sentence; empty where the caller chose.
    """

    values: np.ndarray
    standard_error: np.ndarray
    base_value: np.ndarray
    output: np.ndarray
    residual: np.ndarray
    data: np.ndarray
    player_names: tuple[str, ...]
    output_names: tuple[str, ...]
    method: str
    units: str
    n_evaluations: int
    is_additive: bool
    random_state: int | None
    global_importance: np.ndarray
    global_standard_error: np.ndarray
    local_fit: np.ndarray
    n_effective: float = float("nan")
    layout: Layout | None = None
    row_evaluations: np.ndarray | None = None
    row_player_names: np.ndarray | None = None
    correlated: str = "interventional"
    note: str = ""

    @property
    def gap(self) -> np.ndarray:
        """Part of each output that the values leave unexplained, ``(n_rows, n_outputs)``; NaN if not additive."""
        if not self.is_additive:
            return np.full_like(self.output, np.nan)
        return self.output - self.base_value - np.nansum(self.values, axis=1)

    def to_frame(self) -> pd.DataFrame:
        """Return one line per row, output and player, for a spreadsheet or a query; players a row lacks are left out.

        Columns: row, output, player, shown, value, standard_error, base_value, model_output.
        """
        row, output, player = (axis.ravel() for axis in np.indices(self.values.transpose(0, 2, 1).shape))
        own = self.row_player_names
        names = np.array(self.player_names)[player] if own is None else own[row, player]
        lines = pd.DataFrame(
            {
                "row": row,
                "output": np.array(self.output_names)[output],
                "player": names,
                "shown": self.data[row, player],
                "value": self.values[row, player, output],
                "standard_error": self.standard_error[row, player, output],
                "base_value": self.base_value[row, output],
                "model_output": self.output[row, output],
            }
        )
        return lines if own is None else lines[pd.notna(names)].reset_index(drop=True)

    def to_shap(self) -> "shap.Explanation":
        """Return a ``shap.Explanation``, a single output squeezed, so that every ``shap.plots`` function works."""
        single = len(self.output_names) == 1
        values, base = (self.values[..., 0], self.base_value[:, 0]) if single else (self.values, self.base_value)
        return import_shap().Explanation(
            values=values,
            base_values=base,
            data=_as_numbers(self.data),
            display_data=self.data,
            feature_names=list(self.player_names),
            output_names=None if single else list(self.output_names),
        )


def _as_numbers(data: np.ndarray) -> np.ndarray:
    """Return float64 ``(n_rows, n_players)`` to colour plots by: numbers as they are, words by their order."""
    columns = []
    for column in data.T:
        shown = pd.Series(column).infer_objects()
        if not pd.api.types.is_numeric_dtype(shown.dtype):
            codes, _ = pd.factorize(shown.astype("str"), sort=True)
            shown = pd.Series(codes).where(shown.notna())
        columns.append(shown.to_numpy(dtype=np.float64))
    return np.column_stack(columns)
