"""Every row's effect by player, coloured by what the player showed."""

from typing import TYPE_CHECKING

import numpy as np

from appkit.explanation import Explanation
from appkit.plots.canvas import axes_for, draw_cut, draw_key, finish, name_rows, style_effects
from appkit.plots.palette import Palette
from appkit.plots.ranking import rank_by_errors, settled_places
from appkit.plots.selection import shared_values
from appkit.plots.swarm import level_steps, swarm_offsets, value_levels
from appkit.plots.wording import effect_unit, method_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["beeswarm"]

_SIZE = 14.0


def beeswarm(
    explanation: Explanation,
    *,
    output: int | str | None = None,
    reliable: int | None = None,
    max_players: int = 12,
    max_dots: int = 400,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw one dot a row and player at the row's effect, players by mean absolute value.

    Colour is the value the player showed, in five steps from low to high; missing values and values without order are
    hollow. Below a dashed line the order of players is not settled.

    Parameters
    ----------
    explanation
        Rows that share their players.
    output, reliable, max_players, ax
        As in :func:`~appkit.plots.bar`.
    max_dots
        Dots a player; with more rows, neighbours by effect share a dot at their mean.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from appkit.explanation import explain
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 0.0]})
    >>> beeswarm(explain(lambda rows: rows["a"], X, background=X)).get_xlabel()
    'effect on output'
    """
    values, position = shared_values(explanation, output)
    ranking = rank_by_errors(explanation, position)
    settled, top = settled_places(ranking, reliable), ranking.order[:max_players]
    unit = effect_unit(explanation, position)
    ax, palette = axes_for(ax, n_rows=round(1.5 * len(top)))
    effects = unit.scale * values[:, top]
    low, high = min(float(effects.min()), 0.0), max(float(effects.max()), 0.0)
    n_bare = 0
    for place, player in enumerate(top):
        dots, levels = _dots(effects[:, place], value_levels(explanation.data[:, player]), max_dots)
        offsets = swarm_offsets(dots, low=low, high=high)
        n_bare += _draw_dots(ax, dots, place + offsets, level_steps(levels, len(palette.levels)), palette)
    style_effects(ax, palette, unit.effect)
    draw_cut(ax, palette, reliable=settled, n_rows=len(top))
    name_rows(ax, [explanation.player_names[player] for player in top])
    bare = ["none"] * (n_bare > 0)
    draw_key(ax, [*palette.levels, *bare], ["low", "", "", "", "high", *["no order" for _ in bare]], palette)
    title = f"{method_name(explanation)}: effects on {unit.name}"
    share = "one row" if len(values) <= max_dots else f"about {len(values) / max_dots:.0f} rows"
    note = f"Dot: {share} of {len(values)}; colour: the player's own value, low to high."
    note += " Hollow: missing, or a value without order." if n_bare else ""
    note += " Below the dashed line the order of players is not settled." if settled < len(top) else ""
    return finish(ax, palette, title=title, note=note)


def _dots(effects: np.ndarray, levels: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return effects and levels of at most ``most`` dots, ascending by effect."""
    order = np.argsort(effects, kind="stable")
    groups = np.array_split(order, min(most, len(order)))
    known = [levels[group][~np.isnan(levels[group])] for group in groups]
    return (
        np.array([effects[group].mean() for group in groups]),
        np.array([own.mean() if len(own) else np.nan for own in known]),
    )


def _draw_dots(ax: "Axes", x: np.ndarray, y: np.ndarray, steps: np.ndarray, palette: Palette) -> int:
    """Draw the dots of one player; return how many are hollow."""
    bare = steps < 0
    colours = np.array(palette.levels)[steps[~bare]]
    ax.scatter(x[~bare], y[~bare], s=_SIZE, c=colours.tolist(), linewidths=0, zorder=2)
    ax.scatter(x[bare], y[bare], s=_SIZE, facecolors="none", edgecolors=palette.axis, linewidths=1, zorder=2)
    return int(bare.sum())
