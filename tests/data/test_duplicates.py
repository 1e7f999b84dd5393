"""Images that are the same, or nearly so, share a group; different images do not."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from appkit.data.duplicates import (
    _averaging,
    check_images_apart,
    duplicate_groups,
    groups_with_duplicates,
    image_hashes,
)
from appkit.data.images import Images
from appkit.exceptions import LeakageError

SIZE = 64


def drawn_scans(n: int, *, seed: int = 0) -> np.ndarray:
    """Smooth random pictures, uint8 (n, SIZE, SIZE)."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(n, SIZE, SIZE)), (0, 5, 5))
    low, high = noise.min(axis=(1, 2), keepdims=True), noise.max(axis=(1, 2), keepdims=True)
    return np.round(30 + 170 * (noise - low) / (high - low)).astype(np.uint8)


def as_images(pixels: np.ndarray, *, prefix: str) -> Images:
    return Images(pixels[..., None], np.array([f"{prefix}/{row}.png" for row in range(len(pixels))]))


def saved_as_jpeg(scan: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    scan.save(buffer, "JPEG", quality=30)
    return Image.open(buffer)


def marked(scan: Image.Image) -> Image.Image:
    pixels = np.array(scan)
    pixels[40, 20:25] = 255  # a caliper
    return Image.fromarray(pixels)


CHANGES = {
    "saved as JPEG": saved_as_jpeg,
    "marked": marked,
    "brighter": lambda scan: ImageEnhance.Brightness(scan).enhance(1.2),
    "of less contrast": lambda scan: ImageEnhance.Contrast(scan).enhance(0.5),
    "scaled down and up": lambda scan: scan.resize((40, 40)).resize((SIZE, SIZE)),
    "moved by a pixel": lambda scan: Image.fromarray(np.pad(np.array(scan), ((0, 0), (1, 0)), "edge")[:, :-1]),
}


def test_a_hash_tells_pixels_shape_and_depth_apart():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    hashes = image_hashes(pixels)
    assert hashes[0] != hashes[1]
    assert image_hashes(pixels.copy())[1] == hashes[1]
    assert image_hashes(pixels.reshape(2, 4, 3))[0] != hashes[0]
    assert image_hashes(pixels.astype(np.uint16))[0] != hashes[0]


def test_hashes_do_not_depend_on_how_an_array_lies_in_memory():
    pixels = drawn_scans(3)
    assert (image_hashes(np.asfortranarray(pixels)) == image_hashes(pixels)).all()
    assert (image_hashes(pixels[::-1])[::-1] == image_hashes(pixels)).all()


def test_equal_images_share_a_group_by_first_appearance():
    pixels = drawn_scans(4)[[2, 0, 2, 1, 0, 3]]
    for near in (False, True):
        assert duplicate_groups(pixels, near=near).tolist() == [0, 1, 0, 2, 1, 3]


@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_that_was_changed_a_little_is_a_near_duplicate(change):
    scans = drawn_scans(12)
    changed = np.stack([np.array(CHANGES[change](Image.fromarray(scan))) for scan in scans])
    both = np.concatenate([scans, changed])
    assert duplicate_groups(both).tolist() == [*range(12), *range(12)]
    assert duplicate_groups(both, near=False).max() == 23


def test_different_pictures_stay_apart():
    assert duplicate_groups(drawn_scans(400, seed=1)).tolist() == list(range(400))


def test_groups_are_those_of_all_pairs_compared_one_by_one():
    scans = drawn_scans(40)
    half = np.round(0.5 * scans[:20] + 0.5 * scans[20:]).astype(np.uint8)  # chains: each near to none, one or two
    mostly = np.round(0.85 * scans[:20] + 0.15 * scans[20:]).astype(np.uint8)
    pixels = np.concatenate([scans, half, mostly])
    groups = duplicate_groups(pixels)
    thumbnails = pixels.reshape(len(pixels), 32, 2, 32, 2).mean(axis=(2, 4)).reshape(len(pixels), -1)
    near = np.corrcoef(thumbnails) >= 0.95
    for row in range(len(pixels)):
        reached = {row}
        while True:
            grown = set(np.flatnonzero(near[list(reached)].any(axis=0)))
            if grown == reached:
                break
            reached = grown
        assert reached == set(np.flatnonzero(groups == groups[row]))
    assert 40 < len(set(groups)) < 80


def test_blocks_do_not_change_the_groups(monkeypatch):
    scans = np.concatenate([drawn_scans(30), drawn_scans(30) + 5])
    whole = duplicate_groups(scans)
    monkeypatch.setattr("appkit.data.duplicates.BLOCK", 7)
    np.testing.assert_array_equal(duplicate_groups(scans), whole)
    assert whole.max() == 29


def test_images_of_one_grey_are_duplicates_only_of_their_equals():
    greys = np.array([0, 9, 0, 255], dtype=np.uint8)[:, None, None] * np.ones((1, 40, 40), dtype=np.uint8)
    assert duplicate_groups(greys).tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_depth_and_colour_is_compared(dtype):
    colour = np.random.default_rng(0).integers(0, 200, (5, 30, 20, 3)).astype(dtype)
    pixels = np.concatenate([colour, colour + dtype(3)])
    assert duplicate_groups(pixels).tolist() == [*range(5), *range(5)]


def test_averaging_weighs_pixels_by_how_much_of_each_is_covered():
    np.testing.assert_allclose(_averaging(3, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], rtol=1e-6)
    np.testing.assert_allclose(_averaging(4, 4), np.eye(4))


def test_an_image_on_both_sides_is_named_with_its_twin():
    scans = drawn_scans(6)
    train, test = as_images(scans[:4], prefix="train"), as_images(scans[[5, 2, 2]], prefix="test")
    with pytest.raises(LeakageError, match=r"got 2 on both \(first: 'train/2.png' and 'test/1.png'\)"):
        check_images_apart(train, test)
    check_images_apart(train, test[:1])


def test_a_near_duplicate_on_both_sides_is_refused_only_where_asked():
    scans = drawn_scans(6)
    train, test = as_images(scans[:4], prefix="train"), as_images(scans[3:] + 7, prefix="test")
    check_images_apart(train, test)
    with pytest.raises(LeakageError, match=r"got 1 on both \(first: 'train/3.png' and 'test/0.png'\)"):
        check_images_apart(train, test, near=True)
    check_images_apart(train[:3], test, near=True)


def test_images_of_different_size_cannot_be_compared():
    train, test = as_images(drawn_scans(2), prefix="train"), as_images(drawn_scans(2)[:, :32], prefix="test")
    with pytest.raises(ValueError, match=r"read alike, got ImageShape\(.*\) of uint8 and ImageShape"):
        check_images_apart(train, test)


def test_busi_has_the_duplicates_that_were_looked_at(data_dir: Path):
    busi = np.load(data_dir / "medical/busi_128/busi_128.npz")
    groups, names = duplicate_groups(busi["images"]), busi["names"].tolist()
    of = dict(zip(names, groups, strict=True))
    assert groups.max() + 1 == 603
    assert of["malignant (3).png"] == of["malignant (9).png"]
    assert of["benign (333).png"] == of["malignant (77).png"]  # one picture under two labels
    assert of["malignant (1).png"] != of["malignant (2).png"]


def test_equal_images_of_two_patients_make_one_group_of_both():
    scans = drawn_scans(4)[[0, 1, 2, 3, 1]]
    assert groups_with_duplicates(scans, np.array([0, 0, 1, 2, 2])).tolist() == [0, 0, 1, 0, 0]


def test_groups_stay_as_they_are_where_no_image_occurs_twice():
    groups = np.array([1, 0, 1])
    assert groups_with_duplicates(drawn_scans(3), groups) is groups
    assert groups_with_duplicates(drawn_scans(3), None) is None
