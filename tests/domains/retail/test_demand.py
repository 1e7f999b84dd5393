"""What a demand forecaster promises: quantiles that hold, weeks sold out heard rightly, reasons, and a file."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from appkit import explanation
from appkit.model.state import restore, state_of
from domains.retail.demand import DemandForecaster

LEVELS = (0.1, 0.5, 0.9)
QUICK = {"levels": LEVELS, "width": 16, "n_networks": 1, "max_epochs": 12, "random_state": 0, "progress": False}


def shop(n_items=60, n_weeks=40, seed=0):
    """Return the series of items of steady, different demand (negative binomial), and the quantiles of its law."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.uniform(1, 5, n_items))
    demand = rng.negative_binomial(4, 4 / (4 + mean)[:, None], (n_items, n_weeks)).astype(float)
    weeks = pd.date_range("2024-01-01", periods=n_weeks, freq="W-MON")
    series = pd.DataFrame(
        {"item": np.repeat(np.arange(n_items), n_weeks), "week": np.tile(weeks, n_items), "demand": demand.ravel()}
    )
    return series, nbinom.ppf(LEVELS, 4, (4 / (4 + mean))[:, None])


@pytest.fixture(scope="module")
def model():
    return DemandForecaster(horizon=2, **QUICK).fit(shop()[0])


def test_forecasts_are_for_the_weeks_to_come(model):
    found = model.predict()
    assert found.columns.tolist() == ["item", "week", "horizon", "level", "q10", "q50", "q90"]
    assert len(found) == 120
    assert found["week"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2024-10-07", "2024-10-14"]


def test_quantiles_rise_and_are_no_less_than_nothing(model):
    quantiles = model.predict()[["q10", "q50", "q90"]].to_numpy()
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles) >= 0).all()


def test_intervals_hold_the_demand_to_come(model):
    series, _ = shop(n_weeks=48)
    weeks = series["week"].unique()
    found = pd.concat([model.predict(series[series["week"] <= weeks[last]]) for last in range(39, 46)])
    found = found.merge(series, on=["item", "week"])
    held = found["demand"].between(found["q10"], found["q90"]).mean()
    assert held == pytest.approx(0.8, abs=0.06)


def sold_out(series, seed=1):
    """Return what is sold where now and then stock is short, without and with the flag that it was."""
    rng = np.random.default_rng(seed)
    usual = series.groupby("item")["demand"].transform("mean")
    stock = np.where(rng.uniform(size=len(series)) < 0.5, usual * rng.uniform(0, 1.5, len(series)), np.inf)
    sold = series.assign(demand=np.minimum(series["demand"], np.floor(stock)))
    return sold, sold.assign(is_censored=series["demand"] > stock)


def test_weeks_sold_out_do_not_pull_forecasts_down():
    series, truth = shop()
    taken_as_demand, censored = (
        DemandForecaster(horizon=1, **QUICK).fit(frame).predict()[["q10", "q50", "q90"]].to_numpy()
        for frame in sold_out(series)
    )
    error, naive = (np.abs(found - truth)[:, 1:].sum() / truth[:, 1:].sum() for found in (censored, taken_as_demand))
    assert naive > 1.5 * error
    bias = censored[:, 1].sum() / truth[:, 1].sum() - 1
    assert abs(bias) < 0.12


def test_forecasts_can_be_made_from_another_end(model):
    series, _ = shop()
    early = model.predict(series[series["week"] < "2024-09-01"])
    assert early["week"].min() == pd.Timestamp("2024-09-02")


def test_rows_may_come_in_any_order(model):
    series, _ = shop()
    shuffled = series.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(model.predict(shuffled), model.predict(series))


def test_lags_and_calendar_are_explained(model):
    table = model.table()
    rows = table.X.head(3)
    why = explanation.explain(model, rows, max_evaluations=600, random_state=0)
    assert {"lag_1", "mean_4", "level"} <= set(why.player_names)
    median = model.predict()["q50"].to_numpy()[:3]
    np.testing.assert_allclose(why.output[:, 0] * table.level[:3], median, rtol=1e-6)


def test_effects_can_be_told_in_pieces(model):
    table = model.table(shop(n_items=3)[0])
    why = model.explain(table, max_evaluations=600, random_state=0)
    forecasts = model.predict(shop(n_items=3)[0])
    np.testing.assert_allclose(why.output[:, 0], forecasts["q50"], rtol=1e-6)
    np.testing.assert_allclose(why.gap, 0, atol=1e-6 * table.level.max())


def test_a_restored_model_forecasts_the_same(model):
    again = restore(DemandForecaster, state_of(model))
    pd.testing.assert_frame_equal(again.predict(), model.predict())
    assert again.get_params() == model.get_params()


def test_equal_seeds_give_equal_forecasts(model):
    again = clone(model).fit(shop()[0])
    pd.testing.assert_frame_equal(again.predict(), model.predict())


def test_the_calendar_of_one_year_is_not_used(model):
    assert not {"week_of_year", "weeks_to_christmas"} & set(model.player_columns_)
    asked = DemandForecaster(calendar=True, **QUICK).set_params(max_epochs=1).fit(shop(n_items=10)[0])
    assert {"week_of_year", "weeks_to_christmas"} <= set(asked.player_columns_)


def test_columns_of_the_series_can_be_used_besides():
    series = shop(n_items=10)[0]
    series["shelf"] = np.where(series["item"] < 5, "low", "high")
    model = DemandForecaster(features=["shelf"], **QUICK).set_params(max_epochs=1).fit(series)
    assert "shelf" in model.player_columns_
    assert len(model.predict()) == 40


def test_forecasting_before_fitting_is_refused():
    with pytest.raises(NotFittedError):
        DemandForecaster().predict()
