"""What it costs to explain one window, in seconds and in passes through the network alone."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from appkit.data.windows import Windows
from appkit.explanation import Explanation, explain
from benchmarks.manufacturing.fleets import Fleet, random_moments
from benchmarks.manufacturing.life import our_regressor
from benchmarks.manufacturing.ours import our_model
from benchmarks.results import Record
from benchmarks.runs import Cost, Outcome, Runs, frame_hash, markdown, timed
from domains.manufacturing import RemainingLifeRegressor

__all__ = ["measure_explaining_speed", "network_rows_per_second"]

_TARGET_ERROR = 0.05
_ASKED_SECONDS = 0.25
_N_WINDOWS, _QUICK_WINDOWS = 10, 2
_BATCHES = (128, 256, 512, 1024, 2048, 4096)
_STEPS, _SENSORS = 30, 14  # the window the goal is set for


def measure_explaining_speed(runs: Runs, fleet: Fleet, *, seed: int) -> str:
    """Return the table: windows of 30 steps and 14 sensors, and windows as the defaults cut them."""
    n_windows = _QUICK_WINDOWS if runs.is_quick else _N_WINDOWS
    small = {"window": _STEPS, "sensors": _varying_sensors(fleet)[:_SENSORS]}
    asked: dict[str, Mapping[str, Any]] = {"as asked": small, "tcn": {**small, "network": "tcn"}, "default": {}}
    records = {}
    for name, parameters in asked.items():
        model = our_model(**parameters, n_windows=n_windows, is_quick=runs.is_quick)
        measure = partial(_measure, fleet, parameters, n_windows, seed, runs.is_quick)
        records[name] = runs.once("explaining_speed", model, measure, data_hash=frame_hash(fleet.X), seed=seed)
    return _table(runs, fleet, records)


@torch.inference_mode()
def network_rows_per_second(network: nn.Module, windows: Tensor) -> float:
    """Return windows per processor second of one network alone, at the batch that suits it best."""
    network.eval()
    rates = []
    for batch in _BATCHES:
        rows = windows.repeat(-(-batch // len(windows)), 1, 1)[:batch].contiguous()
        network(rows)
        n_passes = max(3, 2 * max(_BATCHES) // batch)
        _, cost = timed(partial(_pass, network, rows, n_passes))
        rates.append(n_passes * batch / cost.cpu)
    return max(rates)


def _measure(fleet: Fleet, parameters: Mapping[str, Any], n_windows: int, seed: int, is_quick: bool) -> Outcome:
    """Explain windows of held-out machines one by one, as a user asks."""
    model = our_regressor(fleet, is_quick=is_quick, random_state=seed, **parameters)
    is_held = fleet.held_out
    _, fit = timed(lambda: model.fit(fleet.X[~is_held], fleet.target[~is_held]))
    windows = _whole_windows(model, fleet, seed=seed)[:n_windows]
    network, encoded = model.module_.networks[0], model.encode_windows(windows)
    _explained(model, windows[:1], 0)  # first calls pay for imports and caches
    limits = [network_rows_per_second(network, encoded)]
    found, costs = [], []
    for number in range(len(windows)):
        answer, cost = timed(partial(_explained, model, windows[number : number + 1], number))
        found.append(answer)
        costs.append(cost)
    limits.append(network_rows_per_second(network, encoded))
    scores = _scores(found, costs, limit=float(np.mean(limits)))
    shape = {"steps": float(model.window), "sensors": float(len(model.sensors_)), "used": float(len(_used(model)))}
    return Outcome(scores | shape, int((~is_held).sum()), len(windows), fit)


def _explained(model: RemainingLifeRegressor, windows: Windows, seed: int) -> Explanation:
    return explain(model, windows, target_error=_TARGET_ERROR, random_state=seed)


def _scores(found: list[Explanation], costs: list[Cost], *, limit: float) -> dict[str, float]:
    seconds = np.array([cost.cpu for cost in costs])
    evaluations = np.array([one.n_evaluations for one in found])
    errors = [np.linalg.norm(one.standard_error[0]) / np.linalg.norm(one.values[0]) for one in found]
    return {
        "median CPU s": float(np.median(seconds)),
        "most CPU s": float(seconds.max()),
        "median clock s": float(np.median([cost.wall for cost in costs])),
        "evaluations": float(np.median(evaluations)),
        "limit": limit,
        "share": float(np.median(evaluations / limit / seconds)),
        "error": float(np.median(errors)),
        "most error": float(np.max(errors)),
        "players": float(found[0].values.shape[1]),
    }


def _whole_windows(model: RemainingLifeRegressor, fleet: Fleet, *, seed: int) -> Windows:
    """Return one window of each held-out machine, late enough in its life that nothing is padded."""
    X = fleet.X[fleet.held_out].reset_index(drop=True)
    rows = np.flatnonzero(X.groupby(fleet.unit).cumcount().to_numpy() >= model.window - 1)
    return model.windows(X, rows=rows[random_moments(X[fleet.unit].to_numpy()[rows], seed=seed)])


def _varying_sensors(fleet: Fleet) -> list[str]:
    """Return the sensors that say something: FD001 has 14, the others stand still or nearly so."""
    readings = fleet.X.drop(columns=[fleet.unit, fleet.time])
    names = [str(name) for name in readings if not str(name).startswith("setting_")]
    return [name for name in names if readings[name].nunique() > 2]


def _used(model: RemainingLifeRegressor) -> tuple[str, ...]:
    return model.layout_.sensors


@torch.inference_mode()
def _pass(network: nn.Module, rows: Tensor, times: int) -> None:
    for _ in range(times):
        network(rows)


def _table(runs: Runs, fleet: Fleet, records: Mapping[str, Record]) -> str:
    heads = ["window", "players", "median CPU s", "slowest", "by the clock", "evaluations", "share of forward limit"]
    heads += ["standard error reached, worst", "asked"]
    n_windows = next(iter(records.values())).n_test
    return (
        f"speed, explaining {n_windows} windows of held-out machines of {fleet.name} one by one to target_error="
        f"{_TARGET_ERROR:g}, the age of the machine beside its sensors. `{runs.command}`\n"
        + markdown(heads, [_row(name, record.scores) for name, record in records.items()])
    )


def _row(name: str, scores: Mapping[str, float]) -> list[str]:
    return [
        f"{name}: {scores['steps']:.0f} steps, {scores['used'] - 1:.0f} sensors and age",
        f"{scores['players']:.0f}",
        f"{scores['median CPU s']:.3f}",
        f"{scores['most CPU s']:.3f}",
        f"{scores['median clock s']:.3f}",
        f"{scores['evaluations']:.0f}",
        f"{scores['share']:.2f} of {scores['limit']:.0f} windows per CPU s",
        f"{scores['error']:.1%}, {scores['most error']:.1%}",
        f"< {_ASKED_SECONDS:g} s",
    ]
