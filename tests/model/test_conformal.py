"""Conformal sets and intervals cover what they promise."""

import numpy as np
import pytest

from appkit.model.conformal import conformal_quantile, interval_half_width, prediction_sets


def test_interval_covers_the_promised_share():
    residuals = np.abs(np.random.default_rng(0).normal(size=2_000))
    half_width = interval_half_width(residuals[:1_000], alpha=0.1)
    assert np.mean(residuals[1_000:] <= half_width) == pytest.approx(0.9, abs=0.03)


def test_sets_cover_each_class_not_only_the_average():
    rng = np.random.default_rng(1)
    y = (rng.random(8_000) < 0.1).astype(int)
    p1 = np.clip(rng.normal(0.2 + 0.3 * y, 0.15), 0.001, 0.999)
    probabilities = np.column_stack([1 - p1, p1])
    scores = 1 - probabilities[np.arange(8_000), y]
    held = np.arange(8_000) < 4_000
    by_class = [scores[held & (y == c)] for c in (0, 1)]
    sets = prediction_sets(probabilities[~held], by_class, alpha=0.1)
    covered = sets[np.arange(4_000), y[~held]]
    assert covered[y[~held] == 0].mean() == pytest.approx(0.9, abs=0.03)
    assert covered[y[~held] == 1].mean() == pytest.approx(0.9, abs=0.05)


def test_too_few_scores_rule_nothing_out():
    sets = prediction_sets(np.array([[0.01, 0.99]]), [np.array([0.1]), np.linspace(0, 1, 100)], alpha=0.05)
    assert sets[0, 0]


def test_too_few_residuals_say_how_many_are_needed():
    with pytest.raises(ValueError, match="needs at least 19 held-out rows"):
        interval_half_width(np.ones(5), alpha=0.05)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1])
def test_alpha_outside_its_range_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha must lie strictly between 0 and 1"):
        conformal_quantile(np.ones(5), alpha=alpha)
