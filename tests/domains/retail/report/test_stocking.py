"""How much to stock: forecasts judged as they would have been made, in pieces and in money."""

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from appkit.prediction import Estimate
from appkit.reporting import Report
from appkit.reporting.facts import BarRows, Block, CurveFigure, DataTable, NotFilled, Reproduction, WarningBox
from domains.retail.demand import DemandForecaster
from domains.retail.demand_baselines import baseline_forecast
from domains.retail.prediction import stock_costs, wape
from domains.retail.report.stock_study import stock_study
from domains.retail.report.stocking import coverage_finding, lead_finding

QUICK = {"levels": (0.05, 0.5, 0.9, 0.95), "width": 8, "n_networks": 1, "max_epochs": 4, "random_state": 0}


def shop(n_items: int = 25, n_weeks: int = 40) -> pd.DataFrame:
    """Return the series of items of steady, different demand; now and then a week is sold out."""
    rng = np.random.default_rng(0)
    mean = np.exp(rng.uniform(1, 4, n_items))
    demand = rng.negative_binomial(4, 4 / (4 + mean)[:, None], (n_items, n_weeks)).astype(float)
    weeks = pd.date_range("2024-01-01", periods=n_weeks, freq="W-MON")
    is_out = rng.random(demand.size) < 0.04
    names = np.repeat([f"item {i:02d}" for i in range(n_items)], n_weeks)
    return pd.DataFrame(
        {"item": names, "week": np.tile(weeks, n_items), "demand": demand.ravel(), "is_censored": is_out}
    )


CUT = pd.Timestamp("2024-01-01") + pd.Timedelta(weeks=33)


@pytest.fixture(scope="module")
def model() -> DemandForecaster:
    series = shop()
    return DemandForecaster(horizon=2, progress=False, **QUICK).fit(series[series["week"] <= CUT])


@pytest.fixture(scope="module")
def page(model) -> Report:
    series = shop()
    return model.report(
        series[series["week"] > CUT], understock=9.0, overstock=1.0, n_explained=20, limits={"WAPE": (None, 0.9)}
    )


def blocks(page: Report) -> tuple[Block, ...]:
    (section,) = [section for section in page.sections if section.key == "stocking"]
    return section.blocks


def test_forecasts_are_those_of_their_week_and_see_no_later_one(model):
    series = shop()
    study = stock_study(model, series)
    origin = CUT + pd.Timedelta(weeks=2)
    expected = model.predict(series[series["week"] <= origin])
    at = (study.week - study.horizon.astype("timedelta64[W]")) == origin.to_datetime64()
    assert study.quantiles[at] == pytest.approx(expected[["q5", "q50", "q90", "q95"]].to_numpy())
    rule = baseline_forecast(series[series["week"] <= origin], "naive", horizon=2, levels=QUICK["levels"])
    assert study.rules["naive"][at][:, 1] == pytest.approx(rule["q50"].to_numpy())


def test_later_weeks_alone_say_the_same_as_all_weeks(model):
    series = shop()
    whole, later = stock_study(model, series), stock_study(model, series[series["week"] > CUT])
    assert later.quantiles == pytest.approx(whole.quantiles)
    assert later.demand.tolist() == whole.demand.tolist()


def test_every_origin_after_the_fit_is_judged_where_they_are_few(model):
    study = stock_study(model, shop())
    assert (study.n_origins, study.n_weeks) == (6, 6)
    assert len(study.demand) == 25 * (6 + 5)


def test_series_without_later_weeks_are_refused(model):
    series = shop()
    with pytest.raises(SchemaError, match="must hold weeks after 2024-08-19"):
        stock_study(model, series[series["week"] <= CUT])


def test_series_with_a_gap_after_the_fit_are_refused(model):
    series = shop()
    with pytest.raises(SchemaError, match="must go on where the fit ended"):
        stock_study(model, series[series["week"] > CUT + pd.Timedelta(weeks=1)])


def test_weeks_sold_out_are_told_and_left_out(model, page):
    study = stock_study(model, shop())
    (box,) = [block for block in blocks(page) if isinstance(block, WarningBox)]
    assert box.finding.startswith(f"{study.is_censored.sum()} of {len(study.demand)} forecasts")
    known = ~study.is_censored
    (figure,) = [block for block in blocks(page) if isinstance(block, BarRows)]
    own = next(bar for bar in figure.bars if bar.label == "These forecasts")
    assert own.measure.value == pytest.approx(wape(study.demand[known], study.quantiles[known, 1]).value)


def test_the_stock_is_priced_at_the_level_that_prices_ask_for(model, page):
    study = stock_study(model, shop())
    known = ~study.is_censored
    costs = stock_costs(study.demand[known], study.quantiles[known, 2], understock=9.0, overstock=1.0)
    (figure,) = [block for block in blocks(page) if isinstance(block, CurveFigure)]
    assert figure.point.x.value == pytest.approx(0.9)
    assert figure.point.y.value == pytest.approx(costs.sum(axis=1).mean())


def test_without_prices_the_cost_is_a_named_gap(model):
    page = model.report(shop(), n_explained=10)
    (gap,) = [block for block in blocks(page) if isinstance(block, NotFilled)]
    assert gap.argument == "understock=, overstock="


def test_prices_beyond_the_levels_are_a_named_gap(model):
    page = model.report(shop(), understock=99.0, overstock=1.0, n_explained=10)
    (gap,) = [block for block in blocks(page) if isinstance(block, NotFilled)]
    assert "99.0% quantile" in gap.why


def test_all_rules_but_that_of_a_year_ago_stand_beside_a_short_series(page):
    (table,) = [block for block in blocks(page) if isinstance(block, DataTable) and block.columns[0] == "Forecast by"]
    assert [row[0] for row in table.rows] == [
        "These forecasts",
        "naive",
        "moving average",
        "exponential smoothing",
        "tsb",
    ]


def test_the_printed_call_makes_the_page(page):
    (block,) = [b for section in page.sections for b in section.blocks if isinstance(b, Reproduction)]
    assert block.command.splitlines()[:2] == ["model.report(", "    later_weeks,"]
    assert "    understock=9.0," in block.command


def test_limits_are_held_against_pieces(page):
    (tile,) = [tile for tile in page.tiles if getattr(tile, "name", "") == "Error of the forecasts (WAPE)"]
    assert tile.limit.high == 0.9


def test_equal_calls_give_equal_bytes(model, page):
    again = model.report(shop(), understock=9.0, overstock=1.0, n_explained=20, limits={"WAPE": (None, 0.9)})
    assert again.to_json() == page.to_json()


@pytest.mark.parametrize(
    ("low", "high", "finding"),
    [
        (-0.2, -0.1, "Forecasts are nearer to demand than the best rule, naive, on the same weeks"),
        (0.1, 0.2, "A simple rule, naive, is nearer to demand than the forecasts"),
        (-0.1, 0.2, "Whether forecasts are nearer to demand than the best rule, naive, is not settled"),
    ],
)
def test_the_lead_claims_no_more_than_its_interval(low, high, finding):
    assert lead_finding("naive", Estimate("d", (low + high) / 2, low, high, method="", n=9)) == finding


@pytest.mark.parametrize(
    ("low", "high", "start"),
    [
        (0.8, 0.85, "Demand exceeds the 90\u202f% quantile more often than promised"),
        (0.92, 0.95, "Demand stays at or below the 90\u202f% quantile in 94\u202f%"),
        (0.88, 0.92, "Demand stays at or below the 90\u202f% quantile as promised"),
    ],
)
def test_coverage_claims_no_more_than_its_interval(low, high, start):
    assert coverage_finding(0.9, Estimate("c", (low + high) / 2, low, high, method="", n=9)).startswith(start)
