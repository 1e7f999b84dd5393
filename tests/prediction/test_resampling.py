import numpy as np
import pytest

from appkit.prediction.resampling import bootstrap, bootstrap_estimate, interval_of_resamples, resample_counts


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
