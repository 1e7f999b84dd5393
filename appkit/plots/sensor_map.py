"""Effects of a window by sensor and stretch of time, with the signals drawn over."""

from typing import TYPE_CHECKING

import numpy as np

from appkit.explanation import Explanation
from appkit.plots.canvas import axes_for, break_name, colour_ends, draw_bars, draw_ramp, finish, style_effects, whiskers
from appkit.plots.palette import Palette
from appkit.plots.ramp import N_SIDE, ramp_end, ramp_steps
from appkit.plots.selection import output_position, row_values
from appkit.plots.windows import WindowCells, window_cells
from appkit.plots.wording import effect_unit, method_name, shown, tick_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["sensor_map"]

_SUMS = (1.05, 0.0, 0.42, 1.0)
_ROOM = 0.18
_NOTE = (
    "Colour: effect of one sensor over one stretch of time; neutral: within 2 standard errors of zero. Line: the "
    "signal over its own range, which stands under the name. Bar: sum of the row; whisker: ± 2 standard errors."
)


def sensor_map(
    explanation: Explanation,
    row: int = 0,
    *,
    output: int | str | None = None,
    end: float | None = None,
    step_name: str = "time steps",
    event_at: str = "high",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw one row of cells a sensor, oldest left, the signal over it and the sum of the row at the right.

    All cells share one scale. Cells not told from zero have the neutral colour.

    Parameters
    ----------
    explanation
        With a :class:`~appkit.explanation.layouts.WindowLayout`.
    row, output, event_at, ax
        As in :func:`~appkit.plots.waterfall`; for a remaining life the loss lies at the ``"low"`` end.
    end
        Effect at the ends of the ramp; ``None`` takes the largest of the row.
    step_name
        What a step of the window is called: ``"cycles"``.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> from appkit.explanation import explain_game
    >>> from appkit.explanation.games import window_game
    >>> windows, healthy = np.ones((1, 4, 1)), np.zeros((3, 4, 1))
    >>> game = window_game(lambda x: x[:, -1, 0], windows, healthy, n_segments=2, sensors=["heat"])
    >>> sensor_map(explain_game(game)).get_xlabel()
    'time steps before the end'
    """
    cells = window_cells(explanation, row, row_values(explanation, row, output))
    unit = effect_unit(explanation, output_position(explanation, output))
    end = ramp_end(cells.values) if end is None else end
    n = len(cells.sensors)
    ax, palette = axes_for(ax, size=(8.6, 2.4 + 0.45 * n))
    ramp = palette.ramp if colour_ends(palette, event_at=event_at)[1] == palette.up else palette.ramp[::-1]
    _draw_cells(ax, cells, ramp_steps(cells.values, cells.is_told_from_zero(), end=end), ramp)
    for place in range(n):
        _draw_signal(ax, cells.series[:, place], place, palette)
    ax.set(xlim=(cells.bounds[0], cells.bounds[-1]), ylim=(n - 0.5, -0.5), xlabel=f"{step_name} before the end")
    ax.set_yticks(range(n), [_row_name(cells, place) for place in range(n)], fontsize="small")
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    ax.xaxis.set_major_formatter(lambda value, _: tick_text(value))
    _draw_sums(ax, cells, unit.scale, palette, event_at=event_at)
    tips = [tick_text(float(f"{sign * unit.scale * end:.2g}")) for sign in (-1, 1)]
    strip = draw_ramp(ax, ramp, (tips[0], tips[1]), unit.effect, below=0.75)
    note = _NOTE
    if np.isnan(cells.standard_error).any():
        note += " The method gives no standard errors, so no cell is neutral for its error."
    if n_past := int((np.abs(cells.values) > end * (1 + 1e-9)).sum()):
        note += f" {n_past} cells lie past the ends of the scale."
    return finish(ax, palette, title=f"{method_name(explanation)}: row {row}", note=note, under=strip)


def _draw_cells(ax: "Axes", cells: WindowCells, steps: np.ndarray, ramp: tuple[str, ...]) -> None:
    for place, own in enumerate(steps):
        ax.barh(
            [place] * len(own), np.diff(cells.bounds), 0.94, left=cells.bounds[:-1], linewidth=0,
            color=[ramp[step + N_SIDE] for step in own],
        )  # fmt: skip


def _draw_signal(ax: "Axes", signal: np.ndarray, place: int, palette: Palette) -> None:
    """Draw a signal over its own range, lighter below so that it stands out from any cell."""
    known = signal[~np.isnan(signal)]
    if not len(known):
        return
    low, width = known.min(), known.max() - known.min()
    share = (signal - low) / width if width > 0 else np.where(np.isnan(signal), np.nan, 0.5)
    x = np.arange(len(signal)) - len(signal) + 0.5
    y = place + 0.5 - _ROOM - (1 - 2 * _ROOM) * share
    ax.plot(x, y, color=palette.paper, linewidth=3.2, alpha=0.85, solid_joinstyle="round")
    ax.plot(x, y, color=palette.ink, linewidth=1.2, solid_joinstyle="round")


def _draw_sums(ax: "Axes", cells: WindowCells, scale: float, palette: Palette, *, event_at: str) -> None:
    sums = ax.inset_axes(_SUMS, sharey=ax)
    lower, raise_ = colour_ends(palette, event_at=event_at)
    totals = scale * cells.totals
    draw_bars(sums, np.zeros(len(totals)), totals, [raise_ if total > 0 else lower for total in totals])
    whiskers(sums, totals, 2 * scale * cells.total_errors, palette)
    style_effects(sums, palette, "sum over the window")
    sums.locator_params(axis="x", nbins=4)
    sums.tick_params(axis="y", labelleft=False)


def _row_name(cells: WindowCells, place: int) -> str:
    signal = cells.series[:, place]
    known = signal[~np.isnan(signal)]
    ends = f"{shown(known.min())} to {shown(known.max())}" if len(known) else "missing"
    return f"{break_name(cells.sensors[place])}\n{ends}"
