import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, demographic_parity_ratio, equal_opportunity_ratio, selection_rate
from sklearn.metrics import roc_auc_score

from domains.finance.fairness import bin_protected, fairness_by_column, group_fairness


@pytest.fixture(scope="module")
def decided():
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b", "c"], p=[0.6, 0.3, 0.1], size=2000)
    p = np.clip(rng.beta(1, 4, size=2000) + 0.05 * (group == "b"), 0, 1)
    return rng.random(2000) < p, p < 0.25, group, p


def test_rates_and_the_smallest_ratio_are_fairlearns(decided):
    y, approved, group, _ = decided
    result = group_fairness(y, approved, group)
    rates = MetricFrame(metrics=selection_rate, y_true=y, y_pred=approved, sensitive_features=group).by_group
    assert {outcome.group: outcome.approval_rate.value for outcome in result.groups} == pytest.approx(rates.to_dict())
    smallest = min(outcome.approval_ratio.value for outcome in result.groups)
    assert smallest == pytest.approx(demographic_parity_ratio(y, approved, sensitive_features=group))


def test_opportunity_is_fairlearns_with_repaying_as_the_good_outcome(decided):
    y, approved, group, _ = decided
    rates = [outcome.opportunity.value for outcome in group_fairness(y, approved, group).groups]
    expected = equal_opportunity_ratio(~y, approved, sensitive_features=group)
    assert min(rates) / max(rates) == pytest.approx(expected)


def test_ratio_has_katz_interval_by_hand():
    approved = np.r_[np.ones(30), np.zeros(70), np.ones(60), np.zeros(40)].astype(bool)
    ratio = group_fairness(np.zeros(200), approved, ["f"] * 100 + ["m"] * 100, reference="m")["f"].approval_ratio
    error = np.sqrt(1 / 30 - 1 / 100 + 1 / 60 - 1 / 100)
    assert ratio.value == pytest.approx(0.5)
    assert np.log([ratio.low, ratio.high]) == pytest.approx(np.log(0.5) + np.array([-1.96, 1.96]) * error, abs=1e-4)


def test_ranking_and_calibration_are_those_of_the_group_alone(decided):
    y, approved, group, p = decided
    outcome = group_fairness(y, approved, group, pd_default=p)["b"]
    rows = group == "b"
    assert outcome.auc.value == pytest.approx(roc_auc_score(y[rows], p[rows]))
    assert outcome.calibration.value == pytest.approx(y[rows].mean() - p[rows].mean())


def test_the_reference_is_the_group_approved_most_often(decided):
    y, approved, group, _ = decided
    result = group_fairness(y, approved, group)
    rates = {outcome.group: outcome.approval_rate.value for outcome in result.groups}
    assert result.reference == max(rates, key=rates.get)
    assert (result[result.reference].is_reference, result[result.reference].approval_ratio.value) == (True, 1.0)


def test_a_small_group_is_counted_and_not_judged(decided):
    y, approved, _, p = decided
    group = np.where(np.arange(2000) < 29, "few", "many")
    outcome = group_fairness(y, approved, group, pd_default=p)["few"]
    assert (outcome.n, outcome.too_few, outcome.approval_rate, outcome.auc) == (29, True, None, None)


def test_a_small_group_is_never_the_reference():
    approved = np.r_[np.ones(10), np.tile([True, False], 50)].astype(bool)
    assert group_fairness(np.zeros(110), approved, ["tiny"] * 10 + ["big"] * 100).reference == "big"


def test_a_group_never_approved_has_a_ratio_of_zero_that_may_be_more():
    approved = np.r_[np.zeros(40), np.ones(40)].astype(bool)
    ratio = group_fairness(np.zeros(80), approved, ["f"] * 40 + ["m"] * 40)["f"].approval_ratio
    assert ratio.value == ratio.low == 0.0
    assert 0 < ratio.high < 0.5


def test_equal_full_approval_is_not_certain():
    ratio = group_fairness(np.zeros(80), np.ones(80), ["f"] * 40 + ["m"] * 40, reference="m")["f"].approval_ratio
    assert ratio.low < ratio.value == 1.0 < ratio.high


def test_ages_are_binned_and_ordered():
    ages = np.r_[np.arange(18, 80), np.nan].astype(float)
    result = group_fairness(np.zeros(63), np.ones(63), ages, column="applicant_age", min_group=1)
    assert [outcome.group for outcome in result.groups] == ["under 26", "26 to 40", "41 to 60", "over 60", "missing"]
    assert [outcome.n for outcome in result.groups] == [8, 15, 20, 19, 1]


def test_other_numbers_are_binned_at_their_quantiles():
    labels, counts = np.unique(bin_protected(np.arange(100.0), name="mortgage"), return_counts=True)
    assert len(labels) == 4
    assert list(counts) == [25, 25, 25, 25]


def test_a_coded_number_is_left_as_groups():
    assert list(bin_protected([0, 1, 1], name="sex")) == ["0", "1", "1"]


def test_every_column_is_compared_with_its_own_reference(decided):
    y, approved, group, _ = decided
    frame = pd.DataFrame({"region": group, "age": np.linspace(18, 70, 2000)})
    regions, ages = fairness_by_column(y, approved, frame, references={"age": "26 to 40"})
    assert (regions.column, ages.column, ages.reference) == ("region", "age", "26 to 40")


def test_an_unknown_reference_is_named(decided):
    y, approved, group, _ = decided
    with pytest.raises(ValueError, match="'z'"):
        group_fairness(y, approved, group, reference="z")


def test_groups_of_another_length_are_refused(decided):
    y, approved, group, _ = decided
    with pytest.raises(ValueError, match="equally long"):
        group_fairness(y, approved, group[:10])
