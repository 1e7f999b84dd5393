"""The order in which background rows are asked."""

import numpy as np
import torch

from appkit.explanation.solvers import references
from appkit.explanation.solvers.references import clipped_features, herded_order, standardised_features
from tests.explanation.fakes import game_of, make_numbers


def features(n_references=400, n_players=6):
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(n_references, n_players, generator=generator, dtype=torch.float64).exp()
    return clipped_features((numbers - numbers.mean(0)) / numbers.std(0, correction=0))


def test_every_row_comes_once_before_any_comes_twice():
    order = herded_order(features(50), n_references=50, n_drawn=120, seed=0)
    assert sorted(order[:50]) == sorted(order[50:100]) == list(range(50))


def test_a_prefix_resembles_the_background_better_than_a_blind_draw():
    numbers = features()

    def misses(order):
        return float(numbers[order].mean(0).square().sum() + (numbers[order].square().mean(0) - 1).square().sum())

    herded = [misses(herded_order(numbers, n_references=400, n_drawn=40, seed=seed)) for seed in range(5)]
    blind = [misses(herded_order(None, n_references=400, n_drawn=40, seed=seed)) for seed in range(5)]
    assert np.mean(herded) < 0.4 * np.mean(blind)


def test_a_longer_order_begins_like_a_shorter_one():
    short = herded_order(features(), n_references=400, n_drawn=30, seed=3)
    assert herded_order(features(), n_references=400, n_drawn=60, seed=3)[:30].tolist() == short.tolist()


def test_seeds_differ_and_repeat():
    orders = [herded_order(features(), n_references=400, n_drawn=30, seed=seed).tolist() for seed in (1, 2, 1)]
    assert orders[0] == orders[2] != orders[1]


def test_features_have_mean_0_and_spread_1_and_a_constant_column_stays_0():
    background = make_numbers(100, n_columns=3, seed=1).assign(x1=5.0)
    game = game_of(lambda x: x[:, 0], background[:2], background)
    found = standardised_features(game)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(0, correction=0), [1, 0, 1])


def test_one_background_row_has_nothing_to_tell_it_from():
    X = make_numbers(2, n_columns=3)
    assert standardised_features(game_of(lambda x: x[:, 0], X, X[:1])) is None


def test_of_very_many_rows_a_random_part_comes_first(monkeypatch):
    monkeypatch.setattr(references, "_LARGEST_POOL", 50)
    order = herded_order(features(), n_references=400, n_drawn=400, seed=0)
    assert sorted(order) == list(range(400))
    assert order[:20].tolist() == herded_order(features(), n_references=400, n_drawn=20, seed=0).tolist()
