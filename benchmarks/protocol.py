"""Which rows train and which test, and what one fit on one fold is worth and costs."""

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from benchmarks.datasets import Table
from benchmarks.statistics import score

__all__ = ["SMALL_TABLE", "Fit", "Split", "fit_and_score", "limited_threads", "make_splits", "rotate"]

SMALL_TABLE = 5_000  # rows; below this the folds are repeated
_SMALL_REPEATS = 10


@dataclass(frozen=True)
class Split:
    """One training and one test part, named by the repetition and the fold."""

    repeat: int
    fold: int
    train: np.ndarray  # int (n_train,) row numbers
    test: np.ndarray  # int (n_test,)


@dataclass(frozen=True)
class Fit:
    """Scores on the test part and the cost of getting there, in seconds."""

    scores: dict[str, float]
    fit_cpu: float
    fit_wall: float
    predict_cpu: float
    predict_wall: float


def make_splits(table: Table, *, n_folds: int, repeats: int | None, seed: int) -> Iterator[Split]:
    """Yield stratified folds; the splits of different seeds and repetitions never coincide by design.

    Parameters
    ----------
    table
        Rows to split; only the labels are looked at.
    n_folds
        Folds of one repetition.
    repeats
        Repetitions, ``None`` for ten on tables under 5,000 rows and one otherwise.
    seed
        Seed 0 reports; seeds 1 to 5 are for choosing defaults.
    """
    if repeats is None:
        repeats = _SMALL_REPEATS if len(table.y) < SMALL_TABLE else 1
    for repeat in range(repeats):
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=100 * seed + repeat)
        for fold, (train, test) in enumerate(folds.split(table.y, table.y)):
            yield Split(repeat, fold, train, test)


def rotate(names: list[str], position: int) -> list[str]:
    """Return ``names`` starting elsewhere at each position, so that no model always runs first.

    Examples
    --------
    >>> rotate(["a", "b", "c"], 4)
    ['b', 'c', 'a']
    """
    start = position % len(names) if names else 0
    return names[start:] + names[:start]


def fit_and_score(classifier: Any, table: Table, split: Split) -> Fit:
    """Fit on the training part, score the test part once; encoding is inside the timed part."""
    X_train, X_test = _part(table.X, split.train), _part(table.X, split.test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a peer's advice about its own defaults is not our output
        before_fit = _clocks()
        classifier.fit(X_train, table.y[split.train])
        after_fit = _clocks()
        probability = np.asarray(classifier.predict_proba(X_test))
        after_predict = _clocks()
    _check_probability(probability, n_rows=len(X_test), n_classes=table.n_classes)
    return Fit(
        scores=score(table.y[split.test], probability),
        fit_cpu=after_fit[0] - before_fit[0],
        fit_wall=after_fit[1] - before_fit[1],
        predict_cpu=after_predict[0] - after_fit[0],
        predict_wall=after_predict[1] - after_fit[1],
    )


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Hold BLAS, OpenMP and torch to ``threads``, so that processor seconds of different models compare."""
    import torch

    os.environ["OMP_NUM_THREADS"] = str(threads)  # for libraries loaded later
    torch.set_num_threads(threads)
    with threadpool_limits(limits=threads):
        yield


def _part(X: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    return X.iloc[rows].reset_index(drop=True)


def _clocks() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def _check_probability(probability: np.ndarray, *, n_rows: int, n_classes: int) -> None:
    if probability.shape != (n_rows, n_classes):
        raise ValueError(f"predict_proba must return shape {(n_rows, n_classes)}, got {probability.shape}.")
    if not np.isfinite(probability).all() or abs(probability.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("predict_proba must return finite rows that sum to 1.")
