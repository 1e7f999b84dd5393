"""A small shop whose lists and purchases are drawn at random."""

import numpy as np
import pandas as pd


def make_lists(n_users=30, n_items=40, *, k=8, seed=0, text=False):
    """Return lists of ``k`` items for each user, all different within a list."""
    rng = np.random.default_rng(seed)
    items = np.argsort(rng.random((n_users, n_items)), axis=1)[:, :k]
    table = pd.DataFrame(
        {
            "user": np.repeat(np.arange(n_users), k),
            "item": items.ravel(),
            "rank": np.tile(np.arange(1, k + 1), n_users),
        }
    )
    return table.astype({"user": str, "item": str}) if text else table


def make_events(n_events=200, *, n_users=30, n_items=40, seed=1):
    """Return purchases with repeats; popular items have small ids."""
    rng = np.random.default_rng(seed)
    items = (n_items * rng.random(n_events) ** 2).astype(int)
    return pd.DataFrame({"user": rng.integers(0, n_users, n_events), "item": items})
