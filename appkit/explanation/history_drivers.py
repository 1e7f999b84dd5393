"""Which items of all histories drive advice."""

import numpy as np
import pandas as pd

from appkit.explanation.explanation import Explanation
from appkit.explanation.layouts import HistoryLayout

__all__ = ["driving_items"]


def driving_items(explanation: Explanation, *, output: int = 0) -> pd.DataFrame:
    """Return for each item of the histories how much it moves advice, the largest sum of effects first.

    Rows have players of their own, so there is no mean over all of them: an item's effects are averaged over the
    histories that hold it.

    Parameters
    ----------
    explanation
        Of advice, with a :class:`~appkit.explanation.layouts.HistoryLayout`.
    output
        Position of the output.

    Returns
    -------
    DataFrame
        ``item`` (its id), ``name``, ``n_cases`` and ``n_users`` whose history holds it, ``mean_absolute`` and ``mean``
        effect over these cases, ``standard_error`` of the mean over users as a sample (NaN of one user alone), and
        ``share`` of all absolute effects.

    Raises
    ------
    ValueError
        If the explanation is not of histories.

    Examples
    --------
    >>> from appkit.explanation import explain_game
    >>> from appkit.explanation.games import history_game
    >>> game = history_game(lambda ids: 2.0 * (ids == 7).any(1), [[7, 3], [7]], item_names={3: "tea", 7: "cup"})
    >>> driving_items(explain_game(game))[["name", "n_cases", "mean_absolute", "share"]]
      name  n_cases  mean_absolute  share
    0  cup        2            2.0    1.0
    1  tea        1            0.0    0.0
    """
    layout = explanation.layout
    if not isinstance(layout, HistoryLayout):
        raise ValueError(f"explanation must have a HistoryLayout, got {type(layout).__name__}.")
    values = explanation.values[..., output]
    rows, players = np.nonzero(~np.isnan(values))
    users = np.arange(len(values)) if layout.advice is None else layout.advice.users
    effects = pd.DataFrame(
        {
            "item": (layout.items if layout.ids is None else layout.ids)[rows, players],
            "name": layout.items[rows, players],
            "user": users[rows],
            "mean": values[rows, players],
            "mean_absolute": np.abs(values[rows, players]),
        }
    )
    by_item = effects.groupby("item", sort=True)
    table = by_item.agg(name=("name", "first"), n_cases=("mean", "size"), n_users=("user", "nunique"))
    table = table.join(by_item[["mean_absolute", "mean"]].mean())
    by_user = effects.groupby(["item", "user"])["mean"].mean().groupby("item")
    table["standard_error"] = by_user.sem()
    total = by_item["mean_absolute"].sum()
    table["share"] = total / total.sum() if total.sum() > 0 else 0.0
    order = np.lexsort((np.arange(len(table)), -total.to_numpy()))
    return table.iloc[order].reset_index()
