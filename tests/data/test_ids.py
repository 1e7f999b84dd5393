"""Ids are read alike however they are stored, and what is no id is named."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.ids import Ids, read_ids
from appkit.exceptions import SchemaError


@pytest.mark.parametrize(
    "stored",
    [
        pd.Series([17850, 12346]),
        pd.Series([17850.0, 12346.0]),
        pd.Series([17850, 12346], dtype="Int64"),
        pd.Series([17850, 12346], dtype="uint64"),
        pd.Series([17850, 12346.0], dtype=object),
        pd.Categorical([17850, 12346]),
        pd.Categorical([17850.0, 12346.0]),
        [np.int32(17850), 12346],
        iter([17850, 12346]),
    ],
)
def test_whole_numbers_are_numbers_however_stored(stored):
    found = read_ids(stored)
    assert found.dtype == np.int64
    assert found.tolist() == [17850, 12346]


@pytest.mark.parametrize("kind", [object, "str", "category"])
def test_text_keeps_zeros_blanks_and_signs(kind):
    raw = ["007", "7", " 7", "-7", "nan", ""]
    assert read_ids(pd.Series(raw, dtype=kind)).tolist() == raw


def test_numbers_may_be_below_zero():
    ids = Ids.of([-3, 5, 0])
    assert ids.codes([5, -3, 4]).tolist() == [2, 0, -1]


@pytest.mark.parametrize(
    "gaps",
    [
        pd.Series(pd.Categorical([1, None, 2])),
        pd.Series(pd.Categorical(["a", None, "b"])),
        pd.Series([1, None, 2], dtype="Int64"),
        pd.Series(["a", None, "b"]),
        pd.Series([1.0, np.nan, 2.0]),
    ],
)
def test_a_missing_id_is_counted_and_placed(gaps):
    with pytest.raises(SchemaError, match=r"'who' must have no missing cell, got 1 \(first: row 1\)"):
        read_ids(gaps, column="who")


@pytest.mark.parametrize(
    "huge",
    [
        pd.Series([1, 2**63], dtype="uint64"),
        pd.Series([1.0, 1e300]),
        pd.Series([1, 10**30], dtype=object),
        pd.Series([1, -(2**63) - 1], dtype=object),
    ],
)
def test_numbers_past_64_bits_are_refused_rather_than_wrapped(huge):
    with pytest.raises(SchemaError, match=r"'who' must hold whole numbers that fit 64 bits.* in row 1.*astype"):
        read_ids(huge, column="who")


@pytest.mark.parametrize("fraction", [[1.0, 2.5], [1.0, np.inf], [1, 2.5, "a"], [1, (2,)], [True, False]])
def test_what_is_no_id_is_refused(fraction):
    with pytest.raises(SchemaError, match=r"must hold|mixes"):
        read_ids(pd.Series(fraction), column="who")
