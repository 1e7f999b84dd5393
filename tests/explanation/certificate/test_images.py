"""Weight randomisation and pointing, with lesions among distractors of equal contrast."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from appkit.data.images import ImageShape
from appkit.explanation.certificate import certify, pointing_accuracy, randomisation_test
from appkit.explanation.certificate.randomisation import with_random_weights
from appkit.model.image_networks import image_network
from tests.explanation.certificate.images import CELLS, CrossImages, SmallNet, explain_images, image_game, trained
from tests.explanation.certificate.values import explanation_of


@pytest.fixture(scope="module")
def images() -> CrossImages:
    return CrossImages.drawn(40, seed=2).crosses


@pytest.fixture(scope="module")
def network() -> SmallNet:
    return trained(CrossImages.drawn(100, seed=1))


def edge_detector(images: CrossImages):
    """Return an explanation that never looks at the network: how uneven each cell is."""
    pixels = images.pixels.double()
    uneven = torch.stack([pixels[:, cell == CELLS].std(1) for cell in range(16)], dim=1).numpy()
    layout = image_game(SmallNet(0), images).layout()
    names = tuple(f"cell {i}" for i in range(16))
    return explanation_of(uneven, seed=None, is_additive=False, method="edges", layout=layout, player_names=names)


def test_an_explanation_that_ignores_the_weights_is_not_reliable(network, images):
    edges = edge_detector(images)
    test = randomisation_test(network, lambda _: edges, explanation=edges, n_copies=2, random_state=0)
    certificate = certify(image_game(network, images), edges, randomisation=test)
    assert test.similarity.value == pytest.approx(1.0)
    assert {verdict.status for verdict in certificate.rows} == {"not reliable"}
    assert "Networks with random weights give the same map" in certificate.overall.reason


def test_a_trained_network_points_at_the_lesion_and_random_ones_by_chance(network, images):
    explanation = explain_images(network, images)
    known = {"masks": images.masks, "distractors": images.distractors}
    pointing = pointing_accuracy(explanation, **known)
    test = randomisation_test(
        network,
        lambda other: explain_images(other, images),
        explanation=explanation,
        n_copies=4,
        random_state=0,
        **known,
    )
    certificate = certify(image_game(network, images), explanation, pointing=pointing, randomisation=test)
    assert pointing.accuracy.low > 0.8
    assert test.pointing.low <= test.chance == 0.25
    assert certificate["Pointing, random weights"].verdict == "ok"
    assert certificate.overall.status == "reliable up to rank k"


def test_the_saliency_of_a_random_network_is_not_reliable(images):
    network = SmallNet(8)
    explanation = explain_images(network, images)
    pointing = pointing_accuracy(explanation, images.masks, distractors=images.distractors)
    certificate = certify(image_game(network, images), explanation, pointing=pointing)
    assert {verdict.status for verdict in certificate.rows} == {"not reliable"}
    assert "in the known mask no more often than by chance" in certificate.overall.reason


def test_a_bare_bright_lesion_is_found_with_any_weights():
    bare = CrossImages.drawn(20, n_distractors=0, seed=3).crosses
    test = randomisation_test(
        SmallNet(0), lambda other: explain_images(other, bare), masks=bare.masks, n_copies=3, random_state=0
    )
    certificate = certify(image_game(SmallNet(0), bare), explain_images(SmallNet(0), bare), randomisation=test)
    assert test.pointing.low > test.chance
    assert "the images give the place away" in certificate["Pointing, random weights"].words


def test_a_player_lies_in_the_mask_if_it_holds_half_of_what_the_best_holds(images):
    masks = np.zeros_like(images.masks)
    masks[:, 2:6, 2:6] = True  # the corner of four cells, four pixels each
    values = np.zeros((len(masks), 16))
    values[: len(masks) // 2, 5] = 1.0
    values[len(masks) // 2 :, 15] = -1.0
    pointing = pointing_accuracy(replace(edge_detector(images), values=values[..., None]), masks)
    assert pointing.chance == pytest.approx(4 / 16)
    assert pointing.accuracy.value == pytest.approx(0.5)
    assert pointing.accuracy.method == "Wilson"


def test_the_peak_of_a_map_lies_where_the_neighbours_agree(images):
    masks = np.zeros_like(images.masks)
    masks[:, 3:9, 3:9] = True  # a ninth each of eight cells, and the whole of cell 5
    values = np.zeros((len(masks), 16))
    values[:, [1, 4, 5, 6, 9]] = 0.6
    values[:, 15] = 1.0  # alone
    found = replace(edge_detector(images), values=values[..., None])
    assert pointing_accuracy(found, masks).accuracy.value == 0.0
    peak = pointing_accuracy(found, masks, at="peak")
    assert peak.accuracy.value == 1.0
    assert peak.chance == pytest.approx(36 / 256)


def test_chance_of_a_peak_is_the_share_of_pixels_among_what_catches_the_eye(images):
    found = pointing_accuracy(edge_detector(images), images.masks, distractors=images.distractors, at="peak")
    assert found.chance == pytest.approx(0.25)
    with pytest.raises(ValueError, match="at must be 'player' or 'peak', got 'top'"):
        pointing_accuracy(edge_detector(images), images.masks, at="top")


def test_a_few_hits_are_too_few_to_tell_and_misses_are_not(images):
    few = images.masks.copy()
    few[1:] = False
    edges = edge_detector(images)
    inside = np.array([images.masks[0][cell == CELLS.numpy()].any() for cell in range(16)])
    for hit, verdict in ((True, "warn"), (False, "bad")):
        values = np.tile(np.where(inside == hit, 1.0, 0.0)[:, None], (len(few), 1, 1))
        found = replace(edges, values=values + edges.values * 1e-6)
        pointing = pointing_accuracy(found, few, distractors=images.distractors)
        check = certify(image_game(SmallNet(0), images), found, pointing=pointing)["Pointing"]
        assert check.verdict == verdict


def test_random_weights_forget_running_statistics_and_parameters_of_no_layer():
    network = image_network("convnext", ImageShape(1, 16, 16), 1, width=4)
    stem_norm = network.get_submodule("stem")[1]
    with torch.no_grad():
        stem_norm.running_mean.fill_(3.0)
        stem_norm.running_var.fill_(9.0)
        for part in network.modules():
            if hasattr(part, "scale"):
                part.scale.copy_(torch.arange(part.scale.numel()))
    other = with_random_weights(network, random_state=0)
    norm = other.get_submodule("stem")[1]
    assert (norm.running_mean.abs().max().item(), norm.running_var.min().item()) == (0.0, 1.0)
    scales = [part.scale for part in other.modules() if hasattr(part, "scale")]
    assert all(not torch.equal(scale, torch.arange(float(len(scale)))) for scale in scales)
    same = [p.equal(q) for p, q in zip(network.parameters(), other.parameters(), strict=True) if len(p.unique()) > 1]
    assert not any(same)


def test_images_without_a_mask_do_not_count(images):
    masks = images.masks.copy()
    masks[1:] = False
    assert pointing_accuracy(edge_detector(images), masks).accuracy.n == 1
    with pytest.raises(ValueError, match="all are empty"):
        pointing_accuracy(edge_detector(images), np.zeros_like(masks))


def test_pointing_needs_images_and_masks_of_their_shape(images):
    with pytest.raises(ValueError, match="with an ImageLayout"):
        pointing_accuracy(explanation_of(np.ones((2, 3))), images.masks)
    with pytest.raises(ValueError, match="masks must be bool of shape"):
        pointing_accuracy(edge_detector(images), images.masks[:, :8])


def test_random_weights_change_every_layer_and_touch_nothing_else():
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.LayerNorm(4), nn.Linear(4, 1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    before, state = [p.clone() for p in network.parameters()], torch.get_rng_state()
    other = with_random_weights(network, random_state=0)
    assert all((p != q).any() for p, q in zip(network.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(p, q) for p, q in zip(network.parameters(), before, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_parameters_without_a_way_to_begin_are_shuffled():
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.arange(12.0).view(3, 4))

    shuffled = with_random_weights(Positions(), random_state=0).table
    assert not torch.equal(shuffled, Positions().table)
    assert sorted(shuffled.flatten().tolist()) == list(range(12))


def test_a_network_without_weights_cannot_forget():
    with pytest.raises(ValueError, match="network must have parameters"):
        with_random_weights(nn.ReLU(), random_state=0)


def test_one_copy_tells_no_spread(images):
    with pytest.raises(ValueError, match="n_copies must be at least 2"):
        randomisation_test(SmallNet(0), lambda _: edge_detector(images), n_copies=1)


def test_segments_that_follow_the_network_are_refused(images):
    answers = iter([explanation_of(np.ones((2, 4))), explanation_of(np.ones((2, 5)))])
    with pytest.raises(ValueError, match="same rows by the same players"):
        randomisation_test(SmallNet(0), lambda _: next(answers), n_copies=2)


def test_the_same_seed_draws_the_same_weights():
    one, other = (with_random_weights(SmallNet(0), random_state=4).look.weight for _ in range(2))
    assert torch.equal(one, other)
