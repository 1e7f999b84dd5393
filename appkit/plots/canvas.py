"""Axes to draw on and the marks all plots share; the one module that imports matplotlib."""

import re
import textwrap
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from appkit.exceptions import MissingDependencyError
from appkit.plots.palette import DARK, LIGHT, Palette
from appkit.plots.wording import tick_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "axes_for",
    "break_name",
    "colour_ends",
    "draw_bars",
    "draw_cut",
    "draw_key",
    "draw_ramp",
    "finish",
    "name_rows",
    "new_grid",
    "style_effects",
    "whiskers",
    "wrapped",
]

_WIDTH = 7.2  # inches
_ROW_HEIGHT = 0.32
_FRAME_HEIGHT = 1.5
_LABEL_WIDTH = 30  # characters
_BAR = 0.5
_LEAST_CHARACTERS = 24
_CHARACTER = 0.6
_KEY_HEIGHT = 16  # points


def axes_for(ax: "Axes | None", *, n_rows: int = 0, size: tuple[float, float] | None = None) -> tuple["Axes", Palette]:
    """Return the caller's axes, or new ones high enough for ``n_rows``, and the colours for their ground.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    plt = _import_matplotlib("pyplot")
    if ax is None:
        size = size or (_WIDTH, _FRAME_HEIGHT + _ROW_HEIGHT * n_rows)
        _, ax = plt.subplots(figsize=size, layout="constrained")
    assert ax is not None
    red, green, blue, alpha = _import_matplotlib("colors").to_rgba(ax.get_facecolor())
    is_dark = alpha > 0 and 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.35
    return ax, DARK if is_dark else LIGHT


def new_grid(n_panels: int, *, n_columns: int, panel: tuple[float, float]) -> tuple["Figure", list["Axes"]]:
    """Return a new figure of as many panels, line by line, each ``panel`` inches wide and high."""
    if n_columns < 1:
        raise ValueError(f"n_columns must be 1 or more, got {n_columns!r}.")
    plt = _import_matplotlib("pyplot")
    n_columns = min(n_columns, n_panels)
    n_lines = -(-n_panels // n_columns)
    size = (panel[0] * n_columns, panel[1] * n_lines)
    figure, grid = plt.subplots(n_lines, n_columns, figsize=size, squeeze=False, layout="constrained")
    panels = list(grid.flat)
    for unused in panels[n_panels:]:
        unused.remove()
    return figure, panels[:n_panels]


def wrapped(text: str, ax: "Axes", size: float) -> str:
    """Return text broken to the width of the axes at a font size; lines that are there stay."""
    figure: Any = ax.figure
    figure.canvas.draw_idle()
    points = ax.get_window_extent().width * 72 / figure.canvas.figure.dpi
    return "\n".join(_wrap(line, points, size) for line in text.splitlines())


def finish(ax: "Axes", palette: Palette, *, title: str, note: str, under: "Axes | None" = None) -> "Axes":
    """Set title and note, broken to the width the axes came out with; the note stands under the label of ``under``."""
    canvas_figure: Any = ax.figure.canvas.figure  # of a subfigure, too
    canvas_figure.draw_without_rendering()
    points = ax.get_window_extent().width * 72 / canvas_figure.dpi
    ax.set_title(_wrap(title, points, 10), loc="left", fontsize="medium", color=palette.ink, pad=_title_pad(ax))
    ax.set_xlabel(_wrap(ax.get_xlabel(), points, 10), color=palette.ink)
    label = (under or ax).xaxis.label
    ax.annotate(
        _wrap(note, points, 8),
        (0, 0),
        (0, -6),
        xycoords=("axes fraction", label),
        textcoords="offset points",
        va="top",
        fontsize="small",
        color=palette.note,
        annotation_clip=False,
        zorder=6,  # drawn after inset axes (5): only then is the label of one where it will be
    )
    return ax


def style_effects(ax: "Axes", palette: Palette, label: str, *, has_zero: bool = True, is_signed: bool = True) -> None:
    """Make the x axis one of effects: grid behind, a line at zero, plain or signed numbers, no frame."""
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(palette.axis)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", color=palette.axis)
    ax.grid(axis="x", color=palette.grid, linewidth=1)
    ax.set_axisbelow(True)
    if has_zero:
        ax.axvline(0, color=palette.note, linewidth=1, zorder=1.5)
    if is_signed:
        ax.xaxis.set_major_formatter(tick_text)
    ax.set_xlabel(label)


def name_rows(ax: "Axes", names: Sequence[str]) -> None:
    """Label the rows from the top down; long names are broken."""
    ax.set_yticks(range(len(names)), [break_name(name) for name in names], fontsize="small")
    ax.set_ylim(len(names) - 0.4, -0.6)


def draw_bars(ax: "Axes", starts: np.ndarray, lengths: np.ndarray, colours: Sequence[str]) -> None:
    """Draw one horizontal bar a row."""
    ax.barh(range(len(starts)), lengths, _BAR, left=starts, color=list(colours), zorder=2)


def whiskers(ax: "Axes", ends: np.ndarray, half_widths: np.ndarray, palette: Palette) -> None:
    """Draw the interval around each bar's end; nothing where its width is unknown or 0."""
    rows = np.flatnonzero(np.nan_to_num(half_widths) > 0)
    low, high = ends[rows] - half_widths[rows], ends[rows] + half_widths[rows]
    ax.hlines(rows, low, high, color=palette.ink, linewidth=1.6, zorder=3)


def draw_cut(ax: "Axes", palette: Palette, *, reliable: int, n_rows: int) -> None:
    """Draw the dashed line below the last place that is settled, where it lies among the rows."""
    if reliable < n_rows:
        ax.axhline(reliable - 0.5, color=palette.ink, linewidth=1.2, linestyle=(0, (2, 2.5)), zorder=2.5)


def colour_ends(palette: Palette, *, event_at: str) -> tuple[str, str]:
    """Return the colours of negative and of positive effects.

    Raises
    ------
    ValueError
        If ``event_at`` is neither ``"high"`` nor ``"low"``.
    """
    if event_at not in ("high", "low"):
        raise ValueError(f"event_at must be 'high' or 'low', got {event_at!r}.")
    return (palette.down, palette.up) if event_at == "high" else (palette.up, palette.down)


def draw_key(ax: "Axes", colours: Sequence[str], labels: Sequence[str], palette: Palette) -> None:
    """Name colours in one line above the plot; ``"none"`` is a hollow mark."""
    handles = [
        ax.scatter([], [], marker="o", s=30, color=colour, edgecolors=palette.axis if colour == "none" else "none")
        for colour in colours
    ]
    ax.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(labels), frameon=False, fontsize="small",
        borderaxespad=0.1, borderpad=0.2, handlelength=1, handletextpad=0.2, columnspacing=0.8,
        labelcolor=palette.ink,
    )  # fmt: skip


def draw_ramp(ax: "Axes", colours: Sequence[str], ends: tuple[str, str], label: str, *, below: float) -> "Axes":
    """Draw the swatches of a diverging ramp ``below`` inches under the plot, 0 in the middle; return their axes."""
    transforms = _import_matplotlib("transforms")
    figure: Any = ax.figure
    figure.canvas.figure.draw_without_rendering()
    height = ax.get_window_extent().height / figure.canvas.figure.dpi
    shift = transforms.ScaledTranslation(0, -below, figure.canvas.figure.dpi_scale_trans)
    strip = ax.inset_axes((0.0, 0.0, 1.0, 0.13 / height), transform=ax.transAxes + shift)
    n = len(colours)
    strip.bar(range(n), 1.0, 1.0, color=list(colours), linewidth=0)
    strip.set(xlim=(-0.5, n - 0.5), ylim=(0, 1), yticks=[])
    strip.set_xticks([-0.5, (n - 1) / 2, n - 0.5], [ends[0], "0", ends[1]], fontsize="small")
    first, _, last = strip.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    strip.tick_params(length=0)
    strip.spines[:].set_visible(False)
    strip.set_xlabel(label, fontsize="small")
    return strip


def _import_matplotlib(part: str) -> ModuleType:
    try:
        import matplotlib.colors
        import matplotlib.pyplot
        import matplotlib.transforms
    except ImportError as err:
        raise MissingDependencyError("Plots need matplotlib: pip install 'industry-appkit[plots]'.") from err
    return getattr(matplotlib, part)


def _title_pad(ax: "Axes") -> float:
    """Return the room between plot and title, in points: a key stands there where there is one."""
    return 6 + _KEY_HEIGHT * (ax.get_legend() is not None)


def _wrap(text: str, points: float, size: float) -> str:
    """Return text broken to a width, a character being taken for 0.6 of its size."""
    return "\n".join(textwrap.wrap(text, max(int(points / (_CHARACTER * size)), _LEAST_CHARACTERS)))


def break_name(name: str) -> str:
    """Return a name in lines of at most 30 characters, broken at spaces and underscores where there are some."""
    pieces = re.findall(r"[^\s_]+[\s_]*|[\s_]+", name)
    lines = [""]
    for piece in pieces:
        for part in textwrap.wrap(piece, _LABEL_WIDTH, drop_whitespace=False) or [piece]:
            if lines[-1] and len(lines[-1]) + len(part.rstrip()) > _LABEL_WIDTH:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)
