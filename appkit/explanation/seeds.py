"""One integer that reproduces an explanation, drawn without touching numpy's global generator."""

import numpy as np

__all__ = ["RandomState", "seed_of"]

RandomState = int | np.random.RandomState | np.random.Generator | None


def seed_of(random_state: RandomState) -> int:
    """Return a seed: the integer itself, a draw from a given generator, or a fresh one for ``None``.

    Examples
    --------
    >>> seed_of(7)
    7
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, (int, np.integer)) and random_state >= 0:
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    raise ValueError(f"random_state must be None, an integer from 0 on or a numpy generator, got {random_state!r}.")
