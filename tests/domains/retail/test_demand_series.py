"""Weekly demand: whole weeks, zeros included, what was sold out and what came in bulk."""

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from domains.retail.demand_series import demand_series, flag_likely_stock_outs
from domains.retail.week_calendar import week_calendar


def orders(*lines):
    """Return a table of (item, day, pieces, customer, price)."""
    frame = pd.DataFrame(lines, columns=["item", "time", "pieces", "user", "price"])
    return frame.assign(time=pd.to_datetime(frame["time"]))


TRADE = orders(
    ("tea", "2024-01-01", 3, "ann", 2.0),
    ("tea", "2024-01-03", 1, "ann", 4.0),
    ("tea", "2024-01-04", 2, None, 2.0),
    ("cup", "2024-01-12", 5, "bob", 9.0),
    ("tea", "2024-01-22", 4, "bob", 3.0),
    ("tea", "2024-01-26", 1, "cid", 3.0),
)
READ = {"quantity": "pieces", "user": "user", "price": "price"}


def of(series, item, column):
    return series.loc[series["item"] == item, column].tolist()


def test_every_week_since_the_first_sale_counts():
    series = demand_series(TRADE, **READ)
    assert of(series, "tea", "demand") == [6, 0, 0, 5]
    assert of(series, "cup", "demand") == [5, 0, 0]
    assert series["week"].dt.strftime("%a").eq("Mon").all()


def test_prices_are_averages_by_piece_and_last_where_none_was_sold():
    series = demand_series(TRADE, **READ)
    assert of(series, "tea", "price") == pytest.approx([7 / 3, 7 / 3, 7 / 3, 3])


def test_unknown_customers_buy_but_are_not_counted():
    assert of(demand_series(TRADE, **READ), "tea", "n_customers") == [1, 0, 0, 2]


def test_a_week_without_any_trade_is_censored():
    assert of(demand_series(TRADE, **READ), "tea", "is_censored") == [False, False, True, False]


def daily(first, last):
    days = pd.date_range(first, last)
    return pd.DataFrame({"item": "tea", "time": days[days.day_of_week < 5]})


def test_incomplete_weeks_at_either_end_are_left_out():
    series = demand_series(daily("2024-01-03", "2024-01-25"))
    assert of(series, "tea", "demand") == [5, 5]
    assert series["week"].iloc[0] == pd.Timestamp("2024-01-08")


def test_a_week_that_ends_with_its_last_usual_day_is_complete():
    assert of(demand_series(daily("2024-01-01", "2024-01-26")), "tea", "demand") == [5, 5, 5, 5]


def test_an_item_sold_before_the_first_whole_week_starts_with_it():
    early = pd.DataFrame({"item": ["cup"], "time": [pd.Timestamp("2024-01-04")]})
    series = demand_series(pd.concat([early, daily("2024-01-03", "2024-01-26")]))
    assert of(series, "cup", "demand") == [0, 0, 0]


def test_of_two_weeks_nobody_knows_what_is_usual():
    assert of(demand_series(daily("2024-01-03", "2024-01-10")), "tea", "demand") == [3, 3]


def test_named_stock_outs_censor_the_weeks_they_touch():
    gone = pd.DataFrame({"item": ["tea", "cup", "hat"], "start": ["2024-01-14", "2024-01-23", "2024-01-01"]})
    gone["end"] = ["2024-01-14", None, None]
    series = demand_series(TRADE, **READ, stock_outs=gone)
    assert of(series, "tea", "is_censored") == [False, True, True, False]
    assert of(series, "cup", "is_censored") == [False, True, True]


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ({"item": ["tea"]}, r"stock_outs must hold the columns item, start and end; \['start', 'end'\]"),
        ({"item": ["tea"], "start": ["2024-02-02"], "end": ["2024-02-01"]}, "not end before, got 2024-02-02"),
    ],
)
def test_stock_outs_that_make_no_sense_are_refused(gone, message):
    with pytest.raises(SchemaError, match=message):
        demand_series(TRADE, **READ, stock_outs=pd.DataFrame(gone))


def test_bulk_orders_are_flagged_or_cut_where_asked():
    table = orders(*[("tea", f"2024-01-0{day}", pieces, "ann", 1.0) for day, pieces in enumerate([2, 2, 2, 50], 1)])
    assert "bulk" not in demand_series(table, **READ)
    flagged, cut = (demand_series(table, **READ, bulk_factor=5, bulk=how) for how in ("flag", "cut"))
    assert (flagged["bulk"].item(), flagged["demand"].item()) == (50, 56)
    assert (cut["bulk"].item(), cut["demand"].item()) == (50, 16)


def test_returns_are_to_be_cleaned_first():
    with pytest.raises(SchemaError, match="pieces"):
        demand_series(TRADE.assign(pieces=[3, -1, 2, 5, 4, 1]), **READ)


def test_long_runs_of_zeros_between_sales_of_a_fast_seller_look_sold_out():
    demand = {"fast": [5] * 13 + [0, 0, 5], "slow": [5, 0] * 8, "gone": [5] * 14 + [0, 0]}
    weeks = pd.date_range("2024-01-01", periods=16, freq="W-MON")
    series = pd.concat([pd.DataFrame({"item": k, "week": weeks, "demand": v}) for k, v in demand.items()])
    flagged = flag_likely_stock_outs(series.assign(is_censored=False))
    assert flagged.groupby("item")["is_censored"].sum().to_dict() == {"fast": 2, "gone": 0, "slow": 0}


def test_the_calendar_counts_down_to_christmas():
    weeks = ["2009-12-21", "2009-12-28", "2010-12-13", "2010-12-20", "2011-01-03"]
    calendar = week_calendar(weeks, holidays=["2010-12-25", "2010-12-26", "2010-12-25"])
    assert calendar["weeks_to_christmas"].tolist() == [0, 51, 1, 0, 50]
    assert calendar["week_of_year"].tolist() == [52, 53, 50, 51, 1]
    assert calendar["n_holidays"].tolist() == [0, 0, 0, 2, 0]


def test_items_may_be_numbers():
    series = demand_series(TRADE.assign(item=[1, 1, 1, 2, 1, 1]), **READ)
    assert series["item"].dtype == np.int64
