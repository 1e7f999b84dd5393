import numpy as np
import pandas as pd
import pytest

from domains.medical.prediction.subgroup_levels import age_bands, age_in_years, subgroup_levels


def test_every_way_dicom_writes_an_age_is_read():
    assert age_in_years(["034Y", "018M", "026W", "073D", " 007y "]) == pytest.approx(
        [34, 1.5, 26 * 7 / 365.25, 73 / 365.25, 7]
    )


def test_bands_hold_their_first_year_and_are_in_order():
    bands = age_bands([80, 79.9, 18, 0, np.nan])
    assert list(bands) == ["80 or more", "60 to 79", "18 to 39", "under 18", "missing"]
    assert list(bands.categories) == ["under 18", "18 to 39", "60 to 79", "80 or more", "missing"]


def test_edges_that_fall_are_refused():
    with pytest.raises(ValueError, match="edges must be ages that rise"):
        age_bands([20], edges=[60, 40])


@pytest.mark.parametrize(
    ("name", "is_age"), [("age", True), ("PatientAge", True), ("age_years", True), ("dosage", False), ("stage", False)]
)
def test_a_column_named_for_age_is_banded_and_no_other(name, is_age):
    levels = subgroup_levels(pd.Series(np.arange(20, 60)), name=name)
    assert ("18 to 39" in levels.categories) == is_age


def test_other_numbers_are_cut_into_quarters():
    levels = subgroup_levels(pd.Series(np.arange(100.0)), name="dose")
    assert levels.value_counts().tolist() == [25, 25, 25, 25]


def test_few_numbers_stand_for_themselves_gap_or_not():
    assert list(subgroup_levels(pd.Series([1, 2, None, 10])).categories) == ["1", "2", "10", "missing"]


def test_categories_keep_their_order():
    sizes = pd.Series(pd.Categorical(["large", "small"], categories=["small", "medium", "large"]))
    assert list(subgroup_levels(sizes).categories) == ["small", "large"]


def test_truth_values_are_two_levels():
    assert list(subgroup_levels(pd.Series([True, False, True]), name="age")) == ["True", "False", "True"]


def test_a_column_of_names_is_no_subgroup():
    with pytest.raises(ValueError, match="Column 'patient' must name subgroups, got 30 levels in 30 rows"):
        subgroup_levels(pd.Series([f"P{number}" for number in range(30)]), name="patient")
