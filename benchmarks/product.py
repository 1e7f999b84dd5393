"""What a user waits for and pays in memory: ``python -m benchmarks.product [--parts latency import memory report]``."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appkit.exceptions import DatasetNotFoundError
from benchmarks.datasets import Table, load_table
from benchmarks.protocol import limited_threads, make_splits

__all__ = ["Measurement", "main"]


@dataclass(frozen=True)
class Measurement:
    """One figure beside its goal, a limit from above; ``goal`` is ``None`` for a figure that has none."""

    name: str
    value: float
    unit: str
    goal: float | None = None

    def __str__(self) -> str:
        line = f"{self.name}: {self.value:.4g} {self.unit}"
        if self.goal is None:
            return line
        return f"{line} (goal {self.goal:g}: {'reached' if self.value <= self.goal else 'missed'})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each part that exists; say why another cannot be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.product", description="Waiting times and memory.")
    parser.add_argument("--parts", nargs="+", default=list(_PARTS), choices=list(_PARTS), metavar="PART")
    with limited_threads(1):
        for part in parser.parse_args(arguments).parts:
            _print_part(part)


def measure_latency(*, n_warm_up: int = 20, n_calls: int = 300) -> Iterator[Measurement]:
    """Time ``predict_proba`` of one raw row after warm-up."""
    X, model = _fitted_on("german_credit")
    rows = [X.iloc[[i % len(X)]] for i in range(n_warm_up + n_calls)]
    seconds = [_seconds(model.predict_proba, row) for row in rows]
    warm = [1000 * second for second in seconds[n_warm_up:]]
    yield Measurement("predict_proba of one row, median", statistics.median(warm), "ms", goal=5)
    yield Measurement("predict_proba of one row, 95th percentile", statistics.quantiles(warm, n=20)[-1], "ms")


def measure_import(*, n_runs: int = 5) -> Iterator[Measurement]:
    """Time ``import appkit`` in fresh interpreters that hold torch, pandas and scikit-learn already."""
    seconds = [_in_subprocess(_IMPORT_SCRIPT)["seconds"] for _ in range(n_runs)]
    yield Measurement("import appkit beyond its libraries, median", statistics.median(seconds), "s", goal=0.5)


def measure_memory() -> Iterator[Measurement]:
    """Fit 150,000 rows in a process of its own and ask the kernel for the peak."""
    load_table("give_me_some_credit")  # says here, not in the child, that the data are absent
    _classifier()
    facts = _in_subprocess(_MEMORY_SCRIPT)
    yield Measurement("fit of 150,000 rows, peak memory", facts["peak_gb"], "GB")
    yield Measurement("  of it before fit (libraries and the table)", facts["before_gb"], "GB")
    yield Measurement("fit of 150,000 rows", facts["cpu_seconds"] / 60, "CPU min", goal=5)


def measure_report(*, n_rows: int = 1_000) -> Iterator[Measurement]:
    """Time and weigh the report of ``n_rows`` applications, and look whether a second run has the same bytes."""
    _report()  # says here, before the fit, that it is absent
    table, model = _fitted_table("heloc")
    test = _first_split(table).test[:n_rows]
    X, y = table.X.iloc[test], table.y[test]
    with tempfile.TemporaryDirectory() as folder:
        pages = [Path(folder) / f"{run}.html" for run in ("first", "second")]
        seconds = [_seconds(_write_report, model, X, y, page) for page in pages]
        yield Measurement(f"report on {len(test)} rows", seconds[0], "s", goal=10)
        yield Measurement("size of the report", pages[0].stat().st_size / 1e6, "MB", goal=2)
        differs = pages[0].read_bytes() != pages[1].read_bytes()
        yield Measurement("report differs on a second run", float(differs), "(0 no, 1 yes)", goal=0)


def _print_part(part: str) -> None:
    try:
        for measurement in _PARTS[part]():
            print(measurement)
    except (ImportError, AttributeError, DatasetNotFoundError) as err:
        print(f"{part}: not measured: {err}")


def _classifier() -> Any:
    from appkit.model import TabularClassifier

    return TabularClassifier(random_state=0)


def _report() -> Any:
    import appkit

    return appkit.report


def _write_report(model: Any, X: Any, y: Any, page: Path) -> None:
    _report()(model, X, y).save(page)


def _fitted_on(name: str) -> tuple[Any, Any]:
    table, model = _fitted_table(name)
    return table.X.iloc[_first_split(table).test].reset_index(drop=True), model


def _fitted_table(name: str) -> tuple[Table, Any]:
    model, table = _classifier(), load_table(name)
    train = _first_split(table).train
    return table, model.fit(table.X.iloc[train].reset_index(drop=True), table.y[train])


def _first_split(table: Table) -> Any:
    return next(make_splits(table, n_folds=5, repeats=1, seed=0))


def _seconds(call: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def _in_subprocess(script: str) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-c", script]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return json.loads(finished.stdout.splitlines()[-1])


_IMPORT_SCRIPT = """
import json, time
import pandas, sklearn, torch
started = time.perf_counter()
import appkit
print(json.dumps({"seconds": time.perf_counter() - started}))
"""

_MEMORY_SCRIPT = """
import json, resource, time
import sklearn, torch
from appkit.model import TabularClassifier
from benchmarks.datasets import load_table
from benchmarks.protocol import limited_threads

def peak_gb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # kilobytes on Linux

table = load_table("give_me_some_credit")
with limited_threads(1):
    before, started = peak_gb(), time.process_time()
    TabularClassifier(random_state=0).fit(table.X, table.y)
    cpu_seconds = time.process_time() - started
print(json.dumps({"before_gb": before, "peak_gb": peak_gb(), "cpu_seconds": cpu_seconds}))
"""

_PARTS: dict[str, Callable[[], Iterator[Measurement]]] = {
    "latency": measure_latency,
    "import": measure_import,
    "memory": measure_memory,
    "report": measure_report,
}


if __name__ == "__main__":
    main()
