"""Batches: what is asked, how often, and what happens when memory ends."""

import numpy as np
import pytest
import torch

from appkit.explanation import EncodedTableGame
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table, tangled


@pytest.fixture
def game():
    return game_of(tangled, make_numbers(5, n_columns=3), make_numbers(70, n_columns=3, seed=1))


def test_a_coalition_without_references_is_averaged_over_the_whole_background():
    X, background = make_numbers(2, n_columns=3), make_numbers(70, n_columns=3, seed=1)
    values = game_of(tangled, X, background).values(torch.tensor([[True, False, False]]))
    for row in range(2):
        masked = background.assign(x0=X["x0"][row])
        assert values[row, 0, 0].item() == pytest.approx(tangled(masked.to_numpy()).mean())


def test_a_coalition_with_a_reference_is_filled_from_that_row(game):
    X, background = make_numbers(5, n_columns=3), make_numbers(70, n_columns=3, seed=1)
    coalitions = torch.tensor([[True, False, True], [False, True, False]])
    values = game.values(coalitions, references=torch.tensor([7, 69]), rows=torch.tensor([4]))
    first = np.array([[X["x0"][4], background["x1"][7], X["x2"][4]]])
    second = np.array([[background["x0"][69], X["x1"][4], background["x2"][69]]])
    np.testing.assert_allclose(values[0, :, 0], [tangled(first)[0], tangled(second)[0]])


def test_each_coalition_asks_its_own_member():
    model, X = FakeEnsemble(), make_table(4)
    game = EncodedTableGame(model, X, X, units="value")
    full = torch.ones(3, 4, dtype=torch.bool)
    one_by_one = game.values(full, members=torch.tensor([0, 1, 2]))
    np.testing.assert_allclose(one_by_one.mean(1), game.values(full[:1])[:, 0], atol=1e-6)
    assert len(one_by_one[0, :, 0].unique()) == 3


@pytest.mark.parametrize(
    ("coalition", "evaluations"), [([False] * 3, 70), ([True] * 3, 5), ([True, False, False], 5 * 70)]
)
def test_the_empty_coalition_needs_one_row_and_the_full_one_no_background(game, coalition, evaluations):
    game.values(torch.tensor([coalition]))
    assert game.n_evaluations == evaluations


def test_padding_is_not_counted_but_every_call_is_a_power_of_two(game):
    sizes = []
    predict = game._predict
    game._predict = lambda frame: sizes.append(len(frame)) or predict(frame)
    game.values(torch.tensor([[True, False, False]] * 10), references=torch.arange(10))
    game.values(torch.tensor([[True, False, False]] * 50), references=torch.arange(50) % 20)
    assert sizes == [64, 256]
    assert game.n_evaluations == 300


def test_a_gpu_is_asked_whole_batches_only(game):
    game._device = "cuda"
    assert game._rows_at_once(5) == game._batch_size


def test_memory_that_ends_halves_the_batch_for_good():
    model, X = FakeEnsemble(memory=300), make_table(3)
    sizes = []
    encoded_outputs = model.encoded_outputs
    model.encoded_outputs = lambda Z, **options: sizes.append(len(Z)) or encoded_outputs(Z, **options)
    game = EncodedTableGame(model, X, model.background_, units="value")
    for _ in range(2):
        game.values(torch.tensor([[True, False, False, True]] * 5))  # 600 rows with 40 of the background
    assert sizes == [1024, 512, 256, 256, 128, 256, 256, 128]


def test_memory_for_less_than_the_smallest_batch_is_an_error():
    game = EncodedTableGame(FakeEnsemble(memory=50), make_table(3), make_table(9), units="value")
    with pytest.raises(torch.OutOfMemoryError, match="too many rows"):
        game.values(torch.ones(1, 4, dtype=torch.bool))


def test_an_answer_that_is_no_number_is_refused():
    X = make_numbers(2, n_columns=2)
    game = game_of(lambda x: np.where(x[:, 0] == X["x0"][0], np.nan, 1.0), X, X)
    with pytest.raises(ValueError, match="must answer with finite numbers"):
        game.values(torch.ones(1, 2, dtype=torch.bool))


@pytest.mark.parametrize("batch_size", [0, 63, 1000])
def test_a_batch_that_is_no_power_of_two_is_refused(batch_size):
    X = make_numbers(2, n_columns=2)
    with pytest.raises(ValueError, match="power of two"):
        game_of(tangled, X, X, batch_size=batch_size)


def test_no_coalition_gives_no_value(game):
    assert game.values(torch.zeros(0, 3, dtype=torch.bool)).shape == (5, 0, 1)


def test_a_large_background_is_averaged_to_the_same_bytes_in_batches_of_any_size():
    model, X, background = FakeEnsemble(n_outputs=2), make_table(3), make_table(700, seed=1)
    coalitions = torch.tensor([[False] * 4, [True, False, False, True], [False, True, True, False]])
    small, large = (
        EncodedTableGame(model, X, background, units="probability", batch_size=size).values(coalitions)
        for size in (64, 4096)
    )
    assert small.numpy().tobytes() == large.numpy().tobytes()


def test_a_background_is_padded_once_and_not_in_pieces():
    sizes = []
    X, background = make_numbers(1, n_columns=3), make_numbers(1500, n_columns=3, seed=1)
    game = game_of(lambda x: sizes.append(len(x)) or tangled(x), X, background)
    game.values(torch.tensor([[False, False, False]]))
    assert sizes == [1024, 512]
