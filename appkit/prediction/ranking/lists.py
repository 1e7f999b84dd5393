"""Lists of advice and tables of what was taken, as codes that fit together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.ids import Ids, read_ids
from appkit.exceptions import SchemaError

__all__ = ["Pairs", "RankedLists", "read_lists", "read_pairs"]


@dataclass(frozen=True, eq=False)
class RankedLists:
    """The first k places of each user's list.

    Parameters
    ----------
    users, items
        Raw ids of those who have a list, and of what is on them.
    places
        int64 ``(n_users, k)``: item codes, the best first; -1 behind the end of a list.
    """

    users: Ids
    items: Ids
    places: np.ndarray

    @property
    def k(self) -> int:
        """Places looked at."""
        return self.places.shape[1]

    def places_of(self, users: Ids) -> np.ndarray:
        """Return the lists of these users, int64 ``(n_users, k)``; all -1 for one who has none."""
        codes = self.users.codes(users.values, column="user")
        places = np.full((len(codes), self.k), -1, dtype=np.int64)
        places[codes >= 0] = self.places[codes[codes >= 0]]
        return places


@dataclass(frozen=True, eq=False)
class Pairs:
    """Distinct pairs of user and item, by user, then item.

    Parameters
    ----------
    users, items
        Raw ids.
    user, item
        int64 ``(n_pairs,)``: codes; ``user`` never falls.
    """

    users: Ids
    items: Ids
    user: np.ndarray
    item: np.ndarray

    def __len__(self) -> int:
        return len(self.user)

    @property
    def n_items_of(self) -> np.ndarray:
        """Items of each user, int64 ``(n_users,)``."""
        return np.bincount(self.user, minlength=len(self.users))

    @property
    def n_users_of(self) -> np.ndarray:
        """Users of each item, int64 ``(n_items,)``."""
        return np.bincount(self.item, minlength=len(self.items))

    def find(self, users: Ids, items: Ids, *, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Return the place of each pair among these, int64 of the shape of ``item``; -1 where there is none."""
        asked_user = _translated(self.users, users, user, column="user")
        asked_item = _translated(self.items, items, item, column="item")
        if not len(self):
            return np.full(np.broadcast(asked_user, asked_item).shape, -1, dtype=np.int64)
        keys = self.user * len(self.items) + self.item
        asked = np.where((asked_user >= 0) & (asked_item >= 0), asked_user * len(self.items) + asked_item, -1)
        place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
        return np.where(keys[place] == asked, place, -1)

    def take(self, kept: np.ndarray) -> "Pairs":
        """Return the pairs where bool ``kept`` is true, with the users that are left."""
        left = np.flatnonzero(np.bincount(self.user[kept], minlength=len(self.users)))
        return Pairs(Ids(self.users.values[left]), self.items, np.searchsorted(left, self.user[kept]), self.item[kept])


def read_lists(recommended: pd.DataFrame, *, k: int) -> RankedLists:
    """Return the first ``k`` places of lists given as columns user, item and rank.

    Raises
    ------
    SchemaError
        If a column is missing, the ranks of a user are not 1, 2, 3, ... or an item is twice in a list.
    """
    check_cutoff(k)
    _check_columns(recommended, ("user", "item", "rank"), of="recommended")
    user, item = (read_ids(recommended[name], column=name) for name in ("user", "item"))
    (users, user_code), (items, item_code), rank = _coded(user), _coded(item), _ranks(recommended["rank"])
    order = np.lexsort((rank, user_code))
    user_code, item_code, rank = user_code[order], item_code[order], rank[order]
    _check_ranks(users, user_code, rank)
    _check_distinct(users, items, user_code, item_code)
    places = np.full((len(users), k), -1, dtype=np.int64)
    seen = rank <= k
    places[user_code[seen], rank[seen] - 1] = item_code[seen]
    return RankedLists(users, items, places)


def read_pairs(table: pd.DataFrame, *, user: str, item: str, of: str) -> Pairs:
    """Return the distinct pairs in two columns of ids; ``of`` names the table in messages."""
    _check_columns(table, (user, item), of=of)
    users, user_code = _coded(read_ids(table[user], column=user))
    items, item_code = _coded(read_ids(table[item], column=item))
    if not len(users):
        return Pairs(users, items, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    # sorting and comparing neighbours is several times faster than the hashing of np.unique
    keys = np.sort(user_code * len(items) + item_code)
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    return Pairs(users, items, keys // len(items), keys % len(items))


def distinct(ids: np.ndarray) -> Ids:
    """Return the distinct ones among ids that were read; text is hashed before it is sorted, which is much faster."""
    return Ids(np.sort(pd.unique(ids)))


def read_catalogue(catalogue: Iterable[Any]) -> Ids:
    """Return the distinct ids of a catalogue; ``ValueError`` if there are none."""
    given = catalogue if isinstance(catalogue, pd.Series | pd.Index | np.ndarray) else list(catalogue)  # keys of a dict
    items = distinct(read_ids(given, column="catalogue"))
    if not len(items):
        raise ValueError("catalogue must have at least one item, got none.")
    return items


def check_same_kind(tables: dict[str, Ids], *, column: str) -> None:
    """Raise ``SchemaError`` if one table holds text where another holds numbers; empty ones agree with all."""
    kinds = {name: ids for name, ids in tables.items() if len(ids)}
    text = [name for name, ids in kinds.items() if ids.is_text]
    numbers = [name for name, ids in kinds.items() if not ids.is_text]
    if text and numbers:
        quoted = [f"{shown(kinds[side[0]].values[0])} in {side[0]}" for side in (text, numbers)]
        raise SchemaError(
            f"Every table must name a {column} alike, got text ({quoted[0]}) and whole numbers ({quoted[1]}). "
            "Use .astype(str) or .astype(int)."
        )


def check_cutoff(k: int) -> None:
    """Raise ``ValueError`` unless ``k`` is a positive whole number."""
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
        raise ValueError(f"k must be a positive whole number of places, got {k!r}.")


def _coded(ids: np.ndarray) -> tuple[Ids, np.ndarray]:
    """Return the distinct ids and the code of each, int64; one pass, where ``Ids.codes`` would read all again."""
    codes, values = pd.factorize(ids, sort=True)
    return Ids(np.asarray(values)), codes.astype(np.int64)


def _translated(own: Ids, other: Ids, codes: np.ndarray, *, column: str) -> np.ndarray:
    """Return codes of ``other`` as codes of ``own``, -1 for what is unknown here."""
    table = np.append(own.codes(other.values, column=column), -1)  # code -1 reads the last place
    return table[codes]


def _check_columns(table: pd.DataFrame, names: tuple[str, ...], *, of: str) -> None:
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{of} must be a DataFrame with columns {', '.join(names)}, got {type(table).__name__}.")
    missing = [name for name in names if name not in table.columns]
    if missing:
        got = ", ".join(map(str, table.columns))
        raise SchemaError(f"{of} must have columns {', '.join(names)}, got {got}: {missing[0]!r} is missing.")


def _ranks(column: pd.Series) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~((numbers >= 1) & (numbers == np.round(numbers)))
    if wrong.any():
        row = int(wrong.argmax())
        raise SchemaError(
            f"Column 'rank' must hold whole numbers from 1, got {shown(column.iloc[row])} in row "
            f"{column.index[row]}. The best item has rank 1."
        )
    return numbers.astype(np.int64)


def _check_ranks(users: Ids, user: np.ndarray, rank: np.ndarray) -> None:
    first = np.searchsorted(user, np.arange(len(users)))
    wrong = rank != np.arange(len(user)) - first[user] + 1
    if wrong.any():
        row = int(wrong.argmax())
        raise SchemaError(
            f"Column 'rank' must count 1, 2, 3, ... within each user, got {rank[row]} where "
            f"{row - first[user[row]] + 1} is due for user {shown(users.values[user[row]])}. "
            "Number each list again after filtering it."
        )


def _check_distinct(users: Ids, items: Ids, user: np.ndarray, item: np.ndarray) -> None:
    keys = np.sort(user * len(items) + item)
    twice = keys[:-1][keys[1:] == keys[:-1]]
    if len(twice):
        name, listed = users.values[twice[0] // len(items)], items.values[twice[0] % len(items)]
        raise SchemaError(
            f"An item must come once in a list, got {shown(listed)} again for user {shown(name)}. Drop the duplicates."
        )
