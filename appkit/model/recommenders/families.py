"""The recommenders there are, by name, each fitted in the same way."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from appkit.data.interactions import Interactions
from appkit.model.recommenders.als import fit_als
from appkit.model.recommenders.blend import BlendedScorer
from appkit.model.recommenders.ease import fit_ease
from appkit.model.recommenders.graph_filter import fit_graph_filter
from appkit.model.recommenders.item_knn import fit_item_knn
from appkit.model.recommenders.popularity import fit_popularity, fit_recency
from appkit.model.recommenders.scorer import ItemScorer
from appkit.model.recommenders.sequence_training import SequenceTraining, fit_sequential
from appkit.model.recommenders.transition import fit_transition
from appkit.model.recommenders.two_tower_training import fit_two_tower

__all__ = ["FAMILIES", "FitContext"]

_PATIENCE = 3  # epochs without a better one: each costs more than all closed forms together

Settings = dict[str, Any]
Fitted = tuple[ItemScorer, Settings]


@dataclass(frozen=True, eq=False)
class FitContext:
    """What a fit needs to know besides its data.

    Parameters
    ----------
    seed
        Seed of whatever is drawn.
    device
        Where tensors live.
    show
        Called with the name of a family, the number of epochs done and the most there can be; ``None`` for silence.
    held_out
        Events a network may stop on; ``None`` where all events are fitted on.
    filter_seen
        Whether items of the history are no advice.
    deadline
        When to stop, by ``time.monotonic()``; ``None`` for never.
    user_features, item_features
        float32 ``(n_users, f)`` and ``(n_items, g)``; ``None`` where there are none.
    """

    seed: int = 0
    device: str = "cpu"
    show: Callable[[str, int, int], None] | None = None
    held_out: Interactions | None = None
    filter_seen: bool = True
    deadline: float | None = None
    user_features: np.ndarray | None = None
    item_features: np.ndarray | None = None

    @property
    def seconds_left(self) -> float | None:
        """The time left, at least a moment; ``None`` where there is no deadline."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 1e-3)

    @property
    def half_time(self) -> float | None:
        """When half of the time left is over, by ``time.monotonic()``; ``None`` where there is no deadline."""
        return None if self.seconds_left is None else time.monotonic() + self.seconds_left / 2

    def epochs_shown(self, family: str) -> Callable[[int, int], None] | None:
        """Return what a fit calls after each epoch, where it is shown how far it is."""
        return None if self.show is None else partial(self.show, family)


def _popularity(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_popularity(data, **settings), settings


def _recency(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_recency(data, **settings), settings


def _als(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_als(data, **settings, device=context.device, random_state=context.seed), settings


def _item_knn(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_item_knn(data, **settings), settings


def _ease(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_ease(data, **settings, device=context.device), settings


def _graph_filter(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_graph_filter(data, **settings, device=context.device, random_state=context.seed), settings


def _transition(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_transition(data, **settings, device=context.device), settings


def _sequential(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    scorer = fit_sequential(
        data,
        **settings,
        validation=context.held_out,
        training=SequenceTraining(patience=_PATIENCE),
        filter_seen=context.filter_seen,
        max_seconds=context.seconds_left,
        random_state=context.seed,
        device=context.device,
        progress=context.epochs_shown("sequential"),
    )
    return scorer, settings | {"n_epochs": scorer.n_epochs}


def _two_tower(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    scorer = fit_two_tower(
        data,
        **settings,
        item_features=context.item_features,
        user_features=context.user_features,
        held_out=None if "n_epochs" in settings else context.held_out,
        deadline=context.deadline,
        random_state=context.seed,
        device=context.device,
        progress=context.epochs_shown("two-tower"),
    )
    return scorer, settings | {"n_epochs": scorer.n_epochs}


def _blend(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    scorers, found = [], []
    for family, own, weight in settings["parts"]:
        scorer, final = FAMILIES[family](data, dict(own), context)
        scorers.append(scorer)
        found.append((family, final, weight))
    return BlendedScorer(data.n_items, scorers, [weight for *_, weight in found]), {"parts": tuple(found)}


FAMILIES: Mapping[str, Callable[[Interactions, Settings, FitContext], Fitted]] = {
    "popularity": _popularity,
    "recency": _recency,
    "item-knn": _item_knn,
    "ease": _ease,
    "graph-filter": _graph_filter,
    "als": _als,
    "transition": _transition,
    "sequential": _sequential,
    "two-tower": _two_tower,
    "blend": _blend,
}
"""Fits on events with settings; returns the scorer and the settings to fit it with again, on all events."""
