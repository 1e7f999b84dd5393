"""Four numbers of every image that a change of device or protocol moves: brightness, contrast, sharpness, noise."""

import math
from collections.abc import Mapping

import numpy as np
from scipy.ndimage import convolve

__all__ = ["STATISTICS", "grey_of", "image_statistics"]

STATISTICS: Mapping[str, str] = {
    "Brightness": "mean grey value",
    "Contrast": "standard deviation of the grey values",
    "Sharpness": "root mean square of the difference to the four neighbours",
    "Noise": "what no plane through the eight neighbours explains (Immerkær)",
}
"""What is measured, and how, in words."""

_LAPLACE = np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
_NOISE = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])  # blind to constants, edges and ramps


def image_statistics(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Return each statistic of each image, float64 ``(n_images,)`` by name.

    Parameters
    ----------
    pixels
        ``(n_images, height, width, n_channels)``; whole numbers are taken as shares of what their type holds.

    References
    ----------
    Immerkær (1996), Fast noise variance estimation. Computer Vision and Image Understanding 64.

    Examples
    --------
    >>> flat = np.full((1, 8, 8, 1), 51, dtype=np.uint8)
    >>> {name: round(float(values[0]), 6) for name, values in image_statistics(flat).items()}
    {'Brightness': 0.2, 'Contrast': 0.0, 'Sharpness': 0.0, 'Noise': 0.0}
    """
    rows = [_statistics(grey_of(image)) for image in pixels]
    return dict(zip(STATISTICS, np.array(rows, dtype=np.float64).T, strict=True))


def grey_of(image: np.ndarray) -> np.ndarray:
    """Return the mean over the channels of one image, float64 ``(height, width)``; of whole numbers from 0 to 1."""
    grey = image.astype(np.float64).mean(axis=2)
    return grey / np.iinfo(image.dtype).max if image.dtype.kind in "ui" else grey


def _statistics(grey: np.ndarray) -> tuple[float, float, float, float]:
    edges = convolve(grey, _LAPLACE, mode="nearest") / 4
    rough = np.abs(convolve(grey, _NOISE, mode="mirror")[1:-1, 1:-1]).mean()
    return (
        float(grey.mean()),
        float(grey.std()),
        float(np.sqrt((edges**2).mean())),
        float(math.sqrt(math.pi / 2) * rough / 6),
    )
