"""Run all methods in turn, budget by budget and round by round, and keep what each run cost and how right it was."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from benchmarks.explanations.measures import coverage, relative_error, top_agreement
from benchmarks.explanations.methods import OURS, Answer, Method
from benchmarks.explanations.peers import PEERS
from benchmarks.explanations.problems import PROBLEMS, Problem, Size, make_problem
from benchmarks.explanations.records import Run, RunStore
from benchmarks.explanations.tables import render
from benchmarks.explanations.truth import Truth, path_truth, remembered, shapley_truth
from benchmarks.protocol import limited_threads, rotate

__all__ = ["main"]

METHODS: Mapping[str, Method] = {method.name: method for method in (*OURS, *PEERS)}
_CACHE = Path(__file__).parent.parent / "results" / "explanations"
_QUICK = Size(n_rows=2, n_many_rows=4, truth_pairs=100, surrogate_samples=2000, epochs=1)
_QUICK_BUDGETS = 2
_SIZES = {  # where a row costs minutes
    "table_60": Size(n_rows=6),
    "ensemble_24": Size(n_rows=4),
    "windows": Size(n_rows=4, n_many_rows=200, many_evaluations=200_000, truth_pairs=4000),
    "images": Size(n_rows=4, n_many_rows=50, many_evaluations=50_000, truth_pairs=2000),
}
_LIMIT_SECONDS = 0.15
_SURROGATE_SEED = 1_000_003  # no round has it
_TOP = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked and not kept yet, then print the tables."""
    options = _parser().parse_args(arguments)
    store = RunStore(options.cache)
    absent: dict[str, str] = {}
    with limited_threads(options.threads):
        if not options.summary:
            _warm_up(options.methods)
        for name in [] if options.summary else options.problems:
            absent |= _Bench.of(name, options, store).run()
    found = [run for name in options.problems for run in store.read(name) if run.is_quick == options.quick]
    chosen = [run for run in found if run.method in options.methods and run.device == options.device]
    text = render(chosen, fingerprints=_fingerprints(options.methods), absent=absent)
    if options.markdown:
        options.markdown.write_text(text + "\n", encoding="utf-8")
    print(text)


@dataclass
class _Bench:
    """One problem with the methods that can run on it, and how the network alone does there."""

    problem: Problem
    size: Size
    options: argparse.Namespace
    store: RunStore
    best_batch: int
    fingerprint: str
    truths: dict[str, Truth] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, options: argparse.Namespace, store: RunStore) -> "_Bench":
        size = _size(name, options)
        problem = make_problem(name, size, device=options.device)
        rates = {batch: _rate(problem, batch) for batch in _batches(problem)}
        best = max(rates, key=lambda batch: rates[batch])
        _say(f"{name}: network alone {rates[best]:.0f} rows/s at batches of {best}")
        return cls(problem, size, options, store, best, problem.fingerprint())

    def run(self) -> dict[str, str]:
        """Run every method, and return why some are absent."""
        methods, absent = _usable([METHODS[name] for name in self.options.methods], self.problem.kind)
        done = {run.key for run in self.store.read(self.problem.name)}
        for step, (method, budget, seed) in enumerate(self._turns(methods)):
            if time.monotonic() > self.options.deadline:
                break
            blank = self._blank(method, budget, seed)
            if blank.key in done:
                continue
            run = self._measured(blank, method)
            self.store.add(run)
            _say(f"{self.problem.name} {step} {_told(run)}")
        return absent

    def _turns(self, methods: Sequence[Method]) -> Iterator[tuple[Method, int, int]]:
        """Yield method, budget and round, so that neighbours in time are neighbours in cost and no method is first."""
        most = _QUICK_BUDGETS if self.options.quick else None
        ladders = {method.name: list(method.ladder(self.problem))[:most] for method in methods}
        longest = max((len(ladder) for ladder in ladders.values()), default=0)
        for number in range(self.options.first_round, self.options.first_round + self.options.rounds):
            for step in range(longest):
                for name in rotate(list(ladders), number + step):
                    if step < len(ladders[name]):
                        yield METHODS[name], ladders[name][step], number

    def _blank(self, method: Method, budget: int, number: int) -> Run:
        return Run(
            problem=self.problem.name,
            problem_hash=self.fingerprint,
            is_quick=self.options.quick,
            method=method.name,
            fingerprint=method.fingerprint(),
            question=method.question,
            budget=budget,
            round=number,
            device=self.options.device,
            threads=self.options.threads,
        )

    def _measured(self, blank: Run, method: Method) -> Run:
        truth = self._truth(method)
        before = _rate(self.problem, self.best_batch)
        started = self.problem.network.n_evaluations
        clock = _now(self.problem.device)
        try:
            answer = method.explain(self.problem, blank.budget, blank.round)
            failure = ""
        except Exception as err:  # a crash is a result of the benchmark, not its end
            answer = Answer(np.full_like(truth.values, np.nan))
            failure = f"{type(err).__name__}: {err}".splitlines()[0][:200]
        seconds = _now(self.problem.device) - clock
        n_explained = answer.n_explained or len(answer.values)
        facts = {
            **vars(blank),
            "n_explained": n_explained,
            "evaluations": (self.problem.network.n_evaluations - started) / n_explained,
            "seconds": seconds / n_explained,
            "limit_before": before,
            "limit_after": _rate(self.problem, self.best_batch),
            "scores": {} if failure else self._scores(answer, method, truth),
            "truth": truth.how,
            "truth_error": truth.error,
            "top": () if failure else tuple(map(tuple, np.argsort(-np.abs(answer.values))[:, :_TOP].tolist())),
            "failure": failure,
            "versions": method.versions(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return Run(**facts)

    def _scores(self, answer: Answer, method: Method, truth: Truth) -> dict[str, float]:
        scores = {
            "error": relative_error(answer.values, truth.values),
            "top3": top_agreement(answer.values, truth.values, k=3),
        }
        if not np.isnan(answer.n_asked):
            scores["asked"] = answer.n_asked
        if method.question == "path":
            scores["shapley_error"] = relative_error(answer.values, self._shapley().values)
        if answer.standard_error is not None and method.question == "shapley":
            scores["coverage"] = coverage(answer.values, answer.standard_error, truth.values)
        return scores

    def _truth(self, method: Method) -> Truth:
        if method.question == "surrogate":
            name = f"surrogate-{method.name}-{method.fingerprint()}-{self.size.surrogate_samples}"
            return self._remembered(name, lambda: self._converged(method))
        if method.question == "path":
            return self._remembered("path", lambda: path_truth(self.problem))
        return self._shapley()

    def _shapley(self) -> Truth:
        n_pairs = self.size.truth_pairs
        return self._remembered(f"shapley-{n_pairs}", lambda: shapley_truth(self.problem, n_pairs=n_pairs))

    def _converged(self, method: Method) -> Truth:
        values = method.explain(self.problem, self.size.surrogate_samples, _SURROGATE_SEED).values
        return Truth(values, float("nan"), f"its own at {self.size.surrogate_samples} samples")

    def _remembered(self, name: str, find: Callable[[], Truth]) -> Truth:
        if name not in self.truths:
            file = f"{self.problem.name}-{self.fingerprint}-{name}.json"
            self.truths[name] = remembered(self.options.cache / "truths" / file, find)
            error = self.truths[name].error
            _say(f"{self.problem.name} truth {name}: {self.truths[name].how}, error {error:.4f}")
        return self.truths[name]


def _size(name: str, options: argparse.Namespace) -> Size:
    if options.quick:
        return _QUICK
    size = _SIZES.get(name, Size())
    asked = {"n_rows": options.rows, "n_many_rows": options.many_rows, "truth_pairs": options.truth_pairs}
    return replace(size, **{part: number for part, number in asked.items() if number is not None})


def _usable(methods: Sequence[Method], kind: str) -> tuple[list[Method], dict[str, str]]:
    """Return the methods for a kind of problem that are here, and why the others are not."""
    usable, absent = [], {}
    for method in methods:
        if kind not in method.kinds:
            continue
        try:
            method.versions()
        except ImportError as err:
            absent[method.name] = str(err)
        else:
            usable.append(method)
    return usable, absent


def _warm_up(names: Sequence[str]) -> None:
    """Run each method once on next to nothing, so that imports and compilers stay outside the timed runs."""
    problem = make_problem("table_10", _QUICK)
    for method in _usable([METHODS[name] for name in names], problem.kind)[0]:
        for budget in method.ladder(problem)[:1]:
            with suppress(Exception):  # told when it is measured
                method.explain(problem, budget, 0)


def _fingerprints(names: Sequence[str]) -> dict[str, str]:
    fingerprints = {}
    for name in names:
        try:
            fingerprints[name] = METHODS[name].fingerprint()
        except ImportError:  # its earlier runs may still be shown
            continue
    return fingerprints


def _batches(problem: Problem) -> tuple[int, ...]:
    if problem.device != "cpu":
        return (1024, 4096, 16_384, 65_536)
    return (16, 32, 64, 128, 256) if problem.kind == "image" else (128, 256, 512, 1024, 2048, 4096)


@torch.inference_mode()
def _rate(problem: Problem, batch: int) -> float:
    """Return rows per second of the network alone."""
    copies = -(-batch // len(problem.training))
    rows = problem.training.repeat(copies, *[1] * (problem.training.ndim - 1))[:batch].contiguous()
    network = problem.network.network
    network(rows)
    n_passes = 0
    started = _now(problem.device)
    while _now(problem.device) - started < _LIMIT_SECONDS:
        network(rows)
        n_passes += 1
    return n_passes * batch / (_now(problem.device) - started)


def _now(device: str) -> float:
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


def _told(run: Run) -> str:
    what = f"{run.method} {run.budget} round {run.round}: "
    if run.failure:
        return what + run.failure
    share = run.evaluations / run.passes
    return what + f"error {run.scores['error']:.4f}, {run.evaluations:.0f} evaluations, {share:.2f} of the limit"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain", description="Explanations against peers.")
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=PROBLEMS, metavar="NAME")
    parser.add_argument(
        "--methods",
        nargs="+",
        action=_ByPrefix,
        default=list(METHODS),
        metavar="NAME",
        help="names or their beginnings: appkit shap.Kernel",
    )
    parser.add_argument("--rounds", type=int, default=3, help="each with seeds of its own")
    parser.add_argument("--first-round", type=int, default=0, help="seed of the first round")
    parser.add_argument("--rows", type=int, default=None, help="rows with a true answer; 10, or 4 to 6 where costly")
    parser.add_argument("--many-rows", type=int, default=None, help="rows of the runs on a large batch")
    parser.add_argument("--truth-pairs", type=int, default=None, help="permutation pairs behind the true answer")
    parser.add_argument("--quick", action="store_true", help="tiny problems: shows that everything runs")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--max-minutes", dest="deadline", type=_deadline, default=float("inf"), help="start no run after so long"
    )
    parser.add_argument("--cache", type=Path, default=_CACHE)
    parser.add_argument("--summary", action="store_true", help="print what is kept, run nothing")
    parser.add_argument("--markdown", type=Path, default=None, help="write the tables there too")
    return parser


class _ByPrefix(argparse.Action):
    """Methods whose names begin with one of the words given."""

    def __call__(self, parser: argparse.ArgumentParser, options: argparse.Namespace, given: object, *_: object) -> None:
        words = tuple(map(str, given if isinstance(given, list) else [given]))
        chosen = [name for name in METHODS if any(name == w or name.startswith(f"{w}.") for w in words)]
        unknown = [w for w in words if not any(name == w or name.startswith(f"{w}.") for name in METHODS)]
        if unknown:
            parser.error(f"methods must begin like one of {', '.join(METHODS)}, got {', '.join(unknown)}.")
        options.methods = chosen


def _deadline(minutes: str) -> float:
    return time.monotonic() + 60 * float(minutes)
