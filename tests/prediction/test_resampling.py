import numpy as np
import pytest

from appkit.prediction.resampling import (
    bootstrap,
    bootstrap_estimate,
    grouped_share,
    interval_of_resamples,
    median_estimate,
    resample_counts,
    totals_estimate,
)


def mean_of(values):
    return lambda counts: counts @ values / counts.sum(axis=1)


def test_every_resample_draws_as_many_rows_as_there_are():
    counts = np.concatenate(list(resample_counts(7, n_resamples=50)))
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()


def test_strata_keep_their_size():
    strata = np.array(["a", "b", "b", "a", "b"])
    counts = np.concatenate(list(resample_counts(5, n_resamples=50, strata=strata)))
    assert (counts[:, strata == "a"].sum(axis=1) == 2).all()


def test_rows_of_a_group_are_drawn_together():
    groups = np.array([3, 1, 3, 2])
    counts = np.concatenate(list(resample_counts(4, n_resamples=50, groups=groups)))
    np.testing.assert_array_equal(counts[:, 0], counts[:, 2])


def test_strata_and_groups_exclude_each_other():
    with pytest.raises(ValueError, match="must not be given together"):
        next(resample_counts(2, strata=[0, 1], groups=[0, 1]))


def test_spread_of_resampled_means_is_the_standard_error():
    values = np.random.default_rng(0).exponential(size=400)
    spread = bootstrap(mean_of(values), 400, n_resamples=4000).std()
    assert spread == pytest.approx(values.std() / 20, rel=0.05)


def test_equal_seeds_give_equal_intervals_and_others_do_not():
    values = np.random.default_rng(0).normal(size=30)
    first, second, third = (bootstrap_estimate("mean", mean_of(values), 30, random_state=seed) for seed in (1, 1, 2))
    assert first == second
    assert first.low != third.low


def test_draws_do_not_depend_on_the_chunking(monkeypatch):
    whole = bootstrap(mean_of(np.arange(9.0)), 9, n_resamples=20)
    monkeypatch.setattr("appkit.prediction.resampling._CHUNK", 20)
    np.testing.assert_allclose(bootstrap(mean_of(np.arange(9.0)), 9, n_resamples=20), whole)


def test_reflection_mirrors_the_resamples_and_stops_at_the_floor():
    low, high = interval_of_resamples(np.linspace(0.1, 0.5, 1001), 0.2, reflected=True, floor=0.0, level=0.9)
    assert (low, high) == pytest.approx((0.0, 0.28))


def test_resamples_without_the_statistic_are_left_out():
    assert interval_of_resamples(np.array([np.nan, 1.0, 1.0]), 1.0) == (1.0, 1.0)


def root_mean(sums):
    return np.sqrt(sums[:, 0] / sums[:, 1])


def test_totals_of_groups_resample_as_their_rows_do():
    values, groups = np.random.default_rng(0).normal(size=60), np.repeat(np.arange(20), 3)
    totals = np.column_stack([values**2, np.ones(60)])
    by_totals = totals_estimate("RMS", root_mean, totals, groups=groups)
    by_rows = bootstrap_estimate(
        "RMS", lambda counts: np.sqrt(counts @ values**2 / counts.sum(axis=1)), 60, groups=groups
    )
    assert (by_totals.low, by_totals.high) == pytest.approx((by_rows.low, by_rows.high))
    assert by_totals.method == by_rows.method


def test_one_group_gives_a_value_without_an_interval():
    estimate = totals_estimate("RMS", root_mean, [[1.0, 1.0], [9.0, 1.0]], groups=["a", "a"])
    assert estimate.value == pytest.approx(np.sqrt(5))
    assert np.isnan([estimate.low, estimate.high]).all()
    assert estimate.method == "no interval: one group only"


def test_totals_without_a_statistic_are_undefined_and_say_why():
    estimate = totals_estimate("share", lambda sums: np.full(len(sums), np.nan), [[0.0]], undefined="no alarm")
    assert np.isnan(estimate.value)
    assert estimate.method == "undefined: no alarm"


def test_totals_need_one_group_per_row():
    with pytest.raises(ValueError, match="one entry for each of 2 rows"):
        totals_estimate("RMS", root_mean, [[1.0, 1.0], [2.0, 1.0]], groups=[0])


def test_a_share_of_rows_of_their_own_has_the_exact_interval():
    estimate = grouped_share("covered", np.arange(20) < 18)
    # Clopper and Pearson (1934): beta quantiles, as in R's binom.test(18, 20)
    assert (estimate.low, estimate.high) == pytest.approx((0.6830, 0.9877), abs=1e-4)


def test_a_share_of_one_among_groups_counts_groups_as_trials():
    estimate = grouped_share("covered", np.ones(30), groups=np.repeat(np.arange(10), 3))
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.025 ** (1 / 10))


def test_a_share_among_groups_is_redrawn_by_group():
    hits, groups = np.repeat([True, False, True, False, True], 4), np.repeat(np.arange(5), 4)
    estimate = grouped_share("covered", hits, groups=groups)
    assert estimate.value == 0.6
    assert (estimate.low, estimate.high) == pytest.approx((0.2, 1.0))


def test_a_share_of_nothing_is_undefined():
    assert grouped_share("covered", [], undefined="no alarm").method == "undefined: no alarm"


@pytest.mark.parametrize("n", [2, 7, 10])
def test_median_and_its_resamples_agree_with_numpy(n):
    values = np.random.default_rng(n).normal(size=n)
    resamples = np.concatenate(list(resample_counts(n, n_resamples=400)))
    expected = [np.median(np.repeat(np.sort(values), counts.astype(int))) for counts in resamples]
    estimate = median_estimate("median", values, n_resamples=400)
    assert estimate.value == pytest.approx(np.median(values))
    assert (estimate.low, estimate.high) == pytest.approx(interval_of_resamples(np.array(expected), estimate.value))


def test_median_of_one_value_has_no_interval():
    estimate = median_estimate("median", [3.0])
    assert estimate.value == 3.0
    assert np.isnan(estimate.low)
