"""How far a ranking holds, what removal shows, and that asking cheaply changes no answer."""

from dataclasses import replace

import numpy as np
import pytest

from appkit.explanation import Explanation, permutation_shapley
from appkit.prediction import Estimate
from appkit.reporting.content.certificate import rank_agreement, top_five_kept
from appkit.reporting.content.economy import SharedEnds
from appkit.reporting.content.explaining import rank_columns
from appkit.reporting.content.removal import removal_test
from tests.explanation.fakes import FakeEnsemble, make_table
from tests.reporting.content_tables import drawn_rows


def explanation_of(values: np.ndarray, error: float = 0.0) -> Explanation:
    """Return an additive explanation with these values ``(n_rows, n_players)`` and one global error."""
    n_rows, n_players = values.shape
    return Explanation(
        values=values[..., None],
        standard_error=np.full((n_rows, n_players, 1), error),
        base_value=np.zeros((n_rows, 1)),
        output=values.sum(1, keepdims=True),
        residual=np.zeros((n_rows, 1)),
        data=np.empty((n_rows, n_players), dtype=object),
        player_names=tuple(f"c{i}" for i in range(n_players)),
        output_names=("output",),
        method="shapley (permutation)",
        units="value",
        n_evaluations=1,
        is_additive=True,
        random_state=0,
        global_importance=np.abs(values).mean(0)[:, None],
        global_standard_error=np.full((n_players, 1), error),
        local_fit=np.full((n_rows, 1), np.nan),
    )


def test_gaps_beyond_two_standard_errors_of_the_difference_are_settled():
    first = explanation_of(np.tile([4.0, 2.0, 1.9], (10, 1)), error=0.1)
    ranking = rank_columns(first, first, n_rows=10)
    assert ranking.is_settled.tolist() == [True, False]
    assert ranking.gap_error == pytest.approx([0.1 * 2**0.5] * 2)


def test_a_gap_that_a_second_seed_turns_around_is_not_settled():
    first, second = (explanation_of(np.tile(row, (10, 1)), error=0.01) for row in ([4.0, 2.0, 1.0], [4.0, 1.0, 2.0]))
    assert rank_columns(first, second, n_rows=10).reliable == 1


def test_reliable_stops_at_the_first_open_gap_whatever_comes_below():
    first = explanation_of(np.tile([4.0, 3.9, 1.0], (10, 1)), error=0.1)
    ranking = rank_columns(first, first, n_rows=10)
    assert ranking.reliable == 0
    assert [ranking.places(place) for place in range(3)] == [(1, 2), (1, 2), (3, 3)]


def test_all_places_are_reliable_where_all_gaps_are():
    first = explanation_of(np.tile([4.0, 2.0, 1.0], (10, 1)), error=0.01)
    assert rank_columns(first, first, n_rows=10).reliable == 3


def test_the_error_of_drawing_rows_counts_unless_all_rows_were_explained():
    values = np.abs(np.random.default_rng(0).normal(size=(20, 2))) + [2.0, 1.0]
    first = explanation_of(values)
    everyone, some = (rank_columns(first, first, n_rows=n) for n in (20, 40))
    difference = values[:, 0] - values[:, 1]
    assert everyone.gap_error[0] == 0
    assert some.gap_error[0] == pytest.approx(difference.std(ddof=1) / 20**0.5 * 0.5**0.5)


def test_ranking_is_invariant_to_the_order_of_columns():
    values = np.tile([1.0, 4.0, 2.0], (5, 1))
    ranking = rank_columns(explanation_of(values, 0.01), explanation_of(values, 0.01), n_rows=5)
    assert ranking.order.tolist() == [1, 2, 0]


def test_top_five_kept_counts_what_both_seeds_name():
    first = explanation_of(np.array([[6.0, 5, 4, 3, 2, 1, 0]]))
    second = explanation_of(np.array([[6.0, 5, 4, 3, 1, 2, 0]]))
    assert top_five_kept(first, second).value == pytest.approx(0.8)


def test_rank_agreement_is_one_for_equal_and_minus_one_for_reversed_orders():
    values = np.tile([3.0, 2.0, 1.0], (6, 1))
    same = rank_agreement(explanation_of(values), explanation_of(2 * values), random_state=0)
    reverse = rank_agreement(explanation_of(values), explanation_of(values[:, ::-1]), random_state=0)
    assert (same.value, reverse.value) == (pytest.approx(1.0), pytest.approx(-1.0))


@pytest.fixture(scope="module")
def ensemble_game():
    X, background = make_table(6, seed=0), make_table(30, seed=1)
    model = FakeEnsemble()
    from appkit.explanation import game_for

    return lambda: game_for(model, X, background=background)


def test_shared_ends_change_no_value(ensemble_game):
    plain = permutation_shapley(ensemble_game(), random_state=0)
    shared = permutation_shapley(SharedEnds(ensemble_game()), random_state=0)
    assert np.array_equal(plain.values, shared.values)


def test_shared_ends_are_evaluated_once(ensemble_game):
    game = SharedEnds(ensemble_game())
    game.ends()
    before = game.n_evaluations
    game.ends()
    assert game.n_evaluations == before


class LinearSubject:
    """Sum of the columns with weights 3, 2, 1, 0, 0, over an all-zero background."""

    def __call__(self, X):
        return X.to_numpy() @ np.array([3.0, 2.0, 1.0, 0.0, 0.0])


def linear_game():
    from appkit.explanation import game_from_callable

    X, _ = drawn_rows(12)
    return SharedEnds(game_from_callable(LinearSubject(), X, X.iloc[:1] * 0.0, output_names=["value"])), X


def test_removal_moves_a_linear_model_by_the_values_removed():
    game, _ = linear_game()
    explanation = permutation_shapley(game, random_state=0)
    test = removal_test(game, explanation, random_state=0)
    values = explanation.values[..., 0]
    toward = np.sort(values * np.sign(values.sum(1, keepdims=True)), axis=1)[:, ::-1]
    assert test.deletion == pytest.approx(np.concatenate([[0.0], toward.cumsum(1).mean(0)]), abs=1e-9)
    assert test.insertion == pytest.approx(test.deletion, abs=1e-9)


def test_the_order_of_true_values_moves_more_than_random_orders():
    game, _ = linear_game()
    test = removal_test(game, permutation_shapley(game, random_state=0), random_state=0)
    assert test.deletion_ratio.low > 1


def test_the_reverse_order_moves_less_than_random_orders():
    game, _ = linear_game()
    explanation = permutation_shapley(game, random_state=0)
    test = removal_test(game, replace(explanation, values=-explanation.values), random_state=0)
    assert test.deletion_ratio is None or test.deletion_ratio.high < 1


def test_a_ratio_that_does_not_exist_is_none():
    game, _ = linear_game()
    flat = SharedEnds(game.game)
    explanation = permutation_shapley(flat, random_state=0)
    flat.game._predict = lambda X: np.zeros(len(X))
    assert removal_test(flat, explanation, random_state=0).deletion_ratio is None


def test_ratios_are_estimates_with_their_rows():
    game, _ = linear_game()
    ratio = removal_test(game, permutation_shapley(game, random_state=0), random_state=0).insertion_ratio
    assert isinstance(ratio, Estimate)
    assert ratio.n == 12
