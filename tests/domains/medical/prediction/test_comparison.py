import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from domains.medical.prediction.comparison import compare_models


def two_models(n=120, seed=0, *, patients=None):
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.4
    shared = rng.normal(size=n) if patients is None else rng.normal(size=patients.max() + 1)[patients]
    return y, y + shared + 0.5 * rng.normal(size=n), y + shared + 0.5 * rng.normal(size=n)


def test_p_value_is_delongs_by_brute_force():
    y, p, other = two_models()
    placements = []
    for score in (p, other):
        wins = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
        placements.append((wins.mean(axis=1), wins.mean(axis=0)))
    (first_events, first_rest), (second_events, second_rest) = placements
    variance = np.var(first_events - second_events, ddof=1) / y.sum()
    variance += np.var(first_rest - second_rest, ddof=1) / (~y).sum()
    difference = roc_auc_score(y, p) - roc_auc_score(y, other)
    found = compare_models(y, p, other)
    assert found.difference.value == pytest.approx(difference)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(difference) / np.sqrt(variance)))


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(30), 4)])
def test_interval_leaves_zero_out_exactly_where_the_p_value_is_small(groups):
    for seed in range(20):
        y, p, other = two_models(seed=seed)
        found = compare_models(y, p, other + 0.4 * np.cos(7 * other), groups=groups)
        assert (found.p_value < 0.05) == (found.difference.low > 0 or found.difference.high < 0)


def test_p_values_of_equal_models_are_uniform_where_patients_have_several_images():
    patients = np.repeat(np.arange(50), 4)
    studies = [two_models(200, seed, patients=patients) for seed in range(300)]
    p_values = np.array([compare_models(*study, groups=patients).p_value for study in studies])
    assert np.mean(p_values < 0.1) == pytest.approx(0.1, abs=0.05)


def test_swapping_the_models_turns_the_difference_around():
    y, p, other = two_models()
    found, swapped = compare_models(y, p, other), compare_models(y, other, p)
    assert swapped.p_value == pytest.approx(found.p_value)
    assert (swapped.difference.low, swapped.second) == (pytest.approx(-found.difference.high), found.first)


def test_a_model_does_not_differ_from_its_own_log_odds():
    y, p, _ = two_models()
    found = compare_models(y, p, np.exp(p))
    assert (found.difference.low, found.difference.high, found.p_value) == (0.0, 0.0, 1.0)


def test_a_single_event_judges_nothing():
    assert np.isnan(compare_models([0, 0, 1], [1, 2, 3], [3, 1, 2]).p_value)


def test_scores_of_other_length_or_missing_are_refused():
    with pytest.raises(ValueError, match="other must have shape"):
        compare_models([0, 1], [0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="other must be finite"):
        compare_models([0, 1], [0.1, 0.2], [0.1, np.nan])
