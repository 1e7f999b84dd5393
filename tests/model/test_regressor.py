"""What a table regressor promises its user."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from appkit.model import TabularRegressor


def wave(n_rows, seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"x": rng.uniform(-3, 3, n_rows), "kind": rng.choice(["a", "b"], n_rows)})
    return X, 100 + 20 * np.sin(X["x"]) + 10 * (X["kind"] == "b") + rng.normal(0, 2, n_rows)


@pytest.fixture(scope="module")
def model():
    return TabularRegressor(width=64, n_networks=3, max_epochs=60, random_state=0).fit(*wave(900, 0))


def test_curve_and_category_are_learnt(model):
    X, y = wave(1000, 1)
    assert r2_score(y, model.predict(X)) > 0.95


def test_intervals_cover_at_least_the_promised_share(model):
    X, y = wave(2000, 2)
    low, high = model.predict_interval(X, alpha=0.2).T
    covered = np.mean((low <= y) & (y <= high))
    assert 0.77 < covered < 0.9  # residuals are of single networks, the average of them errs less


def test_output_is_the_prediction_in_its_own_units(model):
    X, _ = wave(50, 3)
    assert np.allclose(model.encoded_outputs(model.encode(X), units="value")[:, 0], model.predict(X))
    assert model.output_names_ == ("value",)


def test_targets_of_any_size_are_learnt_alike():
    X, y = wave(400, 0)
    options = {"width": 32, "n_networks": 1, "max_epochs": 10, "random_state": 0}
    plain = TabularRegressor(**options).fit(X, y).predict(X)
    large = TabularRegressor(**options).fit(X, y * 1e9).predict(X)
    assert np.allclose(large / 1e9, plain, rtol=1e-3)


def test_a_target_far_from_zero_is_learnt_alike():
    X, y = wave(400, 0)
    options = {"width": 32, "n_networks": 1, "max_epochs": 10, "random_state": 0}
    plain = TabularRegressor(**options).fit(X, y)
    far = TabularRegressor(**options).fit(X, y + 1.7e9)  # seconds since 1970: float32 would round them to 128
    assert np.allclose(far.predict(X) - 1.7e9, plain.predict(X), atol=0.1)
    assert np.allclose(far.conformal_residuals_, plain.conformal_residuals_, atol=0.1)


def test_a_target_too_large_to_square_is_refused():
    X, y = wave(60, 0)
    y[7] = -1e300
    with pytest.raises(ValueError, match=r"y must be small enough to be squared, got -1e\+300 in row 7\."):
        TabularRegressor().fit(X, y)


def test_constant_target_is_predicted():
    X, _ = wave(60, 0)
    model = TabularRegressor(width=8, n_networks=1, max_epochs=3, random_state=0).fit(X, np.full(60, 7.0))
    assert np.allclose(model.predict(X), 7.0, atol=1.0)


def test_text_target_is_refused():
    X, _ = wave(30, 0)
    with pytest.raises(ValueError, match="y must be numeric"):
        TabularRegressor().fit(X, ["high"] * 30)
