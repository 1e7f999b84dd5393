import numpy as np
import pytest
import torch

from appkit.model.recommenders.top_items import top_items


def by_sorting(scores: torch.Tensor, k: int) -> np.ndarray:
    return np.argsort(-scores.numpy(), axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize(("n_items", "k"), [(1, 1), (7, 3), (7, 7), (2_000, 20), (2_013, 5), (640, 10)])
def test_best_items_are_those_of_a_stable_sort(n_items, k):
    scores = torch.randn(9, n_items, generator=torch.Generator().manual_seed(0))
    best, items = top_items(scores, k)
    assert np.array_equal(items.numpy(), by_sorting(scores, k))
    assert torch.equal(best, scores.gather(1, items))


@pytest.mark.parametrize("n_items", [12, 3_001])
def test_equal_scores_come_by_column_even_where_the_list_ends_among_them(n_items):
    generator = torch.Generator().manual_seed(1)
    scores = torch.randint(0, 4, (30, n_items), generator=generator).float()
    scores[:5] = 0
    assert np.array_equal(top_items(scores, 6)[1].numpy(), by_sorting(scores, 6))


def test_items_left_out_come_last():
    scores = torch.full((2, 1_500), -torch.inf)
    scores[0, 1_400], scores[1, :3] = 1.0, torch.tensor([1.0, 3.0, 2.0])
    best, items = top_items(scores, 4)
    assert items.tolist() == [[1_400, 0, 1, 2], [1, 2, 0, 3]]
    assert best[0].tolist() == [1.0, -torch.inf, -torch.inf, -torch.inf]


def test_scores_are_left_as_they_were():
    scores = torch.randn(4, 1_000, generator=torch.Generator().manual_seed(2))
    before = scores.clone()
    top_items(scores, 3)
    assert torch.equal(scores, before)


def test_nobody_or_nothing_asked_gives_empty_lists():
    assert top_items(torch.zeros(0, 9), 3)[1].shape == (0, 3)
    assert top_items(torch.zeros(2, 9), 0)[1].shape == (2, 0)


def test_one_row_may_be_expanded_over_many():
    scores = torch.arange(2_000.0).expand(3, -1)
    assert top_items(scores, 2)[1].tolist() == [[1_999, 1_998]] * 3
