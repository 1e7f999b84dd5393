"""What lists are like besides accurate: how much of the catalogue they show, how new, how mixed, how popular."""

import numpy as np

from appkit.data.ids import Ids
from appkit.prediction.estimate import Estimate
from appkit.prediction.ranking.lists import Pairs
from appkit.prediction.ranking.similarity import ItemSimilarity

__all__ = ["VARIETY", "catalogue_coverage", "gini", "list_diversity", "popularity_by_user"]

VARIETY = {
    "coverage": "Catalogue coverage",
    "gini": "Gini of exposure",
    "novelty": "Novelty in bits",
    "popular_share": "Share of popular items",
    "popularity_ratio": "Popularity against history",
    "diversity": "Diversity within lists",
}
"""Measures and how they are written."""

_CHUNK = 4096  # users: keeps the gathered vectors in memory


def catalogue_coverage(places: np.ndarray, n_items: int) -> Estimate:
    """Return the share of the catalogue that is on at least one list; it grows with the number of lists.

    A count over these lists, not an estimate for other users: it has no interval to speak of.

    Parameters
    ----------
    places
        int64 ``(n_users, k)``, -1 for none.
    n_items
        Items that may be advised.

    Examples
    --------
    >>> catalogue_coverage(np.array([[0, 1], [1, -1]]), 8).value
    0.25
    """
    n_shown = np.count_nonzero(_exposure(places, n_items))
    return _counted(VARIETY["coverage"], float(n_shown / n_items), len(places))


def gini(places: np.ndarray, n_items: int) -> Estimate:
    """Return how unequally the catalogue is advised: 0 all items alike, towards 1 few items only.

    It is the Gini coefficient of how many lists each item is on, items on none included, as Fleder and Hosanagar (2009)
    measure concentration. A count over these lists, as :func:`catalogue_coverage`.

    Examples
    --------
    >>> gini(np.array([[0, 1], [1, 0]]), 4).value
    0.5
    """
    counts = np.sort(_exposure(places, n_items))
    order = 2 * np.arange(1, n_items + 1) - n_items - 1
    return _counted(VARIETY["gini"], float(order @ counts / (n_items * counts.sum())), len(places))


def popularity_by_user(
    places: np.ndarray, items: Ids, *, users: Ids, train: Pairs, catalogue: Ids | None = None
) -> dict[str, np.ndarray]:
    """Return how popular each user's list and history are, float64 ``(n_users,)``; NaN for an empty one.

    ``novelty`` is the mean of -log2 of the share of users who have the item, in bits (Zhou et al., 2010; Vargas and
    Castells, 2011); an item nobody has counts as if one user had it. ``popular_share`` is the share of the list among
    the most popular tenth of the catalogue: the short head of Abdollahpouri, Burke and Mobasher (2017, 2019), who
    report the rest. ``list_popularity`` and ``history_popularity`` are the mean share of users who have the items of
    the list, and of the user's own history: the group averages of Abdollahpouri et al. (2019) are their means.

    Parameters
    ----------
    places
        int64 ``(n_users, k)``: codes of ``items``, -1 for none.
    items
        Raw ids on the lists.
    users
        Raw ids of the users, in the order of ``places``.
    train
        What users had, by which popularity is counted: in users, not in purchases.
    catalogue
        Items that may be advised, whose tenth is the popular one; by default those of ``train``.
    """
    codes = np.append(train.items.codes(items.values, column="item"), -1)[places]
    n_users_of = np.append(train.n_users_of, 0)
    share = n_users_of / len(train.users)
    listed = places >= 0
    information = -np.log2(np.maximum(n_users_of, 1) / len(train.users))
    is_popular = np.append(_most_popular(train, train.items if catalogue is None else catalogue), False)
    user = train.users.codes(users.values, column="user")
    by_user = np.bincount(train.user, weights=share[train.item], minlength=len(train.users)) / train.n_items_of
    return {
        "novelty": _list_mean(information[codes], listed),
        "popular_share": _list_mean(is_popular[codes], listed),
        "list_popularity": _list_mean(share[codes], listed),
        "history_popularity": np.where(user >= 0, by_user[user], np.nan),
    }


def list_diversity(places: np.ndarray, items: Ids, *, similarity: ItemSimilarity) -> np.ndarray:
    """Return the mean of 1 - similarity over the pairs of each list, float64 ``(n_users,)``; NaN for less than a pair.

    Smyth and McClave (2001) and, as intra-list similarity, Ziegler et al. (2005).

    Examples
    --------
    >>> alike = ItemSimilarity.of_categories({"cup": "kitchen", "mug": "kitchen", "tea": "food"})
    >>> list_diversity(np.array([[0, 1, 2]]), Ids.of(["cup", "mug", "tea"]), similarity=alike)
    array([0.66666667])
    """
    listed = places >= 0
    codes = np.zeros_like(places)
    codes[listed] = similarity.known(items.values)[places[listed]]
    chunks = [
        _diversity(codes[start : start + _CHUNK], listed[start : start + _CHUNK], similarity)
        for start in range(0, len(places), _CHUNK)
    ]
    return np.concatenate(chunks) if chunks else np.empty(0)


def _diversity(codes: np.ndarray, listed: np.ndarray, similarity: ItemSimilarity) -> np.ndarray:
    total, n_pairs = np.zeros(len(codes)), np.zeros(len(codes))
    for place in range(codes.shape[1] - 1):
        both = listed[:, place, None] & listed[:, place + 1 :]
        apart = 1.0 - similarity.between(codes[:, place], codes[:, place + 1 :])
        total += (apart * both).sum(axis=1)
        n_pairs += both.sum(axis=1)
    return np.divide(total, n_pairs, out=np.full(len(codes), np.nan), where=n_pairs > 0)


def _exposure(places: np.ndarray, n_items: int) -> np.ndarray:
    """Return on how many lists each item of the catalogue is, int64 ``(n_items,)``, in no order."""
    listed = np.bincount(places[places >= 0])
    counts = listed[listed > 0]
    if len(counts) > n_items:
        raise ValueError(f"n_items must count the whole catalogue, got {n_items}: the lists hold {len(counts)} items.")
    return np.concatenate([counts, np.zeros(n_items - len(counts), dtype=np.int64)])


def _most_popular(train: Pairs, catalogue: Ids) -> np.ndarray:
    """Return which items of ``train`` are the most popular tenth of the catalogue; ties go to the smaller id. Bool."""
    counts = np.where(catalogue.codes(train.items.values, column="item") >= 0, train.n_users_of, 0)
    popular = np.zeros(len(counts), dtype=bool)
    popular[np.argsort(-counts, kind="stable")[: max(1, len(catalogue) // 10)]] = True
    return popular & (counts > 0)


def _list_mean(values: np.ndarray, listed: np.ndarray) -> np.ndarray:
    n_listed = listed.sum(axis=1)
    total = (values * listed).sum(axis=1)
    return np.divide(total, n_listed, out=np.full(len(listed), np.nan), where=n_listed > 0)


def _counted(name: str, value: float, n: int) -> Estimate:
    return Estimate(name, value, value, value, method="counted over these lists", n=n)
