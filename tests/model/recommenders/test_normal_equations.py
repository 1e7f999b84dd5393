import pytest
import torch

from appkit.model.recommenders import normal_equations
from appkit.model.recommenders.normal_equations import WeightedLists, diagonal_basis, solve_lists


def test_weights_count_as_repeated_entries():
    factors = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    shared, penalty = torch.tensor([0.1, 0.2]), torch.tensor([0.5])
    weighted = WeightedLists(torch.tensor([0, 2]), torch.tensor([1, 3]), torch.tensor([3.0, 1.0]))
    repeated = WeightedLists(torch.tensor([0, 4]), torch.tensor([1, 1, 1, 3]), torch.ones(4))
    torch.testing.assert_close(
        solve_lists(weighted, factors, shared, penalty), solve_lists(repeated, factors, shared, penalty)
    )


def test_a_list_longer_than_fits_at_once_is_solved_in_pieces(monkeypatch):
    draw = torch.Generator().manual_seed(0)
    offsets = torch.tensor([0, 40, 44, 45, 75])
    lists = WeightedLists(offsets, torch.randint(9, (75,), generator=draw), torch.rand(75, generator=draw))
    arguments = (lists, torch.randn(9, 3, generator=draw), torch.ones(3), torch.ones(4))
    at_once = solve_lists(*arguments)
    monkeypatch.setattr(normal_equations, "_CELLS_ON_CPU", 20)
    torch.testing.assert_close(solve_lists(*arguments), at_once)


def test_a_tiny_penalty_is_solved_in_double_precision():
    factors = 1e3 * torch.ones(6, 2)
    lists = WeightedLists(torch.tensor([0, 6]), torch.arange(6), torch.ones(6))
    solved = solve_lists(lists, factors, torch.zeros(2), torch.tensor([1e-3]))
    assert (factors @ solved[0]).tolist() == pytest.approx([1.0] * 6, abs=1e-3)


def test_a_row_without_entries_is_zero():
    lists = WeightedLists(torch.tensor([0, 0, 1]), torch.tensor([1]), torch.ones(1))
    solved = solve_lists(lists, torch.ones(2, 1), torch.zeros(1), torch.ones(2))
    assert solved.tolist() == [[0.0], [0.5]]


def test_a_basis_keeps_products_and_makes_the_gram_matrix_diagonal():
    factors = torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
    rotated, spectrum = diagonal_basis(factors)
    torch.testing.assert_close(rotated @ rotated.T, factors @ factors.T)
    torch.testing.assert_close(rotated.T @ rotated, spectrum.diag(), atol=1e-5, rtol=1e-5)
