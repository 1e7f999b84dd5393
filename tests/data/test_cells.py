"""Raw cells are read into the form of their kind, without a word lost or a cell changed."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from appkit.data.cells import infer_kind, read_cells, text_of


@pytest.mark.parametrize(
    ("cell", "text"),
    [(1, "1"), (1.0, "1"), (np.float64(1.5), "1.5"), (np.int8(3), "3"), (True, "True"), ("1.0", "1.0"), (-0.5, "-0.5")],
)
def test_numbers_have_one_spelling_and_text_keeps_its_own(cell, text):
    assert text_of(cell) == text


def test_infer_kind_has_no_answer_for_durations():
    assert infer_kind(pd.Series(pd.to_timedelta([1], unit="D"))) is None


def test_numeric_cells_of_every_python_type_are_read():
    values, faults = read_cells(pd.Series([1, 2.5, Decimal("3.5"), True, "4", None, pd.NA], dtype=object), "numeric")
    np.testing.assert_array_equal(values, [1, 2.5, 3.5, 1, 4, np.nan, np.nan])
    assert faults == ()


def test_an_integer_beyond_float_is_a_fault():
    _, (fault,) = read_cells(pd.Series([1, 10**400], dtype=object), "numeric")
    assert fault.rows.tolist() == [1]


def test_a_long_cell_is_shortened_in_the_message():
    _, (fault,) = read_cells(pd.Series(["x" * 500]), "numeric")
    assert len(fault.first) == 60


def test_categories_of_a_categorical_are_read_by_code():
    values, _ = read_cells(pd.Series(pd.Categorical([2.0, None, 1.5])), "category")
    assert values.tolist() == ["2", None, "1.5"]


def test_booleans_read_as_a_category_are_words():
    values, _ = read_cells(pd.Series([True, False]), "category")
    assert values.tolist() == ["True", "False"]


def test_true_false_one_and_zero_are_truths():
    values, faults = read_cells(pd.Series([True, 0, 1.0, None], dtype=object), "boolean")
    np.testing.assert_array_equal(values, [1, 0, 1, np.nan])
    assert faults == ()


def test_dates_with_and_without_zone_may_be_mixed_as_text():
    values, faults = read_cells(pd.Series(["2020-01-01", "2020-01-01T02:00+02:00", None]), "time")
    assert values[0] == values[1] == np.datetime64("2020-01-01", "ns")
    assert faults == ()
