"""How long a prediction takes: one image at a time, and many."""

from functools import partial
from typing import Any

import numpy as np

from appkit.data.image_dataset import ImageDataset
from benchmarks.marks import told
from benchmarks.medical.ours import our_classifier, our_model, pixel_hash
from benchmarks.results import Record
from benchmarks.runs import Outcome, Runs, markdown, timed

__all__ = ["measure_predicting_speed"]

_ASKED_MILLISECONDS = 5.0
_N_SINGLE, _QUICK_SINGLE = 300, 5
_REPEATS = 3


def measure_predicting_speed(runs: Runs, data: ImageDataset, *, seed: int) -> str:
    """Return the table, of a model with the default networks that learnt for one epoch: no answer is judged."""
    n_single = _QUICK_SINGLE if runs.is_quick else _N_SINGLE
    model = our_model(is_quick=runs.is_quick, n_single=n_single)
    measure = partial(_measure, data, n_single, seed=seed, is_quick=runs.is_quick)
    record = runs.once("predicting_speed", model, measure, data_hash=pixel_hash(np.asarray(data.X)), seed=seed)
    return _table(runs, data, record)


def _measure(data: ImageDataset, n_single: int, *, seed: int, is_quick: bool) -> Outcome:
    X, y = np.asarray(data.X), (data.y == data.event).to_numpy()
    options: dict[str, Any] = {"max_epochs": 1, "random_state": seed}
    model = our_classifier(is_quick=is_quick, **options)
    _, fit = timed(lambda: model.fit(X, y))
    model.predict_proba(X[:2])  # first calls pay for imports and caches
    single = [timed(partial(model.predict_proba, X[i : i + 1]))[1] for i in range(n_single)]
    many = [timed(partial(model.predict_proba, X))[1] for _ in range(_REPEATS)]
    clock = np.array([cost.wall for cost in single]) * 1000
    scores = {
        "median ms": float(np.median(clock)),
        "95 % ms": float(np.quantile(clock, 0.95)),
        "median CPU ms": float(np.median([cost.cpu for cost in single])) * 1000,
        "images per CPU s": len(X) / min(cost.cpu for cost in many),
        "networks": float(len(model.module_.networks)),
    }
    return Outcome(scores, len(X), n_single, fit)


def _table(runs: Runs, data: ImageDataset, record: Record) -> str:
    scores = record.scores
    heads = ["one image, median ms by the clock", "95 % of calls", "median CPU ms", "many, images per CPU s"]
    cells = [
        f"{scores['median ms']:.2f}",
        f"{scores['95 % ms']:.2f}",
        f"{scores['median CPU ms']:.2f}",
        f"{scores['images per CPU s']:.0f}",
    ]
    marks = {"asked": _ASKED_MILLISECONDS}
    return (
        f"speed, predict_proba on {data.name}: {scores['networks']:.0f} networks, {record.n_test} single images, then "
        f"{record.n_train:,} at once, the best of {_REPEATS}. `{runs.command}`\n"
        + markdown(heads, [cells])
        + f"\nms for one image {told(scores['median ms'], marks, digits=2, less_is_better=True)}."
    )
