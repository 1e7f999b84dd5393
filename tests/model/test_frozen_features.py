"""Weights from elsewhere: what stays as it was, and what is learnt on top."""

import numpy as np
import pytest
import torch

from appkit.model import ImageClassifier
from appkit.model.image_networks import image_network
from appkit.persistence import load, save

QUICK = {"width": 8, "random_state": 0, "progress": False}


def spots(n=64, *, size=16, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (n, size, size)).astype(np.uint8)
    images[1::2, 4:9, 4:9] += 150
    return images, np.array(["clear", "lesion"] * (n // 2))


@pytest.fixture
def weights(tmp_path):
    """Return a file of random weights of the compact network, and what is in it."""
    from appkit.data.images import ImageShape

    torch.manual_seed(5)
    module = image_network("resnet", ImageShape(1, 16, 16), 1, width=8)
    torch.save(module.state_dict(), tmp_path / "start.pt")
    return tmp_path / "start.pt", module.state_dict()


def test_the_last_layer_alone_is_learnt(weights):
    path, start = weights
    images, labels = spots()
    model = ImageClassifier(weights=path, fine_tune="none", average_flips=False, **QUICK).fit(images, labels)
    fitted = model.module_.networks[0].state_dict()
    changed = [name for name in start if not torch.equal(fitted[name], start[name])]
    assert changed == ["output.weight", "output.bias"]
    assert model.score(images, labels) == 1.0
    assert list(model.history_["epoch"]) == [1, 2, 3, 4, 5, 6]  # one line per penalty tried


def test_the_mean_over_flips_is_what_a_frozen_model_says_of_an_image(weights):
    images, labels = spots()
    model = ImageClassifier(weights=weights[0], fine_tune="none", **QUICK).fit(images, labels)
    mirrored = images[..., ::-1].copy()
    assert model.predict_proba(mirrored) == pytest.approx(model.predict_proba(images), abs=1e-6)


def test_a_frozen_model_is_judged_on_validation_images_it_did_not_learn_from(weights):
    (images, labels), (others, answers) = spots(), spots(seed=1)
    options = {"weights": weights[0], "fine_tune": "none"} | QUICK
    plain = ImageClassifier(**options).fit(images, labels, X_val=others, y_val=answers)
    turned = ImageClassifier(**options).fit(images, labels, X_val=others, y_val=answers[::-1])
    slopes = [m.module_.networks[0].network.output.weight for m in (plain, turned)]
    strength_only = torch.nn.functional.cosine_similarity(slopes[0], slopes[1])
    assert strength_only > 0.9  # another penalty may be chosen, but not other answers learnt


def test_last_stage_learns_and_the_rest_stays(weights):
    path, start = weights
    images, labels = spots()
    model = ImageClassifier(weights=path, fine_tune="last-stage", n_networks=1, max_epochs=2, **QUICK)
    fitted = model.fit(images, labels).module_.networks[0].state_dict()
    changed = {name.split(".")[0] for name in start if not torch.equal(fitted[name], start[name])}
    assert changed == {"stage3", "output"}


def test_a_loaded_model_needs_no_file_of_weights(weights, tmp_path):
    images, labels = spots()
    model = ImageClassifier(weights=weights[0], fine_tune="none", **QUICK).fit(images, labels)
    path = save(model, tmp_path / "model.appkit")
    weights[0].unlink()
    assert np.array_equal(load(path).predict_proba(images), model.predict_proba(images))


def test_freezing_needs_weights():
    images, labels = spots()
    with pytest.raises(ValueError, match="fine_tune='none' needs weights to start from"):
        ImageClassifier(fine_tune="none", **QUICK).fit(images, labels)
