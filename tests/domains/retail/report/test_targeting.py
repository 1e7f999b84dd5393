"""Whom to write to: the dossier on a purchase model, its rules beside it and its counts by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit import report
from appkit.prediction import Estimate, auc_difference
from appkit.reporting import Report
from appkit.reporting.facts import Block, ChallengerTable, DataTable, NotFilled, WarningBox
from domains.retail import DOMAIN, PurchaseClassifier
from domains.retail.purchase_baselines import purchase_baselines
from domains.retail.report import report_sections
from domains.retail.report.targeting import gain_finding

DOSSIER = replace(DOMAIN, report_sections=report_sections)
QUICK = {"n_networks": 1, "max_epochs": 10, "width": 16, "random_state": 0, "progress": False}


def orders(n_customers: int = 120, n_days: int = 300) -> pd.DataFrame:
    """Return orders of customers, each at a pace of his own."""
    rng = np.random.default_rng(0)
    pace = rng.gamma(1.0, 0.03, n_customers) + 0.003
    user, day = np.nonzero(rng.random((n_customers, n_days)) < pace[:, None])
    lines = np.repeat(np.arange(len(user)), rng.integers(1, 4, len(user)))  # one to three lines an order
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(day[lines], "D")
    return pd.DataFrame({"user": user[lines], "item": rng.integers(0, 20, len(lines)), "time": time})


@pytest.fixture(scope="module")
def shop():
    model = PurchaseClassifier(user="user", item="item", time="time", **QUICK)
    table = model.snapshots(orders())
    train, test, y_train, y_test = table.split(test_size=0.4)
    model.fit(train, y_train, groups=table.groups.loc[train.index])
    return model, train, y_train, test, y_test, table.groups.loc[test.index]


def page_of(shop, **options) -> Report:
    model, train, y_train, test, y_test, groups = shop
    given = {"reference": (train, y_train), "challengers": "auto", "groups": groups, "n_explained": 30}
    return report(model, test, y_test, domain=DOSSIER, **(given | options))


@pytest.fixture(scope="module")
def page(shop) -> Report:
    return page_of(shop, limits={"Buyers reached": (0.25, None)})


def blocks(page: Report, key: str = "targeting") -> tuple[Block, ...]:
    (section,) = [section for section in page.sections if section.key == key]
    return section.blocks


def test_the_section_follows_performance_and_has_a_tile(page):
    assert [section.key for section in page.sections][:2] == ["performance", "targeting"]
    assert "Buyers in the top 20\u202f%" in [getattr(tile, "name", "") for tile in page.tiles]


def test_buyers_are_counted_cut_off_by_cut_off(page, shop):
    model, _, _, test, y_test, _ = shop
    (found,) = [b for b in blocks(page) if isinstance(b, DataTable) and b.columns[0] == "Cut-off"]
    first = found.rows[0]
    of_it = test.index.str.endswith(first[0])
    assert first[1] == of_it.sum()
    assert first[2] == round(float(model.purchase_probability(test)[of_it].sum()))
    assert first[3] == (y_test[of_it] == "buys").sum()


def test_rules_are_compared_on_the_same_customers(page, shop):
    _, train, y_train, test, y_test, groups = shop
    (found,) = [block for block in blocks(page) if isinstance(block, ChallengerTable)]
    rows = {row.name: row for row in found.challengers}
    assert list(rows) == ["This model", "Recency", "Frequency", "Overdue", "RFM logistic", "BG/NBD"]
    rule = purchase_baselines()["recency"].fit(train, y_train)
    own = shop[0].purchase_probability(test)
    expected = auc_difference(y_test == "buys", rule.predict_proba(test)[:, 0], own, groups=groups)
    assert rows["Recency"].difference.value == pytest.approx(expected.value)
    assert rows["Recency"].difference.low == pytest.approx(expected.low)


def test_rules_that_need_training_rows_are_a_named_gap(shop):
    gap = [block for block in blocks(page_of(shop, reference=None)) if isinstance(block, NotFilled)]
    assert gap[0].argument == "reference=(X_train, y_train)"


def test_customers_of_several_rows_are_warned_of(shop):
    found = [block for block in blocks(page_of(shop, groups=None)) if isinstance(block, WarningBox)]
    assert found[0].finding == "Rows of one customer are counted as different customers"


def test_rows_without_a_cut_off_are_a_named_gap(shop):
    model, _, _, test, y_test, groups = shop
    plain = test.reset_index(drop=True)
    page = report(model, plain, y_test.to_numpy(), domain=DOSSIER, groups=groups.to_numpy(), n_explained=10)
    gaps = [block.argument for block in blocks(page) if isinstance(block, NotFilled)]
    assert gaps == ["dates=", 'challengers="auto"']


def test_habits_are_told_in_orders_and_days(page, shop):
    _, _, _, test, y_test, _ = shop
    tables = [
        b
        for b in blocks(page, "drivers")
        if isinstance(b, DataTable) and b.columns[1:] == ("Customers", "Bought", "Predicted")
    ]
    assert 1 <= len(tables) <= 3
    for table in tables:
        assert sum(row[1] for row in table.rows) >= 0.9 * len(test)
        bought = sum(row[1] * row[2].value for row in table.rows)
        assert bought <= (y_test == "buys").sum() + 1e-6


def test_a_limit_is_held_against_the_reach(page):
    (tile,) = [tile for tile in page.tiles if getattr(tile, "name", "").startswith("Buyers in")]
    assert tile.limit.low == 0.25


def test_equal_calls_give_equal_bytes(shop, page):
    again = page_of(shop, limits={"Buyers reached": (0.25, None)})
    assert again.to_json() == page.to_json()


@pytest.mark.parametrize(
    ("low", "high", "finding"),
    [
        (0.3, 0.4, "The 20\u202f% most likely customers hold 35\u202f% of the buyers"),
        (0.15, 0.4, "The 20\u202f% most likely customers cannot be told apart from 20\u202f% drawn by chance"),
    ],
)
def test_the_reach_claims_no_more_than_its_interval(low, high, finding):
    assert gain_finding(Estimate("Buyers reached", 0.35, low, high, method="", n=9)) == finding
