"""What two explanations share: their strongest players and the order of all."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from appkit.explanation.certificate import rank_agreement, top_kept
from appkit.explanation.certificate.agreement import mean_over_rows, rank_correlations, top_shares
from tests.explanation.certificate.values import explanation_of


def test_top_five_kept_counts_what_both_seeds_name():
    first = explanation_of(np.array([[6.0, 5, 4, 3, 2, 1, 0]]))
    second = explanation_of(np.array([[6.0, 5, 4, 3, 1, 2, 0]]))
    assert top_kept(first, second).value == pytest.approx(0.8)


def test_of_few_players_the_weakest_is_left_out_so_that_they_can_disagree():
    first, second = explanation_of(np.array([[3.0, 2, 1]])), explanation_of(np.array([[3.0, 1, 2]]))
    assert top_shares(first, second).tolist() == [0.5]


def test_players_a_row_does_not_have_are_never_among_its_strongest():
    first = explanation_of(np.array([[3.0, 2.0, 1.0, np.nan]]))
    second = explanation_of(np.array([[2.0, 3.0, 1.0, np.nan]]))
    assert top_shares(first, second).tolist() == [1.0]


def test_rank_agreement_is_one_for_equal_and_minus_one_for_reversed_orders():
    values = np.tile([3.0, 2.0, 1.0], (6, 1))
    same = rank_agreement(explanation_of(values), explanation_of(2 * values))
    reverse = rank_agreement(explanation_of(values), explanation_of(values[:, ::-1]))
    assert (same.value, reverse.value) == (pytest.approx(1.0), pytest.approx(-1.0))


def test_rank_correlation_is_that_of_scipy_on_sizes():
    one, other = np.random.default_rng(0).normal(size=(2, 1, 9))
    expected = spearmanr(np.abs(one[0]), np.abs(other[0])).statistic
    assert rank_correlations(explanation_of(one), explanation_of(other)) == pytest.approx([expected])


def test_a_row_of_two_players_or_of_one_size_has_no_rank_correlation():
    values = np.array([[1.0, 2.0, np.nan], [1.0, 1.0, -1.0]])
    assert np.isnan(rank_correlations(explanation_of(values), explanation_of(values))).all()


def test_one_row_stands_for_itself_and_no_row_for_nothing():
    one, none = (mean_over_rows("share", np.full(n, 0.4), bounds=(0, 1)) for n in (1, 0))
    assert (one.low, one.value, one.high) == (0.4, 0.4, 0.4)
    assert np.isnan(none.value)
