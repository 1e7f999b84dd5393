"""Which product fails while it is milled: AI4I 2020 without the columns that give it away, against boosted trees."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from benchmarks.datasets import Table, load_table, table_hash
from benchmarks.manufacturing.ours import our_model
from benchmarks.peers import Model, model_named
from benchmarks.protocol import Split, make_splits, rotate
from benchmarks.results import Record
from benchmarks.runs import Outcome, Runs, markdown, spread, timed
from benchmarks.statistics import corrected_difference
from domains.manufacturing import FailureClassifier, make_milling_machines

__all__ = ["best_f1_threshold", "measure_failures"]

_N_FOLDS = 5
_PEERS = ("histgb", "xgboost", "xgboost_light")
_QUICK: Mapping[str, Any] = {"max_epochs": 2, "n_networks": 1}
_SCORES = {"average_precision": "average precision", "f1": "F1"}


def measure_failures(runs: Runs, *, seeds: Sequence[int], max_folds: int, n_inner: int) -> str:
    """Fit all models fold by fold in turn, and return the table."""
    table = _small_table() if runs.is_quick else load_table("ai4i2020")
    data_hash = table_hash(table)
    models = {model.name: model for model in (_ours(n_inner, runs.is_quick), *(_peer(n, n_inner) for n in _PEERS))}
    records: list[Record] = []
    for seed in seeds:
        splits = list(make_splits(table, n_folds=_N_FOLDS, repeats=1, seed=seed))[:max_folds]
        for position, split in enumerate(splits):
            for name in rotate(list(models), position):
                measure = _measure(models[name], table, split, seed, n_inner, runs.threads)
                where: dict[str, Any] = {"data_hash": data_hash, "seed": seed, "fold": split.fold, "n_folds": _N_FOLDS}
                records.append(runs.once("failures", models[name], measure, **where))
    return _told(runs, table, {name: _in_order(records, name) for name in models})


def best_f1_threshold(y: np.ndarray, probability: np.ndarray) -> float:
    """Return the probability from which on flagging gives the best F1 of these rows.

    Examples
    --------
    >>> best_f1_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.3, 0.9]))
    0.3
    """
    precision, recall, thresholds = precision_recall_curve(y, probability)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[f1[:-1].argmax()])


def _ours(n_inner: int, is_quick: bool) -> Model:
    parameters = {**(_QUICK if is_quick else {})}

    def build(seed: int, threads: int, shown: Mapping[str, Any]) -> Any:
        return FailureClassifier(**parameters, random_state=seed)

    return our_model(build, **parameters, n_inner=n_inner)


def _peer(name: str, n_inner: int) -> Model:
    peer = model_named(name)
    return Model(peer.name, peer.build, peer.packages, peer.parameters, f"{peer.encoding}; {n_inner} inner folds")


def _measure(model: Model, table: Table, split: Split, seed: int, n_inner: int, threads: int) -> Callable[[], Outcome]:
    """Choose the threshold on inner folds of the training part, fit all of it, judge the test part once."""

    def measure() -> Outcome:
        X, y = table.X.iloc[split.train].reset_index(drop=True), table.y[split.train]
        X_test, y_test = table.X.iloc[split.test].reset_index(drop=True), table.y[split.test]
        inner = StratifiedKFold(n_inner, shuffle=True, random_state=seed)
        made = model.make(seed=seed, threads=threads)
        held_out = cross_val_predict(made, X, y, cv=inner, method="predict_proba")[:, 1]
        threshold = best_f1_threshold(y, held_out)
        classifier = model.make(seed=seed, threads=threads)
        _, fit = timed(lambda: classifier.fit(X, y))
        probability, predict = timed(lambda: classifier.predict_proba(X_test)[:, 1])
        scores = {
            "average_precision": float(average_precision_score(y_test, probability)),
            "f1": float(f1_score(y_test, probability >= threshold)),
            "threshold": threshold,
        }
        return Outcome(scores, len(y), len(y_test), fit, predict)

    return measure


def _in_order(records: Sequence[Record], name: str) -> list[Record]:
    return sorted((record for record in records if record.model == name), key=lambda record: record.split)


def _told(runs: Runs, table: Table, records: Mapping[str, Sequence[Record]]) -> str:
    heads = ["model"]
    for words in _SCORES.values():
        heads += [words, f"ours minus it ({words})"]
    heads += ["fit, CPU s"]
    rows = [[name, *_cells(found, records["ours"])] for name, found in records.items()]
    ours = records["ours"]
    return (
        f"failures, {table.name}: {len(table.y):,} rows, {int(table.y.sum())} failures; {len(ours)} of "
        f"{_N_FOLDS * len({r.seed for r in ours})} stratified folds, seeds {sorted({r.seed for r in ours})}; F1 at a "
        f"threshold from inner folds of the training part; 95 % by the corrected resampled t-test. `{runs.command}`\n"
        + markdown(heads, rows)
    )


def _cells(found: Sequence[Record], ours: Sequence[Record]) -> list[str]:
    cells = []
    for score in _SCORES:
        theirs, mine = (np.array([record.scores[score] for record in part]) for part in (found, ours))
        difference = corrected_difference(mine, theirs, test_share=1 / _N_FOLDS)
        is_ours = found[0].model == "ours"
        cells += [
            spread(theirs, 3),
            "" if is_ours else f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})",
        ]
    return [*cells, spread([record.fit_cpu for record in found], 1)]


def _small_table() -> Table:
    data = make_milling_machines(600, random_state=0)
    # so few rows hold too few failures for inner folds: high torque is called one
    y = (data.y.to_numpy() == 1) | (data.X["Torque [Nm]"].to_numpy() > 55)
    return Table("milling", data.X, y.astype(np.int64), headline="average_precision")
