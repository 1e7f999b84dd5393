"""Simple forecasts against hand-computed numbers."""

import numpy as np
import pandas as pd
import pytest

from domains.retail.demand_baselines import _croston, _sba, _smoothed, _tsb, baseline_forecast, baselines

SPARSE = np.array([[0.0, 4.0, 0.0, 0.0, 8.0, 0.0]])


def series(demand, *, censored=()):
    weeks = pd.date_range("2024-01-01", periods=len(demand), freq="W-MON")
    return pd.DataFrame(
        {
            "item": "tea",
            "week": weeks,
            "demand": np.asarray(demand, float),
            "is_censored": np.isin(range(len(demand)), censored),
        }
    )


def test_smoothing_moves_by_its_factor():
    np.testing.assert_allclose(_smoothed(np.array([[4.0, 8.0, np.nan, 0.0]]), 0.25), [[4, 5, 5, 3.75]])


def test_croston_divides_size_by_interval():
    # size 4, then 4 + 0.5 (8 - 4) = 6; interval 1, then 1 + 0.5 (3 - 1) = 2
    np.testing.assert_allclose(_croston(SPARSE, 0.5), [[0, 4, 4, 4, 3, 3]])


def test_sba_takes_off_half_the_factor():
    np.testing.assert_allclose(_sba(SPARSE, 0.5), 0.75 * _croston(SPARSE, 0.5))


def test_tsb_falls_while_nothing_is_sold():
    # probability 0, .5, .25, .125, .5625, .28125; size 4 until 6
    np.testing.assert_allclose(_tsb(SPARSE, 0.5), [[0, 2, 1, 0.5, 3.375, 1.6875]])


def test_weeks_sold_out_are_skipped():
    known = np.array([[2.0, 4.0, np.nan, np.nan]])
    for method in baselines().values():
        path = method(known)
        assert path[0, 3] == pytest.approx(path[0, 1])


def test_the_last_week_known_is_the_naive_forecast():
    found = baseline_forecast(series([1, 2, 3, 9], censored=[3]), "naive", horizon=2)
    assert found["mean"].tolist() == [3, 3]
    assert found["week"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-29", "2024-02-05"]


def test_the_same_week_a_year_before_is_used_where_it_is_known():
    demand = np.arange(60.0)
    assert baseline_forecast(series(demand), "seasonal_naive", horizon=2)["mean"].tolist() == [8, 9]
    short = series(demand[:52])
    of_a_year = baseline_forecast(short, "seasonal_naive", horizon=1), baseline_forecast(short, "naive", horizon=1)
    assert of_a_year[0]["mean"].item() == 0
    assert of_a_year[1]["mean"].item() == 51
    short = series(demand[:48])
    both = [baseline_forecast(short, method)["mean"].tolist() for method in ("seasonal_naive", "naive")]
    assert both[0] == both[1] == [47] * 4


def test_quantiles_add_the_errors_made_so_far_ahead():
    rng = np.random.default_rng(0)
    found = baseline_forecast(series(100 + rng.normal(0, 5, 400)), "moving_average", levels=(0.1, 0.5, 0.9))
    spread = 5 * np.sqrt(1 + 1 / 13) * 1.2816
    np.testing.assert_allclose(found["q90"] - found["mean"], spread, rtol=0.15)
    np.testing.assert_allclose(found["mean"] - found["q10"], spread, rtol=0.15)


def test_quantiles_of_items_with_little_history_are_those_of_all_in_proportion():
    long = series([8.0, 12.0] * 20)
    short = long.iloc[-10:].assign(item="cup", demand=[80.0, 120.0] * 5)
    found = baseline_forecast(pd.concat([long, short]), "moving_average", horizon=1, levels=(0.1, 0.5, 0.9))
    cup, tea = (found[found["item"] == item].iloc[0] for item in ("cup", "tea"))
    assert cup["q90"] - cup["mean"] == pytest.approx(10 * (tea["q90"] - tea["mean"]), rel=0.2)


def test_no_demand_is_less_than_none():
    found = baseline_forecast(series([0, 9] * 15), "naive")
    assert (found.iloc[:, 4:] >= 0).all(axis=None)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"method must be one of naive, .*, seasonal_naive, got 'arima'"):
        baseline_forecast(series([1, 2]), "arima")
