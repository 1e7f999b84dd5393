import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_pinball_loss

from domains.retail.prediction import (
    interval_coverage,
    pinball_loss,
    pinball_losses,
    quantile_coverage,
    wape,
    weighted_quantile_loss,
)

LEVELS = np.array([0.1, 0.5, 0.8, 0.95])


def demand_and_quantiles(n=400, seed=0):
    rng = np.random.default_rng(seed)
    mean = rng.gamma(2.0, 10.0, n)
    return rng.poisson(mean).astype(float), stats.poisson.ppf(LEVELS, mean[:, None])


def test_losses_are_those_of_sklearn():
    y, quantiles = demand_and_quantiles()
    for level, column in zip(LEVELS, quantiles.T, strict=True):
        assert pinball_loss(y, column, level=level).value == pytest.approx(mean_pinball_loss(y, column, alpha=level))


def test_losses_by_hand():
    # above by 2 at .9: 1.8; below by 4 at .9: .4
    np.testing.assert_allclose(pinball_losses([10.0, 4.0], [[8.0], [8.0]], levels=[0.9])[:, 0], [1.8, 0.4])


def test_the_median_alone_has_the_wape():
    y, quantiles = demand_and_quantiles()
    loss = weighted_quantile_loss(y, quantiles[:, [1]], levels=[0.5])
    assert loss.value == pytest.approx(wape(y, quantiles[:, 1]).value)


def test_many_levels_approach_the_continuous_ranked_probability_score():
    # of a normal with standard deviation s: s * (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))
    levels = np.arange(0.0005, 1.0, 0.001)
    quantiles = stats.norm.ppf(levels, 50.0, 5.0)[None, :]
    z = (57.0 - 50.0) / 5.0
    score = 5.0 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert weighted_quantile_loss([57.0], quantiles, levels=levels).value == pytest.approx(score / 57.0, rel=1e-3)


def test_true_quantiles_lose_least():
    y, quantiles = demand_and_quantiles(5000)
    losses = [weighted_quantile_loss(y, scale * quantiles, levels=LEVELS).value for scale in (0.8, 1.0, 1.2)]
    assert np.argmin(losses) == 1


def test_coverage_counts_the_ends_and_allows_for_items():
    y = np.tile([0.0, 5.0, 9.0], 10)
    alone = interval_coverage(y, np.zeros(30), np.full(30, 5.0))
    items = interval_coverage(y, np.zeros(30), np.full(30, 5.0), items=np.tile([0, 1, 2], 10))
    assert alone.value == items.value == pytest.approx(2 / 3)
    assert items.high - items.low > 2 * (alone.high - alone.low)


def test_shares_below_true_quantiles_are_their_levels_or_more():
    y, quantiles = demand_and_quantiles(5000)
    shares = quantile_coverage(y, quantiles, levels=LEVELS)
    assert [share.high > level for share, level in zip(shares, LEVELS, strict=True)] == [True] * 4
    assert shares[1].value == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("levels", [[0.5, 0.5], [0.9, 0.1], [0.0, 0.5], [0.5, 1.0], []])
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(ValueError, match="levels must rise and lie strictly between 0 and 1"):
        quantile_coverage([1.0], np.ones((1, len(levels))), levels=levels)


def test_ends_that_cross_are_refused():
    with pytest.raises(ValueError, match="low must not exceed high, got 3 and 2 in row 1"):
        interval_coverage([1.0, 1.0], [0.0, 3.0], [2.0, 2.0])
