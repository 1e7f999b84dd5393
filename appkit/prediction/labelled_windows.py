"""Which windows of a series are judged: those that end at rows whose label is known."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.data.windows import Windows

__all__ = ["labelled_windows", "takes_series"]


def takes_series(model: Any) -> bool:
    """Return whether a fitted estimator judges windows of readings, one per row of a long table."""
    return hasattr(model, "windows") and hasattr(model, "unit_index")


def labelled_windows(model: Any, X: Any, y: ArrayLike) -> tuple[np.ndarray, Windows]:
    """Return the rows of ``X`` that have a label, int64 ``(n_windows,)``, and the windows that end there.

    Parameters
    ----------
    model
        Fitted series estimator.
    X
        Readings: a long frame, or a list of arrays, one per unit.
    y
        Label or value per row of the frame or per array, missing where it is not known: such rows are history alone.

    Raises
    ------
    ValueError
        If ``y`` does not fit ``X``, or no row has a label.
    """
    labels = y if isinstance(y, pd.Series) else pd.Series(_one_column(y))
    if len(labels) != len(X):
        raise ValueError(f"y must have one entry per row of X, got {len(labels)} for {len(X)} rows.")
    rows = np.flatnonzero(labels.notna().to_numpy())
    if not len(rows):
        raise ValueError(f"y must be known in at least one row, got {len(labels)} missing ones.")
    if isinstance(X, pd.DataFrame):
        return rows, model.windows(X, rows=rows)
    return rows, model.windows(X, rows="last")[rows]


def _one_column(y: ArrayLike) -> np.ndarray:
    array = y.to_numpy() if isinstance(y, pd.DataFrame) else np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"y must have one value per row of X, got shape {array.shape}. Of events and durations give the time left "
            "where the event came, NaN where it did not."
        )
    return array
