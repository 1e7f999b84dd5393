"""Codes among numbers are found where they stand apart, and never where they are quantities."""

import warnings

import numpy as np
import pandas as pd
import pytest

from appkit.data.special_codes import detect_special_codes
from appkit.exceptions import DataWarning
from domains.finance.data import (
    load_adult,
    load_german_credit,
    load_give_me_some_credit,
    load_heloc,
    load_hmeq,
)


def found_in(values: list[float]) -> tuple[float, ...]:
    with warnings.catch_warnings(action="ignore"):
        return detect_special_codes({"x": np.array(values, dtype=float)}).get("x", ())


def detected(X: pd.DataFrame) -> dict[str, tuple[float, ...]]:
    with warnings.catch_warnings(action="ignore"):
        return detect_special_codes({name: X[name].to_numpy(dtype=float) for name in X.select_dtypes("number")})


def test_negative_codes_among_counts_are_found():
    assert found_in([0, 4, 9, 30] * 10 + [-9] * 6 + [-8] * 2 + [np.nan]) == (-9, -8)


def test_a_far_repeated_98_is_found():
    assert found_in([0, 1, 2, 17] * 10 + [98] * 6 + [96]) == (96, 98)


@pytest.mark.parametrize(
    "values",
    [
        list(range(18, 100)) * 6,  # ages
        [-9, -3, -1, 0, 4] * 10,  # temperatures
        [0, 1, 2, 3] * 10 + [98] * 4,  # too rare to be a habit
        [0, 1, 2, 3] * 10 + [98] * 6 + [1000],  # a long tail
        [0, 5, 50] * 10 + [99] * 6,  # no wide gap
        [-9.0] * 20,  # nothing to compare with
        [np.nan] * 20,
        [7.0] * 20,
    ],
)
def test_quantities_raise_no_alarm(values):
    assert found_in(values) == ()


def test_one_warning_names_all_columns_and_codes():
    counts = np.array([0.0, 4, 9, 30] * 10 + [-9] * 6)
    with pytest.warns(DataWarning, match=r"'months': -9; 'trades': -9") as caught:
        detect_special_codes({"months": counts, "trades": counts, "age": np.arange(18.0, 80.0)})
    assert len(caught) == 1


def test_no_false_alarm_on_german_credit():
    assert detected(load_german_credit().X) == {}


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize("load", [load_adult, load_hmeq])
def test_no_false_alarm_on_real_quantities(load):
    assert detected(load().X) == {}


@pytest.mark.usefixtures("data_dir")
def test_the_codes_of_give_me_some_credit_are_found_and_nothing_else():
    data = load_give_me_some_credit()
    assert detected(data.X) == data.special_codes


@pytest.mark.usefixtures("data_dir")
def test_the_codes_of_heloc_are_found_wherever_they_occur_and_nothing_else():
    X = load_heloc(drop_empty=False).X
    occurring = {name: tuple(float(code) for code in (-9, -8, -7) if (X[name] == code).any()) for name in X}
    assert detected(X) == occurring
