import numpy as np
import pytest
from scipy.stats import ttest_rel
from sklearn.metrics import brier_score_loss

from benchmarks.statistics import corrected_difference, mean_ranks, score


def test_two_folds_give_the_interval_computed_by_hand():
    found = corrected_difference(np.array([0.8, 0.9]), np.array([0.7, 0.7]), test_share=0.2)
    # variance .005, factor 1/2 + 1/4, t(.975, 1 degree) = 12.7062
    half_width = 12.7062 * np.sqrt(0.75 * 0.005)
    assert (found.low, found.high) == pytest.approx((0.15 - half_width, 0.15 + half_width), abs=1e-5)


def test_without_overlap_of_training_parts_the_interval_is_the_plain_paired_one():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(2, 12))
    plain = ttest_rel(ours, theirs).confidence_interval(0.95)
    found = corrected_difference(ours, theirs, test_share=0.0)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))


def test_one_fold_gives_a_difference_but_no_interval():
    found = corrected_difference(np.array([0.8]), np.array([0.7]), test_share=0.2)
    assert found.value == pytest.approx(0.1)
    assert np.isnan([found.low, found.high]).all()


def test_two_class_scores_agree_with_hand_and_library():
    y, event = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.8])
    found = score(y, np.column_stack([1 - event, event]))
    assert found["auc"] == 0.75
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["f1"] == 0.5
    assert found["brier"] == pytest.approx(brier_score_loss(y, event))
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.8]).mean())


def test_macro_f1_counts_each_class_alike():
    y = np.array([0, 0, 0, 1, 2])
    probability = np.eye(3)[[0, 0, 0, 1, 1]] * 0.7 + 0.1
    assert score(y, probability)["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_many_class_brier_sums_over_classes():
    y = np.array([0, 1, 2])
    probability = np.full((3, 3), 1 / 3)
    assert score(y, probability)["brier"] == pytest.approx((2 / 3) ** 2 + 2 * (1 / 3) ** 2)


def test_ties_share_their_ranks_and_incomplete_tables_do_not_count():
    scores = {"a": {"x": 0.9, "y": 0.9, "z": 0.1}, "b": {"x": 0.5, "y": 0.6, "z": 0.4}, "c": {"x": 1.0}}
    ranks = mean_ranks(scores, lower_is_better={"a": False, "b": True, "c": False})
    assert ranks == {"x": 1.75, "y": 2.25, "z": 2.0}
