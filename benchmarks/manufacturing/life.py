"""Remaining life at the last reading of engines nobody chose anything on, against what a practitioner would try."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.manufacturing.fleets import Fleet
from benchmarks.manufacturing.ours import our_model
from benchmarks.peers import Model
from benchmarks.protocol import rotate
from benchmarks.results import Record
from benchmarks.runs import Outcome, Runs, frame_hash, markdown, spread, timed
from domains.manufacturing import RemainingLifeRegressor
from domains.manufacturing.prediction.baselines import MeanLifeRegressor, ridge_baseline, xgboost_baseline
from domains.manufacturing.prediction.remaining_life import nasa_scores, rmse

__all__ = ["life_scores", "measure_life", "our_regressor"]

_USUAL_WINDOW = 30  # cycles, as published results cut FD001
_REFERENCE = "xgboost_light"
_QUICK: Mapping[str, Any] = {"max_epochs": 1, "n_networks": 1, "width": 8, "stride": 5}


def measure_life(runs: Runs, fleet: Fleet, *, seeds: Sequence[int]) -> str:
    """Fit every model by every seed in turn, and return the table."""
    models = _models(fleet, is_quick=runs.is_quick)
    data_hash = frame_hash(fleet.X, fleet.X_test, fleet.life_test)
    records: list[Record] = []
    for position, seed in enumerate(seeds):
        for name in rotate(list(models), position):
            measure = _measure(models[name], fleet, seed, runs.threads)
            records.append(runs.once("life", models[name], measure, data_hash=data_hash, seed=seed))
    return _table(runs, fleet, {name: [r for r in records if r.model == name] for name in models})


def our_regressor(fleet: Fleet, *, is_quick: bool, random_state: int, **parameters: Any) -> RemainingLifeRegressor:
    """Return our estimator with its defaults."""
    options = {**(_QUICK if is_quick else {}), **parameters}
    return RemainingLifeRegressor(**fleet.columns, cap=fleet.cap, random_state=random_state, **options)


def life_scores(life: pd.Series, predicted: pd.Series, *, cap: float) -> dict[str, float]:
    """Return error and NASA score against the life cut at ``cap``, and against the life as it was.

    Examples
    --------
    >>> life_scores(pd.Series([5.0, 200.0]), pd.Series([10.0, 125.0]), cap=125)["rmse"] ** 2
    12.5...
    """
    predicted = predicted.loc[life.index]
    cut = life.clip(upper=cap)
    error = rmse(cut, predicted)
    return {
        "rmse": error.value,
        "rmse low": error.low,
        "rmse high": error.high,
        "nasa": float(nasa_scores(cut, predicted).sum()),
        "rmse uncut": float(np.sqrt(np.mean((predicted - life) ** 2))),
        "nasa uncut": float(nasa_scores(life, predicted).sum()),
    }


def _models(fleet: Fleet, *, is_quick: bool) -> dict[str, Model]:
    """Return ours and its rivals; trees and ridge look back as far as usual, and as far as ours does."""

    def ours(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
        return our_regressor(fleet, is_quick=is_quick, random_state=seed)

    def mean_life(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
        return MeanLifeRegressor(**fleet.columns, cap=fleet.cap)

    def ridge(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
        return ridge_baseline(**fleet.columns, **parameters)

    def boosted(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
        return xgboost_baseline(**fleet.columns, **parameters, n_jobs=threads, random_state=seed)

    window = our_regressor(fleet, is_quick=is_quick, random_state=0).window
    models = [our_model(ours, window=window, cap=fleet.cap), Model("mean life", mean_life, ("pandas",))]
    trees = ("xgboost", "scikit-learn")
    for steps in sorted({_USUAL_WINDOW, window}):
        models += [
            Model(f"ridge, window {steps}", ridge, ("scikit-learn",), {"window": steps}),
            Model(f"xgboost, window {steps}", boosted, trees, {"window": steps, "tune": "default"}),
            Model(f"{_REFERENCE}, window {steps}", boosted, trees, {"window": steps, "tune": "light"}),
        ]
    return {model.name: model for model in models}


def _measure(model: Model, fleet: Fleet, seed: int, threads: int) -> Callable[[], Outcome]:
    def measure() -> Outcome:
        estimator = model.make(seed=seed, threads=threads)
        _, fit = timed(lambda: estimator.fit(fleet.X, fleet.target))
        predicted, predict = timed(lambda: estimator.predict_last(fleet.X_test).clip(0, fleet.cap))
        scores = life_scores(fleet.life_test, predicted, cap=fleet.cap)
        return Outcome(scores, len(fleet.X), len(fleet.life_test), fit, predict)

    return measure


def _table(runs: Runs, fleet: Fleet, records: Mapping[str, Sequence[Record]]) -> str:
    ours = records["ours"]
    heads = ["model", f"RMSE, cut at {fleet.cap:g}", "95 % over engines", "NASA score", "RMSE, uncut", "NASA, uncut"]
    heads += ["fit, CPU s", "ours costs"]
    rows = [[name, *_cells(found, ours)] for name, found in records.items()]
    n_machines = fleet.X[fleet.unit].nunique()
    return (
        f"life, {fleet.name}: {n_machines} machines to learn from ({len(fleet.X):,} rows), {len(fleet.life_test)} to "
        f"judge at their last reading; seeds {[r.seed for r in ours]}; mean over seeds. `{runs.command}`\n"
        + markdown(heads, rows)
    )


def _cells(found: Sequence[Record], ours: Sequence[Record]) -> list[str]:
    def mean(name: str) -> float:
        return float(np.mean([record.scores[name] for record in found]))

    ratio = np.median([mine.fit_cpu / theirs.fit_cpu for mine, theirs in zip(ours, found, strict=True)])
    return [
        spread([record.scores["rmse"] for record in found]),
        f"{mean('rmse low'):.1f} to {mean('rmse high'):.1f}",
        spread([record.scores["nasa"] for record in found], 0),
        spread([record.scores["rmse uncut"] for record in found]),
        spread([record.scores["nasa uncut"] for record in found], 0),
        spread([record.fit_cpu for record in found], 1),
        f"{ratio:.3g} x",
    ]
