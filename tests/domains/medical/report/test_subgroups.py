"""Subgroups: what is compared, what stands after all comparisons, and what is too small."""

import numpy as np
import pandas as pd
import pytest

from appkit.prediction import Estimate
from appkit.reporting.content.context import Limits
from appkit.reporting.facts import DataTable, FairnessFigure, LimitTable, NotFilled
from domains.medical.prediction import SubgroupDifference, SubgroupLevel
from domains.medical.report.subgroups import (
    GAP_LIMIT,
    calibration_finding,
    gap_title,
    ranking_finding,
    subgroup_section,
)
from tests.domains.medical.report.study import study


def level(label: str, difference: float, *, stands: bool, shift: tuple[float, float] = (-1.0, 1.0), small=False):
    def figure(name: str, value: float, ends: tuple[float, float] = (-1.0, 1.0)) -> Estimate:
        return Estimate(name, value, *ends, method="exact", n=90)

    gap = SubgroupDifference(figure("AUC minus the rest", difference), stands)
    shares = figure("AUC", 0.8), figure("Sensitivity", 0.8), figure("Specificity", 0.8)
    calibration = figure("Calibration in the large", sum(shift) / 2, shift)
    differences = () if small else (gap,)
    return SubgroupLevel("site", label, 90, 30, None, small, *shares, calibration, differences)


def test_each_level_has_a_row_and_every_image_is_in_one(full):
    table = next(b for b in subgroup_section(full).blocks if isinstance(b, DataTable) and b.title.startswith("All"))
    sexes = [row for row in table.rows if str(row[0]).startswith("Sex")]
    assert [row[0] for row in sexes] == ["Sex: F", "Sex: M"]
    assert sum(row[1] for row in sexes) == 300
    assert sum(row[2] for row in sexes) == 100


def test_of_two_levels_the_difference_is_told_once(full):
    table = next(block for block in subgroup_section(full).blocks if isinstance(block, LimitTable))
    names = [row.name for row in table.rows]
    assert "Sex: F" in names
    assert "Sex: M" not in names


def test_the_gap_is_held_against_its_limit():
    context = study(limits=Limits({GAP_LIMIT: (-0.9, 0.9)}))
    table = next(block for block in subgroup_section(context).blocks if isinstance(block, LimitTable))
    assert {row.verdict.status for row in table.rows} == {"pass"}


def test_small_levels_are_kept_but_not_drawn():
    rare = pd.DataFrame({"device": np.where(np.arange(300) < 8, "old", "new")})
    section = subgroup_section(study(subgroups=rare))
    figure = next(block for block in section.blocks if isinstance(block, FairnessFigure))
    assert [(group.name, isinstance(group.measure, NotFilled)) for group in figure.groups] == [
        ("Device: new", False),
        ("Device: old", True),
    ]
    assert figure.finding == "No subgroup is large enough to compare with the rest"


def test_a_subgroup_without_an_event_breaks_nothing():
    given = study(subgroups=None)
    without = pd.DataFrame({"ward": np.where(given.events, "a", np.where(np.arange(300) % 2, "a", "b"))})
    section = subgroup_section(study(subgroups=without))
    table = next(b for b in section.blocks if isinstance(b, DataTable) and b.title.startswith("All"))
    assert table.rows[1][0] == "Ward: b (small)"
    assert isinstance(table.rows[1][4], NotFilled)


def test_a_column_that_names_patients_or_one_group_is_a_gap():
    columns = pd.DataFrame({"number": [f"n{i}" for i in range(300)], "clinic": "A", "sex": ["F", "M"] * 150})
    gaps = [block for block in subgroup_section(study(subgroups=columns)).blocks if isinstance(block, NotFilled)]
    assert [gap.item for gap in gaps] == ["Subgroups by number", "Subgroups by clinic"]
    assert gaps[1].why == "All 300 images are 'A'"


def test_without_columns_the_section_says_what_to_give(bare):
    (gap,) = subgroup_section(bare).blocks
    assert gap.argument == "subgroups="


@pytest.mark.parametrize(
    ("levels", "finding"),
    [
        ([level("a", -0.2, stands=True)], "The model ranks worse for Site: a than for the rest"),
        ([level("a", 0.2, stands=True)], "No subgroup can be told apart"),
        ([level("a", -0.2, stands=False)], "No subgroup can be told apart"),
        ([level("a", -0.2, stands=True, small=True)], "No subgroup is large enough"),
    ],
)
def test_ranking_is_worse_only_where_the_difference_stands(levels, finding):
    assert ranking_finding(levels).startswith(finding)


def test_a_gap_that_stands_is_named():
    standing, open_one = level("a", -0.2, stands=True), level("b", 0.1, stands=False)
    assert gap_title([standing, open_one], n_comparisons=8) == "The AUC differs for Site: a, 8 comparisons allowed for"
    assert gap_title([open_one], n_comparisons=8) == "No difference in AUC stands, 8 comparisons allowed for"


@pytest.mark.parametrize(
    ("shift", "small", "finding"),
    [
        ((0.1, 0.9), False, "Predicted probabilities are too low for Site: a"),
        ((-0.9, -0.1), False, "Predicted probabilities are too high for Site: a"),
        ((-0.1, 0.9), False, "In no subgroup can predicted and observed rates be told apart"),
        ((0.1, 0.9), True, "Calibration cannot be told for any subgroup"),
    ],
)
def test_calibration_is_off_only_where_the_interval_leaves_zero_out(shift, small, finding):
    assert calibration_finding([level("a", 0.0, stands=False, shift=shift, small=small)]) == finding
