"""A grid has about as many patches as asked for, of about the same size."""

import numpy as np
import pytest

from appkit.explanation.games.patches import grid_patches


@pytest.mark.parametrize(
    ("height", "width", "n_patches", "n_found"),
    [(28, 28, 49, 49), (32, 32, 49, 49), (28, 28, 16, 16), (9, 13, 6, 6), (8, 8, 2, 2), (64, 16, 16, 16), (1, 9, 4, 4),
     (9, 1, 4, 4), (100, 2, 10, 10), (2, 2, 49, 4), (2, 100, 49, 49), (1, 2, 49, 2)],
)  # fmt: skip
def test_the_number_of_patches_is_near_the_one_asked_for(height, width, n_patches, n_found):
    patches = grid_patches(height, width, n_patches=n_patches)
    assert patches.shape == (height, width)
    assert len(np.unique(patches)) == patches.max() + 1 == n_found


@pytest.mark.parametrize("side", [8, 28, 29, 32, 33])
def test_sides_of_patches_differ_by_one_pixel_at_most(side):
    patches = grid_patches(side, side, n_patches=25)
    sides = np.unique(patches[:, 0], return_counts=True)[1]
    assert sides.max() - sides.min() <= 1
    area = np.bincount(patches.flatten())
    assert sides.min() ** 2 == area.min()
    assert sides.max() ** 2 == area.max()
