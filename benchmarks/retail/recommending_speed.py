"""What lists for all users of Gowalla cost beside the batch of `implicit`, in turn and on one thread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse

from appkit.data.interactions import read_interactions
from appkit.model import InteractionRecommender
from benchmarks.marks import told
from benchmarks.retail.ours import our_model
from benchmarks.retail.tasks import Task, load_task
from benchmarks.runs import Cost, Outcome, Runs, frame_hash, markdown, spread, timed

__all__ = ["CONTENDERS", "measure_recommending_speed"]

_K = 20
_FACTORS = 64
_ASKED_RATIO = 1.0

CONTENDERS: Mapping[str, Mapping[str, Any]] = {
    "als": {"model": "als", "settings": {"n_factors": _FACTORS, "n_iterations": 2}},  # more do not change a list's cost
    "graph-filter": {"model": "graph-filter"},
    "auto": {"model": "auto", "split": "random"},
}
"""Ours by name, as estimators take it."""


def measure_recommending_speed(runs: Runs, *, contenders: Sequence[str], seeds: Sequence[int]) -> str:
    """Return the table; each seed is a round."""
    task = load_task("gowalla", is_quick=runs.is_quick)
    data_hash = frame_hash(task.train)
    rivals = cache(lambda name: _rivals(name, task))
    records = []
    for name in contenders:
        model = replace(our_model(k=_K, implicit_factors=_FACTORS, **CONTENDERS[name]), name=name)
        for seed in seeds:

            def measure(name: str = name, seed: int = seed) -> Outcome:
                return _round(rivals(name), seed)

            records.append(runs.once("recommending_speed", model, measure, data_hash=data_hash, seed=seed))
    rows, marks = [], []
    for name in contenders:
        own = [record for record in records if record.model == name]
        ratios = [record.predict_cpu / record.fit_cpu for record in own]  # fit holds ours, predict the peer's
        by_clock = [record.predict_wall / record.fit_wall for record in own]
        seconds = [spread([getattr(record, part) for record in own]) for part in ("fit_cpu", "predict_cpu")]
        rows.append([name, *seconds, spread(ratios), spread(by_clock)])
        marks.append(f"{name}, median ratio {told(float(np.median(ratios)), {'asked': _ASKED_RATIO}, digits=2)}.")
    heads = ["ours", "lists, CPU s", f"implicit, {_FACTORS} factors", "implicit / ours, CPU", "by the clock"]
    title = (
        f"speed, {_K} items for each of {task.train['user'].nunique():,} users of {task.name}, what they had left "
        f"out; ours comes as a table of raw ids, implicit's as arrays of codes; {len(seeds)} rounds in turn, "
        f"threads: {runs.threads}. `{runs.command}`"
    )
    return "\n".join([title, markdown(heads, rows), *marks])


@dataclass(frozen=True, eq=False)
class _Rivals:
    """Two fitted recommenders, ready to be asked."""

    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    n_users: int


def _rivals(name: str, task: Task) -> _Rivals:
    from implicit.cpu.als import AlternatingLeastSquares

    model = InteractionRecommender(**CONTENDERS[name], device="cpu", random_state=0, progress=False).fit(task.train)
    taken = sparse.csr_matrix(read_interactions(task.train).matrix())
    peer = AlternatingLeastSquares(factors=_FACTORS, iterations=2, num_threads=1, random_state=0)
    peer.fit(taken, show_progress=False)
    users = np.arange(taken.shape[0])
    return _Rivals(lambda: model.recommend(k=_K), lambda: peer.recommend(users, taken, N=_K), len(users))


def _round(rivals: _Rivals, seed: int) -> Outcome:
    """Time both, ours first in even rounds."""
    runners = {"ours": rivals.ours, "theirs": rivals.theirs}
    order = ("ours", "theirs") if seed % 2 == 0 else ("theirs", "ours")
    costs: dict[str, Cost] = {name: timed(runners[name])[1] for name in order}
    ratio = costs["theirs"].cpu / costs["ours"].cpu
    return Outcome({"ratio, CPU": ratio}, 0, rivals.n_users, costs["ours"], costs["theirs"])
