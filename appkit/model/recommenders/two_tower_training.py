"""Train two towers: each history in part, the rest to be told from it; stopped on events held out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.data.interactions import Interactions, pad_histories
from appkit.model.recommenders.two_tower import TwoTowerScorer

__all__ = ["fit_two_tower"]

_WHOLE_CATALOGUE = 4_096
_HELD_OUT_SHARE = 0.1
_HIDDEN_SHARE = 0.3
_N_JUDGED_USERS = 2_000
_N_JUDGED_AT_ONCE = 250


def fit_two_tower(
    data: Interactions,
    *,
    item_features: np.ndarray | None = None,
    user_features: np.ndarray | None = None,
    n_factors: int = 64,
    n_hidden: int = 128,
    temperature: float = 0.1,
    dropout: float = 0.2,
    unknown_share: float = 0.2,
    max_history: int = 200,
    learning_rate: float = 3e-3,
    weight_decay: float = 0.01,
    batch_size: int = 128,
    max_epochs: int = 200,
    patience: int = 10,
    n_epochs: int | None = None,
    held_out: Interactions | None = None,
    deadline: float | None = None,
    random_state: int | None = None,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> TwoTowerScorer:
    """Train towers to tell the hidden part of each history from the rest of it.

    Small catalogues are judged whole. In large ones an item competes with what the other users of its batch had hidden;
    popular items are met there more often, which is put right by subtracting the logarithm of the chance to be met.

    Parameters
    ----------
    data
        Events.
    item_features, user_features
        float32 ``(n_items, width)`` and ``(n_users, width)``: encoded, of order 1, without NaN; ``None`` for none.
    n_factors, n_hidden, temperature, dropout
        As in :class:`TwoTowerScorer`.
    unknown_share
        Share of items whose own vector, and of users whose history, is left out of a step where there are features, so
        that features alone must do.
    max_history
        Most recent events of a user that are learnt from.
    learning_rate, weight_decay, batch_size, max_epochs, patience
        Of AdamW and early stopping on events held out; a batch counts users.
    n_epochs
        Epochs to run on all events, without stopping; ``None`` stops early.
    held_out
        Events to stop on, of the same users and items; ``None`` holds a tenth of the data out.
    deadline
        ``time.monotonic()`` value after which no further epoch starts; at least one is run.
    random_state
        Seed of weights, batches and held-out events; ``None`` draws anew. The global generator is left as found.
    device
        Where to compute; the scorer stays there.
    progress
        Called after each epoch with the number done and the most there can be.

    Returns
    -------
    TwoTowerScorer
        At its best epoch, whose number is in ``n_epochs``.

    Raises
    ------
    ValueError
        If features do not have one row per item or user, or are not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["cup", "tea", "cup", "tea", "saw"]})
    >>> kitchen = np.array([[1.0], [0.0], [1.0]], dtype=np.float32)
    >>> scorer = fit_two_tower(read_interactions(X), item_features=kitchen, max_epochs=2, random_state=0)
    >>> scorer.encode_items(torch.tensor([[1.0]])).shape
    torch.Size([1, 65])
    """
    tables = {
        "item_features": _checked(item_features, data.n_items, "item_features"),
        "user_features": _checked(user_features, data.n_users, "user_features"),
    }
    seed = int(np.random.default_rng(random_state).integers(2**31))
    with torch.random.fork_rng(devices=[device] if torch.device(device).type == "cuda" else []):
        torch.manual_seed(seed)
        scorer = TwoTowerScorer(
            data.n_items,
            n_item_features=tables["item_features"].shape[1],
            n_user_features=tables["user_features"].shape[1],
            n_factors=n_factors,
            n_hidden=n_hidden,
            temperature=temperature,
            dropout=dropout,
        ).to(device)
        learnt, stopped_on = (data, None) if n_epochs is not None else _parts(data, held_out, seed=seed)
        lessons = _Lessons.of(learnt, stopped_on, tables["user_features"], max_history=max_history)
        scorer.item_features.copy_(tables["item_features"])
        scorer.has_events.copy_(lessons.shares > 0)
        optimizer = torch.optim.AdamW(scorer.parameters(), lr=learning_rate, weight_decay=weight_decay)
        most, best, weights = n_epochs or max_epochs, float("inf"), scorer.state_dict()
        for epoch in range(1, most + 1):
            loss = _learn(scorer, lessons, optimizer, batch_size=batch_size, unknown_share=unknown_share)
            if lessons.held_item.size:
                loss = _held_out_loss(scorer, lessons)
            if loss < best or n_epochs is not None:
                best, scorer.n_epochs = loss, epoch
                weights = {name: value.clone() for name, value in scorer.state_dict().items()}
            if progress is not None:
                progress(epoch, most)
            if epoch - scorer.n_epochs >= patience or (deadline is not None and time.monotonic() > deadline):
                break
        scorer.load_state_dict(weights)
    return scorer.eval()


def _parts(data: Interactions, held_out: Interactions | None, *, seed: int) -> tuple[Interactions, Interactions]:
    """Return events to learn from and to stop on: one event in ten, never the last a user has."""
    if held_out is not None:
        return data, held_out
    is_held = np.random.default_rng(seed).random(len(data)) < _HELD_OUT_SHARE
    is_held[np.append(data.user[1:] != data.user[:-1], True)] = False
    return data.take(~is_held), data.take(is_held)


@dataclass(frozen=True, eq=False)
class _Lessons:
    """Histories to learn from and events held out of them; items of a user are distinct."""

    n_items: int
    offsets: np.ndarray  # int64 (n_users + 1,)
    item: np.ndarray  # int64 (n_learnt,)
    held_offsets: np.ndarray
    held_item: np.ndarray
    max_history: int
    user_features: Tensor  # float32 (n_users, width)
    shares: Tensor  # float32 (n_items,): of the events learnt from, how many are of this item

    @classmethod
    def of(
        cls, data: Interactions, held_out: Interactions | None, user_features: Tensor, *, max_history: int
    ) -> "_Lessons":
        user, item = _distinct_pairs(data)
        held_user, held_item = user[:0], item[:0]
        if held_out is not None:
            held_user, held_item = _distinct_pairs(held_out)
            is_new = ~np.isin(held_user * data.n_items + held_item, user * data.n_items + item)
            held_user, held_item = held_user[is_new], held_item[is_new]
        offsets, held_offsets = (
            np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=data.n_users))]) for owner in (user, held_user)
        )
        counts = np.bincount(item, minlength=data.n_items)
        shares = torch.from_numpy((counts / counts.sum()).astype(np.float32))
        return cls(data.n_items, offsets, item, held_offsets, held_item, max_history, user_features, shares)

    def batches(self, batch_size: int) -> Iterator[np.ndarray]:
        """Yield users who have anything to learn from, in a new order."""
        users = np.flatnonzero(np.diff(self.offsets))
        for rows in torch.randperm(len(users)).split(batch_size):
            yield users[rows.numpy()]

    def histories(self, users: np.ndarray) -> Tensor:
        length = min(max(int(np.diff(self.offsets)[users].max()), 1), self.max_history)
        return torch.from_numpy(pad_histories(self.offsets, self.item, users, pad=self.n_items, length=length))

    def held_out(self, users: np.ndarray) -> Tensor:
        return torch.from_numpy(pad_histories(self.held_offsets, self.held_item, users, pad=self.n_items))


def _distinct_pairs(data: Interactions) -> tuple[np.ndarray, np.ndarray]:
    """Return users and items of the last event of each pair, in the order of the data."""
    order = np.lexsort((np.arange(len(data)), data.item, data.user))
    user, item = data.user[order], data.item[order]
    is_last = np.ones(len(order), dtype=bool)
    is_last[:-1] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    kept = np.sort(order[is_last])
    return data.user[kept], data.item[kept]


def _learn(
    scorer: TwoTowerScorer,
    lessons: _Lessons,
    optimizer: torch.optim.Optimizer,
    *,
    batch_size: int,
    unknown_share: float,
) -> float:
    """Run one pass over the users; return the mean loss of the hidden items."""
    scorer.train()
    total, n_seen = torch.zeros((), device=scorer.has_events.device), 0
    for users in lessons.batches(batch_size):
        shown, hidden = _hide(lessons.histories(users), pad=lessons.n_items)
        batch = _Batch.of(scorer, lessons, users, shown=shown, hidden=hidden)
        loss = batch.loss(scorer, unknown_share=unknown_share)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(users)
        n_seen += len(users)
    return float(total) / n_seen


@torch.inference_mode()
def _held_out_loss(scorer: TwoTowerScorer, lessons: _Lessons) -> float:
    """Return the mean softmax loss of held-out events over all items, of the first users who have any."""
    scorer.eval()
    judged = np.flatnonzero(np.diff(lessons.held_offsets))[:_N_JUDGED_USERS]
    losses, counts = [], []
    for start in range(0, len(judged), _N_JUDGED_AT_ONCE):
        users = judged[start : start + _N_JUDGED_AT_ONCE]
        shown, held_out = lessons.histories(users), lessons.held_out(users)
        batch = _Batch.of(scorer, lessons, users, shown=shown, hidden=held_out, is_whole=True)
        losses.append(float(batch.loss(scorer)))
        counts.append(int((held_out != lessons.n_items).sum()))
    return float(np.average(losses, weights=counts))


def _hide(histories: Tensor, *, pad: int) -> tuple[Tensor, Tensor]:
    """Return what of each history is shown and what is hidden, one item at least; the other places are padding."""
    is_item = histories != pad
    draws = torch.rand(histories.shape).masked_fill(~is_item, 2.0)
    is_hidden = is_item & ((draws < _HIDDEN_SHARE) | (draws == draws.amin(dim=1, keepdim=True)))
    return histories.masked_fill(is_hidden, pad), histories.masked_fill(~is_hidden, pad)


@dataclass(frozen=True, eq=False)
class _Batch:
    """Users with items shown and items to be told, which compete with the candidates; all on the device."""

    ids: Tensor  # int64 (n,): items that are encoded
    shown: Tensor  # int64 (n_users, length): places in ids, n for padding
    hidden: Tensor
    handicap: Tensor  # float32 (n,): taken off the scores; infinite for items that are no candidates
    user_features: Tensor

    @classmethod
    def of(
        cls,
        scorer: TwoTowerScorer,
        lessons: _Lessons,
        users: np.ndarray,
        *,
        shown: Tensor,
        hidden: Tensor,
        is_whole: bool = False,
    ) -> "_Batch":
        """Let hidden items compete with all items in small catalogues, with each other in large ones."""
        device, pad = scorer.has_events.device, lessons.n_items
        if is_whole or pad <= _WHOLE_CATALOGUE:
            ids, handicap = torch.arange(pad), torch.zeros(pad)
        else:
            ids = torch.cat([shown.flatten(), hidden.flatten()]).unique()[:-1]  # the padding is the last
            handicap = _handicap(lessons.shares[ids], torch.isin(ids, hidden), n_draws=int((hidden != pad).sum()))
        places = torch.full((pad + 1,), len(ids))
        places[ids] = torch.arange(len(ids))
        parts = (ids, places[shown], places[hidden], handicap, lessons.user_features[torch.from_numpy(users)])
        return cls(*(part.to(device) for part in parts))

    def loss(self, scorer: TwoTowerScorer, *, unknown_share: float = 0.0) -> Tensor:
        """Return the mean softmax loss of the hidden items; what a user was shown does not compete."""
        pad, device = len(self.ids), self.ids.device
        known, shown = scorer.has_events[self.ids], self.shown
        if unknown_share and scorer.n_item_features:
            known = known * (torch.rand(pad, device=device) >= unknown_share)
        if unknown_share and scorer.n_user_features:
            shown = shown.masked_fill(torch.rand(len(shown), 1, device=device) < unknown_share, pad)
        items = scorer.encoded(self.ids, known)
        logits = scorer.scores(scorer.user_vectors(shown, items, self.user_features), items) - self.handicap
        is_shown = torch.zeros(len(shown), pad + 1, dtype=torch.bool, device=device).scatter_(1, self.shown, True)
        log_odds = logits.masked_fill(is_shown[:, :-1], -torch.inf).log_softmax(dim=1)
        told = torch.cat([log_odds, log_odds.new_zeros(len(shown), 1)], dim=1).gather(1, self.hidden)
        return -told.sum() / (self.hidden != pad).sum()


def _handicap(shares: Tensor, is_candidate: Tensor, *, n_draws: int) -> Tensor:
    """Return the logarithm of each candidate's chance to be met among so many events; infinity for the others."""
    chance = -torch.expm1(n_draws * torch.log1p(-shares.clamp(max=0.999)))
    return torch.where(is_candidate, chance.log(), torch.inf)


def _checked(features: np.ndarray | None, n_rows: int, name: str) -> Tensor:
    if features is None:
        return torch.zeros(n_rows, 0)
    if features.ndim != 2 or len(features) != n_rows:
        raise ValueError(f"{name} must have shape ({n_rows}, width), got {features.shape}.")
    if not np.isfinite(features).all():
        raise ValueError(
            f"{name} must be finite, got NaN or infinity in row {_first_bad_row(features)}. Encode it first."
        )
    return torch.from_numpy(features.astype(np.float32))


def _first_bad_row(features: np.ndarray) -> int:
    return int((~np.isfinite(features)).any(axis=1).argmax())
