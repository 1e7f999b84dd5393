"""Where a classifier looks, one image by several methods, and what points to the finding."""

import numpy as np
import pytest

from domains.medical.explanation import explain_image, pointing_table, where_it_looks
from tests.explanation.certificate.images import CrossImages
from tests.explanation.image_models import cross_pixels, fitted


@pytest.fixture(scope="module")
def images() -> CrossImages:
    return CrossImages.drawn(12, seed=21).crosses


def test_the_mean_effect_of_a_patch_is_its_mean_absolute_value(images):
    found = where_it_looks(fitted(), cross_pixels(images), n_players=16, max_evaluations=700, random_state=0)
    expected = np.abs(found.explanation.values[..., 0]).mean(axis=0)
    np.testing.assert_allclose(found.importance, expected)
    assert (found.n_images, found.map.shape, found.units) == (6, (16, 16), "probability")
    assert found.map[0, 0] == found.importance[0]
    assert found.to_frame()["importance"].is_monotonic_decreasing


def test_the_border_has_the_share_of_its_patches(images):
    found = where_it_looks(fitted(), cross_pixels(images), n_players=16, max_evaluations=700, random_state=0)
    inner = [5, 6, 9, 10]
    assert found.share_at_border == pytest.approx(1 - found.importance[inner].sum() / found.importance.sum())


def test_one_image_has_no_mean(images):
    with pytest.raises(ValueError, match="images must be two or more"):
        where_it_looks(fitted(), cross_pixels(images)[:1], n_players=4)


def test_one_image_is_explained_by_several_methods(images):
    found = explain_image(
        fitted(), cross_pixels(images)[0], methods=("occlusion", "grad_cam"), mask=images.masks[0], n_players=16
    )
    assert list(found.explanations) == ["occlusion", "grad_cam"]
    assert found["occlusion"].certificate["Pointing"].verdict in ("ok", "warn")


def test_several_images_are_none(images):
    with pytest.raises(ValueError, match="image must be a single one, got 6"):
        explain_image(fitted(), cross_pixels(images), n_players=4)


def test_methods_point_to_the_finding_and_random_weights_by_chance(images):
    table = pointing_table(
        fitted(),
        cross_pixels(images),
        images.masks,
        distractors=images.distractors,
        methods=("shapley", "occlusion"),
        n_players=16,
        n_random=3,
        max_evaluations={"shapley": 700},
        random_state=0,
    ).set_index("method")
    assert (table["low"] > table["chance"]).all()
    assert (table["random_low"] <= table["chance"]).all()
    assert table["n_images"].tolist() == [6, 6]
