"""Interactions against brute force, closed forms, and what their errors promise."""

import itertools
import math

import numpy as np
import pytest
import torch

from appkit.explanation import EncodedTableGame, TensorGame
from appkit.explanation.interactions import shapley_interactions
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table, tangled

POPULATION = make_numbers(400, n_columns=5, seed=7)
SAMPLED = 1200  # evaluations too few to enumerate the population


def brute_force(function, x, background, pair):
    """Return the Shapley interaction index of one row, from its definition."""
    others = [player for player in range(len(x)) if player not in pair]

    def says(present):
        masked = background.copy()
        masked[:, list(present)] = x[list(present)]
        return function(masked).mean()

    total = 0.0
    for size in range(len(others) + 1):
        weight = math.factorial(len(others) - size) * math.factorial(size) / math.factorial(len(others) + 1)
        for some in itertools.combinations(others, size):
            i, j = pair
            total += weight * (says((*some, i, j)) - says((*some, i)) - says((*some, j)) + says(some))
    return total


def positions(found):
    return [tuple(int(name[1:]) for name in pair) for pair in found.pairs]


def every_pair(n_players):
    return list(itertools.combinations([f"x{i}" for i in range(n_players)], 2))


@pytest.mark.parametrize("n_players", [2, 3, 5])
@pytest.mark.parametrize("n_references", [1, 12])
@pytest.mark.parametrize("seed", range(3))
def test_enumeration_is_the_definition(n_players, n_references, seed):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n_players, 8))
    X, background = make_numbers(3, n_columns=n_players, seed=seed), make_numbers(n_references, n_columns=n_players)
    function = lambda x: np.maximum(x @ hidden, 0).sum(axis=1)  # noqa: E731, shown to both sides
    found = shapley_interactions(game_of(function, X, background), random_state=0)
    assert found.method == "shapley interaction (exact)"
    expected = [
        [brute_force(function, x, background.to_numpy(), pair) for pair in positions(found)] for x in X.to_numpy()
    ]
    np.testing.assert_allclose(found.values[..., 0], expected, atol=1e-9)


@pytest.mark.parametrize("budget", [None, SAMPLED])
def test_a_product_interacts_by_the_product_of_its_differences(budget):
    X = make_numbers(4, n_columns=5)
    game = game_of(lambda x: x[:, 0] * x[:, 1] + x[:, 2], X, 0 * POPULATION[:300] + 2)
    found = shapley_interactions(game, pairs=[("x0", "x1")], max_evaluations=budget, random_state=0)
    np.testing.assert_allclose(found.values[:, 0, 0], (X["x0"] - 2) * (X["x1"] - 2), atol=1e-9)


@pytest.mark.parametrize("budget", [None, SAMPLED])
def test_players_side_by_side_do_not_interact(budget):
    X = make_numbers(4, n_columns=5).round()
    game = game_of(lambda x: 3 * x[:, 0] + x[:, 1] ** 2 + np.abs(x[:, 2]), X, POPULATION.round())
    found = shapley_interactions(game, pairs=every_pair(5), max_evaluations=budget, random_state=0)
    assert (found.values == 0).all()
    assert (found.standard_error == 0).all()


@pytest.mark.parametrize("budget", [60_000, SAMPLED])
def test_a_player_nobody_asks_interacts_with_nobody(budget):
    X = make_numbers(4, n_columns=5)
    game = game_of(lambda x: np.tanh(x[:, 0] * x[:, 1] + x[:, 2] - x[:, 4]), X, POPULATION)
    found = shapley_interactions(game, pairs=every_pair(5), max_evaluations=budget, random_state=0)
    is_idle = np.array(["x3" in pair for pair in found.pairs])
    assert (found.values[:, is_idle] == 0).all()
    assert (found.values[:, ~is_idle] != 0).all()


@pytest.fixture(scope="module")
def truth():
    X = make_numbers(6, n_columns=5)
    return shapley_interactions(
        game_of(tangled, X, POPULATION), pairs=every_pair(4), max_evaluations=60_000, random_state=0
    )


def sampled(*, seed, background=POPULATION):
    X = make_numbers(6, n_columns=5)
    return shapley_interactions(
        game_of(tangled, X, background), pairs=every_pair(4), max_evaluations=SAMPLED, random_state=seed
    )


def test_two_standard_errors_cover_the_population(truth):
    covered = []
    for seed in range(40):
        found = sampled(seed=seed, background=POPULATION.sample(60, random_state=seed))
        assert found.method == "shapley interaction (sampled)"
        covered.append(np.abs(found.values - truth.values) <= 2 * found.standard_error + 1e-9)
    assert 0.90 < np.mean(covered) < 1


def test_two_standard_errors_cover_where_rows_are_drawn_from_the_population(truth):
    covered = [
        np.abs((found := sampled(seed=seed)).values - truth.values) <= 2 * found.standard_error + 1e-9
        for seed in range(40)
    ]
    assert np.mean(covered) > 0.93


def test_two_standard_errors_cover_the_importance(truth):
    covered = []
    for seed in range(40):
        found = sampled(seed=seed, background=POPULATION.sample(60, random_state=seed))
        error = np.abs(found.importance - truth.importance)
        covered.append((error <= 2 * found.importance_error + 1e-9)[truth.importance > 0.1])
    assert np.mean(covered) > 0.85


def test_importance_is_the_mean_absolute_value(truth):
    np.testing.assert_allclose(truth.importance, np.abs(truth.values).mean(axis=0))


def partly_tangled(x):
    """Two interactions of twenty columns, the first stronger."""
    return 2 * x[:, 3] * x[:, 11] + np.tanh(2 * x[:, 5] * x[:, 9]) + x[:, 15] + np.exp(x[:, 0] / 4)


@pytest.mark.parametrize("seed", range(4))
def test_the_strongest_pairs_of_many_are_found(seed):
    X, background = make_numbers(8, n_columns=20), make_numbers(100, n_columns=20, seed=1)
    found = shapley_interactions(
        game_of(partly_tangled, X, background), n_pairs=2, max_evaluations=12_000, random_state=seed
    )
    assert found.pairs == (("x3", "x11"), ("x5", "x9"))
    assert (np.diff(found.importance[:, 0]) < 0).all()


def test_pairs_that_were_picked_are_not_overrated():
    X, background = make_numbers(2, n_columns=9), make_numbers(400, n_columns=9, seed=1)
    waves = np.random.default_rng(0).normal(size=(9, 60))
    game = game_of(lambda x: np.sin(3 * x @ waves).sum(axis=1), X, background)  # every pair is as strong as another
    exact = shapley_interactions(game, pairs=every_pair(9), max_evaluations=300_000, random_state=0)
    of_pair = dict(zip(exact.pairs, np.moveaxis(exact.values, 1, 0), strict=True))
    overrated = []
    for seed in range(12):
        found = shapley_interactions(game, n_pairs=3, max_evaluations=3000, random_state=seed)
        wanted = np.stack([of_pair[pair] for pair in found.pairs], axis=1)
        overrated.append((np.abs(found.values) - np.abs(wanted)) / found.standard_error)
    assert np.mean(overrated) < 0.5  # 1.2 where the draws that picked the pairs also measure them


@pytest.mark.parametrize("units", ["probability", "log-odds"])
def test_one_member_per_draw_still_aims_at_the_mean_of_all(units):
    model, X = FakeEnsemble(), make_table(6)
    game = EncodedTableGame(model, X, model.background_, units=units)
    exact = shapley_interactions(game, pairs=[("a", "b"), ("a", "c"), ("b", "d")], random_state=0)
    found = shapley_interactions(game, pairs=[("a", "b"), ("a", "c"), ("b", "d")], max_evaluations=500, random_state=0)
    assert (np.abs(found.values - exact.values) <= 4 * found.standard_error).all()


@pytest.mark.parametrize("batch_size", [64, 512])
@pytest.mark.parametrize("n_references", [1, 300])
def test_neither_batches_nor_other_rows_show_in_the_bytes(batch_size, n_references):
    generator = torch.Generator().manual_seed(0)
    rows, fills = (torch.randn(n, 14, generator=generator) for n in (9, n_references))
    network = torch.nn.Sequential(torch.nn.Linear(14, 32), torch.nn.GELU(), torch.nn.Linear(32, 2))

    def found(some, **options):
        names = [f"x{i}" for i in range(14)]
        game = TensorGame(
            network, some, fills, players=torch.arange(14), player_names=names, output_names=["a", "b"], **options
        )
        pairs = [("x0", "x3"), ("x3", "x9"), ("x13", "x1")]
        return shapley_interactions(game, pairs=pairs, max_evaluations=3000, random_state=0)

    among, alone = found(rows), found(rows[[4]], batch_size=batch_size)
    assert alone.values[0].tobytes() == among.values[4].tobytes()
    assert alone.standard_error[0].tobytes() == among.standard_error[4].tobytes()


@pytest.mark.parametrize("budget", [2500, 10_000])
def test_evaluations_stay_within_the_budget_and_the_background(budget):
    X, background = make_numbers(10, n_columns=20), make_numbers(30, n_columns=20, seed=1)
    found = shapley_interactions(
        game_of(partly_tangled, X, background), n_pairs=3, max_evaluations=budget, random_state=0
    )
    assert 0.7 * budget < found.n_evaluations <= budget + 30


def test_too_small_a_budget_is_refused_with_the_one_that_suffices():
    X = make_numbers(2, n_columns=20)
    with pytest.raises(ValueError, match=r"at least 2088 to pick 3 of 190 pairs .*got 2087"):
        shapley_interactions(game_of(partly_tangled, X, X), n_pairs=3, max_evaluations=2087, random_state=0)


@pytest.mark.parametrize("pairs", [[("x0", "nobody")], [("x0", "x0")], [("x0", "x1", "x2")], []])
def test_pairs_must_name_two_players_each(pairs):
    X = make_numbers(2, n_columns=4)
    with pytest.raises(ValueError, match="pairs must"):
        shapley_interactions(game_of(tangled, X, X), pairs=pairs, random_state=0)


def test_one_player_has_nobody_to_interact_with():
    X = make_numbers(2, n_columns=1)
    with pytest.raises(ValueError, match="two players at least"):
        shapley_interactions(game_of(lambda x: x[:, 0], X, X), random_state=0)
