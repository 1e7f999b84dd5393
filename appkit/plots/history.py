"""Items of one history by their effect, oldest first."""

from typing import TYPE_CHECKING

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.layouts import HistoryLayout
from appkit.plots.canvas import axes_for, colour_ends, draw_bars, draw_key, finish, name_rows, style_effects, whiskers
from appkit.plots.selection import RowValues, output_position, row_values
from appkit.plots.wording import effect_unit, method_name, signed, whisker_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["history", "history_items"]


def history(
    explanation: Explanation,
    row: int = 0,
    *,
    output: int | str | None = None,
    max_items: int = 30,
    event_at: str = "high",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the items of one history as bars with whiskers, oldest at the top.

    Parameters
    ----------
    explanation
        With a :class:`~appkit.explanation.layouts.HistoryLayout`.
    row, output, event_at, ax
        As in :func:`~appkit.plots.waterfall`.
    max_items
        Items drawn, the strongest; the others are one bar at the end.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> from appkit.explanation import explain_game
    >>> from appkit.explanation.games import history_game
    >>> game = history_game(lambda ids: (ids == 7).any(1), [[7, 3]], item_names={3: "tea", 7: "cup"})
    >>> [text.get_text() for text in history(explain_game(game)).get_yticklabels()]
    ['cup', 'tea']
    """
    own = row_values(explanation, row, output)
    labels = history_items(explanation, row, own)
    unit = effect_unit(explanation, output_position(explanation, output))
    kept = strongest_in_order(own.values, max_items)
    rest = np.setdiff1d(np.arange(len(own.values)), kept)
    effects, errors = own.values[kept], own.standard_error[kept]
    names = [labels[i] for i in kept]
    if len(rest):
        names.append(f"{len(rest)} others")
        effects = np.append(effects, own.values[rest].sum())
        errors = np.append(errors, np.sqrt((own.standard_error[rest] ** 2).sum()))
    ax, palette = axes_for(ax, n_rows=len(effects))
    lower, raise_ = colour_ends(palette, event_at=event_at)
    draw_bars(ax, np.zeros(len(effects)), unit.scale * effects, [raise_ if v > 0 else lower for v in effects])
    whiskers(ax, unit.scale * effects, 2 * unit.scale * errors, palette)
    style_effects(ax, palette, unit.effect)
    name_rows(ax, names)
    draw_key(ax, [raise_, lower], ["raises", "lowers"], palette)
    title = f"{method_name(explanation)}: {_subject(explanation, row, own.output)}"
    note = f"Bar: effect of one item, oldest at the top; {whisker_note(errors)}."
    return finish(ax, palette, title=title, note=note)


def _subject(explanation: Explanation, row: int, output: float) -> str:
    """Return whose history it is and, of advice, the margin that its items explain."""
    layout = explanation.layout
    if not isinstance(layout, HistoryLayout) or layout.advice is None:
        return f"items in the history of row {row}"
    advice = layout.advice
    margin = f"margin {signed(output)} over {advice.rival_names[row]} at rank {advice.rival_ranks[row]}"
    return f"{advice.item_names[row]} for {advice.users[row]}, rank {advice.ranks[row]}, {margin}"


def history_items(explanation: Explanation, row: int, own: RowValues) -> list[str]:
    """Return the items of a row, oldest first.

    Raises
    ------
    ValueError
        If the explanation has no layout of histories, or the row no item.
    """
    layout = explanation.layout
    if not isinstance(layout, HistoryLayout):
        raise ValueError(f"explanation must have a HistoryLayout, got {type(layout).__name__}. Use bar or waterfall.")
    if not len(own.values):
        raise ValueError(f"row must have items to draw, got row {row} without any.")
    if explanation.row_player_names is not None:
        return list(own.names)  # tell an item from the same one bought again
    return [str(layout.items[row, player]) for player in own.players]


def strongest_in_order(values: np.ndarray, most: int) -> np.ndarray:
    """Return the positions of the strongest values in the order they have.

    Examples
    --------
    >>> strongest_in_order(np.array([1.0, -3.0, 2.0]), 2).tolist()
    [1, 2]
    """
    return np.sort(np.argsort(-np.abs(values), kind="stable")[:most])
