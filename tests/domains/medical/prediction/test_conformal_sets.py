import numpy as np
import pytest
from scipy import stats

from appkit.model.conformal import prediction_sets
from domains.medical.prediction.conformal_sets import conformal_summary


def test_coverage_of_each_class_is_exact():
    codes = np.repeat([0, 1], [60, 40])
    sets = np.zeros((100, 2), dtype=bool)
    sets[:57, 0], sets[60:94, 1], sets[90:, 0] = True, True, True
    summary = conformal_summary(codes, sets, alpha=0.1)
    for found, hits, n in zip(summary.by_class, (57, 34), (60, 40), strict=True):
        oracle = stats.binomtest(hits, n).proportion_ci(method="exact")
        assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))
    assert [size.value for size in summary.sizes] == pytest.approx([0.03, 0.93, 0.04])
    assert (summary.promised, summary.mean_size) == pytest.approx((0.9, 1.01))


def test_sets_of_our_own_conformal_scores_hold_each_class_as_promised():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 1, size=6000)
    y, proba = (rng.random(6000) < p).astype(int), np.column_stack([1 - p, p])
    scores = [1 - proba[:3000][y[:3000] == code, code] for code in (0, 1)]
    summary = conformal_summary(y[3000:], prediction_sets(proba[3000:], scores, alpha=0.1))
    assert all(found.low <= 0.9 <= found.high for found in summary.by_class)


def test_a_class_without_an_image_is_undefined_and_stays():
    summary = conformal_summary([0, 0], [[True, False, False]] * 2, classes=["a", "b", "c"])
    assert [found.name for found in summary.by_class] == ["Coverage of a", "Coverage of b", "Coverage of c"]
    assert np.isnan(summary.by_class[1].value)


def test_images_of_one_patient_widen_the_interval():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 5)
    sets = np.repeat(rng.random(20) < 0.8, 5)[:, None] & np.array([True, False])
    codes = np.zeros(100, dtype=int)
    plain, clustered = (conformal_summary(codes, sets, groups=given).coverage for given in (None, groups))
    assert clustered.high - clustered.low > 1.5 * (plain.high - plain.low)


def test_probabilities_are_no_sets():
    with pytest.raises(ValueError, match="sets must be boolean"):
        conformal_summary([0, 1], [[0.9, 0.1], [0.2, 0.8]])


@pytest.mark.parametrize("codes", [[0, 2], [-1, 0], [0.5, 1.0]])
def test_codes_beyond_the_classes_are_refused(codes):
    with pytest.raises(ValueError, match="codes must be class numbers from 0 to 1"):
        conformal_summary(codes, [[True, False]] * 2)


def test_sets_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="sets must have shape"):
        conformal_summary([0, 1, 1], [[True, False]] * 2)
    with pytest.raises(ValueError, match="classes must name each of 2 columns"):
        conformal_summary([0, 1], [[True, False]] * 2, classes=["a"])
