import numpy as np
import pytest
from PIL import Image

from appkit.data.image_resizing import Frame, has_colour, luma, resized, with_channels
from appkit.exceptions import SchemaError


def random_picture(height=30, width=20, n_channels=1, dtype=np.uint8, high=256):
    return np.random.default_rng(0).integers(0, high, (height, width, n_channels)).astype(dtype)


def test_a_picture_of_the_right_size_is_not_touched():
    picture = random_picture()
    assert resized(picture, 30, 20) is picture


@pytest.mark.parametrize("n_channels", [1, 2, 3, 4])
def test_every_channel_is_scaled_alike(n_channels):
    picture = random_picture(n_channels=n_channels)
    scaled = resized(picture, 7, 9)
    for channel in range(n_channels):
        np.testing.assert_array_equal(scaled[..., channel], resized(picture[..., [channel]], 7, 9)[..., 0])


def test_halving_weighs_pixels_by_a_triangle():
    row = np.array([0, 0, 0, 0, 64, 64, 64, 64], dtype=np.float32).reshape(1, 8, 1)
    # weights 1 3 3 1 of 8 on the four pixels around each new one
    np.testing.assert_allclose(resized(row, 1, 4).ravel(), [0, 8, 56, 64])


def test_sixteen_bits_are_scaled_as_exactly_as_eight():
    picture = random_picture(dtype=np.uint16, high=65_536)
    exact = np.asarray(Image.fromarray(picture[..., 0].astype(np.float32)).resize((9, 7), Image.Resampling.BILINEAR))
    scaled = resized(picture, 7, 9)
    assert scaled.dtype == np.uint16
    assert np.abs(scaled[..., 0] - exact.astype(float)).max() <= 0.5


def test_scaling_never_leaves_the_range_of_the_picture():
    picture = np.zeros((9, 9, 1), dtype=np.float32)
    picture[4, 4] = 1.0
    scaled = resized(picture, 31, 31)
    assert scaled.min() >= 0
    assert scaled.max() <= 1


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(50, 100, (64, 128)), (300, 10, (128, 4)), (9_999, 1, (128, 1))]
)
def test_padding_keeps_proportions(height, width, expected):
    assert Frame(128, 128, "pad").content_size(height, width) == expected


def test_a_padded_picture_lies_in_the_middle_of_black():
    padded = Frame(4, 7, "pad").padded(np.full((4, 4, 3), 9, dtype=np.uint8))
    np.testing.assert_array_equal(padded[0, :, 2], [0, 9, 9, 9, 9, 0, 0])


def test_a_stretched_picture_fills_the_frame():
    frame = Frame(4, 8, "stretch")
    assert frame.padded(frame.scaled(np.full((3, 3, 1), 9, dtype=np.uint8))).min() == 9


def test_brightness_is_pillows_within_one_level():
    picture = random_picture(n_channels=3)
    expected = np.asarray(Image.fromarray(picture).convert("L")).astype(int)
    assert np.abs(luma(picture)[..., 0] - expected).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_in_three_channels_stays_exactly_what_it_was(dtype):
    grey = random_picture(dtype=dtype, high=256)
    np.testing.assert_array_equal(with_channels(with_channels(grey, 3, name="x"), 1, name="x"), grey)


def test_channels_without_a_meaning_are_not_made_up():
    with pytest.raises(SchemaError, match="Image 4 must have 3 channels, got 2"):
        with_channels(random_picture(n_channels=2), 3, name="Image 4")


@pytest.mark.parametrize(("share", "expected"), [(0.04, False), (0.06, True)])
def test_colour_is_a_twentieth_of_the_pixels(share, expected):
    picture = np.full((10, 100, 3), 100, dtype=np.uint8)
    picture.reshape(-1, 3)[: int(1_000 * share), 0] = 180
    assert has_colour(picture) is expected


def test_faint_tints_are_no_colour():
    assert not has_colour(np.broadcast_to(np.array([120, 100, 90], dtype=np.uint8), (8, 8, 3)))
    assert has_colour(np.broadcast_to(np.array([220, 180, 160], dtype=np.uint8), (8, 8, 3)))
