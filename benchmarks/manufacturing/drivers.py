"""Do explanations point to what truly drove a failure? On generated machines, where that is known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation import Explanation, explain
from appkit.explanation.layouts import WindowLayout
from benchmarks.manufacturing.ours import our_model
from benchmarks.manufacturing.verdicts import Verdict, counts, judge_drivers, table_of_drivers
from benchmarks.peers import Model, model_named
from benchmarks.runs import Cost, Outcome, Runs, timed
from domains.manufacturing import FailureClassifier, RemainingLifeRegressor, make_degradation, make_milling_machines
from domains.manufacturing.milling import MillingDataset, milling_rules

__all__ = ["GENERATED", "measure_drivers", "true_probability"]

_PUMPS, _PUMP_SHARE = 300, 2 / 3  # machines, and the share learnt from
_PUMP_CAP = 100.0  # hours: wear takes 70 on average
_SOON = 24.0  # hours: a machine said to fail within them is flagged
_PARTS_LEARNT, _PARTS_JUDGED = 10_000, 5_000
_TOOL_BREAKS, _OLDEST_TOOL = 0.425, 240.0  # as published: 51 of 120 tools, none older than 240 min
_MINUTES = {"L": 2, "M": 3, "H": 5}
_N_BACKGROUND = 200
_QUICK: Mapping[str, Any] = {"max_epochs": 2, "n_networks": 1}

Judged = Callable[[], tuple[list[Verdict], int, Cost, Cost]]
"""Verdicts, rows learnt from, cost of the fit, cost of the explanations."""


def measure_drivers(runs: Runs, *, data: Sequence[str], seeds: Sequence[int]) -> str:
    """Return a table per data set, the seeds being those of the generators and of the models."""
    return "\n\n".join(_measured(runs, name, seeds) for name in data)


def _measured(runs: Runs, name: str, seeds: Sequence[int]) -> str:
    records = []
    for seed in seeds:
        for model, judged in GENERATED[name](seed, runs.is_quick):
            measure = partial(_outcome, judged)
            records.append(runs.once(f"drivers_{name}", model, measure, data_hash=name, seed=seed))
    return table_of_drivers(runs, name, records)


def _outcome(judged: Judged) -> Outcome:
    verdicts, n_learnt, fit, predict = judged()
    return Outcome(counts(verdicts), n_learnt, len(verdicts), fit, predict)


def _pumps(seed: int, is_quick: bool) -> Iterator[tuple[Model, Judged]]:
    """Explain the last reading before its failure of each machine the model has not seen."""
    n_units = 24 if is_quick else _PUMPS
    parameters: dict[str, Any] = {"n_units": n_units, "learnt": _PUMP_SHARE, "cap": _PUMP_CAP}

    def judged() -> tuple[list[Verdict], int, Cost, Cost]:
        data = make_degradation(n_units, cap=_PUMP_CAP, random_state=seed)
        columns: dict[str, Any] = {"unit": "machine", "time": "hour", "conditions": data.conditions}
        X, machine = data.X, data.X["machine"]
        is_learnt = machine <= round(n_units * _PUMP_SHARE)
        options = _QUICK if is_quick else {}
        model = RemainingLifeRegressor(**columns, cap=_PUMP_CAP, random_state=seed, **options)
        _, fit = timed(lambda: model.fit(X[is_learnt], data.y[is_learnt]))
        is_before = X["hour"] < X.groupby("machine")["hour"].transform("max")
        before = X[~is_learnt & machine.map(data.failed) & is_before]
        limits = {"max_evaluations": 8_000} if is_quick else {}
        found, predict = timed(lambda: model.explain(before, random_state=seed, **limits))
        machines = before["machine"].unique()
        drivers = [{data.mode[one]: data.drivers_of(one)} for one in machines]
        names, effects = _by_sensor(found)
        lives = found.output[:, 0]
        verdicts = _verdicts(-effects, names, drivers=drivers, decoys=data.decoys, flagged=lives < _SOON)
        return verdicts, int(is_learnt.sum()), fit, predict

    yield our_model(**parameters), judged


def _by_sensor(found: Explanation) -> tuple[Sequence[str], np.ndarray]:
    """Return sensors, and their effects summed over time, ``(n_rows, n_sensors)``."""
    assert isinstance(found.layout, WindowLayout)
    sensors = found.layout.sensors
    return sensors, np.nansum(found.values[..., 0].reshape(len(found.values), len(sensors), -1), axis=2)


def _parts(seed: int, is_quick: bool) -> Iterator[tuple[Model, Judged]]:
    """Explain each failure with a driver among parts milled after those the model has seen.

    Ours and a rival by two questions each, and the true probability itself: what no model can beat.
    """
    n_learnt, n_judged = (1_500, 500) if is_quick else (_PARTS_LEARNT, _PARTS_JUDGED)
    data = make_milling_machines(n_learnt + n_judged, random_state=seed)
    parameters: dict[str, Any] = {"n_learnt": n_learnt, "n_judged": n_judged}
    options = _QUICK if is_quick else {}
    light = model_named("xgboost_light")
    makers: dict[str, tuple[Model, Callable[[], Any]]] = {
        "ours": (our_model(**parameters), lambda: FailureClassifier(random_state=seed, **options)),
        "xgboost_light": (our_model(**parameters), lambda: light.make(seed=seed, threads=1)),
        "true probability": (our_model(**parameters), lambda: None),
    }
    for name, (model, make) in makers.items():
        fitted = cache(partial(_fitted, make, data, n_learnt))  # once for both questions
        for question in ("interventional", "conditional"):
            judged = partial(_judged_parts, fitted, data, n_learnt, question=question, seed=seed, is_quick=is_quick)
            yield replace(model, name=f"{name}, {question}"), judged


def _fitted(make: Callable[[], Any], data: MillingDataset, n_learnt: int) -> tuple[Any, Cost]:
    model = make()
    if model is None:
        return true_probability, Cost()
    return timed(lambda: model.fit(data.X[:n_learnt], data.y[:n_learnt].to_numpy()))


def _judged_parts(
    fitted: Callable[[], tuple[Any, Cost]],
    data: MillingDataset,
    n_learnt: int,
    *,
    question: str,
    seed: int,
    is_quick: bool,
) -> tuple[list[Verdict], int, Cost, Cost]:
    model, fit = fitted()
    modes = data.modes[n_learnt:].drop(columns="RNF")  # which nothing drives
    modes = modes[modes.any(axis=1)]
    options: dict[str, Any] = {"correlated": question, "random_state": seed}
    options |= {"max_evaluations": 1_000} if is_quick else {}
    if not hasattr(model, "background_"):
        options["background"] = data.X[:n_learnt].sample(_N_BACKGROUND, random_state=seed)
    found, predict = timed(lambda: explain(model, data.X.loc[modes.index], **options))
    verdicts = _verdicts(
        found.values[..., 0],
        found.player_names,
        drivers=[{mode: data.mode_drivers[mode] for mode in modes.columns[failed]} for failed in modes.to_numpy()],
        decoys=data.decoys,
        flagged=found.output[:, 0] >= 0.5,
    )
    return verdicts, n_learnt, fit, predict


def true_probability(X: pd.DataFrame) -> np.ndarray:
    """Return the probability of failure by the rules of the generator, float64 ``(n_rows,)``.

    HDF, PWF and OSF are certain; a tool breaks at a life drawn between 200 and 240 min, so that of those still alive
    the share that breaks in this row grows with their age.
    """
    readings = X.astype({name: np.float64 for name in X.columns if name != "Type"})
    certain = milling_rules(readings).any(axis=1).to_numpy()
    wear = readings["Tool wear [min]"].to_numpy()
    minutes = readings["Type"].map(_MINUTES).to_numpy(dtype=np.float64)
    ends_here = np.clip(minutes / np.maximum(_OLDEST_TOOL - wear + minutes, minutes), 0, 1)
    return np.where(certain, 1.0, np.where(wear >= 200, _TOOL_BREAKS * ends_here, 0.0))


def _verdicts(
    effects: np.ndarray,
    names: Sequence[str],
    *,
    drivers: Sequence[Mapping[str, Sequence[str]]],
    decoys: Sequence[str],
    flagged: np.ndarray,
) -> list[Verdict]:
    return [
        judge_drivers(row, names, drivers=own, decoys=decoys, is_flagged=bool(is_flagged))
        for row, own, is_flagged in zip(effects, drivers, flagged, strict=True)
    ]


GENERATED: Mapping[str, Callable[[int, bool], Iterator[tuple[Model, Judged]]]] = {
    "degradation": _pumps,
    "milling": _parts,
}
"""Who is asked about which data: from seed and size to models and what their explanations were judged to be."""
