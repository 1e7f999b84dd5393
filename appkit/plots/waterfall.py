"""One row's way from the base value to its output, step by step."""

from typing import TYPE_CHECKING

import numpy as np

from appkit.explanation import Explanation
from appkit.plots.canvas import axes_for, colour_ends, draw_bars, draw_key, finish, name_rows, style_effects, whiskers
from appkit.plots.selection import RowValues, output_position, row_values
from appkit.plots.wording import effect_unit, method_name, shown, signed, whisker_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["waterfall"]


def waterfall(
    explanation: Explanation,
    row: int = 0,
    *,
    output: int | str | None = None,
    max_steps: int = 8,
    event_at: str = "high",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the steps of one row from the base value to the output, largest first, the smallest ones as one.

    Parameters
    ----------
    explanation
        By an additive method.
    row
        Position of the row.
    output, ax
        As in :func:`~appkit.plots.bar`.
    max_steps
        Players with a step of their own.
    event_at
        At which end of the output the event or loss lies, ``"high"`` or ``"low"``: steps toward it are orange.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from appkit.explanation import explain
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 0.0]})
    >>> axes = waterfall(explain(lambda rows: rows["a"], X, background=X), 2)
    >>> [text.get_text() for text in axes.get_yticklabels()]
    ['base value', 'a = 4', 'b = 0', 'this row']
    """
    if not explanation.is_additive:
        raise ValueError(f"explanation must be additive for steps to add up, got {explanation.method!r}. Use bar.")
    own = row_values(explanation, row, output)
    unit = effect_unit(explanation, output_position(explanation, output))
    names, steps, errors = _steps(own, max_steps)
    ends = own.base_value + np.cumsum(steps)
    starts, half_widths = ends - steps, 2 * errors
    ax, palette = axes_for(ax, n_rows=len(steps) + 2)
    lower, raise_ = colour_ends(palette, event_at=event_at)
    pad = np.array([0.0])
    bars = unit.scale * np.concatenate([pad, steps, pad])
    levels = unit.scale * np.concatenate([[own.base_value], starts, [own.output]])
    draw_bars(ax, levels, bars, [raise_ if step > 0 else lower for step in bars])
    whiskers(ax, levels + bars, unit.scale * np.concatenate([pad, half_widths, pad]), palette)
    reached = unit.scale * np.concatenate([[own.base_value], ends])
    ax.vlines(reached, np.arange(len(reached)), np.arange(len(reached)) + 1, color=palette.note, linewidth=1, zorder=1)
    ax.scatter(levels[[0, -1]], [0, len(bars) - 1], color=palette.ink, s=36, zorder=4)
    style_effects(ax, palette, unit.output, has_zero=False, is_signed=False)
    ax.use_sticky_edges = False
    ax.margins(x=0.04)
    name_rows(ax, ["base value", *names, "this row"])
    _label_right(ax, [shown(levels[0]), *_numbers(bars[1:-1], unit.scale * half_widths), shown(levels[-1])])
    draw_key(ax, [raise_, lower], ["raises", "lowers"], palette)
    title = f"{method_name(explanation)}: from base value to row {row}"
    note = f"Bar: effect of one player; {whisker_note(errors)}; dots: start and output."
    return finish(ax, palette, title=title, note=note)


def _steps(own: RowValues, most: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return names, effects and standard errors of the steps; the last one is the sum of those left out."""
    order = np.argsort(-np.abs(own.values), kind="stable")
    n = len(order) if len(order) <= most + 1 else most
    rest = order[n:]
    names = [f"{own.names[i]} = {text}" if (text := shown(own.data[i])) else own.names[i] for i in order[:n]]
    steps, errors = own.values[order[:n]], own.standard_error[order[:n]]
    if not len(rest):
        return names, steps, errors
    return (
        [*names, f"{len(rest)} others"],
        np.append(steps, own.values[rest].sum()),
        np.append(errors, np.sqrt((own.standard_error[rest] ** 2).sum())),
    )


def _numbers(effects: np.ndarray, half_widths: np.ndarray) -> list[str]:
    return [signed(effect, half_width) for effect, half_width in zip(effects, half_widths, strict=True)]


def _label_right(ax: "Axes", texts: list[str]) -> None:
    """Write one number a row at the right of the plot."""
    for place, text in enumerate(texts):
        ax.annotate(text, (1, place), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                    va="center", fontsize="small", annotation_clip=False)  # fmt: skip
