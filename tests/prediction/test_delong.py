import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from appkit.prediction.delong import auc, auc_difference, auc_influence
from appkit.prediction.intervals import standard_error


@pytest.fixture(scope="module")
def tied_scores():
    rng = np.random.default_rng(0)
    y = rng.random(80) < 0.3
    score = np.round(rng.normal(size=80) + y, 1)
    return y, score, np.round(score + rng.normal(size=80), 1)


def brute_force_placements(y, score):
    wins = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
    return wins.mean(axis=1), wins.mean(axis=0)


def half_width(estimate):
    return (estimate.high - estimate.low) / 2 / 1.959963985


def test_auc_agrees_with_scikit_learn_on_ties(tied_scores):
    y, score, _ = tied_scores
    assert auc(y, score).value == pytest.approx(roc_auc_score(y, score))


def test_weighted_auc_agrees_with_scikit_learn(tied_scores):
    y, score, _ = tied_scores
    weights = np.random.default_rng(1).exponential(size=80)
    expected = roc_auc_score(y, score, sample_weight=weights)
    assert auc(y, score, sample_weight=weights).value == pytest.approx(expected)


def test_variance_is_delongs_by_brute_force(tied_scores):
    y, score, _ = tied_scores
    of_events, of_rest = brute_force_placements(y, score)
    variance = of_events.var(ddof=1) / y.sum() + of_rest.var(ddof=1) / (~y).sum()
    assert half_width(auc(y, score)) == pytest.approx(np.sqrt(variance))


def test_paired_difference_is_delongs_by_brute_force(tied_scores):
    y, score, other = tied_scores
    ours, theirs = brute_force_placements(y, score), brute_force_placements(y, other)
    events, rest = ours[0] - theirs[0], ours[1] - theirs[1]
    variance = events.var(ddof=1) / y.sum() + rest.var(ddof=1) / (~y).sum()
    difference = auc_difference(y, score, other)
    assert difference.value == pytest.approx(roc_auc_score(y, score) - roc_auc_score(y, other))
    assert half_width(difference) == pytest.approx(np.sqrt(variance))


def test_a_score_does_not_differ_from_its_own_monotone_transform(tied_scores):
    y, score, _ = tied_scores
    difference = auc_difference(y, score, np.exp(score))
    assert (difference.low, difference.value, difference.high) == (0.0, 0.0, 0.0)


def test_images_of_one_patient_count_once(tied_scores):
    y, score, _ = tied_scores
    single = auc(y, score, groups=np.arange(80))
    tripled = auc(np.repeat(y, 3), np.repeat(score, 3), groups=np.repeat(np.arange(80), 3))
    assert (tripled.low, tripled.high) == pytest.approx((single.low, single.high))


def test_perfect_ranking_of_few_pairs_is_not_certain():
    estimate = auc([0, 0, 0, 1, 1, 1, 1], [1, 2, 3, 4, 5, 6, 7])
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.025 ** (1 / 3))


def test_a_single_event_bounds_nothing():
    estimate = auc([0, 0, 1], [0.1, 0.9, 0.5])
    assert (estimate.low, estimate.value, estimate.high) == (0.0, 0.5, 1.0)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="events and non-events"):
        auc([1, 1, 1], [0.1, 0.2, 0.3])


def test_interval_covers_the_true_area():
    rng = np.random.default_rng(0)
    truth, hits = 0.760250, []  # of two unit normals one apart: Phi(1 / sqrt 2)
    for _ in range(2000):
        y = rng.random(200) < 0.3
        estimate = auc(y, rng.normal(size=200) + y)
        hits.append(estimate.low <= truth <= estimate.high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_influence_of_rows_gives_the_jackknife_error(tied_scores):
    y, score, _ = tied_scores
    left_out = [roc_auc_score(np.delete(y, row), np.delete(score, row)) for row in range(80)]
    jackknife = np.sqrt(79 / 80 * np.sum((left_out - np.mean(left_out)) ** 2))
    assert standard_error(auc_influence(y, score)[1]) == pytest.approx(jackknife, rel=0.02)


def test_two_perfect_rankings_of_few_pairs_are_not_certainly_equal():
    estimate = auc_difference([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6], [1, 3, 2, 6, 5, 4])
    reach = 1 - 0.025 ** (1 / 3)
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx((-reach, 0.0, reach))


def test_clustered_variance_is_obuchowskis_by_brute_force():
    rng = np.random.default_rng(1)
    groups, y = rng.integers(12, size=60), rng.random(60) < 0.4
    score = np.round(rng.normal(size=12)[groups] + rng.normal(size=60) + y, 1)
    wins = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
    of_event, of_rest, area = wins.mean(axis=1), wins.mean(axis=0), wins.mean()
    sums = np.array(
        [
            (of_event[groups[y] == patient] - area).sum() / y.sum()
            + (of_rest[groups[~y] == patient] - area).sum() / (~y).sum()
            for patient in range(12)
        ]
    )
    estimate = auc(y, score, groups=groups)
    half = stats.t.ppf(0.975, 11) * np.sqrt(12 / 11 * sums @ sums)
    assert (estimate.value, estimate.value - estimate.low) == pytest.approx((area, half))
