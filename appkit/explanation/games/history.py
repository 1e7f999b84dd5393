"""Histories as a game: each interaction of a user's past happened, or never did."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from appkit.explanation.games.inputs import model_input
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.games.tensor import Network, TensorGame
from appkit.explanation.layouts import HistoryLayout
from appkit.model.evaluating import evaluating

__all__ = ["history_game"]

_BATCH = 256  # parts are many and small, and each fills its last batch up


def history_game(
    score: Any,
    histories: Sequence[Sequence[int]],
    *,
    pad: int = 0,
    length: int | None = None,
    n_recent: int | None = None,
    item_names: Mapping[int, str] | Sequence[str] | None = None,
    output_names: Sequence[str] = ("score",),
    outputs: Sequence[int] | np.ndarray | None = None,
    units: str = "value",
    batch_size: int | None = None,
) -> RaggedGame:
    """Return the game of a recommender whose players are the interactions of each user's history.

    An absent interaction never happened: the others close ranks, in their order, and the model sees a shorter history.
    So there is no background. The empty coalition is a user of whom nothing is known. An item that comes twice is two
    interactions.

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
        Explain only so many of the latest interactions. Older ones are always present, so ``output`` is still what the
        model says, and ``base_value`` what it says knowing the older ones only. ``None`` explains all.
    item_names
        Name of each item id, for the reader; ``None`` shows ids.
    output_names
        One per output explained.
    outputs
        Positions of the outputs to explain (of the scores of all items, say), or int ``(n_histories, n_outputs)`` for
        each user's own, such as the item advised; ``None`` means all.
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
        If a history is empty, or holds the padding id or anything but integers, if an item has no name, or if ``score``
        has no finite answer to the empty history.

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
    n_players = np.array([len(own) if n_recent is None else min(len(own), n_recent) for own in ids])
    padded = _padded_on_the_left(ids, pad=pad)
    given = model_input(score, padded.dtype, to_tensor=None, default=_as_tensor)
    compacted = _Compacted(given.network, pad=pad, length=padded.shape[1] if length is None else length)
    nothing = given.as_tensor(np.full_like(padded[:1], pad))
    if any(len(own) == n for own, n in zip(ids, n_players, strict=True)):
        _check_empty_history(compacted, nothing)
    items, names = _shown(ids, n_players, item_names)
    chosen = None if outputs is None else np.asarray(outputs)

    def part(rows: np.ndarray) -> TensorGame:
        n = int(n_players[rows[0]])
        return TensorGame(
            compacted,
            given.as_tensor(padded[rows]),
            nothing,
            players=(torch.arange(padded.shape[1]) + n - padded.shape[1]).clamp(min=-1),
            player_names=[f"interaction {i + 1}" for i in range(n)],
            output_names=output_names,
            units=units,
            outputs=chosen[rows] if chosen is not None and chosen.ndim == 2 else chosen,
            shown=items[rows, :n],
            layout=HistoryLayout(items=items[rows, :n]),
            batch_size=_BATCH if batch_size is None else batch_size,
        )

    rows = tuple(np.flatnonzero(n_players == n) for n in np.unique(n_players))
    return RaggedGame(rows, tuple(map(part, rows)), names=names, layout=HistoryLayout(items=items))


class _Compacted(nn.Module):
    """Asks about histories with holes as if what is missing never happened."""

    def __init__(self, score: Network, *, pad: int, length: int) -> None:
        super().__init__()
        self.score = score
        self.pad = pad
        self.length = length

    def forward(self, ids: Tensor) -> Tensor:
        """Return the scores of int64 ``(n, n_ids)``, padding anywhere among the ids."""
        happened = ids != self.pad
        in_order = happened.byte().argsort(dim=1, stable=True)  # padding first, the rest in its order
        ids = ids.gather(1, in_order)[:, -self.length :]
        return self.score(F.pad(ids, (self.length - ids.shape[1], 0), value=self.pad))


def _as_tensor(ids: np.ndarray) -> Tensor:
    return torch.from_numpy(ids.copy())


def _checked_histories(histories: Sequence[Sequence[int]], *, pad: int) -> list[np.ndarray]:
    ids = [_checked_history(history, row, pad=pad) for row, history in enumerate(histories)]
    if not ids:
        raise ValueError("histories must hold at least one history, got none.")
    return ids


def _checked_history(history: Sequence[int], row: int, *, pad: int) -> np.ndarray:
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
def _check_empty_history(compacted: _Compacted, padding: Tensor) -> None:
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


def _shown(
    ids: Sequence[np.ndarray], n_players: np.ndarray, item_names: Mapping[int, str] | Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the items explained and their names, object ``(n_histories, most_players)`` each, ``None`` past the last.

    The second of a kind is named ``"tea (2)"``, so that a plot has a place for each.
    """
    items = np.full((len(ids), n_players.max()), None, dtype=object)
    names = items.copy()
    for row, (own, n) in enumerate(zip(ids, n_players, strict=True)):
        shown = [_item_name(item, item_names) for item in own[-n:].tolist()]
        items[row, :n] = shown
        names[row, :n] = [
            f"{item} ({shown[: place + 1].count(item)})" if item in shown[:place] else str(item)
            for place, item in enumerate(shown)
        ]
    return items, names


def _item_name(item: int, names: Mapping[int, str] | Sequence[str] | None) -> object:
    if names is None:
        return item
    try:
        if item < 0 and not isinstance(names, Mapping):
            raise IndexError(item)  # or the last would lend its name
        return names[item]
    except (KeyError, IndexError) as error:
        raise ValueError(f"item_names must name every item of the histories, {item} is missing.") from error
