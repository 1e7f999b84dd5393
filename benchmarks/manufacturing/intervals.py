"""Do 90 % intervals of remaining life hold, and what are they worth? Cross-validated by machine."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import KFold

from appkit.model.ensemble import Ensemble
from appkit.model.training import TrainingData
from appkit.prediction.intervals import clopper_pearson_interval
from appkit.prediction.resampling import totals_estimate
from benchmarks.manufacturing.fleets import Fleet, random_moments
from benchmarks.manufacturing.life import our_regressor
from benchmarks.manufacturing.ours import our_model
from benchmarks.results import Record
from benchmarks.runs import Cost, Outcome, Runs, frame_hash, markdown, spread, timed
from domains.manufacturing import RemainingLifeRegressor

__all__ = ["constant_width", "interval_scores", "measure_intervals", "worth_over_cuts"]

_ALPHA = 0.1
_N_FOLDS = 5
_ALL_CUTS = -1  # the seed that all cuts together are kept under
_FITS = 0  # seed of folds and fits


def measure_intervals(runs: Runs, fleet: Fleet, *, seeds: Sequence[int]) -> str:
    """Fit once per fold, judge by every seed of cuts, and return the table."""
    model = our_model(cap=fleet.cap, cuts=list(seeds), is_quick=runs.is_quick)
    judged: list[pd.DataFrame] = []
    cost: list[Cost] = []

    def by_machine(chosen: Sequence[int]) -> pd.DataFrame:
        if not judged:  # the costly part, once for all cuts
            folds, spent = timed(lambda: list(_folds(fleet, is_quick=runs.is_quick)))
            judged.extend(_judged(held, calibration, seeds, cap=fleet.cap) for held, calibration in folds)
            cost.append(spent)
        table = pd.concat(judged, ignore_index=True)
        return table[table["cut"].isin(chosen)]

    def outcome(chosen: Sequence[int]) -> Outcome:
        table = by_machine(chosen)
        scores = interval_scores(table) if len(chosen) == 1 else worth_over_cuts(table)
        return Outcome(scores, len(fleet.X), table["machine"].nunique(), cost[0])

    data_hash = frame_hash(fleet.X, fleet.life)
    kept = [runs.once("intervals", model, partial(outcome, [seed]), data_hash=data_hash, seed=seed) for seed in seeds]
    together = runs.once("intervals", model, partial(outcome, seeds), data_hash=data_hash, seed=_ALL_CUTS)
    return _table(runs, fleet, kept, together)


def constant_width(calibration: pd.DataFrame, *, alpha: float, seed: int) -> float:
    """Return the half-width that split conformal finds on one random moment of each calibration machine.

    Examples
    --------
    >>> held = pd.DataFrame({"machine": range(9), "truth": 0.0, "predicted": range(9)})
    >>> constant_width(held, alpha=0.1, seed=0)
    8.0
    """
    rows = random_moments(calibration["machine"].to_numpy(), seed=seed)
    errors = np.sort((calibration["predicted"] - calibration["truth"]).abs().to_numpy()[rows])
    rank = int(np.ceil(round((len(errors) + 1) * (1 - alpha), 9)))
    if rank > len(errors):
        raise ValueError(f"alpha={alpha} needs at least {int(np.ceil(1 / alpha)) - 1} machines, got {len(errors)}.")
    return float(errors[rank - 1])


def interval_scores(table: pd.DataFrame) -> dict[str, float]:
    """Return coverage with its exact interval, width and score, of ours and of constant width, for one cut each.

    Parameters
    ----------
    table
        One row per machine: ``covered``, ``width`` and ``score`` of ours, the same with ``constant `` before, and
        ``is_capped`` where the truth was cut at the cap.
    """
    scores: dict[str, float] = {"machines": float(len(table)), "capped": float(table["is_capped"].sum())}
    for name in ("", "constant "):
        n_covered = int(table[f"{name}covered"].sum())
        low, high = clopper_pearson_interval(n_covered, len(table))
        scores |= {f"{name}covered": float(n_covered), f"{name}low": float(low), f"{name}high": float(high)}
        scores |= {f"{name}width": table[f"{name}width"].mean(), f"{name}score": table[f"{name}score"].mean()}
    late = table[~table["is_capped"]]
    return scores | {"late machines": float(len(late)), "late covered": float(late["covered"].sum())}


def worth_over_cuts(table: pd.DataFrame) -> dict[str, float]:
    """Return coverage, and our score over that of constant width, with intervals by redrawing machines."""
    by: dict[str, Any] = {"groups": table["machine"].to_numpy(), "n_resamples": 2000}
    sums = table[["score", "constant score", "covered", "constant covered"]].assign(one=1.0).to_numpy(dtype=np.float64)
    found = {
        "ratio": totals_estimate("ratio", lambda s: s[:, 0] / s[:, 1], sums, **by),
        "coverage": totals_estimate("coverage", lambda s: s[:, 2] / s[:, 4], sums, **by),
        "constant coverage": totals_estimate("coverage", lambda s: s[:, 3] / s[:, 4], sums, **by),
    }
    ends = {f"{name} {end}": getattr(estimate, end) for name, estimate in found.items() for end in ("low", "high")}
    return {name: estimate.value for name, estimate in found.items()} | ends


class _Remembering(RemainingLifeRegressor):
    """Ours, keeping what it said of machines each network was not fitted on: constant width is calibrated on these."""

    held_out_: pd.DataFrame

    def _learn_from_held_out(self, ensemble: Ensemble, rows: TrainingData, *, is_blind: bool) -> None:
        super()._learn_from_held_out(ensemble, rows, is_blind=is_blind)
        held = torch.from_numpy(ensemble.held_out)
        said = self._values(self.head_.means(ensemble.logits).mean(dim=1))[:, 0]
        machines = rows.Z.take(held).starts  # type: ignore[attr-defined]
        self.held_out_ = pd.DataFrame({"machine": machines, "truth": rows.target[held], "predicted": said})


def _folds(fleet: Fleet, *, is_quick: bool) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield what was said of the rows of held-out machines, and the calibration rows behind it."""
    machines = fleet.X[fleet.unit].unique()
    for train, test in KFold(_N_FOLDS, shuffle=True, random_state=_FITS).split(machines):
        learnt, held = (fleet.X[fleet.unit].isin(machines[part]) for part in (train, test))
        ours = our_regressor(fleet, is_quick=is_quick, random_state=_FITS, n_networks="auto")
        model = _Remembering(**ours.get_params()).fit(fleet.X[learnt], fleet.target[learnt])
        low, high = model.predict_interval(fleet.X[held], alpha=_ALPHA).T
        said = pd.DataFrame(
            {
                "machine": fleet.X.loc[held, fleet.unit],
                "truth": fleet.target[held],
                "predicted": model.predict(fleet.X[held]),
                "low": low,
                "high": high,
            }
        )
        yield said, model.held_out_


def _judged(held: pd.DataFrame, calibration: pd.DataFrame, seeds: Sequence[int], *, cap: float) -> pd.DataFrame:
    """Return one row per machine and cut: whether both intervals hold the truth, their width and score."""
    tables = []
    for seed in seeds:
        one = held.iloc[random_moments(held["machine"].to_numpy(), seed=seed)]
        half = constant_width(calibration, alpha=_ALPHA, seed=seed)
        ends = {"": (one["low"], one["high"]), "constant ": (one["predicted"] - half, one["predicted"] + half)}
        columns = {"machine": one["machine"], "cut": seed, "is_capped": one["truth"] >= cap}
        for name, (low, high) in ends.items():
            low, high = low.clip(0, cap), high.clip(0, cap)  # nothing else can be
            outside = (low - one["truth"]).clip(lower=0) + (one["truth"] - high).clip(lower=0)
            columns[f"{name}covered"] = outside <= 0
            columns[f"{name}width"] = high - low
            columns[f"{name}score"] = high - low + 2 / _ALPHA * outside
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _table(runs: Runs, fleet: Fleet, kept: Sequence[Record], together: Record) -> str:
    heads = ["cuts", "intervals", "covered", "95 %, exact", "mean width", "interval score", "of those not capped"]
    rows = [row for record in kept for row in _rows(record)]
    all_cuts = together.scores
    covered = [record.scores["covered"] / record.scores["machines"] for record in kept]
    return (
        f"intervals, {fleet.name}: {together.n_test} training machines in {_N_FOLDS} folds, one random moment each; "
        f"{1 - _ALPHA:.0%} promised; cuts by seeds {[r.seed for r in kept]}. `{runs.command}`\n"
        + markdown(heads, rows)
        + f"\nOver all cuts: coverage {all_cuts['coverage']:.3f} ({all_cuts['coverage low']:.3f} to "
        f"{all_cuts['coverage high']:.3f}, machines redrawn; by cut {spread(covered, 3)}), constant width "
        f"{all_cuts['constant coverage']:.3f}; interval score {all_cuts['ratio']:.3f} of that of constant width "
        f"({all_cuts['ratio low']:.3f} to {all_cuts['ratio high']:.3f}); asked: 0.9, goal 0.8. "
        f"{together.fit_cpu:.0f} CPU s."
    )


def _rows(record: Record) -> list[list[Any]]:
    scores, n = record.scores, int(record.scores["machines"])
    rows = []
    for name, words in (("", "ours"), ("constant ", "constant width")):
        late = f"{scores['late covered']:.0f} of {scores['late machines']:.0f}" if not name else ""
        rows.append(
            [
                record.seed,
                words,
                f"{scores[f'{name}covered']:.0f} of {n}",
                f"{scores[f'{name}low']:.3f} to {scores[f'{name}high']:.3f}",
                f"{scores[f'{name}width']:.1f}",
                f"{scores[f'{name}score']:.1f}",
                late,
            ]
        )
    return rows
