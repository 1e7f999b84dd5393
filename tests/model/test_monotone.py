"""Monotone means monotone: whatever the weights, on a grid, through encoder and calibration."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.model import TabularClassifier

from .conftest import make_table


def scramble(model, seed):
    """Give every weight a random value: the promise must not depend on training."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.module_.named_parameters():
            size = 0.1 if name.endswith(("inward", "across", "outward")) else 1.0  # keep off saturation
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * size)


def along(column, grid, X):
    """Return the rows of ``X`` repeated over a grid of one column."""
    repeated = pd.concat([X] * len(grid), ignore_index=True)
    return repeated.assign(**{column: np.repeat(grid, len(X))})


@pytest.mark.parametrize("numeric", ["robust", "quantile"])
@pytest.mark.parametrize("sign", [1, -1])
def test_random_models_are_monotone_on_a_grid(quick, numeric, sign):
    X, y = make_table()
    model = TabularClassifier(**quick, numeric=numeric, monotone={"x": sign, "noise": -sign}).fit(X, y)
    grid = np.linspace(-6, 6, 41)
    for seed in range(5):
        scramble(model, seed)
        p = model.predict_proba(along("x", grid, X[:6]))[:, 1].reshape(len(grid), 6)
        q = model.predict_proba(along("noise", grid, X[:6]))[:, 1].reshape(len(grid), 6)
        assert np.all(sign * np.diff(p, axis=0) >= -1e-12)
        assert np.all(-sign * np.diff(q, axis=0) >= -1e-12)
        assert np.ptp(p, axis=0).max() > 1e-3  # it moves at all


def test_free_columns_stay_free(quick):
    X, y = make_table(400)
    model = TabularClassifier(**quick | {"max_epochs": 25}, monotone={"noise": 1}).fit(X, y)
    p = model.predict_proba(along("x", np.array([-2.0, 2.0]), X[:1]))[:, 1]
    assert p[1] > p[0] + 0.2


def test_constraint_costs_little_when_it_is_true():
    X, y = make_table(1500)
    X_test, y_test = make_table(1500, seed=1)
    options = {"width": 32, "n_networks": 1, "max_epochs": 40, "random_state": 0}
    free = TabularClassifier(**options).fit(X, y).score(X_test, y_test)
    held = TabularClassifier(**options, monotone={"x": 1}).fit(X, y).score(X_test, y_test)
    assert held > free - 0.03


@pytest.mark.parametrize(
    ("monotone", "message"),
    [({"job": 1}, "numeric or boolean features, got 'job'"), ({"nope": 1}, "got 'nope'"), ({"x": 2}, "got 2")],
)
def test_constraints_that_mean_nothing_are_refused(quick, monotone, message):
    X, y = make_table()
    with pytest.raises(ValueError, match=message):
        TabularClassifier(**quick, monotone=monotone).fit(X, y)
