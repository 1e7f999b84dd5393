"""The baseline of every shop: everyone is advised what most customers have."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.ids import read_ids
from appkit.prediction.ranking.lists import check_cutoff, read_pairs

__all__ = ["popular_lists"]

_CHUNK = 4096


def popular_lists(
    train: pd.DataFrame,
    users: Iterable[Any],
    k: int = 10,
    *,
    new_only: bool = False,
    user: str = "user",
    item: str = "item",
) -> pd.DataFrame:
    """Return the ``k`` items that most users have, for each of these users; ties go to the smaller id.

    Parameters
    ----------
    train
        What users had, columns ``user`` and ``item``; buying again counts once.
    users
        Raw ids, known or not.
    k
        Places.
    new_only
        Whether items the user had are passed over.
    user, item
        Columns of ``train``.

    Returns
    -------
    pandas.DataFrame
        Columns user, item and rank.

    Examples
    --------
    >>> before = pd.DataFrame({"user": [1, 2, 2, 3], "item": ["tea", "tea", "cup", "tea"]})
    >>> popular_lists(before, [1, 9], 1, new_only=True)
       user item  rank
    0     1  cup     1
    1     9  tea     1
    """
    check_cutoff(k)
    had = read_pairs(train, user=user, item=item, of="train")
    asked = pd.unique(read_ids(users if isinstance(users, pd.Series | np.ndarray) else list(users), column="users"))
    codes = had.users.codes(asked, column="users")
    best = np.argsort(-had.n_users_of, kind="stable")
    if new_only:
        longest = int(np.append(had.n_items_of, 0)[codes].max(initial=0))
        best = best[: k + longest]
    else:
        best = best[:k]
    chunks = [
        _chosen(had.find(had.users, had.items, user=part[:, None], item=best[None, :]) >= 0, k, new_only=new_only)
        for part in np.split(codes, range(_CHUNK, len(codes), _CHUNK))
    ]
    row, place, rank = (np.concatenate(parts) for parts in zip(*_offset(chunks), strict=True))
    return pd.DataFrame({"user": asked[row], "item": had.items.values[best[place]], "rank": rank})


def _chosen(is_had: np.ndarray, k: int, *, new_only: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return user, place among the popular items and rank of what is advised."""
    offered = ~is_had if new_only else np.ones_like(is_had)
    rank = np.cumsum(offered, axis=1)
    row, place = np.nonzero(offered & (rank <= k))
    return row, place, rank[row, place]


def _offset(chunks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, ...]]:
    return [(row + number * _CHUNK, place, rank) for number, (row, place, rank) in enumerate(chunks)]
