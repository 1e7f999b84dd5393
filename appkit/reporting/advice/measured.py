"""What the advice of a model and of its baselines was worth to the users of later events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.interaction_leaks import Leak, find_leaks
from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.advice import Histories, best_items
from appkit.model.recommenders.baselines import fit_baselines
from appkit.model.recommenders.gain import left_to_find
from appkit.model.recommenders.scorer import ItemScorer
from appkit.prediction.ranking import (
    HistoryGroup,
    RankingComparison,
    RankingResult,
    by_history,
    compare_rankings,
    evaluate_ranking,
)

__all__ = ["MODEL", "AdviceMeasured", "later_in_short", "measure_advice"]

MODEL = "this model"
MEASURES = ("ndcg", "recall", "map", "mrr", "hit_rate")


@dataclass(frozen=True, eq=False)
class AdviceMeasured:
    """Advice of a model and of baselines to the same users, held against what these took later.

    Parameters
    ----------
    later
        Events reported on, as the caller gave them.
    before
        Events of the fit, in columns ``user``, ``item`` and, where known, ``time``.
    advice
        The model's lists: ``user``, ``item``, ``rank``, ``score``, ``basis``.
    results
        By name, the model's first.
    comparison
        Every baseline against the model.
    groups
        The model's result by how much is known of users and items.
    leaks
        What the events of the fit know of the later ones.
    """

    later: pd.DataFrame
    before: pd.DataFrame
    advice: pd.DataFrame
    results: Mapping[str, RankingResult]
    comparison: RankingComparison
    groups: tuple[HistoryGroup, ...]
    leaks: tuple[Leak, ...]

    @property
    def own(self) -> RankingResult:
        """The model's result."""
        return self.results[MODEL]


def measure_advice(model: Any, later: pd.DataFrame, *, k: int, random_state: int) -> AdviceMeasured:
    """Advise the users of ``later`` by what was known at fit, and look at what they took.

    Everything in the catalogue competes. Users nothing was known of are advised what is popular, by every model.

    Raises
    ------
    SchemaError
        Listing what is wrong with the table of later events.
    ValueError
        If its users took nothing that can be advised.
    """
    given = read_interactions(later, user=model.user, item=model.item, time=model.time)
    events = model.training_events()
    if not len(left_to_find(given, events if model.filter_seen else None, items=events.items)[0]):
        raise ValueError(
            "later must hold items its users had not taken at fit, since this model leaves those out of its advice, "
            "got none. Pass events after those of the fit, or fit with filter_seen=False."
        )
    before = events.to_frame(time="time")
    taken = later_in_short(later, model)[["user", "item"]]
    users = taken["user"].unique()
    advice = model.recommend(users, k)
    lists = {MODEL: advice} | {
        name: _lists(scorer, events, users, model=model, k=k)
        for name, scorer in fit_baselines(events, filter_seen=model.filter_seen).items()
    }
    seen: Literal["left out", "counted"] = "left out" if model.filter_seen else "counted"
    results = {
        name: evaluate_ranking(
            table, taken, k=k, train=before, seen=seen, catalogue=events.items.values, random_state=random_state
        )
        for name, table in lists.items()
    }
    return AdviceMeasured(
        later=later,
        before=before,
        advice=advice,
        results=results,
        comparison=compare_rankings(results, reference=MODEL, random_state=random_state),
        groups=by_history(results[MODEL], before, random_state=random_state),
        leaks=find_leaks(before, _timed(later, model), time="time" if events.time is not None else None),
    )


def later_in_short(later: pd.DataFrame, model: Any) -> pd.DataFrame:
    """Return users, items and, where known at fit, times of later events, in columns of these names."""
    names = {model.user: "user", model.item: "item"} | ({} if model.time is None else {model.time: "time"})
    return later[list(names)].rename(columns=names)


def _timed(later: pd.DataFrame, model: Any) -> pd.DataFrame:
    """Return users, items and times under the names of the events of the fit."""
    found = later_in_short(later, model)
    if model.time is not None and pd.api.types.is_datetime64_any_dtype(found["time"]):
        found = found.assign(time=pd.to_datetime(found["time"], utc=True).dt.tz_localize(None))
    return found


def _lists(scorer: ItemScorer, events: Interactions, users: np.ndarray, *, model: Any, k: int) -> pd.DataFrame:
    codes = events.users.codes(users, column=model.user)
    items, _ = best_items(scorer, Histories.of(events), codes, k=k, filter_seen=model.filter_seen)
    rows, ranks = np.nonzero(items >= 0)
    return pd.DataFrame(
        {"user": users[rows], "item": events.items.values[items[rows, ranks]], "rank": ranks + 1}
    ).infer_objects()
