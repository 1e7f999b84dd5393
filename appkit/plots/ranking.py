"""How far down the order of players is settled, as far as one explanation can tell."""

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.certificate import Ranking

__all__ = ["rank_by_errors", "settled_places"]


def rank_by_errors(explanation: Explanation, position: int) -> Ranking:
    """Rank the players of one output over the rows explained, their errors taken as independent.

    Without a second seed every place counts as one that survives it. A place without an error settles nothing.

    Examples
    --------
    >>> from appkit.explanation import explain
    >>> import pandas as pd
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 0.0]})
    >>> rank_by_errors(explain(lambda rows: rows["a"], X, background=X), 0).order.tolist()
    [0, 1]
    """
    importance = explanation.global_importance[:, position]
    error = explanation.global_standard_error[:, position]
    order = np.argsort(-importance, kind="stable")
    upper, lower = order[:-1], order[1:]
    return Ranking(
        order=order,
        importance=importance,
        standard_error=error,
        gap=importance[upper] - importance[lower],
        gap_error=np.hypot(error[upper], error[lower]),
        survives=np.ones(len(upper), dtype=bool),
    )


def settled_places(ranking: Ranking, reliable: int | None) -> int:
    """Return the last place that is settled: the caller's, or the ranking's own; players without effect have no order.

    Raises
    ------
    ValueError
        If the caller's lies outside the ranking.
    """
    n = len(ranking.order)
    if reliable is None:
        return n if ranking.reliable >= ranking.n_moving else ranking.reliable
    if not 0 <= reliable <= n:
        raise ValueError(f"reliable must lie between 0 and the number of players, {n}, got {reliable!r}.")
    return reliable
