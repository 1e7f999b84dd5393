"""Which events are learnt from and which are to be foreseen: the protocols that figures are published by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import pandas as pd

from appkit.data import InteractionDataset
from appkit.model.recommenders.holdout import HeldOut
from domains.retail import load_amazon_beauty, load_gowalla, load_movielens, load_online_retail, make_purchases

__all__ = ["TASKS", "Measure", "Task", "load_task"]

_QUICK_CUSTOMERS = 80


@dataclass(frozen=True)
class Measure:
    """What lists are judged by, and the marks set for it.

    Parameters
    ----------
    name
        A measure of ``appkit.prediction.ranking``.
    k
        Length of the list.
    marks
        Values asked for, by name.

    Examples
    --------
    >>> Measure("ndcg", 10).label
    'NDCG@10'
    """

    name: Literal["ndcg", "recall"]
    k: int
    marks: Mapping[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its usual name."""
        return f"{'NDCG' if self.name == 'ndcg' else 'Recall'}@{self.k}"


@dataclass(frozen=True, eq=False)
class Task:
    """Events to learn from and events to foresee; everything is chosen on a part of the former.

    Parameters
    ----------
    name, title
        For records, and for readers.
    train, test
        Columns ``user``, ``item`` and, where there are moments, ``time``.
    inner
        How a part of ``train`` is held out to choose settings by: as the test part was.
    measures
        The first is the headline.
    filter_seen
        Whether lists hold new items only, and new items only are to be foreseen.
    limits
        Most that our fit may cost: ``"CPU s"`` and ``"GB"``.
    """

    name: str
    title: str
    train: pd.DataFrame
    test: pd.DataFrame
    inner: HeldOut
    measures: tuple[Measure, ...]
    filter_seen: bool = True
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def time(self) -> str | None:
        """Column of moments, if there is one."""
        return "time" if "time" in self.train else None

    @property
    def longest(self) -> int:
        """Places of the longest list that is judged."""
        return max(measure.k for measure in self.measures)


def load_task(name: str, *, is_quick: bool = False) -> Task:
    """Return a task by name, ``is_quick`` on generated purchases of few customers, for which no marks are set."""
    if not is_quick:
        return TASKS[name](None)
    task = TASKS[name](_small)
    measures = tuple(replace(measure, marks={}) for measure in task.measures)
    return replace(task, title=f"a generated shop in place of {task.title}", measures=measures, limits={})


Way = Literal["published", "time", "last", "random"]

Replacement = Callable[[], InteractionDataset] | None
"""What takes the place of the real data, to show that everything runs."""


def _movielens(small: Replacement) -> Task:
    measures = (
        Measure("ndcg", 10, {"floor": 0.440, "goal": 0.452, "moonshot": 0.465}),
        Measure("recall", 20, {"floor": 0.365, "goal": 0.378, "moonshot": 0.390}),
    )
    title = "MovieLens 100k, a random fifth of each user's ratings (seed 0)"
    task = _parted(small or load_movielens, "random", "movielens", title, measures)
    return replace(task, limits={"CPU s": 60.0})


def _movielens_last(small: Replacement) -> Task:
    measures = (Measure("ndcg", 10, {"floor": 0.077, "goal": 0.085, "moonshot": 0.092}), Measure("recall", 10))
    return _parted(
        small or load_movielens, "last", "movielens-last", "MovieLens 100k, the last rating of each user", measures
    )


def _gowalla(small: Replacement) -> Task:
    measures = (
        Measure("recall", 20, {"floor": 0.180, "goal": 0.192, "moonshot": 0.200}),
        Measure("ndcg", 20, {"floor": 0.150, "goal": 0.160, "moonshot": 0.164}),
    )
    by: Way = "published" if small is None else "random"
    task = _parted(small or load_gowalla, by, "gowalla", "Gowalla, the published split", measures)
    columns = ["user", "item"]  # as published: nobody knows when
    limits = {"CPU s": 1200.0, "GB": 16.0}
    return replace(task, inner="random", train=task.train[columns], test=task.test[columns], limits=limits)


def _beauty(small: Replacement) -> Task:
    measures = (
        Measure("ndcg", 10, {"floor": 0.043, "goal": 0.053, "moonshot": 0.057}),
        Measure("recall", 10, {"floor": 0.078, "goal": 0.093, "moonshot": 0.100}),
    )
    return _parted(
        small or load_amazon_beauty, "last", "beauty", "Amazon Beauty, the last product of each customer", measures
    )


def _shop(small: Replacement, *, filter_seen: bool) -> Task:
    measures = (Measure("ndcg", 10), Measure("recall", 20))
    which = "new articles only" if filter_seen else "articles bought before as well"
    name = "shop-new" if filter_seen else "shop-again"
    title = f"Online Retail, purchases from one moment on of customers known before, {which}"
    task = _parted(small or load_online_retail, "time", name, title, measures)
    is_known = task.test["user"].isin(task.train["user"])
    return replace(task, filter_seen=filter_seen, test=task.test[is_known])


def _parted(
    load: Callable[[], InteractionDataset],
    by: Way,
    name: str,
    title: str,
    measures: tuple[Measure, ...],
) -> Task:
    data = load()
    split = data.split(by, random_state=0)
    columns = {data.user: "user", data.item: "item"} | ({data.time: "time"} if data.time is not None else {})
    train, test = (part[list(columns)].rename(columns=columns) for part in (split.train, split.test))
    inner: HeldOut = "random" if by == "published" else by
    return Task(name, title, train, test, inner, measures)


def _small() -> InteractionDataset:
    return make_purchases(_QUICK_CUSTOMERS, n_weeks=26)


TASKS: Mapping[str, Callable[[Replacement], Task]] = {
    "movielens": _movielens,
    "movielens-last": _movielens_last,
    "gowalla": _gowalla,
    "beauty": _beauty,
    "shop-new": partial(_shop, filter_seen=True),
    "shop-again": partial(_shop, filter_seen=False),
}
