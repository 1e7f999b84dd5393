"""Behaviour is what a customer did before a moment: numbers known by hand, and nothing of what came after."""

import numpy as np
import pandas as pd
import pytest

from domains.retail.behaviour import behaviour_features

COLUMNS = {"quantity": "quantity", "price": "price", "invoice": "invoice"}


def orders(n: int = 600, *, seed: int = 0) -> pd.DataFrame:
    """Return lines of random orders in 2023 and 2024."""
    rng = np.random.default_rng(seed)
    hours = rng.integers(0, 700 * 24, n)
    return pd.DataFrame(
        {
            "user": rng.integers(0, 40, n),
            "item": rng.integers(0, 25, n),
            "time": pd.Timestamp("2023-01-01") + pd.to_timedelta(hours, "h"),
            "quantity": rng.integers(1, 9, n),
            "price": rng.integers(1, 90, n) / 4,
            "invoice": hours,
            "kind": rng.choice(["a", "b", "c"], n),
        }
    )


@pytest.fixture(scope="module")
def by_hand() -> pd.Series:
    """Return the behaviour of one customer whose orders can be counted on fingers."""
    rows = [
        ("2024-01-01", "tea", 2, 5.0, 1, "drink"),
        ("2024-01-01", "cup", 1, 10.0, 1, "ware"),
        ("2024-01-11", "tea", 1, 5.0, 2, "drink"),
        ("2024-01-31", "tea", 4, 5.0, 3, "drink"),
        ("2024-05-10", "pot", 1, 30.0, 4, "ware"),
        ("2024-05-10", "tea", -1, 5.0, 5, "drink"),
        ("2024-06-09", "tea", 9, 5.0, 6, "drink"),
    ]
    table = pd.DataFrame(rows, columns=["time", "item", "quantity", "price", "invoice", "kind"]).assign(user="ann")
    known = behaviour_features(table, at="2024-05-30", categories="kind", returns=True, season=True, **COLUMNS)
    return known.loc["ann"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("days_since_last", 20.0),
        ("days_since_first", 150.0),
        ("n_orders", 4.0),
        ("n_orders_90d", 1.0),
        ("active_weeks", 4.0),
        ("spend", 75.0),
        ("spend_per_order", 18.75),
        ("spend_90d", 30.0),
        ("days_between_orders", 130 / 3),
        ("days_between_orders_sd", np.std([10, 20, 100], ddof=1)),
        ("overdue_ratio", 20 / (130 / 3)),
        ("order_trend", (1 / 90) / (1 / 90 + 3 / 60)),
        ("n_items", 3.0),
        ("items_per_order", 5 / 4),
        ("repeat_share", 2 / 5),
        ("top_category_share", 3 / 5),
        ("return_share", 1 / 5),
        ("month", 5.0),
        ("week", 22.0),
    ],
)
def test_numbers_are_those_counted_by_hand(by_hand, name, value):
    assert by_hand[name] == pytest.approx(value)


def test_orders_of_the_same_weeks_last_year_are_counted_where_they_are_known(by_hand):
    assert np.isnan(by_hand["n_orders_last_year"])
    table = pd.DataFrame({"user": 1, "item": "tea", "time": ["2023-01-01", "2023-06-05", "2023-07-03", "2024-01-01"]})
    known = behaviour_features(table, at="2024-06-03", season=True)
    assert known.loc[1, "n_orders_last_year"] == 1  # the window is 5 June to 2 July 2023


def test_what_comes_after_the_moment_changes_nothing():
    table, at = orders(), pd.Timestamp("2024-03-01")
    late = (table["time"] >= at).to_numpy()
    rng = np.random.default_rng(1)
    poisoned = table.copy()
    for name in ("user", "item", "quantity", "price", "invoice", "kind"):
        poisoned.loc[late, name] = rng.permutation(table.loc[late, name])
    poisoned.loc[late, "quantity"] *= -100
    poisoned.loc[late, "user"] += 1_000
    poisoned = poisoned.sample(frac=1, random_state=0)
    settings = {"at": at, "categories": "kind", "season": True, **COLUMNS}
    expected = behaviour_features(table, **settings)
    pd.testing.assert_frame_equal(behaviour_features(poisoned, **settings), expected)
    pd.testing.assert_frame_equal(behaviour_features(table[~late], **settings), expected)


def test_a_row_at_the_moment_itself_is_not_before_it():
    table = pd.DataFrame({"user": [1, 1], "item": ["tea", "tea"], "time": ["2024-01-01", "2024-01-11"]})
    assert behaviour_features(table, at="2024-01-11").loc[1, "n_orders"] == 1
    assert behaviour_features(table, at="2024-01-11 00:00:01").loc[1, "n_orders"] == 2
    assert behaviour_features(table).loc[1, "days_since_last"] == 1  # the midnight after the last row


def test_the_same_behaviour_is_the_same_whenever_it_happened():
    table = orders()
    later = table.assign(time=table["time"] + pd.Timedelta("400D"))
    early, late = behaviour_features(table, at="2024-06-01"), behaviour_features(later, at="2025-07-06")
    pd.testing.assert_frame_equal(early, late)


def test_every_number_equals_that_of_a_loop_over_customers():
    table, at = orders(), pd.Timestamp("2024-06-01")
    known = behaviour_features(table, at=at, **COLUMNS)
    for user, own in table[table["time"] < at].groupby("user"):
        days = np.sort(((at - own["time"]).dt.total_seconds() / 86_400).to_numpy())
        visits = np.unique(np.ceil(days))
        baskets = own.drop_duplicates(["invoice", "item"])
        row = known.loc[user]
        assert row["days_since_last"] == pytest.approx(days[0])
        assert row["n_orders"] == own["invoice"].nunique()
        assert row["spend"] == pytest.approx((own["quantity"] * own["price"]).sum())
        assert row["days_between_orders"] == pytest.approx(np.diff(visits).mean())
        assert row["days_between_orders_sd"] == pytest.approx(np.diff(visits).std(ddof=1))
        assert row["repeat_share"] == pytest.approx(1 - own["item"].nunique() / len(baskets))
    assert len(known) == table.loc[table["time"] < at, "user"].nunique()


def test_a_customer_of_one_order_has_no_rhythm():
    table = pd.DataFrame({"user": ["bob"], "item": ["tea"], "time": ["2024-01-01"]})
    row = behaviour_features(table, at="2024-02-01").loc["bob"]
    assert row[["days_between_orders", "days_between_orders_sd", "overdue_ratio", "order_trend"]].isna().all()
    assert row[["days_since_last", "n_orders", "repeat_share"]].tolist() == [31.0, 1.0, 0.0]


def test_a_lookback_leaves_older_rows_out_and_with_them_sleeping_customers():
    table = orders()
    recent = table[table["time"] >= "2024-02-02"]
    settings = {"at": "2024-06-01", **COLUMNS}
    short = behaviour_features(table, lookback="120D", **settings)
    pd.testing.assert_frame_equal(short, behaviour_features(recent, **settings))
    assert "order_trend" not in behaviour_features(table, lookback="90D", **settings)


def test_a_customer_who_only_brought_back_is_not_known():
    table = pd.DataFrame({"user": [1, 2, 3], "item": ["tea"] * 3, "time": ["2024-01-01"] * 3, "quantity": [1, -1, 2]})
    known = behaviour_features(table, at="2024-02-01", quantity="quantity", returns=True)
    assert known.index.tolist() == [1, 3]
    assert known["return_share"].tolist() == [0.0, 0.0]


def test_nobody_before_the_moment_is_an_error():
    with pytest.raises(ValueError, match="must have bought before at='2020-01-01'"):
        behaviour_features(orders(), at="2020-01-01")


def test_the_index_holds_the_raw_ids_in_order():
    table = orders().assign(user=lambda rows: "customer " + rows["user"].astype(str))
    known = behaviour_features(table.rename(columns={"user": "customer"}), user="customer")
    assert known.index.name == "customer"
    assert known.index.is_monotonic_increasing
    assert known.index[0] == "customer 0"
