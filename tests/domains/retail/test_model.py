"""What a shop advises keeps to its rules, in the order asked for, and comes back from a file as it was."""

import numpy as np
import pandas as pd
import pytest

from appkit.domain import domain_of
from appkit.exceptions import SchemaError
from appkit.explanation import explain
from appkit.persistence import load, savable_estimators, save
from domains.retail import ProductRecommender, Rules, make_purchases
from domains.retail import model as module

K = 4


@pytest.fixture(scope="module")
def shop():
    return make_purchases(80)


@pytest.fixture(scope="module")
def model(shop) -> ProductRecommender:
    return ProductRecommender(**shop.columns, model="als", settings={"n_factors": 8}, random_state=0).fit(shop.X)


@pytest.fixture(scope="module")
def customers(shop) -> list:
    return shop.X["customer"].unique()[[5, 2, 9]].tolist()


def test_without_rules_the_advice_is_that_of_the_base(model, customers):
    expected = super(ProductRecommender, model).recommend(customers, K)
    pd.testing.assert_frame_equal(model.recommend(customers, K), expected)


def test_rules_that_ask_nothing_change_nothing(model, customers):
    ruled = model.recommend(customers, K, rules=Rules())
    pd.testing.assert_frame_equal(ruled.drop(columns="moved_from"), model.recommend(customers, K), check_dtype=False)
    assert ruled["moved_from"].tolist() == ruled["rank"].tolist()


def test_what_is_excluded_or_out_of_stock_makes_room_for_the_next(model, customers):
    best = model.recommend(customers[:1], 3)["item"].tolist()
    ruled = model.recommend(customers[:1], 1, rules=Rules(exclude=best[:1], in_stock=best[::-1]))
    assert ruled[["item", "rank", "moved_from"]].to_numpy().tolist() == [[best[1], 1, 2]]


def test_new_goods_in_stock_are_passed_over(model, customers):
    stock = [*model.recommend(customers, 1)["item"], "just arrived"]
    assert "just arrived" not in set(model.recommend(customers, K, rules=Rules(in_stock=stock))["item"])


def test_a_rule_on_an_item_nobody_knows_is_a_slip(model, customers):
    with pytest.raises(SchemaError, match="1 others in exclude: 'teapt'"):
        model.recommend(customers, K, rules=Rules(exclude=["teapt"]))


def test_an_empty_stock_leaves_empty_lists(model, customers):
    assert len(model.recommend(customers, K, rules=Rules(in_stock=[]))) == 0


def test_diversity_goes_by_the_vectors_of_the_model(model, customers):
    def likeness(lists: pd.DataFrame) -> float:
        codes = model.items_.codes(lists["item"])
        vectors = model.item_scorer().item_vectors().numpy()[codes]
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return float((unit @ unit.T).mean())

    plain, varied = (model.recommend(customers[:1], 8, rules=Rules(diversity=share)) for share in (0.0, 0.8))
    assert likeness(varied) < likeness(plain) - 0.05


def test_vectors_of_large_catalogues_are_projected_and_keep_their_cosines(model, monkeypatch):
    exact = model._similarity().table
    monkeypatch.setattr(module, "_TABLE_ITEMS", 1)
    monkeypatch.setattr(module, "_WIDTH", 7)
    vectors = model._similarity().vectors
    assert vectors.shape == (len(model.items_), 7)
    assert np.corrcoef((vectors @ vectors.T).ravel(), exact.ravel())[0, 1] > 0.5


def test_the_basis_of_each_list_is_told_under_rules_too(model, customers):
    ruled = model.recommend([*customers, 7], K, rules=Rules(diversity=0.2))
    assert ruled.groupby("user", sort=False)["basis"].first().tolist() == ["history"] * 3 + ["popularity"]


def test_lists_come_in_the_order_of_the_customers_asked_for(model, customers):
    seldom = model.recommend(customers[:1], 60)["item"].tolist()[-1:]
    ruled = model.recommend(customers, K, rules=Rules(in_stock=[*seldom, *model.recommend(customers[1:], K)["item"]]))
    assert ruled["user"].unique().tolist() == customers


def test_rules_hold_for_all_customers_where_none_is_named(model, shop):
    category = dict(zip(shop.item_names, np.arange(len(shop.item_names)) // 10, strict=True))
    ruled = model.recommend(k=K, rules=Rules(max_per_category=1, categories=category))
    assert ruled["user"].nunique() == 80
    assert ruled.assign(category=ruled["item"].map(category)).groupby(["user", "category"]).size().max() == 1


def test_newer_purchases_count_under_rules(model, shop, customers):
    bought = model.recommend(customers[:1], 1)["item"].tolist()
    newer = pd.DataFrame({"customer": customers[:1], "item": bought, "time": pd.Timestamp("2025-02-01")})
    ruled = model.recommend(customers[:1], K, rules=Rules(), interactions=newer)
    assert bought[0] not in set(ruled["item"])


def test_a_saved_model_keeps_to_the_same_rules(model, customers, tmp_path):
    save(model, tmp_path / "shop.appkit")
    again, rules = load(tmp_path / "shop.appkit"), Rules(diversity=0.4)
    assert type(again) is ProductRecommender
    pd.testing.assert_frame_equal(
        again.recommend(customers, K, rules=rules), model.recommend(customers, K, rules=rules)
    )


def test_an_unfitted_model_says_so_whatever_the_rules():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        ProductRecommender().recommend(rules=Rules())


def test_the_advice_is_explained_as_by_the_common_door(model, customers):
    pairs = model.recommend(customers, 1).rename(columns={"user": "customer"})[["customer", "item"]]
    np.testing.assert_array_equal(
        model.explain(pairs, random_state=0).values, explain(model, pairs, random_state=0).values
    )


def test_the_domain_offers_the_model_first_and_files_know_its_name(model):
    domain = domain_of(model)
    assert domain is not None
    assert next(iter(domain.estimators)) == "ProductRecommender"
    assert savable_estimators()["retail.ProductRecommender"] is ProductRecommender
