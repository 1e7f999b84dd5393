"""Machines that fail, against peers: ``python -m benchmarks.manufacturing --what drivers speed``.

``life``: remaining life of the official test engines of C-MAPSS FD001. ``intervals``: their coverage and worth,
cross-validated by training engine. ``failures``: AI4I without the columns that give the failure away. ``drivers``:
whether explanations point to the true drivers of generated machines. ``speed``: training against a bare torch loop, and
what explaining a window costs. Everything runs on one thread, competitors in turn; what was measured before with the
same sources is not measured again.
"""

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.manufacturing.drivers import GENERATED, measure_drivers
from benchmarks.manufacturing.explaining_speed import measure_explaining_speed
from benchmarks.manufacturing.failures import measure_failures
from benchmarks.manufacturing.fleets import fd001, small_fleet
from benchmarks.manufacturing.intervals import measure_intervals
from benchmarks.manufacturing.life import measure_life
from benchmarks.manufacturing.training_speed import measure_training_speed
from benchmarks.protocol import limited_threads
from benchmarks.results import ResultStore
from benchmarks.runs import Runs

__all__ = ["main"]

_CACHE = Path(__file__).parent.parent / "results" / "manufacturing"
_SEEDS = {"life": range(5), "intervals": range(1, 6), "failures": range(1), "drivers": range(3), "speed": range(3)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked and not kept yet, then print the tables."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    with limited_threads(options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant sensors of the engines, a peer's advice about its defaults
        torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # the first one loads torch's compiler: seconds
        for what in options.what:
            print(_measured(what, options) + "\n", flush=True)


def _measured(what: str, options: argparse.Namespace) -> str:
    seeds = tuple(_SEEDS[what] if options.seeds is None else options.seeds)
    runs = Runs(ResultStore(options.cache), options.threads, _command(what, seeds, options), options.quick)
    fleet = small_fleet if options.quick else fd001
    parts: dict[str, Callable[[], str]] = {
        "life": lambda: measure_life(runs, fleet(), seeds=seeds),
        "intervals": lambda: measure_intervals(runs, fleet(), seeds=seeds),
        "failures": lambda: measure_failures(runs, seeds=seeds, max_folds=options.folds, n_inner=options.inner),
        "drivers": lambda: measure_drivers(runs, data=options.data, seeds=seeds),
        "speed": lambda: "\n\n".join(
            [
                measure_training_speed(runs, fleet(), seeds=seeds),
                measure_explaining_speed(runs, fleet(), seed=seeds[0]),
            ]
        ),
    }
    return parts[what]()


def _command(what: str, seeds: Sequence[int], options: argparse.Namespace) -> str:
    words = ["python", "-m", "benchmarks.manufacturing", "--what", what, "--seeds", *map(str, seeds)]
    words += ["--folds", str(options.folds), "--inner", str(options.inner)] if what == "failures" else []
    words += ["--data", *options.data] if what == "drivers" else []
    words += ["--threads", str(options.threads), *(["--quick"] if options.quick else [])]
    return shlex.join(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.manufacturing", description=__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", default=list(_SEEDS), choices=_SEEDS, metavar="NAME")
    parser.add_argument(
        "--seeds",
        nargs="+",
        type=int,
        default=None,
        help="of fits (life), cuts (intervals), splits (failures), data (drivers), rounds (speed)",
    )
    parser.add_argument("--folds", type=int, default=5, help="how many of the five folds of failures to run")
    parser.add_argument("--inner", type=int, default=3, help="folds behind the threshold of failures")
    parser.add_argument("--data", nargs="+", default=list(GENERATED), choices=GENERATED, help="of drivers")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="tiny data: shows that everything runs")
    parser.add_argument("--cache", type=Path, default=_CACHE)
    return parser


if __name__ == "__main__":
    main()
