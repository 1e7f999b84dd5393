"""Mixed rows answered by looking the first layer up."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.explanation import EncodedTableGame, exact_shapley, permutation_shapley
from appkit.model import TabularClassifier, TabularRegressor, table_estimator


def make_table(n_rows=200):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n_rows), "b": rng.choice(list("xyz"), n_rows), "c": rng.normal(size=n_rows)})
    X.loc[::7, "a"] = np.nan
    return X, (X["a"].fillna(0) * (X["b"] == "x") + X["c"] > 0).to_numpy()


@pytest.fixture(scope="module")
def model():
    return TabularClassifier(width=16, n_members=4, n_networks=2, max_epochs=8, random_state=0).fit(*make_table())


@pytest.fixture
def mixture(model):
    """Encoded rows, the source of each column of fifty mixtures, and the mixtures themselves."""
    Z = model.encode(make_table()[0])
    sources = torch.randint(200, (50, 3), generator=torch.Generator().manual_seed(0))
    owner = torch.as_tensor(model.encoded_player_)
    return Z, sources, Z[sources[:, owner], torch.arange(Z.shape[1])]


@pytest.mark.parametrize("units", ["probability", "log-odds"])
def test_mixtures_get_the_answers_of_rows_put_together(model, mixture, units):
    Z, sources, mixed = mixture
    answer = model.mixed_outputs(model.mixer(Z), sources, units=units)
    torch.testing.assert_close(answer, model.encoded_outputs(mixed, units=units), rtol=1e-5, atol=1e-6)


def test_each_mixture_can_ask_a_member_of_its_own(model, mixture):
    Z, sources, mixed = mixture
    members = torch.arange(50) % 8
    answer = model.mixed_outputs(model.mixer(Z), sources, units="probability", members=members)
    expected = model.encoded_outputs(mixed, units="probability", members=members)
    torch.testing.assert_close(answer, expected, rtol=1e-5, atol=1e-6)


def test_rows_too_many_to_map_are_refused(model, mixture, monkeypatch):
    monkeypatch.setattr(table_estimator, "_MIXED_NUMBERS", 1000)
    assert model.mixer(mixture[0]) is None


def test_a_network_that_cannot_map_columns_has_no_mixer():
    X, y = make_table()
    plain = TabularClassifier(network="mlp", width=16, n_networks=1, max_epochs=2, random_state=0).fit(X, y)
    assert plain.mixer(plain.encode(X)) is None


def test_rows_taken_part_by_part_give_the_same_bytes(model, monkeypatch):
    X, _ = make_table()
    whole = permutation_shapley(_game(model, X[:40]), max_evaluations=300, random_state=0)
    monkeypatch.setattr(table_estimator, "_MIXED_NUMBERS", 2 * 3 * 16 * 75)  # fifty background rows and twenty others
    game = _game(model, X[:40])
    assert game._mixing.rows_at_once == 20
    parts = permutation_shapley(game, max_evaluations=300, random_state=0)
    assert whole.values.tobytes() == parts.values.tobytes()


@pytest.mark.parametrize("batch_size", [64, 512])
def test_the_batch_leaves_the_bytes_alone(model, batch_size):
    X, _ = make_table()
    found = permutation_shapley(_game(model, X[:5], batch_size=batch_size), max_evaluations=300, random_state=0)
    usual = permutation_shapley(_game(model, X[:5]), max_evaluations=300, random_state=0)
    assert found.values.tobytes() == usual.values.tobytes()


def test_a_column_that_does_not_differ_gets_exactly_nothing(model):
    X, _ = make_table()
    background = X[50:80].assign(c=X["c"].iloc[0])
    found = exact_shapley(EncodedTableGame(model, X[:1], background, units="probability"))
    assert found.values[0, 2, 0] == 0.0
    assert np.abs(found.values[0, :2]).min() > 0


@pytest.mark.parametrize("has_members", [False, True])
def test_a_monotone_model_mixes_its_rising_columns_too(has_members):
    X, y = make_table()
    model = TabularClassifier(monotone={"c": 1}, width=16, n_members=4, n_networks=2, max_epochs=3, random_state=0).fit(
        X, y
    )
    Z = model.encode(X)
    sources = torch.randint(200, (50, 3), generator=torch.Generator().manual_seed(0))
    mixed = Z[sources[:, torch.as_tensor(model.encoded_player_)], torch.arange(Z.shape[1])]
    options = {"units": "probability", "members": torch.arange(50) % 8 if has_members else None}
    answer = model.mixed_outputs(model.mixer(Z), sources, **options)
    torch.testing.assert_close(answer, model.encoded_outputs(mixed, **options), rtol=1e-5, atol=1e-6)


def test_a_regressor_mixes_too():
    X, y = make_table()
    model = TabularRegressor(width=16, n_networks=1, max_epochs=2, random_state=0).fit(X, y + 0.0)
    Z = model.encode(X)
    sources = torch.arange(200)[:, None].expand(-1, 3)
    expected = model.encoded_outputs(Z, units="value")
    torch.testing.assert_close(model.mixed_outputs(model.mixer(Z), sources, units="value"), expected)


def _game(model, X, **options):
    background = make_table()[0][150:]
    return EncodedTableGame(model, X, background, units="probability", **options)
