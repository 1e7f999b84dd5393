"""Fills take away what a segment shows."""

import numpy as np
import pytest

from appkit.explanation.games.fills import blurred, filling_of, mean_colour


def test_a_blur_as_wide_as_a_segment_takes_85_percent_of_its_contrast():
    image = np.zeros((1, 63, 63))
    image[0, 28:35, 28:35] = 1
    filling = filling_of(image, "blur", None, n_segments=81)  # of 7 x 7 pixels
    assert filling.images[0, 31, 31] == pytest.approx(0.146, abs=0.005)  # erf(0.5 / sqrt(2)) ** 2


def test_a_blur_leaves_a_flat_image_and_its_channels_alone():
    image = np.broadcast_to([1.0, 5.0], (1, 6, 4, 2))
    np.testing.assert_allclose(blurred(image, sigma=2.0), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float32, bool])
def test_fills_keep_the_dtype_and_stay_in_its_range(dtype):
    images = np.array([[[0, 1], [1, 1]]]).astype(dtype)
    images = images * (np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else dtype(1))
    for filled in (blurred(images, sigma=1.0), mean_colour(images, of_all=False)):
        assert filled.dtype == images.dtype
        assert images.min() <= filled.min() <= filled.max() <= images.max()


def test_the_mean_of_all_is_that_of_their_pixels():
    images = np.arange(12.0).reshape(3, 2, 2)
    assert mean_colour(images, of_all=True).tolist() == [[[5.5, 5.5], [5.5, 5.5]]]
    assert mean_colour(images, of_all=False)[:, 0, 0].tolist() == [1.5, 5.5, 9.5]
