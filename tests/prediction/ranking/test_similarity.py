import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import SchemaError
from appkit.prediction.ranking import ItemSimilarity


def all_pairs(similarity):
    codes = np.arange(len(similarity.items))
    return similarity.between(codes, np.tile(codes, (len(codes), 1)))


def test_items_of_one_category_are_alike_and_items_without_one_are_like_no_other():
    alike = ItemSimilarity.of_categories(pd.Series(["a", None, "a", None], index=[4, 3, 2, 1]))
    np.testing.assert_array_equal(all_pairs(alike), [[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 1, 0, 1]])


def test_vectors_are_compared_by_their_direction():
    alike = ItemSimilarity.of_vectors(["b", "a", "c"], np.array([[0.0, 2.0], [3.0, 0.0], [1.0, 1.0]]))
    half = np.sqrt(0.5)
    np.testing.assert_allclose(all_pairs(alike), [[1, 0, half], [0, 1, half], [half, half, 1]], atol=1e-6)


def test_a_vector_of_zeros_is_like_no_other():
    assert all_pairs(ItemSimilarity.of_vectors([1, 2], np.array([[0.0], [1.0]]))).tolist() == [[0, 0], [0, 1]]


def test_a_table_is_read_in_any_order():
    table = pd.DataFrame([[0.2, 1.0], [1.0, 0.2]], index=["b", "a"], columns=["a", "b"])
    np.testing.assert_allclose(all_pairs(ItemSimilarity.of_table(table)), [[1.0, 0.2], [0.2, 1.0]])


def test_a_table_that_is_not_symmetric_is_refused():
    with pytest.raises(ValueError, match="symmetric with cells in"):
        ItemSimilarity.of_table(pd.DataFrame([[1.0, 0.2], [0.4, 1.0]]))


def test_a_table_of_other_columns_is_refused():
    with pytest.raises(ValueError, match="same items as index and as columns"):
        ItemSimilarity.of_table(pd.DataFrame([[1.0, 0.2], [0.2, 1.0]], columns=[0, 5]))


def test_an_item_given_twice_is_named():
    with pytest.raises(SchemaError, match="got 'a' again"):
        ItemSimilarity.of_vectors(["a", "b", "a"], np.ones((3, 2)))


def test_vectors_must_be_finite():
    with pytest.raises(ValueError, match="vectors must be finite"):
        ItemSimilarity.of_vectors([1, 2], np.array([[np.nan], [1.0]]))
