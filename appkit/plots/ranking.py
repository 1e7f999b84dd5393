"""How far down the order of players is settled."""

from dataclasses import dataclass

import numpy as np

from appkit.explanation import Explanation

__all__ = ["Ranking", "rank_players", "settled_places"]


@dataclass(frozen=True)
class Ranking:
    """Players by mean absolute value; arrays ``(n_players,)``.

    Parameters
    ----------
    order
        Positions of the players, largest first.
    importance, standard_error
        Mean absolute value over the rows explained, in the order of the explanation, and its error.
    reliable
        Last place down to which the order is settled.
    """

    order: np.ndarray
    importance: np.ndarray
    standard_error: np.ndarray
    reliable: int


def rank_players(explanation: Explanation, position: int, *, reliable: int | None = None) -> Ranking:
    """Rank the players of one output; ``reliable`` overrides what the standard errors say.

    Examples
    --------
    >>> from appkit.explanation import explain
    >>> import pandas as pd
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 0.0]})
    >>> rank_players(explain(lambda rows: rows["a"], X, background=X), 0).order.tolist()
    [0, 1]
    """
    importance = explanation.global_importance[:, position]
    error = explanation.global_standard_error[:, position]
    order = np.argsort(-importance, kind="stable")
    if reliable is not None and not 0 <= reliable <= len(order):
        raise ValueError(f"reliable must lie between 0 and the number of players, {len(order)}, got {reliable!r}.")
    settled = settled_places(importance[order], error[order]) if reliable is None else reliable
    return Ranking(order, importance, error, settled)


def settled_places(importance: np.ndarray, standard_error: np.ndarray) -> int:
    """Return the last place whose gap to the next, and every gap above, exceeds two standard errors of the difference.

    Errors of two places are taken as independent; a place without an error settles nothing.

    Parameters
    ----------
    importance, standard_error
        float64 ``(n_places,)``, largest first.

    Examples
    --------
    >>> settled_places(np.array([4.0, 2.0, 1.9]), np.array([0.1, 0.1, 0.1]))
    1
    >>> settled_places(np.array([4.0, 2.0, 1.0]), np.array([0.1, 0.1, 0.1]))
    3
    """
    gap_error = np.sqrt(standard_error[:-1] ** 2 + standard_error[1:] ** 2)
    open_gaps = np.flatnonzero(~(importance[:-1] - importance[1:] > 2 * gap_error))
    return int(open_gaps[0]) if len(open_gaps) else len(importance)
