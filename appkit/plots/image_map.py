"""Effects of the segments of an image, drawn over it."""

from typing import TYPE_CHECKING

import numpy as np

from appkit.explanation import Explanation
from appkit.plots.canvas import axes_for, colour_ends, draw_ramp, finish
from appkit.plots.image_overlay import draw_outline, overlay
from appkit.plots.images import image_layout, luminance, segment_values
from appkit.plots.palette import OVER_IMAGE
from appkit.plots.ramp import ramp_end, ramp_steps
from appkit.plots.selection import output_position, row_values
from appkit.plots.wording import effect_unit, method_name, tick_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["image_map"]


def image_map(
    explanation: Explanation,
    row: int = 0,
    *,
    output: int | str | None = None,
    end: float | None = None,
    truth: np.ndarray | None = None,
    event_at: str = "high",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the effect of each segment over the image, in grey below; segments not told from zero are left clear.

    Parameters
    ----------
    explanation
        With an :class:`~appkit.explanation.layouts.ImageLayout`.
    row, output, event_at, ax
        As in :func:`~appkit.plots.waterfall`.
    end
        Effect at the ends of the ramp, in the units of the values; ``None`` takes the largest of the row. Give one to
        draw several maps on one scale.
    truth
        Mask of what should be found, ``(height, width)``; its outline is drawn dashed.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> from appkit.explanation import explain_game
    >>> from appkit.explanation.games import image_game
    >>> game = image_game(lambda x: x[:, :2].mean((1, 2)), np.eye(4)[None], n_players=4)
    >>> axes = image_map(explain_game(game))
    >>> [text.get_text() for text in axes.child_axes[0].get_xticklabels()][1]
    '0'
    """
    own = row_values(explanation, row, output)
    layout = image_layout(explanation)
    unit = effect_unit(explanation, output_position(explanation, output))
    end = ramp_end(own.values) if end is None else end
    steps = ramp_steps(own.values, own.is_told_from_zero(), end=end)
    segments = layout.segments[row]
    ax, palette = axes_for(ax, size=(4.8, 5.4))
    colours = OVER_IMAGE if colour_ends(palette, event_at=event_at)[1] == palette.up else OVER_IMAGE[::-1]
    ax.imshow(luminance(layout.images[row]), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.imshow(overlay(segment_values(segments, own.players, steps), colours), interpolation="nearest")
    if truth is not None:
        draw_outline(ax, np.asarray(truth) != 0)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    tips = [tick_text(float(f"{sign * unit.scale * end:.2g}")) for sign in (-1, 1)]
    strip = draw_ramp(ax, colours, (tips[0], tips[1]), unit.effect, below=0.25)
    note = "Colour: effect of one segment. Clear: within 2 standard errors of zero."
    if np.isnan(own.standard_error).any():
        note = "Colour: effect of one segment; the method gives no standard errors, so none is left clear."
    if n_past := int((np.abs(own.values) > end * (1 + 1e-9)).sum()):
        note += f" {n_past} lie past the ends of the scale."
    note += " Dashed: the true outline." if truth is not None else ""
    return finish(ax, palette, title=f"{method_name(explanation)}: row {row}", note=note, under=strip)
