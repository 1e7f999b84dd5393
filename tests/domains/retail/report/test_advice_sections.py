"""What the dossier says of advice: counted by hand on a shop of two tastes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit import report
from appkit.prediction import Estimate
from appkit.reporting import Report
from appkit.reporting.facts import DataTable, Measure, NotFilled
from domains.retail import DOMAIN, ProductRecommender
from domains.retail.report import fidelity, report_sections
from domains.retail.report.rebuying import rebuying_title

DOSSIER = replace(DOMAIN, report_sections=report_sections)
COLUMNS = {"user": "customer", "item": "article", "time": "day"}


def purchases(n_users: int = 60) -> pd.DataFrame:
    """Return purchases of customers of two tastes: four of six items each, one a day, then the first of them again."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(n_users):
        own = rng.permutation(6)[:4] + 6 * (user % 2)
        rows += [(user, f"item {item:02d}", f"2024-01-{day + 1:02d}") for day, item in enumerate(own)]
        if user % 3 == 0:
            rows.append((user, f"item {own[0]:02d}", "2024-01-05"))
    return pd.DataFrame(rows, columns=["customer", "article", "day"])


def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    X = purchases()
    is_later = X["day"] >= "2024-01-04"
    return X[~is_later], X[is_later]


def page_of(**settings) -> Report:
    train, later = parts()
    model = ProductRecommender(**COLUMNS, **({"model": "als", "random_state": 0} | settings)).fit(train)
    return report(model, later, k=2, n_explained=5, domain=DOSSIER)


@pytest.fixture(scope="module")
def page() -> Report:
    return page_of()


def table(page: Report, *headings: str) -> DataTable:
    """Return the table whose columns begin with these headings."""
    blocks = [block for section in page.sections for block in section.blocks if isinstance(block, DataTable)]
    (found,) = [block for block in blocks if block.columns[: len(headings)] == headings]
    return found


def test_what_is_offered_stands_behind_what_it_is_worth(page):
    keys = [section.key for section in page.sections]
    assert keys[:3] == ["performance", "offered", "case"]


def test_items_are_counted_list_by_list():
    train, later = parts()
    model = ProductRecommender(**COLUMNS, model="als", random_state=0).fit(train)
    lists = model.recommend(later["customer"].unique(), 2)
    often = lists["item"].value_counts()
    (name, share, *_), *_ = table(report(model, later, k=2, n_explained=2, domain=DOSSIER), "Item", "On lists").rows
    assert share.value == pytest.approx(often[name] / 60)
    assert often[name] == often.max()


def test_takers_who_were_advised_are_counted_by_hand(page):
    train, later = parts()
    model = ProductRecommender(**COLUMNS, model="als", random_state=0).fit(train)
    lists = set(model.recommend(later["customer"].unique(), 2)[["user", "item"]].itertuples(index=False, name=None))
    had = set(train[["customer", "article"]].itertuples(index=False, name=None))
    for name, _, _, n_takers, share in table(page, "Item", "On lists").rows:
        pairs = [(c, a) for c, a in later[["customer", "article"]].itertuples(index=False) if a == name]
        new = [pair for pair in pairs if pair not in had]
        assert n_takers == len(new)
        assert not isinstance(share, Measure) or share.value == pytest.approx(np.mean([pair in lists for pair in new]))


def test_buying_again_is_counted_and_said_to_be_out_of_reach(page):
    again = table(page, "Buying again")
    assert again.rows[0][1].value == pytest.approx(20 / 80)
    assert again.rows[1][1].value == pytest.approx(20 / 60)
    assert again.rows[3][1] == "left out of the lists"
    assert "filter_seen=True" in again.how_to_read


def test_lists_of_items_taken_before_meet_those_bought_again():
    again = table(page_of(filter_seen=False), "Buying again")
    assert "filter_seen=False" in again.how_to_read
    assert again.rows[2][1].value > 0.5
    assert isinstance(again.rows[3][1], Measure)


def test_the_whole_catalogue_is_accounted_for(page):
    train, later = parts()
    model = ProductRecommender(**COLUMNS, model="als", random_state=0).fit(train)
    advised = model.recommend(later["customer"].unique(), 2)["item"]
    left_out = table(page, "What the lists leave out")
    assert left_out.rows[0][1] == 12
    assert left_out.rows[1][1] == 12 - advised.nunique()


def test_effects_of_past_purchases_add_up_to_one(page):
    shares = [row[-1].value for row in table(page, "Bought before").rows]
    assert sum(shares) <= 1 + 1e-9
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(("family", "words"), [("ease", "(ease) adds up"), ("als", "(als) does not add up")])
def test_exactness_is_said_of_models_that_add_up_alone(family, words):
    (section,) = [section for section in page_of(model=family).sections if section.key == "drivers"]
    assert words in str(section.blocks[-1])


def test_what_would_take_minutes_is_a_named_gap(monkeypatch):
    monkeypatch.setattr(fidelity, "_MOST_SCORES", 10)
    (section,) = [section for section in page_of().sections if section.key == "drivers"]
    (gap,) = [block for block in section.blocks if isinstance(block, NotFilled)]
    assert "explain advice again within seconds" in gap.why


def test_equal_calls_give_equal_bytes(page):
    assert page_of().to_json() == page.to_json()
    assert page_of().to_html() == page.to_html()


@pytest.mark.parametrize(
    ("value", "is_left_out", "title"),
    [
        (0.25, True, "Lists cannot meet 25\u202f% (20 to 30) of later purchases: bought again"),
        (0.25, False, "25\u202f% (20 to 30) of later purchases were of items taken before"),
        (0.0, True, "Nothing that was taken later had been taken before"),
    ],
)
def test_buying_again_is_worded_by_what_lists_can_do(value, is_left_out, title):
    again = Estimate("Bought again", value, max(value - 0.05, 0), value + 0.05, method="", n=90)
    assert rebuying_title(again, is_left_out=is_left_out) == title
