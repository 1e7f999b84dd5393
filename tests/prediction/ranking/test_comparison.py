import numpy as np
import pandas as pd
import pytest
from scipy import stats

from appkit.prediction.ranking import compare_rankings, evaluate_ranking, paired_difference
from appkit.prediction.ranking.comparison import holm
from tests.prediction.ranking.shop import make_events, make_lists

TAKEN = make_events(300)


def result_of(seed, *, k=8, taken=TAKEN):
    return evaluate_ranking(make_lists(seed=seed), taken, k=k, n_resamples=100)


def test_the_difference_is_that_of_the_means():
    first, second = result_of(0), result_of(1)
    found = paired_difference(first, second, measure="ndcg")
    assert found.estimate.value == pytest.approx(first.estimates["ndcg"].value - second.estimates["ndcg"].value)
    assert found.estimate.low < found.estimate.value < found.estimate.high


def test_users_are_matched_by_id_whatever_the_order_of_the_tables():
    lists = make_lists(seed=0)
    turned = evaluate_ranking(lists[::-1], TAKEN[::-1], k=8, n_resamples=100)
    found = paired_difference(result_of(0), turned)
    assert (found.n_better, found.n_worse, found.p_value) == (0, 0, 1.0)


def test_the_p_value_is_that_of_the_paired_t_test():
    first, second = result_of(0), result_of(1)
    expected = stats.ttest_rel(first.per_user["recall"], second.per_user["recall"]).pvalue
    assert paired_difference(first, second, measure="recall").p_value == pytest.approx(expected)


def test_pairing_makes_the_interval_narrower_than_that_of_two_means():
    taken = make_events(3000, n_users=300)
    lists = make_lists(300)
    worse = lists[lists["rank"] < 8]
    first, second = (evaluate_ranking(table, taken, k=8, n_resamples=200) for table in (lists, worse))
    paired = paired_difference(first, second, measure="recall").estimate
    alone = first.estimates["recall"]
    assert paired.low > 0
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_the_promised_share_of_p_values_is_small_where_nothing_differs():
    taken = make_events(4000, n_users=200)
    results = [evaluate_ranking(make_lists(200, seed=seed), taken, k=8, n_resamples=10) for seed in range(60)]
    pairs = zip(results[::2], results[1::2], strict=True)
    p_values = [paired_difference(first, second, n_resamples=10).p_value for first, second in pairs]
    assert np.mean(np.array(p_values) < 0.2) == pytest.approx(0.2, abs=0.15)


def test_a_difference_that_is_the_same_for_all_has_the_p_value_of_the_signs():
    taken = pd.DataFrame({"user": range(5), "item": 1})
    good, bad = (pd.DataFrame({"user": range(5), "item": item, "rank": 1}) for item in (1, 2))
    found = paired_difference(evaluate_ranking(good, taken, k=1), evaluate_ranking(bad, taken, k=1))
    assert (found.estimate.value, found.p_value) == (1.0, 0.5**4)


def test_another_k_is_refused():
    with pytest.raises(ValueError, match="k=8 and k=3"):
        paired_difference(result_of(0), result_of(0, k=3))


def test_other_users_are_refused():
    with pytest.raises(ValueError, match="the same users, got 30 and 29, of whom 1 are in one only"):
        paired_difference(result_of(0), result_of(0, taken=TAKEN[TAKEN["user"] != 4]))


def test_other_relevant_items_are_refused():
    more = pd.concat([TAKEN, pd.DataFrame({"user": [7], "item": [1000]})])
    with pytest.raises(ValueError, match=r"another number for 1 users \(first: 7\)"):
        paired_difference(result_of(0), result_of(0, taken=more))


def test_a_table_holds_each_against_the_reference():
    comparison = compare_rankings({"ours": result_of(0), "theirs": result_of(1)}, reference="theirs")
    frame = comparison.to_frame()
    assert frame.loc[("ours", "NDCG@8"), "difference"] == pytest.approx(
        frame.loc[("ours", "NDCG@8"), "value"] - frame.loc[("theirs", "NDCG@8"), "value"]
    )
    assert frame.loc["theirs", "difference"].isna().all()
    assert comparison.correction == "p-values adjusted for 2 comparisons (Holm)"


def test_holm_by_hand():
    # 4 x .01, then 3 x .02, then 2 x .04 = .08, then .04 raised to what came before
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.04, 0.02])), [0.08, 0.04, 0.08, 0.06])
    np.testing.assert_allclose(holm(np.array([0.9, np.nan, 0.8])), [1.0, np.nan, 1.0])


def test_p_values_may_be_left_as_they_are():
    results = {str(seed): result_of(seed) for seed in range(4)}
    plain = compare_rankings(results, reference="0", correction="none", n_resamples=10)
    adjusted = compare_rankings(results, reference="0", n_resamples=10)
    raw = np.array([plain.differences[name][m].p_adjusted for name in "123" for m in ("recall", "ndcg")])
    np.testing.assert_allclose(
        [adjusted.differences[name][m].p_adjusted for name in "123" for m in ("recall", "ndcg")], holm(raw)
    )


def test_a_reference_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="reference must be one of 'ours', got 'popularity'"):
        compare_rankings({"ours": result_of(0)}, reference="popularity")


def test_an_unknown_correction_is_named():
    with pytest.raises(ValueError, match="'holm' or 'none', got 'bonferroni'"):
        compare_rankings({"ours": result_of(0)}, reference="ours", correction="bonferroni")
