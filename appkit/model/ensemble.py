"""Fit several networks over folds, each stopped on rows it never saw, and keep their held-out logits."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from appkit.model.checkpoint import Checkpoint
from appkit.model.device import Placement
from appkit.model.heads import Head
from appkit.model.networks import MultiNetwork
from appkit.model.training import Epoch, TrainingData, TrainingSettings, TrainingState, member_logits, train

__all__ = ["Ensemble", "Recipe", "Weights", "fit_ensemble"]

Weights = tuple[Mapping[str, Tensor], ...] | None
"""Weights to go on from, one entry per network; ``None`` to begin anew."""


@dataclass(frozen=True)
class Recipe:
    """How each network of an ensemble is made and trained."""

    build: Callable[[], nn.Module]
    head: Head
    settings: TrainingSettings
    placement: Placement
    seeds: tuple[int, ...]  # one per network
    deadline: float | None = None
    start: Weights = None


@dataclass(frozen=True)
class Ensemble:
    """Trained networks and what they said of rows held out from them."""

    module: MultiNetwork
    held_out: np.ndarray  # int64 (n_held_out,): rows of the training table; empty with outside validation rows
    logits: Tensor  # float32 (n_held_out, n_members, n_outputs)
    history: list[dict[str, float]]


def fit_ensemble(
    recipe: Recipe,
    data: TrainingData,
    folds: list[tuple[np.ndarray, np.ndarray]],
    *,
    validation: TrainingData | None = None,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[int, Epoch], None] | None = None,
) -> Ensemble:
    """Fit one network per fold, or per seed on all rows where ``validation`` rows are given.

    Parameters
    ----------
    recipe
        How to make and train a network; ``recipe.seeds`` sets how many.
    data
        All training rows.
    folds
        Rows to learn from and rows held out, one pair per network; ignored with ``validation``.
    validation
        Rows to stop on, the same for every network.
    checkpoint
        Where to keep the fit in progress.
    on_epoch
        Called with the network's number and its history line after every epoch.
    """
    done, state = checkpoint.read() if checkpoint else ([], None)
    networks: list[nn.Module] = []
    held_out: list[np.ndarray] = []
    logits: list[Tensor] = []
    for number, seed in enumerate(recipe.seeds):
        rows, held = folds[number] if validation is None else (np.arange(len(data.Z)), np.empty(0, dtype=np.int64))
        learning, stopping = _parts(data, rows, held, validation)
        network = _start(recipe, number, learning)
        if number < len(done):
            network.load_state_dict(done[number]["weights"])
        else:
            keep = _keeper(checkpoint, done, number, on_epoch)
            deadline = _share_of_time(recipe.deadline, len(recipe.seeds) - number)
            lines = train(
                network, learning, stopping, head=recipe.head, settings=recipe.settings, placement=recipe.placement,
                seed=seed, deadline=deadline, resume=state, on_epoch=keep,
            )  # fmt: skip
            state = None
            done = [*done, {"weights": network.state_dict(), "history": [asdict(line) for line in lines]}]
        networks.append(network)
        held_out.append(held if validation is None else np.arange(len(validation.Z)))
        logits.append(member_logits(network, stopping.Z))
    if checkpoint:
        checkpoint.finish()
    history = [{"network": n} | line for n, entry in enumerate(done) for line in entry["history"]]
    return Ensemble(MultiNetwork(networks).eval(), *_gather(held_out, logits, validation), history)


def _parts(
    data: TrainingData, rows: np.ndarray, held: np.ndarray, validation: TrainingData | None
) -> tuple[TrainingData, TrainingData]:
    if validation is not None:
        return data, validation
    place = data.Z.device
    return data.take(torch.from_numpy(rows).to(place)), data.take(torch.from_numpy(held).to(place))


def _start(recipe: Recipe, number: int, learning: TrainingData) -> nn.Module:
    """Build a network from its own seed; the global generator is left as found."""
    with torch.random.fork_rng(devices=[learning.Z.device] if learning.Z.device.type == "cuda" else []):
        torch.manual_seed(recipe.seeds[number])  # seeds the GPU too
        network = recipe.head.wrap(recipe.build(), learning.target.cpu(), learning.weight.cpu())
    network = network.to(learning.Z.device)
    if recipe.start is not None:
        try:
            network.load_state_dict(recipe.start[number])
        except RuntimeError as err:
            message = "warm_start needs the network of the first fit: set its parameters back, or fit a clone."
            raise ValueError(message) from err
    return network


def _keeper(
    checkpoint: Checkpoint | None,
    done: list[dict[str, Any]],
    number: int,
    on_epoch: Callable[[int, Epoch], None] | None,
) -> Callable[[Epoch, TrainingState], None]:
    def keep(line: Epoch, state: TrainingState) -> None:
        if checkpoint:
            checkpoint.write(done, state)
        if on_epoch:
            on_epoch(number, line)

    return keep


def _share_of_time(deadline: float | None, n_left: int) -> float | None:
    """Split what is left of the time evenly over the networks still to train."""
    if deadline is None:
        return None
    now = time.monotonic()
    return now + max(deadline - now, 0.0) / n_left


def _gather(
    held_out: list[np.ndarray], logits: list[Tensor], validation: TrainingData | None
) -> tuple[np.ndarray, Tensor]:
    """Put held-out logits together: folds one below the other, outside rows with all members side by side."""
    if validation is not None:
        return held_out[0], torch.cat(logits, dim=1)
    return np.concatenate(held_out), torch.cat(logits)
