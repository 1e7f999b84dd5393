"""Two standard errors hold the true value nine times in ten at least, wherever adaptive stopping ends.

True values are those of a whole population, enumerated. Each repetition sees another sample of it as background and
another seed, so the error of the background counts as much as that of the permutations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

from appkit.explanation import EncodedTableGame, Game, TensorGame, exact_shapley, game_for, permutation_shapley
from appkit.explanation.games import image_game, window_game
from appkit.explanation.solvers import regression_shapley
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table
from tests.explanation.guarantees.networks import N_COLUMNS, N_SENSORS, N_TIMES, SERIES, VECTORS, drawn, image_network
from tests.explanation.guarantees.problem import OUTPUTS
from tests.explanation.guarantees.set_functions import SetFunctionGame, random_tables
from tests.explanation.guarantees.tables import fitted, make_credit, rows_for
from tests.explanation.guarantees.tensors import normal

TARGET = 0.1
ROUNDING = 1e-9


@dataclass(frozen=True)
class Population:
    """Rows to explain against any sample of ``size`` background rows."""

    game: Callable[[np.ndarray], Game]
    size: int


def columns(name: str) -> Population:
    network = drawn(VECTORS[name], 0, torch.as_tensor(normal(64, N_COLUMNS, seed=0)))
    rows, population = torch.as_tensor(normal(8, N_COLUMNS, seed=1)), torch.as_tensor(normal(1000, N_COLUMNS, seed=2))

    def game(sample: np.ndarray) -> Game:
        fills = population[torch.as_tensor(sample)]
        return TensorGame(
            network, rows, fills, players=torch.arange(N_COLUMNS), player_names="abcde", output_names=OUTPUTS
        )

    return Population(game, len(population))


def series(name: str) -> Population:
    network = drawn(SERIES[name], 0, torch.as_tensor(normal(64, N_TIMES, N_SENSORS, seed=0)))
    windows, healthy = normal(6, N_TIMES, N_SENSORS, seed=1), normal(400, N_TIMES, N_SENSORS, seed=2)
    return Population(
        lambda sample: window_game(network, windows, healthy[sample], n_segments=3, output_names=OUTPUTS), len(healthy)
    )


def images() -> Population:
    network = drawn(image_network(1), 0, torch.as_tensor(normal(64, 1, 12, 12, seed=0)))
    shown, others = normal(4, 12, 12, seed=1), normal(300, 12, 12, seed=2)
    return Population(
        lambda sample: image_game(
            network, shown, n_players=4, fill="background", background=others[sample], output_names=OUTPUTS
        ),
        len(others),
    )


def table(kind: str, units: str) -> Population:
    X = rows_for(kind, make_credit(508, seed=9)[0])
    return Population(
        lambda sample: game_for(fitted(kind), X[:8], background=X[8:].iloc[sample], units=units), len(X) - 8
    )


def disagreeing_members(units: str) -> Population:
    rows, population = make_table(8, seed=3), make_table(1500, seed=4)
    return Population(
        lambda sample: EncodedTableGame(FakeEnsemble(), rows, population.iloc[sample], units=units), len(population)
    )


def set_function(n_members: int) -> Population:
    said = random_tables(6, 500, n_members, n_players=5, seed=0)
    return Population(lambda sample: SetFunctionGame(said[:, sample]), 500)


POPULATIONS: dict[str, Callable[[], Population]] = {
    "columns, residual and layer norm": lambda: columns("residual and layer norm"),
    "series, gru": lambda: series("gru"),
    "members of our own": lambda: table("tabm", "probability"),
    "members that disagree": lambda: disagreeing_members("probability"),
    "set function of members": lambda: set_function(3),
    "boosted trees": lambda: table("xgboost", "probability"),
    "columns, attention": lambda: columns("attention"),
    "columns, residual and batch norm": lambda: columns("residual and batch norm"),
    "series, lstm": lambda: series("lstm"),
    "images": images,
    "log-odds of our own": lambda: table("tabm", "log-odds"),
    "pipeline": lambda: table("pipeline", "log-odds"),
    "set function": lambda: set_function(1),
}
QUICK = 4  # the others are slow


@cache
def truth(name: str) -> np.ndarray:
    population = POPULATIONS[name]()
    return exact_shapley(population.game(np.arange(population.size))).values


def coverage(name, solver, *, share, n_seeds, **limits):
    """Return the mean share of values whose truth lies within two standard errors, over samples and seeds."""
    population = POPULATIONS[name]()
    covered = []
    for seed in range(n_seeds):
        sample = np.random.default_rng(seed).permutation(population.size)[: int(share * population.size)]
        found = solver(population.game(sample), random_state=seed, **limits)
        covered.append(np.abs(found.values - truth(name)) <= 2 * found.standard_error + ROUNDING)
    return np.mean(covered)


CASES = [
    pytest.param(name, 8 if i < QUICK else 40, marks=() if i < QUICK else pytest.mark.slow)
    for i, name in enumerate(POPULATIONS)
]


@pytest.mark.parametrize(("name", "n_seeds"), CASES)
def test_two_standard_errors_cover_the_population_from_a_fifth_of_it(name, n_seeds):
    assert coverage(name, permutation_shapley, share=0.2, n_seeds=n_seeds, target_error=TARGET) >= 0.9


@pytest.mark.parametrize(("name", "n_seeds"), CASES)
def test_two_standard_errors_cover_the_population_when_all_of_it_is_at_hand(name, n_seeds):
    assert coverage(name, permutation_shapley, share=1.0, n_seeds=n_seeds, target_error=TARGET) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("target_error", [0.3, 0.05, 0.02])
@pytest.mark.parametrize("name", POPULATIONS)
def test_two_standard_errors_cover_whatever_the_target(name, target_error):
    assert coverage(name, permutation_shapley, share=0.2, n_seeds=30, target_error=target_error) >= 0.9


@pytest.mark.parametrize("name", list(POPULATIONS)[:QUICK])
def test_two_standard_errors_of_exact_values_cover_the_population(name):
    assert coverage(name, exact_shapley, share=0.2, n_seeds=6) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", POPULATIONS)
def test_two_standard_errors_of_a_regression_cover_the_population(name):
    assert coverage(name, regression_shapley, share=0.2, n_seeds=20, max_evaluations=8192) >= 0.9


@pytest.mark.parametrize("name", ["columns, residual and layer norm", "series, gru", "members of our own"])
def test_values_miss_the_truth_by_no_more_than_the_target(name):
    population = POPULATIONS[name]()
    found = permutation_shapley(population.game(np.arange(population.size)), target_error=TARGET, random_state=0)
    misses = np.linalg.norm(found.values - truth(name)) / np.linalg.norm(truth(name))
    assert misses <= TARGET


def test_two_standard_errors_cover_what_one_background_row_in_a_hundred_holds():
    background, X = make_numbers(1000, n_columns=4, seed=7), make_numbers(8, n_columns=4)
    background["x3"] = (np.random.default_rng(1).random(1000) < 0.01).astype(float)
    X["x3"] = [0.0] * 6 + [1.0] * 2

    def rare(x):
        return 5 * x[:, 3] * (1 + x[:, 0]) + x[:, 1] * x[:, 2]

    exact = exact_shapley(game_of(rare, X, background)).values
    covered = []
    for seed in range(10):
        found = permutation_shapley(game_of(rare, X, background), target_error=0.2, random_state=seed)
        covered.append(np.abs(found.values - exact) <= 2 * found.standard_error + ROUNDING)
    assert np.mean(covered) >= 0.9
