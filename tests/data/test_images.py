from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from appkit.data.images import Images, ImageShape, read_images
from appkit.exceptions import SchemaError

GREY = (np.arange(48).reshape(6, 8) * 5).astype(np.uint8)
COLOUR = np.stack([GREY, GREY // 2, 255 - GREY], axis=-1)


def save(folder: Path, **pictures: np.ndarray) -> list[str]:
    """Save pictures as PNG files and return their paths."""
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / f"{name}.png")
    return [str(folder / f"{name}.png") for name in pictures]


# what comes out


def test_images_are_taken_by_slice_mask_and_positions():
    images = read_images(np.arange(4, dtype=np.uint8).repeat(9).reshape(4, 3, 3))
    assert images[1:3].names.tolist() == ["image 1", "image 2"]
    assert images[np.array([3, 0])].pixels[:, 0, 0, 0].tolist() == [3, 0]
    assert len(images[np.array([True, False, True, True])]) == 3


def test_a_single_position_is_no_set_of_images():
    with pytest.raises(TypeError, match=r"Write \[2\]"):
        read_images(np.zeros((4, 3, 3)))[2]


def test_shape_says_channels_height_and_width():
    assert read_images(np.zeros((4, 3, 5, 2))).shape == ImageShape(n_channels=2, height=3, width=5)


# arrays


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_an_array_that_needs_no_change_is_not_copied(dtype):
    X = np.zeros((4, 28, 28), dtype=dtype)
    assert np.shares_memory(read_images(X).pixels, X)


def test_a_memory_map_stays_one(tmp_path):
    X = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.uint8, shape=(4, 28, 28))
    assert np.shares_memory(read_images(X).pixels, X)


@pytest.mark.parametrize(
    ("X", "dtype"),
    [
        (np.full((1, 5, 5), 200), "uint8"),
        (np.full((1, 5, 5), 2_000), "uint16"),
        (np.full((1, 5, 5), -2_000), "float32"),
        (np.full((1, 5, 5), 0.5), "float32"),
        (np.full((1, 5, 5), True), "uint8"),
    ],
)
def test_the_depth_follows_the_values(X, dtype):
    images = read_images(X)
    assert images.pixels.dtype == dtype
    assert images.pixels[0, 0, 0, 0] == (255 if X.dtype == bool else X[0, 0, 0])


def test_arrays_of_differing_sizes_become_128_by_128():
    images = read_images([np.full((20, 10), 9, dtype=np.uint8), np.full((30, 30), 9, dtype=np.uint8)])
    assert images.shape == ImageShape(n_channels=1, height=128, width=128)
    assert images.pixels[0, :, :, 0].any(axis=0).sum() == 64


def test_large_images_of_one_size_become_224_on_the_longer_side():
    assert read_images(np.zeros((2, 448, 300), dtype=np.uint8)).shape == ImageShape(1, 224, 150)


def test_8_and_16_bits_together_have_one_white():
    images = read_images([np.full((4, 4), 255, dtype=np.uint8), np.full((4, 4), 65_535, dtype=np.uint16)])
    assert (images.pixels == 65_535).all()


def test_arrays_keep_their_channels_unless_asked():
    X = np.broadcast_to(GREY[..., None], (1, 6, 8, 3))  # grey, in colour
    assert read_images(X).shape.n_channels == 3
    np.testing.assert_array_equal(read_images(X, channels=1).pixels[0, :, :, 0], GREY)


def test_channels_that_differ_are_named():
    with pytest.raises(SchemaError, match="Image 1 must have 2 channels, got 5"):
        read_images([np.zeros((6, 8, 2)), np.zeros((6, 8, 5))])


def test_a_series_of_arrays_and_a_tensor_are_read():
    assert len(read_images(pd.Series([GREY, GREY]))) == 2
    assert read_images(torch.zeros(2, 6, 8, dtype=torch.uint8)).pixels.dtype == np.uint8


def test_images_are_read_again_to_another_size():
    images = Images(np.zeros((2, 6, 8, 3), dtype=np.uint8), np.array(["a.png", "b.png"]))
    again = read_images(images, size=4, channels=1)
    assert (again.shape, again.names.tolist()) == (ImageShape(1, 4, 4), ["a.png", "b.png"])


def test_reading_what_was_read_changes_nothing():
    images = read_images([GREY, GREY[:4]])
    assert np.shares_memory(read_images(images).pixels, images.pixels)


def test_images_of_another_depth_than_fitted_are_refused():
    with pytest.raises(SchemaError, match="Every image must be of 8 bits, got float32"):
        read_images(np.zeros((2, 6, 8), dtype=np.float32), dtype="uint8")


@pytest.mark.parametrize("size", [(6, 8), (4, 4)])
def test_images_of_a_fitted_depth_take_it(size):
    images = read_images(np.full((2, 6, 8), 255, dtype=np.uint8), dtype=np.uint16, size=size)
    assert images.pixels.dtype == np.uint16
    assert images.pixels.max() == 65_535


# files


def test_files_are_read_in_their_order_under_their_names(tmp_path):
    pictures = {f"p{number}": np.full((5, 5), number, dtype=np.uint8) for number in range(100)}
    paths = save(tmp_path, **pictures)[::-1]
    images = read_images(paths, n_workers=4)
    assert images.names.tolist() == paths
    assert images.pixels[:, 0, 0, 0].tolist() == list(range(99, -1, -1))


@pytest.mark.parametrize("wrap", [list, tuple, np.array, pd.Series, lambda p: [Path(path) for path in p]])
def test_paths_come_in_many_ways(tmp_path, wrap):
    paths = save(tmp_path, a=GREY, b=GREY)
    images = read_images(wrap(paths))
    assert images.names.tolist() == paths
    np.testing.assert_array_equal(images.pixels[1, :, :, 0], GREY)


def test_a_column_of_a_table_holds_the_paths(tmp_path):
    table = pd.DataFrame({"scan": save(tmp_path, a=GREY, b=GREY), "age": [3, 4]})
    assert len(read_images(table, image="scan")) == 2


@pytest.mark.parametrize(
    ("pictures", "n_channels"),
    [
        ({"a": GREY, "b": GREY}, 1),
        ({"a": np.dstack([GREY] * 3), "b": GREY}, 1),
        ({"a": COLOUR, "b": GREY}, 3),
    ],
)
def test_files_are_grey_unless_one_has_colour(tmp_path, pictures, n_channels):
    images = read_images(save(tmp_path, **pictures))
    assert images.shape.n_channels == n_channels
    np.testing.assert_array_equal(images.pixels[1], np.broadcast_to(GREY[..., None], (6, 8, n_channels)))


@pytest.mark.parametrize(("channels", "n_channels"), [("grey", 1), ("rgb", 3), (1, 1), (3, 3)])
def test_channels_of_files_are_as_asked(tmp_path, channels, n_channels):
    paths = save(tmp_path, a=GREY, b=COLOUR)
    assert read_images(paths, channels=channels).shape.n_channels == n_channels


def test_files_have_no_other_channels(tmp_path):
    with pytest.raises(SchemaError, match="Images in files have 1 or 3 channels, got channels=4"):
        read_images(save(tmp_path, a=GREY), channels=4)


def test_one_file_of_16_bits_makes_all_so(tmp_path):
    images = read_images(save(tmp_path, a=GREY, b=GREY.astype(np.uint16) * 7))
    np.testing.assert_array_equal(images.pixels[0, :, :, 0], GREY.astype(np.uint16) * 257)
    np.testing.assert_array_equal(images.pixels[1, :, :, 0], GREY.astype(np.uint16) * 7)


def test_colour_is_seen_beside_16_bits(tmp_path):
    images = read_images(save(tmp_path, a=GREY.astype(np.uint16), b=COLOUR))
    np.testing.assert_array_equal(images.pixels[1], COLOUR.astype(np.uint16) * 257)


def test_16_bits_are_never_squeezed_into_8(tmp_path):
    paths = save(tmp_path, a=GREY, b=GREY.astype(np.uint16))
    with pytest.raises(SchemaError, match=r"b\.png' must be of 8 bits, got uint16"):
        read_images(paths, dtype="uint8")


def test_integers_and_floats_are_not_mixed(tmp_path):
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(
        SchemaError, match=r"all integers or all floats, got uint8 in '.*a\.png' and float32 in '.*f\.tif"
    ):
        read_images([*save(tmp_path, a=GREY), tmp_path / "f.tif"])


@pytest.mark.parametrize(
    ("size", "expected"), [("auto", (128, 128)), (16, (16, 16)), ((10, 20), (10, 20)), (np.int64(7), (7, 7))]
)
def test_sizes_that_differ_are_brought_to_one(tmp_path, size, expected):
    images = read_images(save(tmp_path, a=GREY, b=GREY[:3]), size=size)
    assert (images.shape.height, images.shape.width) == expected


def test_a_common_size_is_kept(tmp_path):
    assert read_images(save(tmp_path, a=GREY, b=GREY)).shape == ImageShape(1, 6, 8)


def test_stretching_leaves_no_border(tmp_path):
    paths = save(tmp_path, a=np.full((4, 8), 9, dtype=np.uint8))
    assert (read_images(paths, size=6).pixels == 0).any()
    assert (read_images(paths, size=6, resize="stretch").pixels == 9).all()


def test_a_file_and_its_array_give_the_same_pixels(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (60, 40)).astype(np.uint8)
    from_file = read_images(save(tmp_path, a=picture), size=32)
    np.testing.assert_array_equal(from_file.pixels, read_images(picture[None], size=32).pixels)


def test_what_is_read_as_fitted_is_what_was_found_at_fit(tmp_path):
    paths = save(tmp_path, a=COLOUR, b=GREY[:3])
    found = read_images(paths)
    shape = found.shape
    fitted = read_images(paths, size=(shape.height, shape.width), channels=shape.n_channels, dtype=found.pixels.dtype)
    np.testing.assert_array_equal(fitted.pixels, found.pixels)


# the cache


@pytest.mark.parametrize("pictures", [{"a": GREY, "b": np.dstack([GREY] * 3)}, {"a": COLOUR, "b": GREY[:3]}])
def test_the_cache_holds_the_same_pixels(tmp_path, pictures):
    paths = save(tmp_path, **pictures)
    plain, cached = read_images(paths), read_images(paths, cache=tmp_path / "cache")
    again = read_images(paths, cache=tmp_path / "cache")
    assert isinstance(again.pixels, np.memmap)
    np.testing.assert_array_equal(cached.pixels, plain.pixels)
    np.testing.assert_array_equal(again.pixels, plain.pixels)
    assert again.names.tolist() == paths


def test_what_is_cached_is_not_decoded_again(tmp_path, monkeypatch):
    paths = save(tmp_path, a=GREY)
    read_images(paths, cache=tmp_path / "cache")
    monkeypatch.setattr("appkit.data.images.decode_image", None)  # would fail if it were called
    np.testing.assert_array_equal(read_images(paths, cache=tmp_path / "cache").pixels[0, :, :, 0], GREY)


def test_other_options_have_their_own_entry(tmp_path):
    paths = save(tmp_path, a=GREY)
    for options in ({}, {"size": 5}, {"channels": 3}, {"dtype": "uint16"}, {"size": 5, "resize": "stretch"}):
        plain, cached = read_images(paths, **options), read_images(paths, cache=tmp_path / "cache", **options)
        np.testing.assert_array_equal(cached.pixels, plain.pixels)
    assert len(list((tmp_path / "cache").iterdir())) == 5


def test_an_error_leaves_no_entry(tmp_path):
    paths = save(tmp_path, a=GREY)
    Path(paths[0]).write_bytes(Path(paths[0]).read_bytes()[:50])
    with pytest.raises(SchemaError):
        read_images(paths, cache=tmp_path / "cache", size=8, channels=1, dtype="uint8")
    assert list((tmp_path / "cache").iterdir()) == []


# what is wrong


@pytest.mark.parametrize("options", [{}, {"size": 8, "channels": 1, "dtype": "uint8"}])
def test_the_problems_of_all_files_come_in_one_error(tmp_path, options):
    paths = save(tmp_path, fine=GREY, cut=np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8))
    Path(paths[1]).write_bytes(Path(paths[1]).read_bytes()[:3_000])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("text")
    given = [tmp_path / "empty.png", *paths, tmp_path / "gone.png", tmp_path / "text.png"]
    with pytest.raises(SchemaError) as error:
        read_images(given, n_workers=2, **options)
    head, empty, cut, gone, text = error.value.problems
    assert head == "4 of 5 images cannot be read:"
    assert "empty.png' is empty (0 bytes)" in empty
    assert "cut.png' is damaged" in cut
    assert "gone.png' does not exist" in gone
    assert "text.png' is no image" in text


def test_ten_problems_are_shown_and_all_counted(tmp_path):
    with pytest.raises(SchemaError) as error:
        read_images([tmp_path / f"{number}.png" for number in range(1_234)])
    assert len(error.value.problems) == 12
    assert error.value.problems[0] == "1,234 of 1,234 images cannot be read:"
    assert error.value.problems[-1] == "... and 1,224 more."


def test_arrays_with_nan_are_named_and_counted():
    X = np.zeros((30, 4, 4))
    X[5:20, 0, 0] = np.nan
    with pytest.raises(SchemaError, match=r"15 of 30 images cannot be read:\nImage 5 must hold finite values"):
        read_images(X)


@pytest.mark.parametrize(
    "X", [[], (), pd.Series([], dtype=str), pd.DataFrame({"path": []}), np.zeros((0, 8, 8)), np.array([], dtype=str)]
)
def test_at_least_one_image_is_needed(X):
    with pytest.raises(SchemaError, match="at least one image, got none"):
        read_images(X)


def test_no_images_of_a_known_size_are_none():
    images = read_images(np.zeros((3, 8, 8), dtype=np.uint8))[:0]
    assert len(read_images(images, size=8)) == 0


def test_a_missing_column_comes_with_a_near_match():
    with pytest.raises(SchemaError, match=r"Column 'path' of image paths is missing \(is it 'paths'\?\)"):
        read_images(pd.DataFrame({"paths": ["a.png"]}))
    with pytest.raises(SchemaError, match=r"Column 'path' of image paths is missing among \['x', 'y'\]"):
        read_images(pd.DataFrame({"x": ["a.png"], "y": [1]}))


def test_a_column_must_be_there_once():
    with pytest.raises(SchemaError, match="Column 'path' appears more than once"):
        read_images(pd.DataFrame([["a", "b"]], columns=["path", "path"]))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, "", 7])
def test_every_row_must_name_a_file(missing):
    with pytest.raises(SchemaError, match=r"got none in 1 of 3 rows \(first: .* in row 1\)"):
        read_images(["a.png", missing, "b.png"])


def test_paths_and_arrays_are_not_mixed():
    with pytest.raises(SchemaError, match=r"first: an array of the shape \(6, 8\) in row 0"):
        read_images([GREY, "a.png"])


@pytest.mark.parametrize("cell", [None, 3.5])
def test_a_column_of_anything_else_holds_no_paths(cell):
    with pytest.raises(SchemaError, match=r"Every image must be given by its path, got none in 2 of 2 rows"):
        read_images(pd.DataFrame({"path": [cell, cell]}))


@pytest.mark.parametrize(("X", "match"), [("folder", r"read_image_folder"), (7, "got int"), (None, "got NoneType")])
def test_what_holds_no_images_is_a_type_error(X, match):
    with pytest.raises(TypeError, match=match):
        read_images(X)


@pytest.mark.parametrize("option", [{"size": 0}, {"channels": "blue"}, {"n_workers": 0}, {"n_workers": True}])
def test_options_are_checked(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"{name} must be"):
        read_images(np.zeros((2, 8, 8)), **option)


# real folders


def test_a_folder_of_mixed_scans_is_read_without_hand_work(data_dir):
    paths = sorted((data_dir / "medical" / "brain_mri").glob("*/*"))
    images = read_images(paths)
    assert len(images) == 253
    assert images.shape == ImageShape(n_channels=1, height=128, width=128)
    assert images.pixels.dtype == np.uint8
    assert (images.pixels.reshape(253, -1).std(axis=1) > 10).all()  # every one is a picture


def test_dicom_files_are_read_beside_others(tmp_path):
    pydicom_data = pytest.importorskip("pydicom.data")
    scan = pydicom_data.get_testdata_file("CT_small.dcm")
    images = read_images([scan, *save(tmp_path, a=GREY)], size=64)
    assert images.shape == ImageShape(1, 64, 64)
    assert images.pixels.dtype == np.uint16
    assert images.pixels[1].max() == 235 * 257
