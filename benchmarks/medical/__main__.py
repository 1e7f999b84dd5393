"""Image classifiers and their maps against peers: ``python -m benchmarks.medical --what chest busi``.

``chest``: PneumoniaMNIST, official parts, everything chosen on validation. ``busi``: malignant or not on ultrasound, in
folds of whole groups of near duplicates, from scratch and by transfer. ``phantoms``: whether maps point to the lesion
among distractors, and no longer do with random weights. ``speed``: training against a bare torch loop, explaining one
image, predicting. Everything runs on one thread, competitors in turn; what was measured before with the same sources is
not measured again.
"""

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.medical.busi import N_FOLDS, measure_busi, ultrasound
from benchmarks.medical.chest import chest_films, measure_chest
from benchmarks.medical.explaining_speed import measure_explaining_speed
from benchmarks.medical.phantoms import MapBudget, measure_phantoms
from benchmarks.medical.predicting_speed import measure_predicting_speed
from benchmarks.medical.training_speed import measure_training_speed
from benchmarks.protocol import limited_threads
from benchmarks.results import ResultStore
from benchmarks.runs import Runs

__all__ = ["main"]

_CACHE = Path(__file__).parent.parent / "results" / "medical"
_SEEDS = {"chest": range(3), "busi": range(1), "phantoms": range(3), "speed": range(5)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked and not kept yet, then print the tables."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    with limited_threads(options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a peer's advice about its defaults
        torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # the first one loads torch's compiler: seconds
        for what in options.what:
            table = _measured(what, options)
            print(table + "\n", flush=True)
            if options.out is not None:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(table + "\n\n")


def _measured(what: str, options: argparse.Namespace) -> str:
    seeds = tuple(_SEEDS[what] if options.seeds is None else options.seeds)
    runs = Runs(ResultStore(options.cache), options.threads, _command(what, seeds, options), options.quick)
    budget = MapBudget(options.evaluations, options.players, options.copies)
    peer_epochs = options.peer_epochs if options.peers else None
    parts: dict[str, Callable[[], str]] = {
        "chest": lambda: measure_chest(runs, chest_films(is_quick=options.quick), seeds=seeds, peer_epochs=peer_epochs),
        "busi": lambda: measure_busi(
            runs, ultrasound(is_quick=options.quick), seeds=seeds, max_folds=options.folds, peer_epochs=peer_epochs
        ),
        "phantoms": lambda: measure_phantoms(runs, seeds=seeds, budget=budget),
        "speed": lambda: _measured_speed(runs, seeds),
    }
    return parts[what]()


def _measured_speed(runs: Runs, seeds: Sequence[int]) -> str:
    data = chest_films(is_quick=runs.is_quick)
    tables = [
        measure_training_speed(runs, data, seeds=seeds),
        measure_explaining_speed(runs, data, seed=seeds[0]),
        measure_predicting_speed(runs, data, seed=seeds[0]),
    ]
    return "\n\n".join(tables)


def _command(what: str, seeds: Sequence[int], options: argparse.Namespace) -> str:
    words = ["python", "-m", "benchmarks.medical", "--what", what, "--seeds", *map(str, seeds)]
    words += ["--folds", str(options.folds)] if what == "busi" else []
    if what == "phantoms":
        words += ["--copies", str(options.copies)]
        for name in ("evaluations", "players"):
            words += [f"--{name}", str(vars(options)[name])] if vars(options)[name] is not None else []
    if options.peers and what in ("chest", "busi"):
        words += ["--peers", "--peer-epochs", str(options.peer_epochs)]
    words += ["--threads", str(options.threads), *(["--quick"] if options.quick else [])]
    return shlex.join(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.medical", description=__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", default=list(_SEEDS), choices=_SEEDS, metavar="NAME")
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=None, help="of fits (chest), folds (busi), data (phantoms), rounds"
    )
    parser.add_argument("--folds", type=int, default=N_FOLDS, help=f"how many of the {N_FOLDS} folds of busi to run")
    parser.add_argument("--peers", action="store_true", help="a plain ResNet-18 as well: many minutes a fit")
    parser.add_argument("--peer-epochs", type=int, default=20, help="of the plain ResNet-18; published: 100")
    parser.add_argument("--evaluations", type=int, default=None, help="an image, of Shapley and LIME on phantoms")
    parser.add_argument("--players", type=int, default=None, help="patches or superpixels on phantoms")
    parser.add_argument("--copies", type=int, default=5, help="networks with random weights, per fit on phantoms")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="tiny data: shows that everything runs")
    parser.add_argument("--cache", type=Path, default=_CACHE)
    parser.add_argument("--out", type=Path, default=None, help="file that tables are added to, as Markdown")
    return parser


if __name__ == "__main__":
    main()
