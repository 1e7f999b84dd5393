"""What our training costs beside a bare torch loop of the same network on the same windows."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from appkit.model import SequenceRegressor
from appkit.model.series_networks import series_network
from benchmarks.manufacturing.fleets import Fleet
from benchmarks.manufacturing.runs import Outcome, Runs, frame_hash, markdown, our_model, spread, timed
from benchmarks.results import Record

__all__ = ["bare_loop", "measure_training_speed"]

_EPOCHS, _QUICK_EPOCHS = 8, 2
_ASKED_SHARE = 0.8


def measure_training_speed(runs: Runs, fleet: Fleet, *, seeds: Sequence[int]) -> str:
    """Return the table; each seed is a round."""
    epochs = _QUICK_EPOCHS if runs.is_quick else _EPOCHS
    model = our_model(epochs=epochs)
    data_hash = frame_hash(fleet.X)
    rounds = [
        runs.once("training_speed", model, partial(_round, fleet, epochs, seed), data_hash=data_hash, seed=seed)
        for seed in seeds
    ]
    return _table(runs, fleet, rounds, epochs=epochs)


def bare_loop(
    network: nn.Module,
    learnt: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor],
    ours: SequenceRegressor,
    *,
    seed: int,
) -> None:
    """Train as anybody would: shuffle, squared error, AdamW, and a look at the held-out windows after each epoch.

    Parameters
    ----------
    network
        From windows ``(n, n_times, n_channels)`` to ``(n, 1)``.
    learnt, held
        Windows, cut and encoded, and their targets.
    ours
        Whose epochs, batches and optimiser to take.
    seed
        Of the order of windows.
    """
    windows, target = learnt
    order = torch.Generator().manual_seed(seed)
    rate, decay = ours.learning_rate, ours.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, fused=True)
    for _ in range(ours.max_epochs):
        network.train()
        for rows in torch.randperm(len(windows), generator=order).split(int(ours.batch_size)):
            loss = (network(windows[rows])[:, 0] - target[rows]).square().mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            torch.cat([network(part)[:, 0] for part in held[0].split(4096)]).sub(held[1]).square().mean().item()


def _round(fleet: Fleet, epochs: int, seed: int) -> Outcome:
    """Time both, ours first in even rounds."""
    ours = SequenceRegressor(
        **fleet.columns, bounds=(0, fleet.cap), n_networks=1, max_epochs=epochs, patience=epochs, random_state=seed
    )
    is_held = fleet.held_out
    (X, y), (X_val, y_val) = ((fleet.X[rows], fleet.target[rows]) for rows in (~is_held, is_held))
    cutter = SequenceRegressor(**fleet.columns, window=ours.window, n_networks=1, max_epochs=1, random_state=0)
    cutter.fit(X, y)
    windows, held = cutter.encode(X)[:], cutter.encode(X_val)[:]  # the loop is given them cut
    targets = [torch.tensor(((part - y.mean()) / y.std()).to_numpy(), dtype=torch.float32) for part in (y, y_val)]
    assert isinstance(ours.network, str)
    network = series_network(ours.network, cutter.layout_, 1, width=ours.width, depth=ours.depth, dropout=ours.dropout)
    runners = {
        "ours": lambda: ours.fit(X, y, X_val=X_val, y_val=y_val),
        "loop": lambda: bare_loop(network, (windows, targets[0]), (held, targets[1]), ours, seed=seed),
    }
    costs = {name: timed(runners[name])[1] for name in (sorted(runners) if seed % 2 else sorted(runners)[::-1])}
    n_windows = len(windows) * epochs
    scores = {
        "ours per CPU s": n_windows / costs["ours"].cpu,
        "loop per CPU s": n_windows / costs["loop"].cpu,
        "ratio, CPU": costs["loop"].cpu / costs["ours"].cpu,
        "ratio, clock": costs["loop"].wall / costs["ours"].wall,
        "steps": float(windows.shape[1]),
        "channels": float(windows.shape[2]),
    }
    return Outcome(scores, len(windows), len(held), costs["ours"], costs["loop"])


def _table(runs: Runs, fleet: Fleet, rounds: Sequence[Record], *, epochs: int) -> str:
    scores = rounds[0].scores
    found = {name: spread([record.scores[name] for record in rounds]) for name in ("ratio, CPU", "ratio, clock")}
    rates = {name: spread([record.scores[f"{name} per CPU s"] for record in rounds], 0) for name in ("ours", "loop")}
    return (
        f"speed, training on {fleet.name}: {rounds[0].n_train:,} windows of {scores['steps']:.0f} steps and "
        f"{scores['channels']:.0f} channels, {epochs} epochs, {len(rounds)} rounds in turn; ours reads, scales and "
        f"cuts in that time, the loop is given its windows. `{runs.command}`\n"
        + markdown(
            ["what", "windows per CPU s", "share of the bare loop, CPU", "by the clock", "asked"],
            [
                ["SequenceRegressor.fit", rates["ours"], *found.values(), f">= {_ASKED_SHARE:g}"],
                ["bare torch loop", rates["loop"], "", "", ""],
            ],
        )
    )
