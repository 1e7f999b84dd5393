"""The gain curve: counted by hand, and against the area under the ROC curve."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from domains.retail.report.gain_curve import gain_curve


def test_buyers_are_counted_from_the_most_likely_on():
    curve = gain_curve([True, True, False, False, False], [0.9, 0.8, 0.7, 0.2, 0.1])
    assert curve.at(0.2).value == pytest.approx(0.5)
    assert curve.at(0.4).value == pytest.approx(1.0)


def test_equal_scores_reach_as_many_buyers_as_customers():
    curve = gain_curve([True, False, False, True], [0.5, 0.5, 0.5, 0.5])
    assert curve.reached == pytest.approx(curve.contacted)


def test_its_area_is_that_of_the_roc_curve_in_other_units():
    rng = np.random.default_rng(0)
    bought, score = rng.random(100) < 0.3, rng.random(100)
    curve = gain_curve(bought, score, n_resamples=2)
    area = np.trapezoid(curve.reached, curve.contacted)
    rate = bought.mean()
    assert area == pytest.approx(rate / 2 + (1 - rate) * roc_auc_score(bought, score))


def test_the_band_holds_the_curve_of_the_population():
    rng = np.random.default_rng(1)
    score = rng.random((60, 400))
    bought = rng.random((60, 400)) < score
    held = 0
    for row in range(60):
        found = gain_curve(bought[row], score[row], n_resamples=200, random_state=row).at(0.2)
        held += found.low <= 1 - 0.8**2 <= found.high  # buyers have density 2 s
    assert held >= 54


def test_customers_of_many_rows_widen_the_band():
    rng = np.random.default_rng(2)
    score = np.repeat(rng.random(40), 10)
    bought = np.repeat(rng.random(40) < 0.4, 10)
    alone = gain_curve(bought, score).at(0.5)
    together = gain_curve(bought, score, groups=np.repeat(np.arange(40), 10)).at(0.5)
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert "of 40 customers" in together.method
