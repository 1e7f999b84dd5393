import numpy as np
import pytest
from scipy import stats

from domains.retail.prediction import critical_level, stock_at, stock_cost_curve, stock_costs

LEVELS = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95])


def shop(n=6000, seed=0):
    """Return exponential demand, its true quantiles and items of six weeks each."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(4.0, 10.0, n)
    return rng.exponential(mean), stats.expon.ppf(LEVELS, scale=mean[:, None]), np.arange(n) // 6


def test_costs_of_want_and_excess_by_hand():
    costs = stock_costs(
        np.array([4.0, 9.0, 5.0]), np.array([6.0, 8.0, -1.0]), understock=3.0, overstock=[1.0, 1.0, 1.0]
    )
    np.testing.assert_allclose(costs, [[0, 2], [3, 0], [15, 0]])


def test_the_cost_of_true_quantiles_is_the_closed_form():
    # exponential demand of mean m, stocked to s = -m log(1 - q): u m (1 - q) + o (s - m q)
    y, quantiles, items = shop()
    curve = stock_cost_curve(y, quantiles, levels=LEVELS, understock=4.0, overstock=1.0, items=items)
    mean = quantiles[:, 0].mean() / np.log(2)
    expected = 4.0 * mean * (1 - LEVELS) + mean * (-np.log(1 - LEVELS) - LEVELS)
    np.testing.assert_allclose([point.value for point in curve.cost], expected, rtol=0.05)
    assert all(point.low <= value <= point.high for point, value in zip(curve.cost, expected, strict=True))


def test_true_quantiles_cost_least_at_the_critical_level():
    y, quantiles, _ = shop()
    curve = stock_cost_curve(y, quantiles, levels=LEVELS, understock=4.0, overstock=1.0, n_resamples=50)
    assert curve.critical_level == 0.8
    assert curve.best_level == 0.8
    assert curve.at_critical.value == curve.best_cost.value


def test_parts_add_up_and_more_stock_serves_more():
    y, quantiles, _ = shop()
    frame = stock_cost_curve(y, quantiles, levels=LEVELS, understock=4.0, overstock=1.0, n_resamples=50).to_frame()
    np.testing.assert_allclose(frame["understock"] + frame["overstock"], frame["cost"])
    assert frame["served"].is_monotonic_increasing
    assert frame["understock"].is_monotonic_decreasing


def test_the_share_served_by_hand():
    curve = stock_cost_curve([10.0, 10.0], [[5.0], [20.0]], levels=[0.5], understock=1, overstock=1)
    assert curve.served[0].value == 0.75


def test_the_saving_is_the_habit_minus_the_plan_row_by_row():
    y, quantiles, items = shop()
    habit = np.roll(y, 6)
    curve = stock_cost_curve(y, quantiles, levels=LEVELS, understock=4.0, overstock=1.0, naive=habit, items=items)
    assert curve.naive is not None
    assert curve.saving is not None
    assert curve.saving.value == pytest.approx(curve.naive.value - curve.at_critical.value)
    assert curve.saving.low > 0


def test_prices_may_differ_from_row_to_row():
    y, quantiles, _ = shop()
    understock = np.where(np.arange(len(y)) % 2, 9.0, 1.0)
    curve = stock_cost_curve(y, quantiles, levels=LEVELS, understock=understock, overstock=1.0, n_resamples=50)
    assert curve.critical_level is None
    stock = np.where(np.arange(len(y)) % 2, quantiles[:, 4], quantiles[:, 0])
    expected = stock_costs(y, stock, understock=understock, overstock=1.0).sum(axis=1).mean()
    assert curve.at_critical.value == pytest.approx(expected)
    assert curve.at_critical.value < curve.best_cost.value


def test_stock_between_two_levels_lies_on_the_line():
    quantiles = np.array([[1.0, 2.0, 6.0]] * 4)
    stock = stock_at(quantiles, levels=np.array([0.1, 0.5, 0.9]), at=np.array([0.1, 0.3, 0.6, 0.9]))
    np.testing.assert_allclose(stock, [1.0, 1.5, 3.0, 6.0])


def test_the_critical_level_is_the_share_of_the_price_of_want():
    assert critical_level(3.0, 1.0) == 0.75


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"understock": 99.0}, "reach the critical level 0.99, got 0.5 to 0.95"),
        ({"overstock": 0.0}, "overstock must be positive"),
        ({"understock": [1.0, 2.0]}, "one cost or one for each of 6000 rows"),
        ({"levels": LEVELS[:3]}, r"quantiles must have shape \(6000, 3\)"),
    ],
)
def test_prices_and_levels_that_do_not_fit_are_refused(change, message):
    y, quantiles, _ = shop()
    with pytest.raises(ValueError, match=message):
        stock_cost_curve(y, quantiles, **({"levels": LEVELS, "understock": 4.0, "overstock": 1.0} | change))


def test_quantiles_that_cross_are_refused():
    with pytest.raises(ValueError, match="quantiles must rise with their levels"):
        stock_cost_curve([1.0], [[3.0, 2.0]], levels=[0.5, 0.9], understock=3, overstock=1)
