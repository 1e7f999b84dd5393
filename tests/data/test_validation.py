"""What comes with a table is checked at the border, and each message says what to do."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from appkit.data import (
    Schema,
    as_frame,
    check_groups,
    check_labels,
    check_sample_weight,
    check_unique_ids,
    check_values,
    warn_of_uninformative_columns,
)
from appkit.exceptions import DataWarning, SchemaError


def test_arrays_and_lists_get_numbered_columns():
    assert list(as_frame(np.zeros((2, 3)))) == ["x0", "x1", "x2"]
    assert as_frame([[1, 2], [3, 4]])["x1"].tolist() == [2, 4]


def test_object_arrays_keep_numbers_as_numbers():
    X = np.array([[1.5, "a"], [2.5, None]], dtype=object)
    assert [column.kind for column in Schema.infer(as_frame(X))] == ["numeric", "category"]


def test_frames_keep_their_names_and_positional_ones_are_numbered():
    X = pd.DataFrame({"income": [1]})
    assert as_frame(X) is X
    assert list(as_frame(pd.DataFrame(np.zeros((2, 2))))) == ["x0", "x1"]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros(3), ValueError, "Expected 2D array, got 1D array instead. Reshape your data"),
        (np.float64(1), ValueError, "got 0D array instead. Reshape your data"),
        (pd.Series([1, 2]), ValueError, "Reshape your data"),
        (np.zeros((2, 2, 2)), ValueError, "Found array with dim 3"),
        (np.zeros((0, 3)), ValueError, r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1"),
        (np.zeros((12, 0)), ValueError, r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum of 1 is required."),
        (pd.DataFrame({"a": []}), ValueError, r"0 sample\(s\)"),
        (np.ones((2, 2)) * 1j, ValueError, "Complex data not supported"),
        (sparse.csr_array(np.eye(2)), TypeError, "Sparse data was passed"),
    ],
)
def test_what_is_no_table_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        as_frame(X)


@pytest.mark.parametrize(
    "y",
    [["a", "b"], [0, 1], [True, False], pd.Series(["a", "b"], dtype="category"), pd.array([0, 1], dtype="Int64")],
)
def test_labels_of_every_type_come_back_as_they_are(y):
    assert check_labels(y, n_rows=2).tolist() == list(y)


def test_labels_in_an_object_array_are_read_as_what_they_are():
    assert check_labels(np.array([0, 1], dtype=object), n_rows=2).dtype == np.int64


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        ([0, 1, 1], "y must have one entry per row of X, got 3 for 4 rows"),
        (np.zeros((4, 2)), "y should be a 1d array"),
        (["a", None, "b", np.nan], r"Input y contains NaN: 2 of 4 labels are missing \(first: row 1\)"),
        ([0.0, np.nan, 1.0, 1.0], "Input y contains NaN: 1 of 4"),
        ([0.0, np.inf, 1.0, 1.0], "Input y contains infinity in row 1"),
        ([0.1, 0.2, 0.3, 0.4], "Unknown label type: continuous"),
        (["a", 1, "a", 1], "y must hold labels of one type, got 'a' and 1"),
        (["a", "a", "a", "a"], r"at least two classes among the rows that count, got one class \('a'\)"),
    ],
)
def test_bad_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y if y is None or isinstance(y, np.ndarray) else pd.Series(y).to_numpy(), n_rows=4)


def test_a_class_without_weight_does_not_count():
    with pytest.raises(ValueError, match=r"got one class \(1\)"):
        check_labels([0, 1, 1], n_rows=3, sample_weight=np.array([0.0, 1.0, 2.0]))


def test_a_column_of_labels_is_flattened_with_scikit_learns_warning():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        assert check_labels(np.array([[0], [1]]), n_rows=2).shape == (2,)


def test_values_become_float64():
    assert check_values([1, 2, 3], n_rows=3).dtype == np.float64


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, np.nan], "Input y contains NaN"),
        ([1.0, np.inf], r"Input y contains infinity in 1 rows \(first: row 1\)"),
        (["a", "b"], "y must be numeric, got 'a' in its first row"),
        ([1j, 2j], "Complex data not supported"),
        ([1.0], "got 1 for 2 rows"),
    ],
)
def test_bad_values_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        check_values(np.array(y), n_rows=2)


def test_weights_become_float64_and_none_stays_none():
    assert check_sample_weight([0, 2], n_rows=2).tolist() == [0.0, 2.0]
    assert check_sample_weight(None, n_rows=2) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"must have shape \(2,\), one weight per row, got \(1,\)"),
        ([[1.0], [1.0]], r"got \(2, 1\)"),
        ([1.0, -2.0], r"not negative, got 1 other values \(first: -2.0 in row 1\)"),
        ([np.nan, 1.0], r"\(first: nan in row 0\)"),
        ([np.inf, 1.0], r"\(first: inf in row 0\)"),
        ([0.0, 0.0], "must have a positive value, got only zeros"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        check_sample_weight(weights, n_rows=2)


def test_groups_become_codes_by_first_appearance():
    assert check_groups(pd.Series(["b", "a", "b"]), n_rows=3).tolist() == [0, 1, 0]
    assert check_groups(None, n_rows=3) is None


@pytest.mark.parametrize(
    ("groups", "message"),
    [(["a"], "one entry per row, got 1 for 2 rows"), (["a", None], r"no missing entry, got 1 \(first: row 1\)")],
)
def test_bad_groups_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        check_groups(np.array(groups, dtype=object), n_rows=2)


def test_a_repeated_id_is_named_with_its_rows():
    with pytest.raises(
        SchemaError, match=r"loan_id must name one row each, got 2 repeated \(first: 8 in rows 1 and 3\)"
    ):
        check_unique_ids([7, 8, 9, 8, 9], name="loan_id")


def test_unique_and_missing_ids_pass():
    check_unique_ids([7, 8, None, None])  # no exception is the claim


def test_constant_and_empty_columns_are_warned_of_by_name():
    X = pd.DataFrame({"a": [1, 1], "b": [np.nan, np.nan], "c": ["u", "u"], "d": [1, 2], "e": [1, np.nan]})
    with pytest.warns(DataWarning, match=r"missing in every row: 'b'; constant: 'a', 'c'\)"):
        warn_of_uninformative_columns(Schema.infer(X))


def test_informative_columns_raise_no_warning():
    X = pd.DataFrame({"a": [1, 2], "b": [5.0, -9.0]})
    warn_of_uninformative_columns(Schema.infer(X, special_codes={"b": [-9]}))  # warnings are errors
