import numpy as np
import pytest

from appkit.model.costs import Costs
from appkit.prediction.thresholds import (
    cost_difference,
    expected_cost,
    operating_point,
    operating_point_at_sensitivity,
    operating_point_at_specificity,
    threshold_at_sensitivity,
    threshold_of_youden,
)

COSTS = Costs(missed_event=5, false_alarm=1, currency="EUR")


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 4, size=2000)
    return rng.random(2000) < p, p


def test_cost_by_hand():
    assert expected_cost([1, 1, 0, 0, 0], [1, 0, 1, 0, 0], COSTS).value == pytest.approx(6 / 5)


def test_interval_of_the_cost_is_that_of_a_mean(scored):
    y, p = scored
    estimate = expected_cost(y, p >= 1 / 6, COSTS, n_resamples=4000)
    error = COSTS.of(y, p >= 1 / 6).std() / np.sqrt(2000)
    assert (estimate.high - estimate.low) / 3.92 == pytest.approx(error, rel=0.05)


def test_grouped_and_ungrouped_bootstrap_agree_when_each_row_is_a_group(scored):
    y, p = scored
    alone = expected_cost(y, p >= 0.2, COSTS)
    grouped = expected_cost(y, p >= 0.2, COSTS, groups=np.arange(2000))
    assert grouped.value == pytest.approx(alone.value)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high), abs=0.01)


def test_closed_form_threshold_is_no_dearer_than_any_other(scored):
    y, p = scored
    own = expected_cost(y, p >= COSTS.threshold, COSTS).value
    others = [expected_cost(y, p >= threshold, COSTS, n_resamples=1).value for threshold in np.linspace(0, 1, 51)]
    assert own <= min(others) + 0.02


def test_difference_is_paired(scored):
    y, p = scored
    alarm, other = p >= 1 / 6, p >= 1 / 6 + 1e-3
    paired = cost_difference(y, alarm, other, costs=COSTS)
    single = expected_cost(y, alarm, COSTS)
    assert paired.high - paired.low < 0.3 * (single.high - single.low)


def test_difference_of_a_decision_with_itself_is_exactly_zero(scored):
    y, p = scored
    estimate = cost_difference(y, p > 0.2, p > 0.2, costs=COSTS)
    assert (estimate.low, estimate.value, estimate.high) == (0.0, 0.0, 0.0)


def test_point_at_a_sensitivity_is_the_highest_threshold_that_reaches_it(scored):
    y, p = scored
    point = operating_point_at_sensitivity(y, p, 0.9)
    higher = operating_point(y, p, threshold=np.nextafter(point.threshold, 1))
    assert higher.sensitivity.value < 0.9 <= point.sensitivity.value


def test_point_at_a_specificity_is_the_lowest_threshold_that_reaches_it(scored):
    y, p = scored
    point = operating_point_at_specificity(y, p, 0.8)
    lower = operating_point(y, p, threshold=np.nextafter(point.threshold, 0))
    assert lower.specificity.value < 0.8 <= point.specificity.value


def test_full_specificity_is_reachable(scored):
    assert operating_point_at_specificity(*scored, 1.0).specificity.value == 1.0


def test_target_must_be_a_share(scored):
    with pytest.raises(ValueError, match="target must lie in"):
        operating_point_at_sensitivity(*scored, 90)


def test_youdens_threshold_is_the_best_by_brute_force(scored):
    y, p = scored
    found = threshold_of_youden(y, p)
    sums = {t: (p[y] >= t).mean() + (p[~y] < t).mean() for t in np.unique(p)}
    assert found == min(t for t in sums if np.isclose(sums[t], max(sums.values()), atol=1e-12))


def test_thresholds_of_rows_without_an_event_are_refused():
    with pytest.raises(ValueError, match="events and non-events"):
        threshold_at_sensitivity([0, 0, 0], [0.1, 0.2, 0.3], 0.9)
