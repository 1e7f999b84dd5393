"""Measure what was not measured before, keep it, and say by which command it comes again."""

import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from benchmarks.peers import Model
from benchmarks.results import Record, ResultStore

__all__ = ["Cost", "Outcome", "Runs", "frame_hash", "markdown", "say", "spread", "timed"]

_TOLD = 6  # scores in a line of progress

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Cost:
    """Seconds of this process: its processor's, and by the clock."""

    cpu: float = 0.0
    wall: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What one model was worth in one part of a protocol, and what it cost."""

    scores: Mapping[str, float]
    n_train: int
    n_test: int
    fit: Cost = field(default_factory=Cost)
    predict: Cost = field(default_factory=Cost)


@dataclass(frozen=True)
class Runs:
    """What every part of the benchmark is given.

    Parameters
    ----------
    store
        Where records are kept, one file per table.
    threads
        Threads of each library.
    command
        The command line that measures the same again.
    is_quick
        Whether everything is tiny, to show that it runs.
    """

    store: ResultStore
    threads: int
    command: str
    is_quick: bool = False

    def once(
        self,
        table: str,
        model: Model,
        measure: Callable[[], Outcome],
        *,
        data_hash: str,
        seed: int,
        fold: int = 0,
        n_folds: int = 1,
    ) -> Record:
        """Return the kept record of this very run, or measure and keep it."""
        key = (data_hash, model.name, model.fingerprint(), self.threads, seed, n_folds, 0, fold)
        kept = [record for record in self.store.read(table) if record.key == key]
        if kept:
            return kept[-1]
        outcome = measure()
        record = Record(
            table=table,
            data_hash=data_hash,
            model=model.name,
            fingerprint=model.fingerprint(),
            seed=seed,
            n_folds=n_folds,
            repeat=0,
            fold=fold,
            threads=self.threads,
            scores=dict(outcome.scores),
            fit_cpu=outcome.fit.cpu,
            fit_wall=outcome.fit.wall,
            predict_cpu=outcome.predict.cpu,
            predict_wall=outcome.predict.wall,
            n_train=outcome.n_train,
            n_test=outcome.n_test,
            versions=model.versions(),
            parameters=dict(model.parameters),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self.store.add(record)
        say(_progress(record))
        return record


def timed(function: Callable[[], _Answer]) -> tuple[_Answer, Cost]:
    """Return what a function returns, and its cost."""
    cpu, wall = time.process_time(), time.perf_counter()
    answer = function()
    return answer, Cost(time.process_time() - cpu, time.perf_counter() - wall)


def frame_hash(*frames: pd.DataFrame | pd.Series) -> str:
    """Return a hash of the values of tables, row by row.

    Examples
    --------
    >>> frame_hash(pd.Series([1.0])) == frame_hash(pd.Series([2.0]))
    False
    """
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def markdown(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table.

    Examples
    --------
    >>> print(markdown(["model", "RMSE"], [["ridge", 12.5]]))
    | model | RMSE |
    |---|---|
    | ridge | 12.5 |
    """
    lines = [heads, *rows]
    written = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
    return "\n".join([written[0], "|" + "---|" * len(heads), *written[1:]])


def spread(values: Sequence[float] | np.ndarray, digits: int = 2) -> str:
    """Return mean and standard deviation in words.

    Examples
    --------
    >>> spread([1.0, 2.0, 3.0])
    '2.00 (sd 1.00)'
    """
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} (sd {np.std(values, ddof=1):.{digits}f})"


def say(line: str) -> None:
    """Report progress beside the tables."""
    print(line, file=sys.stderr, flush=True)


def _progress(record: Record) -> str:
    scores = ", ".join(f"{name} {value:.4g}" for name, value in list(record.scores.items())[:_TOLD])
    return (
        f"{record.table} seed {record.seed} fold {record.fold} {record.model}: {scores}; fit {record.fit_cpu:.1f} CPU s"
    )
