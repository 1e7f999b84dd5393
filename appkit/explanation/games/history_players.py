"""Who the players of a history are: its interactions one by one, or its distinct items with all their purchases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["HistoryPlayers", "ItemNames", "distinct_players"]

ItemNames = Mapping[int, str] | Sequence[str] | None


@dataclass(frozen=True, eq=False)
class HistoryPlayers:
    """The players of each history, oldest first.

    Parameters
    ----------
    owner
        int64 ``(n_histories, length)``: player of each place of the padded history, -1 for padding and for what is
        always present.
    n_players
        int64 ``(n_histories,)``.
    ids
        object ``(n_histories, most_players)``: item of each player, ``None`` past the last.
    counts
        int64, same shape: how often the item comes in what the player stands for.
    items, names
        object, same shape: items as the reader knows them, and names of the players.
    """

    owner: np.ndarray
    n_players: np.ndarray
    ids: np.ndarray
    counts: np.ndarray
    items: np.ndarray
    names: np.ndarray

    @classmethod
    def of_interactions(
        cls, histories: Sequence[np.ndarray], *, length: int, n_recent: int | None, item_names: ItemNames
    ) -> "HistoryPlayers":
        """Return the latest interactions as players; the second of an item is named ``"tea (2)"``."""
        owners, own = [], []
        for history in histories:
            n = len(history) if n_recent is None else min(len(history), n_recent)
            owners.append((np.arange(length) + n - length).clip(min=-1))
            own.append(history[-n:])
        names = []
        for items in own:
            shown = [_item_name(item, item_names) for item in items.tolist()]
            nth = [shown[: place + 1].count(item) for place, item in enumerate(shown)]
            names.append([f"{item} ({n})" if n > 1 else str(item) for item, n in zip(shown, nth, strict=True)])
        return cls._of(owners, own, [np.ones_like(items) for items in own], names, item_names=item_names)

    @classmethod
    def of_items(
        cls, histories: Sequence[np.ndarray], *, length: int, n_recent: int | None, item_names: ItemNames
    ) -> "HistoryPlayers":
        """Return distinct items as players, in order of their latest purchase; ``"tea (3 times)"`` stands for three."""
        owners, own, counts, names = [], [], [], []
        for history in histories:
            items, player = distinct_players(history, n_recent=n_recent)
            owners.append(np.concatenate([np.full(length - len(history), -1), player]))
            own.append(items)
            counts.append(np.bincount(player[player >= 0], minlength=len(items)))
            shown = [_item_name(item, item_names) for item in items.tolist()]
            names.append([f"{x} ({n} times)" if n > 1 else str(x) for x, n in zip(shown, counts[-1], strict=True)])
        return cls._of(owners, own, counts, names, item_names=item_names)

    @classmethod
    def _of(
        cls,
        owners: list[np.ndarray],
        own: list[np.ndarray],
        counts: list[np.ndarray],
        names: list[list[str]],
        *,
        item_names: ItemNames,
    ) -> "HistoryPlayers":
        n_players = np.array([len(items) for items in own])
        shown = [[_item_name(item, item_names) for item in items.tolist()] for items in own]
        padded_counts = _filled([count.tolist() for count in counts])
        return cls(
            owner=np.stack(owners),
            n_players=n_players,
            ids=_filled([items.tolist() for items in own]),
            counts=np.where(padded_counts == None, 0, padded_counts).astype(np.int64),  # noqa: E711 - elementwise
            items=_filled(shown),
            names=_filled(names),
        )


def distinct_players(history: np.ndarray, *, n_recent: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct items in order of their latest place, and the player of each place, -1 for older items.

    Examples
    --------
    >>> items, player = distinct_players(np.array([7, 3, 7, 5]))
    >>> items.tolist(), player.tolist()
    ([3, 7, 5], [1, 0, 1, 2])
    """
    sorted_items, from_the_end, place_of = np.unique(history[::-1], return_index=True, return_inverse=True)
    order = np.argsort(-from_the_end)
    n_left_out = 0 if n_recent is None else max(0, len(order) - n_recent)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - n_left_out
    return sorted_items[order[n_left_out:]], rank.clip(min=-1)[place_of.ravel()[::-1]]


def _filled(rows: Sequence[list]) -> np.ndarray:
    filled = np.full((len(rows), max(map(len, rows))), None, dtype=object)
    for row, own in zip(filled, rows, strict=True):
        row[: len(own)] = own
    return filled


def _item_name(item: int, names: ItemNames) -> object:
    if names is None:
        return item
    try:
        if item < 0 and not isinstance(names, Mapping):
            raise IndexError(item)  # or the last would lend its name
        return names[item]
    except (KeyError, IndexError) as error:
        raise ValueError(f"item_names must name every item of the histories, {item} is missing.") from error
