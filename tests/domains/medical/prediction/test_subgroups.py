import numpy as np
import pandas as pd
import pytest

from appkit.prediction import auc, calibration_in_the_large
from appkit.prediction.intervals import exact_share
from domains.medical.prediction.subgroups import by_subgroup


def study(n=600, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=n)
    table = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "site": rng.choice(["A", "B", "C"], n)})
    return rng.random(n) < p, p, table


def test_figures_of_a_level_are_those_of_its_rows_alone():
    y, p, table = study()
    level = by_subgroup(y, p, table, threshold=0.4)["site", "B"]
    own = (table["site"] == "B").to_numpy()
    assert level.auc == auc(y[own], p[own])
    assert level.sensitivity == exact_share("Sensitivity", p[own & y] >= 0.4)
    assert level.specificity == exact_share("Specificity", p[own & ~y] < 0.4)
    assert level.calibration == calibration_in_the_large(y[own], p[own])
    assert (level.n, level.n_events) == (own.sum(), y[own].sum())


def test_a_difference_is_that_from_all_other_rows():
    y, p, table = study()
    level = by_subgroup(y, p, table, threshold=0.4)["site", "B"]
    rest = (table["site"] != "B").to_numpy()
    other = auc(y[rest], p[rest])
    found = level.differences[0].estimate
    assert found.value == pytest.approx(level.auc.value - other.value)
    reach = np.hypot(level.auc.value - level.auc.low, other.high - other.value)
    assert found.low == pytest.approx(found.value - reach)


def test_differences_of_equal_groups_cover_zero_as_promised():
    covered = []
    for seed in range(100):
        y, p, table = study(160, seed)
        found = by_subgroup(y, p, table[["sex"]], threshold=0.5)["sex", "F"].differences
        covered.append([difference.estimate.low <= 0 <= difference.estimate.high for difference in found])
    assert (np.mean(covered, axis=0) >= 0.91).all()


def test_a_table_of_equal_groups_rarely_has_a_difference_that_stands():
    tables = [by_subgroup(*study(300, seed), threshold=0.5) for seed in range(25)]
    standing = [any(d.stands for level in table for d in level.differences) for table in tables]
    assert np.mean(standing) <= 0.1


def test_a_group_the_model_fails_stands_out_after_correction():
    y, p, table = study(3000)
    broken = (table["site"] == "C").to_numpy()
    y[broken] = np.random.default_rng(5).random(broken.sum()) < 0.5
    found = by_subgroup(y, p, table, threshold=0.5)
    assert found["site", "C"].differences[0].stands
    assert not found["sex", "F"].differences[0].stands
    assert "Bonferroni" in found.note


def test_two_levels_are_one_comparison_and_three_are_three():
    assert by_subgroup(*study(), threshold=0.5).n_comparisons == (1 + 3) * 4


def test_a_small_level_is_kept_marked_and_not_compared():
    y, p, table = study()
    table.loc[:11, "site"] = "D"
    small = by_subgroup(y, p, table, threshold=0.5)["site", "D"]
    assert small.is_too_small
    assert small.n == 12
    assert small.differences == ()


def test_many_images_of_few_patients_are_a_small_level():
    y, p, table = study()
    found = by_subgroup(y, p, table, threshold=0.5, groups=np.arange(600) % 8)
    assert all(level.is_too_small and level.n_patients == 8 for level in found)


def test_a_level_of_one_class_says_what_it_lacks():
    y, p, table = study()
    y[(table["site"] == "C").to_numpy()] = False
    level = by_subgroup(y, p, table, threshold=0.5)["site", "C"]
    assert np.isnan(level.auc.value)
    assert level.auc.method == f"undefined: no event among {level.n} images"
    assert 0 < level.specificity.value < 1


def test_a_column_of_one_level_compares_nothing():
    y, p, table = study()
    found = by_subgroup(y, p, table[["sex"]].assign(sex="F"), threshold=0.5)
    assert (found.n_comparisons, found.note) == (0, "No subgroup was compared with the rest.")


def test_rows_without_a_value_are_a_level():
    y, p, table = study()
    table.loc[:99, "sex"] = None
    assert by_subgroup(y, p, table, threshold=0.5)["sex", "missing"].n == 100


def test_frame_holds_every_figure_and_difference():
    frame = by_subgroup(*study(), threshold=0.5).to_frame()
    assert len(frame) == 5 * 8
    assert ("site", "A", "Sensitivity minus the rest") in frame.index


def test_clustered_figures_are_wider_where_patients_have_several_images():
    rng = np.random.default_rng(0)
    y, p, table = (np.repeat(values, 4, axis=0) for values in study(150))
    frame = pd.DataFrame(table, columns=["sex", "site"])
    patients = np.repeat(rng.permutation(150), 4)
    plain, clustered = (by_subgroup(y, p, frame, threshold=0.5, groups=given) for given in (None, patients))
    wide, narrow = clustered["sex", "F"].differences[1].estimate, plain["sex", "F"].differences[1].estimate
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_subgroups_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="subgroups must be a DataFrame with one row per image"):
        by_subgroup([0, 1], [0.1, 0.2], pd.DataFrame({"sex": ["F"]}), threshold=0.5)


def test_an_unknown_level_is_named_with_those_there_are():
    with pytest.raises(KeyError, match="sex"):
        by_subgroup(*study(), threshold=0.5)["sex", "X"]
