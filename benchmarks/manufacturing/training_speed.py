"""What our training costs beside a bare torch loop of the same network on the same windows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from appkit.model import SequenceRegressor
from appkit.model.defaults import series_settings
from appkit.model.series_networks import series_network
from appkit.model.training import TrainingSettings
from benchmarks.manufacturing.fleets import Fleet
from benchmarks.manufacturing.ours import our_model
from benchmarks.results import Record
from benchmarks.runs import Outcome, Runs, frame_hash, markdown, spread, timed

__all__ = ["bare_loop", "measure_training_speed"]

_EPOCHS, _QUICK_EPOCHS = 8, 2
_ASKED_SHARE = 0.8
_NETWORKS = ("tcn", "statistics")  # what SequenceRegressor and RemainingLifeRegressor take by default


def measure_training_speed(runs: Runs, fleet: Fleet, *, seeds: Sequence[int]) -> str:
    """Return the table; each seed is a round."""
    epochs = _QUICK_EPOCHS if runs.is_quick else _EPOCHS
    data_hash = frame_hash(fleet.X)
    records = []
    for seed in seeds:
        for name in _NETWORKS:
            model = replace(our_model(epochs=epochs), name=name)
            measure = partial(_round, fleet, name, epochs, seed)
            records.append(runs.once("training_speed", model, measure, data_hash=data_hash, seed=seed))
    return _table(runs, fleet, records, epochs=epochs)


def bare_loop(
    network: nn.Module,
    learnt: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor],
    settings: TrainingSettings,
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
    settings
        Epochs, batches and optimiser.
    seed
        Of the order of windows.
    """
    windows, target = learnt
    order = torch.Generator().manual_seed(seed)
    rate, decay = settings.learning_rate, settings.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, fused=True)
    for _ in range(settings.max_epochs):
        network.train()
        for rows in torch.randperm(len(windows), generator=order).split(settings.batch_size):
            loss = (network(windows[rows])[:, 0] - target[rows]).square().mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            torch.cat([network(part)[:, 0] for part in held[0].split(4096)]).sub(held[1]).square().mean().item()


def _round(fleet: Fleet, name: str, epochs: int, seed: int) -> Outcome:
    """Time both, ours first in even rounds."""
    options: dict[str, Any] = {
        "network": name,
        "n_networks": 1,
        "max_epochs": epochs,
        "patience": epochs,
        "random_state": seed,
    }
    ours = SequenceRegressor(**fleet.columns, **options, bounds=(0, fleet.cap))
    is_held = fleet.held_out
    (X, y), (X_val, y_val) = ((fleet.X[rows], fleet.target[rows]) for rows in (~is_held, is_held))
    cutter = SequenceRegressor(**fleet.columns, **{**options, "max_epochs": 1}).fit(X, y)
    windows, held = cutter.encode(X)[:], cutter.encode(X_val)[:]  # the loop is given them cut
    targets = [torch.tensor(((part - y.mean()) / y.std()).to_numpy(), dtype=torch.float32) for part in (y, y_val)]
    network = series_network(name, cutter.layout_, 1, width=ours.width, depth=ours.depth, dropout=ours.dropout)
    settings = series_settings(
        n_rows=len(windows),
        is_blind=False,
        learning_rate=ours.learning_rate,
        weight_decay=ours.weight_decay,
        batch_size=ours.batch_size,
        max_epochs=epochs,
        patience=epochs,
    )
    runners: dict[str, Callable[[], object]] = {
        "ours": lambda: ours.fit(X, y, X_val=X_val, y_val=y_val),
        "loop": lambda: bare_loop(network, (windows, targets[0]), (held, targets[1]), settings, seed=seed),
    }
    order = ("ours", "loop") if seed % 2 == 0 else ("loop", "ours")
    costs = {runner: timed(runners[runner])[1] for runner in order}
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


def _table(runs: Runs, fleet: Fleet, records: Sequence[Record], *, epochs: int) -> str:
    scores = records[0].scores
    heads = ["network", "ours, windows per CPU s", "bare loop", "share of the bare loop, CPU", "by the clock", "asked"]
    rows = []
    for name in _NETWORKS:
        own = [record.scores for record in records if record.model == name]
        rates = [spread([one[f"{runner} per CPU s"] for one in own], 0) for runner in ("ours", "loop")]
        shares = [spread([one[f"ratio, {clock}"] for one in own]) for clock in ("CPU", "clock")]
        rows.append([name, *rates, *shares, f">= {_ASKED_SHARE:g}"])
    return (
        f"speed, training on {fleet.name}: {records[0].n_train:,} windows of {scores['steps']:.0f} steps and "
        f"{scores['channels']:.0f} channels, {epochs} epochs, {len(own)} rounds in turn; ours reads, scales and "
        f"cuts in that time, the loop is given its windows. `{runs.command}`\n" + markdown(heads, rows)
    )
