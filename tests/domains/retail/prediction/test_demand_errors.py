import numpy as np
import pandas as pd
import pytest

from domains.retail.prediction import (
    demand_bias,
    evaluate_demand,
    mase,
    relative_error,
    seasonal_scales,
    wape,
    wape_difference,
)


def shop(n_items=40, n_weeks=6, seed=0):
    """Return demand, forecasts and items; errors of one item go together."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(2.0, 10.0, n_items)
    items = np.repeat(np.arange(n_items), n_weeks)
    demand = rng.poisson(level[items]).astype(float)
    forecast = (level * rng.lognormal(0.0, 0.4, n_items))[items]
    return demand, forecast, items


def test_errors_by_hand():
    y, predicted = [4.0, 0.0, 6.0], [5.0, 1.0, 2.0]
    assert wape(y, predicted).value == pytest.approx(0.6)
    assert demand_bias(y, predicted).value == pytest.approx(-0.2)
    assert wape_difference(y, predicted, y).value == pytest.approx(0.6)
    assert relative_error(y, predicted, [0.0, 0.0, 0.0]).value == pytest.approx(0.6)


def test_demand_of_nothing_has_no_wape():
    estimate = wape([0.0, 0.0], [1.0, 0.0])
    assert np.isnan(estimate.value)
    assert estimate.method == "undefined: demand is 0 in every row"


def test_weeks_of_one_item_are_no_independent_witnesses():
    demand, forecast, items = shop()
    alone, together = wape(demand, forecast), wape(demand, forecast, items=items)
    assert together.value == pytest.approx(alone.value)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert together.method == "bootstrap, 1000 resamples of 40 items"


def test_intervals_cover_what_all_items_would_show():
    demand, forecast, items = shop(20_000)
    everything = np.abs(forecast - demand).sum() / demand.sum()
    held = []
    for first in range(0, 6000, 30):
        few = (items >= first) & (items < first + 30)
        estimate = wape(demand[few], forecast[few], items=items[few], n_resamples=400)
        held.append(estimate.low <= everything <= estimate.high)
    assert 0.87 <= np.mean(held) <= 0.98


def test_pairing_shows_what_separate_intervals_do_not():
    demand, forecast, items = shop()
    better = demand + 0.9 * (forecast - demand)
    difference = wape_difference(demand, better, forecast, items=items)
    assert difference.value == pytest.approx(-0.1 * wape(demand, forecast).value)
    assert difference.high < 0
    assert wape(demand, better, items=items).high > wape(demand, forecast, items=items).low


def test_one_item_has_no_interval():
    estimate = wape([1.0, 2.0], [2.0, 2.0], items=["tea", "tea"])
    assert np.isnan(estimate.low)
    assert estimate.method == "no interval: one item only"


def test_scales_are_those_of_the_seasonal_naive():
    rng = np.random.default_rng(0)
    history = rng.poisson(20.0, size=(3, 30)).astype(float)
    scales = seasonal_scales(history.ravel(), items=np.repeat(["c", "a", "b"], 30), season=13, least_pairs=5)
    expected = [np.abs(row[13:] - row[:-13]).mean() for row in history]
    np.testing.assert_allclose(scales[["c", "a", "b"]], expected)


def test_a_year_and_a_week_of_history_makes_no_scale():
    history = np.random.default_rng(0).poisson(20.0, size=53).astype(float)
    assert seasonal_scales(history, items=["tea"] * 53).isna().all()
    assert seasonal_scales(history, items=["tea"] * 53, least_pairs=1)["tea"] == abs(history[52] - history[0])


def test_an_item_that_never_changed_has_no_scale():
    assert seasonal_scales(np.full(60, 3.0), items=["tea"] * 60, season=4).isna().all()


def test_a_history_shorter_than_a_season_has_no_scale():
    assert seasonal_scales([1.0, 2.0], items=["tea", "cup"], season=52).isna().all()


def test_mase_by_hand_leaves_items_without_a_scale_out_and_says_so():
    scales = pd.Series({"tea": 2.0, "cup": 4.0, "pen": np.nan})
    estimate = mase([10.0, 10.0, 5.0], [12.0, 12.0, 9.0], items=["tea", "cup", "jam"], scales=scales)
    assert estimate.value == pytest.approx((1.0 + 0.5) / 2)
    assert estimate.method.endswith("1 of 3 items left out for want of a scale")


def test_no_scale_at_all_has_no_mase():
    estimate = mase([10.0], [12.0], items=["tea"], scales=pd.Series({"cup": 1.0}))
    assert estimate.method.startswith("undefined: no item has a scale")


@pytest.mark.parametrize(
    ("y", "predicted", "message"),
    [
        ([1.0, -2.0], [1.0, 1.0], "0 or more, got -2 in row 1"),
        ([1.0, np.nan], [1.0, 1.0], "0 or more, got nan in row 1"),
        ([1.0, 2.0], [1.0], r"shape \(2,\), one row for each of y"),
        ([1.0, 2.0], [1.0, np.inf], "finite, got inf in row 1"),
        ([], [], "at least one row"),
    ],
)
def test_rows_that_are_none_are_refused(y, predicted, message):
    with pytest.raises(ValueError, match=message):
        wape(y, predicted)


def test_an_evaluation_holds_the_model_against_each_baseline():
    demand, forecast, items = shop()
    naive = np.roll(demand, 1)
    found = evaluate_demand(demand, {"network": forecast, "last week": naive}, model="network", items=items)
    frame = found.to_frame()
    lead = frame.loc["network", "wape"] - frame.loc["last week", "wape"]
    assert frame.loc["last week", "difference"] == pytest.approx(lead)
    ratio = found.errors["network"]["relative to last week"].value
    assert ratio == pytest.approx(frame.loc["network", "wape"] / frame.loc["last week", "wape"])
    assert found.notes == ("240 weeks of 40 items.",)


def test_weeks_that_were_sold_out_are_left_out_of_everything():
    demand, forecast, items = shop()
    out = np.arange(240) % 5 == 0
    quantiles = forecast[:, None] * [0.5, 1.0, 1.5]
    found = evaluate_demand(
        demand, {"m": forecast}, model="m", items=items, quantiles=quantiles, levels=[0.1, 0.5, 0.9], is_censored=out
    )
    assert found.errors["m"]["wape"].value == pytest.approx(wape(demand[~out], forecast[~out]).value)
    assert found.quantile_loss is not None
    assert {share.n for share in found.coverage} == {found.quantile_loss.n} == {192}
    assert found.notes[1] == "Sold out, therefore left out: 48 more."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "b"}, "model must be one of 'a', got 'b'"),
        ({"model": "a", "levels": [0.5]}, "given together"),
        ({"model": "a", "is_censored": [True, True]}, "at least one week that was not sold out"),
        ({"model": "a", "is_censored": [True]}, r"is_censored must have shape \(2,\)"),
    ],
)
def test_evaluations_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        evaluate_demand([1.0, 2.0], {"a": [1.0, 2.0]}, **options)
