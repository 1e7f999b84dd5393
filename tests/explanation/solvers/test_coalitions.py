"""What a drawn set of coalitions must be, over many sizes."""

import itertools
import math

import numpy as np
import pytest

from appkit.explanation.solvers.coalitions import draw_paired_coalitions, n_all_pairs, one_player_apart

SHAPES = [
    (2, 1, 1),
    (3, 3, 1),
    (4, 7, 1),
    (7, 30, 2),
    (10, 20, 1),
    (24, 48, 1),
    (25, 60, 1),
    (70, 140, 1),
    (10, 400, 20),
]


def drawn(n_players, n_pairs, n_chains, *, n_sets=6, seed=0):
    rng = np.random.default_rng(seed)
    return draw_paired_coalitions(n_players, n_sets=n_sets, n_pairs=n_pairs, n_chains=n_chains, rng=rng)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_pair_comes_twice_in_a_set(shape):
    for pairs in drawn(*shape).present:
        assert len(np.unique(np.concatenate([pairs, ~pairs]), axis=0)) == 2 * shape[1]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_set_changes_every_player_alone_in_every_chain(shape):
    for pairs in drawn(*shape).present:
        nobody = np.zeros_like(pairs[:1])
        _, _, player = one_player_apart(np.concatenate([nobody, pairs, ~pairs, ~nobody]))
        assert set(player) == set(range(shape[0]))


def test_sizes_are_drawn_alike():
    sizes = drawn(25, 120, 1).present.sum(axis=2)
    counts = np.bincount(np.minimum(sizes, 25 - sizes)[0])
    assert counts[1:].tolist() == [10] * 12


def test_small_sizes_are_complete_where_the_budget_covers_them():
    draws = drawn(12, 150, 1)
    assert (draws.present.sum(axis=2) == 1).sum(axis=1).tolist() == [12] * 6
    assert draws.drawn[0] == 1
    assert draws.drawn[-1] < 0.1


def test_all_coalitions_come_where_the_budget_covers_them():
    (pairs,) = drawn(5, n_all_pairs(5), 1, n_sets=1).present
    found = {tuple(row) for row in np.concatenate([pairs, ~pairs]).tolist()}
    assert found == set(itertools.product([False, True], repeat=5)) - {(False,) * 5, (True,) * 5}


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_sum_to_the_shapley_kernel(shape):
    n_players = shape[0]
    kernel = [(n_players - 1) / (size * (n_players - size)) for size in range(1, n_players)]
    assert 2 * drawn(*shape).weights.sum() == pytest.approx(math.fsum(kernel))


def test_coalitions_of_one_size_are_drawn_alike():
    present = drawn(8, 16, 1, n_sets=4000).present
    of_three = present[present.sum(axis=2) == 3]
    np.testing.assert_allclose(of_three.mean(axis=0), 3 / 8, atol=0.02)


def test_a_seed_gives_the_same_coalitions_again():
    assert drawn(9, 30, 1, seed=3).present.tobytes() == drawn(9, 30, 1, seed=3).present.tobytes()
    assert drawn(9, 30, 1, seed=3).present.tobytes() != drawn(9, 30, 1, seed=4).present.tobytes()


def test_steps_are_those_that_brute_force_finds():
    coalitions = np.unique(np.random.default_rng(0).random((20, 5)) < 0.5, axis=0)
    expected = {
        (a, b, int((coalitions[a] ^ coalitions[b]).argmax()))
        for a, b in itertools.permutations(range(len(coalitions)), 2)
        if (coalitions[a] <= coalitions[b]).all() and (coalitions[a] ^ coalitions[b]).sum() == 1
    }
    assert set(zip(*(part.tolist() for part in one_player_apart(coalitions)), strict=True)) == expected


def test_too_few_pairs_for_the_chains_are_refused():
    with pytest.raises(ValueError, match=r"between 36 and 511 .*got 35"):
        drawn(10, 35, 2)
