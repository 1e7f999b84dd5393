import numpy as np
import pytest
from scipy import stats

from appkit.prediction.intervals import (
    clopper_pearson_interval,
    exact_share,
    jeffreys_interval,
    linear_estimate,
    mean_estimate,
    normal_estimate,
    proportion,
    standard_error,
    wilson_interval,
)


@pytest.mark.parametrize("successes", [0, 1, 7, 30])
@pytest.mark.parametrize(
    ("interval", "method"), [(wilson_interval, "wilson"), (clopper_pearson_interval, "exact")], ids=["wilson", "exact"]
)
def test_intervals_of_a_proportion_agree_with_scipy(interval, method, successes):
    expected = stats.binomtest(successes, 30).proportion_ci(0.95, method=method)
    assert np.array(interval(successes, 30)) == pytest.approx(np.array(expected), abs=1e-12)


def test_jeffreys_interval_is_the_posterior_quantile():
    low, high = jeffreys_interval(3, 20)
    assert stats.beta.cdf([low, high], 3.5, 17.5) == pytest.approx([0.025, 0.975])


def test_jeffreys_interval_reaches_the_ends_without_successes_or_failures():
    low, high = jeffreys_interval([0, 20], 20)
    assert (low[0], high[1]) == (0.0, 1.0)


def test_wilson_covers_what_it_promises():
    n, rates = 40, np.array([0.05, 0.2, 0.5])
    low, high = wilson_interval(np.arange(n + 1), n)
    coverage = [stats.binom.pmf(np.arange(n + 1), n, rate) @ ((low <= rate) & (rate <= high)) for rate in rates]
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.015)


def test_proportion_rejects_more_successes_than_rows():
    with pytest.raises(ValueError, match="between 0 and n"):
        proportion("share", 4, 3)


def test_proportion_names_the_methods_it_knows():
    with pytest.raises(ValueError, match="Wilson"):
        proportion("share", 1, 3, method="Wald")


def test_normal_estimate_is_1_96_standard_errors_wide():
    estimate = normal_estimate("slope", 1.0, 0.1, n=50)
    assert (estimate.low, estimate.high) == pytest.approx((0.804, 1.196), abs=1e-4)


def test_mean_has_the_standard_error_of_a_mean():
    values = np.random.default_rng(0).normal(size=100)
    estimate = mean_estimate("mean", values)
    half = stats.norm.ppf(0.975) * values.std(ddof=1) / 10
    assert (estimate.high - estimate.low) / 2 == pytest.approx(half)


def test_repeated_rows_of_a_group_add_no_certainty():
    values = np.random.default_rng(0).normal(size=50)
    once = standard_error((values - values.mean()) / 50)
    repeated, groups = np.repeat(values, 8), np.repeat(np.arange(50), 8)
    clustered = standard_error((repeated - repeated.mean()) / 400, groups=groups)
    assert clustered == pytest.approx(once)


def test_integer_weights_give_the_mean_of_repeated_rows():
    values, weights = np.array([1.0, 2.0, 6.0]), np.array([1, 2, 3])
    assert mean_estimate("mean", values, sample_weight=weights).value == pytest.approx(23 / 6)


def test_a_share_of_one_keeps_an_honest_lower_end():
    estimate = linear_estimate("share", 1.0, np.zeros(20), bounds=(0.0, 1.0))
    assert estimate.low == pytest.approx(0.025 ** (1 / 20))
    assert estimate.method == "Clopper-Pearson"


def test_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="groups must have shape"):
        standard_error(np.zeros(4), groups=[1, 2])


def test_a_share_of_independent_rows_has_the_exact_interval():
    estimate = exact_share("share", np.arange(40) < 37, groups=np.arange(40))
    oracle = stats.binomtest(37, 40).proportion_ci(method="exact")
    assert (estimate.low, estimate.high) == pytest.approx((oracle.low, oracle.high))


def test_a_share_of_groups_is_korn_and_graubards_by_hand():
    hits, groups = np.array([1, 1, 1, 1, 0, 0, 1, 1, 1, 1], dtype=bool), np.repeat([0, 1, 2, 3], [4, 3, 2, 1])
    estimate = exact_share("share", hits, groups=groups)
    sums = np.array([4 - 3.2, 1 - 2.4, 2 - 1.6, 1 - 0.8]) / 10
    rows = 0.16 / (4 / 3 * sums @ sums) * (stats.t.ppf(0.975, 9) / stats.t.ppf(0.975, 3)) ** 2
    ends = stats.beta.ppf([0.025, 0.975], [0.8 * rows, 0.8 * rows + 1], [0.2 * rows + 1, 0.2 * rows])
    assert (estimate.low, estimate.high) == pytest.approx(tuple(ends))


def test_a_share_of_groups_covers_what_redrawing_them_does_not():
    rng, covered = np.random.default_rng(0), []
    for _ in range(400):
        size = 1 + rng.poisson(2, 25)
        groups = np.repeat(np.arange(25), size)
        rate = rng.beta(0.95, 0.05, 25)  # images of a patient are read rightly together
        estimate = exact_share("share", rng.random(len(groups)) < rate[groups], groups=groups)
        covered.append(estimate.low <= 0.95 <= estimate.high)
    assert 0.93 <= np.mean(covered) <= 1.0


def test_ten_images_of_each_patient_without_a_miss_are_as_many_trials_as_patients():
    estimate = exact_share("share", np.ones(60, dtype=bool), groups=np.repeat(np.arange(6), 10))
    assert estimate.low == pytest.approx(0.025 ** (1 / 6))


def test_one_patient_says_nothing_of_others():
    estimate = exact_share("share", [True, False, True], groups=[7, 7, 7])
    assert np.isnan(estimate.low)
    assert estimate.method == "no interval: one group only"


def test_a_share_of_no_row_is_undefined():
    assert np.isnan(exact_share("share", np.array([], dtype=bool)).value)
