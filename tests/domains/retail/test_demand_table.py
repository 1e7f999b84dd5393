"""What is known at the end of a week, and nothing of what came after it."""

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from domains.retail.demand_table import demand_table, forecast_table


def series(demand, *, item="tea", start="2024-01-01", **columns):
    weeks = pd.date_range(start, periods=len(demand), freq="W-MON")
    return pd.DataFrame({"item": item, "week": weeks, "demand": np.asarray(demand, float), **columns})


RISING = series(range(20), price=2.0, n_customers=2.0)


def test_numbers_are_multiples_of_the_level():
    table = forecast_table(RISING, horizon=1)
    level = (13 * 13 + 4 * 9.5) / 17  # the last 13 weeks have a mean of 13, all 20 of 9.5
    assert table.level == pytest.approx([level])
    row = table.X.iloc[0]
    assert row["lag_1"] == pytest.approx(19 / level)
    assert row["lag_4"] == pytest.approx(16 / level)
    assert row["mean_4"] == pytest.approx(17.5 / level)
    assert row["spread_13"] == pytest.approx(np.std(np.arange(7, 20)) / level)
    assert row["most_13"] == pytest.approx(19 / level)
    assert row["pieces_per_customer"] == pytest.approx(13 / 2)


def test_nothing_of_later_weeks_is_known():
    changed = RISING.assign(demand=np.where(np.arange(20) < 15, RISING["demand"], 1000.0), price=[2.0] * 15 + [9.0] * 5)
    before, after = demand_table(RISING, horizon=2), demand_table(changed, horizon=2)
    origin = before.week - before.X["horizon"].to_numpy().astype("timedelta64[W]").astype("timedelta64[s]")
    is_early = origin <= np.datetime64("2024-04-08")
    assert is_early.sum() == 2 * 12
    pd.testing.assert_frame_equal(before.X[is_early], after.X[is_early])
    assert not before.X[~is_early].equals(after.X[~is_early])


def test_targets_are_the_weeks_ahead():
    table = demand_table(RISING, horizon=3)
    origin = table.week - table.X["horizon"].to_numpy().astype("timedelta64[W]").astype("timedelta64[s]")
    rows = table.week == np.datetime64("2024-05-13")
    assert (
        np.unique(origin[rows]).tolist()
        == np.arange("2024-04-22", "2024-05-13", 7, dtype="datetime64[D]").astype("datetime64[s]").tolist()
    )
    np.testing.assert_allclose(table.y["value"][rows] * table.level[rows], 19)


def test_weeks_sold_out_are_no_zeros():
    is_out = np.arange(20) >= 18
    table = forecast_table(series([4.0] * 18 + [0.0] * 2, is_censored=is_out), horizon=1)
    assert table.level == pytest.approx([4.0])
    assert table.X["share_of_zero_weeks"].item() == 0
    assert np.isnan(table.X["lag_1"].item())
    assert table.X["lag_3"].item() == pytest.approx(1)


def test_targets_sold_out_are_marked():
    table = demand_table(series([4.0] * 10, is_censored=np.arange(10) == 9), horizon=1)
    assert table.y["is_censored"].tolist() == [False] * 5 + [True]


def test_the_same_weeks_a_year_before_are_found():
    table = forecast_table(series(np.arange(60.0)), horizon=2)
    np.testing.assert_allclose(table.X["last_year"] * table.level, [8, 9])
    assert forecast_table(RISING).X["last_year"].isna().all()


def test_the_shop_is_measured_on_weeks_it_was_open():
    both = pd.concat([series([1.0] * 19 + [9.0]), series([1.0] * 19 + [9.0], item="cup")])
    shop = forecast_table(both, horizon=1).X["shop_1"]
    assert shop.tolist() == pytest.approx([18 / (42 / 13)] * 2)
    closed = np.arange(20) == 18
    shop = forecast_table(both.assign(is_censored=np.tile(closed, 2)), horizon=1).X["shop_1"]
    assert shop.tolist() == pytest.approx([18 / (40 / 12)] * 2)


def test_items_that_ended_are_not_forecast_but_learnt_from():
    both = pd.concat([series([2.0] * 10, item="cup"), series([3.0] * 20)])
    assert set(forecast_table(both).item) == {"tea"}
    assert set(demand_table(both).item) == {"cup", "tea"}


def test_features_are_those_of_the_last_week_known():
    table = forecast_table(RISING.assign(shelf=["low"] * 19 + ["high"]), features=["shelf"], horizon=2)
    assert table.X["shelf"].tolist() == ["high", "high"]


def test_rows_are_drawn_by_seed():
    first, second, other = (demand_table(RISING, max_rows=9, random_state=seed).X for seed in (0, 0, 1))
    assert len(first) == 9
    assert first.equals(second)
    assert not first.equals(other)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (RISING.drop(index=5), "Item 'tea' must have one row for each week"),
        (pd.concat([RISING, RISING.tail(1)]), "Item 'tea' must have one row for each week"),
        (RISING.drop(columns="demand"), "must hold the columns item, week and demand"),
        (RISING.assign(demand=RISING["demand"] - 1), "got -1 in row 0. Clean returns first."),
        (RISING.head(3), "an item of at least 5 weeks"),
    ],
)
def test_series_that_make_no_sense_are_refused(table, message):
    with pytest.raises(SchemaError, match=message):
        demand_table(table)


@pytest.mark.parametrize("horizon", [0, 5])
def test_a_horizon_out_of_reach_is_refused(horizon):
    with pytest.raises(ValueError, match="horizon must be 1 to 4 weeks"):
        demand_table(RISING, horizon=horizon)
