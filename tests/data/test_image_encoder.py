import json

import numpy as np
import pytest

import appkit.data.image_encoder as module
from appkit.data.image_encoder import ImageEncoder
from appkit.data.images import Images, ImageShape, read_images
from appkit.exceptions import DataWarning, SchemaError


def random_images(n=7, *, height=5, width=4, n_channels=3, dtype=np.uint8, high=256, seed=0) -> Images:
    pixels = np.random.default_rng(seed).integers(0, high, (n, height, width, n_channels)).astype(dtype)
    return Images(pixels, np.array([f"image {row}" for row in range(n)]))


def test_mean_and_deviation_are_numpys_whatever_the_blocks(monkeypatch):
    images = random_images()
    monkeypatch.setattr(module, "_BLOCK_VALUES", 130)  # two images a block
    encoder = ImageEncoder().fit(images)
    np.testing.assert_allclose(encoder.centre, images.pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(encoder.scale, images.pixels.std(axis=(0, 1, 2)), rtol=1e-12)


def test_sixteen_bits_are_learnt_in_their_own_units():
    images = Images(np.array([[[[1000], [3000]]]], dtype=np.uint16), np.array(["a"]))
    encoder = ImageEncoder().fit(images)
    assert (encoder.centre, encoder.scale, encoder.dtype) == ((2000.0,), (1000.0,), np.dtype("uint16"))


def test_a_small_spread_around_a_large_mean_is_kept():
    values = 1e6 + np.tile([-1.0, 1.0], 50)
    encoder = ImageEncoder().fit(read_images(values.reshape(4, 5, 5)))
    assert encoder.scale == pytest.approx((1.0,))


def test_rows_left_out_teach_nothing():
    images = random_images()
    learnt = ImageEncoder().fit(images, rows=np.arange(7) < 3)
    assert learnt.centre == ImageEncoder().fit(images[:3]).centre
    assert learnt.scale == ImageEncoder().fit(images, rows=np.array([0, 1, 2])).scale


def test_every_pixel_stays_in_its_place():
    images = random_images()
    encoder = ImageEncoder().fit(images)
    encoded = encoder.encode(images.pixels)
    assert encoded.shape == (7, 3, 5, 4)
    assert encoded.dtype == np.float32
    assert encoded.flags.c_contiguous
    expected = (images.pixels[6, 2, 3, 1] - encoder.centre[1]) / encoder.scale[1]
    assert encoded[6, 1, 2, 3] == pytest.approx(expected, rel=1e-5)


def test_encoded_images_have_mean_0_and_deviation_1_in_each_channel():
    images = random_images(40)
    encoded = ImageEncoder().fit(images).encode(images.pixels)
    np.testing.assert_allclose(encoded.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(encoded.std(axis=(0, 2, 3)), 1, atol=1e-5)


def test_blends_of_images_are_encoded_in_the_units_of_images():
    images = random_images(2)
    encoder = ImageEncoder().fit(images)
    blend = images.pixels.astype(float).mean(axis=0, keepdims=True)
    np.testing.assert_allclose(encoder.encode(blend)[0], encoder.encode(images.pixels).mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65_535)])
def test_given_mean_and_deviation_are_of_pixels_between_0_and_1(dtype, white):
    images = random_images(dtype=dtype, high=white + 1)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    encoded = ImageEncoder(mean=mean, std=std).fit(images).encode(images.pixels)
    np.testing.assert_allclose(encoded.transpose(0, 2, 3, 1), (images.pixels / white - mean) / std, atol=1e-5)


def test_given_mean_and_deviation_of_floats_are_in_their_units():
    encoder = ImageEncoder(mean=10, std=2).fit(read_images(np.full((1, 2, 2, 3), 14.0)))
    assert (encoder.centre, encoder.scale) == ((10.0,) * 3, (2.0,) * 3)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"mean": 0.5}, "mean and std must be given together, got no std"),
        ({"std": 0.5}, "mean and std must be given together, got no mean"),
        ({"mean": [0.5, 0.5], "std": 1}, "mean must be a number or one for each of 3 channels"),
        ({"mean": [0.5, np.nan, 0.5], "std": 1}, "mean must be a number"),
        ({"mean": 0.5, "std": [1, 0, 1]}, "std must be positive"),
    ],
)
def test_given_numbers_must_fit_the_channels(options, match):
    with pytest.raises(ValueError, match=match):
        ImageEncoder(**options).fit(random_images())


@pytest.mark.parametrize("value", [0, 7, 0.1])
def test_a_constant_channel_is_centred_and_not_scaled(value):
    pixels = np.random.default_rng(0).random((3, 4, 4, 2)).astype(np.float32)
    pixels[..., 1] = value
    with pytest.warns(DataWarning, match="one value throughout in channel 1"):
        encoder = ImageEncoder().fit(read_images(pixels))
    assert encoder.scale[1] == 1.0
    assert np.abs(encoder.encode(pixels)[:, 1]).max() < 1e-6


def test_no_image_teaches_nothing():
    with pytest.raises(SchemaError, match="At least one image"):
        ImageEncoder().fit(random_images()[:0])


def test_what_was_learnt_survives_json():
    images = random_images()
    encoder = ImageEncoder().fit(images)
    again = ImageEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert (again.shape, again.dtype) == (ImageShape(n_channels=3, height=5, width=4), np.dtype("uint8"))
    np.testing.assert_array_equal(again.encode(images.pixels), encoder.encode(images.pixels))


def test_given_numbers_survive_json():
    encoder = ImageEncoder(mean=np.float32(0.5), std=[0.25] * 3).fit(random_images())
    again = ImageEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert (again.mean, again.std, again.scale) == (0.5, [0.25] * 3, encoder.scale)


def test_images_like_those_of_fit_pass():
    assert ImageEncoder().fit(random_images()).check(random_images(seed=1)) is None


def test_another_size_channels_and_depth_are_named_with_the_fitted_ones():
    encoder = ImageEncoder().fit(random_images())
    with pytest.raises(SchemaError) as error:
        encoder.check(random_images(height=6, n_channels=1, dtype=np.uint16))
    size, channels, depth = error.value.problems
    assert "5 x 4 pixels" in size
    assert "got 6 x 4" in size
    assert "at fit, 3, got 1" in channels
    assert "uint8" in depth
    assert "got uint16" in depth


def test_pixels_of_another_shape_are_not_encoded():
    with pytest.raises(SchemaError, match=r"the shape \(n_images, 5, 4, 3\), got \(2, 3, 5, 4\)"):
        ImageEncoder().fit(random_images()).encode(np.zeros((2, 3, 5, 4)))
