"""The orders in which players enter."""

import numpy as np

from appkit.explanation.solvers.orders import herded_orders


def orders(n_drawn, *, n_players=12, seed=0):
    return herded_orders(np.random.default_rng(seed), n_players=n_players, n_drawn=n_drawn)


def squared_correlations(found):
    ranks = found.argsort(axis=1) - (found.shape[1] - 1) / 2
    between = np.square(np.corrcoef(ranks))
    return between[~np.eye(len(between), dtype=bool)]


def test_each_is_a_permutation():
    assert (np.sort(orders(600), axis=1) == np.arange(12)).all()


def test_orders_are_less_alike_than_random_ones():
    random = np.random.default_rng(1).permuted(np.tile(np.arange(12), (60, 1)), axis=1)
    assert squared_correlations(orders(60)).mean() < 0.9 * squared_correlations(random).mean()


def test_every_player_comes_at_every_place_equally_often():
    counts = np.stack([np.bincount(column, minlength=12) for column in orders(512).T])
    assert np.abs(counts - 512 / 12).max() < 5 * (512 / 12) ** 0.5


def test_more_orders_begin_like_fewer():
    assert orders(40)[:10].tolist() == orders(10).tolist()


def test_seeds_differ_and_repeat():
    assert orders(5, seed=1).tolist() == orders(5, seed=1).tolist() != orders(5, seed=2).tolist()


def test_one_player_has_one_order():
    assert orders(3, n_players=1).tolist() == [[0], [0], [0]]
