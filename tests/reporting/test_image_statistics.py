"""Image statistics, their shift against training, and names of files on a page."""

import numpy as np
import pytest

from appkit.prediction import Estimate
from appkit.reporting.content.file_names import short_names
from appkit.reporting.content.image_shift import ImageShift, image_shift, shift_finding
from appkit.reporting.content.image_statistics import image_statistics


def noisy(n: int, *, sigma: float = 0.1, seed: int = 0, mean: float = 0.5) -> np.ndarray:
    """Return real images of pure noise around a grey value."""
    return np.random.default_rng(seed).normal(mean, sigma, size=(n, 48, 48, 1)).astype(np.float32)


def shift(name: str, value: float, low: float, high: float) -> ImageShift:
    return ImageShift(name, Estimate("AUC", value, low, high, method="DeLong", n=90), 0.3, 0.31)


def test_noise_is_estimated_without_the_structure_below_it():
    ramp = np.linspace(0, 5, 48)[None, :, None, None]
    found = image_statistics(noisy(20, sigma=0.07) + ramp)
    assert found["Noise"].mean() == pytest.approx(0.07, rel=0.03)


def test_brightness_and_contrast_are_mean_and_spread():
    found = image_statistics(noisy(20, sigma=0.2, mean=0.4))
    assert found["Brightness"].mean() == pytest.approx(0.4, abs=0.01)
    assert found["Contrast"].mean() == pytest.approx(0.2, rel=0.02)


def test_a_checkerboard_is_as_sharp_as_can_be():
    board = (np.indices((8, 8)).sum(0) % 2).astype(np.float32)[None, :, :, None]
    inner = image_statistics(np.tile(board, (1, 8, 8, 1)))["Sharpness"][0]
    assert inner == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_are_shares_of_what_their_type_holds(dtype):
    half = np.full((1, 8, 8, 3), np.iinfo(dtype).max // 2, dtype=dtype)
    assert image_statistics(half)["Brightness"][0] == pytest.approx(0.5, abs=0.01)


def test_intervals_of_alike_images_hold_a_half_as_often_as_they_promise():
    pairs = [image_shift(noisy(30, seed=seed), noisy(30, seed=seed + 100)) for seed in range(20)]
    holds = [item.share.low <= 0.5 <= item.share.high for pair in pairs for item in pair]
    assert np.mean(holds) >= 0.88


def test_brighter_images_are_told_by_brightness_alone():
    found = {item.name: item.share for item in image_shift(noisy(80), noisy(80) + 0.01)}
    assert found["Brightness"].low > 0.9
    assert found["Noise"].value == pytest.approx(0.5, abs=0.01)


def test_images_of_one_patient_count_as_one_draw():
    before, after = noisy(40), np.repeat(noisy(10, seed=1), 4, axis=0)
    alone = image_shift(before, after)[0].share
    patients = (np.arange(40), np.repeat(np.arange(10), 4))
    together = image_shift(before, after, groups=patients)[0].share
    assert together.value == alone.value
    assert together.high - together.low > 1.1 * (alone.high - alone.low)


@pytest.mark.parametrize(
    ("shifts", "finding"),
    [
        ([shift("Noise", 0.5, 0.4, 0.6)], "No statistic tells the images of this report from those of training"),
        ([shift("Noise", 0.7, 0.6, 0.8)], "Noise is higher here than in training in 70\u202f% of pairs"),
        (
            [shift("Noise", 0.7, 0.6, 0.8), shift("Contrast", 0.1, 0.05, 0.2)],
            "2 of 2 statistics differ from training; contrast is lower in 90\u202f% of pairs",
        ),
    ],
)
def test_a_shift_is_claimed_only_where_the_interval_allows(shifts, finding):
    assert shift_finding(tuple(shifts)) == finding


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        (["/a/b/1.png", "/a/b/2.png"], ["1.png", "2.png"]),
        (["a/1.png", "b/1.png"], ["a/1.png", "b/1.png"]),
        (["image 0", "image 1"], ["image 0", "image 1"]),
        (["C:\\scans\\1.png", "C:\\scans\\2.png"], ["1.png", "2.png"]),
        (["/a/1.png", "b/1.png"], ["/a/1.png", "b/1.png"]),
    ],
)
def test_names_keep_no_folder_that_all_share(paths, shown):
    assert short_names(np.array(paths)).tolist() == shown
