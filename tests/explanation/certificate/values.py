"""Explanations made of given values, so that every check has its answer known."""

import numpy as np

from appkit.explanation import Explanation

__all__ = ["explanation_of"]


def explanation_of(values: np.ndarray, error: float = 0.0, *, seed: int | None = 0, **changed: object) -> Explanation:
    """Return an additive explanation with these values ``(n_rows, n_players)`` and one error for all."""
    n_rows, n_players = values.shape
    given = {
        "values": values[..., None],
        "standard_error": np.full((n_rows, n_players, 1), error),
        "base_value": np.zeros((n_rows, 1)),
        "output": np.nansum(values, axis=1, keepdims=True),
        "residual": np.zeros((n_rows, 1)),
        "data": np.empty((n_rows, n_players), dtype=object),
        "player_names": tuple(f"c{i}" for i in range(n_players)),
        "output_names": ("output",),
        "method": "shapley (permutation)",
        "units": "value",
        "n_evaluations": 1,
        "is_additive": True,
        "random_state": seed,
        "global_importance": np.abs(values).mean(0)[:, None],
        "global_standard_error": np.full((n_players, 1), error),
        "local_fit": np.full((n_rows, 1), np.nan),
    }
    return Explanation(**{**given, **changed})
