import numpy as np
import pytest
from sklearn.metrics import roc_curve as sklearn_roc_curve

from appkit.prediction.curves import histogram, roc_curve


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(0)
    y = rng.random(500) < 0.3
    return y, np.round(rng.normal(size=500) + y, 1)


def test_curve_is_scikit_learns_on_the_grid(scored):
    y, score = scored
    false_alarms, caught, _ = sklearn_roc_curve(y, score, drop_intermediate=False)
    curve = roc_curve(y, score)
    assert len(curve.sensitivity) == 101
    np.testing.assert_allclose(curve.sensitivity, np.interp(curve.false_alarm_rate, false_alarms, caught), atol=1e-12)


def test_band_surrounds_the_curve_and_closes_at_the_corner(scored):
    curve = roc_curve(*scored)
    assert (curve.low <= curve.sensitivity + 1e-12).mean() > 0.99
    assert (curve.high >= curve.sensitivity - 1e-12).mean() > 0.99
    assert curve.low[-1] == curve.high[-1] == 1.0


def test_band_has_the_width_of_a_binomial_share():
    rng = np.random.default_rng(0)
    y = np.arange(20_000) < 2_000  # thresholds are almost known: the noise is in the 2 000 events
    curve = roc_curve(y, rng.normal(size=20_000) + 1.5 * y, n_points=3, n_resamples=500)
    share = curve.sensitivity[1]
    assert curve.high[1] - curve.low[1] == pytest.approx(3.92 * np.sqrt(share * (1 - share) / 2_000), rel=0.15)


def test_grouped_band_is_wider_where_rows_repeat(scored):
    y, score = (np.repeat(part, 5) for part in scored)
    alone, grouped = roc_curve(y, score), roc_curve(y, score, groups=np.repeat(np.arange(500), 5))
    assert (grouped.high - grouped.low).mean() > 1.8 * (alone.high - alone.low).mean()


def test_histogram_counts_every_finite_value():
    result = histogram(np.append(np.random.default_rng(0).normal(size=5000), np.nan))
    assert result.counts.sum() == 5000
    assert len(result.counts) <= 40


def test_histogram_of_a_constant_is_one_bar():
    result = histogram([2.0, 2.0])
    assert (list(result.edges), list(result.counts)) == ([1.5, 2.5], [2.0])


def test_histogram_without_a_number_is_refused():
    with pytest.raises(ValueError, match="at least one finite"):
        histogram([np.nan])
