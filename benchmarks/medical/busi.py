"""Malignant or not on ultrasound: from scratch and by transfer, near duplicates never on both sides of a fold."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from appkit.data import ImageShape, validation_folds
from appkit.data.image_dataset import ImageDataset
from appkit.prediction import auc
from benchmarks.marks import told
from benchmarks.medical.ours import our_model, pixel_hash
from benchmarks.medical.peers import frozen_regression, plain_resnet
from benchmarks.peers import Model
from benchmarks.protocol import rotate
from benchmarks.results import Record
from benchmarks.runs import Outcome, Runs, markdown, spread, timed
from benchmarks.statistics import corrected_difference
from domains.medical import load_busi, make_phantoms

__all__ = ["N_FOLDS", "TRANSFER", "measure_busi", "ultrasound"]

N_FOLDS = 5
TRANSFER: Mapping[str, Any] = {"network": "efficientnet-lite0", "weights": "published", "fine_tune": "none"}

_MARKS = {"floor": 0.905, "goal": 0.930, "moonshot": 0.950}
_REFERENCE = "ours, transfer"


def ultrasound(*, is_quick: bool) -> ImageDataset:
    """Return BUSI, malignant against the rest, or phantoms in its place where all that matters is that things run."""
    return make_phantoms(80) if is_quick else load_busi()


def measure_busi(
    runs: Runs, data: ImageDataset, *, seeds: Sequence[int], max_folds: int, peer_epochs: int | None
) -> str:
    """Fit all models fold by fold in turn, and return the table."""
    models = _models(is_quick=runs.is_quick, peer_epochs=peer_epochs)
    y, groups = (data.y == data.event).to_numpy(), np.asarray(data.groups)
    data_hash = pixel_hash(np.asarray(data.X), y, np.unique(groups, return_inverse=True)[1])
    records: list[Record] = []
    for seed in seeds:
        folds = validation_folds(y, n_folds=N_FOLDS, groups=groups, stratify=True, random_state=seed)[:max_folds]
        for fold, (train, test) in enumerate(folds):
            for name in rotate(list(models), fold):
                measure = partial(_measure, models[name], data, train, test=test, seed=seed, threads=runs.threads)
                where: dict[str, Any] = {"data_hash": data_hash, "seed": seed, "fold": fold, "n_folds": N_FOLDS}
                records.append(runs.once("busi", models[name], measure, **where))
    return _told(runs, data, {name: _in_order(records, name) for name in models})


def _models(*, is_quick: bool, peer_epochs: int | None) -> dict[str, Model]:
    transfer = {"network": _TwoMoments, "fine_tune": "none"} if is_quick else TRANSFER
    models = [our_model("ours, from scratch", is_quick=is_quick), our_model(_REFERENCE, transfer, is_quick=is_quick)]
    if not is_quick:
        models.append(frozen_regression())
    if peer_epochs is not None:
        models.append(plain_resnet(epochs=peer_epochs))
    return {model.name: model for model in models}


def _measure(
    model: Model, data: ImageDataset, train: np.ndarray, *, test: np.ndarray, seed: int, threads: int
) -> Outcome:
    X, y, groups = np.asarray(data.X), (data.y == data.event).to_numpy(), np.asarray(data.groups)
    classifier = model.make(seed=seed, threads=threads)
    _, fit = timed(lambda: classifier.fit(X[train], y[train], groups=groups[train]))
    p, predict = timed(lambda: np.asarray(classifier.predict_proba(X[test]), dtype=np.float64)[:, 1])
    area = auc(y[test], p, groups=groups[test])
    scores = {"auc": area.value, "auc low": area.low, "auc high": area.high}
    return Outcome(scores, len(train), len(test), fit, predict)


def _in_order(records: Sequence[Record], name: str) -> list[Record]:
    return sorted((record for record in records if record.model == name), key=lambda record: record.split)


def _told(runs: Runs, data: ImageDataset, records: Mapping[str, Sequence[Record]]) -> str:
    reference = records[_REFERENCE]
    heads = ["model", *(f"fold {record.fold}" for record in reference), "mean AUC", "transfer minus it, 95 %"]
    rows = [[name, *_cells(found, reference)] for name, found in records.items()]
    areas = {name: float(np.mean([record.scores["auc"] for record in found])) for name, found in records.items()}
    n_groups, n_events = len(np.unique(np.asarray(data.groups))), int((data.y == data.event).sum())
    return (
        f"busi, {data.name}: {len(data.y)} images in {n_groups} groups of near duplicates, {n_events} {data.event}; "
        f"{len(reference)} of {N_FOLDS * len({r.seed for r in reference})} folds of whole groups, stratified, seeds "
        f"{sorted({r.seed for r in reference})}; AUC, in brackets its DeLong-Obuchowski interval; differences by the "
        f"corrected resampled t-test. `{runs.command}`\n"
        + markdown([*heads, "fit, CPU s", "images predicted per CPU s"], rows)
        + "".join(
            f"\nAUC of {name}, mean {told(area, _MARKS)}." for name, area in areas.items() if name.startswith("ours")
        )
    )


def _cells(found: Sequence[Record], reference: Sequence[Record]) -> list[str]:
    theirs, own = (np.array([record.scores["auc"] for record in part]) for part in (found, reference))
    difference = corrected_difference(own, theirs, test_share=1 / N_FOLDS)
    interval = "" if len(found) < 2 else f" ({difference.low:+.4f} to {difference.high:+.4f})"
    is_own = found[0].model == _REFERENCE
    return [
        *(f"{r.scores['auc']:.3f} ({r.scores['auc low']:.3f} to {r.scores['auc high']:.3f})" for r in found),
        spread(theirs, 4),
        "" if is_own else f"{difference.value:+.4f}{interval}",
        spread([record.fit_cpu for record in found], 0),
        spread([record.n_test / record.predict_cpu for record in found], 0),
    ]


class _TwoMoments(nn.Module):
    """Features that need no weights, in the place of a pretrained network."""

    def __init__(self, shape: ImageShape, n_outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(2, n_outputs)

    def features(self, Z: Tensor) -> Tensor:
        """Return mean and spread of each image, ``(n, 2)``."""
        return torch.stack([Z.mean((1, 2, 3)), Z.std((1, 2, 3))], dim=1)

    def forward(self, Z: Tensor) -> Tensor:
        """Return logits ``(n, n_outputs)``."""
        return self.output(self.features(Z))
