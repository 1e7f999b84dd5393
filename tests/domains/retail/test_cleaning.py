"""Each cleaning rule removes what it says, once, and the log adds up."""

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from domains.retail.cleaning import ONLINE_RETAIL_CODES, clean_transactions

NAMES = ["invoice", "what", "units", "when", "price", "who"]
COLUMNS = {"user": "who", "item": "what", "time": "when", "quantity": "units", "price": "price", "invoice": "invoice"}


def lines(*rows: tuple) -> pd.DataFrame:
    """Rows of invoice, item, units, day of March 2010, price, customer."""
    frame = pd.DataFrame(rows, columns=NAMES)
    return frame.assign(when=pd.Timestamp("2010-02-28") + pd.to_timedelta(frame["when"], unit="D"))


def cleaned(*rows: tuple, **options: object) -> dict[int, int]:
    """Return units by the row that is left."""
    return clean_transactions(lines(*rows), **COLUMNS, **options).table["units"].to_dict()


def removed(*rows: tuple, **options: object) -> dict[str, int]:
    """Return rows removed by rule."""
    log = clean_transactions(lines(*rows), **COLUMNS, **options).log
    return {rule: n for rule, n in zip(log["rule"], log["removed"], strict=True) if n}


TEA = ("1", "tea", 6, 1, 2.5, 7)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (("2", None, 1, 2, 1.0, 7), "incomplete"),
        (("2", "cup", np.nan, 2, 1.0, 7), "incomplete"),
        (("2", "cup", 1, np.nan, 1.0, 7), "incomplete"),
        (("2", "cup", 1, 2, 1.0, None), "no customer"),
        (("2", "POST", 1, 2, 18.0, 7), "no product"),
        (("2", "m", 1, 2, 18.0, 7), "no product"),
        (("2", "gift_0001_20", 1, 2, 17.0, 7), "no product"),
        (("2", "cup", 1, 2, 0.0, 7), "no price"),
        (("2", "cup", 1, 2, -3.0, 7), "no price"),
        (("2", "cup", 1, 2, np.nan, 7), "no price"),
        (TEA, "entered twice"),
        (("2", "cup", 0, 2, 1.0, 7), "no units"),
        (("C2", "cup", 1, 2, 1.0, 7), "no units"),
        (("C2", "cup", -1, 2, 1.0, 7), "return without purchase"),
        (("2", "tea", -1, 2, 2.5, 8), "return without purchase"),
    ],
)
def test_each_rule_removes_its_own_rows_and_leaves_the_purchase(row, rule):
    rows = (TEA, row)
    assert removed(*rows, not_products=ONLINE_RETAIL_CODES) == {rule: 1}
    assert cleaned(*rows, not_products=ONLINE_RETAIL_CODES) == {0: 6}


def test_products_whose_codes_only_begin_like_fees_stay():
    assert cleaned(
        ("1", "POSTCARD", 1, 1, 1.0, 7), ("1", "79323M", 1, 1, 1.0, 7), not_products=ONLINE_RETAIL_CODES
    ) == {
        0: 1,
        1: 1,
    }


def test_a_return_lowers_the_purchase_and_a_whole_one_removes_it():
    part, whole = ("C2", "tea", -2, 3, 2.5, 7), ("C2", "tea", -6, 3, 2.5, 7)
    assert cleaned(TEA, part) == {0: 4}
    assert removed(TEA, part) == {"return": 1}
    assert cleaned(TEA, whole) == {}
    assert removed(TEA, whole) == {"taken back": 1, "return": 1}


def test_a_return_goes_back_to_the_latest_purchases_first():
    rows = (TEA, ("2", "tea", 4, 2, 2.5, 7), ("C3", "tea", -5, 3, 2.5, 7))
    assert cleaned(*rows) == {0: 5}


def test_a_return_finds_no_purchase_that_came_later_or_of_another_item_or_customer():
    rows = (
        ("C0", "tea", -1, 1, 2.5, 7),
        ("1", "tea", 6, 2, 2.5, 7),
        ("2", "cup", 5, 1, 2.5, 7),
        ("3", "tea", 4, 1, 2.5, 8),
    )
    assert cleaned(*rows) == {1: 6, 2: 5, 3: 4}
    assert removed(*rows) == {"return without purchase": 1}


def test_a_return_of_the_same_moment_counts_whatever_the_order_of_rows():
    assert cleaned(("C1", "tea", -6, 1, 2.5, 7), TEA) == {}


def test_more_returned_than_bought_takes_what_there_is():
    rows = (TEA, ("C2", "tea", -10, 2, 2.5, 7), ("3", "tea", 3, 3, 2.5, 7))
    assert cleaned(*rows) == {2: 3}
    assert removed(*rows) == {"taken back": 1, "return": 1}


def test_no_return_reaches_back_over_the_cut():
    rows = (TEA, ("C2", "tea", -2, 5, 2.5, 7), ("3", "tea", 3, 6, 2.5, 7), ("C4", "tea", -1, 7, 2.5, 7))
    assert cleaned(*rows) == {0: 4, 2: 2}
    assert cleaned(*rows, cut="2010-03-04") == {0: 6, 2: 2}


def test_what_is_known_before_the_cut_is_what_cleaning_that_part_alone_gives():
    rng = np.random.default_rng(0)
    n = 400
    units = rng.integers(1, 5, n) * np.where(rng.random(n) < 0.3, -1, 1)
    rows = zip(
        range(n), rng.choice([*"abc"], n), units, rng.integers(1, 30, n), np.ones(n), rng.integers(0, 5, n), strict=True
    )
    table = lines(*rows)
    cut = pd.Timestamp("2010-03-15")
    whole = clean_transactions(table, **COLUMNS, cut=cut).table
    parts = [clean_transactions(table[mask], **COLUMNS).table for mask in (table["when"] < cut, table["when"] >= cut)]
    pd.testing.assert_frame_equal(whole, pd.concat(parts).sort_index())


def test_units_add_up_for_each_customer_and_item_bought_before_returned():
    rng = np.random.default_rng(1)
    n = 300
    rows = [(k, "abc"[k % 3], int(rng.integers(1, 9)), 1 + k % 9, 1.0, k % 7) for k in range(n)]
    rows += [(f"C{k}", "abc"[k % 3], -1, 20, 1.0, k % 7) for k in range(100)]
    table = lines(*rows)
    left = clean_transactions(table, **COLUMNS).table
    pd.testing.assert_series_equal(
        left.groupby(["who", "what"])["units"].sum(), table.groupby(["who", "what"])["units"].sum()
    )


def test_rows_without_customers_are_kept_for_demand_and_their_returns_lower_nothing():
    rows = (("1", "tea", 6, 1, 2.5, None), ("C2", "tea", -6, 2, 2.5, None))
    assert cleaned(*rows, missing_users="keep") == {0: 6}
    assert removed(*rows, missing_users="keep") == {"return without purchase": 1}


def test_the_log_adds_up_and_the_table_is_never_written_to():
    table = lines(TEA, TEA, ("C2", "tea", -2, 3, 2.5, 7), ("3", "cup", 1, 3, 0.0, 7)).set_axis([*"wxyz"])
    before = table.copy()
    result = clean_transactions(table, **COLUMNS)
    assert len(table) - result.log["removed"].sum() == len(result.table) == 1
    assert result.log.set_index("rule").loc["taken back", ["removed", "changed"]].tolist() == [0, 1]
    assert result.table.index.tolist() == ["w"]
    assert result.table.dtypes.equals(table.dtypes)
    pd.testing.assert_frame_equal(table, before)


def test_without_price_and_invoice_their_rules_are_left_out():
    table = lines(("C1", "tea", 6, 1, 0.0, 7), ("2", "tea", -1, 2, 0.0, 7))
    columns = {name: column for name, column in COLUMNS.items() if name not in ("price", "invoice")}
    result = clean_transactions(table, **columns)
    assert result.table["units"].tolist() == [5]
    assert "no price" not in set(result.log["rule"])


def test_a_line_without_an_invoice_number_is_no_cancellation():
    assert cleaned((None, "tea", 6, 1, 2.5, 7), ("C2", "cup", 1, 1, 2.5, 7)) == {0: 6}


def test_codes_in_either_case_are_one_item_where_asked():
    rows = (("1", "85123A", 6, 1, 2.5, 7), ("C2", "85123a ", -6, 2, 2.5, 7))
    assert cleaned(*rows) == {0: 6}
    assert cleaned(*rows, fold_case=True) == {}


def test_times_with_a_zone_become_the_clock_of_the_shop():
    stamps = pd.to_datetime(["2010-06-30 23:30", "2010-12-31 23:30"]).tz_localize("UTC")
    table = lines(TEA, ("2", "cup", 1, 2, 1.0, 7)).assign(when=stamps)
    in_london = clean_transactions(table, **COLUMNS, time_zone="Europe/London").table["when"]
    assert in_london.tolist() == [pd.Timestamp("2010-07-01 00:30"), pd.Timestamp("2010-12-31 23:30")]
    in_utc = clean_transactions(table, **COLUMNS).table["when"]
    assert in_utc.tolist() == [pd.Timestamp("2010-06-30 23:30"), pd.Timestamp("2010-12-31 23:30")]


def test_a_cut_with_a_zone_is_the_clock_of_the_shop_too():
    stamps = pd.to_datetime(["2010-06-30 22:00", "2010-06-30 23:30"]).tz_localize("UTC")
    table = lines(TEA, ("C2", "tea", -6, 2, 2.5, 7)).assign(when=stamps)
    options = {**COLUMNS, "time_zone": "Europe/London"}
    assert clean_transactions(table, **options, cut="2010-07-01").table["units"].tolist() == [6]
    assert clean_transactions(table, **options, cut="2010-07-02").table.empty
    aware = pd.Timestamp("2010-06-30 23:00", tz="UTC")  # midnight in London
    assert clean_transactions(table, **options, cut=aware).table["units"].tolist() == [6]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"user": "customer"}, SchemaError, "Column 'customer' is missing. Columns are invoice, what, units"),
        ({"missing_users": "guess"}, ValueError, "missing_users must be 'drop' or 'keep', got 'guess'"),
        ({"item": "units", "fold_case": True}, SchemaError, "Column 'units' must hold text for fold_case, got int64"),
        ({"quantity": "what"}, SchemaError, "Column 'what' must hold numbers, got 'tea' in row 0"),
        ({"cut": 7}, SchemaError, "cut must be a date, as the moments of the table are, got 7"),
        ({"price": "what"}, SchemaError, "Column 'what' must hold numbers, got 'tea' in row 0"),
    ],
)
def test_bad_input_is_named(options, error, message):
    with pytest.raises(error, match=message.replace(".", r"\.")):
        clean_transactions(lines(TEA), **{**COLUMNS, **options})


def test_a_time_that_is_no_date_and_a_table_that_is_none_are_named():
    with pytest.raises(SchemaError, match=r"Column 'when' must hold numbers or dates.*'soon' in row 0"):
        clean_transactions(lines(TEA).assign(when="soon"), **COLUMNS)
    with pytest.raises(TypeError, match="frame must be a DataFrame with one row per line of an invoice, got list"):
        clean_transactions([TEA], **COLUMNS)


def test_nothing_left_is_an_empty_table_with_its_columns():
    result = clean_transactions(lines(("1", "POST", 1, 1, 1.0, 7)), **COLUMNS, not_products=ONLINE_RETAIL_CODES)
    assert result.table.empty
    assert [*result.table] == NAMES
