"""What ``"auto"`` means: networks, batches, patience and held-out rows by the size of the table."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from torch import Tensor, nn

from appkit.data import validation_folds
from appkit.model.training import TrainingSettings

__all__ = [
    "Fold",
    "count_bins",
    "count_image_networks",
    "count_networks",
    "count_series_networks",
    "held_out_folds",
    "image_settings",
    "series_settings",
    "training_settings",
]

Fold = tuple[np.ndarray, np.ndarray]

_FEW_ROWS = 24  # fewer rows than this cannot spare any to stop on
_BLIND_EPOCHS = 60  # epochs where nothing is held out


def count_networks(n_rows: int) -> int:
    """Return how many networks a table of ``n_rows`` gets.

    Small tables are noisy and cheap, so several networks over folds use every row for learning and for calibration;
    large ones get two.
    """
    if n_rows < 8 * _FEW_ROWS:
        return 1
    if n_rows < 3_000:
        return 8
    return 5 if n_rows < 20_000 else 2


def count_series_networks(n_units: int) -> int:
    """Return how many networks series of ``n_units`` get: five, whose folds of units hold each unit out once."""
    return 5 if n_units >= 10 else 1


def count_image_networks(n_images: int) -> int:
    """Return how many networks images get: several of fewer steps bear a shift better than one of as many in all."""
    return 3 if n_images < 20_000 else 1


def count_bins(n_rows: int) -> int:
    """Return the most bins a number gets: edges as fine as the rows can bear."""
    return min(256, max(16, n_rows // 128))


def training_settings(
    *,
    n_rows: int,
    is_blind: bool,
    learning_rate: float,
    weight_decay: float,
    batch_size: int | Literal["auto"],
    max_epochs: int,
    patience: int | Literal["auto"],
) -> TrainingSettings:
    """Fill in ``"auto"``; ``is_blind`` says that no rows are held out to stop on."""
    is_large = n_rows >= 20_000
    if batch_size == "auto":
        batch_size = 1024 if is_large else min(256, max(32, n_rows // 20))
        learning_rate = 2 * learning_rate if is_large else learning_rate
    return TrainingSettings(
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        batch_size=int(batch_size),
        max_epochs=min(max_epochs, _BLIND_EPOCHS) if is_blind else max_epochs,
        patience=(5 if is_large else 16) if patience == "auto" else int(patience),
    )


def series_settings(
    *,
    n_rows: int,
    is_blind: bool,
    learning_rate: float,
    weight_decay: float,
    batch_size: int | Literal["auto"],
    max_epochs: int | Literal["auto"],
    patience: int | Literal["auto"],
) -> TrainingSettings:
    """Fill in ``"auto"`` for windows of series: batches of up to 128, and about as many steps whatever their number.

    On 20,000 windows 20 epochs of batches of 128 were enough, and the best came after 3 to 14 (C-MAPSS FD001,
    cross-validated by engine); fewer windows get more epochs, up to 200.
    """
    usual = min(200, max(20, 200_000 // max(n_rows, 1)))
    epochs = usual if max_epochs == "auto" else max_epochs
    settings = TrainingSettings(
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        batch_size=min(128, max(32, n_rows // 20)) if batch_size == "auto" else batch_size,
        max_epochs=epochs,
        patience=max(4, usual // 8) if patience == "auto" else patience,
    )
    return dataclasses.replace(settings, max_epochs=min(epochs, _BLIND_EPOCHS)) if is_blind else settings


def image_settings(
    *,
    n_rows: int,
    side: int,
    is_blind: bool,
    learning_rate: float | Literal["auto"],
    weight_decay: float,
    batch_size: int | Literal["auto"],
    max_epochs: int | Literal["auto"],
    patience: int | Literal["auto"],
    mixup: float,
    augment: Callable[[Tensor], Tensor] | None,
    rates: Callable[[nn.Module], Mapping[str, float]] | None,
) -> TrainingSettings:
    """Fill in ``"auto"`` for images: about as many steps whatever their number.

    Chosen on parts of PneumoniaMNIST's training images that are shifted by nature (the brightest, the least sharp, ...)
    and under corruptions that augmentation does not know; three networks of 800 batches of 64 take 105 CPU seconds.
    """
    n_seen = 50_000 if side < 64 else 20_000  # a step on larger images costs several times as much, and says more
    epochs = min(120, max(8, round(n_seen / max(n_rows, 1)))) if max_epochs == "auto" else max_epochs
    usual_rate = 4e-3 if rates is None else 3e-4  # learnt weights are lost at the rate that new ones need
    return TrainingSettings(
        learning_rate=usual_rate if learning_rate == "auto" else learning_rate,
        weight_decay=weight_decay,
        batch_size=min(64, max(16, n_rows // 8)) if batch_size == "auto" else batch_size,
        max_epochs=min(epochs, _BLIND_EPOCHS) if is_blind else epochs,
        patience=epochs if patience == "auto" else patience,
        schedule="one-cycle",
        average_decay=0.99,
        mixup=mixup,
        least_batch=2,
        decays_scales=False,
        augment=augment,
        rates=rates,
    )


def held_out_folds(
    target: np.ndarray,
    *,
    n_networks: int,
    fraction: float,
    groups: np.ndarray | None,
    is_stratified: bool,
    seed: int,
) -> tuple[list[Fold], tuple[str, ...]]:
    """Return rows to learn from and rows to stop on, one pair per network, and what could not be had.

    Networks take different folds of one partition, so that together they hold every row out where there are as many
    networks as folds. Where no rows can be spared the second of each pair is empty.
    """
    n_units = len(target) if groups is None else int(groups.max()) + 1
    n_folds = max(n_networks, round(1 / fraction), 2)
    if len(target) >= _FEW_ROWS and n_units >= n_folds:
        folds = validation_folds(target, n_folds=n_folds, groups=groups, stratify=is_stratified, random_state=seed)
        return folds[:n_networks], ()
    everything = (np.arange(len(target)), np.empty(0, dtype=np.int64))
    what = f"{len(target)} rows" if groups is None else f"{len(target)} rows in {n_units} groups"
    return [everything] * n_networks, (f"{what} are too few to hold any out: no early stopping, no calibration.",)
