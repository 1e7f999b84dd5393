"""Codes and back."""

import numpy as np
import pandas as pd
import pytest

from appkit.explanation.coded_columns import CodedColumns


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "real": [2.5, np.nan, -1.0, 2.5],
            "whole": [3, 1, 2, 1],
            "word": ["b", "a", None, "b"],
            "level": pd.Categorical(["u", "v", None, "u"]),
            "flag": [True, False, True, True],
            "same": [7.0] * 4,
        }
    )


def test_decoding_gives_back_every_cell_in_its_own_dtype(table):
    coded = CodedColumns.of(table[:2], table[2:])
    pd.testing.assert_frame_equal(coded.decode(coded.encode(table)), table)


def test_numbers_are_coded_in_their_order_and_missing_ones_last(table):
    codes = CodedColumns.of(table, table).encode(table)
    assert codes[:, 0].tolist() == [1, 2, 0, 1]
    assert codes[:, 1].tolist() == [2, 0, 1, 0]
    assert codes[:, 2].tolist() == [1, 0, 2, 1]


def test_codes_between_and_beyond_decode_to_values_that_were_seen(table):
    coded = CodedColumns.of(table[["whole"]], table)
    assert coded.decode(np.array([[-3.0], [0.4], [0.6], [99.0]]))["whole"].tolist() == [1, 1, 2, 3]


def test_numbers_are_ordered_and_flags_and_words_are_not(table):
    coded = CodedColumns.of(table, table)
    assert coded.is_ordered.tolist() == [True, True, False, False, False, True]
    assert coded.is_constant.tolist() == [False] * 5 + [True]
