"""Our recommender as the benchmark runs it, and what the records of its fits depend on."""

from collections.abc import Mapping
from typing import Any

from appkit.model import InteractionRecommender
from benchmarks.peers import Model
from benchmarks.retail.peers import Peer
from benchmarks.retail.tasks import Task

__all__ = ["our_model", "our_recommender", "peer_model"]

_PACKAGES = ("torch", "scikit-learn", "numpy", "scipy", "pandas")
_SOURCES = ("data", "model", "explanation", "../domains/retail")  # as seen from the package
_QUICK = "als"  # the one fit that quick runs make


def our_recommender(task: Task, *, seed: int, is_quick: bool = False) -> InteractionRecommender:
    """Return our estimator with its defaults, told the protocol that its choice is to follow."""
    return InteractionRecommender(
        time=task.time,
        model=_QUICK if is_quick else "auto",
        split=task.inner,
        filter_seen=task.filter_seen,
        device="cpu",
        random_state=seed,
        progress=False,
    )


def our_model(name: str = "ours", **facts: Any) -> Model:
    """Return ours as a competitor whose records are those of the present sources and of these facts."""
    return Model(name, _made_elsewhere, _PACKAGES, facts, sources=_SOURCES)


def peer_model(name: str, peer: Peer) -> Model:
    """Return a peer as a competitor whose records depend on its packages and on what is tried of it."""
    return Model(name, _made_elsewhere, peer.packages, {"grid": [dict(settings) for settings in peer.grid]})


def _made_elsewhere(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    raise NotImplementedError("Recommenders are made in the process that fits them.")
