"""Events of many users with many items, a few of which are very popular: for speed and memory, not for accuracy."""

import numpy as np
import pandas as pd

__all__ = ["random_events"]

_SPARE = 1.3  # drawn more, since popular items come twice
_BUSY = 1.0  # standard deviation of the logarithm of a user's number of events


def random_events(n_events: int, *, n_users: int, n_items: int, random_state: int = 0) -> pd.DataFrame:
    """Return distinct pairs ``user`` and ``item``, int32, by user; item ``i`` is drawn in proportion to 1 / (i + 10).

    Raises
    ------
    ValueError
        If so many distinct pairs are not found.

    Examples
    --------
    >>> events = random_events(300, n_users=40, n_items=60)
    >>> len(events), events.duplicated().any(), events["user"].is_monotonic_increasing
    (300, np.False_, True)
    """
    rng = np.random.default_rng(random_state)
    n_drawn = round(_SPARE * n_events)
    user = _drawn(rng, rng.lognormal(0, _BUSY, n_users), n_drawn)
    item = _drawn(rng, 1 / (np.arange(n_items) + 10), n_drawn)
    pairs = np.unique(user * n_items + item)
    if len(pairs) < n_events:
        raise ValueError(f"n_events must leave most pairs of users and items out, got {n_events:,} of {len(pairs):,}.")
    kept = np.sort(rng.choice(len(pairs), n_events, replace=False))
    user, item = np.divmod(pairs[kept], n_items)
    return pd.DataFrame({"user": user.astype(np.int32), "item": item.astype(np.int32)})


def _drawn(rng: np.random.Generator, weights: np.ndarray, n: int) -> np.ndarray:
    bounds = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(bounds, rng.random(n)), len(weights) - 1)
