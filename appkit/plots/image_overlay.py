"""What is laid over an image: coloured segments and the outline of what should be found."""

from typing import TYPE_CHECKING, Any

import numpy as np

from appkit.plots.ramp import N_SIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_outline", "overlay"]

_OPACITY = 0.8
_FINER = 8  # contours cut the corners of the grid they are drawn on


def draw_outline(ax: "Axes", mask: np.ndarray) -> None:
    """Draw the outline of a mask along the edges of its pixels, those at the border of the image included."""
    finer = np.pad(mask.repeat(_FINER, axis=0).repeat(_FINER, axis=1), 1)
    y, x = ((np.arange(n) - 0.5) / _FINER - 0.5 for n in finer.shape)
    limits = ax.axis()
    outline = ax.contour(x, y, finer, [0.5], colors="white", linestyles="dashed", linewidths=1.5)
    outline.set_clip_on(False)
    ax.axis(limits)


def overlay(steps: np.ndarray, colours: tuple[str, ...]) -> np.ndarray:
    """Return RGBA, float64 ``(height, width, 4)``; clear where the step is 0."""
    table = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    picture: Any = np.empty((*steps.shape, 4))
    picture[..., :3] = table[steps + N_SIDE]
    picture[..., 3] = np.where(steps == 0, 0.0, _OPACITY)
    return picture
