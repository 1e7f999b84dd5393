"""Do explanations point to the sensors that truly drove a failure? On generated machines, where that is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation.layouts import WindowLayout
from appkit.prediction import Estimate
from appkit.prediction.intervals import proportion
from benchmarks.manufacturing.runs import Outcome, Runs, markdown, our_model, spread, timed
from benchmarks.results import Record
from domains.manufacturing import FailureClassifier, RemainingLifeRegressor, make_degradation, make_milling_machines

__all__ = ["Verdict", "judge_drivers", "measure_drivers"]

_ASKED = 0.95
_PUMPS, _PUMP_SHARE = 300, 2 / 3  # machines, and the share learnt from
_PUMP_CAP = 100.0  # hours: wear takes 70 on average
_PARTS_LEARNT, _PARTS_JUDGED = 10_000, 5_000
_QUICK: Mapping[str, Any] = {"max_epochs": 2, "n_networks": 1}


@dataclass(frozen=True)
class Verdict:
    """What the attributions of one failure are worth.

    Parameters
    ----------
    modes
        Modes in which it failed.
    is_right
        Whether the largest effect belongs to a driver of one of them.
    is_clear
        Whether all drivers of one of them have larger effects than every decoy.
    decoy_rank
        Place of the best decoy among all effects, 1 the largest.
    top
        What has the largest effect.
    output
        What the model said.
    """

    modes: tuple[str, ...]
    is_right: bool
    is_clear: bool
    decoy_rank: int
    top: str
    output: float


def measure_drivers(runs: Runs, *, seeds: Sequence[int]) -> str:
    """Return the table of both data sets, the seeds being those of the generators and the models."""
    pumps = [_record(runs, "degradation", seed) for seed in seeds]
    parts = [_record(runs, "milling", seed) for seed in seeds]
    return "\n\n".join([_table(runs, "make_degradation", pumps), _table(runs, "make_milling_machines", parts)])


def judge_drivers(
    effects: np.ndarray,
    names: Sequence[str],
    *,
    drivers: Mapping[str, Sequence[str]],
    decoys: Sequence[str],
    output: float = np.nan,
) -> Verdict:
    """Judge the effects of one failure, float64 ``(n_players,)``, by their size; ``drivers`` are those of its modes.

    Examples
    --------
    >>> judge_drivers(
    ...     np.array([0.1, -0.5, 0.2]), ["a", "b", "c"], drivers={"worn": ["b", "a"]}, decoys=["c"]
    ... )
    Verdict(modes=('worn',), is_right=True, is_clear=False, decoy_rank=2, top='b', output=nan)
    """
    size = dict(zip(names, np.abs(effects).tolist(), strict=True))
    top = max(size, key=lambda name: size[name])
    best_decoy = max(size[name] for name in decoys)
    return Verdict(
        modes=tuple(drivers),
        is_right=any(top in own for own in drivers.values()),
        is_clear=any(min(size[name] for name in own) > best_decoy for own in drivers.values()),
        decoy_rank=1 + sum(effect > best_decoy for effect in size.values()),
        top=top,
        output=output,
    )


def _record(runs: Runs, data: str, seed: int) -> Record:
    judge, parameters = _DATA[data]
    model = our_model(**parameters, is_quick=runs.is_quick)
    measure = partial(judge, seed, is_quick=runs.is_quick)
    return runs.once(f"drivers_{data}", model, measure, data_hash=data, seed=seed)


def _judge_pumps(seed: int, *, is_quick: bool) -> Outcome:
    """Explain the last reading before its failure of each machine the model has not seen."""
    n_units = 24 if is_quick else _PUMPS
    data = make_degradation(n_units, cap=_PUMP_CAP, random_state=seed)
    unit, time = "machine", "hour"
    is_learnt = data.X[unit] <= round(n_units * _PUMP_SHARE)
    model = RemainingLifeRegressor(
        unit=unit,
        time=time,
        cap=_PUMP_CAP,
        conditions=data.conditions,
        random_state=seed,
        **(_QUICK if is_quick else {}),
    )
    _, fit = timed(lambda: model.fit(data.X[is_learnt], data.y[is_learnt]))
    seen = data.X[~is_learnt & data.X[unit].map(data.failed)]
    before = seen[seen[time] < seen.groupby(unit)[time].transform("max")]
    limits = {"max_evaluations": 8_000} if is_quick else {}
    found, predict = timed(lambda: model.explain(before, random_state=seed, **limits))
    assert isinstance(found.layout, WindowLayout)
    sensors = found.layout.sensors
    effects = np.nansum(found.values[..., 0].reshape(len(found.values), len(sensors), -1), axis=2)
    verdicts = [
        judge_drivers(
            row, sensors, drivers={data.mode[machine]: data.drivers_of(machine)}, decoys=data.decoys, output=said
        )
        for row, machine, said in zip(effects, before[unit].unique(), found.output[:, 0], strict=True)
    ]
    return Outcome(_counts(verdicts), int(is_learnt.sum()), len(verdicts), fit, predict)


def _judge_parts(seed: int, *, is_quick: bool) -> Outcome:
    """Explain each failure with a driver among parts milled after those the model has seen."""
    n_learnt, n_judged = (1_500, 500) if is_quick else (_PARTS_LEARNT, _PARTS_JUDGED)
    data = make_milling_machines(n_learnt + n_judged, random_state=seed)
    model = FailureClassifier(random_state=seed, **(_QUICK if is_quick else {}))
    _, fit = timed(lambda: model.fit(data.X[:n_learnt], data.y[:n_learnt]))
    modes = data.modes[n_learnt:].drop(columns="RNF")  # which nothing drives
    modes = modes[modes.any(axis=1)]
    limits = {"max_evaluations": 2_000} if is_quick else {}
    found, predict = timed(lambda: model.explain(data.X.loc[modes.index], random_state=seed, **limits))
    verdicts = [
        judge_drivers(
            row,
            found.player_names,
            drivers={mode: data.mode_drivers[mode] for mode in modes.columns[failed]},
            decoys=data.decoys,
            output=said,
        )
        for row, failed, said in zip(found.values[..., 0], modes.to_numpy(), found.output[:, 0], strict=True)
    ]
    return Outcome(_counts(verdicts), n_learnt, len(verdicts), fit, predict)


def _counts(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Count in all and by mode, as numbers that can be kept; a failure of two modes counts in both."""
    table = pd.DataFrame([vars(verdict) for verdict in verdicts])
    modes = sorted({mode for verdict in verdicts for mode in verdict.modes})
    members = {"all": np.ones(len(table), dtype=bool)}
    members |= {mode: np.array([mode in verdict.modes for verdict in verdicts]) for mode in modes}
    counts: dict[str, float] = {}
    for name, chosen in members.items():
        part = table[chosen]
        counts[f"{name}: failures"] = float(len(part))
        counts[f"{name}: right"] = float(part["is_right"].sum())
        counts[f"{name}: clear"] = float(part["is_clear"].sum())
        counts[f"{name}: decoy first"] = float((part["decoy_rank"] == 1).sum())
        counts[f"{name}: median decoy rank"] = float(part["decoy_rank"].median())
        counts[f"{name}: mean output"] = float(part["output"].mean())
    wrong = table.loc[~table["is_right"], "top"].value_counts()
    return counts | {f"wrong top: {name}": float(count) for name, count in wrong.items()}


def _table(runs: Runs, data: str, records: Sequence[Record]) -> str:
    groups = sorted({name.split(":")[0] for record in records for name in record.scores if name.endswith(": right")})
    rows = [_row(group, records) for group in [*(g for g in groups if g != "all"), "all"]]
    heads = ["mode", "failures", "top is a true driver", "95 %, exact", "by data seed", "all drivers above all decoys"]
    heads += ["a decoy first", "best decoy's rank, median", "mean output"]
    wrong: dict[str, int] = {}
    for record in records:
        for name, count in record.scores.items():
            if name.startswith("wrong top: "):
                wrong[name.removeprefix("wrong top: ")] = wrong.get(name.removeprefix("wrong top: "), 0) + int(count)
    listed = ", ".join(f"{name} {n}" for name, n in sorted(wrong.items(), key=lambda one: -one[1])) or "none"
    cost = spread([record.predict_cpu / record.n_test for record in records], 3)
    return (
        f"drivers, {data}, seeds {[r.seed for r in records]}; asked: {_ASKED:.0%}. `{runs.command}`\n"
        + markdown(heads, rows)
        + f"\nTops that are no drivers of the mode: {listed}. {cost} CPU s per explained failure."
    )


def _row(group: str, records: Sequence[Record]) -> list[str]:
    present = [record.scores for record in records if f"{group}: failures" in record.scores]
    total = {kind: sum(scores[f"{group}: {kind}"] for scores in present) for kind in _COUNTED}
    n = int(total["failures"])
    share: Estimate = proportion("share", int(total["right"]), n, method="Clopper-Pearson")
    by_seed = [scores[f"{group}: right"] / scores[f"{group}: failures"] for scores in present]
    return [
        group,
        str(n),
        f"{int(total['right'])} ({share.value:.1%})",
        f"{share.low:.1%} to {share.high:.1%}",
        " ".join(f"{value:.1%}" for value in by_seed),
        f"{int(total['clear'])} ({total['clear'] / n:.1%})",
        f"{int(total['decoy first'])} ({total['decoy first'] / n:.1%})",
        f"{np.median([scores[f'{group}: median decoy rank'] for scores in present]):g}",
        f"{np.mean([scores[f'{group}: mean output'] for scores in present]):.3g}",
    ]


_COUNTED = ("failures", "right", "clear", "decoy first")
_DATA: Mapping[str, tuple[Callable[..., Outcome], Mapping[str, Any]]] = {
    "degradation": (_judge_pumps, {"n_units": _PUMPS, "learnt": _PUMP_SHARE, "cap": _PUMP_CAP}),
    "milling": (_judge_parts, {"n_train": _PARTS_LEARNT, "n_test": _PARTS_JUDGED}),
}
