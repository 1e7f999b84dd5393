import numpy as np
import pytest

from appkit.prediction.net_benefit import decision_curve, net_benefit


def rows(n=400, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 3, size=n)
    return rng.random(n) < p, p


def test_net_benefit_is_vickers_formula():
    y, p = rows()
    caught, false = ((p >= 0.2) & y).sum(), ((p >= 0.2) & ~y).sum()
    assert net_benefit(y, p, threshold=0.2).value == pytest.approx(caught / 400 - false / 400 * 0.2 / 0.8)


def test_acting_on_all_is_the_model_that_always_alarms():
    y, p = rows()
    curve = decision_curve(y, p, thresholds=[0.1, 0.3])
    always = [net_benefit(y, np.ones(400), threshold=t).value for t in (0.1, 0.3)]
    assert curve.act_on_all == pytest.approx(always)


def test_a_calibrated_model_gains_over_both_defaults():
    curve = decision_curve(*rows(20_000))
    assert (curve.net_benefit > np.maximum(curve.act_on_all, 0) - 0.002).all()


def test_interval_covers_the_true_net_benefit():
    truth = net_benefit(*rows(400_000, seed=1), threshold=0.3).value
    found = [net_benefit(*rows(300, seed=seed), threshold=0.3) for seed in range(400)]
    assert np.mean([f.low <= truth <= f.high for f in found]) == pytest.approx(0.95, abs=0.03)


def test_images_of_one_patient_count_once():
    y, p = rows()
    single = net_benefit(y, p, threshold=0.2, groups=np.arange(400))
    tripled = net_benefit(np.repeat(y, 3), np.repeat(p, 3), threshold=0.2, groups=np.repeat(np.arange(400), 3))
    assert (tripled.low, tripled.high) == pytest.approx((single.low, single.high))


@pytest.mark.parametrize("threshold", [0.0, 1.0, float("nan")])
def test_a_threshold_without_odds_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold must be a probability"):
        net_benefit([0, 1], [0.2, 0.8], threshold=threshold)
