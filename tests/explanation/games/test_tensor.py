"""Tensors of any shape: who owns which element, what fills it, which output is asked."""

import numpy as np
import pytest
import torch

from appkit.explanation import TensorGame, exact_shapley


def game_of(network, rows, fills, players, **options):
    players = torch.as_tensor(players)
    names = [f"player {i}" for i in range(int(players.max()) + 1)]
    return TensorGame(
        network, torch.as_tensor(rows), torch.as_tensor(fills), **{"players": players, "player_names": names, **options}
    )


def test_players_of_fewer_axes_line_up_with_the_last_ones():
    rows, fills = torch.ones(3, 2, 2, 2), torch.zeros(1, 2, 2, 2)
    game = game_of(lambda x: x.sum((1, 2, 3)), rows, fills, [[0, 1], [1, 1]])
    assert game.values(torch.eye(2, dtype=torch.bool))[..., 0].tolist() == [[2, 6]] * 3


def test_rows_may_have_players_of_their_own():
    rows, fills = torch.tensor([[1.0, 2, 4], [1, 2, 4]]), torch.zeros(1, 3)
    game = game_of(lambda x: x.sum(1), rows, fills, [[0, 0, 1], [1, 0, 0]], players_per_row=True)
    assert game.values(torch.eye(2, dtype=torch.bool))[..., 0].tolist() == [[3, 4], [6, 1]]
    assert game.data().tolist() == [[1.5, 4], [3, 1]]


def test_players_of_rows_own_line_up_with_the_last_axes_too():
    rows, fills = torch.ones(2, 3, 1, 2), torch.zeros(1, 3, 1, 2)
    game = game_of(lambda x: x.sum((1, 2, 3)), rows, fills, [[[0, 1]], [[1, 1]]], players_per_row=True)
    assert game.values(torch.eye(2, dtype=torch.bool))[..., 0].tolist() == [[3, 3], [0, 6]]


@pytest.mark.parametrize("players_per_row", [False, True])
def test_elements_of_nobody_are_always_the_rows_own(players_per_row):
    rows, fills = torch.tensor([[1.0, 2, 4], [8, 16, 32]]), torch.zeros(2, 3)
    players = [[-1, 0, 1]] * 2 if players_per_row else [-1, 0, 1]
    game = game_of(lambda x: x.sum(1), rows, fills, players, players_per_row=players_per_row)
    explanation = exact_shapley(game)
    assert explanation.base_value[:, 0].tolist() == [1, 8]
    assert explanation.values[..., 0].tolist() == [[2, 4], [16, 32]]
    assert game.player_sums(rows).tolist() == [[2, 4], [16, 32]]


def test_each_row_may_have_a_fill_of_its_own():
    rows, fills = torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[10.0, 20], [30, 40]])
    game = game_of(lambda x: x.sum(1), rows, fills, [0, 1], fills_per_row=True)
    assert game.n_references == 1
    assert game.values(torch.eye(2, dtype=torch.bool))[..., 0].tolist() == [[21, 12], [43, 34]]


def test_each_row_may_have_outputs_of_its_own():
    rows, fills = torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[5.0, 7]])
    options = {"outputs": [[1], [0]], "output_names": ["chosen"]}
    explanation = exact_shapley(game_of(lambda x: x, rows, fills, [0, 1], **options))
    assert explanation.base_value[:, 0].tolist() == [7, 5]
    assert explanation.values[..., 0].tolist() == [[0, -5], [-2, 0]]


def test_the_ends_of_a_path_are_the_row_and_its_fill_with_what_nobody_owns_in_both():
    rows, fills = torch.tensor([[1.0, 2]]), torch.tensor([[5.0, 7], [6, 8]])
    own, filled = game_of(lambda x: x, rows, fills, [-1, 0]).path_ends(torch.tensor([0, 0]), torch.tensor([0, 1]))
    assert own.tolist() == [[1, 2], [1, 2]]
    assert filled.tolist() == [[1, 7], [1, 8]]


def test_sums_of_some_rows_go_by_their_own_players():
    rows = torch.tensor([[1.0, 2], [3, 4]])
    game = game_of(lambda x: x, rows, rows, [[0, 1], [1, 0]], players_per_row=True)
    assert game.player_sums(rows[1:], rows=torch.tensor([1])).tolist() == [[4, 3]]
    assert game.player_means(rows[[1, 1]], rows=torch.tensor([0, 1])).tolist() == [[3, 4], [4, 3]]


@pytest.mark.parametrize(("shape", "batch"), [((24,), 1024), ((30, 14), 512), ((28, 28), 256), ((3, 224, 224), 64)])
def test_batches_of_larger_rows_are_smaller(shape, batch):
    asked = []
    game = game_of(
        lambda x: asked.append(len(x)) or x.flatten(1)[:, 0], torch.ones(1, *shape), torch.zeros(1, *shape), [0]
    )
    game.values(torch.ones(batch + 1, 1, dtype=torch.bool), references=torch.zeros(batch + 1, dtype=torch.int64))
    assert asked == [64]  # the full coalition is one and the same
    assert game._batch_size == batch


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"players": torch.zeros(3, dtype=torch.int64)}, "players must name the player of every element"),
        ({"players": torch.tensor([0, -2]), "player_names": ["a"]}, "or -1 for none, got -2 to 0"),
        ({"players": torch.tensor([0, 1]), "player_names": ["a"]}, "must be below 1"),
        ({"outputs": [0.5]}, "outputs must be positions"),
        ({"outputs": [0, 1]}, r"one per output name \(1\)"),
        ({"outputs": [[0], [1], [0]]}, "for each of 2 rows"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        game_of(lambda x: x, torch.zeros(2, 2), torch.zeros(1, 2), **{"players": [0, 1], **options})


def test_fills_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="fills must have the shape of the rows"):
        game_of(lambda x: x, np.zeros((2, 2)), np.zeros((1, 3)), [0, 1])


def test_a_network_of_too_many_outputs_is_refused():
    game = game_of(lambda x: x, torch.zeros(2, 2), torch.zeros(1, 2), [0, 1])
    with pytest.raises(ValueError, match=r"shape \(64, 1\), one column per output name, got shape \(64, 2\)"):
        game.values(torch.ones(1, 2, dtype=torch.bool))
