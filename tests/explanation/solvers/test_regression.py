"""Regression values against enumeration, their errors against what happens, and the promises of every solver."""

import numpy as np
import pytest
import torch

from appkit.explanation import EncodedTableGame, TensorGame, exact_shapley, permutation_shapley
from appkit.explanation.solvers import regression_evaluations, regression_pays, regression_shapley
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table

POPULATION = make_numbers(300, n_columns=8, seed=7)


def random_network(n_columns, *, seed, idle=()):
    """Return a perceptron that does not look at the idle columns."""
    rng = np.random.default_rng(seed)
    hidden, head = rng.normal(size=(n_columns, 24)), rng.normal(size=24)
    hidden[list(idle)] = 0
    return lambda x: np.maximum(x @ hidden, 0) @ head


def random_game(n_players, *, seed):
    """Return a game of one reference in which every coalition says something else."""
    says = np.random.default_rng(seed).normal(size=2**n_players)
    X = make_numbers(1, n_columns=n_players) * 0
    return game_of(lambda x: says[(x @ 2 ** np.arange(n_players)).astype(int)], X + 1, X)


def relative_error(found, truth):
    return np.linalg.norm(found.values - truth.values) / np.linalg.norm(truth.values)


@pytest.mark.parametrize("n_players", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("n_references", [1, 25])
def test_all_coalitions_give_the_exact_values(n_players, n_references):
    X, background = make_numbers(4, n_columns=n_players), make_numbers(n_references, n_columns=n_players, seed=1)
    network = random_network(n_players, seed=0)
    truth = exact_shapley(game_of(network, X, background))
    found = regression_shapley(
        game_of(network, X, background), max_evaluations=2**n_players * n_references + 4, random_state=0
    )
    np.testing.assert_allclose(found.values, truth.values, atol=1e-9)
    np.testing.assert_allclose(found.residual, 0, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_all_coalitions_of_a_game_without_structure_give_the_exact_values(seed):
    found = regression_shapley(random_game(6, seed=seed), random_state=seed)
    np.testing.assert_allclose(found.values, exact_shapley(random_game(6, seed=seed)).values, atol=1e-9)
    assert (found.standard_error == 0).all()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n_references", [1, 7, 40])
def test_values_sum_to_the_output_less_the_base(seed, n_references):
    X, background = make_numbers(4, n_columns=9, seed=seed), make_numbers(n_references, n_columns=9, seed=seed + 50)
    found = regression_shapley(game_of(random_network(9, seed=seed), X, background), random_state=seed)
    assert np.abs(found.gap).max() < 1e-9


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n_references", [1, 7, 40])
def test_a_player_nobody_asks_gets_exactly_nothing(seed, n_references):
    X, background = make_numbers(4, n_columns=9, seed=seed), make_numbers(n_references, n_columns=9, seed=seed + 50)
    idle = np.random.default_rng(seed).permutation(9)[: 1 + seed % 3]
    network = random_network(9, seed=seed, idle=idle)
    found = regression_shapley(
        game_of(network, X, background), max_evaluations=1200 + 100 * (n_references > 20) * 8, random_state=0
    )
    assert (found.values[:, idle] == 0).all()
    assert (found.standard_error[:, idle] == 0).all()
    assert (np.delete(found.values, idle, axis=1) != 0).all()


def test_what_leaves_the_regression_does_not_disturb_the_others():
    X, background = make_numbers(4, n_columns=9), make_numbers(30, n_columns=9, seed=1)
    network = random_network(9, seed=0, idle=[2, 5])
    truth = exact_shapley(game_of(network, X, background))
    found = regression_shapley(game_of(network, X, background), max_evaluations=2000, random_state=0)
    assert relative_error(found, truth) < 0.1


def test_a_player_may_be_idle_in_one_row_and_not_in_another():
    X, fill = make_numbers(3, n_columns=9), make_numbers(1, n_columns=9, seed=1)
    X.loc[1, "x4"] = fill.loc[0, "x4"]
    found = regression_shapley(game_of(random_network(9, seed=0), X, fill), max_evaluations=600, random_state=0)
    assert (found.values[:, 4, 0] == 0).tolist() == [False, True, False]


def test_players_who_matter_only_in_the_middle_are_not_taken_for_idle():
    ones = make_numbers(1, n_columns=11) * 0 + 1
    majority = game_of(lambda x: (x.sum(axis=1) > 5.5).astype(float), ones, 0 * ones)
    found = regression_shapley(majority, max_evaluations=1200, random_state=0)
    assert (found.values > 0).all()
    assert (np.abs(found.values - 1 / 11) < 4 * found.standard_error).all()


def test_one_player_that_does_everything_gets_everything():
    X = make_numbers(3, n_columns=9)
    found = regression_shapley(game_of(lambda x: np.exp(x[:, 3]), X, 0 * X[:1]), random_state=0)
    np.testing.assert_allclose(found.values[:, 3, 0], np.exp(X["x3"]) - 1)
    assert (np.delete(found.values, 3, axis=1) == 0).all()


def test_a_constant_gives_nothing_to_anybody():
    X = make_numbers(2, n_columns=9)
    found = regression_shapley(game_of(lambda x: np.full(len(x), 3.0), X, X), random_state=0)
    assert (found.values == 0).all()


@pytest.mark.parametrize("n_references", [1, 40])
def test_players_in_the_same_place_get_the_same_within_their_error(n_references):
    X, background = make_numbers(5, n_columns=11), make_numbers(n_references, n_columns=11, seed=1)
    X["x1"], background["x1"] = X["x0"], background["x0"]
    network = random_network(11, seed=0)
    found = regression_shapley(
        game_of(lambda x: network(x) + network(x[:, [1, 0, *range(2, 11)]]), X, background),
        max_evaluations=804 + 40 * n_references,
        random_state=0,
    )
    apart = np.abs(found.values[:, 0] - found.values[:, 1])
    assert (apart < 4 * found.standard_error[:, :2].max(axis=1)).all()


def coverage(network, X, background, truth, *, budget, n_seeds=30):
    covered = []
    for seed in range(n_seeds):
        found = regression_shapley(game_of(network, X, background), max_evaluations=budget, random_state=seed)
        covered.append(np.abs(found.values - truth.values) <= 2 * found.standard_error)
    return np.mean(covered)


def test_two_standard_errors_cover_the_population_when_rows_are_drawn_from_it():
    X, network = make_numbers(5, n_columns=8), random_network(8, seed=0)
    truth = exact_shapley(game_of(network, X, POPULATION))
    assert coverage(network, X, POPULATION, truth, budget=1400) > 0.92


def test_two_standard_errors_cover_the_population_when_the_background_is_a_small_sample_of_it():
    X, network = make_numbers(5, n_columns=8), random_network(8, seed=0)
    truth = exact_shapley(game_of(network, X, POPULATION))
    covered = []
    for seed in range(30):
        background = POPULATION.sample(40, random_state=seed)
        found = regression_shapley(game_of(network, X, background), max_evaluations=1500, random_state=seed)
        covered.append(np.abs(found.values - truth.values) <= 2 * found.standard_error)
    assert 0.88 < np.mean(covered) < 0.99


@pytest.mark.parametrize("budget", [730, 900])
def test_two_standard_errors_cover_the_values_of_a_single_reference(budget):
    X, background = make_numbers(5, n_columns=10), make_numbers(1, n_columns=10, seed=1)
    network = random_network(10, seed=0)
    truth = exact_shapley(game_of(network, X, background))
    assert 0.88 < coverage(network, X, background, truth, budget=budget) < 1


def mean_error(solver, network, X, background, *, budget):
    truth = exact_shapley(game_of(network, X, background))
    runs = [solver(game_of(network, X, background), max_evaluations=budget, random_state=seed) for seed in range(5)]
    return np.mean([relative_error(found, truth) for found in runs])


@pytest.mark.parametrize(("n_references", "budget"), [(1, 800), (30, 3300)])
def test_regression_beats_permutations_where_it_says_that_it_pays(n_references, budget):
    X, background = make_numbers(6, n_columns=10), make_numbers(n_references, n_columns=10, seed=1)
    network = random_network(10, seed=0)
    assert regression_pays(game_of(network, X, background), budget)
    regression, permutation = (
        mean_error(solver, network, X, background, budget=budget)
        for solver in (regression_shapley, permutation_shapley)
    )
    assert regression < 0.75 * permutation


@pytest.mark.parametrize(("n_references", "budget"), [(1, 600), (30, 1000), (300, 5000)])
def test_regression_does_not_pay_where_it_cannot_ask_every_background_row(n_references, budget):
    X, background = make_numbers(2, n_columns=10), make_numbers(n_references, n_columns=10, seed=1)
    assert not regression_pays(game_of(random_network(10, seed=0), X, background), budget)


@pytest.mark.parametrize("n_players", [5, 10, 20])
@pytest.mark.parametrize("n_references", [1, 5, 50])
def test_the_least_budget_answers_steadily_and_less_is_refused(n_players, n_references):
    X, background = make_numbers(3, n_columns=n_players), make_numbers(n_references, n_columns=n_players, seed=1)
    game = game_of(random_network(n_players, seed=0), X, background)
    least = regression_evaluations(game)
    with pytest.raises(ValueError, match=rf"at least {least} .*got {least - 1}\. Use method='permutation'"):
        regression_shapley(game, max_evaluations=least - 1, random_state=0)
    truth = permutation_shapley(game, max_evaluations=40_000, random_state=0)
    assert relative_error(regression_shapley(game, max_evaluations=least, random_state=0), truth) < 0.5


@pytest.mark.parametrize("n_references", [1, 5, 50])
@pytest.mark.parametrize("budget", [1300, 3000, 20_000])
def test_evaluations_stay_within_the_budget_and_the_background(budget, n_references):
    X, background = make_numbers(10, n_columns=15), make_numbers(n_references, n_columns=15, seed=1)
    game = game_of(random_network(15, seed=0), X, background)
    found = regression_shapley(game, random_state=0, max_evaluations=budget)
    assert 0.8 * budget < found.n_evaluations <= budget + n_references


@pytest.mark.parametrize("n_references", [1, 4, 40])
@pytest.mark.parametrize("units", ["probability", "log-odds"])
def test_one_member_per_set_still_aims_at_the_mean_of_all(units, n_references):
    model, X = FakeEnsemble(), make_table(10)
    background = model.background_[:n_references]
    truth = exact_shapley(EncodedTableGame(model, X, background, units=units))
    found = regression_shapley(EncodedTableGame(model, X, background, units=units), random_state=0)
    assert (np.abs(found.values - truth.values) <= 4 * found.standard_error + 1e-6).all()
    assert (found.values[:, 3] == 0).all()


def test_a_fill_of_each_rows_own_is_one_reference():
    rows, blurred = torch.arange(32.0).view(2, 1, 4, 4).sin().abs(), torch.zeros(2, 1, 4, 4)
    patches = torch.arange(4).view(2, 2).repeat_interleave(2, 0).repeat_interleave(2, 1)
    game = TensorGame(
        lambda images: images.amax((1, 2, 3)), rows, blurred, players=patches, player_names="abcd", fills_per_row=True
    )
    found = regression_shapley(game, random_state=0)
    np.testing.assert_allclose(found.values, exact_shapley(game).values, atol=1e-6)


@pytest.mark.parametrize("n_references", [1, 40])
@pytest.mark.parametrize("batch_size", [64, 512])
def test_neither_batches_nor_other_rows_show_in_the_bytes(batch_size, n_references):
    generator = torch.Generator().manual_seed(0)
    rows, fills = (torch.randn(n, 10, generator=generator) for n in (9, n_references))
    network = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.GELU(), torch.nn.Linear(32, 2))

    def explained(some, **options):
        names = [f"x{i}" for i in range(10)]
        game = TensorGame(
            network, some, fills, players=torch.arange(10), player_names=names, output_names=["a", "b"], **options
        )
        return regression_shapley(game, random_state=0, max_evaluations=1900)

    among, alone = explained(rows), explained(rows[[4]], batch_size=batch_size)
    assert alone.values[0].tobytes() == among.values[4].tobytes()
    assert alone.standard_error[0].tobytes() == among.standard_error[4].tobytes()


def test_the_recorded_seed_gives_the_same_values_and_another_seed_others():
    X, background = make_numbers(3, n_columns=10), make_numbers(40, n_columns=10, seed=1)
    game = game_of(random_network(10, seed=0), X, background)
    once = regression_shapley(game, max_evaluations=2000, random_state=0)
    again = regression_shapley(game, max_evaluations=2000, random_state=once.random_state)
    other = regression_shapley(game, max_evaluations=2000, random_state=once.random_state + 1)
    assert once.values.tobytes() == again.values.tobytes()
    assert (once.values != other.values).any()
