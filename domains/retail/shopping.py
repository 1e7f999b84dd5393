"""How customers of the generated shop come and buy: the only place where a reason turns into a purchase."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from domains.retail.catalogue import CONSUMABLES, SEASONAL, STAPLES, SUNDRIES, THEMES, Theme

__all__ = ["Trips", "draw_customers", "draw_goods", "draw_themes", "draw_trips"]

HOMES = {"flat": 0.55, "house with garden": 0.45}
AGES = {"under 35": 0.35, "35 to 59": 0.4, "60 and over": 0.25}
HOUSEHOLDS = {1: 0.35, 2: 0.3, 3: 0.15, 4: 0.2}

IN_AUDIENCE, OUTSIDE = 0.4, 0.15  # share of customers with an interest in a theme that is meant for them, or is not
OWNS, OWNS_ANYWAY = 0.8, 0.06  # buys a driver or decoy of a theme, with and without an interest in it
SAME_BASKET = 0.75  # of an interested customer's first purchases in a theme; the others come later
NEXT_TRIP = 0.5  # a wanted target is bought, on each trip after the last driver
SPONTANEOUS = 0.02  # customers who buy a target without a reason
BUYS_AGAIN = 0.15  # a consumable, on each later trip
STAPLE, IN_SEASON = 0.25, 0.15  # on each trip
SUNDRIES_A_TRIP = 1.0
TRIPS_A_WEEK = 0.25
WEEKDAYS = (0.9, 0.8, 0.9, 1.0, 1.3, 1.8, 0.5)  # Monday first
END_OF_YEAR = 1.6  # more trips in November and December

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Trips:
    """Every trip to the shop, the trips of a customer together and oldest first.

    Parameters
    ----------
    customer
        Place of the customer who came, int64 (n_trips,), each of ``n_customers`` at least once.
    day
        datetime64[ns] (n_trips,), once a day at most.
    """

    customer: np.ndarray
    day: np.ndarray

    def __len__(self) -> int:
        return len(self.day)

    @property
    def ends(self) -> np.ndarray:
        """The trip after the last of each customer, int64 (n_customers,)."""
        return np.cumsum(np.bincount(self.customer))

    @property
    def starts(self) -> np.ndarray:
        """The first trip of each customer, int64 (n_customers,)."""
        return self.ends - np.bincount(self.customer)


def draw_customers(rng: np.random.Generator, n_customers: int) -> pd.DataFrame:
    """Return home, age band and size of household, indexed by customer number."""

    def draw(shares: Mapping[Any, float]) -> np.ndarray:
        return rng.choice(list(shares), n_customers, p=list(shares.values()))

    features = {"home": draw(HOMES), "age_band": draw(AGES), "household": draw(HOUSEHOLDS)}
    return pd.DataFrame(features, index=pd.RangeIndex(10_001, 10_001 + n_customers, name="customer"))


def draw_trips(rng: np.random.Generator, n_customers: int, days: pd.DatetimeIndex) -> Trips:
    """Draw how often each customer comes, some far more often than others, and when."""
    weights = np.array(WEEKDAYS)[days.day_of_week] * np.where(days.month >= 11, END_OF_YEAR, 1.0)
    wanted = 1 + rng.poisson(rng.gamma(2.0, TRIPS_A_WEEK * len(days) / 7 / 2.0, n_customers))
    drawn = rng.choice(len(days), int(wanted.sum()), p=weights / weights.sum())
    came = np.unique(np.repeat(np.arange(n_customers), wanted) * len(days) + drawn)
    return Trips(customer=came // len(days), day=days.to_numpy()[came % len(days)])


def draw_themes(rng: np.random.Generator, customers: pd.DataFrame, trips: Trips, *, follows: float) -> pd.DataFrame:
    """Return what is bought in the themes, columns ``trip``, ``item`` and ``is_caused``."""
    bought = [_draw_theme(rng, theme, customers, trips, follows=follows) for theme in THEMES]
    return pd.concat(bought, ignore_index=True)


def draw_goods(rng: np.random.Generator, trips: Trips) -> pd.DataFrame:
    """Return staples, goods of a season and sundries, which nothing causes and which cause nothing."""
    months = pd.DatetimeIndex(trips.day).month
    goods = [_bought(item, np.flatnonzero(rng.random(len(trips)) < STAPLE)) for item in STAPLES]
    for item, on_sale in SEASONAL.items():
        goods.append(_bought(item, np.flatnonzero(months.isin(on_sale) & (rng.random(len(trips)) < IN_SEASON))))
    popularity = 1.0 / np.arange(1, len(SUNDRIES) + 1)
    found = np.repeat(np.arange(len(trips)), rng.poisson(SUNDRIES_A_TRIP, len(trips)))
    sundries = rng.choice(list(SUNDRIES), len(found), p=popularity / popularity.sum())
    return pd.concat([*goods, _bought(sundries, found)], ignore_index=True)


def _draw_theme(
    rng: np.random.Generator, theme: Theme, customers: pd.DataFrame, trips: Trips, *, follows: float
) -> pd.DataFrame:
    """Draw who has which drivers and decoys for an interest they share, then the target for the drivers alone."""
    is_interested = rng.random(len(customers)) < np.where(_is_audience(theme, customers), IN_AUDIENCE, OUTSIDE)
    begins = _any_trip(rng, trips.starts, trips.ends)
    firsts = {
        item: _first_trips(rng, trips, begins=begins, is_interested=is_interested)
        for item in (*theme.drivers, *theme.decoys)
    }
    ready = reduce(np.maximum, (firsts[driver] for driver in theme.drivers))
    caused = _follow(rng, ready, trips, follows=follows)
    by_chance = np.where(rng.random(len(customers)) < SPONTANEOUS, _any_trip(rng, trips.starts, trips.ends), NEVER)
    return pd.concat(
        [
            *(_bought(item, trip[trip < NEVER]) for item, trip in firsts.items()),
            *(_bought(item, _repeats(rng, trip, trips)) for item, trip in firsts.items() if item in CONSUMABLES),
            _bought(theme.target, by_chance[by_chance < caused]),
            _bought(theme.target, caused[(caused <= by_chance) & (caused < NEVER)], is_caused=True),
        ],
        ignore_index=True,
    )


def _is_audience(theme: Theme, customers: pd.DataFrame) -> np.ndarray:
    masks = {
        "garden": customers["home"] == "house with garden",
        "family": customers["household"] >= 3,
        "young": customers["age_band"] == "under 35",
        "": pd.Series(False, index=customers.index),
    }
    return masks[theme.audience].to_numpy()


def _any_trip(rng: np.random.Generator, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return one trip of each customer between these, int64 (n_customers,)."""
    return starts + np.floor(rng.random(len(starts)) * (ends - starts)).astype(np.int64)


def _first_trips(
    rng: np.random.Generator, trips: Trips, *, begins: np.ndarray, is_interested: np.ndarray
) -> np.ndarray:
    """Return the trip on which each customer first buys a driver or decoy, or ``NEVER``."""
    n_customers = len(begins)
    later = _any_trip(rng, begins, trips.ends)
    with_interest = np.where(rng.random(n_customers) < SAME_BASKET, begins, later)
    first = np.where(is_interested, with_interest, _any_trip(rng, trips.starts, trips.ends))
    return np.where(rng.random(n_customers) < np.where(is_interested, OWNS, OWNS_ANYWAY), first, NEVER)


def _follow(rng: np.random.Generator, ready: np.ndarray, trips: Trips, *, follows: float) -> np.ndarray:
    """Return the trip on which the last driver leads to the target, or ``NEVER``: unwanted, or past the last trip."""
    wants = (rng.random(len(ready)) < follows) & (ready < NEVER)
    target = np.where(wants, ready, 0) + rng.geometric(NEXT_TRIP, len(ready))
    return np.where(wants & (target < trips.ends), target, NEVER)


def _repeats(rng: np.random.Generator, first: np.ndarray, trips: Trips) -> np.ndarray:
    """Return the later trips on which those who have bought it buy it again."""
    is_later = np.arange(len(trips)) > first[trips.customer]
    return np.flatnonzero(is_later & (rng.random(len(trips)) < BUYS_AGAIN))


def _bought(item: str | Iterable[str], trip: np.ndarray, *, is_caused: bool = False) -> pd.DataFrame:
    return pd.DataFrame({"trip": trip, "item": item, "is_caused": is_caused})
