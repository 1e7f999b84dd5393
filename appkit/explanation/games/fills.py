"""What an absent part of an image is filled with: its blur, a mean colour, or other images."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

__all__ = ["Filling", "blurred", "filling_of", "mean_colour"]

_FILLS = ("blur", "mean", "background")


@dataclass(frozen=True)
class Filling:
    """What absent pixels show.

    Parameters
    ----------
    images
        ``(n, height, width)`` or ``(n, height, width, n_channels)``, in the dtype of what they fill.
    per_row
        Whether each image has one of its own; else every one stands in for every image.
    """

    images: np.ndarray
    per_row: bool


def filling_of(images: np.ndarray, fill: str, background: np.ndarray | None, *, n_segments: int) -> Filling:
    """Return what fills absent parts of ``images``.

    Parameters
    ----------
    images
        ``(n_images, height, width)`` or ``(n_images, height, width, n_channels)``.
    fill
        ``"blur"``, ``"mean"`` or ``"background"``.
    background
        Images like those, for ``"mean"`` (``None``: each image's own mean) and ``"background"``.
    n_segments
        Segments of an image, about: a blur is as wide as one.

    Raises
    ------
    ValueError
        If ``fill`` is none of those words, or ``background`` is missing, of no use, or not like ``images``.

    Examples
    --------
    >>> filling_of(np.array([[[0.0, 2.0]]]), "mean", None, n_segments=2).images.tolist()
    [[[1.0, 1.0]]]
    """
    if fill not in _FILLS:
        raise ValueError(f"fill must be one of {_FILLS}, got {fill!r}. Images to fill with go into background=.")
    if background is not None:
        others = _checked_background(background, images, fill=fill)
        return Filling(mean_colour(others, of_all=True) if fill == "mean" else others, per_row=False)
    if fill == "background":
        raise ValueError("fill='background' needs images to fill with: pass background=.")
    side = math.sqrt(images.shape[1] * images.shape[2] / n_segments)
    own = blurred(images, sigma=side) if fill == "blur" else mean_colour(images, of_all=False)
    return Filling(own, per_row=True)


def blurred(images: np.ndarray, *, sigma: float) -> np.ndarray:
    """Return images smoothed by a Gaussian of ``sigma`` pixels, mirrored at the border; shape and dtype as given.

    Parameters
    ----------
    images
        ``(n_images, height, width)`` or ``(n_images, height, width, n_channels)``; channels are not mixed.
    sigma
        Standard deviation in pixels.

    Examples
    --------
    >>> blurred(np.array([[[0, 0, 0, 10, 0, 0, 0]]], dtype=np.uint8), sigma=1.0)
    array([[[0, 1, 2, 4, 2, 1, 0]]], dtype=uint8)
    """
    smooth = gaussian_filter(images.astype(np.float64), sigma=(0, sigma, sigma, 0)[: images.ndim])
    return _in_dtype(smooth, images.dtype)


def mean_colour(images: np.ndarray, *, of_all: bool) -> np.ndarray:
    """Return images of one colour, the mean over pixels: of each image, or of all together as a single image.

    Parameters
    ----------
    images
        ``(n_images, height, width)`` or ``(n_images, height, width, n_channels)``.
    of_all
        Whether to return one image of the mean colour of all.

    Examples
    --------
    >>> mean_colour(np.array([[[0.0, 2.0]], [[4.0, 4.0]]]), of_all=False).tolist()
    [[[1.0, 1.0]], [[4.0, 4.0]]]
    """
    # image by image, so that an image's own colour is the same bytes whatever images come with it
    each = np.stack([image.astype(np.float64).mean((0, 1), keepdims=True) for image in images])
    colour = each.mean(0, keepdims=True) if of_all else each
    shape = (len(colour), *images.shape[1:])
    return _in_dtype(np.broadcast_to(colour, shape), images.dtype)


def _checked_background(background: np.ndarray, images: np.ndarray, *, fill: str) -> np.ndarray:
    if fill == "blur":
        raise ValueError("fill='blur' takes no background, each image is its own. Use fill='mean' or 'background'.")
    both_real = background.dtype.kind == images.dtype.kind == "f"
    if background.shape[1:] != images.shape[1:] or not (both_real or background.dtype == images.dtype):
        raise ValueError(
            f"background must be like images, {images.dtype} and {images.shape[1:]} each (channels last), "
            f"got {background.dtype} and {background.shape[1:]}. Prepare both alike."
        )
    return background.astype(images.dtype, copy=False)


def _in_dtype(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return (values if dtype.kind == "f" else np.rint(values)).astype(dtype)
