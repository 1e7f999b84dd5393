"""One player's value against its effect."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from appkit.explanation import Explanation
from appkit.plots.canvas import axes_for, draw_key, finish
from appkit.plots.palette import Palette
from appkit.plots.selection import shared_values
from appkit.plots.swarm import as_numbers, level_steps, value_levels
from appkit.plots.wording import effect_unit, method_name, tick_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["dependence"]

_MOST_WORDS = 12
_SPREAD = 0.6


def dependence(
    explanation: Explanation,
    player: int | str,
    *,
    color_by: int | str | None = None,
    output: int | str | None = None,
    error_bars: bool = True,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw what one player showed against its effect, one dot a row.

    Words stand side by side, the rare ones as one; missing values stand apart at the right.

    Parameters
    ----------
    explanation
        Rows that share their players.
    player
        Name or position of the player.
    color_by
        Another player, whose value colours the dots: numbers in five steps, words by the five most frequent.
    output, ax
        As in :func:`~appkit.plots.bar`.
    error_bars
        Whether each dot has a bar of two standard errors.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from appkit.explanation import explain
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 0.0]})
    >>> axes = dependence(explain(lambda rows: rows["a"], X, background=X), "a", color_by="b")
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('a', 'effect on output')
    """
    values, position = shared_values(explanation, output)
    shown = _player_position(explanation, player, "player")
    unit = effect_unit(explanation, position)
    ax, palette = axes_for(ax, size=(7.2, 4.6))
    x, labels = _places(explanation.data[:, shown])
    y, error = unit.scale * values[:, shown], 2 * unit.scale * explanation.standard_error[:, shown, position]
    if error_bars:
        ax.vlines(x, y - error, y + error, color=palette.axis, linewidth=0.8, zorder=1.8)
    colours = [palette.mark] * len(x)
    if color_by is not None:
        other = _player_position(explanation, color_by, "color_by")
        colours, names = _value_colours(explanation.data[:, other], palette)
        draw_key(ax, list(names), list(names.values()), palette)
    hollow = [colour == "none" for colour in colours]
    ax.scatter(x, y, s=22, color=colours, zorder=2, linewidths=0)
    ax.scatter(x[hollow], y[hollow], s=22, facecolors="none", edgecolors=palette.axis, zorder=2)
    _style(ax, palette, labels)
    ax.set(xlabel=explanation.player_names[shown], ylabel=unit.effect)
    note = "Dot: one row." + (" Bar: ± 2 standard errors." if error_bars else "")
    if color_by is not None:
        note += f" Colour: value of {explanation.player_names[other]}."
    title = f"{method_name(explanation)}: effect of {explanation.player_names[shown]}"
    return finish(ax, palette, title=title, note=note)


def _player_position(explanation: Explanation, player: int | str, argument: str) -> int:
    names = explanation.player_names
    if isinstance(player, str) and player in names:
        return names.index(player)
    if isinstance(player, int | np.integer) and 0 <= player < len(names):
        return int(player)
    raise ValueError(f"{argument} must be one of {list(names)} or its position, got {player!r}.")


def _places(column: np.ndarray) -> tuple[np.ndarray, dict[float, str]]:
    """Return where each value stands along the axis, and the names of places that are no numbers."""
    numbers = as_numbers(column)
    if numbers is None:
        return _word_places(column)
    known = ~np.isnan(numbers)
    if known.all():
        return numbers, {}
    low, high = (float(end) for end in (numbers[known].min(), numbers[known].max()))
    apart = high + 0.1 * (high - low or 1.0)
    return np.where(known, numbers, apart), {apart: "missing"}


def _word_places(column: np.ndarray) -> tuple[np.ndarray, dict[float, str]]:
    words = pd.Series(column, dtype=object)
    words = words.where(words.notna(), "missing").astype(str)
    counts = words.value_counts()
    kept = sorted(counts.index[: _MOST_WORDS if len(counts) > _MOST_WORDS + 1 else None])
    names = [*kept, *([f"{len(counts) - len(kept)} others"] if len(kept) < len(counts) else [])]
    codes = words.map({word: i for i, word in enumerate(kept)}).fillna(len(kept)).to_numpy(dtype=np.int64)
    spread = np.zeros(len(codes))
    for code in range(len(names)):
        own = np.flatnonzero(codes == code)
        spread[own] = ((np.arange(len(own)) + 0.5) / max(len(own), 1) - 0.5) * _SPREAD
    return codes + spread, {float(i): name for i, name in enumerate(names)}


def _value_colours(column: np.ndarray, palette: Palette) -> tuple[list[str], dict[str, str]]:
    """Return the colour of each row by what another player showed, and the names of the colours."""
    n = len(palette.levels)
    if as_numbers(column) is not None:
        steps = level_steps(value_levels(column), n)
        names = dict(zip(palette.levels, ["low", *[" " * i for i in range(1, n - 1)], "high"], strict=True))
    else:
        words = pd.Series(column, dtype=object)
        kept = sorted(words.dropna().astype(str).value_counts().index[:n])
        steps = words.astype(str).map({word: i for i, word in enumerate(kept)}).fillna(-1).to_numpy(dtype=np.int64)
        names = dict(zip(palette.levels, kept, strict=False))
    if (steps < 0).any():
        names["none"] = "missing" if as_numbers(column) is not None else "other"
    return [palette.levels[step] if step >= 0 else "none" for step in steps], names


def _style(ax: "Axes", palette: Palette, labels: dict[float, str]) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(palette.axis)
    ax.axhline(0, color=palette.note, linewidth=1, zorder=1.5)
    ax.grid(axis="y", color=palette.grid)
    ax.set_axisbelow(True)
    ax.yaxis.set_major_formatter(tick_text)
    if len(labels) > 1 or "missing" not in labels.values():
        is_long = sum(map(len, labels.values())) > 60
        if labels:
            ax.set_xticks(list(labels), list(labels.values()), rotation=90 if is_long else 0, fontsize="small")
        return
    (apart,) = labels
    ax.axvline(apart, color=palette.grid, linewidth=12, zorder=0)
    ax.annotate("missing", (apart, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
                ha="center", fontsize="small", color=palette.note)  # fmt: skip
