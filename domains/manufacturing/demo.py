"""The tour of the manufacturing domain: fit, measure, explain and report on generated pumps, with no network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from appkit.explanation import explain_game, series_game
from appkit.model import Costs
from appkit.reporting import report
from domains.manufacturing.data import make_degradation
from domains.manufacturing.degradation import DegradationDataset
from domains.manufacturing.prediction.evaluation import PrognosticEvaluation, evaluate_remaining_life
from domains.manufacturing.remaining_life import RemainingLifeRegressor

__all__ = ["demo"]

_N_PUMPS, _N_EXPLAINED = 60, 200
_CAP_HOURS = 60.0  # wear is seen for about 70 hours; before that nothing tells
_FIRST = 3  # drivers named in a line


def demo(out_dir: str | Path = ".", *, progress: bool = False) -> tuple[Path, Path]:
    """Fit remaining life on generated pumps, print how good it is and who fails next, write ``maintenance.html``.

    Parameters
    ----------
    out_dir
        Folder to write into; it must exist.
    progress
        Whether to show progress bars.

    Returns
    -------
    tuple of Path
        The page and its facts, ``maintenance.json``.
    """
    console = Console()
    data = make_degradation(_N_PUMPS)
    X_train, X_test, y_train, y_test = data.split()
    assert data.unit is not None
    assert data.time_column is not None
    console.print(f"Fitting RemainingLifeRegressor on {X_train[data.unit].nunique()} pumps, {len(X_train):,} hours ...")
    model = RemainingLifeRegressor(
        unit=data.unit,
        time=data.time_column,
        cap=_CAP_HOURS,
        failure_modes=data.mode_drivers,
        conditions=data.conditions,
        random_state=0,
        progress=progress,
    )
    model.fit(X_train, y_train)
    console.print(str(_evaluation(model, X_test, y_test)), highlight=False)
    console.print(_next_to_fail(model, X_test, data), highlight=False)
    console.print("Explaining and writing the report ...")
    page = report(
        model,
        X_test,
        y_test,
        title="Remaining life of pumps (generated)",
        data_name="Generated pumps, test part",
        purpose="Shows what a report holds. The pumps are generated, and what makes them fail is known.",
        reference=(X_train, y_train),
        challengers="auto",
        costs=Costs(missed_event=9000.0, false_alarm=600.0, currency="EUR"),
        limits={"Coverage": (0.8, None), "Alarm recall": (0.8, None)},
        n_explained=_N_EXPLAINED,
        random_state=0,
        progress=progress,
    )
    html, json = page.save(Path(out_dir) / "maintenance.html")
    console.print(f"Wrote {html} (open it in a browser) and {json}.", soft_wrap=True)
    return html, json


def _evaluation(model: RemainingLifeRegressor, X: pd.DataFrame, y: pd.Series) -> PrognosticEvaluation:
    """Measure at every hour of the pumps that were seen to fail, lives cut as in training."""
    units, known = X[model.unit], y.notna()
    evaluation = evaluate_remaining_life(
        y[known],
        model.predict(X)[known],
        units=units[known],
        ages=(X[model.time] - X.groupby(model.unit)[model.time].transform("min"))[known],
        interval=model.predict_interval(X)[known],
        cap=model.cap,
        time_unit="hours",
    )
    cut = tuple(estimate for estimate in evaluation.estimates if not estimate.name.endswith("truth not cut"))
    return replace(evaluation, estimates=cut)


def _next_to_fail(model: RemainingLifeRegressor, X: pd.DataFrame, data: DegradationDataset) -> str:
    """Say which of the pumps that still ran has the least life left, and which sensors say so."""
    running = X[~X[model.unit].map(data.failed)]
    pump = model.predict_last(running).idxmin()
    own = running[running[model.unit] == pump]
    left, (low, high) = model.predict(own)[-1], model.predict_interval(own)[-1]
    drivers = explain_game(series_game(model, own, n_segments=1), random_state=0)
    effects = drivers.values[0, :, 0]
    strongest = np.argsort(-np.abs(effects))[:_FIRST]
    named = [
        f"{drivers.player_names[i]} {effects[i]:+.0f} h (standard error {drivers.standard_error[0, i, 0]:.1f})"
        for i in strongest
    ]
    return (
        f"Next to fail: pump {pump}, {left:.0f} hours left (90 % interval {low:.0f} to {high:.0f}). Against healthy "
        f"pumps: {', '.join(named)}.\nWhat truly shows its wear, known as it is generated: "
        f"{', '.join(data.drivers_of(pump))}."
    )
