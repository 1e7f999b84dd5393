"""Phantoms hold what they promise: nothing but the shape of an object tells a lesion."""

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from domains.medical.phantoms import DISTRACTORS, SHAPES, _objects, make_phantoms

SIZES = (28, 64)


@pytest.fixture(scope="module", params=SIZES)
def phantoms(request):
    return make_phantoms(1_000 if request.param == 28 else 400, size=request.param, random_state=5)


def test_phantoms_repeat_with_their_seed_and_change_with_another():
    first, again, other = (make_phantoms(20, random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.X, again.X)
    assert first.metadata.equals(again.metadata)
    assert not np.array_equal(first.X, other.X)


@pytest.mark.parametrize("n", [4, 5, 30, 101])
def test_half_of_the_images_show_a_lesion(n):
    phantoms = make_phantoms(n)
    assert phantoms.X.shape == (n, 28, 28)
    assert phantoms.X.dtype == np.uint8
    assert abs(int((phantoms.y == "lesion").sum()) * 2 - n) == n % 2


def test_a_mask_is_where_a_lesion_is_and_every_image_has_distractors_apart_from_it(phantoms):
    np.testing.assert_array_equal(phantoms.masks.any(axis=(1, 2)), phantoms.y == "lesion")
    assert not (phantoms.masks & phantoms.distractors).any()
    n_distractors = [ndimage.label(distractors)[1] for distractors in phantoms.distractors]
    assert np.array_equal(np.array(n_distractors), np.where(phantoms.y == "lesion", 3, 4))


def test_lesions_and_distractors_have_equal_areas(phantoms):
    is_lesion = (phantoms.y == "lesion").to_numpy()
    area = phantoms.masks[is_lesion].sum(axis=(1, 2))
    assert area.min() == area.max()
    np.testing.assert_array_equal(phantoms.distractors.sum(axis=(1, 2)), np.where(is_lesion, 3, 4) * area[0])


@pytest.mark.parametrize("size", SIZES)
def test_every_shape_holds_exactly_the_same_grey_values(size):
    centres = np.full((len(SHAPES), 2), size // 2)
    heights, disks = _objects(np.random.default_rng(0), list(SHAPES.values()), centres, size=size)
    values = [np.sort(height[disk]) for height, disk in zip(heights, disks, strict=True)]
    for others in values[1:]:
        np.testing.assert_array_equal(others, values[0])
    assert set(SHAPES) - set(DISTRACTORS) == {"ring"}


def test_a_ring_is_hollow_and_no_distractor_is_a_ring():
    centres = np.full((len(SHAPES), 2), 32)
    heights, disks = _objects(np.random.default_rng(0), list(SHAPES.values()), centres, size=64)
    down, right = np.mgrid[:64, :64] - 32
    rim = disks[0] & (np.abs(np.hypot(down, right) - 0.78 * 64 / 7) < 1)
    darkest_of_rim = {name: height[rim].min() for name, height in zip(SHAPES, heights, strict=True)}
    assert heights[-1][32, 32] == 0
    assert darkest_of_rim.pop("ring") > 0.5
    assert max(darkest_of_rim.values()) == 0


@pytest.mark.parametrize("statistic", [np.mean, np.std, np.max, np.min], ids=lambda function: function.__name__)
def test_the_brightness_of_an_image_does_not_tell_its_label(phantoms, statistic):
    scores = statistic(phantoms.X.astype(float), axis=(1, 2))
    assert roc_auc_score(phantoms.y == "lesion", scores) == pytest.approx(0.5, abs=0.08)


def test_lesions_and_distractors_lift_their_ground_alike_and_lie_anywhere_alike(phantoms):
    rows = np.flatnonzero(phantoms.y == "lesion")
    X, masks, distractors = phantoms.X[rows].astype(float), phantoms.masks[rows], phantoms.distractors[rows]
    contrast = [X[disks].mean() - X[~(masks | distractors)].mean() for disks in (masks, distractors)]
    assert contrast[0] == pytest.approx(contrast[1], abs=1.5)
    places = [np.stack(np.nonzero(disks)[1:]) / X.shape[1] for disks in (masks, distractors)]
    np.testing.assert_allclose(places[0].mean(axis=1), places[1].mean(axis=1), atol=0.03)
    np.testing.assert_allclose(places[0].std(axis=1), places[1].std(axis=1), atol=0.02)


def test_a_patient_has_one_to_three_images_of_one_label_and_is_on_one_side_of_a_split(phantoms):
    assert set(phantoms.groups.value_counts()) == {1, 2, 3}
    assert (phantoms.y.groupby(phantoms.groups).nunique() == 1).all()
    _, _, y_train, y_test = phantoms.split()
    assert not set(phantoms.groups[y_train.index]) & set(phantoms.groups[y_test.index])
    assert (y_test == "lesion").mean() == pytest.approx(0.5, abs=0.05)


def test_images_of_a_patient_resemble_each_other_more_than_those_of_others():
    phantoms = make_phantoms(200, size=64, random_state=2)
    ground = np.stack([ndimage.gaussian_filter(image.astype(float), 8)[::8, ::8].ravel() for image in phantoms.X])
    likeness = np.corrcoef(ground)
    same = phantoms.groups.to_numpy()[:, None] == phantoms.groups.to_numpy()
    np.fill_diagonal(same, False)
    assert likeness[same].mean() > 0.5 > 0.3 > likeness[~same & ~np.eye(200, dtype=bool)].mean()


def test_one_site_shows_less_contrast_and_no_column_tells_the_label():
    phantoms = make_phantoms(1_200, random_state=4)
    spread = phantoms.X.std(axis=(1, 2))
    by_site = {site: np.median(spread[phantoms.metadata["site"] == site]) for site in ("north", "south", "east")}
    assert by_site["east"] < 0.75 * min(by_site["north"], by_site["south"])
    for column in ("sex", "age_band", "site"):
        shares = (phantoms.y == "lesion").groupby(phantoms.metadata[column]).mean()
        assert shares.between(0.4, 0.6).all(), column


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 3}, "n must be at least 4 images, got 3"),
        ({"size": 20}, "size must be at least 28 pixels, .* got 20"),
        ({"n_distractors": 4}, "n_distractors must be 1, 2 or 3, .* got 4"),
    ],
)
def test_phantoms_that_cannot_be_drawn_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_phantoms(**options)
