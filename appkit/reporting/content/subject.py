"""What a report asks of a model, ours or foreign: one number a row, and the game that explains it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from appkit.explanation import game_for, game_from_callable
from appkit.explanation.games.batched import BatchedGame
from appkit.explanation.games.model import require_fitted
from appkit.prediction import event_of

__all__ = ["Subject", "as_table", "subject_of"]


@dataclass(frozen=True)
class Subject:
    """The one output of a model that a report is about.

    Parameters
    ----------
    model
        Fitted classifier or regressor.
    task
        ``"binary"``, ``"multiclass"`` or ``"regression"``.
    output
        Label of the event or class whose probability is meant; ``None`` for a value.
    position
        Its column of ``predict_proba``; 0 for a value.
    as_given
        From a frame to what the model takes: the frame itself, or an array where the caller gave one.
    """

    model: Any
    task: str
    output: Any
    position: int
    as_given: Callable[[pd.DataFrame], Any]

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        """Return the output of each row, float64 ``(n_rows,)``."""
        if self.task == "regression":
            return np.asarray(self.model.predict(self.as_given(X)), dtype=np.float64)
        return np.asarray(self.model.predict_proba(self.as_given(X)), dtype=np.float64)[:, self.position]

    @property
    def is_probability(self) -> bool:
        """Whether outputs are probabilities, printed as percentages, their differences as points."""
        return self.task != "regression"

    @property
    def is_ours(self) -> bool:
        """Whether the model can be explained in its encoded space."""
        return all(hasattr(self.model, name) for name in ("encode", "encoded_outputs", "background_"))

    def game(self, X: pd.DataFrame, background: pd.DataFrame) -> BatchedGame:
        """Return the game of this output over the raw columns."""
        if self.is_ours:
            outputs = self.position if self.task == "multiclass" else None
            return game_for(self.model, X, background=background, outputs=outputs)
        units = "probability" if self.is_probability else "value"
        return game_from_callable(self, X, background[X.columns], output_names=[str(self.output)], units=units)


def subject_of(model: Any, X: Any, *, output: Any = None) -> Subject:
    """Return what a report on ``model`` is about.

    Parameters
    ----------
    model
        Fitted; a classifier needs ``predict_proba``.
    X
        The rows as the caller gave them: a frame, or an array.
    output
        Class to report on where there are more than two; the last one by default.
    """
    require_fitted(model)
    as_given = _unchanged if isinstance(X, pd.DataFrame) else pd.DataFrame.to_numpy
    if not (is_classifier(model) or hasattr(model, "predict_proba")):
        return Subject(model, "regression", None, 0, as_given)
    classes = np.asarray(model.classes_).tolist()
    if len(classes) == 2:
        event = event_of(model)
        return Subject(model, "binary", event, classes.index(event), as_given)
    if output is not None and output not in classes:
        raise ValueError(f"output must be one of the classes {classes}, got {output!r}.")
    label = classes[-1] if output is None else output
    return Subject(model, "multiclass", label, classes.index(label), as_given)


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
