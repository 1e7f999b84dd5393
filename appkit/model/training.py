"""Train a module: tensors that sit on the device, early stopping on held-out loss, best epoch restored."""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from appkit.model.device import Placement, threads_for_batches
from appkit.model.heads import Head
from appkit.model.layer_rates import frozen
from appkit.model.weight_average import WeightAverage

__all__ = [
    "Epoch",
    "Inputs",
    "TrainingData",
    "TrainingSettings",
    "TrainingState",
    "member_logits",
    "rows_at_once",
    "train",
]

PREDICT_ROWS = 4096  # rows per forward pass outside training: bounds memory, changes no result
_PREDICT_CELLS = 2**20  # encoded features per forward pass: each becomes some hundred numbers on its way


class Inputs(Protocol):
    """Encoded rows on one device: a tensor, or what cuts tensors out of a larger one when asked.

    Indexing by a slice or by int64 positions gives a float32 tensor, one entry per row.
    """

    @property
    def shape(self) -> Sequence[int]: ...

    @property
    def device(self) -> torch.device: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Tensor: ...

    def to(self, device: Any, /) -> "Inputs": ...


@dataclass(frozen=True)
class TrainingData:
    """Encoded rows, their targets and weights, on one device."""

    Z: Inputs  # float32 (n_rows, width), (n_rows, n_times, n_channels), ...
    target: Tensor  # (n_rows, ...): class or grade index in float32, or value in float64, which holds a date or balance
    weight: Tensor  # float32 (n_rows,)

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: Tensor) -> "TrainingData":
        """Return the chosen rows; what is cut when asked for stays uncut."""
        chosen = self.Z[rows] if isinstance(self.Z, Tensor) else self.Z.take(rows)  # type: ignore[attr-defined]
        return TrainingData(chosen, self.target[rows], self.weight[rows])

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all there is to know, as arrays on the CPU."""
        inputs = {"Z": self.Z} if isinstance(self.Z, Tensor) else vars(self.Z)
        parts = {name: part for name, part in inputs.items() if isinstance(part, Tensor)}
        return {k: v.cpu().numpy() for k, v in (parts | {"target": self.target, "weight": self.weight}).items()}


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; all that changes the result beside data and seed.

    Parameters
    ----------
    learning_rate, weight_decay, batch_size, max_epochs, patience
        Of AdamW and early stopping.
    schedule
        ``"constant"``, or ``"one-cycle"``: the rate rises evenly over the first fifth of all steps and falls along a
        cosine to nothing by the last. Stopping early then makes little sense: give a patience of ``max_epochs``.
    average_decay
        Decay per step of a moving average of the weights, which is what is judged and kept; 0 keeps the weights
        themselves. It is shorter in the first steps (Polyak averaging with a warm-up).
    mixup
        Each batch is mixed with itself in another order, by a share drawn from Beta(mixup, mixup); 0: not at all.
        Zhang et al. (2018), "mixup: Beyond Empirical Risk Minimization".
    least_batch
        Rows a batch must have to be learnt from; a last batch with fewer is left out (batch normalisation needs two).
    decays_scales
        Whether weight decay pulls at the scales of normalisation layers too.
    augment
        From a batch of inputs to the batch that is learnt from; draws from torch's global generator.
    rates
        From the module to the factor of the learning rate of each parameter, by name; 0 freezes it.
    """

    learning_rate: float
    weight_decay: float
    batch_size: int
    max_epochs: int
    patience: int
    schedule: Literal["constant", "one-cycle"] = "constant"
    average_decay: float = 0.0
    mixup: float = 0.0
    least_batch: int = 1
    decays_scales: bool = True
    augment: Callable[[Tensor], Tensor] | None = None
    rates: Callable[[nn.Module], Mapping[str, float]] | None = None


@dataclass(frozen=True)
class Epoch:
    """One line of the training history."""

    epoch: int
    training_loss: float
    validation_loss: float
    seconds: float


@dataclass
class TrainingState:
    """Everything needed to go on after a stop between two epochs: plain values and tensors only."""

    epoch: int = 0
    best_loss: float = float("inf")
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict = field(default_factory=dict)
    order_rng: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.uint8))
    noise_rng: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.uint8))
    n_steps: int = 0
    averaged: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


def train(
    module: nn.Module,
    data: TrainingData,
    validation: TrainingData,
    *,
    head: Head,
    settings: TrainingSettings,
    placement: Placement,
    seed: int,
    deadline: float | None = None,
    resume: TrainingState | None = None,
    on_epoch: Callable[[Epoch, TrainingState], None] | None = None,
) -> list[Epoch]:
    """Train ``module`` in place and leave it at its best epoch; return the history.

    Parameters
    ----------
    module
        Returns logits ``(n_rows, n_outputs)`` or ``(n_rows, n_members, n_outputs)``.
    data, validation
        Rows to learn from, rows to stop on. The stopping score is the loss of the members' average.
    head
        What the logits mean.
    settings, placement, seed
        How, where, and from which random state. The global generators are left as found.
    deadline
        ``time.monotonic()`` value after which no further epoch starts; at least one is run.
    resume
        State to go on from; bit for bit the run that was never stopped, at equal thread count.
    on_epoch
        Called after each epoch with its history line and the state to keep.

    Returns
    -------
    list of Epoch
        One entry per epoch, those before ``resume`` included.
    """
    devices = [data.Z.device] if data.Z.device.type == "cuda" else []
    rates = {} if settings.rates is None else settings.rates(module)
    with (
        torch.random.fork_rng(devices=devices),
        threads_for_batches(settings.batch_size),
        frozen(module, rates),
    ):
        torch.manual_seed(seed)
        optimizer = _optimizer(module, settings, rates)
        loop = _Loop(module, data, validation, optimizer, head=head, settings=settings, placement=placement, seed=seed)
        if resume is not None:
            loop.restore(resume)
        while not loop.is_done() and not (loop.state.epoch and deadline and time.monotonic() > deadline):
            line = loop.run_epoch()
            if on_epoch is not None:
                on_epoch(line, loop.snapshot())
        module.load_state_dict(loop.state.best_weights)
    return [Epoch(**line) for line in loop.state.history]  # type: ignore[arg-type]


@torch.inference_mode()
def member_logits(module: nn.Module, Z: Inputs, *, members: Tensor | None = None) -> Tensor:
    """Return logits ``(n_rows, n_members, n_outputs)`` in evaluation mode, float32, in bounded memory."""
    if module.training:  # walking all modules costs as much as asking one network for one row
        module.eval()
    parts = []
    n_at_once = rows_at_once(math.prod(Z.shape[1:]))
    for start in range(0, max(len(Z), 1), n_at_once):
        rows = slice(start, start + n_at_once)
        logits = module(Z[rows]) if members is None else module(Z[rows], members[rows])
        parts.append((logits[:, None] if logits.ndim == 2 else logits).float())
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def rows_at_once(width: int) -> int:
    """Return rows per forward pass: fewer in wide tables, a power of two that divides the batches of explanations."""
    return min(PREDICT_ROWS, max(64, 1 << (_PREDICT_CELLS // max(width, 1)).bit_length() - 1))


class _Loop:
    """One network's way from its first epoch to its best."""

    def __init__(
        self,
        module: nn.Module,
        data: TrainingData,
        validation: TrainingData,
        optimizer: torch.optim.Optimizer,
        *,
        head: Head,
        settings: TrainingSettings,
        placement: Placement,
        seed: int,
    ) -> None:
        self.module, self.data, self.validation = module, data, validation
        self.head, self.settings, self.placement = head, settings, placement
        self.optimizer = optimizer
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.average = WeightAverage(module, decay=settings.average_decay) if settings.average_decay else None
        self.order = torch.Generator().manual_seed(seed)
        self.state = TrainingState()
        self.started = time.monotonic()

    def is_done(self) -> bool:
        waited = self.state.epoch - self.state.best_epoch
        return self.state.epoch >= self.settings.max_epochs or waited >= self.settings.patience

    def run_epoch(self) -> Epoch:
        state = self.state
        training_loss = self._learn()
        validation_loss = self._validation_loss()
        state.epoch += 1
        if validation_loss < state.best_loss - 1e-5 or not state.best_weights:
            state.best_loss, state.best_epoch = validation_loss, state.epoch
            state.best_weights = {name: value.clone() for name, value in self._judged.state_dict().items()}
        line = Epoch(state.epoch, training_loss, validation_loss, time.monotonic() - self.started)
        state.history.append(asdict(line))
        return line

    def _learn(self) -> float:
        """Run one pass over the rows in a new order; return the mean training loss."""
        self.module.train()
        data, total = self.data, torch.zeros((), device=self.data.Z.device)
        order = torch.randperm(len(data.Z), generator=self.order).to(data.Z.device)
        n_learnt = 0
        for rows in order.split(self.settings.batch_size):
            if len(rows) < self.settings.least_batch and n_learnt:
                continue
            self._set_rates()
            loss = self._batch_loss(data.Z[rows], data.target[rows], data.weight[rows])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.state.n_steps += 1
            if self.average is not None:
                self.average.update(self.module, n_steps=self.state.n_steps)
            total += loss.detach() * len(rows)
            n_learnt += len(rows)
        return float(total) / n_learnt

    def _batch_loss(self, Z: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        if self.settings.augment is not None:
            Z = self.settings.augment(Z)
        if not self.settings.mixup:
            return (self._losses(Z, target) * weight).mean()
        share = torch.distributions.Beta(self.settings.mixup, self.settings.mixup).sample().to(Z.device)
        other = torch.randperm(len(Z)).to(Z.device)
        logits = self._logits(torch.lerp(Z[other], Z, share))
        own, mixed = (self.head.loss(logits, target[rows]).mean(dim=1) * weight[rows] for rows in (slice(None), other))
        return (share * own + (1 - share) * mixed).mean()

    def _losses(self, Z: Tensor, target: Tensor) -> Tensor:
        return self.head.loss(self._logits(Z), target).mean(dim=1)

    def _logits(self, Z: Tensor) -> Tensor:
        with self.placement.autocast():
            logits = self.module(Z)
        return (logits[:, None] if logits.ndim == 2 else logits).float()

    def _set_rates(self) -> None:
        if self.settings.schedule == "constant":
            return
        n_batches = math.ceil(len(self.data.Z) / self.settings.batch_size)
        share = _one_cycle(self.state.n_steps, n_steps=n_batches * self.settings.max_epochs)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * share

    @property
    def _judged(self) -> nn.Module:
        """What is scored and kept: the average of the weights where there is one."""
        return self.module if self.average is None else self.average.module

    def _validation_loss(self) -> float:
        held_out = self.validation
        mean = self.head.means(member_logits(self._judged, held_out.Z)).mean(dim=1)
        losses = self.head.score(mean, held_out.target)
        return float((losses * held_out.weight).sum() / held_out.weight.sum())

    def snapshot(self) -> TrainingState:
        """Return the state, complete as of now; tensors are shared, so write it before the next epoch."""
        self.state.weights = self.module.state_dict()
        self.state.averaged = {} if self.average is None else self.average.module.state_dict()
        self.state.optimizer = self.optimizer.state_dict()
        self.state.order_rng, self.state.noise_rng = self.order.get_state(), torch.get_rng_state()
        return self.state

    def restore(self, state: TrainingState) -> None:
        """Go on where ``state`` was taken."""
        self.state = copy.deepcopy(state)
        self.module.load_state_dict(state.weights)
        if self.average is not None:
            self.average.module.load_state_dict(state.averaged)
        self.optimizer.load_state_dict(state.optimizer)
        self.order.set_state(state.order_rng)
        torch.set_rng_state(state.noise_rng)
        self.started -= state.history[-1]["seconds"] if state.history else 0.0


def _one_cycle(step: int, *, n_steps: int) -> float:
    """Return the share of the full learning rate at a step: up over a fifth of the steps, then down to nothing."""
    n_rising = max(n_steps // 5, 1)
    if step < n_rising:
        return (step + 1) / n_rising
    return (1 + math.cos(math.pi * min((step + 1 - n_rising) / max(n_steps - n_rising, 1), 1.0))) / 2


def _optimizer(module: nn.Module, settings: TrainingSettings, rates: Mapping[str, float]) -> torch.optim.Optimizer:
    """Return AdamW that decays shared weight matrices only: biases, scalings and output layers stay free."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    for name, parameter in named:
        is_shared = name.endswith("weight") and not name.endswith("output.weight")
        is_decayed = is_shared and (parameter.ndim > 1 or settings.decays_scales)
        decay = settings.weight_decay if is_decayed else 0.0
        groups.setdefault((rates.get(name, 1.0), decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": members, "lr": settings.learning_rate * factor, "weight_decay": decay}
            for (factor, decay), members in groups.items()
        ],
        lr=settings.learning_rate,
        fused=True,
    )
