"""Small tables with known drivers, and models fitted on them, for the tests of what a report holds."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

__all__ = ["drawn_rows", "linear_model", "logistic_model"]


def drawn_rows(n_rows: int, *, seed: int = 0, strength: float = 1.5) -> tuple[pd.DataFrame, pd.Series]:
    """Return five columns and an event driven by ``debt`` and, half as much, by ``income``."""
    rng = np.random.default_rng(seed)
    names = ["debt", "income", "months_known", "amount", "visits"]
    X = pd.DataFrame(rng.normal(size=(n_rows, 5)), columns=names)
    p = 1 / (1 + np.exp(-strength * (X["debt"] - 0.5 * X["income"])))
    return X, pd.Series(rng.random(n_rows) < p).map({True: "bad", False: "good"})


def logistic_model(*, strength: float = 1.5) -> LogisticRegression:
    """Return a logistic regression whose second class is ``"good"`` and whose event is ``"bad"``."""
    X, y = drawn_rows(400, seed=1, strength=strength)
    model = LogisticRegression().fit(X, y)
    model.event_ = "bad"
    return model


def linear_model() -> tuple[LinearRegression, pd.DataFrame, np.ndarray]:
    """Return a regressor, rows and values."""
    X, _ = drawn_rows(300)
    y = (2 * X["debt"] + X["income"]).to_numpy() + np.random.default_rng(2).normal(size=300)
    return LinearRegression().fit(X, y), X, y
