import numpy as np
import pytest

from appkit.prediction.ranking.means import Redraws, mean_estimates, quotient_estimate


def test_the_interval_is_that_of_the_standard_error():
    values = np.random.default_rng(0).random(400)
    (estimate,) = mean_estimates({"recall": values}, draws=Redraws(4000))
    half = 1.96 * values.std() / 20
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.004)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.004)


def test_all_vectors_are_redrawn_together():
    values = np.random.default_rng(1).random(50)
    first, second = mean_estimates({"one": values, "same": values})
    assert (first.low, first.high) == (second.low, second.high)


def test_users_who_are_all_alike_leave_room_for_others():
    (estimate,) = mean_estimates({"recall": np.full(10, 0.5)})
    other = 1 - 0.025 ** (1 / 10)
    assert (estimate.low, estimate.high) == (pytest.approx(0.5 - other / 2), pytest.approx(0.5 + other / 2))


def test_no_user_has_no_mean():
    (estimate,) = mean_estimates({"recall": np.empty(0)})
    assert estimate.method == "undefined: no user to measure"


@pytest.mark.parametrize("n", [300, 30_000])
def test_a_quotient_has_the_interval_of_its_linear_part(n):
    rng = np.random.default_rng(2)
    below = rng.integers(1, 5, n)
    above = rng.binomial(below, 0.3)
    estimate = quotient_estimate("found", above, below, undefined="none")
    value = above.sum() / below.sum()
    half = 1.96 * (above - value * below).std() * np.sqrt(n) / below.sum()
    assert estimate.value == value
    assert estimate.high - estimate.low == pytest.approx(2 * half, rel=0.1)
