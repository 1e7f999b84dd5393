"""Superpixels: segments of an image that follow its edges."""

import warnings
from collections.abc import Callable

import numpy as np

from appkit.exceptions import DataWarning, MissingDependencyError
from appkit.explanation.games.patches import grid_patches

__all__ = ["superpixels"]

_COMPACTNESS = {3: 10.0}  # of colours in Lab, where lightness runs to 100; else of intensities from 0 to 1
_INTENSITY_COMPACTNESS = 0.1
_STEPS = (1, 10, 100)


def superpixels(images: np.ndarray, *, n_segments: int) -> np.ndarray:
    """Return the SLIC superpixel of each pixel, int64 ``(n_images, height, width)``, numbered from 0 in each image.

    Noise breaks superpixels up, and SLIC then merges the pieces, down to a single one. Where fewer than half the
    segments asked for (or than pixels) are left, ever more compact ones are tried; where that fails too, the image is
    cut into a grid instead, with a warning that names it. So there are always two segments at least.

    Parameters
    ----------
    images
        ``(n_images, height, width)`` or ``(n_images, height, width, n_channels)``, of any range: each image is scaled
        to its own. Three channels are compared as colours (Lab).
    n_segments
        How many to aim at; SLIC finds more or fewer.

    Raises
    ------
    MissingDependencyError
        If scikit-image is absent.

    References
    ----------
    Achanta et al. (2012), SLIC superpixels compared to state-of-the-art superpixel methods. TPAMI 34(11).

    Examples
    --------
    >>> image = np.zeros((8, 8)); image[:, 4:] = 1.0
    >>> superpixels(image[None], n_segments=4)[0, 0]
    array([0, 0, 0, 0, 1, 1, 1, 1])
    """
    slic = _import_slic()
    found = [_segments(slic, image, n_segments) for image in images]
    coarse = [i for i, segments in enumerate(found) if segments is None]
    if coarse:
        shown = ", ".join(map(str, coarse[:5])) + (", ..." if len(coarse) > 5 else "")
        warnings.warn(
            f"SLIC found fewer than half of {n_segments} superpixels in images {shown}: a grid of patches stands in "
            "there. Smooth these images, or use players='patches'.",
            DataWarning,
            stacklevel=4,  # whoever asked for the game
        )
    grid = grid_patches(*images.shape[1:3], n_patches=n_segments)
    return np.stack([grid if segments is None else segments for segments in found])


def _segments(slic: Callable[..., np.ndarray], image: np.ndarray, n_segments: int) -> np.ndarray | None:
    """Return int64 ``(height, width)``, numbered from 0 without holes; ``None`` where no compactness gives enough."""
    scaled = image.astype(np.float64) - image.min()
    scaled /= scaled.max() or 1.0
    n_channels = image.shape[2] if image.ndim == 3 else 1
    compactness = _COMPACTNESS.get(n_channels, _INTENSITY_COMPACTNESS)
    for step in _STEPS:
        labels = slic(
            scaled,
            n_segments=n_segments,
            compactness=step * compactness,
            channel_axis=-1 if image.ndim == 3 else None,
            start_label=0,
        )
        distinct, segments = np.unique(labels, return_inverse=True)
        if len(distinct) >= max(2, min(n_segments, labels.size) / 2):
            return segments.reshape(labels.shape).astype(np.int64)
    return None


def _import_slic() -> Callable[..., np.ndarray]:
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise MissingDependencyError("Superpixels need scikit-image: pip install scikit-image") from error
    return slic
