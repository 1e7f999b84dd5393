import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from appkit.model.costs import Costs
from domains.finance.prediction import (
    MasterScale,
    calibration_by_grade,
    gini,
    ks,
    outcomes_per_hundred,
    pd_from_points,
    per_hundred,
    psi,
    psi_by_column,
    psi_by_period,
    score_points,
    swap_set,
    vintages,
)


@pytest.fixture(scope="module")
def loans():
    rng = np.random.default_rng(0)
    pd_true = rng.beta(1, 6, size=3000)
    return rng.random(3000) < pd_true, pd_true, rng


class TestRanking:
    def test_ks_is_the_two_sample_statistic(self, loans):
        y, p, _ = loans
        score = np.round(p, 2)
        assert ks(y, score).value == pytest.approx(stats.ks_2samp(score[~y], score[y]).statistic)

    def test_ks_of_a_reversed_score_is_not_rewarded(self):
        assert ks([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1]).value == 0.0

    def test_ks_interval_is_that_of_two_shares_by_hand(self):
        y = np.repeat([0, 1], 100)
        score = np.r_[np.zeros(60), np.ones(40), np.zeros(20), np.ones(80)]
        estimate = ks(y, score)
        error = np.sqrt((0.6 * 0.4 + 0.2 * 0.8) / 100)
        assert estimate.value == pytest.approx(0.4)
        assert estimate.high - 0.4 == pytest.approx(1.96 * error, rel=0.01)
        assert 0.4 - estimate.low >= 1.95 * error

    def test_ks_interval_covers_the_true_gap(self):
        truth, hits = 2 * stats.norm.cdf(0.5) - 1, []
        for seed in range(300):
            rng = np.random.default_rng(seed)
            y = rng.random(1000) < 0.2
            estimate = ks(y, rng.normal(size=1000) + y)
            hits.append(estimate.low <= truth <= estimate.high)
        assert np.mean(hits) == pytest.approx(0.95, abs=0.025)

    def test_perfect_ks_of_few_loans_is_not_certain(self):
        estimate = ks([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6])
        assert estimate.low == pytest.approx(0.025 ** (1 / 3))
        assert estimate.value == 1.0

    def test_weights_count_rows_in_ks(self):
        weighted = ks([0, 0, 1, 1], [1, 3, 2, 4], sample_weight=[3, 1, 1, 2])
        repeated = ks([0, 0, 0, 0, 1, 1, 1], [1, 1, 1, 3, 2, 4, 4])
        assert weighted.value == pytest.approx(repeated.value)

    def test_gini_is_twice_the_area_above_chance(self, loans):
        y, p, _ = loans
        assert gini(y, p).value == pytest.approx(2 * roc_auc_score(y, p) - 1)


class TestScale:
    def test_a_grade_ends_below_its_upper_bound(self):
        assert list(MasterScale().grade([0.0, 0.0199, 0.02, 0.35, 1.0])) == ["A", "A", "B", "G", "G"]

    def test_bounds_of_a_grade(self):
        assert MasterScale(("low", "high"), (0.1, 1.0)).bounds("high") == (0.1, 1.0)

    @pytest.mark.parametrize("upper", [(0.2, 0.1, 1.0), (0.0, 0.1, 1.0), (0.1, 0.2, 0.9)])
    def test_bounds_must_rise_to_one(self, upper):
        with pytest.raises(ValueError, match="upper must rise"):
            MasterScale(("a", "b", "c"), upper)

    def test_test_of_a_grade_is_jeffreys_posterior(self):
        y = np.arange(200) < 9
        grade = calibration_by_grade(y, np.full(200, 0.03)).grades[1]
        assert grade.p_value == pytest.approx(stats.beta(9.5, 191.5).cdf(0.03))
        assert (grade.n, grade.n_events, grade.verdict) == (200, 9, "holds")

    def test_too_many_defaults_are_called_underestimated(self):
        result = calibration_by_grade(np.arange(200) < 20, np.full(200, 0.03))
        assert result.grades[1].verdict == result.portfolio.verdict == "underestimated"

    def test_too_few_defaults_are_called_overestimated(self):
        assert calibration_by_grade(np.arange(200) < 1, np.full(200, 0.03)).portfolio.verdict == "overestimated"

    def test_an_empty_grade_says_so(self):
        grade = calibration_by_grade([0, 1], [0.03, 0.03]).grades[0]
        assert (grade.verdict, grade.observed) == ("no loans", None)

    def test_true_probabilities_hold_in_the_portfolio(self, loans):
        y, p, _ = loans
        result = calibration_by_grade(y, p)
        assert result.portfolio.verdict == "holds"
        assert sum(grade.n_events for grade in result.grades) == y.sum()

    def test_doubling_the_odds_adds_pdo_points(self):
        p = np.array([0.1, 0.05263157894736842])  # odds 9 and 18
        assert np.diff(score_points(p, pdo=30)) == pytest.approx(30)

    def test_points_lead_back_to_the_probability(self):
        p = np.array([0.001, 0.2, 0.9])
        assert pd_from_points(score_points(p)) == pytest.approx(p)

    def test_certain_default_has_finite_points(self):
        assert np.isfinite(score_points([0.0, 1.0])).all()

    def test_pdo_must_be_positive(self):
        with pytest.raises(ValueError, match="pdo must be positive"):
            score_points([0.1], pdo=0)


class TestStability:
    def test_index_by_hand(self):
        reference, current = ["a"] * 60 + ["b"] * 40, ["a"] * 30 + ["b"] * 70
        expected = -0.3 * np.log(0.3 / 0.6) + 0.3 * np.log(0.7 / 0.4)
        assert psi(reference, current).value == pytest.approx(expected)

    def test_numbers_are_binned_at_the_quantiles_of_the_reference(self):
        reference = np.arange(1000.0)
        assert psi(reference, reference[:500]).method == "noncentral chi-square, 10 bins"
        assert psi(reference, reference).value == 0.0

    def test_missing_values_are_a_bin_of_their_own(self):
        reference, current = np.r_[np.zeros(90), [np.nan] * 10], np.r_[np.zeros(80), [np.nan] * 20]
        expected = -0.1 * np.log(0.8 / 0.9) + 0.1 * np.log(0.2 / 0.1)
        assert psi(reference, current).value == pytest.approx(expected)

    def test_an_unseen_category_counts_against_half_a_row(self):
        reference, current = ["a"] * 100, ["a"] * 90 + ["new"] * 10
        expected = -0.1 * np.log(0.9) + (0.1 - 0.005) * np.log(0.1 / 0.005)
        assert psi(reference, current).value == pytest.approx(expected)

    @pytest.mark.parametrize("tilt", [0.0, 0.4])
    def test_interval_covers_the_true_index(self, tilt):
        rng, before = np.random.default_rng(0), np.full(10, 0.1)
        after = before * np.exp(tilt * np.linspace(-1, 1, 10))
        after /= after.sum()
        truth = ((after - before) * np.log(after / before)).sum()
        hits = []
        for _ in range(200):
            estimate = psi(rng.choice(10, 2000, p=before).astype(str), rng.choice(10, 500, p=after).astype(str))
            hits.append(estimate.low <= truth <= estimate.high)
        assert np.mean(hits) > 0.91

    def test_columns_come_largest_first(self):
        rng = np.random.default_rng(0)
        reference = pd.DataFrame({"calm": rng.normal(size=500), "moved": rng.normal(size=500)})
        current = reference.assign(moved=reference["moved"] + 1, extra=1)
        assert [estimate.name for estimate in psi_by_column(reference, current)] == ["moved", "calm"]

    def test_periods_come_in_order_of_time(self):
        dates = pd.to_datetime(["2018-12-01"] * 50 + ["2018-02-01"] * 50)
        found = psi_by_period(np.arange(100.0), np.arange(100.0), dates)
        assert [estimate.name for estimate in found] == ["2018Q1", "2018Q4"]

    def test_an_empty_sample_is_refused(self):
        with pytest.raises(ValueError, match="must not be empty"):
            psi([1.0], [])


class TestVintages:
    def test_each_quarter_is_counted_once(self):
        dates = ["2020-01-15", "2020-03-31", "2020-04-01", None]
        found = vintages(dates, [0, 1, 1, 1], [0.2, 0.4, 0.5, 0.9])
        assert [(v.period, v.n, v.n_events) for v in found] == [("2020Q1", 2, 1), ("2020Q2", 1, 1)]
        assert found[0].predicted == pytest.approx(0.3)

    def test_ranking_needs_both_outcomes(self):
        first, second = vintages(["2020", "2020", "2021"], [0, 1, 1], [0.1, 0.2, 0.3], freq="Y")
        assert first.auc is not None
        assert second.auc is None

    def test_dates_of_another_length_are_refused(self):
        with pytest.raises(ValueError, match="one entry per row"):
            vintages(["2020"], [0, 1], [0.1, 0.2])


class TestSwapSet:
    def test_swaps_by_hand(self):
        incumbent, p, y = [1, 2, 3, 4, 5, 6], [0.1, 0.9, 0.2, 0.3, 0.8, 0.4], [0, 1, 0, 0, 1, 0]
        swaps = swap_set(incumbent, p, y, approval_rate=0.5, higher_is_riskier=True)
        assert (swaps.swap_ins.n, swaps.swap_ins.n_events) == (1, 0)
        assert (swaps.swap_outs.n, swaps.swap_outs.n_events) == (1, 1)

    def test_ins_and_outs_are_equally_many(self, loans):
        y, p, _ = loans
        swaps = swap_set(np.round(p, 1), p, y, approval_rate=0.7, higher_is_riskier=True)
        assert swaps.swap_ins.n == swaps.swap_outs.n
        assert swaps.both_approved.n + swaps.swap_ins.n == 2100

    def test_incumbent_approvals_set_the_rate(self, loans):
        y, p, _ = loans
        approved = np.random.default_rng(1).random(3000) < 0.4
        assert swap_set(approved, p, y).approval_rate == pytest.approx(approved.mean())

    def test_cost_difference_is_what_the_swaps_save(self, loans):
        y, p, _ = loans
        score = -p + np.random.default_rng(1).normal(0, 0.1, size=3000)
        swaps = swap_set(score, p, y, approval_rate=0.8, costs=Costs(1900, 380, currency="EUR"))
        saved = (swaps.swap_outs.n_events - swaps.swap_ins.n_events) * (1900 + 380) / 3000
        assert swaps.cost_difference.value == pytest.approx(-saved)
        assert swaps.cost.value - swaps.incumbent_cost.value == pytest.approx(-saved)
        assert swaps.cost_difference.high < 0

    def test_a_score_needs_an_approval_rate(self):
        with pytest.raises(ValueError, match="approval_rate must lie"):
            swap_set([1.0, 2.0], [0.1, 0.2], [0, 1])


class TestPerHundred:
    def test_shares_sum_to_the_total(self):
        assert list(per_hundred([1, 1, 1, 4])) == [15, 14, 14, 57]

    def test_exact_shares_are_left_alone(self):
        assert list(per_hundred([71, 5, 16, 8])) == [71, 5, 16, 8]

    def test_outcomes_are_counted_by_decision(self):
        outcomes = outcomes_per_hundred([0] * 6 + [1] * 4, [False] * 5 + [True] * 2 + [False] * 3)
        assert (outcomes.accepted_repaid, outcomes.accepted_defaulted) == (50, 30)
        assert (outcomes.declined_would_repay, outcomes.declined_would_default) == (10, 10)

    def test_no_counts_are_refused(self):
        with pytest.raises(ValueError, match="not all 0"):
            per_hundred([0, 0])
