"""Images and their segments as plots and reports need them."""

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.layouts import ImageLayout

__all__ = ["image_layout", "luminance", "segment_values"]

_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def image_layout(explanation: Explanation) -> ImageLayout:
    """Return where the segments lie; ``ValueError`` for an explanation of anything but images."""
    layout = explanation.layout
    if not isinstance(layout, ImageLayout):
        raise ValueError(f"explanation must have an ImageLayout, got {type(layout).__name__}. Use bar or waterfall.")
    return layout


def luminance(image: np.ndarray) -> np.ndarray:
    """Return an image in grey, float64 ``(height, width)`` from 0 to 1 over its own range.

    Examples
    --------
    >>> luminance(np.array([[0, 50], [100, 200]]))
    array([[0.  , 0.25],
           [0.5 , 1.  ]])
    """
    grey = np.asarray(image, dtype=np.float64)
    if grey.ndim == 3:
        grey = grey[..., :3] @ _WEIGHTS if grey.shape[2] >= 3 else grey[..., 0]
    low, high = np.nanmin(grey), np.nanmax(grey)
    return (np.nan_to_num(grey, nan=low) - low) / (high - low if high > low else 1.0)


def segment_values(segments: np.ndarray, players: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the value of each pixel's player, 0 for pixels of none.

    Examples
    --------
    >>> segment_values(np.array([[0, 1], [1, 2]]), np.array([0, 1]), np.array([5, 7]))
    array([[5, 7],
           [7, 0]])
    """
    table = np.zeros(max(int(segments.max()), int(players.max(initial=0))) + 2, dtype=values.dtype)
    table[players] = values
    return table[segments]  # a pixel of no player, -1, meets the last entry, which is 0
