"""Recommenders, buyers and demand against peers: ``python -m benchmarks.retail --what movielens drivers``.

``movielens``, ``movielens-last``, ``gowalla``, ``beauty``: lists over the whole catalogue by protocols that others have
published figures for. ``shop``: Online Retail by one moment, with and without articles bought before. ``drivers``:
whether reasons of advice point to what truly led to a purchase. ``speed``: lists for all users of Gowalla beside
`implicit`'s. ``memory``: what a catalogue of 200,000 items takes. ``purchases``: who buys within four weeks.
``demand``: how much of each item. Everything runs on one thread; recommenders are fitted in processes of their own, and
all is chosen on events held out of those to learn from. What was measured before with the same sources is not measured
again.
"""

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.protocol import limited_threads
from benchmarks.results import ResultStore
from benchmarks.retail.demand import measure_demand
from benchmarks.retail.drivers import measure_drivers
from benchmarks.retail.memory import FAMILIES, measure_memory
from benchmarks.retail.peers import PEERS
from benchmarks.retail.purchases import measure_purchases
from benchmarks.retail.rankings import measure_ranking
from benchmarks.retail.recommending_speed import CONTENDERS, measure_recommending_speed
from benchmarks.runs import Runs

__all__ = ["main"]

_CACHE = Path(__file__).parent.parent / "results" / "retail"
_RANKINGS = {
    "movielens": ("movielens",),
    "movielens-last": ("movielens-last",),
    "gowalla": ("gowalla",),
    "beauty": ("beauty",),
    "shop": ("shop-new", "shop-again"),
}
_SEEDS = {
    **{what: range(1) for what in _RANKINGS},
    "drivers": range(3),
    "speed": range(5),
    "memory": range(1),
    "purchases": range(3),
    "demand": range(3),
}
_MODELS = {"drivers": ("auto",), "speed": ("als", "graph-filter"), "memory": tuple(FAMILIES)}


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
    if what in _RANKINGS:
        peers = [peer for peer in options.peers if peer != "none"]
        tables = [measure_ranking(runs, name, peers=peers, seed=seed) for seed in seeds for name in _RANKINGS[what]]
        return "\n\n".join(tables)
    models = _models(what, options)
    parts: dict[str, Callable[[], str]] = {
        "drivers": lambda: measure_drivers(runs, models=models, seeds=seeds, n_cases=options.cases),
        "speed": lambda: measure_recommending_speed(runs, contenders=models, seeds=seeds),
        "memory": lambda: measure_memory(runs, families=models, seed=seeds[0]),
        "purchases": lambda: measure_purchases(runs, seeds=seeds),
        "demand": lambda: measure_demand(runs, seeds=seeds),
    }
    return parts[what]()


def _models(what: str, options: argparse.Namespace) -> tuple[str, ...]:
    return tuple(_MODELS.get(what, ()) if options.models is None else options.models)


def _command(what: str, seeds: Sequence[int], options: argparse.Namespace) -> str:
    words = ["python", "-m", "benchmarks.retail", "--what", what, "--seeds", *map(str, seeds)]
    if what in _RANKINGS and tuple(options.peers) != tuple(PEERS):
        words += ["--peers", *options.peers]
    words += ["--models", *_models(what, options)] if what in _MODELS else []
    words += ["--cases", str(options.cases)] if what == "drivers" else []
    words += ["--threads", str(options.threads), *(["--quick"] if options.quick else [])]
    return shlex.join(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retail", description=__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", default=list(_SEEDS), choices=_SEEDS, metavar="NAME")
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=None, help="of fits, of data and fits (drivers), rounds (speed)"
    )
    parser.add_argument(
        "--peers", nargs="+", default=list(PEERS), choices=[*PEERS, "none"], metavar="NAME", help="of the rankings"
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=None,
        metavar="NAME",
        help=f"of drivers (a family or auto), speed ({', '.join(CONTENDERS)}) and memory ({', '.join(FAMILIES)})",
    )
    parser.add_argument("--cases", type=int, default=200, help="of advice explained for each seed of drivers")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="tiny data: shows that everything runs")
    parser.add_argument("--cache", type=Path, default=_CACHE)
    parser.add_argument("--out", type=Path, default=None, help="file that tables are added to, as Markdown")
    return parser


if __name__ == "__main__":
    main()
