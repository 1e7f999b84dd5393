import numpy as np
import pytest
import torch
from scipy import sparse

from appkit.model.recommenders import linear
from appkit.model.recommenders.linear import LinearScorer

N_ITEMS = 30
REBUY = 0.4


def some_weights(*, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(N_ITEMS, N_ITEMS)) * (rng.random((N_ITEMS, N_ITEMS)) < 0.3)
    weights[:, 7] = weights[4] = 0  # never advised, says nothing
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)


def some_histories(*, seed: int = 1) -> torch.Tensor:
    """Rows with repeats and padding; the first is empty."""
    rng = np.random.default_rng(seed)
    histories = rng.integers(0, N_ITEMS // 2, size=(12, 9))
    for row in range(12):
        histories[row, : 9 - min(row, 9)] = N_ITEMS
    return torch.from_numpy(histories)


def by_hand(weights: np.ndarray, histories: torch.Tensor, *, rebuy: float) -> np.ndarray:
    scores = np.zeros((len(histories), N_ITEMS))
    for row, history in enumerate(histories.tolist()):
        for item in set(history) - {N_ITEMS}:
            scores[row] += weights[item]
            scores[row, item] += rebuy * np.log1p(history.count(item))
    return scores


def scorers(*, rebuy: float = REBUY) -> list[LinearScorer]:
    weights = some_weights()
    return [
        LinearScorer.of_dense(torch.from_numpy(weights.copy()), rebuy=rebuy),
        LinearScorer.of_sparse(sparse.csr_array(weights), rebuy=rebuy),
    ]


@pytest.mark.parametrize("form", [0, 1], ids=["dense", "sparse"])
@pytest.mark.parametrize("rebuy", [0.0, REBUY])
def test_scores_are_sums_over_distinct_items(form, rebuy):
    scores = scorers(rebuy=rebuy)[form](some_histories())
    assert scores.dtype == torch.float32
    np.testing.assert_allclose(scores, by_hand(some_weights(), some_histories(), rebuy=rebuy), atol=1e-5)


@pytest.mark.parametrize("form", [0, 1], ids=["dense", "sparse"])
def test_without_a_history_all_scores_are_0(form):
    scores = scorers()[form](torch.full((2, 3), N_ITEMS))
    assert torch.equal(scores, torch.zeros(2, N_ITEMS))


@pytest.mark.parametrize("form", [0, 1], ids=["dense", "sparse"])
def test_contributions_add_up_to_the_score(form):
    scorer, histories = scorers()[form], some_histories()
    items = torch.arange(12) % N_ITEMS
    shares = scorer.contributions(histories, items)
    expected = scorer(histories).gather(1, items[:, None])[:, 0]
    torch.testing.assert_close(shares.sum(dim=1), expected)
    assert shares.abs().sum() > 1


@pytest.mark.parametrize("form", [0, 1], ids=["dense", "sparse"])
def test_the_last_place_has_all_of_an_item_that_comes_twice(form):
    shares = scorers()[form].contributions(torch.tensor([[N_ITEMS, 3, 5, 3]]), torch.tensor([3]))
    weights = some_weights()
    assert shares[0].tolist() == pytest.approx([0, 0, weights[5, 3], REBUY * np.log(3)])


@pytest.mark.parametrize("form", [0, 1], ids=["dense", "sparse"])
def test_taking_an_item_out_takes_its_contribution_out(form):
    scorer, item = scorers()[form], torch.tensor([2])
    full, without = torch.tensor([[1, 8, 9]]), torch.tensor([[N_ITEMS, 1, 9]])
    change = scorer(full)[0, 2] - scorer(without)[0, 2]
    assert scorer.contributions(full, item)[0, 1].item() == pytest.approx(change.item(), abs=1e-6)


def test_order_of_a_history_does_not_count():
    histories = some_histories()
    for scorer in scorers():
        torch.testing.assert_close(scorer(histories), scorer(histories.flip(1)))


def test_weights_on_the_diagonal_are_left_out():
    eye = np.eye(3, dtype=np.float32)
    assert LinearScorer.of_dense(torch.from_numpy(eye))(torch.tensor([[1]])).tolist() == [[0, 0, 0]]
    assert LinearScorer.of_sparse(sparse.csr_array(eye))(torch.tensor([[1]])).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("at_once", [7, 1_000])
def test_sums_at_once_for_a_gpu_are_those_in_turn_for_a_cpu(monkeypatch, at_once):
    monkeypatch.setattr(linear, "_ENTRIES_AT_ONCE", at_once)
    rows, items = torch.tensor([0, 0, 2, 2, 2]), torch.tensor([1, 8, 4, 8, 3])  # nobody in row 1
    scorer = scorers()[1]
    at_once = scorer._sums_at_once(rows, items, n_rows=4)
    torch.testing.assert_close(at_once, scorer._sums_in_turn(rows, items, n_rows=4))
    np.testing.assert_allclose(at_once[0], some_weights()[[1, 8]].sum(axis=0), atol=1e-6)


def test_contributions_are_looked_up_piece_by_piece(monkeypatch):
    items = torch.arange(12)
    whole = scorers()[1].contributions(some_histories(), items)
    monkeypatch.setattr(linear, "_ENTRIES_AT_ONCE", 7)
    assert torch.equal(scorers()[1].contributions(some_histories(), items), whole)


@pytest.mark.parametrize("form", [0, 1], ids=["dense", "sparse"])
def test_an_empty_copy_is_filled_by_the_state(form):
    scorer = scorers()[form]
    copy = LinearScorer(**scorer.config())
    copy.load_state_dict(scorer.state_dict())
    assert torch.equal(copy(some_histories()), scorer(some_histories()))


def test_item_vectors_are_the_weights_towards_an_item_unless_given():
    for scorer in scorers():
        assert np.array_equal(scorer.item_vectors(), some_weights().T)
    given = torch.ones(N_ITEMS, 2)
    assert torch.equal(LinearScorer.of_sparse(sparse.csr_array(some_weights()), vectors=given).item_vectors(), given)


def test_a_table_without_weights_scores_0():
    scorer = LinearScorer.of_sparse(sparse.csr_array((3, 3), dtype=np.float32))
    assert scorer(torch.tensor([[0, 1]])).tolist() == [[0, 0, 0]]
    assert scorer.contributions(torch.tensor([[0, 1]]), torch.tensor([2])).tolist() == [[0, 0]]
