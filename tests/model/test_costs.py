import numpy as np
import pytest

from appkit.model.costs import Costs, bayes_decision, cost_threshold


def test_five_to_one_declines_from_one_sixth():
    assert Costs(missed_event=5, false_alarm=1).threshold == pytest.approx(1 / 6)


def test_threshold_is_where_both_decisions_cost_the_same():
    costs = Costs(missed_event=9, false_alarm=2, caught_event=1, correct_pass=-3)
    p = costs.threshold
    alarm, silence = p * 1 + (1 - p) * 2, p * 9 + (1 - p) * -3
    assert alarm == pytest.approx(silence)


def test_decision_is_the_cheapest_of_a_brute_force_search():
    costs, p = Costs(missed_event=7, false_alarm=2), np.linspace(0, 1, 51)
    cheapest = (1 - p) * 2 < p * 7
    np.testing.assert_array_equal(bayes_decision(p, costs), cheapest)


def test_each_row_may_have_its_own_costs():
    thresholds = cost_threshold(missed_event=np.array([1.0, 9.0]), false_alarm=1.0)
    assert list(bayes_decision([0.3, 0.3], thresholds)) == [False, True]


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"missed_event": 0, "false_alarm": 1}, "missed_event must cost more"),
        ({"missed_event": 1, "false_alarm": 1, "correct_pass": 2}, "false_alarm must cost more"),
        ({"missed_event": float("nan"), "false_alarm": 1}, "missed_event must be a finite number"),
    ],
)
def test_costs_that_reward_errors_are_refused(costs, message):
    with pytest.raises(ValueError, match=message):
        Costs(**costs)


def test_both_columns_of_predict_proba_are_refused():
    with pytest.raises(ValueError, match="event's column"):
        bayes_decision(np.full((3, 2), 0.5), Costs(5, 1))
