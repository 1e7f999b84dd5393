"""Snapshots know the past alone, labels the horizon alone, and the test comes after training."""

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from domains.retail.behaviour import behaviour_features
from domains.retail.purchase_table import purchase_table

CUTS = ["2024-06-01", "2024-07-01"]


def orders(n: int = 900, *, seed: int = 0) -> pd.DataFrame:
    """Return lines of orders in the first 300 days of 2024."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "user": rng.integers(0, 90, n),
            "item": rng.integers(0, 12, n),
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300 * 24, n), "h"),
            "money": rng.integers(1, 50, n).astype(float),
        }
    )


def of_ann(*days: str) -> pd.DataFrame:
    return pd.DataFrame({"user": "ann", "item": "tea", "time": ["2024-01-01", *days]})


def labels_of(table) -> dict:
    return dict(zip(table.groups, table.y, strict=True))


@pytest.mark.parametrize(
    ("day", "label"),
    [("2024-01-09", "stays away"), ("2024-01-10", "buys"), ("2024-01-16", "buys"), ("2024-01-17", "stays away")],
)
def test_the_horizon_begins_at_the_cut_off_and_ends_before_its_end(day, label):
    table = purchase_table(of_ann(day, "2024-02-01"), at=["2024-01-10"], horizon="7D")
    assert table.y.tolist() == [label]


def test_labels_equal_those_of_a_loop_over_customers():
    transactions = orders()
    table = purchase_table(transactions, at=CUTS, horizon="14D")
    for name, customer, at, label in zip(table.X.index, table.groups, table.time, table.y, strict=True):
        later = transactions["time"].between(at, at + pd.Timedelta("14D"), inclusive="left")
        assert label == ("buys" if (transactions["user"][later] == customer).any() else "stays away")
        assert name == f"{customer}, {at:%Y-%m-%d}"


def test_rows_are_the_behaviour_at_their_cut_off():
    transactions = orders()
    table = purchase_table(transactions, at=CUTS, value="money")
    for at in CUTS:
        rows = (table.time == at).to_numpy()
        expected = behaviour_features(transactions, at=at, value="money")
        assert table.groups[rows].tolist() == expected.index.tolist()
        assert np.array_equal(table.X[rows].to_numpy(), expected.to_numpy(), equal_nan=True)


def test_what_comes_after_the_horizon_changes_neither_rows_nor_labels():
    transactions = orders()
    late = (transactions["time"] >= "2024-07-15").to_numpy()
    poisoned = transactions.copy()
    poisoned.loc[late, "user"] = 10_000
    poisoned.loc[late, "money"] = 1e9
    first, second = (purchase_table(each, at=CUTS, horizon="14D", value="money") for each in (transactions, poisoned))
    pd.testing.assert_frame_equal(first.X, second.X)
    pd.testing.assert_series_equal(first.y, second.y)


def test_cut_offs_by_default_fill_the_data_and_never_reach_past_their_end():
    transactions = orders()
    table = purchase_table(transactions, horizon="28D")
    moments = np.sort(table.time.unique())
    assert (np.diff(moments) == np.timedelta64(28, "D")).all()
    assert moments[-1] + np.timedelta64(28, "D") <= transactions["time"].max()
    assert moments[-1] + np.timedelta64(29, "D") > transactions["time"].max()
    assert 120 <= (moments[0] - np.datetime64("2024-01-01")) / np.timedelta64(1, "D") < 148


def test_a_horizon_past_the_end_of_the_data_is_refused_unless_they_are_complete():
    transactions = of_ann("2024-01-20 12:00")
    with pytest.raises(ValueError, match=r"must end by 2024-01-20 12:00:00, until when.* got 2024-01-15 plus 7 days"):
        purchase_table(transactions, at=["2024-01-15"], horizon="7D")
    table = purchase_table(transactions, at=["2024-01-15"], horizon="7D", until="2024-01-22")
    assert table.y.tolist() == ["buys"]


def test_dates_without_times_are_known_until_the_end_of_their_day():
    transactions = of_ann("2024-01-20")
    assert len(purchase_table(transactions, at=["2024-01-14"], horizon="7D").y) == 1
    with pytest.raises(ValueError, match="must end by 2024-01-21"):
        purchase_table(transactions, at=["2024-01-15"], horizon="7D")


def test_too_short_a_table_says_what_it_lacks():
    with pytest.raises(ValueError, match=r"need 120 days of history and 28 days of horizon, .* span 20.5 days"):
        purchase_table(of_ann("2024-01-21 12:00"))
    with pytest.raises(ValueError, match="at must hold at least one cut-off"):
        purchase_table(orders(), at=[])
    with pytest.raises(ValueError, match="must have bought before 2023-01-01"):
        purchase_table(orders(), at="2023-01-01")


def test_the_test_is_the_last_cut_off_and_training_ends_before_it():
    table = purchase_table(orders(), horizon="28D")
    X_train, X_test, y_train, y_test = table.split()
    assert (table.time[X_test.index] == table.time.max()).all()
    assert (table.time[X_train.index] + table.horizon <= table.time.max()).all()
    assert len(X_train) + len(X_test) == len(table.X)
    assert len(y_train) == len(X_train)
    assert len(y_test) == len(X_test)


def test_cut_offs_whose_horizon_reaches_into_the_test_are_left_out_of_training():
    table = purchase_table(orders(), at=["2024-05-01", "2024-05-29", "2024-06-01", "2024-06-26"], horizon="28D")
    X_train, X_test, _, _ = table.split()
    assert set(table.time[X_test.index]) == {pd.Timestamp("2024-06-26")}
    assert set(table.time[X_train.index]) == {pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-29")}


def test_a_split_without_a_horizon_before_the_test_is_an_error():
    table = purchase_table(orders(), at=["2024-06-25", "2024-06-26"], horizon="28D")
    with pytest.raises(
        ValueError, match=r"No cut-off is a horizon .28 days.* before the test, which begins 2024-06-26"
    ):
        table.split()


def test_share_asked_of_the_test_is_met_in_whole_cut_offs():
    table = purchase_table(orders(), horizon="28D")
    _, X_test, _, _ = table.split(test_size=0.5)
    moments = table.time[X_test.index].unique()
    assert len(moments) > 1
    assert moments.max() == table.time.max()
    assert table.time.isin(moments).sum() == len(X_test)


def test_money_spent_is_that_of_the_horizon():
    transactions = orders()
    table = purchase_table(transactions, at=["2024-06-01"], horizon="14D", target="spend", value="money")
    later = transactions["time"].between("2024-06-01", "2024-06-15", inclusive="left")
    spent = transactions[later].groupby("user")["money"].sum()
    assert table.y.tolist() == spent.reindex(table.groups, fill_value=0.0).tolist()
    assert table.event is None


def test_of_items_named_only_these_count():
    transactions = orders()
    table = purchase_table(transactions, at=["2024-06-01"], horizon="14D", target=[3, 4])
    later = transactions["time"].between("2024-06-01", "2024-06-15", inclusive="left")
    buyers = set(transactions.loc[later & transactions["item"].isin([3, 4]), "user"])
    assert {customer for customer, label in labels_of(table).items() if label == "buys"} == buyers & set(table.groups)
    assert "any of 2 items" in table.target
    with pytest.raises(SchemaError, match=r"target must list items of the transactions, got \[99\]"):
        purchase_table(transactions, at=CUTS, target=[3, 99])


def test_the_category_is_that_of_most_lines_the_first_by_name_of_equals():
    rows = [
        *[(user, "pot", "2024-01-01") for user in ("ann", "bob", "cy", "dee")],
        *[("ann", item, "2024-01-11") for item in ("tea", "tea", "cup")],
        *[("bob", item, "2024-01-11") for item in ("tea", "cup")],
        ("cy", "cup", "2024-01-11"),
        ("cy", "tea", "2024-02-01"),
    ]
    transactions = pd.DataFrame(rows, columns=["user", "item", "time"])
    kinds = {"tea": "drink", "cup": "crockery", "pot": "crockery"}
    table = purchase_table(transactions, at=["2024-01-10"], horizon="7D", target="category", categories=kinds)
    assert labels_of(table) == {"ann": "drink", "bob": "crockery", "cy": "crockery", "dee": "nothing"}


def test_bringing_back_is_no_purchase():
    transactions = of_ann("2024-01-11", "2024-02-01").assign(quantity=[1, -1, 1])
    table = purchase_table(transactions, at=["2024-01-10"], horizon="7D", quantity="quantity", returns=True)
    assert table.y.tolist() == ["stays away"]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"target": "money"}, "target must be 'any', 'spend', 'category' or a list of items, got 'money'"),
        ({"target": "spend"}, "target='spend' needs price= or value="),
        ({"target": "category"}, "target='category' needs categories="),
        ({"horizon": 28}, "horizon must be a positive length of time, such as '28D', got 28"),
        ({"at": ["soon"]}, "at must be a date or a moment, such as '2024-03-01', got 'soon'"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(settings, problem):
    with pytest.raises(ValueError, match=problem):
        purchase_table(orders(), **settings)


def test_a_table_describes_itself():
    told = purchase_table(orders(), horizon="28D").describe()
    assert "whether the customer buys within 28 days; event 'buys' in" in told
    assert "split: time" in told
