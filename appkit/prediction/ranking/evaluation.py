"""Accuracy and variety of recommendations, ours or anyone's, from tables of raw ids."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.ids import Ids
from appkit.exceptions import SchemaError
from appkit.prediction.estimate import Estimate
from appkit.prediction.ranking.accuracy import ACCURACY, accuracy_by_user
from appkit.prediction.ranking.lists import (
    Pairs,
    RankedLists,
    check_same_kind,
    distinct,
    read_catalogue,
    read_lists,
    read_pairs,
)
from appkit.prediction.ranking.means import Redraws, mean_estimates, quotient_estimate
from appkit.prediction.ranking.notes import notes_on
from appkit.prediction.ranking.similarity import ItemSimilarity
from appkit.prediction.ranking.variety import (
    VARIETY,
    catalogue_coverage,
    gini,
    list_diversity,
    popularity_by_user,
)

__all__ = ["RankingResult", "evaluate_ranking"]


@dataclass(frozen=True, eq=False)
class RankingResult:
    """What lists of advice are worth, user by user and on average.

    Parameters
    ----------
    k
        Places looked at.
    per_user
        One row per user with relevant items, by raw id: ``n_relevant``, ``n_listed`` (places filled, 0 without a list)
        and a column per measure. NaN where the user has no list to be novel, or no history to compare with.
    estimates
        By measure, each with its interval. Accuracy is a mean over all users of ``per_user``, the rest over those who
        have a list.
    truth
        The relevant pairs.
    found_at
        int64 ``(n_pairs,)``: the rank at which each of them is listed; 0 if it is not among the first ``k``.
    notes
        What was measured, in sentences: who was left out, who counts 0, what became of items had before.
    """

    k: int
    per_user: pd.DataFrame
    estimates: dict[str, Estimate]
    truth: Pairs
    found_at: np.ndarray
    notes: tuple[str, ...]

    @property
    def n_without_list(self) -> int:
        """Users with relevant items and no list; they count 0."""
        return int((self.per_user["n_listed"] == 0).sum())

    def vector(self, measure: str) -> np.ndarray:
        """Return one measure by user, float64 ``(n_users,)``, in the order of ``per_user``."""
        if measure not in self.per_user.columns:
            offered = ", ".join(name for name in self.estimates if name in self.per_user.columns)
            raise ValueError(f"measure must be one of {offered}, got {measure!r}.")
        return self.per_user[measure].to_numpy(dtype=np.float64)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per measure: value, low, high, users and how the interval was made."""
        rows = {
            estimate.name: (estimate.value, estimate.low, estimate.high, estimate.n, estimate.method)
            for estimate in self.estimates.values()
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high", "n", "interval"])

    def __str__(self) -> str:
        return "\n".join([*map(str, self.estimates.values()), *self.notes])


def evaluate_ranking(
    recommended: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    k: int = 10,
    user: str = "user",
    item: str = "item",
    train: pd.DataFrame | None = None,
    seen: Literal["counted", "left out"] = "counted",
    catalogue: Iterable[Any] | None = None,
    n_items: int | None = None,
    similarity: ItemSimilarity | None = None,
    label: str = "",
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> RankingResult:
    """Return accuracy and variety of ranked lists, each figure with an interval by redrawing users.

    Lists must be drawn from the whole catalogue. Ranking the relevant item among a few sampled others is not offered:
    such figures are inconsistent with the full ranking, so that even the order of two models can turn around (Krichene
    and Rendle, 2020), and ranking everything is affordable.

    Users without relevant items are left out, because nothing can be found for them. Users without a list count 0: to
    leave them out would reward a model for silence. ``notes`` tell how many there are of both.

    Parameters
    ----------
    recommended
        Columns user, item and rank (1 is best, no holes), raw ids; only the first ``k`` places count.
    truth
        What users took afterwards, in columns ``user`` and ``item``; rows that repeat a pair count once.
    k
        Places looked at.
    user, item
        Columns of ``truth`` and ``train``.
    train
        What users had before, such as the table the model was fitted on. With it come novelty and popularity, and the
        catalogue where none is given.
    seen
        Whether pairs of ``train`` are relevant too: ``"counted"`` where buying again is a right answer, ``"left out"``
        where lists hold new items only (it needs ``train``).
    catalogue
        Raw ids of all items that may be advised; by default those of ``train`` and of the lists.
    n_items
        Their number, where the ids are not at hand.
    similarity
        Of items; with it comes the diversity within lists.
    label
        How the data were split, such as the ``label`` of a split; it becomes a note.
    n_resamples, random_state
        Of the bootstrap.

    Raises
    ------
    SchemaError
        If a table lacks a column, a list is not ranked 1, 2, 3, ..., holds an item twice or one from outside the
        catalogue.
    ValueError
        If no user of ``truth`` has a list, or nothing is relevant.

    Examples
    --------
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "item": ["tea", "cup", "tea", "mug"], "rank": [1, 2, 1, 2]})
    >>> taken = pd.DataFrame({"user": [1, 1, 3], "item": ["cup", "jug", "tea"]})
    >>> result = evaluate_ranking(lists, taken, k=2)
    >>> result.per_user[["n_relevant", "n_listed", "recall", "hit_rate"]]
          n_relevant  n_listed  recall  hit_rate
    user
    1              2         2     0.5       1.0
    3              1         0     0.0       0.0
    >>> result.notes[1]
    '1 of 2 users has no list and counts 0.'
    """
    lists = read_lists(recommended, k=k)
    truth_pairs = read_pairs(truth, user=user, item=item, of="truth")
    had = None if train is None else read_pairs(train, user=user, item=item, of="train")
    _check_kinds(lists, truth_pairs, had)
    relevant = _relevant(truth_pairs, had, seen)
    shop = _catalogue(lists, catalogue, had)
    places = lists.places_of(relevant.users)
    if not (places >= 0).any():
        raise ValueError(_no_list(lists, relevant))
    draws = Redraws(n_resamples, random_state)
    per_user, found_at = _accuracy(places, lists, relevant)
    accuracy = mean_estimates({f"{ACCURACY[measure]}@{k}": per_user[measure] for measure in ACCURACY}, draws=draws)
    if had is not None:
        per_user |= popularity_by_user(places, lists.items, users=relevant.users, train=had, catalogue=shop)
    if similarity is not None:
        per_user["diversity"] = list_diversity(places, lists.items, similarity=similarity)
    size = n_items if n_items is not None or shop is None else len(shop)
    counts = {"n_relevant": relevant.n_items_of, "n_listed": (places >= 0).sum(axis=1)}
    n_dropped = len(truth_pairs) - len(relevant)
    return RankingResult(
        k=k,
        per_user=pd.DataFrame(counts | per_user, index=pd.Index(relevant.users.values, name=user)),
        estimates=dict(zip(ACCURACY, accuracy, strict=True)) | _exposure(places, size) | _variety(per_user, draws),
        truth=relevant,
        found_at=found_at,
        notes=notes_on(places, lists, relevant, had=had, seen=seen, n_dropped=n_dropped, label=label),
    )


def _check_kinds(lists: RankedLists, truth: Pairs, had: Pairs | None) -> None:
    tables: dict[str, RankedLists | Pairs] = {"recommended": lists, "truth": truth}
    if had is not None:
        tables["train"] = had
    check_same_kind({name: table.users for name, table in tables.items()}, column="user")
    check_same_kind({name: table.items for name, table in tables.items()}, column="item")


def _relevant(truth: Pairs, had: Pairs | None, seen: str) -> Pairs:
    """Return the pairs that count."""
    if seen not in ("counted", "left out"):
        raise ValueError(f"seen must be 'counted' or 'left out', got {seen!r}.")
    if seen == "left out" and had is None:
        raise ValueError("seen='left out' needs train, to know what users had before.")
    for name, pairs in (("truth", truth), ("train", had)):
        if pairs is not None and not len(pairs):
            raise ValueError(f"{name} must have at least one pair of user and item, got none.")
    if seen == "counted" or had is None:
        return truth
    is_new = had.find(truth.users, truth.items, user=truth.user, item=truth.item) < 0
    if not is_new.any():
        raise ValueError("truth must have a pair that is not in train, got none. Use seen='counted'.")
    return truth.take(is_new)


def _catalogue(lists: RankedLists, catalogue: Iterable[Any] | None, had: Pairs | None) -> Ids | None:
    if catalogue is None:
        return None if had is None else distinct(np.concatenate([had.items.values, lists.items.values]))
    shop = read_catalogue(catalogue)
    codes = shop.codes(lists.items.values, column="item")
    if (codes < 0).any():
        other = lists.items.values[codes < 0]
        raise SchemaError(
            f"recommended must hold items of the catalogue only, got {len(other)} others (first: {shown(other[0])})."
        )
    return shop


def _accuracy(places: np.ndarray, lists: RankedLists, relevant: Pairs) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return each user's accuracy by measure, and the rank at which each relevant pair is listed."""
    row = np.broadcast_to(np.arange(len(places))[:, None], places.shape)
    pair = relevant.find(relevant.users, lists.items, user=row, item=places)
    hits = pair >= 0
    found_at = np.zeros(len(relevant), dtype=np.int64)
    found_at[pair[hits]] = np.nonzero(hits)[1] + 1
    return accuracy_by_user(hits, relevant.n_items_of), found_at


def _exposure(places: np.ndarray, n_items: int | None) -> dict[str, Estimate]:
    """Return what share of the catalogue is shown, and how evenly, where its size is known."""
    if n_items is None:
        return {}
    return {"coverage": catalogue_coverage(places, n_items), "gini": gini(places, n_items)}


def _variety(per_user: dict[str, np.ndarray], draws: Redraws) -> dict[str, Estimate]:
    """Return the means over users who have what is measured."""
    found = {}
    for measure, bounds in (("novelty", (0.0, np.inf)), ("popular_share", (0.0, 1.0)), ("diversity", (0.0, 2.0))):
        if measure in per_user:
            known = {VARIETY[measure]: per_user[measure][~np.isnan(per_user[measure])]}
            (found[measure],) = mean_estimates(known, bounds=bounds, draws=draws)
    if "list_popularity" in per_user:
        advised, own = per_user["list_popularity"], per_user["history_popularity"]
        both = ~np.isnan(advised) & ~np.isnan(own)
        found["popularity_ratio"] = quotient_estimate(
            VARIETY["popularity_ratio"],
            advised[both],
            own[both],
            undefined="no user has both a list and a history",
            draws=draws,
        )
    return found


def _no_list(lists: RankedLists, relevant: Pairs) -> str:
    return (
        f"recommended must have a list for some user of truth, got none for {len(relevant.users):,} users "
        f"(truth has {shown(relevant.users.values[0])}; {len(lists.users):,} others have lists). "
        "Ask for the recommendations of these users."
    )
