"""The certificate says yes to what holds, no to what does not, and why."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from appkit.explanation import exact_shapley, explain_game, lime_surrogate, permutation_shapley
from appkit.explanation.certificate import certify
from appkit.explanation.games.ragged import RaggedGame
from tests.explanation.certificate.images import CrossImages, SmallNet, image_game
from tests.explanation.certificate.values import explanation_of
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table, tangled

WEIGHTS = np.array([6.0, 4.0, 2.5, 1.5, 0.7, 0.2])


def additive_game(n_rows: int = 12, *, n_references: int = 1):
    X = make_numbers(n_rows, n_columns=6)
    return game_of(lambda x: x @ WEIGHTS, X, make_numbers(n_references, n_columns=6, seed=1))


def statuses(certificate) -> set[str]:
    return {verdict.status for verdict in certificate.rows}


def test_permutations_of_an_additive_game_are_reliable():
    game = additive_game()
    certificate = certify(game, permutation_shapley(game, random_state=0))
    assert certificate.overall.status == "reliable"
    assert statuses(certificate) == {"reliable"}
    assert not certificate.failed


def test_exact_values_are_reliable():
    game = game_of(tangled, make_numbers(12, n_columns=5), make_numbers(1, n_columns=5, seed=1))
    certificate = certify(game, exact_shapley(game))
    assert statuses(certificate) == {"reliable"}
    assert "nothing was drawn" in certificate["Second seed"].words


def test_too_few_evaluations_of_a_tangled_game_are_not_reliable():
    X, background = make_numbers(12, n_columns=12), make_numbers(60, n_columns=12, seed=1)
    game = game_of(lambda x: np.sin(2 * x.sum(1)), X, background)
    certificate = certify(game, permutation_shapley(game, max_evaluations=442, random_state=0))
    assert certificate.overall.status == "not reliable"
    assert statuses(certificate) == {"not reliable"}
    assert {check.name for check in certificate.failed} >= {"Sampling error", "Second seed"}


def test_an_order_settled_in_part_is_reliable_up_to_that_rank():
    game = additive_game(n_references=40)
    row = certify(game, permutation_shapley(game, random_state=0)).rows[1]
    assert row.words == f"reliable up to rank {row.rank} of 6"
    assert f"at places {row.rank + 1} and {row.rank + 2} differ by" in row.reason


def test_a_model_that_says_the_same_of_all_has_nothing_to_rank():
    X = make_numbers(6, n_columns=4)
    game = game_of(lambda x: np.full(len(x), 0.3), X, X)
    certificate = certify(game, permutation_shapley(game, random_state=0))
    assert certificate.overall.status == "nothing to rank"
    assert statuses(certificate) == {"nothing to rank"}


def test_players_without_any_effect_need_no_order():
    X = make_numbers(6, n_columns=5)
    game = game_of(lambda x: 3 * x[:, 0] + x[:, 1], X, X[:1] * 0)
    verdict = certify(game, permutation_shapley(game, random_state=0)).overall
    assert verdict.status == "reliable"
    assert "The other 3 have no effect at all" in verdict.reason


def test_an_image_of_one_segment_is_not_reliable():
    game = image_game(SmallNet(0), CrossImages.drawn(3), segments=torch.zeros(16, 16, dtype=torch.int64))
    certificate = certify(game, explain_game(game, random_state=0))
    assert statuses(certificate) == {"not reliable"}
    assert "cut it into more segments" in certificate.overall.reason


def test_a_table_of_one_column_is_all_there_is():
    X = make_numbers(4, n_columns=1)
    game = game_of(lambda x: x[:, 0], X, X[:1])
    assert certify(game, permutation_shapley(game, random_state=0)).overall.reason == "there is one player, x0."


def test_lime_that_fits_nothing_is_not_reliable():
    X = make_numbers(10, n_columns=6)
    game = game_of(lambda x: np.prod(np.sign(x), axis=1), X, -X)
    certificate = certify(game, lime_surrogate(game, random_state=0))
    assert statuses(certificate) == {"not reliable"}
    assert "explains too little of the model" in certificate.overall.reason
    assert certificate["Local fit"].verdict == "bad"


def test_lime_with_a_kernel_too_narrow_is_not_reliable():
    game = additive_game()
    certificate = certify(game, lime_surrogate(game, kernel_width=0.2, random_state=0))
    assert certificate["Effective samples"].verdict == "bad"
    assert "stand behind the weights" in certificate.rows[0].reason


def test_lime_of_an_additive_game_holds():
    game = additive_game()
    certificate = certify(game, lime_surrogate(game, random_state=0))
    assert certificate.overall.status.startswith("reliable")
    assert "SHAP and LIME" not in {check.name for check in certificate.checks}


def test_values_that_miss_the_output_are_not_reliable():
    game = additive_game()
    explanation = permutation_shapley(game, random_state=0)
    wrong = replace(explanation, values=explanation.values * 1.01)
    certificate = certify(game, wrong, second=replace(wrong, random_state=1))
    assert certificate["Additivity gap"].verdict == "bad"
    assert "miss what the model says" in certificate.rows[0].reason


def test_an_order_worse_than_random_is_not_reliable():
    game = additive_game()
    explanation = permutation_shapley(game, random_state=0)
    turned = replace(explanation, values=-explanation.values, is_additive=False)
    certificate = certify(game, turned, second=replace(turned, random_state=1))
    assert "moves the output little" in certificate.overall.reason


def test_a_heuristic_has_to_beat_random_orders():
    game = additive_game(40)
    noise = np.random.default_rng(1).normal(size=(40, 6, 1))
    drawn = permutation_shapley(game, random_state=0)
    heuristic = replace(drawn, values=noise, is_additive=False, method="edges", random_state=None)
    certificate = certify(game, heuristic)
    assert statuses(certificate) == {"not reliable"}
    assert "moves the output little" in certificate.overall.reason


def test_shap_against_lime_is_information_unless_a_limit_is_given():
    game = additive_game()
    explanation = permutation_shapley(game, random_state=0)
    lime = lime_surrogate(game, random_state=0)
    assert certify(game, explanation, lime=lime)["SHAP and LIME"].verdict == "info"
    limits = {"SHAP and LIME": (2.0, None)}
    assert certify(game, explanation, lime=lime, limits=limits)["SHAP and LIME"].verdict == "bad"


def test_orders_that_run_against_each_other_are_worth_a_look():
    game = additive_game()
    explanation = permutation_shapley(game, random_state=0)
    turned = replace(explanation, values=1 / explanation.values)
    assert certify(game, explanation, lime=turned)["SHAP and LIME"].verdict == "warn"


def test_one_row_has_a_certificate():
    game = additive_game(1)
    certificate = certify(game, permutation_shapley(game, random_state=0))
    assert certificate.rows[0].status == "reliable"
    assert "The row is reliable" in certificate.summary()


def test_rows_with_players_of_their_own_are_judged_one_by_one():
    wide, narrow = make_numbers(2, n_columns=4), make_numbers(1, n_columns=1)
    games = (game_of(lambda x: x @ WEIGHTS[:4], wide, wide[:1] * 0), game_of(lambda x: x[:, 0], narrow, narrow * 0))
    names = np.array([[f"item {i}{j}" for j in range(4)] for i in range(3)], dtype=object)
    names[1, 1:] = None
    ragged = RaggedGame((np.array([0, 2]), np.array([1])), games, names)
    certificate = certify(ragged, explain_game(ragged, "permutation", random_state=0))
    assert certificate.overall is None
    assert "no order over all rows" in certificate["Order of places"].words
    assert [verdict.n_players for verdict in certificate.rows] == [4, 1, 4]
    assert certificate.rows[1].reason == "there is one player, item 10."


def test_an_ensemble_has_a_certificate_for_each_output():
    from appkit.explanation import game_for

    game = game_for(FakeEnsemble(n_outputs=3), make_table(4), background=make_table(20, seed=1))
    explanation = permutation_shapley(game, random_state=0)
    assert certify(game, explanation, output="grade 2").output_name == "grade 2"
    with pytest.raises(ValueError, match="output must be one of"):
        certify(game, explanation)


def test_the_same_inputs_give_the_same_certificate():
    game = additive_game(n_references=20)
    explanation = permutation_shapley(game, random_state=0)
    assert certify(game, explanation).summary() == certify(game, explanation).summary()


def test_the_cost_is_counted():
    game = additive_game()
    explanation = permutation_shapley(game, random_state=0)
    before = game.n_evaluations
    certificate = certify(game, explanation)
    assert certificate.n_evaluations == -(-(game.n_evaluations - before) // 12)


def test_a_second_explanation_by_the_same_seed_is_refused():
    game = additive_game()
    explanation = permutation_shapley(game, random_state=0)
    with pytest.raises(ValueError, match="another seed"):
        certify(game, explanation, second=explanation)


def test_a_method_that_cannot_be_run_again_asks_for_its_second():
    game = additive_game()
    foreign = replace(permutation_shapley(game, random_state=0), method="deep")
    with pytest.raises(ValueError, match="second must be given for method 'deep'"):
        certify(game, foreign)


def test_an_explanation_of_another_game_is_refused():
    with pytest.raises(ValueError, match="must be of this game, 12 rows and 6 players"):
        certify(additive_game(), explanation_of(np.ones((12, 4))))


def test_a_limit_that_names_no_check_is_refused():
    game = additive_game()
    with pytest.raises(ValueError, match=r"limits must name checks.*got \['Addition'\]"):
        certify(game, permutation_shapley(game, random_state=0), limits={"Addition": (0, 1)})


def test_a_check_is_found_by_name_and_a_missing_one_is_named():
    game = additive_game()
    certificate = certify(game, exact_shapley(game))
    assert certificate["Deletion"].measured.name == "Deletion"
    with pytest.raises(KeyError, match="was not checked"):
        certificate["Pointing"]
