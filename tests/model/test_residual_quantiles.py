"""Smoothed quantiles against closed forms; reach against a search."""

import numpy as np
import pytest
from scipy.stats import norm

from appkit.model.residual_quantiles import ResidualQuantiles, learn_residual_quantiles, weighted_quantiles


def learn(n_rows=20_000):
    """Residuals are normal with standard deviation 1 + prediction."""
    rng = np.random.default_rng(0)
    prediction = rng.uniform(0, 10, n_rows)
    truth = prediction + rng.normal(size=n_rows) * (1 + prediction)
    knots, no_context = np.linspace(0, 10, 6), np.zeros(n_rows)
    return learn_residual_quantiles(
        prediction, truth, no_context, weight=np.ones(n_rows), knots=knots, context_knots=np.zeros(1)
    )


@pytest.mark.parametrize("reach", [0.5, 0.9, 0.98])
def test_quantiles_are_those_of_the_residuals_nearby(reach):
    at = np.array([2.0, 5.0, 8.0])
    expected = norm.ppf((1 + reach) / 2) * (1 + at)
    ends = learn().ends(at, np.zeros(3), reach=reach)
    assert ends[:, 1] == pytest.approx(expected, rel=0.12)
    assert ends[:, 0] == pytest.approx(-expected, rel=0.12)


def test_between_knots_quantiles_go_in_straight_lines():
    values = np.array([[[0.0], [10.0]], [[100.0], [210.0]]])
    quantiles = ResidualQuantiles(np.array([0.0, 1.0]), np.array([5.0, 6.0]), np.array([0.5]), values)
    ends = quantiles.ends(np.array([0.5, 0.25, -9.0]), np.array([5.0, 5.5, 99.0]), reach=0.0)
    assert ends[:, 0] == pytest.approx([50.0, 0.75 * 5 + 0.25 * 155, 10.0])


def test_reach_is_the_first_whose_interval_holds_the_truth():
    quantiles = learn(500)
    rng = np.random.default_rng(1)
    prediction, none = rng.uniform(-2, 12, 200), np.zeros(200)
    truth = np.clip(prediction + rng.normal(size=200) * 15, 0, 10)
    reach = quantiles.reach_of(truth, prediction, none, low=0.0, high=10.0)
    steps = np.linspace(0, 3, 1501)
    ends = np.clip([prediction[:, None] + quantiles.ends(prediction, none, reach=step) for step in steps], 0, 10)
    holds = (ends[..., 0] <= truth) & (truth <= ends[..., 1])
    assert holds.any(axis=0).all()
    assert reach == pytest.approx(steps[holds.argmax(axis=0)], abs=0.0021)


def test_corners_that_no_row_reaches_take_their_neighbours():
    prediction = context = np.linspace(0, 1, 400)  # never one high and the other low
    learnt = learn_residual_quantiles(
        prediction, prediction + 3.0, context, weight=np.ones(400), knots=prediction[::80], context_knots=context[::80]
    )
    assert learnt.values == pytest.approx(np.full(learnt.values.shape, 3.0))


def test_weighted_quantiles_are_those_of_repeated_values():
    rng = np.random.default_rng(0)
    values, copies, levels = rng.normal(size=30), rng.integers(1, 5, 30), np.linspace(0.05, 1, 20)
    expected = np.quantile(np.repeat(values, copies), levels, method="inverted_cdf")
    assert weighted_quantiles(values, copies.astype(float), levels).tolist() == expected.tolist()
