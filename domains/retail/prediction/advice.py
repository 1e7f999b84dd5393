"""Lists of advice beside the baselines they must beat: the tables a merchandiser is shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.prediction.ranking import (
    HistoryGroup,
    ItemSimilarity,
    PairedDifference,
    RankingResult,
    by_history,
    evaluate_ranking,
    paired_difference,
)
from appkit.prediction.ranking.comparison import adjust_p_values
from domains.retail.prediction.popular_lists import popular_lists

__all__ = ["AdviceEvaluation", "evaluate_advice"]

POPULARITY = "popularity"
_MEASURES = ("recall", "ndcg")


@dataclass(frozen=True, eq=False)
class AdviceEvaluation:
    """What a recommender's lists are worth beside others' on the same customers.

    Parameters
    ----------
    model
        Name of the recommender in question; all others are held against it.
    results
        By name.
    differences
        The model minus each other, by name and measure; p-values are adjusted for all of them (Holm).
    history
        The model's result by how much was known of customers and items.
    """

    model: str
    results: dict[str, RankingResult]
    differences: dict[str, dict[str, PairedDifference]]
    history: tuple[HistoryGroup, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was measured, in sentences."""
        return self.results[self.model].notes

    def to_frame(self) -> pd.DataFrame:
        """Return one row per recommender and a column per measure; the model comes first."""
        rows = {
            name: {estimate.name: estimate.value for estimate in result.estimates.values()}
            for name, result in self.results.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def differences_frame(self) -> pd.DataFrame:
        """Return one row per other recommender and measure: the model's lead, its ends, p-values, users for each."""
        return pd.DataFrame(
            [
                {"against": name, "measure": self.results[name].estimates[measure].name}
                | {"lead": found.estimate.value, "low": found.estimate.low, "high": found.estimate.high}
                | {"p": found.p_value, "p_adjusted": found.p_adjusted}
                | {"n_better": found.n_better, "n_worse": found.n_worse}
                for name, by_measure in self.differences.items()
                for measure, found in by_measure.items()
            ]
        )

    def history_frame(self) -> pd.DataFrame:
        """Return one row per group of customers and of items: the range of known partners, how many, recall."""
        return pd.DataFrame(
            [
                {"of": group.of, "group": group.name, "known": group.counts, "members": group.n_members}
                | {"pairs": group.n_pairs, "recall": group.estimates["recall"].value}
                | {"low": group.estimates["recall"].low, "high": group.estimates["recall"].high}
                for group in self.history
            ]
        )


def evaluate_advice(
    lists: Mapping[str, pd.DataFrame],
    truth: pd.DataFrame,
    *,
    train: pd.DataFrame,
    model: str,
    k: int = 10,
    user: str = "user",
    item: str = "item",
    seen: Literal["counted", "left out"] = "counted",
    catalogue: Iterable[Any] | None = None,
    similarity: ItemSimilarity | None = None,
    label: str = "",
    measures: Iterable[str] = _MEASURES,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> AdviceEvaluation:
    """Return the lists of several recommenders, judged on the same customers; the most popular items are always there.

    Parameters
    ----------
    lists
        By name: columns user, item and rank. ``"popularity"`` is added where it is not among them: what most users of
        ``train`` have, without what the user has where ``seen="left out"``.
    truth, train, k, user, item, seen, catalogue, similarity, label, n_resamples, random_state
        As in :func:`appkit.prediction.ranking.evaluate_ranking`. Give all recommenders the same ``filter_seen``:
        ``seen="left out"`` goes with lists of new items only.
    model
        Name of the recommender in question.
    measures
        Compared user by user.

    Examples
    --------
    >>> before = pd.DataFrame({"user": [1, 2, 3, 3], "item": ["tea", "tea", "tea", "cup"]})
    >>> taken = pd.DataFrame({"user": [1, 2], "item": ["mug", "cup"]})
    >>> ours = pd.DataFrame({"user": [1, 2], "item": ["mug", "cup"], "rank": 1})
    >>> found = evaluate_advice({"ours": ours}, taken, train=before, model="ours", k=1, seen="left out")
    >>> found.to_frame()[["Recall@1", "Catalogue coverage"]]
                Recall@1  Catalogue coverage
    ours             1.0            0.666667
    popularity       0.5            0.333333
    """
    if model not in lists:
        raise ValueError(f"model must be one of {', '.join(map(repr, lists))}, got {model!r}.")
    tables = {model: lists[model]} | dict(lists)
    if POPULARITY not in tables:
        new_only = seen == "left out"
        tables[POPULARITY] = popular_lists(train, truth[user], k, new_only=new_only, user=user, item=item)
    shop = _catalogue(tables, train[item]) if catalogue is None else list(catalogue)
    results = {
        name: evaluate_ranking(
            table,
            truth,
            k=k,
            user=user,
            item=item,
            train=train,
            seen=seen,
            catalogue=shop,
            similarity=similarity,
            label=label,
            n_resamples=n_resamples,
            random_state=random_state,
        )
        for name, table in tables.items()
    }
    draws: dict[str, Any] = {"n_resamples": n_resamples, "random_state": random_state}
    found = {
        name: {measure: paired_difference(results[model], result, measure=measure, **draws) for measure in measures}
        for name, result in results.items()
        if name != model
    }
    history = by_history(results[model], train, user=user, item=item, **draws)
    return AdviceEvaluation(model, results, adjust_p_values(found), history)


def _catalogue(tables: Mapping[str, pd.DataFrame], bought: pd.Series) -> np.ndarray:
    """Return every item bought or listed by anyone, so that all are judged by the same catalogue."""
    return np.concatenate([bought.to_numpy(), *(table["item"].to_numpy() for table in tables.values())])
