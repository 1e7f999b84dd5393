import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from appkit.data.interactions import read_interactions
from appkit.model.recommenders.singular_vectors import damped_matrix, likeness_vectors, right_singular_vectors


def matrix_with_gap(*, n_rows: int = 60, n_columns: int = 40, rank: int = 6, seed: int = 0) -> sparse.csr_array:
    rng = np.random.default_rng(seed)
    strong = rng.normal(size=(n_rows, rank)) @ rng.normal(size=(rank, n_columns))
    return sparse.csr_array(strong + 0.01 * rng.normal(size=(n_rows, n_columns)))


def test_leading_singular_vectors_span_what_lapack_finds():
    matrix = matrix_with_gap()
    vectors, values = right_singular_vectors(matrix, 6)
    _, expected, rows = np.linalg.svd(matrix.toarray())
    np.testing.assert_allclose(values, expected[:6], rtol=1e-4)
    np.testing.assert_allclose(vectors @ vectors.T, rows[:6].T @ rows[:6], atol=1e-4)


@pytest.mark.parametrize("shape", [(60, 9), (9, 60)])
def test_more_vectors_than_rows_or_columns_are_all_of_them(shape):
    matrix = matrix_with_gap(n_rows=shape[0], n_columns=shape[1], rank=9)
    vectors, values = right_singular_vectors(matrix, 500)
    assert vectors.shape == (shape[1], 9)
    np.testing.assert_allclose(values, np.linalg.svd(matrix.toarray())[1], rtol=1e-3, atol=1e-3)


def test_the_seed_alone_decides_and_the_global_one_stays():
    matrix = matrix_with_gap()
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again = (right_singular_vectors(matrix, 3, random_state=1)[0] for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_cells_are_damped_by_the_degrees_of_both_sides():
    data = read_interactions(
        pd.DataFrame({"user": [1, 1, 2, 2], "item": [0, 1, 1, 1], "day": [1, 2, 3, 4]}), time="day"
    )
    damped = damped_matrix(data, user_exponent=0.5, item_exponent=1.0).toarray()
    np.testing.assert_allclose(damped, [[1 / 2**0.5, 1 / 2 / 2**0.5], [0, 1 / 2]])


def test_items_of_the_same_takers_are_alike():
    X = pd.DataFrame({"user": [1, 1, 2, 2, 3, 3, 4], "item": ["cup", "tea", "cup", "tea", "saw", "nail", "saw"]})
    vectors = torch.nn.functional.normalize(likeness_vectors(read_interactions(X), width=2), dim=1)
    alike = vectors @ vectors.T  # cup, nail, saw, tea
    assert alike[0, 3].item() == pytest.approx(1, abs=1e-5)
    assert alike[1, 2].item() == pytest.approx(1, abs=1e-5)
    assert alike[0, 2].item() == pytest.approx(0, abs=1e-5)
