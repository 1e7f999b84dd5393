"""Methods on the same images: shared players and units, and what each certificate found."""

import numpy as np
import pytest

from appkit.explanation.comparison import IMAGE_METHODS, MethodComparison, compare_methods
from tests.explanation.certificate.images import CrossImages
from tests.explanation.image_models import cross_pixels, fitted

BUDGETS = {"shapley": 700, "superpixels": 700, "lime": 300, "expected_gradients": 60}


@pytest.fixture(scope="module")
def images() -> CrossImages:
    return CrossImages.drawn(10, seed=11).crosses


@pytest.fixture(scope="module")
def compared(images) -> MethodComparison:
    return compare_methods(
        fitted(),
        cross_pixels(images),
        n_players=16,
        masks=images.masks,
        distractors=images.distractors,
        n_random=2,
        max_evaluations=BUDGETS,
        random_state=0,
    )


def test_every_method_explains_the_same_output(compared):
    assert tuple(method.name for method in compared) == IMAGE_METHODS
    outputs = [explanation.output for explanation in compared.explanations.values()]
    for output in outputs[1:]:
        np.testing.assert_allclose(output, outputs[0])


def test_all_but_superpixels_share_their_players_and_all_but_grad_cam_their_units(compared):
    names = {method.explanation.player_names for method in compared if method.name != "superpixels"}
    units = {method.name: method.explanation.units for method in compared}
    assert len(names) == 1
    assert units == dict.fromkeys(IMAGE_METHODS, "probability") | {"grad_cam": "activation"}


def test_a_trained_network_points_at_the_cross_and_random_ones_do_not(compared):
    shapley = compared["shapley"]
    assert shapley.pointing.accuracy.low > shapley.pointing.chance == 0.25
    assert shapley.randomisation.pointing.low <= 0.25
    assert shapley.certificate["Pointing"].verdict == "ok"


def test_the_frame_has_a_line_per_method_with_its_facts(compared):
    frame = compared.to_frame().set_index("method")
    assert list(frame.index) == list(IMAGE_METHODS)
    assert frame.loc["shapley", "deletion"] == compared["shapley"].certificate.removal.deletion_ratio.value
    assert frame.loc["shapley", "pointing"] == compared["shapley"].pointing.accuracy.value
    assert frame.loc["lime", "random_weights_low"] == compared["lime"].randomisation.similarity.low
    assert np.isnan(frame.loc["grad_cam", "relative_error"])
    assert (frame["verdict"] != "").drop("superpixels").all()


def test_one_image_without_certificate_costs_the_explanations_alone(images):
    found = compare_methods(
        fitted(), cross_pixels(images)[:1], methods=("occlusion", "grad_cam"), n_players=4, is_certified=False
    )
    assert [method.certificate for method in found] == [None, None]
    assert found["occlusion"].explanation.n_evaluations <= 6
    assert found.to_frame()["deletion"].isna().all()


def test_the_same_seed_gives_the_same_comparison(images):
    one, other = (
        compare_methods(
            fitted(), cross_pixels(images)[:2], methods=["lime"], n_players=16, n_random=2, random_state=4
        ).to_frame()
        for _ in range(2)
    )
    assert one.equals(other)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"methods": ("shapley", "magic")}, "methods must be one or more of"),
        ({"methods": ("lime", "lime")}, "each once"),
        ({"methods": ("lime",), "max_evaluations": {"shapley": 900}}, "max_evaluations must name methods"),
        ({"methods": ("lime",), "n_random": 1}, "n_copies must be at least 2"),
        ({"output": "square"}, "outputs must be names among"),
    ],
)
def test_what_cannot_be_compared_is_refused(images, options, words):
    with pytest.raises(ValueError, match=words):
        compare_methods(fitted(), cross_pixels(images)[:1], n_players=4, **options)


def test_other_models_are_explained_one_method_at_a_time(images):
    with pytest.raises(ValueError, match="image estimator, got function"):
        compare_methods(lambda rows: rows, cross_pixels(images))
