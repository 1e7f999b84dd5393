"""One small table that every model test can afford."""

import numpy as np
import pandas as pd
import pytest


def make_table(n_rows=240, *, seed=0):
    """Numbers with gaps, a category and a boolean; the event follows ``x`` and ``job``."""
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=n_rows), rng.normal(size=n_rows)
    job = rng.choice(["clerk", "nurse", "smith"], n_rows)
    logit = 2 * x + 1.5 * (job == "smith") - 1
    y = np.where(rng.random(n_rows) < 1 / (1 + np.exp(-logit)), "yes", "no")
    x[rng.random(n_rows) < 0.05] = np.nan
    return pd.DataFrame({"x": x, "noise": noise, "job": job, "owner": rng.random(n_rows) < 0.5}), y


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def quick():
    """Parameters that make a fit take a fraction of a second."""
    return {"width": 16, "n_members": 4, "n_networks": 1, "max_epochs": 4, "random_state": 0, "progress": False}
