"""Superpixels follow edges, and there are always two at least."""

import sys
import warnings

import numpy as np
import pytest

from appkit.exceptions import DataWarning, MissingDependencyError
from appkit.explanation.games.patches import grid_patches
from appkit.explanation.games.superpixels import superpixels

SHAPES = [(8, 8), (28, 28), (32, 32), (32, 32, 3), (28, 28, 2), (3, 3), (2, 2), (1, 2), (1, 9)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["noise", "flat", "counts"])
@pytest.mark.parametrize("n_segments", [2, 16, 49])
def test_small_noisy_and_flat_images_have_two_segments_at_least(shape, kind, n_segments):
    rng = np.random.default_rng(0)
    image = {"noise": rng.normal(size=shape), "flat": np.ones(shape), "counts": rng.integers(0, 255, shape)}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # that a grid stands in
        (segments,) = superpixels(image[None].astype(np.uint8 if kind == "counts" else float), n_segments=n_segments)
    assert segments.shape == shape[:2]
    distinct = np.unique(segments)
    np.testing.assert_array_equal(distinct, np.arange(len(distinct)))
    assert len(distinct) >= min(max(2, n_segments / 2), shape[0] * shape[1])


@pytest.mark.parametrize("n_channels", [None, 1, 2, 3])
def test_superpixels_follow_an_edge(n_channels):
    row, column = np.indices((24, 24))
    is_bright = row + 2 * column > 36
    image = is_bright * 200.0 if n_channels is None else is_bright[..., None] * np.full(n_channels, 200.0)
    (segments,) = superpixels(image[None], n_segments=16)
    mixed = [0 < is_bright[segments == segment].mean() < 1 for segment in range(segments.max() + 1)]
    patches = grid_patches(24, 24, n_patches=16)
    cut = [0 < is_bright[patches == patch].mean() < 1 for patch in range(16)]
    assert sum(mixed) == 0 < sum(cut)


def test_the_range_of_an_image_does_not_matter():
    image = np.random.default_rng(0).random((1, 16, 16))
    np.testing.assert_array_equal(superpixels(image, n_segments=8), superpixels(image * 4096 - 1024, n_segments=8))


def test_a_grid_that_stands_in_is_told_by_image():
    images = np.zeros((2, 8, 8))
    with pytest.warns(DataWarning, match="fewer than half of 2 superpixels in images 0, 1"):
        segments = superpixels(images, n_segments=2)
    np.testing.assert_array_equal(segments, [grid_patches(8, 8, n_patches=2)] * 2)


def test_a_missing_package_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(MissingDependencyError, match="pip install scikit-image"):
        superpixels(np.zeros((1, 8, 8)), n_segments=4)
