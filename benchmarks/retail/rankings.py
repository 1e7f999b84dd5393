"""Recommend to users by protocols that are published, ours beside its peers: lists, costs, and who is ahead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.interactions import Interactions, read_interactions
from appkit.exceptions import MissingDependencyError
from appkit.prediction import Estimate
from appkit.prediction.ranking import RankingResult, evaluate_ranking, paired_difference
from benchmarks.marks import told
from benchmarks.peers import Model
from benchmarks.results import Record
from benchmarks.retail.ours import our_model, our_recommender, peer_model
from benchmarks.retail.peers import PEERS, choose_settings
from benchmarks.retail.processes import GB, in_own_process, peak_memory
from benchmarks.retail.tasks import Measure, Task, load_task
from benchmarks.runs import Cost, Outcome, Runs, frame_hash, markdown, timed

__all__ = ["Advised", "advise", "measure_ranking"]

_OURS = "ours"


@dataclass(frozen=True, eq=False)
class Advised:
    """Lists of one recommender, and what they cost.

    Parameters
    ----------
    lists
        Codes of items, int64 ``(n_users, k)``, best first; -1 is nothing. Users are those of :func:`judged_users`.
    chosen
        What was chosen on events held out, in words.
    fit, recommend
        Seconds; choosing is part of the fit.
    peak, before
        Most bytes held, and what the data and libraries had taken before the fit.
    """

    lists: np.ndarray
    chosen: str
    fit: Cost
    recommend: Cost
    peak: float
    before: float


def measure_ranking(runs: Runs, name: str, *, peers: Sequence[str], seed: int) -> str:
    """Fit ours and every peer that can be, each in a process of its own, and return the table."""
    task = load_task(name, is_quick=runs.is_quick)
    data = _events(task)
    data_hash = frame_hash(task.train, task.test)
    records: dict[str, Record] = {}
    lists: dict[str, Mapping[str, np.ndarray]] = {}
    left_out = []
    for model, reason in [(our_model(), ""), *(_competitor(peer, task, data) for peer in peers)]:
        if reason:
            left_out.append(f"{model.name}: {reason}")
            continue
        path = _lists_path(runs, task, model, data_hash=data_hash, seed=seed)
        measure = partial(_measured, runs, task, model.name, seed, path)
        records[model.name] = runs.once(name, model, measure, data_hash=data_hash, seed=seed)
        lists[model.name] = dict(np.load(path))
    results = {name: _results(task, data, found["lists"]) for name, found in lists.items()}
    chosen = {name: str(found["chosen"]) for name, found in lists.items()}
    return _table(runs, task, records, results, chosen=chosen, left_out=left_out)


def advise(name: str, model: str, seed: int, is_quick: bool = False) -> Advised:
    """Load a task, fit a recommender on its training part, and ask for the lists of those it is judged by."""
    task = load_task(name, is_quick=is_quick)
    data = _events(task)
    users = judged_users(task, data)
    before = peak_memory()
    ask, chosen, fit = _ours(task, data, seed, is_quick) if model == _OURS else _peer(task, data, model)
    lists, recommend = timed(lambda: ask(users, task.longest))
    return Advised(lists, chosen, fit, recommend, peak_memory(), before)


def judged_users(task: Task, data: Interactions) -> np.ndarray:
    """Return the codes of users with events to foresee and a history, int64, rising."""
    codes = data.users.codes(task.test["user"].unique())
    return np.sort(codes[codes >= 0])


Ask = Callable[[np.ndarray, int], np.ndarray]


def _ours(task: Task, data: Interactions, seed: int, is_quick: bool) -> tuple[Ask, str, Cost]:
    model, fit = timed(lambda: our_recommender(task, seed=seed, is_quick=is_quick).fit(task.train))

    def ask(users: np.ndarray, k: int) -> np.ndarray:
        advised = model.recommend(data.users.values[users], k)
        lists = np.full((len(users), k), -1, dtype=np.int64)
        rows = np.searchsorted(users, data.users.codes(advised["user"]))
        lists[rows, advised["rank"].to_numpy() - 1] = data.items.codes(advised["item"])
        return lists

    return ask, model.model_, fit


def _peer(task: Task, data: Interactions, name: str) -> tuple[Ask, str, Cost]:
    peer = PEERS[name]

    def chosen_and_fitted() -> tuple[Any, Mapping[str, Any]]:
        settings = choose_settings(peer, data, by=task.inner, filter_seen=task.filter_seen)
        return peer.fit(data, settings), settings

    (advisor, settings), fit = timed(chosen_and_fitted)
    words = ", ".join(f"{setting} {value:g}" for setting, value in settings.items())
    return partial(advisor.best, filter_seen=task.filter_seen), words, fit


def _events(task: Task) -> Interactions:
    return read_interactions(task.train, time=task.time)


def _competitor(name: str, task: Task, data: Interactions) -> tuple[Model, str]:
    """Return a peer and why it cannot be measured here, if so."""
    peer = PEERS[name]
    model = peer_model(name, peer)
    try:
        model.versions()
    except MissingDependencyError as err:
        return model, str(err)
    return model, peer.refusal(data, filter_seen=task.filter_seen)


def _lists_path(runs: Runs, task: Task, model: Model, *, data_hash: str, seed: int) -> Path:
    stem = "-".join([task.name, model.name.replace(" ", "_"), model.fingerprint(), data_hash, str(seed)])
    return runs.store.folder / "lists" / f"{stem}.npz"


def _measured(runs: Runs, task: Task, model: str, seed: int, path: Path) -> Outcome:
    arguments = (task.name, model, seed, runs.is_quick)
    found = advise(*arguments) if runs.is_quick else in_own_process(advise, *arguments, threads=runs.threads)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, lists=found.lists.astype(np.int32), chosen=np.array(found.chosen))
    scores = {
        measure.label: result.estimates[measure.name].value
        for measure, result in zip(task.measures, _results(task, _events(task), found.lists), strict=True)
    }
    memory = {"peak, GB": found.peak / GB, "before the fit, GB": found.before / GB}
    return Outcome(scores | memory, len(task.train), len(task.test), found.fit, found.recommend)


def _results(task: Task, data: Interactions, lists: np.ndarray) -> list[RankingResult]:
    """Return what lists are worth by each measure of the task."""
    rows, places = np.nonzero(lists >= 0)
    users = judged_users(task, data)
    advised = pd.DataFrame(
        {
            "user": data.users.values[users[rows]],
            "item": data.items.values[lists[rows, places]],
            "rank": places + 1,
        }
    ).infer_objects()
    seen: Any = {"train": task.train, "seen": "left out"} if task.filter_seen else {}
    by_length = {k: evaluate_ranking(advised, task.test, k=k, **seen) for k in {one.k for one in task.measures}}
    return [by_length[measure.k] for measure in task.measures]


def _table(
    runs: Runs,
    task: Task,
    records: Mapping[str, Record],
    results: Mapping[str, Sequence[RankingResult]],
    *,
    chosen: Mapping[str, str],
    left_out: Sequence[str],
) -> str:
    heads = ["model"]
    for measure in task.measures:
        heads += [f"{measure.label}, 95 %", "ours minus it"]
    heads += ["fit, CPU s", "lists, CPU s", "peak memory, GB", "chosen on events held out"]
    rows = [
        [
            name,
            *_figures(task.measures, found, results[_OURS], is_ours=name == _OURS),
            *_costs(records[name]),
            chosen[name],
        ]
        for name, found in results.items()
    ]
    n_users = len(results[_OURS][0].per_user)
    title = (
        f"{task.title}: {len(task.train):,} events to learn from, {n_users:,} users to judge by, all items compete; "
        f"settings chosen by {_CHOICES[task.inner]}, held out of the events to learn from; fits include that choice; "
        f"{records[_OURS].scores['before the fit, GB']:.2f} GB are taken before. `{runs.command}`"
    )
    reached = [_reached(measure, result) for measure, result in zip(task.measures, results[_OURS], strict=True)]
    missing = [f"Left out: {reason}." for reason in left_out]
    return "\n".join([title, markdown(heads, rows), *reached, *_within(task, records[_OURS]), *missing])


_CHOICES = {
    "random": "a random fifth of each user's events",
    "last": "the last event of each user",
    "time": "the latest fifth of all events",
}


def _figures(
    measures: Sequence[Measure], found: Sequence[RankingResult], ours: Sequence[RankingResult], *, is_ours: bool
) -> list[str]:
    cells = []
    for measure, result, reference in zip(measures, found, ours, strict=True):
        cells.append(_between(result.estimates[measure.name]))
        lead = None if is_ours else paired_difference(reference, result, measure=measure.name).estimate
        cells.append("" if lead is None else _between(lead, sign="+"))
    return cells


def _between(estimate: Estimate, sign: str = "") -> str:
    """Return a value and the ends of its interval.

    Examples
    --------
    >>> _between(Estimate("lead", 0.0123, low=0.01, high=0.02, method="bootstrap", n=9), sign="+")
    '+0.0123 (+0.0100 to +0.0200)'
    """
    value, low, high = (f"{number:{sign}.4f}" for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def _costs(record: Record) -> list[str]:
    return [f"{record.fit_cpu:.1f}", f"{record.predict_cpu:.1f}", f"{record.scores['peak, GB']:.2f}"]


def _reached(measure: Measure, result: RankingResult) -> str:
    value = result.estimates[measure.name].value
    if not measure.marks:
        return f"{measure.label} of ours: {value:.4f}."
    return f"{measure.label} of ours {told(value, measure.marks, digits=4)}."


def _within(task: Task, record: Record) -> list[str]:
    costs = {"CPU s": record.fit_cpu, "GB": record.scores["peak, GB"]}
    return [
        f"{unit} of our fit {told(costs[unit], {'limit': limit}, digits=1, less_is_better=True)}."
        for unit, limit in task.limits.items()
    ]
