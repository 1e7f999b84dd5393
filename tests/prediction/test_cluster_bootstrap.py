import numpy as np
import pytest
from scipy import stats

from appkit.prediction.cluster_bootstrap import Clusters, expanded_level
from appkit.prediction.estimate import Estimate

MEAN = Estimate("Mean", 2.0, 1.0, 3.0, method="Wald", n=40)


def statistic_of(values):
    return lambda counts: counts @ values / counts.sum(axis=1)


def test_sums_are_those_of_each_group():
    clusters = Clusters(np.array([0, 1, 0]))
    assert clusters.sums(np.array([1.0, 2.0, 3.0]), np.ones(3)).tolist() == [[4.0, 2.0], [2.0, 1.0]]


def test_percentiles_of_few_groups_reach_as_far_as_students_t():
    # a mean of 10 normal group means: the resamples spread by sd / root 10, short of Student's interval
    values = stats.norm.ppf((np.arange(10) + 0.5) / 10) + 2
    found = Clusters(np.arange(10)).redraw(MEAN, statistic_of(values))
    half = stats.t.ppf(0.975, 9) * values.std(ddof=1) / np.sqrt(10)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)
    assert expanded_level(10) > 0.95


def test_equal_seeds_give_equal_intervals():
    values = np.arange(12.0)
    first, second = (Clusters(np.arange(12), random_state=3).redraw(MEAN, statistic_of(values)) for _ in range(2))
    assert first == second


def test_a_statistic_that_is_off_by_a_constant_is_moved():
    values = np.arange(5.0)
    plain = Clusters(np.arange(5)).redraw(MEAN, statistic_of(values))
    moved = Clusters(np.arange(5)).redraw(MEAN, lambda counts: statistic_of(values)(counts) - 0.3, shift=True)
    assert (moved.low, moved.high) == pytest.approx((plain.low, plain.high))


def test_groups_that_all_say_the_same_keep_the_interval_they_came_with():
    found = Clusters(np.arange(6), "engines").redraw(MEAN, statistic_of(np.full(6, 2.0)))
    assert (found.low, found.high) == (1.0, 3.0)
    assert found.method == "Wald, clustered by 6 engines"


def test_a_great_many_groups_keep_the_interval_they_came_with():
    codes = np.arange(2_001)
    assert Clusters(codes).redraw(MEAN, statistic_of(codes * 1.0)).low == 1.0


def test_what_does_not_exist_is_left_as_it_is():
    nothing = Estimate("Precision", np.nan, np.nan, np.nan, method="none: no such row", n=0)
    assert Clusters(np.arange(3)).redraw(nothing, statistic_of(np.arange(3.0))).method == "none: no such row"
