"""A model of tables, ours or foreign, as a report sees it: a row is judged, raw columns are its players."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.explanation import game_for, game_from_callable
from appkit.explanation.games.batched import BatchedGame
from appkit.reporting.content.reported_output import reported_output

__all__ = ["TableSubject", "as_table", "table_subject"]


@dataclass(frozen=True, eq=False)
class TableSubject:
    """The one output of a model of tables that a report is about; see ``Subject`` for what it offers.

    Parameters
    ----------
    model
        Fitted classifier or regressor.
    task, output, position
        As in ``ReportedOutput``; ``output`` is its label.
    table
        Rows reported on.
    as_given
        From a frame to what the model takes: the frame itself, or an array where the caller gave one.
    """

    model: Any
    task: str
    output: Any
    position: int
    table: pd.DataFrame
    as_given: Callable[[pd.DataFrame], Any]

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        """Return the output of each row, float64 ``(n_rows,)``."""
        if self.task == "regression":
            return np.asarray(self.model.predict(self.as_given(X)), dtype=np.float64)
        return np.asarray(self.model.predict_proba(self.as_given(X)), dtype=np.float64)[:, self.position]

    @property
    def data(self) -> pd.DataFrame:
        """What the caller gave and the report hashes: the rows themselves."""
        return self.table

    @property
    def words(self) -> Mapping[str, str]:
        """Words of tables are the plain ones."""
        return {}

    @property
    def is_probability(self) -> bool:
        """Whether outputs are probabilities, printed as percentages, their differences as points."""
        return self.task != "regression"

    @property
    def is_ours(self) -> bool:
        """Whether the model can be explained in its encoded space."""
        return all(hasattr(self.model, name) for name in ("encode", "encoded_outputs", "background_"))

    @property
    def n_players(self) -> int:
        """Players of :meth:`game`: columns."""
        return len(self.model.player_columns_) if self.is_ours else self.table.shape[1]

    def labels(self) -> np.ndarray:
        """Return the label predicted for each row of ``table``."""
        return np.asarray(self.model.predict(self.as_given(self.table)))

    def of_rows(self, values: ArrayLike | None) -> Any:
        """Return what the caller gave per row of ``X`` per row of ``table``: the same."""
        return values

    def named(self, case: Any) -> tuple[pd.DataFrame, str]:
        """Return the row that ``case`` means, as a frame of one row, and how it was chosen.

        Parameters
        ----------
        case
            A label of the index of ``table``, or a row: a frame of one row or a series.
        """
        if isinstance(case, pd.DataFrame | pd.Series):
            if isinstance(case, pd.Series):
                case = case.to_frame().T.astype(self.table.dtypes[self.table.columns.intersection(case.index)])
            if len(case) != 1:
                raise ValueError(f"case must be one row, got {len(case)}.")
            return case, "given by the caller"
        places = np.flatnonzero(np.asarray(self.table.index == case))
        if not len(places):
            raise ValueError(f"case must be a label of the index of X or a row, got {case!r}.")
        return self.table.iloc[[int(places[0])]], "named by the caller"

    def shown(self, X: pd.DataFrame) -> np.ndarray | None:
        """Return ``None``: players show what the game says they show."""
        return None

    def game(self, X: pd.DataFrame, background: pd.DataFrame) -> BatchedGame:
        """Return the game of this output over the raw columns."""
        if self.is_ours:
            outputs = self.position if self.task == "multiclass" else None
            return game_for(self.model, X, background=background, outputs=outputs)
        units = "probability" if self.is_probability else "value"
        return game_from_callable(self, X, background[X.columns], output_names=[str(self.output)], units=units)


def table_subject(model: Any, X: Any, *, output: Any = None) -> TableSubject:
    """Return what a report on ``model`` and the rows ``X``, a frame or an array, is about."""
    asked = reported_output(model, output=output)
    as_given = _unchanged if isinstance(X, pd.DataFrame) else pd.DataFrame.to_numpy
    return TableSubject(model, asked.task, asked.label, asked.position, as_table(X, model=model), as_given)


def as_table(X: Any, *, model: Any) -> pd.DataFrame:
    """Return rows as a frame; columns of an array take the names the model was fitted with, else x0, x1, ..."""
    if isinstance(X, pd.DataFrame):
        return X
    array = np.asarray(X)
    if array.ndim != 2 or not len(array):
        raise ValueError(f"X must be a table with at least one row, got shape {array.shape}.")
    names = getattr(model, "feature_names_in_", None)
    if names is not None and len(names) != array.shape[1]:
        raise ValueError(f"X must have the {len(names)} columns the model was fitted on, got {array.shape[1]}.")
    return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])] if names is None else list(names))


def _unchanged(frame: pd.DataFrame) -> Any:
    return frame
