"""Small machines that wear, and tiny networks fitted on others of them, for the tests of reports on series."""

from functools import cache

import numpy as np
import pandas as pd

from appkit.model.sequence_classifier import SequenceClassifier
from appkit.model.sequence_regressor import SequenceRegressor

__all__ = ["SMALL", "classifier", "regressor", "worn_machines"]

SMALL = {
    "unit": "engine",
    "time": "cycle",
    "window": 8,
    "n_networks": 1,
    "max_epochs": 3,
    "width": 8,
    "random_state": 0,
}


def worn_machines(n_units: int = 20, *, seed: int = 0, first: int = 1) -> tuple[pd.DataFrame, pd.Series]:
    """Return readings of engines that run to failure, and the cycles left; heat and vibration rise, noise does not."""
    rng = np.random.default_rng(seed)
    lives = rng.integers(30, 60, size=n_units)
    cycle = np.concatenate([np.arange(1, life + 1) for life in lives])
    left = np.repeat(lives, lives) - cycle
    wear = np.exp(-left / 12.0)
    readings = {
        "engine": np.repeat(np.arange(first, first + n_units), lives),
        "cycle": cycle,
        "heat": 600 + 30 * wear + rng.normal(0, 3, len(cycle)),
        "vibration": 2 + wear + rng.normal(0, 0.2, len(cycle)),
        "noise": rng.normal(0, 1, len(cycle)),
    }
    return pd.DataFrame(readings), pd.Series(left.astype(float))


@cache
def regressor() -> SequenceRegressor:
    """Return a model of the cycles left, at most 50."""
    X, left = worn_machines(seed=1, first=101)
    return SequenceRegressor(bounds=(0, 50), **SMALL).fit(X, left)


@cache
def classifier() -> SequenceClassifier:
    """Return a model of failure within 15 cycles, whose second class is ``"soon"``."""
    X, left = worn_machines(seed=1, first=101)
    return SequenceClassifier(**SMALL).fit(X, np.where(left <= 15, "soon", "later"))
