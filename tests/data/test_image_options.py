import numpy as np
import pytest

from appkit.data.image_options import ImageOptions


def checked(**options) -> ImageOptions:
    return ImageOptions.checked(**({"size": "auto", "channels": "auto", "resize": "pad", "dtype": None} | options))


@pytest.mark.parametrize(
    "option",
    [
        {"size": 0}, {"size": "large"}, {"size": (8,)}, {"size": (8, -1)}, {"size": True}, {"size": 7.5},
        {"size": None}, {"channels": 0}, {"channels": "blue"}, {"channels": True}, {"channels": None},
        {"resize": "crop"}, {"resize": None}, {"dtype": "int64"}, {"dtype": float},
    ],
)  # fmt: skip
def test_options_without_a_meaning_are_named(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"{name} must be"):
        checked(**option)


@pytest.mark.parametrize(
    ("size", "expected"), [("auto", None), (8, (8, 8)), (np.int64(8), (8, 8)), ((4, 6), (4, 6)), ([4, 6], (4, 6))]
)
def test_a_size_is_a_side_or_height_and_width(size, expected):
    assert checked(size=size).size == expected


@pytest.mark.parametrize(("channels", "expected"), [("auto", None), ("grey", 1), ("rgb", 3), (4, 4), (np.int64(1), 1)])
def test_channels_are_a_word_or_a_number(channels, expected):
    assert checked(channels=channels).n_channels == expected


@pytest.mark.parametrize("dtype", [np.uint16, "uint16", np.dtype("uint16")])
def test_a_depth_comes_in_many_ways(dtype):
    assert checked(dtype=dtype).dtype == np.dtype("uint16")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({(28, 28)}, (28, 28)),
        ({(224, 100)}, (224, 100)),
        ({(1_000, 500)}, (224, 112)),
        ({(9_999, 1)}, (224, 1)),
        ({(28, 28), (28, 29)}, (128, 128)),
    ],
)
def test_the_automatic_size_is_the_common_one_within_limits(sizes, expected):
    frame = checked().frame(sizes)
    assert (frame.height, frame.width) == expected
