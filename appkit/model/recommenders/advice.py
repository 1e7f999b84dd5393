"""From scores to advice: the best items of many users, batch by batch."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from appkit.data.interactions import Interactions, pad_histories
from appkit.model.evaluating import evaluating
from appkit.model.recommenders.blend import standardised
from appkit.model.recommenders.scorer import ItemScorer
from appkit.model.recommenders.top_items import top_items

__all__ = ["Histories", "best_items", "blended_lists", "pair_scores", "scored_batches"]

_SCORES_AT_ONCE = 1 << 22  # 16 MiB of float32: larger pieces spend their time on new pages of memory
_USERS_AT_ONCE = 1_024


class Histories:
    """What each user took, oldest first, ready to be padded.

    Parameters
    ----------
    offsets
        int64 ``(n_users + 1,)``.
    item
        int64 ``(n_events,)``: codes.
    n_items
        Number of items, and the padding.
    """

    def __init__(self, offsets: np.ndarray, item: np.ndarray, n_items: int) -> None:
        self.offsets, self.item, self.n_items = offsets, item, n_items

    @classmethod
    def of(cls, data: Interactions) -> "Histories":
        """Return the histories of all users of ``data``."""
        return cls(data.offsets, data.item, data.n_items)

    def __getitem__(self, user: int) -> np.ndarray:
        return self.item[self.offsets[user] : self.offsets[user + 1]]

    def lengths(self, users: np.ndarray) -> np.ndarray:
        """Return the number of events of each user, int64; 0 of code -1."""
        return np.where(users >= 0, self.offsets[users + 1] - self.offsets[users], 0)

    def padded(self, users: np.ndarray) -> np.ndarray:
        """Return int64 ``(n, length)``, see :func:`~appkit.data.interactions.pad_histories`."""
        return pad_histories(self.offsets, self.item, users, pad=self.n_items)


@torch.no_grad()
def scored_batches(
    scorer: ItemScorer, histories: Histories, users: np.ndarray, *, device: str, features: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
    """Yield the places of some users, their padded histories and their scores, users of like history together.

    ``features``, float32 ``(n_users, width)`` in the order of ``users``, goes to scorers that look at users themselves.
    """
    order = np.argsort(histories.lengths(users), kind="stable")
    n_at_once = int(np.clip(_SCORES_AT_ONCE // max(histories.n_items, 1), 1, _USERS_AT_ONCE))
    with evaluating(scorer):
        for start in range(0, len(order), n_at_once):
            places = order[start : start + n_at_once]
            padded = torch.from_numpy(histories.padded(users[places])).to(device)
            if features is None:
                yield places, padded, scorer(padded)
            else:
                own = torch.from_numpy(features[places]).to(device)
                yield places, padded, scorer(padded, own)


def best_items(
    scorer: ItemScorer,
    histories: Histories,
    users: np.ndarray,
    *,
    k: int,
    filter_seen: bool,
    allowed: np.ndarray | None = None,
    device: str = "cpu",
    features: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` best items of each user and their scores, best first, equal scores by code.

    Parameters
    ----------
    scorer, histories
        The model, and what users took.
    users
        Codes, int64 ``(n,)``; -1 has no history.
    k
        Length of a list.
    filter_seen
        Whether items of the history are left out.
    allowed
        bool ``(n_items,)``: what may be advised; ``None`` means everything.
    device
        Where the scorer is.
    features
        As in :func:`scored_batches`.

    Returns
    -------
    tuple of numpy.ndarray
        int64 and float32 ``(n, k)``; -1 and NaN where fewer than ``k`` items are left.
    """
    items = np.full((len(users), k), -1, dtype=np.int64)
    scores = np.full((len(users), k), np.nan, dtype=np.float32)
    forbidden = None if allowed is None else torch.from_numpy(~allowed).to(device)
    for places, padded, batch in scored_batches(scorer, histories, users, device=device, features=features):
        if forbidden is not None:
            batch.masked_fill_(forbidden, -torch.inf)
        found, best = _listed(batch, padded, k=k, filter_seen=filter_seen)
        items[places, : found.shape[1]] = found
        scores[places, : found.shape[1]] = best
    return items, scores


def blended_lists(
    scorers: tuple[ItemScorer, ItemScorer],
    weights: Sequence[float],
    histories: Histories,
    users: np.ndarray,
    *,
    k: int,
    filter_seen: bool,
    device: str = "cpu",
) -> np.ndarray:
    """Return the lists of two scorers together by several weights of the second, int64 ``(n_weights, n, k)``.

    Scores are standardised as :class:`~appkit.model.recommenders.blend.BlendedScorer` does, once for all weights.
    """
    lists = np.full((len(weights), len(users), k), -1, dtype=np.int64)
    both = (scored_batches(scorer, histories, users, device=device) for scorer in scorers)
    for (places, padded, first), (_, _, second) in zip(*both, strict=True):
        own, other = standardised(first), standardised(second)
        for at, weight in enumerate(weights):
            found, _ = _listed((1 - weight) * own + weight * other, padded, k=k, filter_seen=filter_seen)
            lists[at, places, : found.shape[1]] = found
    return lists


def _listed(batch: Tensor, padded: Tensor, *, k: int, filter_seen: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the best items and their scores, -1 and NaN where none is left; writes in ``batch``."""
    n_items = batch.shape[1]
    if filter_seen:
        rows, columns = (padded != n_items).nonzero(as_tuple=True)
        batch[rows, padded[rows, columns]] = -torch.inf
    best, found = top_items(batch, min(k, n_items))
    is_left = best > -torch.inf
    return found.masked_fill(~is_left, -1).cpu().numpy(), best.masked_fill(~is_left, torch.nan).cpu().numpy()


def pair_scores(
    scorer: ItemScorer,
    histories: Histories,
    users: np.ndarray,
    place_of: np.ndarray,
    items: np.ndarray,
    *,
    device: str = "cpu",
    features: np.ndarray | None = None,
) -> np.ndarray:
    """Return the score of each pair, float32 ``(n_pairs,)``; ``place_of`` says which of ``users`` a pair is of."""
    answers = np.empty(len(items), dtype=np.float32)
    pairs = np.argsort(place_of, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(place_of, minlength=len(users)))])
    for places, _, batch in scored_batches(scorer, histories, users, device=device, features=features):
        own = [pairs[bounds[place] : bounds[place + 1]] for place in places]
        rows = np.repeat(np.arange(len(places)), [len(part) for part in own])
        asked = np.concatenate(own)
        answers[asked] = batch.cpu().numpy()[rows, items[asked]]
    return answers
