"""Chest radiographs of children on the official split, everything chosen on the official validation part."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from appkit.data.image_dataset import ImageDataset
from appkit.prediction import auc, expected_calibration_error
from appkit.prediction.thresholds import threshold_at_specificity, threshold_of_youden
from benchmarks.marks import told
from benchmarks.medical.ours import our_model, pixel_hash
from benchmarks.medical.peers import plain_resnet
from benchmarks.peers import Model
from benchmarks.protocol import rotate
from benchmarks.results import Record
from benchmarks.runs import Outcome, Runs, markdown, spread, timed
from domains.medical import make_phantoms
from domains.medical.data import load_pneumoniamnist
from domains.medical.prediction import diagnostic_accuracy, operating_points

__all__ = ["chest_films", "chest_scores", "measure_chest"]

_MARKS = {"floor": 0.975, "goal": 0.985, "moonshot": 0.991}
_MOST_SECONDS = 150.0
_SPECIFICITY = 0.95
_PUBLISHED = (  # Yang et al. (2023), MedMNIST v2, Scientific Data 10:41, table 3: AUC, accuracy
    ("published ResNet-18, 28 px", 0.944, 0.854),
    ("published ResNet-50, 224 px", 0.962, 0.884),
    ("published Google AutoML Vision", 0.991, 0.946),
)


def chest_films(*, is_quick: bool) -> ImageDataset:
    """Return PneumoniaMNIST, or phantoms in its place where all that matters is that things run."""
    return make_phantoms(120) if is_quick else load_pneumoniamnist()


def measure_chest(runs: Runs, data: ImageDataset, *, seeds: Sequence[int], peer_epochs: int | None) -> str:
    """Fit by every seed in turn, peers too where they are given epochs, and return the tables."""
    models = {"ours": our_model(is_quick=runs.is_quick)}
    if peer_epochs is not None:
        models["plain ResNet-18"] = plain_resnet(epochs=peer_epochs)
    data_hash = pixel_hash(np.asarray(data.X), _is_event(data, data.y))
    records: list[Record] = []
    for position, seed in enumerate(seeds):
        for name in rotate(list(models), position):
            measure = partial(_measure, models[name], data, seed, runs.threads)
            records.append(runs.once("chest", models[name], measure, data_hash=data_hash, seed=seed))
    return _told(runs, data, {name: [r for r in records if r.model == name] for name in models})


def chest_scores(y: np.ndarray, p: np.ndarray, *, y_val: np.ndarray, p_val: np.ndarray) -> dict[str, float]:
    """Return what probabilities of test images are worth, every threshold chosen on the validation images.

    Parameters
    ----------
    y, p
        Events, bool, and their probabilities, of test images.
    y_val, p_val
        The same of validation images.
    """
    area, calibration = auc(y, p), expected_calibration_error(y, p)
    threshold = threshold_of_youden(y_val, p_val)
    (strict,) = operating_points(y_val, p_val, sensitivities=[], specificities=[_SPECIFICITY], youden=False)
    there = diagnostic_accuracy(y, p, threshold=strict.threshold)
    scores = {
        "auc": area.value,
        "auc low": area.low,
        "auc high": area.high,
        "validation auc": float(roc_auc_score(y_val, p_val)),
        "threshold": threshold,
        "accuracy": float(np.mean((p >= threshold) == y)),
        "accuracy at .5": float(np.mean((p >= 0.5) == y)),
        "sensitivity on its own curve": _sensitivity_on_curve(y, p),
        "calibration error": calibration.value,
        "calibration error low": calibration.low,
        "calibration error high": calibration.high,
    }
    for estimate in (there.sensitivity, there.specificity):
        name = estimate.name.lower()
        scores |= {name: estimate.value, f"{name} low": estimate.low, f"{name} high": estimate.high}
    return scores


def _sensitivity_on_curve(y: np.ndarray, p: np.ndarray) -> float:
    """Return the sensitivity where the test images themselves reach the specificity: no threshold anyone could know."""
    return float(np.mean(p[y] >= threshold_at_specificity(y, p, _SPECIFICITY)))


def _measure(model: Model, data: ImageDataset, seed: int, threads: int) -> Outcome:
    X, X_val, X_test, *labels = data.split_three(random_state=0)
    y, y_val, y_test = (_is_event(data, part) for part in labels)
    classifier = model.make(seed=seed, threads=threads)
    _, fit = timed(lambda: classifier.fit(X, y, X_val=X_val, y_val=y_val))
    p_val = _event(classifier)(X_val)
    p, predict = timed(lambda: _event(classifier)(X_test))
    return Outcome(chest_scores(y_test, p, y_val=y_val, p_val=p_val), len(y), len(y_test), fit, predict)


def _event(classifier: Any) -> Callable[[Any], np.ndarray]:
    return lambda X: np.asarray(classifier.predict_proba(X), dtype=np.float64)[:, 1]


def _is_event(data: ImageDataset, labels: Any) -> np.ndarray:
    return (labels == data.event).to_numpy()


def _told(runs: Runs, data: ImageDataset, records: Mapping[str, Sequence[Record]]) -> str:
    heads = ["model", "seed", "AUC", "95 %, DeLong", "accuracy at Youden's threshold of validation", "at .5"]
    heads += ["calibration error", "sensitivity where validation has specificity .95", "specificity there, on test"]
    heads += ["sensitivity where test itself has it", "validation AUC", "fit, CPU s"]
    rows = [_row(record) for found in records.values() for record in found]
    rows += [[f"mean, {name}", "", *_mean_cells(found)] for name, found in records.items()]
    rows += [[name, "", f"{area:.3f}", "", "", f"{share:.3f}", *[""] * 6] for name, area, share in _PUBLISHED]
    ours = records["ours"]
    n_train, n_test = ours[0].n_train, ours[0].n_test
    means = {name: float(np.mean([record.scores["auc"] for record in found])) for name, found in records.items()}
    seconds = float(np.mean([record.fit_cpu for record in ours]))
    return (
        f"chest, {data.name}: {n_train:,} images to learn from, {n_test:,} to judge, official parts; epochs, "
        f"calibration and thresholds by the validation part; seeds {[r.seed for r in ours]}; accuracy with its "
        f"standard error. `{runs.command}`\n"
        + markdown(heads, rows)
        + f"\nAUC of ours, mean {told(means['ours'], _MARKS)}. "
        + f"CPU s of a fit, mean {told(seconds, {'limit': _MOST_SECONDS}, digits=0, less_is_better=True)}."
    )


def _row(record: Record) -> list[str]:
    found = record.scores
    return [
        record.model,
        str(record.seed),
        f"{found['auc']:.4f}",
        f"{found['auc low']:.3f} to {found['auc high']:.3f}",
        _share(found["accuracy"], record.n_test),
        _share(found["accuracy at .5"], record.n_test),
        _between(found, "calibration error"),
        _between(found, "sensitivity"),
        _between(found, "specificity"),
        f"{found['sensitivity on its own curve']:.3f}",
        f"{found['validation auc']:.4f}",
        f"{record.fit_cpu:.0f}",
    ]


def _mean_cells(found: Sequence[Record]) -> list[str]:
    names = ["accuracy", "accuracy at .5", "calibration error", "sensitivity", "specificity"]
    names += ["sensitivity on its own curve", "validation auc"]
    return [
        spread([record.scores["auc"] for record in found], 4),
        "",
        *(spread([record.scores[name] for record in found], 3) for name in names),
        spread([record.fit_cpu for record in found], 0),
    ]


def _share(value: float, n: int) -> str:
    """Return a share with the standard error it has on so many images.

    Examples
    --------
    >>> _share(0.9, 624)
    '0.900 ± 0.012'
    """
    return f"{value:.3f} ± {np.sqrt(value * (1 - value) / n):.3f}"


def _between(found: Mapping[str, float], name: str) -> str:
    return f"{found[name]:.3f} ({found[f'{name} low']:.3f} to {found[f'{name} high']:.3f})"
