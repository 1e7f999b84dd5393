"""Transactions are read in order of customer and time, and what cannot be read is named."""

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from domains.retail.transactions import DAY_NS, duration_ns, nanoseconds, read_transactions


def table(**changes) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user": [7, 3, 7, 3],
            "item": ["tea", "cup", "cup", "tea"],
            "time": ["2024-03-02 09:00", "2024-03-01", "2024-03-01", "2024-03-01 12:00"],
            "quantity": [2, 1, 4, 3],
            "price": [1.5, 2.0, 2.0, 1.0],
            "invoice": ["A", "B", "C", "B"],
        }
    ).assign(**changes)


def test_lines_come_by_customer_then_time():
    lines = read_transactions(table())
    assert lines.users.values[lines.user].tolist() == [3, 3, 7, 7]
    assert lines.items.values[lines.item].tolist() == ["cup", "tea", "cup", "tea"]
    assert (np.diff(lines.time)[[0, 2]] > 0).all()


def test_spend_is_price_times_quantity_or_the_value_of_the_line():
    assert read_transactions(table(), quantity="quantity", price="price").spend.tolist() == [2.0, 3.0, 8.0, 3.0]
    assert read_transactions(table(), quantity="quantity", value="price").spend.tolist() == [2.0, 1.0, 2.0, 1.5]
    assert read_transactions(table()).spend is None


def test_an_order_is_an_invoice_or_else_a_day_of_a_customer():
    def n_orders(**columns):
        return len(np.unique(read_transactions(table(), **columns).order))

    assert n_orders(invoice="invoice") == 3
    assert n_orders() == 3
    assert len(np.unique(read_transactions(table(invoice="A"), invoice="invoice").order)) == 2


@pytest.mark.parametrize("raw", [[7.0, 3.0, 7.0, 3.0], pd.Categorical([7, 3, 7, 3]), pd.array([7, 3, 7, 3], "Int32")])
def test_ids_of_every_dtype_are_whole_numbers(raw):
    assert read_transactions(table(user=raw)).users.values.tolist() == [3, 7]


def test_times_with_a_zone_are_brought_to_utc():
    zoned = pd.to_datetime(table()["time"], format="ISO8601").dt.tz_localize("Asia/Tokyo")
    plain = read_transactions(table())
    assert (read_transactions(table(time=zoned)).time == plain.time - 9 * 3_600 * 10**9).all()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"user": [7, None, 7, 3]}, r"Column 'user' must have no missing cell, got 1 \(first: row 1\)"),
        ({"time": ["2024-03-02", "soon", None, "2024-03-01"]}, "Column 'time' must hold dates, got 'soon' in row 1"),
        ({"time": [1, 2, 3, 4]}, "Column 'time' must hold dates, got 1"),
        ({"quantity": [2, -1, 4, 3]}, r"Column 'quantity' must be 0 or more, got 1 others \(first: -1 in row 1\)"),
        ({"price": [1, np.nan, 4, 3]}, "Column 'price' must have no missing cell"),
        ({"price": ["a", "1", "1", "1"]}, "Column 'price' must hold finite numbers, got 'a' in row 0"),
        ({"invoice": ["A", None, "A", "A"]}, "Column 'invoice' must have no missing cell"),
    ],
)
def test_what_cannot_be_read_is_named(changes, problem):
    with pytest.raises(SchemaError, match=problem):
        read_transactions(table(**changes), quantity="quantity", price="price", invoice="invoice")


def test_all_problems_are_told_at_once():
    wrong = table(user=[7, None, 7, 3], price=[-1, 1, 1, 1])
    with pytest.raises(SchemaError) as caught:
        read_transactions(wrong, price="price")
    assert len(caught.value.problems) == 2


def test_a_column_that_is_missing_or_no_row_at_all_is_an_error():
    with pytest.raises(SchemaError, match="must hold the columns 'customer'; it has user, item"):
        read_transactions(table(), user="customer")
    with pytest.raises(SchemaError, match="at least one row, got none"):
        read_transactions(table().iloc[:0])
    with pytest.raises(TypeError, match="must be a DataFrame"):
        read_transactions([1, 2])
    with pytest.raises(ValueError, match="Give price or value, not both"):
        read_transactions(table(), price="price", value="price")


def test_negative_quantities_are_returns_where_that_is_said():
    lines = read_transactions(table(quantity=[2, -1, 4, 3]), quantity="quantity", price="price", returns=True)
    assert lines.is_return.tolist() == [True, False, False, False]
    assert lines.spend.tolist() == [2.0, 3.0, 8.0, 3.0]


def test_categories_come_from_a_column_or_a_mapping():
    by_column = read_transactions(table(kind=["drink", None, "ware", "drink"]), categories="kind")
    by_mapping = read_transactions(table(), categories={"tea": "drink"})
    assert by_column.categories == ("drink", "other", "ware")
    assert [by_mapping.categories[code] for code in by_mapping.category] == ["other", "drink", "other", "drink"]


def test_dates_without_times_tell_the_whole_of_their_last_day():
    dated = table(time=["2024-03-02", "2024-03-01", "2024-03-01", "2024-03-01"])
    assert read_transactions(dated).until == pd.Timestamp("2024-03-03")
    assert read_transactions(table()).until == pd.Timestamp("2024-03-02 09:00")


def test_moments_and_lengths_that_are_none_are_refused():
    assert nanoseconds(pd.Timestamp("1970-01-02", tz="UTC"), name="at") == DAY_NS
    for moment in ("soon", None, 5):
        with pytest.raises(ValueError, match="at must be a date or a moment"):
            nanoseconds(moment, name="at")
    for length in ("long", "-1D", 28, None):
        with pytest.raises(ValueError, match=r"horizon must be a (positive )?length of time"):
            duration_ns(length, name="horizon")
