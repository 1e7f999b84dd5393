"""Explanations of our own networks: the promises on a fitted model, not on a toy game."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import appkit
from appkit.model import TabularClassifier, TabularRegressor


def make_table(n_rows=240, *, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {"x": rng.normal(size=n_rows), "z": rng.normal(size=n_rows), "job": rng.choice(["a", "b"], n_rows)}
    )
    y = np.where(rng.random(n_rows) < 1 / (1 + np.exp(-2 * X["x"] * (X["job"] == "a"))), "bad", "good")
    X.loc[::9, "x"] = np.nan
    return X, y


@pytest.fixture(scope="module")
def model():
    return TabularClassifier(width=16, n_members=4, n_networks=2, max_epochs=15, random_state=0).fit(*make_table())


def enumerated(model, row, background):
    """Return Shapley values of the event's probability by the definition, one coalition at a time."""
    players = list(row.columns)

    def value(present):
        mixed = background.assign(**{name: row[name].iloc[0] for name in present})
        return model.predict_proba(mixed)[:, 1].mean()

    n = len(players)
    phi = dict.fromkeys(players, 0.0)
    for player in players:
        others = [p for p in players if p != player]
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for present in itertools.combinations(others, size):
                phi[player] += weight * (value((*present, player)) - value(present))
    return np.array(list(phi.values()))


def test_exact_values_equal_the_definition(model):
    X, _ = make_table()
    background = X[20:50].reset_index(drop=True)
    why = appkit.explain(model, X[:2], "exact", background=background)
    for i in range(2):
        assert why.values[i, :, 0] == pytest.approx(enumerated(model, X.iloc[[i]], background), abs=1e-5)


@pytest.mark.parametrize("units", ["probability", "log-odds"])
@pytest.mark.parametrize("method", ["exact", "permutation"])
def test_values_sum_to_output_minus_base(model, units, method):
    X, _ = make_table()
    why = appkit.explain(model, X[:5], method, units=units, background=X[20:60], random_state=0)
    assert np.abs(why.gap).max() <= 1e-5 * np.abs(why.output).max()
    assert why.output[:, 0] == pytest.approx(model.encoded_outputs(model.encode(X[:5]), units=units)[:, 0].numpy())


def test_sampled_values_lie_within_their_errors_of_the_exact_ones(model):
    X, _ = make_table()
    exact = appkit.explain(model, X[:20], "exact", background=X[20:60])
    sampled = appkit.explain(model, X[:20], "permutation", background=X[20:60], random_state=0)
    z = (sampled.values - exact.values) / np.maximum(sampled.standard_error, 1e-9)
    assert np.mean(np.abs(z) < 2) > 0.85


def test_shap_package_agrees_within_its_sampling_error(model):
    X, _ = make_table()
    ours = appkit.explain(model, X[:4], "exact", background=X[20:60])
    theirs = appkit.explain(model, X[:4], "shapley", background=X[20:60], backend="shap", random_state=0)
    assert theirs.player_names == ours.player_names
    assert theirs.values == pytest.approx(ours.values, abs=0.01)


def test_protected_column_is_no_player():
    X, y = make_table()
    options = {"width": 8, "n_networks": 1, "max_epochs": 2, "random_state": 0}
    blind = TabularClassifier(**options, protected=["z"]).fit(X, y)
    assert appkit.explain(blind, X[:2], random_state=0).player_names == ("x", "job")


def test_regressor_is_explained_in_its_own_units():
    X, _ = make_table()
    target = 1000 + 50 * (X["job"] == "a")
    model = TabularRegressor(width=16, n_networks=1, max_epochs=30, random_state=0).fit(X, target)
    why = appkit.explain(model, X[:3], random_state=0)
    assert why.units == "value"
    assert why.output[:, 0] == pytest.approx(model.predict(X[:3]))
    assert np.abs(why.values[0, :, 0]).argmax() == 2
