import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from appkit.prediction.calibration import (
    calibration_bins,
    calibration_in_the_large,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
)


@pytest.fixture(scope="module")
def calibrated():
    rng = np.random.default_rng(0)
    p = expit(rng.normal(-1.5, 1.2, size=4000))
    return rng.random(4000) < p, p


def test_slope_and_intercept_are_those_of_a_logistic_regression(calibrated):
    y, p = calibrated
    skewed = expit(2 * logit(p) + 0.3)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(skewed)[:, None], y)
    assert calibration_slope(y, skewed).value == pytest.approx(reference.coef_[0, 0], abs=1e-4)
    assert calibration_intercept(y, skewed).value == pytest.approx(reference.intercept_[0], abs=1e-4)


def test_overconfident_predictions_have_a_slope_below_one(calibrated):
    y, p = calibrated
    honest, overconfident = calibration_slope(y, p), calibration_slope(y, expit(2 * logit(p)))
    assert honest.low < 1 < honest.high
    assert overconfident.value == pytest.approx(honest.value / 2)


def test_in_the_large_finds_the_shift_in_log_odds(calibrated):
    y, p = calibrated
    shifted = calibration_in_the_large(y, expit(logit(p) - 0.5))
    assert shifted.value == pytest.approx(calibration_in_the_large(y, p).value + 0.5)


def test_a_constant_forecast_is_right_in_the_large_by_the_log_odds_of_the_share():
    estimate = calibration_in_the_large([1, 0, 0, 0], [0.5] * 4)
    assert estimate.value == pytest.approx(logit(0.25))
    assert estimate.high - estimate.value == pytest.approx(1.959964 / np.sqrt(4 * 0.25 * 0.75), rel=1e-5)


def test_slope_does_not_exist_for_separated_outcomes():
    assert np.isnan(calibration_slope([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]).value)


def test_slope_does_not_exist_for_a_constant_forecast():
    assert np.isnan(calibration_slope([0, 1, 1], [0.5, 0.5, 0.5]).value)


def test_clustered_slope_is_less_certain_where_rows_repeat(calibrated):
    y, p = calibrated
    groups = np.repeat(np.arange(300), 4)
    once = calibration_slope(y[:300], p[:300], sample_weight=np.ones(300))
    repeated = calibration_slope(np.repeat(y[:300], 4), np.repeat(p[:300], 4), groups=groups)
    assert repeated.high - repeated.low == pytest.approx(once.high - once.low, rel=0.01)


def test_expected_error_by_hand():
    y, p = [0, 0, 1, 0, 1, 1], [0.1, 0.1, 0.4, 0.6, 0.8, 0.8]
    # halves: |1/3 - 0.2| and |2/3 - 2.2/3|, each half of the rows
    assert expected_calibration_error(y, p, n_bins=2).value == pytest.approx(0.1)


def test_expected_error_of_a_calibrated_model_has_an_interval_from_zero(calibrated):
    estimate = expected_calibration_error(*calibrated)
    assert estimate.low == 0.0
    assert estimate.value <= estimate.high < 0.03


@pytest.mark.parametrize("error", [0.0, 0.02, 0.1])
def test_expected_error_interval_covers_the_true_error(error):
    hits = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        p = rng.uniform(0.1, 0.5, size=1000)
        estimate = expected_calibration_error(rng.random(1000) < p + error, p, random_state=seed, n_draws=500)
        hits.append(estimate.low <= error <= estimate.high)
    assert np.mean(hits) > 0.91


def test_rows_of_a_group_widen_the_interval_of_the_expected_error(calibrated):
    y, p = (np.repeat(part[:300], 5) for part in calibrated)
    alone, clustered = (expected_calibration_error(y, p, groups=g) for g in (None, np.repeat(np.arange(300), 5)))
    assert clustered.low == 0.0 < alone.low
    assert clustered.high > alone.high


def test_bins_hold_equal_counts_and_all_rows(calibrated):
    bins = calibration_bins(*calibrated, min_expected_events=0)
    assert list(bins.n) == [400] * 10
    assert bins.n_events.sum() == calibrated[0].sum()


def test_bins_merge_until_each_expects_enough_events(calibrated):
    y, p = calibrated
    bins = calibration_bins(y, p)
    assert (bins.n * bins.predicted).min() >= 30
    assert len(bins.n) < 10


def test_at_least_two_bins_remain():
    bins = calibration_bins([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])
    assert len(bins.n) == 2


def test_calibrated_bins_hold_their_prediction(calibrated):
    bins = calibration_bins(*calibrated)
    assert bins.n_inside >= len(bins.n) - 1


def test_equal_probabilities_share_a_bin():
    bins = calibration_bins([0, 1, 0, 1, 0, 1], [0.2] * 4 + [0.9] * 2, min_expected_events=0)
    assert list(bins.predicted) == pytest.approx([0.2, 0.9])


def test_slope_exists_whenever_outcomes_overlap():
    slopes = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        p = expit(rng.normal(-3, 4, size=2000))  # certain predictions, some of them wrong
        slopes.append(calibration_slope(rng.random(2000) < np.clip(p, 0.02, 0.98), p).value)
    assert np.isfinite(slopes).all()
    assert np.mean(slopes) < 1


def test_slope_in_tiny_samples_exists_or_says_why():
    for seed in range(300):
        rng = np.random.default_rng(seed)
        y, p = np.append(rng.random(6) < 0.5, [False, True]), rng.random(8)
        overlap = p[y].min() < p[~y].max() and p[~y].min() < p[y].max()
        assert np.isfinite(calibration_slope(y, p).value) == overlap


def test_rows_of_weight_zero_do_not_move_the_bins():
    rng = np.random.default_rng(0)
    p = rng.uniform(size=60)
    y = rng.uniform(size=60) < p
    weight = (np.arange(60) % 3 > 0).astype(float)
    kept = weight > 0
    assert (
        expected_calibration_error(y, p, sample_weight=weight).value
        == expected_calibration_error(y[kept], p[kept]).value
    )


def test_bins_of_few_groups_are_less_sure_than_their_rows():
    rng = np.random.default_rng(0)
    p, groups = rng.uniform(0.2, 0.8, 400), np.arange(400) // 40
    y = rng.random(400) < np.clip(p + rng.normal(0, 0.2, 10)[groups], 0, 1)
    alone, clustered = calibration_bins(y, p, n_bins=2), calibration_bins(y, p, n_bins=2, groups=groups)
    assert np.array_equal(alone.observed, clustered.observed)
    assert (clustered.high - clustered.low > alone.high - alone.low).all()


def test_a_bin_of_one_group_is_one_trial():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.1, 0.9, 0.9])
    bins = calibration_bins(y, p, n_bins=2, groups=[0, 0, 1, 1])
    assert bins.low == pytest.approx([0.0, 0.025])  # Clopper-Pearson, one of one
    assert bins.high == pytest.approx([0.975, 1.0])


def test_in_the_large_widens_with_its_level(calibrated):
    usual, wide = calibration_in_the_large(*calibrated), calibration_in_the_large(*calibrated, level=0.99)
    ratio = (wide.high - wide.low) / (usual.high - usual.low)
    assert ratio == pytest.approx(stats.norm.ppf(0.995) / stats.norm.ppf(0.975))
