"""Generated purchases have the reasons they claim, and decoys go with them without playing a part."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.interaction_leaks import check_no_leaks
from domains.retail.catalogue import THEMES
from domains.retail.purchases import make_purchases


@pytest.fixture(scope="module")
def shop():
    return make_purchases(3_000, random_state=1)


@pytest.fixture(scope="module")
def bought(shop) -> pd.DataFrame:
    """Whether each customer has ever bought each item."""
    return pd.crosstab(shop.X["customer"], shop.X["item"]) > 0


@pytest.fixture(scope="module")
def first(shop) -> pd.DataFrame:
    """When each customer first bought each item."""
    return shop.X.groupby(["customer", "item"])["time"].min().unstack()


def test_purchases_repeat_with_their_seed_and_change_with_another():
    one, again, other = (make_purchases(50, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one.X, again.X)
    assert one.drivers == again.drivers
    assert not one.X.equals(other.X)


def test_every_caused_target_came_after_all_of_its_drivers(shop, first):
    caused = shop.X[shop.is_caused]
    assert len(caused) > 4_000
    for target, drivers in shop.drivers.items():
        rows = caused[caused["item"] == target]
        assert (first.loc[rows["customer"], list(drivers)].max(axis=1).to_numpy() < rows["time"].to_numpy()).all()


def test_a_target_needs_every_driver(shop, bought):
    for target, drivers in shop.drivers.items():
        has_all = bought[list(drivers)].all(axis=1)
        has_some = bought[list(drivers)].any(axis=1) & ~has_all
        assert bought.loc[has_all, target].mean() > 0.45
        assert bought.loc[~has_all, target].mean() < 0.04
        assert not has_some.any() or bought.loc[has_some, target].mean() < 0.06


def test_decoys_go_with_a_driver_and_with_the_target(shop, bought):
    pairs = [(t, driver, decoy) for t, ds in shop.drivers.items() for driver in ds for decoy in shop.decoys[t]]
    with_driver = [bought[driver].corr(bought[decoy]) for _, driver, decoy in pairs]
    with_target = [bought[target].corr(bought[decoy]) for target, _, decoy in pairs]
    assert min(with_driver) > 0.4
    assert min(with_target) > 0.25


def test_decoys_do_not_matter_to_customers_who_became_ready_with_trips_to_come(shop, bought, first):
    """With four trips left after the last driver, the target follows as often with a decoy before it as without."""
    trips = shop.X.groupby("customer")["time"].unique()
    differences, errors = [], []
    for target, drivers in shop.drivers.items():
        ready = first[list(drivers)].max(axis=1, skipna=False).dropna()
        left = pd.Series([(trips[c] > t).sum() for c, t in ready.items()], index=ready.index)
        ready = ready[left >= 4]
        for decoy in shop.decoys[target]:
            has = first.loc[ready.index, decoy] <= ready
            rates = bought.loc[ready.index, target].groupby(has).agg(["mean", "size"])
            differences.append(rates.loc[True, "mean"] - rates.loc[False, "mean"])
            errors.append(np.sqrt((rates["mean"] * (1 - rates["mean"]) / rates["size"]).sum()))
    weights = 1 / np.square(errors)
    mean = np.average(differences, weights=weights)
    assert abs(mean) < 3 / np.sqrt(weights.sum())
    assert 3 / np.sqrt(weights.sum()) < 0.05  # far below what a driver does


def test_driver_and_decoy_come_without_each_other_often_enough_to_be_told_apart(shop, bought):
    for target, drivers in shop.drivers.items():
        for decoy in shop.decoys[target]:
            has_all = bought[list(drivers)].all(axis=1)
            assert (has_all & ~bought[decoy]).sum() >= 40
            assert (~has_all & bought[decoy]).sum() >= 100


def test_without_following_no_target_has_a_reason():
    shop = make_purchases(300, follows=0.0)
    assert not shop.is_caused.any()
    assert shop.X["item"].isin([*shop.drivers]).any()


def test_the_smallest_shop_is_whole():
    shop = make_purchases(2, n_weeks=8)
    assert shop.is_caused.dtype == bool
    assert shop.X.notna().all(axis=None)
    assert [*shop.cases()] == ["customer", "item", "drivers", "decoys"]


def test_targets_are_bought_once_and_consumables_again(shop):
    counts = shop.X.groupby(["customer", "item"]).size()
    items = counts.index.get_level_values("item")
    assert counts[items.isin([*shop.drivers])].max() == 1
    assert counts[shop.item_features.loc[items, "is_consumable"].to_numpy()].mean() > 1.5


def test_invoices_are_baskets_of_one_customer_at_one_time(shop):
    per_invoice = shop.X.groupby("invoice")[["customer", "time"]].nunique()
    assert (per_invoice == 1).all(axis=None)
    assert shop.X["time"].is_monotonic_increasing
    assert not shop.X.duplicated(["customer", "item", "time"]).any()
    assert shop.X["time"].dt.hour.between(8, 19).all()


def test_goods_of_a_season_sell_in_their_months(shop):
    code = {name: item for item, name in shop.item_names.items()}
    months = shop.X[shop.X["item"] == code["sun hat"]]["time"].dt.month
    assert set(months) == {6, 7, 8}


def test_offers_lower_the_price_and_sell_more_of_a_consumable(shop):
    lines = shop.X.join(shop.item_features.rename(columns={"price": "price_usual"}), on="item")
    lines = lines[lines["is_consumable"]]
    is_offer = lines["price"] < 0.9 * lines["price_usual"]
    assert is_offer.mean() == pytest.approx(0.05, abs=0.02)
    assert lines.loc[is_offer, "quantity"].mean() > 1.2 * lines.loc[~is_offer, "quantity"].mean()


def test_ids_tell_nothing_and_names_tell_all(shop):
    assert len(shop.item_names) == shop.X["item"].nunique() == 145
    assert len(shop.drivers) == len(THEMES) == 16
    names = [shop.item_names[target] for target in shop.drivers]
    assert names == [theme.target for theme in THEMES]
    assert [*shop.drivers] != sorted(shop.drivers)
    assert shop.item_features.index.is_unique
    assert set(shop.item_features.columns) == {"price", "is_consumable"}


def test_no_item_has_two_parts_in_the_play(shop):
    parts = [name for target, drivers in shop.drivers.items() for name in (target, *drivers, *shop.decoys[target])]
    assert len(parts) == len(set(parts)) == 71


def test_cases_are_customers_with_every_driver_and_without_the_target(shop):
    train = shop.split().train
    cases = shop.cases(train)
    seen = set(zip(train["customer"], train["item"], strict=True))
    assert len(cases) > 1_000
    for customer, target, drivers, decoys in cases.head(300).itertuples(index=False):
        assert drivers == shop.drivers[target]
        assert (customer, target) not in seen
        assert all((customer, item) in seen for item in (*drivers, *decoys))


def test_many_cases_of_the_training_part_buy_their_target_in_the_test_part(shop):
    split = shop.split()
    cases = shop.cases(split.train)
    later = set(zip(split.test["customer"], split.test["item"], strict=True))
    hits = [pair in later for pair in zip(cases["customer"], cases["item"], strict=True)]
    assert np.mean(hits) > 0.1


def test_the_split_of_the_shop_knows_nothing_of_the_future(shop):
    split = shop.split()
    assert check_no_leaks(split.train, split.test, user="customer", item="item", time="time") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_customers": 1}, "n_customers must be at least 2, got 1"),
        ({"n_weeks": 7}, "n_weeks must be at least 8"),
        ({"follows": 1.5}, "follows must be a probability between 0 and 1, got 1.5"),
    ],
)
def test_a_shop_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_purchases(**options)
