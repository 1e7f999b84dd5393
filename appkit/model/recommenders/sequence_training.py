"""Train a Transformer over histories; it stops by what users took next, and then may learn from that too."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from appkit.data.interactions import Interactions
from appkit.model.device import place_images
from appkit.model.recommenders.gain import advice_gain
from appkit.model.recommenders.holdout import hold_out
from appkit.model.recommenders.sequence_batches import SequenceBatch, sequence_batches
from appkit.model.recommenders.sequence_loss import sampled_softmax_loss, softmax_loss
from appkit.model.recommenders.sequence_start import shared_taste_vectors
from appkit.model.recommenders.sequential import SequentialScorer
from appkit.model.weight_average import WeightAverage

__all__ = ["SequenceTraining", "fit_sequential"]

_WHOLE_CATALOGUE = 4_096
_N_DRAWN = 512
_N_JUDGED_USERS = 2_000
_N_WARMING_STEPS = 50
_USUAL_EPOCHS = 20


@dataclass(frozen=True)
class SequenceTraining:
    """How a Transformer over histories is trained.

    Parameters
    ----------
    learning_rate, weight_decay
        Of AdamW; the rate rises over the first steps.
    batch_events
        Places of a batch, padding included.
    n_drawn
        Items that compete with what was taken next, 0 for all; ``None``: all up to 4,096 items, else 512.
    average_decay
        Decay per step of the moving average of the weights, which is what is judged and kept; 0 for none.
    starts_from_taste
        Whether embeddings start near each other where the same users took the items, rather than anywhere: a quarter
        of the epochs is then enough.
    max_epochs, patience
        Of early stopping, where the number of epochs is to be found.
    """

    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    batch_events: int = 1_024
    n_drawn: int | None = None
    average_decay: float = 0.995
    starts_from_taste: bool = True
    max_epochs: int = 60
    patience: int = 5

    def __post_init__(self) -> None:
        """Check what the numbers must be."""
        for name in ("learning_rate", "batch_events", "max_epochs", "patience"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)!r}.")
        for name in ("weight_decay", "n_drawn", "average_decay"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)!r}.")
        if self.average_decay >= 1:
            raise ValueError(f"average_decay must be below 1, got {self.average_decay!r}.")


def fit_sequential(
    data: Interactions,
    *,
    validation: Interactions | None = None,
    n_epochs: int | Literal["auto"] = "auto",
    width: int = 64,
    n_heads: int = 2,
    n_layers: int = 1,
    length: int = 50,
    dropout: float = 0.4,
    training: SequenceTraining | None = None,
    filter_seen: bool = True,
    max_seconds: float | None = None,
    random_state: int | None = None,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> SequentialScorer:
    """Train a causal Transformer to foresee each event of each user from those before it.

    Parameters
    ----------
    data
        Events in order of time.
    validation
        Later events of the same users. With ``n_epochs="auto"`` training stops where NDCG@10 on them is best, and these
        weights are returned.
    n_epochs
        Passes over the events; ``"auto"`` finds them on ``validation`` or, without it, on the last event of each user,
        and then trains anew on everything for as many.
    width, n_heads, n_layers, length, dropout
        As in :class:`~appkit.model.recommenders.sequential.SequentialScorer`.
    training
        How it is trained; ``None`` means the usual way.
    filter_seen
        Whether items of the history are no advice where training is stopped by it.
    max_seconds
        No epoch starts after that many seconds; at least one is run. Where a second network is trained on everything,
        each has half.
    random_state
        Seed of weights, batches and whatever is drawn; ``None`` draws anew. The global generators are left as found.
    device
        Where to compute; the scorer stays there.
    progress
        Called after each epoch with the number done and the most there can be.

    Returns
    -------
    SequentialScorer
        In evaluation mode; its ``n_epochs`` says for how long the weights were trained.

    Raises
    ------
    ValueError
        If a setting is out of its range or there are no events.

    References
    ----------
    Kang and McAuley (2018), "Self-Attentive Sequential Recommendation"; Petrov and Macdonald (2023), "gSASRec: Reducing
    Overconfidence in Sequential Recommendation Trained with Negative Sampling"; Klenitskiy and Vasilev (2023), "Turning
    Dross Into Gold Loss: is BERT4Rec really better than SASRec?" (losses over many or all items at every position).

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [i // 3 for i in range(60)], "item": ["bed", "sheet", "lamp"] * 20})
    >>> scorer = fit_sequential(read_interactions(X), n_epochs=20, random_state=0)
    >>> scorer(torch.tensor([[0]])).argmax()  # after a bed: bed, lamp, sheet
    tensor(2)
    """
    _check(data, n_epochs)
    run = _Run(
        shape={"width": width, "n_heads": n_heads, "n_layers": n_layers, "length": length, "dropout": dropout},
        training=SequenceTraining() if training is None else training,
        filter_seen=filter_seen,
        seed=int(np.random.default_rng(random_state).integers(2**31)),
        device=torch.device(device),
        max_seconds=max_seconds,
        progress=progress,
    )
    if n_epochs != "auto":
        return run.trained(data, n_epochs=n_epochs)
    if validation is not None:
        return run.trained(data, validation)
    if np.diff(data.offsets).max() < 2:  # nothing to stop by
        return run.trained(data, n_epochs=_USUAL_EPOCHS)
    run = replace(run, max_seconds=None if max_seconds is None else max_seconds / 2)
    return run.trained(data, n_epochs=run.trained(*hold_out(data, "last")).n_epochs)


@dataclass(frozen=True)
class _Run:
    """All that makes a network besides its events."""

    shape: dict[str, Any]
    training: SequenceTraining
    filter_seen: bool
    seed: int
    device: torch.device
    max_seconds: float | None
    progress: Callable[[int, int], None] | None

    def trained(
        self, data: Interactions, judged: Interactions | None = None, *, n_epochs: int | None = None
    ) -> SequentialScorer:
        """Return a network after so many epochs, or, without a number, at its best epoch by the events judged."""
        limit = self.training.max_epochs if n_epochs is None else n_epochs
        deadline = math.inf if self.max_seconds is None else time.monotonic() + self.max_seconds
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(self.seed)
            learner = _Learner(self._network(data).to(self.device), data, self)
            best = _Best()
            for epoch in range(1, limit + 1):
                loss = learner.run_epoch()
                gain = -loss if judged is None else learner.gain(judged, otherwise=-loss)
                if judged is None or gain > best.gain:
                    best = _Best(epoch, gain, _copy(learner.judged))
                if self.progress is not None:
                    self.progress(epoch, limit)
                if epoch - best.epoch >= self.training.patience or time.monotonic() > deadline:
                    break
        learner.scorer.load_state_dict(best.weights)
        learner.scorer.n_epochs = best.epoch
        return learner.scorer.eval()

    def _network(self, data: Interactions) -> SequentialScorer:
        scorer = SequentialScorer(data.n_items, **self.shape)
        if self.training.starts_from_taste:
            scorer.start_from(shared_taste_vectors(data, scorer.width))
        return scorer


@dataclass(frozen=True)
class _Best:
    """The weights to come back to."""

    epoch: int = 0
    gain: float = -math.inf
    weights: Mapping[str, Tensor] = field(default_factory=dict)


class _Learner:
    """A network with its optimizer, the average of its weights and its events."""

    def __init__(self, scorer: SequentialScorer, data: Interactions, run: _Run) -> None:
        self.scorer, self.data, self.run = scorer, data, run
        training = run.training
        self.optimizer = torch.optim.AdamW(
            scorer.parameters(),
            training.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=training.weight_decay,
            fused=True,
        )
        self.average = WeightAverage(scorer, decay=training.average_decay) if training.average_decay else None
        self.placement = place_images(str(run.device))
        self.rng = np.random.default_rng(run.seed)
        self.n_drawn = training.n_drawn
        if self.n_drawn is None:
            self.n_drawn = 0 if data.n_items <= _WHOLE_CATALOGUE else _N_DRAWN
        self.n_steps = 0

    @property
    def judged(self) -> SequentialScorer:
        """The network with the weights that are judged and kept."""
        return self.scorer if self.average is None else cast(SequentialScorer, self.average.module)

    def run_epoch(self) -> float:
        """Learn from each event once; return the mean loss."""
        self.scorer.train()
        total, n_learnt = torch.zeros((), device=self.run.device), 0
        batches = sequence_batches(
            self.data, length=self.scorer.length, n_events=self.run.training.batch_events, rng=self.rng
        )
        for batch in batches:
            loss = self._loss(batch.to(self.run.device))
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._step()
            n_events = int(batch.is_learnt.sum())
            total += loss.detach() * n_events
            n_learnt += n_events
        return float(total) / n_learnt

    def gain(self, judged: Interactions, *, otherwise: float) -> float:
        """Return the mean NDCG@10 on events judged, of some of their users where there are many."""
        users = np.unique(judged.user)
        if len(users) > _N_JUDGED_USERS:
            users = np.random.default_rng(self.run.seed).choice(users, _N_JUDGED_USERS, replace=False)
            judged = judged.take(np.isin(judged.user, users))
        gains = advice_gain(
            self.judged, self.data, judged, filter_seen=self.run.filter_seen, device=str(self.run.device)
        )
        return float(gains.mean()) if len(gains) else otherwise

    def _loss(self, batch: SequenceBatch) -> Tensor:
        states = self.scorer.states(batch.histories)[batch.is_learnt]
        items, following = self.scorer.item_vectors(), batch.following[batch.is_learnt]
        if not self.n_drawn:
            return softmax_loss(states, items, following, placement=self.placement)
        drawn = torch.randint(len(items), (self.n_drawn,)).to(states.device)
        return sampled_softmax_loss(states, items, following, drawn=drawn, placement=self.placement)

    def _step(self) -> None:
        """Change the weights; the rate rises over the first steps."""
        share = min((self.n_steps + 1) / _N_WARMING_STEPS, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = share * self.run.training.learning_rate
        self.optimizer.step()
        self.n_steps += 1
        if self.average is not None:
            self.average.update(self.scorer, n_steps=self.n_steps)


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def _check(data: Interactions, n_epochs: int | str) -> None:
    if not len(data):
        raise ValueError("data must have one event or more, got none.")
    if n_epochs != "auto" and (isinstance(n_epochs, str) or n_epochs < 1):
        raise ValueError(f"n_epochs must be 'auto' or 1 or more, got {n_epochs!r}.")
