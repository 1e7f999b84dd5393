"""Tables against peers: ``python -m benchmarks.tabular --data german_credit --models ours xgboost_light``.

All models run in one process, interleaved fold by fold and starting elsewhere in each fold, so that a busy machine
disturbs all alike; a process per fit would pay seconds of imports for fits of a tenth of a second. Each library is
imported before the clock starts. Costs are processor seconds of this process, encoding included, on one thread.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from appkit.exceptions import DatasetNotFoundError
from benchmarks.datasets import TABLES, Table, load_table, table_hash
from benchmarks.peers import MODELS, Model, model_named, variant_of_ours
from benchmarks.protocol import Split, fit_and_score, limited_threads, make_splits, rotate
from benchmarks.results import Record, ResultStore
from benchmarks.summary import (
    TableSummary,
    current_records,
    rank_models,
    render,
    render_ranks,
    summarise,
)

__all__ = ["main"]

_CHEAP = ("ours", "logistic", "histgb", "xgboost", "xgboost_light", "mlp")
_CACHE = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked and not cached, then print the tables."""
    options = _parser().parse_args(arguments)
    models = _chosen_models(options)
    store = ResultStore(options.cache)
    with limited_threads(options.threads):
        summaries = [_table(name, models, store, options) for name in options.data]
    complete = [summary for summary in summaries if summary is not None and summary.rows]
    for summary in complete:
        print(render(summary, layout=options.format) + "\n")
    if len(complete) > 1 and options.format == "markdown":
        print(render_ranks(rank_models(complete), n_tables=len(complete)))


def _table(name: str, models: dict[str, Model], store: ResultStore, options: argparse.Namespace) -> TableSummary | None:
    try:
        table = load_table(name)
    except DatasetNotFoundError as err:
        _say(f"{name}: not run: {err}")
        return None
    data_hash = table_hash(table)
    usable, absent = _usable(models)
    fingerprints = {name: model.fingerprint() for name, model in usable.items()}
    if not options.summary:
        absent |= _run(table, data_hash, usable, fingerprints=fingerprints, store=store, options=options)
    by_model = current_records(
        store.read(name),
        data_hash=data_hash,
        seed=options.seed,
        n_folds=options.folds,
        threads=options.threads,
        fingerprints=fingerprints,
    )
    reference = next((wanted for wanted in options.reference if wanted in by_model), "none")
    return summarise(
        name,
        by_model,
        headline=table.headline,
        seed=options.seed,
        reference=reference,
        fingerprints=fingerprints,
        absent=absent,
    )


def _usable(models: dict[str, Model]) -> tuple[dict[str, Model], dict[str, str]]:
    """Return the models that can be built here, and why the others cannot."""
    usable, absent = {}, {}
    for name, model in models.items():
        try:
            model.make(seed=0, threads=1)  # also imports its library outside the timed part
        except ImportError as err:  # MissingDependencyError is one; ours may not be there yet
            absent[name] = str(err)
        else:
            usable[name] = model
    return usable, absent


def _run(
    table: Table,
    data_hash: str,
    models: dict[str, Model],
    *,
    fingerprints: dict[str, str],
    store: ResultStore,
    options: argparse.Namespace,
) -> dict[str, str]:
    done = {record.key for record in store.read(table.name)}
    failed: dict[str, str] = {}
    splits = list(make_splits(table, n_folds=options.folds, repeats=options.repeats, seed=options.seed))
    for position, split in enumerate(splits[: options.max_folds]):
        for name in rotate(list(models), position):
            key = (data_hash, name, fingerprints[name], options.threads)
            if name in failed or (*key, options.seed, options.folds, split.repeat, split.fold) in done:
                continue
            if time.monotonic() > options.deadline:
                return failed
            try:
                record = _fit(
                    table, data_hash, models[name], fingerprint=fingerprints[name], split=split, options=options
                )
            except Exception as err:  # one model's failure must not lose the others' hours
                failed[name] = f"{type(err).__name__}: {err}".splitlines()[0]
                _say(f"{table.name} {name}: failed: {failed[name]}")
            else:
                store.add(record)
                _say(_progress(record))
    return failed


def _fit(
    table: Table, data_hash: str, model: Model, *, fingerprint: str, split: Split, options: argparse.Namespace
) -> Record:
    fit = fit_and_score(model.make(seed=options.seed, threads=options.threads), table, split)
    return Record(
        table=table.name,
        data_hash=data_hash,
        model=model.name,
        fingerprint=fingerprint,
        seed=options.seed,
        n_folds=options.folds,
        repeat=split.repeat,
        fold=split.fold,
        threads=options.threads,
        scores=fit.scores,
        fit_cpu=fit.fit_cpu,
        fit_wall=fit.fit_wall,
        predict_cpu=fit.predict_cpu,
        predict_wall=fit.predict_wall,
        n_train=len(split.train),
        n_test=len(split.test),
        versions=model.versions(),
        parameters=dict(model.parameters),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _progress(record: Record) -> str:
    scores = " ".join(f"{metric} {value:.4f}" for metric, value in record.scores.items())
    return f"{record.table} {record.repeat}/{record.fold} {record.model}: {scores}, fit {record.fit_cpu:.1f} CPU s"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _chosen_models(options: argparse.Namespace) -> dict[str, Model]:
    models = {name: model_named(name) for name in options.models}
    for name, parameters in options.variant:
        variant = variant_of_ours(name, json.loads(parameters))
        models[variant.name] = variant
    return models


def _deadline(minutes: str) -> float:
    return time.monotonic() + 60 * float(minutes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tabular", description="Tables against peers.")
    parser.add_argument("--data", nargs="+", default=list(TABLES), choices=TABLES, metavar="NAME")
    parser.add_argument("--models", nargs="*", default=list(_CHEAP), choices=list(MODELS), metavar="NAME")
    parser.add_argument(
        "--variant",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "JSON"),
        help="ours with other parameters: --variant wide '{\"width\": 512}'; may be repeated",
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=_repeats, default=None, help="'auto': 10 under 5,000 rows, else 1")
    parser.add_argument("--seed", type=int, default=0, help="0 only reports; choose defaults on 1 to 5")
    parser.add_argument("--max-folds", type=int, default=None, help="stop after so many folds of each table")
    parser.add_argument(
        "--max-minutes", dest="deadline", type=_deadline, default=float("inf"), help="start no fit after so long"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=_CACHE)
    parser.add_argument("--format", choices=["markdown", "csv"], default="markdown")
    parser.add_argument("--summary", action="store_true", help="print from the cache, run nothing")
    parser.add_argument(
        "--reference", nargs="+", default=["ours", "xgboost_light"], help="first of these with results is compared"
    )
    return parser


def _repeats(text: str) -> int | None:
    return None if text == "auto" else int(text)


if __name__ == "__main__":
    main()
