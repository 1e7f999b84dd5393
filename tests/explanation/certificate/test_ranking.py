"""How far a ranking holds, over all rows and in one."""

import numpy as np
import pytest

from appkit.explanation.certificate import rank_players
from appkit.explanation.certificate.ranking import rank_row
from tests.explanation.certificate.values import explanation_of


def test_gaps_beyond_two_standard_errors_of_the_difference_are_settled():
    first = explanation_of(np.tile([4.0, 2.0, 1.9], (10, 1)), error=0.1)
    ranking = rank_players(first, first)
    assert ranking.is_settled.tolist() == [True, False]
    assert ranking.gap_error == pytest.approx([0.1 * 2**0.5] * 2)


def test_a_gap_that_a_second_seed_turns_around_is_not_settled():
    first, second = (explanation_of(np.tile(row, (10, 1)), error=0.01) for row in ([4.0, 2.0, 1.0], [4.0, 1.0, 2.0]))
    assert rank_players(first, second).reliable == 1


def test_reliable_stops_at_the_first_open_gap_whatever_comes_below():
    first = explanation_of(np.tile([4.0, 3.9, 1.0], (10, 1)), error=0.1)
    ranking = rank_players(first, first)
    assert ranking.reliable == 0
    assert [ranking.places(place) for place in range(3)] == [(1, 2), (1, 2), (3, 3)]


def test_all_places_are_reliable_where_all_gaps_are():
    first = explanation_of(np.tile([4.0, 2.0, 1.0], (10, 1)), error=0.01)
    assert rank_players(first, first).reliable == 3


def test_the_error_of_drawing_rows_counts_unless_all_rows_were_explained():
    values = np.abs(np.random.default_rng(0).normal(size=(20, 2))) + [2.0, 1.0]
    first = explanation_of(values)
    everyone, some = (rank_players(first, first, n_population=n) for n in (None, 40))
    difference = values[:, 0] - values[:, 1]
    assert everyone.gap_error[0] == 0
    assert some.gap_error[0] == pytest.approx(difference.std(ddof=1) / 20**0.5 * 0.5**0.5)


def test_ranking_is_invariant_to_the_order_of_players():
    first = explanation_of(np.tile([1.0, 4.0, 2.0], (5, 1)), 0.01)
    assert rank_players(first, first).order.tolist() == [1, 2, 0]


def test_rows_with_players_of_their_own_have_no_ranking_over_all():
    first = explanation_of(np.ones((2, 2)), row_player_names=np.full((2, 2), "item", dtype=object))
    with pytest.raises(ValueError, match="players that all rows share"):
        rank_players(first, first)


def test_a_row_is_ranked_over_its_own_players_only():
    first = explanation_of(np.array([[3.0, -5.0, np.nan], [1.0, 2.0, 3.0]]))
    ranking = rank_row(first, first, 0)
    assert ranking.order.tolist() == [1, 0]
    assert ranking.reliable == 2


def test_errors_a_method_does_not_give_come_from_its_two_seeds():
    first = explanation_of(np.array([[5.0, 3.0]]), error=np.nan)
    second = explanation_of(np.array([[5.2, 3.2]]), error=np.nan, seed=1)
    assert rank_row(first, second, 0).standard_error == pytest.approx([0.2 / 2**0.5] * 2)


def test_a_method_that_draws_nothing_has_no_error_to_give():
    first = explanation_of(np.array([[5.0, 3.0]]), error=np.nan, seed=None)
    assert rank_row(first, first, 0).reliable == 2
