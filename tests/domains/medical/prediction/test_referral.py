import math

import numpy as np
import pytest
from scipy import integrate, stats

from domains.medical.prediction.referral import (
    distance_uncertainty,
    referral_curve,
    referral_outcome,
    referral_threshold,
)


def study(n=600, seed=0):
    """Return calibrated outcomes of uniform probabilities: kept halves err in 1 of 8, all in 1 of 4."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=n)
    return rng.random(n) < p, p


def by_hand(y, p, doubt, share):
    kept = np.argsort(doubt, kind="stable")[: len(y) - round(share * len(y))]
    right = (p[kept] >= 0.5) == y[kept]
    return right.mean(), right[y[kept]].mean(), right[~y[kept]].mean()


def test_curve_is_that_of_rows_dropped_one_by_one():
    y, p = study()
    curve = referral_curve(y, p, threshold=0.5, shares=[0, 0.25, 0.5, 0.9], n_resamples=50)
    for place, share in enumerate(curve.share_referred):
        found = (curve.accuracy[place].value, curve.sensitivity[place].value, curve.specificity[place].value)
        assert found == pytest.approx(by_hand(y, p, np.abs(p - 0.5) * -1, share))
        assert curve.error[place].value == pytest.approx(1 - found[0])


def test_area_is_the_mean_error_over_all_shares():
    y, p = study(200)
    shares = np.linspace(0, 1, 401)[:-1]
    curve = referral_curve(y, p, threshold=0.5, shares=shares, n_resamples=2)
    errors = [figure.value for figure in curve.error]
    assert curve.area.value == pytest.approx(integrate.trapezoid(errors, shares), abs=5e-3)


def test_doubt_that_says_nothing_leaves_the_error_as_it_is():
    y, p = study()
    curve = referral_curve(y, p, threshold=0.5, uncertainty=np.ones(600), n_resamples=200)
    overall = np.mean((p >= 0.5) != y)
    assert [figure.value for figure in curve.error] == pytest.approx([overall] * 19)
    assert curve.area.value == pytest.approx(overall)


def test_order_of_equal_doubts_does_not_matter():
    y, p = study()
    doubt, shuffled = np.round(p, 1), np.random.default_rng(3).permutation(600)
    curve = referral_curve(y, p, threshold=0.5, uncertainty=doubt, n_resamples=2)
    again = referral_curve(y[shuffled], p[shuffled], threshold=0.5, uncertainty=doubt[shuffled], n_resamples=2)
    assert [f.value for f in again.sensitivity] == pytest.approx([f.value for f in curve.sensitivity])


def test_intervals_cover_error_and_area_of_the_population():
    covered = []
    for seed in range(80):
        curve = referral_curve(*study(150, seed), threshold=0.5, shares=[0, 0.5], n_resamples=150)
        figures = (*curve.error, curve.area)
        covered.append([f.low <= truth <= f.high for f, truth in zip(figures, (0.25, 0.125, 0.125), strict=True)])
    assert (np.mean(covered, axis=0) > 0.9).all()


def test_intervals_redraw_whole_patients():
    y, p = study(150)
    single = referral_curve(y, p, threshold=0.5, shares=[0.3], n_resamples=400).error[0]
    rows, patients = np.repeat(np.arange(150), 5), np.repeat(np.arange(150), 5)
    copied = referral_curve(y[rows], p[rows], threshold=0.5, shares=[0.3], groups=patients, n_resamples=400).error[0]
    assert (copied.low, copied.high) == pytest.approx((single.low, single.high), abs=0.03)
    assert "150 patients" in copied.method


def test_no_error_kept_is_not_a_promise_of_none():
    y, p = np.repeat([True, False], 20), np.repeat([0.9, 0.1], 20)
    curve = referral_curve(y, p, threshold=0.5, shares=[0, 0.5], n_resamples=100)
    upper = stats.binomtest(0, 40).proportion_ci(method="exact").high
    assert (curve.error[0].value, curve.error[0].high) == pytest.approx((0, upper))
    assert (curve.area.low, curve.area.value, curve.area.high) == pytest.approx((0, 0, upper))


def test_share_without_an_event_is_undefined():
    y, p = np.array([True] + [False] * 19), np.append(0.5, np.linspace(0, 0.3, 19))
    curve = referral_curve(y, p, threshold=0.45, shares=[0, 0.5], n_resamples=50)
    assert curve.sensitivity[0].value == 1
    assert np.isnan(curve.sensitivity[1].value)


def test_doubt_is_nearness_in_log_odds():
    assert distance_uncertainty([0.1, 0.2, 0.05], threshold=0.1) == pytest.approx(
        [0, -math.log(9 / 4), -math.log(19 / 9)]
    )


def test_rule_keeps_the_most_rows_that_err_no_more_often_than_wanted():
    y, p = study()
    rule = referral_threshold(y, p, threshold=0.5, wanted_error=0.1)
    order = np.argsort(-np.abs(p - 0.5))
    errors = np.cumsum(((p >= 0.5) != y)[order]) / np.arange(1, 601)
    n_kept = int(np.flatnonzero(errors <= 0.1)[-1]) + 1
    assert rule.share_referred == pytest.approx(1 - n_kept / 600)
    assert rule.refers(p).sum() == 600 - n_kept


def test_rule_with_confidence_keeps_its_word_on_new_rows():
    broken = 0
    for seed in range(100):
        rule = referral_threshold(*study(600, seed), threshold=0.5, wanted_error=0.1, confidence=0.9)
        half = 0.5 - 1 / (1 + math.exp(-rule.cutoff))  # kept: beyond this distance of 0.5; they err in (1 - 2 half) / 4
        broken += (1 - 2 * half) / 4 > 0.1
        assert rule.share_referred > 0
    assert broken <= 10


def test_rule_is_measured_on_other_rows():
    rule = referral_threshold(*study(3000), threshold=0.5, wanted_error=0.1)
    y, p = study(3000, seed=1)
    found = referral_outcome(rule, y, p)
    kept = ~rule.refers(p)
    assert found.referred.value == pytest.approx(1 - kept.mean())
    assert found.error.value == pytest.approx(np.mean((p[kept] >= 0.5) != y[kept]))
    assert found.error.value == pytest.approx(0.1, abs=0.03)


def test_an_error_that_no_cutoff_meets_refers_everything():
    y, p = np.array([0, 1, 0, 1]), np.array([0.99, 0.02, 0.6, 0.4])
    rule = referral_threshold(y, p, threshold=0.5, wanted_error=0.05)
    assert (rule.cutoff, rule.share_referred) == (-math.inf, 1.0)
    assert rule.refers(p).all()
    assert np.isnan(referral_outcome(rule, y, p).error.value)


def test_what_cannot_be_chosen_is_refused():
    with pytest.raises(ValueError, match="y_val must hold events"):
        referral_threshold([0, 0], [0.1, 0.2], threshold=0.5, wanted_error=0.1)
    with pytest.raises(ValueError, match="wanted_error must be a share"):
        referral_threshold([0, 1], [0.1, 0.2], threshold=0.5, wanted_error=10)
    with pytest.raises(ValueError, match="confidence must be a probability"):
        referral_threshold([0, 1], [0.1, 0.2], threshold=0.5, wanted_error=0.1, confidence=95)
    with pytest.raises(ValueError, match="shares must be a list of shares"):
        referral_curve([0, 1], [0.1, 0.2], threshold=0.5, shares=[0, 1])
    with pytest.raises(ValueError, match="uncertainty must have shape"):
        referral_curve([0, 1], [0.1, 0.2], threshold=0.5, uncertainty=[1.0])
    with pytest.raises(ValueError, match="threshold must be a probability strictly between"):
        referral_curve([0, 1], [0.1, 0.2], threshold=1.0)
