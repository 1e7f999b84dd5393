"""What a large catalogue takes: events are generated, since none so many are at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from appkit.model import InteractionRecommender
from benchmarks.marks import told
from benchmarks.retail.generated import random_events
from benchmarks.retail.ours import our_model
from benchmarks.retail.processes import GB, in_own_process, peak_memory
from benchmarks.runs import Cost, Outcome, Runs, markdown, timed

__all__ = ["FAMILIES", "Catalogue", "fit_large", "measure_memory"]

FAMILIES: Mapping[str, Mapping[str, Any]] = {"graph-filter": {}, "als": {}}
"""Families that are fitted, and their settings besides the defaults."""

_LIMIT = 8.0  # GB


@dataclass(frozen=True)
class Catalogue:
    """How much is generated and asked."""

    n_items: int = 200_000
    n_users: int = 400_000
    n_events: int = 10_000_000
    n_asked: int = 1_000
    k: int = 20


_QUICK = Catalogue(n_items=300, n_users=200, n_events=3_000, n_asked=20)


def measure_memory(runs: Runs, *, families: Sequence[str], seed: int) -> str:
    """Fit each family in a process of its own, and return the table."""
    size = _QUICK if runs.is_quick else Catalogue()
    rows, marks = [], []
    for family in families:
        model = replace(our_model(settings=dict(FAMILIES[family]), size=repr(size)), name=family)
        record = runs.once("memory", model, partial(_measured, runs, family, size, seed), data_hash="none", seed=seed)
        scores = record.scores
        memory = [f"{scores[name]:.2f}" for name in ("peak, GB", "after the fit, GB", "before the fit, GB")]
        rows.append([family, *memory, f"{record.fit_cpu:.0f}", f"{record.fit_wall:.0f}", f"{record.predict_cpu:.1f}"])
        marks.append(f"{family}, peak GB {told(scores['peak, GB'], {'limit': _LIMIT}, digits=2, less_is_better=True)}.")
    heads = ["family", "peak, GB", "peak up to the fit's end", "before the fit", "fit, CPU s", "by the clock"]
    heads += [f"lists of {size.n_asked:,} users, CPU s"]
    title = (
        f"memory: {size.n_events:,} generated events of {size.n_users:,} users with {size.n_items:,} items, usual "
        f"settings; then {size.k} items for {size.n_asked:,} users. `{runs.command}`"
    )
    return "\n".join([title, markdown(heads, rows), *marks])


def fit_large(family: str, size: Catalogue, seed: int) -> tuple[dict[str, float], Cost, Cost]:
    """Return peaks of memory in GB, and what fitting and recommending cost."""
    events = random_events(size.n_events, n_users=size.n_users, n_items=size.n_items, random_state=seed)
    model = InteractionRecommender(
        model=family, settings=dict(FAMILIES[family]), device="cpu", random_state=seed, progress=False
    )
    before = peak_memory()
    _, fit = timed(lambda: model.fit(events))
    after = peak_memory()
    asked = events["user"].unique()[: size.n_asked]
    lists, recommend = timed(lambda: model.recommend(asked, size.k))
    assert len(lists) == len(asked) * size.k
    peaks = {"peak, GB": peak_memory(), "after the fit, GB": after, "before the fit, GB": before}
    return {name: peak / GB for name, peak in peaks.items()}, fit, recommend


def _measured(runs: Runs, family: str, size: Catalogue, seed: int) -> Outcome:
    arguments = (family, size, seed)
    found = fit_large(*arguments) if runs.is_quick else in_own_process(fit_large, *arguments, threads=runs.threads)
    return Outcome(found[0], size.n_events, size.n_asked, found[1], found[2])
