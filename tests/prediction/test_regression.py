import numpy as np
import pytest
from sklearn import metrics as oracle

from appkit.prediction import regression


def test_regression_metrics_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    y, weights = rng.normal(size=50), rng.exponential(size=50)
    predicted = y + rng.normal(size=50)
    square = oracle.mean_squared_error(y, predicted, sample_weight=weights)
    assert regression.rmse(y, predicted, sample_weight=weights).value == pytest.approx(np.sqrt(square))
    assert regression.mae(y, predicted).value == pytest.approx(oracle.mean_absolute_error(y, predicted))
    assert regression.r2(y, predicted, sample_weight=weights).value == pytest.approx(
        oracle.r2_score(y, predicted, sample_weight=weights)
    )


def test_linearised_error_of_r2_agrees_with_the_jackknife():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    predicted = y + rng.normal(size=200)
    estimate = regression.r2(y, predicted)
    left_out = [oracle.r2_score(np.delete(y, row), np.delete(predicted, row)) for row in range(200)]
    jackknife = np.sqrt(199 / 200 * np.sum((left_out - np.mean(left_out)) ** 2))
    assert (estimate.high - estimate.low) / 3.92 == pytest.approx(jackknife, rel=0.05)


def test_coverage_and_width_of_intervals_by_hand():
    y, low, high = [1.0, 2.0, 3.0], [1.0, 0.0, 0.0], [2.0, 1.0, 6.0]
    assert regression.interval_coverage(y, low, high).value == pytest.approx(2 / 3)
    assert regression.interval_width(y, low, high).value == pytest.approx(8 / 3)


def test_interval_ends_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="low must not exceed high"):
        regression.interval_width([1.0], [2.0], [1.0])


def test_interval_of_the_root_is_the_root_of_that_of_the_mean_square():
    y, predicted = np.zeros(50), np.linspace(0, 2, 50)
    square = predicted**2
    half = 1.959964 * square.std(ddof=1) / np.sqrt(50)
    estimate = regression.rmse(y, predicted)
    assert (estimate.low, estimate.high) == pytest.approx(
        np.sqrt([square.mean() - half, square.mean() + half]), rel=1e-5
    )


def test_r2_of_a_constant_is_refused():
    with pytest.raises(ValueError, match="y must vary"):
        regression.r2([1.0, 1.0], [0.0, 2.0])
