import numpy as np
import pytest
from PIL import Image

import appkit.data.image_arrays as module
from appkit.data.image_arrays import as_dtype, checked_pictures, common_dtype, picture_dtypes
from appkit.exceptions import SchemaError

UINT8, UINT16, FLOAT32 = np.dtype("uint8"), np.dtype("uint16"), np.dtype("float32")


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((28, 28), r"A single image needs a first axis.*got the shape \(28, 28\). Write X\[None\]"),
        ((64, 64, 3), "A single image needs a first axis"),
        ((2, 3, 64, 64), r"Channels must be the last axis, got the shape \(2, 3, 64, 64\)"),
        ((2, 1, 28, 28), r"np.moveaxis\(X, 1, -1\)"),
        ((5,), "must have 3 or 4 axes"),
        ((1, 2, 3, 4, 5), "must have 3 or 4 axes"),
        ((3, 0, 28), "must have pixels and channels"),
        ((3, 28, 28, 0), "must have pixels and channels"),
    ],
)
def test_an_array_must_have_the_axes_of_images(shape, match):
    with pytest.raises(SchemaError, match=match):
        checked_pictures(np.zeros(shape))


@pytest.mark.parametrize("shape", [(7, 28, 28), (7, 28, 28, 1), (7, 28, 28, 12), (7, 3, 3, 3), (2, 4, 4), (9, 1, 28)])
def test_axes_of_images_are_taken_without_a_copy(shape):
    images = np.zeros(shape, dtype=np.uint8)
    pictures = checked_pictures(images)
    assert pictures.shape == (shape if len(shape) == 4 else (*shape, 1))
    assert np.shares_memory(pictures, images)


@pytest.mark.parametrize("dtype", [object, "U3", complex, "datetime64[D]"])
def test_images_must_hold_numbers(dtype):
    with pytest.raises(SchemaError, match="Images must hold numbers, got"):
        checked_pictures(np.zeros((2, 8, 8)).astype(dtype))


def test_everything_wrong_in_a_list_is_named():
    fine = np.zeros((9, 9))
    items = [fine, np.zeros(9), np.zeros((9, 0)), np.full((9, 9), "x"), np.zeros((3, 9, 9))]
    with pytest.raises(SchemaError) as error:
        checked_pictures(items)
    axes, empty, text, first = error.value.problems
    assert "Image 1 must have the axes (height, width)" in axes
    assert "Image 2" in empty
    assert "Image 3 must be an array of numbers" in text
    assert "Channels must be the last axis, got the shape (3, 9, 9) of image 4" in first


@pytest.mark.parametrize("mode", ["P", "1", "RGBA", "CMYK"])
def test_an_opened_picture_with_a_palette_or_alpha_is_refused(mode):
    with pytest.raises(SchemaError, match=f"Image 1 must be grey or red, green and blue, got .* mode {mode!r}"):
        checked_pictures([Image.new("L", (8, 8)), Image.new(mode, (8, 8))])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_values_that_are_not_finite_are_counted_per_image(monkeypatch, value):
    monkeypatch.setattr(module, "_BLOCK_VALUES", 2 * 36)  # two images a block
    images = np.zeros((5, 6, 6))
    images[3, 0, :2] = value
    images[4, 0, 0] = np.nan
    with pytest.raises(SchemaError) as error:
        checked_pictures(images)
    what = "NaN" if np.isnan(value) else "infinity"
    assert error.value.problems[0].startswith(f"Image 3 must hold finite values, got {what} in 2 of them")
    assert error.value.problems[1].startswith("Image 4 must hold finite values, got NaN in 1")


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([0, 1], bool, UINT8),
        ([0, 255], np.uint8, UINT8),
        ([0, 9], np.uint16, UINT16),
        ([0, 9], ">u2", UINT16),
        ([0, 255], np.int64, UINT8),
        ([0, 256], np.int32, UINT16),
        ([0, 65_536], np.uint32, FLOAT32),
        ([-1_024, 3_000], np.int16, FLOAT32),
        ([0, 1], np.float16, FLOAT32),
        ([0, 1], np.float64, FLOAT32),
    ],
)
def test_the_depth_is_the_least_that_keeps_every_value(values, dtype, expected):
    assert picture_dtypes(np.array(values, dtype=dtype).reshape(2, 1, 1, 1)) == [expected]


def test_wide_integers_are_judged_together():
    images = [np.array([[[9]]]), np.array([[[300]]]), np.array([[[9]]], dtype=np.uint8)]
    assert picture_dtypes(images) == [UINT16, UINT16, UINT8]


def test_depths_in_common():
    assert common_dtype([UINT8, UINT16, UINT8], ["a", "b", "c"]) == UINT16
    with pytest.raises(SchemaError, match="got uint8 in 'b' and float32 in 'a'"):
        common_dtype([FLOAT32, UINT8], ["a", "b"])


def test_8_bits_become_16_with_white_as_white():
    wide = as_dtype(np.array([0, 1, 255], dtype=np.uint8), UINT16, name="x")
    assert (wide.dtype, wide.tolist()) == (UINT16, [0, 257, 65_535])


def test_booleans_are_black_and_white():
    assert as_dtype(np.array([False, True]), UINT8, name="x").tolist() == [0, 255]
    assert as_dtype(np.array([False, True]), UINT16, name="x").tolist() == [0, 65_535]


def test_wide_integers_are_taken_at_their_value():
    assert as_dtype(np.array([0, 200]), UINT16, name="x").tolist() == [0, 200]
    assert as_dtype(np.array([-1_000, 200], dtype=np.int16), FLOAT32, name="x").tolist() == [-1_000, 200]


@pytest.mark.parametrize(
    ("given", "wanted", "match"),
    [
        (np.zeros(3, dtype=np.uint16), UINT8, "Image 7 must be of 8 bits, got uint16"),
        (np.zeros(3), UINT8, "must be of 8 bits, got float64"),
        (np.zeros(3), UINT16, "must be of 8 or 16 bits, got float64"),
        (np.zeros(3, dtype=np.uint8), FLOAT32, "must be of floats, got uint8"),
        (np.zeros(3, dtype=bool), FLOAT32, "must be of floats, got bool"),
        (np.array([0, 256]), UINT8, "must be of 8 bits, got int64 from 0 to 256"),
        (np.array([-1, 7]), UINT16, "must be of 8 or 16 bits, got int64 from -1 to 7"),
    ],
)
def test_nothing_is_squeezed_or_guessed(given, wanted, match):
    with pytest.raises(SchemaError, match=match):
        as_dtype(given, wanted, name="Image 7")
