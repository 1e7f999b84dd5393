"""Players by mean absolute value, with the line below which their order is not settled."""

from typing import TYPE_CHECKING

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.certificate import Ranking
from appkit.plots.canvas import axes_for, draw_bars, draw_cut, finish, name_rows, style_effects, whiskers
from appkit.plots.ranking import rank_by_errors, settled_places
from appkit.plots.selection import shared_values
from appkit.plots.wording import effect_unit, method_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bar"]


def bar(
    explanation: Explanation,
    *,
    output: int | str | None = None,
    reliable: int | None = None,
    max_players: int = 30,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw mean absolute values, largest first, with whiskers of two standard errors.

    Places whose order is not settled stand below a dashed line and are hatched.

    Parameters
    ----------
    explanation
        Rows that share their players.
    output
        Name or position of the output; ``None`` where there is one only.
    reliable
        Last place that is settled, such as ``certificate.overall.rank``; ``None`` takes the last place down to which
        every gap to the next exceeds two standard errors of the difference.
    max_players
        Players drawn.
    ax
        Axes to draw on; ``None`` makes a figure.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from appkit.explanation import explain
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 0.0]})
    >>> axes = bar(explain(lambda rows: rows["a"], X, background=X))
    >>> [text.get_text() for text in axes.get_yticklabels()]
    ['a', 'b']
    """
    values, position = shared_values(explanation, output)
    ranking = rank_by_errors(explanation, position)
    settled = settled_places(ranking, reliable)
    top = ranking.order[:max_players]
    unit = effect_unit(explanation, position)
    ax, palette = axes_for(ax, n_rows=len(top))
    sizes, half_widths = unit.scale * ranking.importance[top], 2 * unit.scale * ranking.standard_error[top]
    draw_bars(ax, np.zeros(len(top)), sizes, [palette.mark] * len(top))
    for patch in ax.patches[-len(top) :][settled:]:
        patch.set(facecolor=palette.grid, edgecolor=palette.hatch, hatch="/////", linewidth=0)
    whiskers(ax, sizes, half_widths, palette)
    draw_cut(ax, palette, reliable=settled, n_rows=len(top))
    name_rows(ax, [explanation.player_names[player] for player in top])
    style_effects(ax, palette, f"mean size of {unit.effect}", has_zero=False, is_signed=False)
    ax.set_xlim(left=0)
    title = f"{method_name(explanation)}: mean size of effect on {unit.name}"
    return finish(ax, palette, title=title, note=_note(ranking, settled, n_rows=len(values), n_shown=len(top)))


def _note(ranking: Ranking, settled: int, *, n_rows: int, n_shown: int) -> str:
    n = len(ranking.order)
    rows = f"{n_rows} rows" if n_rows != 1 else "one row"
    parts = [f"Bar: mean absolute value over {rows}; whisker: ± 2 standard errors."]
    if n_shown < n:
        parts.append(f"{n_shown} of {n} players.")
    if np.isnan(ranking.standard_error).any():
        parts.append("The method gives no standard errors of the means.")
    if settled < n_shown:
        start = f"Below place {settled}" if settled else "From the first place on"
        parts.append(f"{start} (hatched) the order is not settled.")
    return " ".join(parts)
