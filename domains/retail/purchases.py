"""Purchases of a generated shop in which the reason of each advised item is known, beside what only goes with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.interaction_dataset import InteractionDataset
from domains.retail.catalogue import CONSUMABLES, SEASONAL, STAPLES, SUNDRIES, THEMES
from domains.retail.shopping import Trips, draw_customers, draw_goods, draw_themes, draw_trips

__all__ = ["PurchasesDataset", "make_purchases"]

FOLLOWS = 0.85
FIRST_DAY = "2024-01-01"  # a Monday
OPENS, MINUTES_OPEN = 8 * 60, 12 * 60
PROMOTED, DISCOUNT = 0.05, 0.2  # share of an item's weeks with a lower price, and how much lower
UNITS, UNITS_ON_OFFER = 0.3, 0.6  # of a consumable beyond the first, per member of the household


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PurchasesDataset(InteractionDataset):
    """Purchases with their reasons.

    Parameters
    ----------
    drivers
        By target (raw item id): the items that cause its purchase, all of them needed.
    decoys
        By target: the items that the same customers buy and that have no influence on it.
    is_caused
        Whether a row is a target bought because of its drivers, bool (n_rows,), on the index of ``X``.
    """

    drivers: Mapping[Any, tuple[Any, ...]]
    decoys: Mapping[Any, tuple[Any, ...]]
    is_caused: pd.Series

    def cases(self, purchases: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return who ought to be advised what, and why: customers with every driver of a target they do not have.

        Parameters
        ----------
        purchases
            What is known when advice is given, such as the training part of a split; ``None`` takes all.

        Returns
        -------
        DataFrame
            A row per customer and target, columns named as in ``X``; ``drivers`` holds the true drivers and ``decoys``
            those of its decoys that the customer has bought, both tuples of raw item ids.
        """
        known = self.X if purchases is None else purchases
        rows = []
        for customer, bought in known.groupby(self.user)[self.item].agg(set).items():
            for target, drivers in self.drivers.items():
                if target not in bought and bought.issuperset(drivers):
                    decoys = tuple(decoy for decoy in self.decoys[target] if decoy in bought)
                    rows.append((customer, target, drivers, decoys))
        return pd.DataFrame(rows, columns=[self.user, self.item, "drivers", "decoys"])


def make_purchases(
    n_customers: int = 2_000, *, n_weeks: int = 52, follows: float = FOLLOWS, random_state: int | None = 0
) -> PurchasesDataset:
    """Return the purchases of a generated shop: 145 items, of which 16 are bought for a reason that is known.

    A *target* (a teapot) is bought because its *drivers* (green tea and cups) were bought before: a customer who has
    every driver buys it with probability ``follows`` on one of the trips that follow, the next with probability one
    half. Nothing else has an influence: without all drivers it is bought by 2 % of customers, whoever they are. Seven
    targets need two drivers, nine one.

    Two *decoys* per target (biscuits, napkins) are bought by the same customers, mostly in one basket with the
    drivers, out of the same interest; interests go with home, age and household. So decoys go with the drivers
    (correlation about 0.55) and thereby with the target (about 0.35). Given the drivers they do not matter: on the
    trips after, the target follows as often with them as without. Every fifth interested customer lacks a driver or
    decoy, and some buy one without any interest, so that a model can tell which of them it is. Staples are in a quarter
    of all baskets, so nearly everybody has them; goods of a season, and sundries of very different popularity, have no
    influence either.

    Consumables are bought again and again; targets once. Prices are lower by a fifth in a few weeks of each item, and
    more is bought then. Trips are more frequent on Saturdays and before the end of the year. Item ids are drawn, so
    that they tell nothing; ``item_names`` has the words.

    A test fits a recommender to ``data.split().train``, takes ``data.cases(train)``, and looks whether a true driver
    leads the explanation of the target's score: decoys, staples and sundries of that history must not.

    Parameters
    ----------
    n_customers
        Customers, at least 2.
    n_weeks
        Weeks from Monday 2024-01-01 on, at least 8.
    follows
        Probability that a customer with every driver wants the target, 0 to 1. At 0 no target has a reason.
    random_state
        Seed; the same seed gives the same table.

    Examples
    --------
    >>> shop = make_purchases(200)
    >>> shop.item_names[next(iter(shop.drivers))]
    'teapot'
    >>> sorted(shop.item_names[item] for item in next(iter(shop.drivers.values())))
    ['cups', 'green tea']
    """
    _check_options(n_customers, n_weeks, follows)
    rng = np.random.default_rng(random_state)
    customers = draw_customers(rng, n_customers)
    trips = draw_trips(rng, n_customers, pd.date_range(FIRST_DAY, periods=7 * n_weeks, unit="ns"))
    bought = pd.concat([draw_themes(rng, customers, trips, follows=follows), draw_goods(rng, trips)])
    bought = bought.drop_duplicates(["trip", "item"])  # two of the same sundry are one line
    items = _draw_items(rng)
    lines = _in_order(rng, bought, trips)
    sku = items["sku"]
    return PurchasesDataset(
        name="purchases",
        description="Purchases in a generated shop, some of them for reasons that are known.",
        X=_priced(rng, lines, customers=customers, items=items),
        user="customer",
        item="item",
        time="time",
        value="quantity",
        licence="BSD-3-Clause, as this package",
        citation="none needed: generated data",
        source="domains.retail.make_purchases",
        user_features=customers,
        item_features=items.set_index(sku.rename("item"))[["price", "is_consumable"]],
        item_names=dict(zip(sku, sku.index, strict=True)),
        drivers={sku[theme.target]: tuple(sku[name] for name in theme.drivers) for theme in THEMES},
        decoys={sku[theme.target]: tuple(sku[name] for name in theme.decoys) for theme in THEMES},
        is_caused=lines["is_caused"],
    )


def _draw_items(rng: np.random.Generator) -> pd.DataFrame:
    """Return number, price and kind of each item, indexed by its name."""
    themes = [name for theme in THEMES for name in (theme.target, *theme.drivers, *theme.decoys)]
    names = [*themes, *STAPLES, *SEASONAL, *SUNDRIES]
    return pd.DataFrame(
        {
            "sku": rng.choice(np.arange(10_000, 100_000), len(names), replace=False).astype(str),
            "price": np.round(0.5 + rng.lognormal(1.2, 0.8, len(names)), 2),
            "is_consumable": [name in CONSUMABLES or name in STAPLES for name in names],
        },
        index=names,
    )


def _in_order(rng: np.random.Generator, bought: pd.DataFrame, trips: Trips) -> pd.DataFrame:
    """Return purchases by time, those of a basket in any order: columns customer (place), time, item, is_caused."""
    minutes = OPENS + rng.integers(0, MINUTES_OPEN, len(trips))
    moments = trips.day + minutes.astype("timedelta64[m]")
    trip = bought["trip"].to_numpy()
    order = np.lexsort((rng.random(len(bought)), trip, moments[trip]))
    lines = bought.iloc[order].reset_index(drop=True)
    return lines.assign(customer=trips.customer[lines["trip"]], time=moments[lines["trip"]])


def _priced(
    rng: np.random.Generator, lines: pd.DataFrame, *, customers: pd.DataFrame, items: pd.DataFrame
) -> pd.DataFrame:
    """Return the lines of the invoices: some weeks of an item have an offer, which sells more of a consumable."""
    item = items.index.get_indexer(pd.Index(lines["item"]))
    week = ((lines["time"] - pd.Timestamp(FIRST_DAY)).dt.days // 7).to_numpy()
    is_offer = (rng.random((len(items), week.max() + 1)) < PROMOTED)[item, week]
    household = customers["household"].to_numpy()[lines["customer"]]
    more = rng.poisson(np.where(is_offer, UNITS_ON_OFFER, UNITS) * household)
    return pd.DataFrame(
        {
            "invoice": (500_001 + pd.factorize(lines["trip"])[0]).astype(str),
            "customer": customers.index[lines["customer"]],
            "item": items["sku"].to_numpy()[item],
            "time": lines["time"],
            "quantity": 1 + np.where(items["is_consumable"].to_numpy()[item], more, 0),
            "price": np.round(items["price"].to_numpy()[item] * np.where(is_offer, 1 - DISCOUNT, 1.0), 2),
        }
    )


def _check_options(n_customers: int, n_weeks: int, follows: float) -> None:
    if n_customers < 2:
        raise ValueError(f"n_customers must be at least 2, got {n_customers!r}.")
    if n_weeks < 8:
        raise ValueError(f"n_weeks must be at least 8, or targets have no time to follow, got {n_weeks!r}.")
    if not 0 <= follows <= 1:
        raise ValueError(f"follows must be a probability between 0 and 1, got {follows!r}.")
