"""The recommenders there are, by name, each fitted in the same way."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from appkit.data.interactions import Interactions
from appkit.model.recommenders.als import fit_als
from appkit.model.recommenders.popularity import fit_popularity, fit_recency
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["FAMILIES", "FitContext"]

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
    progress
        Whether long fits show how far they are.
    held_out
        Events a network may stop on; ``None`` where all events are fitted on.
    deadline
        When to stop, by ``time.monotonic()``; ``None`` for never.
    user_features, item_features
        float32 ``(n_users, f)`` and ``(n_items, g)``; ``None`` where there are none.
    """

    seed: int = 0
    device: str = "cpu"
    progress: bool | str = False
    held_out: Interactions | None = None
    deadline: float | None = None
    user_features: np.ndarray | None = None
    item_features: np.ndarray | None = None

    @property
    def seconds_left(self) -> float | None:
        """The time left, at least a moment; ``None`` where there is no deadline."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 1e-3)


def _popularity(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_popularity(data, **settings), settings


def _recency(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_recency(data, **settings), settings


def _als(data: Interactions, settings: Settings, context: FitContext) -> Fitted:
    return fit_als(data, **settings, device=context.device, random_state=context.seed), settings


FAMILIES: Mapping[str, Callable[[Interactions, Settings, FitContext], Fitted]] = {
    "popularity": _popularity,
    "recency": _recency,
    "als": _als,
}
"""Fits on events with settings; returns the scorer and the settings to fit it with again, on all events."""
