"""Find images that are the same, pixel for pixel or nearly so, before they end up on both sides of a split."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from appkit.data.cells import shown
from appkit.data.images import Images
from appkit.exceptions import LeakageError

__all__ = ["check_images_apart", "duplicate_groups", "groups_with_duplicates", "image_hashes"]

# Chosen on BUSI (780 breast ultrasounds): of 226 pairs that pass the second alone, 225 pass both; the 24 least alike of
# them each show one lesion, while pairs of different lesions begin at 0.94.
MOST_DIFFERENT_BITS = 28  # of 128
LEAST_CORRELATION = 0.95

THUMBNAIL = 32  # pixels on a side
GRADIENTS = 8  # bits on a side, for steps to the right and as many for steps down
BLOCK = 1_024  # images at a time: bounds the memory

Pixels = Images | np.ndarray


def image_hashes(images: Pixels) -> np.ndarray:
    """Return a hash per image, equal for images of equal pixels, shape and depth: hexadecimal SHA-256, str (n_images,).

    Parameters
    ----------
    images
        Images, or pixels of shape (n_images, height, width) or (n_images, height, width, n_channels).

    Examples
    --------
    >>> hashes = image_hashes(np.array([[[0, 1]], [[2, 3]], [[0, 1]]], dtype=np.uint8))
    >>> hashes[0] == hashes[2], hashes[0] == hashes[1]
    (True, False)
    """
    pixels = _pixels(images)
    kind = f"{pixels.shape[1:]}{pixels.dtype.str}".encode()
    return np.array([hashlib.sha256(kind + np.ascontiguousarray(image).tobytes()).hexdigest() for image in pixels])


def duplicate_groups(images: Pixels, *, near: bool = True) -> np.ndarray:
    """Return a group per image, the same for images that are equal or nearly so, numbered by first appearance.

    Give it to a split as groups. Near duplicates are one picture saved, scaled, lit or marked differently, or taken
    again at once. They are found by their gradient hash (two images of one picture differ in at most 28 of 128 bits;
    after [1]_) and confirmed by the pixels: a correlation of at least 0.95 between thumbnails of 32 x 32. Pictures that
    were turned, mirrored or cropped are not found. The number of comparisons grows with the square of the images: 6,000
    take seconds, 100,000 many minutes.

    Parameters
    ----------
    images
        Images, or pixels of shape (n_images, height, width) or (n_images, height, width, n_channels).
    near
        Whether to look for near duplicates too. They form chains: the ends of a group may differ more than neighbours.

    Returns
    -------
    numpy.ndarray
        int64 (n_images,).

    References
    ----------
    .. [1] Zauner, C. (2010). Implementation and benchmarking of perceptual image hash functions. Upper Austria
       University of Applied Sciences, Hagenberg.

    Examples
    --------
    >>> scan = np.random.default_rng(0).integers(0, 200, (3, 40, 40)).astype(np.uint8)
    >>> duplicate_groups(np.concatenate([scan, scan[:1], scan[1:2] + 20]))
    array([0, 1, 2, 0, 1])
    """
    pixels = _pixels(images)
    codes, _ = pd.factorize(image_hashes(pixels))
    if not near:
        return codes.astype(np.int64)
    _, firsts = np.unique(codes, return_index=True)
    pairs = _near_pairs(_likenesses(pixels, firsts))
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(firsts),) * 2)
    _, components = connected_components(links, directed=False)
    return pd.factorize(components[codes])[0].astype(np.int64)


def groups_with_duplicates(images: Pixels, groups: np.ndarray | None) -> np.ndarray | None:
    """Return groups of which equal images share one, so that a split by group divides neither.

    Parameters
    ----------
    images
        Images, or pixels of shape (n_images, height, width) or (n_images, height, width, n_channels).
    groups
        Code of each image, int64 (n_images,), as patients; ``None`` where each stands alone.

    Returns
    -------
    numpy.ndarray or None
        int64 (n_images,), numbered by first appearance; ``groups`` as they were where no image occurs twice.

    Examples
    --------
    >>> scan = np.random.default_rng(0).integers(0, 200, (3, 8, 8)).astype(np.uint8)
    >>> groups_with_duplicates(scan[[0, 1, 2, 0]], np.array([0, 0, 1, 2]))
    array([0, 0, 1, 0])
    """
    codes = duplicate_groups(images, near=False)
    n_distinct = int(codes.max()) + 1
    if n_distinct == len(codes):
        return groups
    if groups is None:
        return codes
    n_nodes = n_distinct + int(groups.max()) + 1
    links = coo_array((np.ones(len(codes), dtype=bool), (codes, n_distinct + groups)), shape=(n_nodes, n_nodes))
    _, components = connected_components(links, directed=False)
    return pd.factorize(components[codes])[0].astype(np.int64)


def check_images_apart(a: Images, b: Images, *, near: bool = False) -> None:
    """Raise ``LeakageError`` where an image is in both sets, naming the first pair.

    Parameters
    ----------
    a, b
        Images read alike: of one size, channels and depth.
    near
        Whether images that are nearly the same count too, as for :func:`duplicate_groups`.

    Examples
    --------
    >>> images = Images(np.arange(64, dtype=np.uint8).reshape(4, 4, 4, 1), np.array(["a", "b", "c", "d"]))
    >>> check_images_apart(images[:2], images[2:])
    >>> check_images_apart(images[:2], images[1:])
    Traceback (most recent call last):
        ...
    appkit.exceptions.LeakageError: An image must be on one side of a split only, got 1 on both (first: 'b' and 'b')...
    """
    if a.shape != b.shape or a.pixels.dtype != b.pixels.dtype:
        kinds = " and ".join(f"{images.shape} of {images.pixels.dtype}" for images in (a, b))
        raise ValueError(f"Images to compare must be read alike, got {kinds}.")
    pairs = _near_pairs_between(a, b) if near else _equal_pairs(a, b)
    if len(pairs):
        first, second = pairs[0]
        raise LeakageError(
            f"An image must be on one side of a split only, got {len(np.unique(pairs[:, 1]))} on both "
            f"(first: {shown(a.names[first])} and {shown(b.names[second])}). Give duplicates one group, as "
            "duplicate_groups does, and split by group."
        )


@dataclass(frozen=True, eq=False)
class _Likenesses:
    """What images are compared by."""

    signs: np.ndarray  # float32 (n_images, 2 * GRADIENTS**2): 1 where it gets brighter, else -1
    thumbnails: np.ndarray  # float32 (n_images, n_pixels), centred, of length 1; 0 for an image of one grey


def _pixels(images: Pixels) -> np.ndarray:
    return images.pixels if isinstance(images, Images) else np.asarray(images)


def _equal_pairs(a: Images, b: Images) -> np.ndarray:
    """Return positions of equal images, (n_pairs, 2), each image of ``b`` with its first twin in ``a``."""
    position = {code: row for row, code in reversed(list(enumerate(image_hashes(a))))}
    pairs = [(position[code], row) for row, code in enumerate(image_hashes(b)) if code in position]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _near_pairs_between(a: Images, b: Images) -> np.ndarray:
    parts = [_likenesses(images.pixels, np.arange(len(images))) for images in (a, b)]
    both = _Likenesses(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("signs", "thumbnails")))
    pairs = _near_pairs(both)
    across = pairs[(pairs[:, 0] < len(a)) & (pairs[:, 1] >= len(a))]
    return across - [0, len(a)]


def _likenesses(pixels: np.ndarray, rows: np.ndarray) -> _Likenesses:
    signs, thumbnails = [], []
    for start in range(0, len(rows), BLOCK):
        grey = pixels[rows[start : start + BLOCK]].astype(np.float32)
        grey = grey.mean(axis=3) if grey.ndim == 4 else grey
        signs.append(_gradient_signs(grey))
        small = _shrunk(grey, min(THUMBNAIL, grey.shape[1]), min(THUMBNAIL, grey.shape[2])).reshape(len(grey), -1)
        small = small - small.mean(axis=1, keepdims=True)
        length = np.linalg.norm(small, axis=1, keepdims=True)
        thumbnails.append(small / np.where(length > 0, length, 1))
    return _Likenesses(np.concatenate(signs), np.concatenate(thumbnails))


def _gradient_signs(grey: np.ndarray) -> np.ndarray:
    right = np.diff(_shrunk(grey, GRADIENTS, GRADIENTS + 1), axis=2) > 0
    down = np.diff(_shrunk(grey, GRADIENTS + 1, GRADIENTS), axis=1) > 0
    bits = np.concatenate([right.reshape(len(grey), -1), down.reshape(len(grey), -1)], axis=1)
    return np.where(bits, np.float32(1), np.float32(-1))


def _shrunk(grey: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return images ``(n, height, width)``, each pixel the mean of the area it covers."""
    return _averaging(grey.shape[1], height) @ grey @ _averaging(grey.shape[2], width).T


def _averaging(n_before: int, n_after: int) -> np.ndarray:
    """Return the weights of old pixels in new ones, float32 (n_after, n_before): by how much of each is covered."""
    edges = np.linspace(0, n_before, n_after + 1)
    low, high = edges[:-1, None], edges[1:, None]
    old = np.arange(n_before)
    covered = np.clip(np.minimum(high, old + 1) - np.maximum(low, old), 0, None)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


def _near_pairs(images: _Likenesses) -> np.ndarray:
    """Return positions of nearly equal images, int64 (n_pairs, 2), the first below the second."""
    blocks = [_near_pairs_from(images, start) for start in range(0, len(images.signs), BLOCK)]
    return np.concatenate(blocks)


def _near_pairs_from(images: _Likenesses, start: int) -> np.ndarray:
    """Return the pairs of a block of images and all that follow: alike in most bits, then in the pixels."""
    signs, thumbnails = images.signs[start:], images.thumbnails[start:]
    agreement = signs[:BLOCK] @ signs.T  # bits alike minus bits that differ
    alike = np.triu(agreement >= signs.shape[1] - 2 * MOST_DIFFERENT_BITS, k=1)
    rows, columns = np.flatnonzero(alike.any(axis=1)), np.flatnonzero(alike.any(axis=0))
    correlations = thumbnails[rows] @ thumbnails[columns].T
    near = alike[np.ix_(rows, columns)] & (correlations >= LEAST_CORRELATION)
    first, second = np.nonzero(near)
    return np.stack([rows[first], columns[second]], axis=1) + start
