"""Run a part of a benchmark in a process of its own, so that its memory can be told."""

import multiprocessing
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.protocol import limited_threads

__all__ = ["GB", "in_own_process", "peak_memory"]

GB = 1e9

_STATUS = Path("/proc/self/status")

_Answer = TypeVar("_Answer")


def in_own_process(function: Callable[..., _Answer], *arguments: Any, threads: int) -> _Answer:
    """Return what a function of some module returns in a fresh interpreter; both it and its arguments are pickled."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(_on_threads, threads, function, *arguments).result()


def peak_memory() -> float:
    """Return the most bytes that this process has held in memory since it began."""
    if _STATUS.exists():  # what getrusage says on Linux may be the peak of the process that began this one
        peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return float(peak.split()[1]) * 1024
    peak_there = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak_there if sys.platform == "darwin" else peak_there * 1024


def _on_threads(threads: int, function: Callable[..., _Answer], *arguments: Any) -> _Answer:
    with limited_threads(threads):
        return function(*arguments)
