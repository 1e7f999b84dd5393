"""Hold events of the same users out, so that models can be chosen by what these users took next."""

from typing import Literal

import numpy as np

from appkit.data.interactions import Interactions

__all__ = ["HeldOut", "hold_out"]

HeldOut = Literal["time", "last", "random"]


def hold_out(
    data: Interactions, by: HeldOut, *, share: float = 0.2, random_state: int = 0
) -> tuple[Interactions, Interactions]:
    """Return events to fit on and events to judge by, ids and codes unchanged.

    Parameters
    ----------
    data
        All events.
    by
        ``"time"``: the latest ``share`` of all events, cut at one moment. ``"last"``: the last event of each user.
        ``"random"``: ``share`` of each user's events, at least one. Users with one event keep it, but by time.
    share
        Between 0 and 1; of no meaning for ``"last"``.
    random_state
        Seed of ``"random"``.

    Raises
    ------
    ValueError
        If nothing can be held out: no times, one moment only, or no user with two events.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2], "item": ["a", "b", "c", "a"], "day": [1, 2, 3, 4]})
    >>> fitted, judged = hold_out(read_interactions(X, time="day"), "last")
    >>> judged.item.tolist()
    [1, 0]
    """
    is_held = {"time": _latest, "last": _last, "random": _random}[by](data, share, random_state)
    if not is_held.any() or is_held.all():
        raise ValueError(
            f"split={by!r} leaves nothing to choose a model by, got {len(data):,} events of "
            f"{len(np.unique(data.user)):,} users. Name a model=, or give users with at least two events."
        )
    return data.take(~is_held), data.take(is_held)


def _latest(data: Interactions, share: float, _: int) -> np.ndarray:
    if data.time is None:
        raise ValueError("split='time' needs times. Pass time=, or split='random'.")
    moments = np.sort(data.time)
    cut = moments[min(int(len(moments) * (1 - share)), len(moments) - 1)]
    is_held = data.time > cut
    return is_held if is_held.any() else data.time >= cut


def _last(data: Interactions, _: float, __: int) -> np.ndarray:
    is_held = np.zeros(len(data), dtype=bool)
    counts = np.diff(data.offsets)
    is_held[data.offsets[1:][counts > 1] - 1] = True
    return is_held


def _random(data: Interactions, share: float, seed: int) -> np.ndarray:
    draws = np.random.default_rng(seed).random(len(data))
    order = np.lexsort((draws, data.user))
    counts = np.diff(data.offsets)
    rank = np.empty(len(data), dtype=np.int64)
    rank[order] = np.arange(len(data)) - np.repeat(data.offsets[:-1], counts)
    n_held = np.where(counts > 1, np.maximum(1, np.floor(share * counts)), 0)
    return rank < n_held[data.user]
