"""Histories as a game: each interaction, or item, of a user's past happened, or never did."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.games.history_players import HistoryPlayers, ItemNames
from appkit.explanation.games.history_scores import HistoryGame, ShortenedHistories
from appkit.explanation.games.inputs import model_input
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.layouts import HistoryLayout
from appkit.model.evaluating import evaluating

__all__ = ["history_game"]

_BATCH = 256  # parts are many and small, and each fills its last batch up
_PLAYER = {"interactions": "interaction", "items": "item"}


def history_game(
    score: Any,
    histories: Sequence[Sequence[int]] | Sequence[np.ndarray],
    *,
    pad: int = 0,
    length: int | None = None,
    n_recent: int | None = None,
    players: str = "interactions",
    item_names: ItemNames = None,
    output_names: Sequence[str] = ("score",),
    outputs: Sequence[int] | np.ndarray | None = None,
    against: Sequence[int] | np.ndarray | None = None,
    units: str = "value",
    batch_size: int | None = None,
) -> RaggedGame:
    """Return the game of a recommender whose players are the interactions, or the items, of each user's history.

    An absent interaction never happened: the others close ranks, in their order, and the model sees a shorter history.
    So there is no background. The empty coalition is a user of whom nothing is known. An item that comes twice is two
    interactions, but one item.

    Parameters
    ----------
    score
        A ``torch.nn.Module`` that takes int64 item ids ``(n, length)``, filled up with ``pad`` on the left, on its own
        device, or anything else that can be called: it is asked with int64 arrays. Both answer ``(n,)`` or
        ``(n, n_outputs)``, also to a history that is all padding.
    histories
        Integer item ids of each user, oldest first, at least one each.
    pad
        Id that stands for no item.
    length
        Ids per row that ``score`` is asked with, the most recent ones: where a history is longer, leaving one
        interaction out lets an older one move up. ``None`` means the longest history; a fixed number makes answers
        independent, to the last bit, of whoever is explained along.
    n_recent
        Explain only so many of the latest players. Older ones are always present, so ``output`` is still what the model
        says, and ``base_value`` what it says knowing the older ones only. ``None`` explains all.
    players
        ``"interactions"``, or ``"items"``: all interactions with an item are one player, at the place of the latest,
        and an absent item was never bought at all. Of a module that ``is_additive`` such games are answered by
        ``method="linear"`` exactly, at two evaluations a row more than the endpoints.
    item_names
        Name of each item id, for the reader; ``None`` shows ids.
    output_names
        One per output explained.
    outputs
        Positions of the outputs to explain (of the scores of all items, say), or int ``(n_histories, n_outputs)`` for
        each user's own, such as the item advised; ``None`` means all.
    against
        Positions to subtract from ``outputs``, of the same shape: explains the margin of one item over another.
    units
        What the outputs are measured in.
    batch_size
        Model rows per call, a power of two from 64 on; ``None`` means 256.

    Returns
    -------
    RaggedGame
        One game per number of players, since histories differ in length.

    Raises
    ------
    ValueError
        If a history is empty, or holds the padding id or anything but integers, if an item has no name, if ``against``
        does not fit ``outputs``, or if ``score`` has no finite answer to the empty history.

    Notes
    -----
    Features of the user and of an item are a table, one row per pair:
    :func:`~appkit.explanation.game_from_callable` with a group of columns for each side of the pair.

    >>> import pandas as pd
    >>> from appkit.explanation import explain_game, game_from_callable
    >>> pairs = pd.DataFrame({"age": [30, 60], "city": ["Rome", "Oslo"], "price": [5.0, 9.0]})
    >>> bids = game_from_callable(
    ...     lambda rows: rows["age"] / rows["price"],
    ...     pairs,
    ...     pairs,
    ...     output_names=["score"],
    ...     players={"user": ["age", "city"], "item": ["price"]},
    ... )
    >>> explain_game(bids).player_names
    ('user', 'item')

    Examples
    --------
    >>> game = history_game(lambda ids: (ids == 7).any(1), [[7, 3], [3]], item_names={3: "tea", 7: "cup"})
    >>> game.names.tolist()
    [['cup', 'tea'], ['tea', None]]
    >>> [part.values(torch.ones(1, len(part.player_names), dtype=torch.bool)).item() for part in game.games]
    [0.0, 1.0]
    """
    ids = _checked_histories(histories, pad=pad)
    _check_positive("length", length)
    _check_positive("n_recent", n_recent)
    padded = _padded_on_the_left(ids, pad=pad)
    width = padded.shape[1]
    own = _players_of(players)(ids, length=width, n_recent=n_recent, item_names=item_names)
    given = model_input(score, padded.dtype, to_tensor=None, default=_as_tensor)
    network = ShortenedHistories(given.network, pad=pad, length=width if length is None else length)
    nothing = given.as_tensor(np.full_like(padded[:1], pad))
    if ((own.owner >= 0).sum(1) == [len(history) for history in ids]).any():
        _check_empty_history(network, nothing)
    chosen, subtracted = _per_history(outputs, against, n_histories=len(ids))

    def part(rows: np.ndarray) -> HistoryGame:
        n = int(own.n_players[rows[0]])
        return HistoryGame(
            network,
            given.as_tensor(padded[rows]),
            nothing,
            players=torch.from_numpy(own.owner[rows]),
            players_per_row=True,
            player_names=[f"{_PLAYER[players]} {i + 1}" for i in range(n)],
            output_names=output_names,
            units=units,
            outputs=chosen[rows] if chosen is not None and chosen.ndim == 2 else chosen,
            against=None if subtracted is None else subtracted[rows],
            is_of_items=players == "items",
            shown=own.items[rows, :n],
            layout=HistoryLayout(own.items[rows, :n], own.ids[rows, :n], own.counts[rows, :n]),
            batch_size=_BATCH if batch_size is None else batch_size,
        )

    rows = tuple(np.flatnonzero(own.n_players == n) for n in np.unique(own.n_players))
    layout = HistoryLayout(own.items, own.ids, own.counts)
    return RaggedGame(rows, tuple(map(part, rows)), names=own.names, layout=layout)


def _players_of(players: str) -> Callable[..., HistoryPlayers]:
    if players not in _PLAYER:
        raise ValueError(f"players must be one of {tuple(_PLAYER)}, got {players!r}.")
    return HistoryPlayers.of_interactions if players == "interactions" else HistoryPlayers.of_items


def _per_history(
    outputs: Sequence[int] | np.ndarray | None, against: Sequence[int] | np.ndarray | None, *, n_histories: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the outputs as an array, and those to subtract for every history, ``(n_histories, n_outputs)``."""
    chosen = None if outputs is None else np.asarray(outputs)
    if against is None:
        return chosen, None
    subtracted = np.asarray(against)
    is_whole = np.issubdtype(subtracted.dtype, np.integer) and subtracted.size > 0 and (subtracted >= 0).all()
    if chosen is None or subtracted.shape != chosen.shape or not is_whole:
        shape = None if chosen is None else chosen.shape
        raise ValueError(f"against must be positions from 0 on, of the shape of outputs, {shape}, got {against!r}.")
    return chosen, np.broadcast_to(np.atleast_2d(subtracted), (n_histories, subtracted.shape[-1]))


def _as_tensor(ids: np.ndarray) -> Tensor:
    return torch.from_numpy(ids.copy())


def _checked_histories(histories: Sequence[Any], *, pad: int) -> list[np.ndarray]:
    ids = [_checked_history(history, row, pad=pad) for row, history in enumerate(histories)]
    if not ids:
        raise ValueError("histories must hold at least one history, got none.")
    return ids


def _checked_history(history: Sequence[int] | np.ndarray, row: int, *, pad: int) -> np.ndarray:
    ids = np.asarray(history)
    if ids.ndim != 1 or len(ids) == 0:
        raise ValueError(
            f"Each history must be a sequence of at least one item id, got shape {ids.shape} in row {row}. "
            "Leave users without a history out."
        )
    if ids.dtype.kind not in "ui":
        raise ValueError(
            f"histories must hold integer item ids, as score takes them, got {ids.dtype} in row {row}. "
            "Number the items first and pass item_names=."
        )
    if (ids == pad).any():
        raise ValueError(f"No item may have the padding id {pad}, got one in row {row}. Choose another pad=.")
    return ids.astype(np.int64)


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1):
        raise ValueError(f"{name} must be an integer from 1 on or None, got {value!r}.")


@torch.no_grad()
def _check_empty_history(compacted: ShortenedHistories, padding: Tensor) -> None:
    with evaluating(compacted):
        answer = compacted(padding)
    if not answer.isfinite().all():
        raise ValueError(
            "score must answer a history that is all padding with finite numbers, got NaN or infinity. In an attention "
            "network let padding attend to itself, or answer what a user without a history is advised."
        )


def _padded_on_the_left(ids: Sequence[np.ndarray], *, pad: int) -> np.ndarray:
    padded = np.full((len(ids), max(map(len, ids))), pad, dtype=np.int64)
    for row, own in zip(padded, ids, strict=True):
        row[-len(own) :] = own
    return padded
