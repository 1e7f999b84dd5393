"""What a quantile regressor promises its user: coverage, order, and a fair hearing of censored rows."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import gamma

from appkit.model.conformal import conformal_quantile
from appkit.model.quantile_regressor import TabularQuantileRegressor, _shift

LEVELS = (0.1, 0.5, 0.9)
QUICK = {"levels": LEVELS, "width": 32, "n_networks": 1, "max_epochs": 30, "random_state": 0}


def sales(n_rows, seed):
    """Return rows, demand of the gamma law with mean 10 + 10 x, and stock that now and then is less."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"x": rng.uniform(0, 2, n_rows)})
    demand = rng.gamma(4, (10 + 10 * X["x"]) / 4)
    return X, demand, rng.uniform(5, 60, n_rows)


@pytest.fixture(scope="module")
def model():
    X, demand, _ = sales(1000, 0)
    return TabularQuantileRegressor(bounds=(0, None), **QUICK).fit(X, demand)


def test_quantiles_are_those_of_the_law(model):
    X = pd.DataFrame({"x": [0.5, 1.5]})
    expected = gamma.ppf(LEVELS, 4, scale=[[15 / 4], [25 / 4]])
    np.testing.assert_allclose(model.predict_quantiles(X), expected, rtol=0.15)
    assert model.predict(X).tolist() == model.predict_quantiles(X)[:, 1].tolist()


def test_intervals_cover_what_they_promise(model):
    X, demand, _ = sales(4000, 1)
    low, high = model.predict_interval(X, alpha=0.2).T
    assert np.mean((low <= demand) & (demand <= high)) == pytest.approx(0.8, abs=0.04)


def test_shifts_of_rows_all_seen_are_conformal_quantiles():
    over = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))
    is_seen = np.ones(99, dtype=bool)
    assert _shift(over, is_seen, np.ones(len(over)), 0.9) == conformal_quantile(over, alpha=0.1) == 90.0
    assert _shift(over, is_seen, np.ones(len(over)), 0.1) == -conformal_quantile(-over, alpha=0.1) == 10.0
    assert _shift(over, is_seen, np.ones(len(over)), 0.5) == 0.0
    assert _shift(over[:3], is_seen[:3], np.ones(3), 0.9) == 0.0


def test_shifts_count_censored_rows_as_kaplan_and_meier_do():
    over, is_seen = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True])
    # of five at risk 4/5 outlast 1; of three 2/3 outlast 3, of two 1/2 outlast 4: below are 0.2, 0.467, 0.733
    assert [_shift(over, is_seen, np.ones(len(over)), level) for level in (0.3, 0.6, 0.8)] == [1.0, 4.0, 0.0]


def test_a_row_of_weight_two_shifts_as_two_rows_do():
    over, weight = np.array([3.0, 1.0, 2.0, 5.0, 4.0] * 8), np.array([2.0, 1.0, 1.0, 1.0, 1.0] * 8)
    twice = np.repeat(over, weight.astype(int))
    for level in (0.1, 0.3, 0.6, 0.9):
        expected = _shift(twice, np.ones(48, dtype=bool), np.ones(48), level)
        assert _shift(over, np.ones(40, dtype=bool), weight, level) == expected


def test_shifted_quantiles_keep_their_order_and_their_bounds(model):
    model = TabularQuantileRegressor(bounds=(0, None), **QUICK).set_params(max_epochs=1).fit(*sales(100, 0)[:2])
    model.conformal_shifts_ = np.array([5.0, 0.0, -8.0])
    moved = model._quantiles(torch.tensor([[1.0, 2.0, 9.0], [-9.0, 2.0, 20.0]], dtype=torch.float64))
    assert moved.tolist() == [[2.0, 2.0, 2.0], [0.0, 2.0, 12.0]]


def test_output_is_the_median_in_its_own_units(model):
    X, _, _ = sales(50, 3)
    np.testing.assert_allclose(model.encoded_outputs(model.encode(X), units="value")[:, 0], model.predict(X))


def test_sold_out_rows_are_heard_as_lower_bounds():
    X, demand, stock = sales(2000, 0)
    y = pd.DataFrame({"value": np.minimum(demand, stock), "is_censored": demand > stock})
    at = pd.DataFrame({"x": np.linspace(0.2, 1.8, 9)})
    expected = gamma.ppf(LEVELS, 4, scale=(10 + 10 * at[["x"]].to_numpy()) / 4)
    censored = TabularQuantileRegressor(**QUICK).fit(X, y).predict_quantiles(at)
    taken_for_demand = TabularQuantileRegressor(**QUICK).fit(X, y["value"]).predict_quantiles(at)
    error, naive = (np.abs(found / expected - 1).mean() for found in (censored, taken_for_demand))
    assert error < 0.1
    assert naive > 2 * error


def test_an_interval_needs_its_levels(model):
    with pytest.raises(ValueError, match=r"needs levels=0\.05, the model has \(0\.1, 0\.5, 0\.9\)"):
        model.predict_interval(sales(2, 0)[0], alpha=0.1)


def test_too_few_rows_promise_nothing():
    X, demand, _ = sales(20, 0)
    few = TabularQuantileRegressor(**QUICK).set_params(max_epochs=1).fit(X, demand)
    with pytest.raises(ValueError, match=r"alpha=0\.2 needs at least 9 held-out rows, the model has 0"):
        few.predict_interval(X, alpha=0.2)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ({"value": [1.0, 2.0]}, "no 'is_censored'"),
        ({"value": [1.0, 2.0], "is_censored": [0, 2]}, "is_censored must be true or false, got 2 in row 1"),
        ({"value": [1.0, None], "is_censored": [False, True]}, "NaN"),
    ],
)
def test_censored_targets_that_make_no_sense_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        TabularQuantileRegressor(**QUICK).fit(pd.DataFrame({"x": [0.0, 1.0]}), pd.DataFrame(y))


def test_bounds_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match=r"bounds must be \(least, greatest\)"):
        TabularQuantileRegressor(bounds=(1, 0)).fit(pd.DataFrame({"x": [0.0, 1.0]}), [0, 1])
