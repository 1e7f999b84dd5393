"""Series on the command line: which columns are sensors, and which unit and moment an answer is about."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from appkit.data.windows import Windows

__all__ = ["check_sensors", "is_of_series", "moments_of", "newest_rows", "reads_series", "rows_of"]

_SERIES_PARAMETERS = ("unit", "time", "sensors")


def reads_series(estimator: Any) -> bool:
    """Return whether an estimator, fitted or not, takes readings of units: its parameters name them."""
    return all(hasattr(estimator, name) for name in _SERIES_PARAMETERS) and estimator.unit is not None


def is_of_series(model: Any) -> bool:
    """Return whether a fitted model judges windows of series."""
    from appkit.explanation.games.model import is_of_series as is_explained_by_windows

    return is_explained_by_windows(model)


def check_sensors(estimator: Any, X: "pd.DataFrame", *, path: Path) -> None:
    """Raise ``ValueError`` naming the columns that would be read as sensors and hold no numbers."""
    from appkit.data.cells import infer_kind

    if not reads_series(estimator) or estimator.sensors is not None:
        return
    sensors = [name for name in X.columns if name not in (estimator.unit, estimator.time)]
    others = [name for name in sensors if X[name].notna().any() and infer_kind(X[name]) not in ("numeric", "boolean")]
    if others:
        raise ValueError(
            f"Sensors must hold numbers; {', '.join(map(repr, others))} of {path} {_hold(others)} none. Leave out what "
            f"is no sensor: {_ignored(others)}."
        )


def newest_rows(model: Any, X: "pd.DataFrame") -> "np.ndarray":
    """Return the row of ``X`` with the newest reading of each unit, int64 ``(n_units,)``."""
    return rows_of(model.windows(X, rows="last"))


def rows_of(windows: "Windows") -> "np.ndarray":
    """Return the row of the table at which each window ends, int64 ``(n_windows,)``."""
    return windows.series.order[windows.ends]


def moments_of(model: Any, table: "pd.DataFrame", *, more: Sequence[str] = ()) -> "pd.DataFrame":
    """Return the columns that say which unit and moment each row is about, as the table has them, and more of them."""
    return table[list(dict.fromkeys([model.unit, model.time, *more]))]


def _hold(names: Sequence[str]) -> str:
    return "holds" if len(names) == 1 else "hold"


def _ignored(names: Sequence[str]) -> str:
    return " ".join(f'--ignore "{name}"' if " " in name else f"--ignore {name}" for name in names)
