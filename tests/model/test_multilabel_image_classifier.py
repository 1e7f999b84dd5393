"""Several findings at once: one probability each, whatever the others say."""

import numpy as np
import pandas as pd
import pytest

from appkit.model import MultiLabelImageClassifier
from appkit.persistence import load, save

QUICK = {"width": 8, "n_networks": 1, "max_epochs": 40, "random_state": 0, "progress": False}


@pytest.fixture(scope="module")
def findings():
    """Return images with a square on the left, on the right, on both sides or on none."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (80, 12, 12)).astype(np.uint8)
    shown = pd.DataFrame(rng.integers(0, 2, (80, 2)), columns=["left", "right"])
    images[shown["left"] == 1, 1:5, 1:5] += 150
    images[shown["right"] == 1, 1:5, 7:11] += 150
    return images, shown


@pytest.fixture(scope="module")
def fitted(findings):
    return MultiLabelImageClassifier(**QUICK).fit(*findings)


def test_each_finding_has_a_probability_of_its_own(fitted, findings):
    images, shown = findings
    assert fitted.output_names_ == ("left", "right")
    assert (fitted.predict(images) == shown.to_numpy()).mean() > 0.95
    both = shown.all(axis=1).to_numpy()
    assert (fitted.predict_proba(images)[both].sum(axis=1) > 1.5).all()


def test_score_counts_images_all_of_whose_findings_are_right(fitted, findings):
    images, shown = findings
    assert fitted.score(images, shown) == (fitted.predict(images) == shown).all(axis=1).mean()


def test_a_loaded_model_answers_the_same(fitted, findings, tmp_path):
    loaded = load(save(fitted, tmp_path / "findings.appkit"))
    assert np.array_equal(loaded.predict_proba(findings[0]), fitted.predict_proba(findings[0]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: y[:, 0], r"shape \(80, n_labels\)"),
        (lambda y: y * 2, "must hold 0 or 1, got 2"),
        (lambda y: np.where(np.arange(160).reshape(80, 2) == 7, np.nan, y), "missing in row 3, column 1"),
        (lambda y: np.column_stack([y[:, 0], np.ones(80)]), "'label 1' is 1 in all"),
    ],
)
def test_wrong_targets_are_refused(findings, change, words):
    images, shown = findings
    with pytest.raises(ValueError, match=words):
        MultiLabelImageClassifier(**QUICK).fit(images, change(shown.to_numpy().astype(float)))
