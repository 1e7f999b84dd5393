"""Advice of a fitted recommender as a game: each item of a user's history was bought, or never."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation.games.history import history_game
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.history_advice import (
    AdvisedCases,
    ExplainableRecommender,
    Listed,
    advice_of,
    advised_cases,
    item_labels,
)
from appkit.explanation.layouts import Advice, HistoryLayout

__all__ = ["RECENT_ITEMS", "advice_game", "recommender_game"]

RECENT_ITEMS = 50
"""How many of the latest items of a history are explained where coalitions must be sampled."""

_SCORES_AT_ONCE = 2**24
_LEAST_BATCH, _MOST_BATCH = 64, 256


def recommender_game(
    model: ExplainableRecommender,
    X: pd.DataFrame,
    *,
    k: int = 10,
    filter_seen: bool | None = None,
    candidates: Iterable[Any] | None = None,
    exclude: Iterable[Any] | None = None,
    n_recent: int | None = None,
    batch_size: int | None = None,
) -> RaggedGame:
    """Return the game of advice: players are the distinct items of a history, the output is what holds the advice.

    A player is an item with all its purchases: present as they were, or never bought, whereupon the others close ranks.
    The output is the margin of the item advised over the k-th best of the others that may be advised, by the whole
    history: of an item on the list the one at rank ``k + 1``. Both stay the same whatever is left out, so a margin
    below 0 says that this other item would have come before it. The base value is the margin for somebody of whom
    nothing is known.

    Parameters
    ----------
    model
        Fitted ``InteractionRecommender``, or anything with ``item_scorer`` and ``histories``.
    X
        One row per advice: columns of users and items; without items each user's first advice.
    k
        Length of the list.
    filter_seen
        Whether items already taken are left out of it; ``None`` means as the model was fitted. To explain the advice of
        an item taken before pass False.
    candidates, exclude
        Raw ids of the only items that may be advised, and of those that may not, as in ``recommend``.
    n_recent
        Explain so many of the items bought last; older ones are always present. ``None`` means all where the model adds
        up over the history, else 50.
    batch_size
        Histories per call, a power of two from 64 on; ``None`` chooses by the number of items.

    Raises
    ------
    SchemaError
        Naming users and items that cannot be explained: unknown ones, users without a history, items already taken or
        not to be advised, or fewer than ``k`` others to hold one against.
    ValueError
        If a parameter is out of range.
    """
    listed = Listed(k=k, filter_seen=filter_seen, candidates=candidates, exclude=exclude)
    return advice_game(advised_cases(model, X, listed=listed), model, n_recent=n_recent, batch_size=batch_size)


def advice_game(
    cases: AdvisedCases,
    model: ExplainableRecommender,
    *,
    n_recent: int | None = None,
    batch_size: int | None = None,
) -> RaggedGame:
    """Return the game of advice that was read before; see :func:`recommender_game`."""
    if n_recent is None and not cases.scorer.is_additive:
        n_recent = RECENT_ITEMS
    advice = advice_of(cases, model)
    labels = item_labels(model, np.unique(np.concatenate(cases.histories)).tolist())
    game = history_game(
        cases.scorer,
        cases.histories,
        pad=cases.scorer.n_items,
        players="items",
        n_recent=n_recent,
        item_names=labels,
        outputs=cases.items[:, None],
        against=cases.rivals[:, None],
        output_names=(_output_name(advice),),
        batch_size=_batch_size(cases.scorer.n_items) if batch_size is None else batch_size,
    )
    layout = game.layout
    assert isinstance(layout, HistoryLayout)
    note = _note_on_older(cases.histories, game.names, n_recent)
    return replace(game, layout=_with_advice(layout, advice, raw=model.items_.values), note=note)


def _with_advice(layout: HistoryLayout, advice: Advice, *, raw: np.ndarray) -> HistoryLayout:
    """Return the layout with ids as the user of the model knows them, not codes."""
    assert layout.ids is not None
    ids = np.full(layout.ids.shape, None, dtype=object)
    is_there = layout.items != None  # noqa: E711 - elementwise
    ids[is_there] = raw[layout.ids[is_there].astype(np.int64)]
    return replace(layout, ids=ids, advice=advice)


def _output_name(advice: Advice) -> str:
    pairs = set(zip(advice.item_names, advice.rival_names, strict=True))
    if len(pairs) == 1:
        item, rival = pairs.pop()
        return f"margin of {item} over {rival}"
    return f"margin over the item at rank {advice.k + 1}"


def _note_on_older(histories: Sequence[np.ndarray], names: np.ndarray, n_recent: int | None) -> str:
    """Return what is always present, in a sentence; empty where everything is explained."""
    if n_recent is None:
        return ""
    explained = (names != None).sum(1)  # noqa: E711 - elementwise
    n_longer = sum(len(np.unique(own)) > n for own, n in zip(histories, explained, strict=True))
    if not n_longer:
        return ""
    rows = "1 history" if n_longer == 1 else f"{n_longer} histories"
    return f"Of {rows} the {n_recent} items bought last are explained; older ones are always present."


def _batch_size(n_items: int) -> int:
    """Return a power of two that keeps the scores of a call in some 64 MB, where 64 histories allow it."""
    fitting = 1 << max(0, (_SCORES_AT_ONCE // max(n_items, 1)).bit_length() - 1)
    return min(_MOST_BATCH, max(_LEAST_BATCH, fitting))
