"""The tour of retail writes page, facts and model, says what advice is worth, and gives a reason that is true."""

import importlib
from functools import partial

import pytest

from appkit.persistence import load
from appkit.reporting import Report
from domains.retail import ProductRecommender


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    """Return what a small tour wrote and where."""
    module = importlib.import_module("domains.retail.demo")  # the package offers the function under the same name
    folder = tmp_path_factory.mktemp("tour")
    with pytest.MonkeyPatch.context() as patch:
        quick = partial(ProductRecommender, model="als", settings={"n_factors": 32})
        patch.setattr(module, "ProductRecommender", quick)
        patch.setattr(module, "_N_CUSTOMERS", 200)
        lines: list[str] = []
        patch.setattr(module.Console, "print", lambda self, text, **_: lines.append(str(text)))
        return module.demo(folder), folder, "\n".join(lines)


def test_the_demo_writes_page_facts_and_model(tour):
    (html, json), folder, said = tour
    assert (html.name, json.name) == ("shop.html", "shop.json")
    assert Report.from_json(json.read_text(encoding="utf-8")).to_html() == html.read_text(encoding="utf-8")
    assert type(load(folder / "shop.appkit")) is ProductRecommender
    assert str(folder / "shop.appkit") in said


def test_the_demo_says_what_advice_is_worth_beside_what_is_popular(tour):
    *_, said = tour
    assert "NDCG@10 0." in said
    assert "; popularity: Recall@10 0." in said
    assert "Lead in NDCG over popularity on the same customers: +" in said


def test_the_demo_gives_a_reason_and_names_the_true_one(tour):
    *_, said = tour
    assert "because of these purchases: " in said
    assert "True reason, known as the shop is generated: " in said
    assert "drops from rank" in said
