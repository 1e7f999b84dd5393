import math

import numpy as np
import pytest

from domains.manufacturing.prediction.alarm_budget import alarms_per_month, policy_for_budget
from domains.manufacturing.prediction.alarm_costs import (
    AlarmCosts,
    cheapest_policy,
    cost_curve,
    cost_per_unit,
    costs_by_unit,
)
from domains.manufacturing.prediction.alarms import (
    AlarmPolicy,
    LeadTime,
    alarm_outcomes,
    alarm_precision,
    alarm_recall,
    lead_time_curve,
    median_lead_time,
)

COSTS = AlarmCosts(late=100.0, early_per_time=2.0, false_alarm=30.0, currency="EUR")


def fleet(n_units=12, seed=0, *, share_failing=0.6):
    """Return truth, risk and the units and uneven times watched, rows shuffled, risks with ties."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 30, size=n_units)
    units = np.repeat(np.arange(n_units), lengths)
    times = np.concatenate([np.cumsum(rng.integers(1, 4, size=length)) for length in lengths]).astype(float)
    last = np.repeat([times[units == unit].max() for unit in range(n_units)], lengths)
    truth = last + 2.0 - times
    risk = np.round(np.clip(1 - truth / 40 + rng.normal(scale=0.15, size=len(truth)), 0, 1), 1)
    truth[np.isin(units, np.flatnonzero(rng.random(n_units) > share_failing))] = np.nan
    shuffle = rng.permutation(len(truth))
    return truth[shuffle], risk[shuffle], {"units": units[shuffle], "times": times[shuffle]}


def first_alarm_by_hand(risk, times, rows, threshold, persistence):
    rows = sorted(rows, key=lambda row: times[row])
    for place in range(persistence - 1, len(rows)):
        if all(risk[row] >= threshold for row in rows[place - persistence + 1 : place + 1]):
            return times[rows[place]]
    return None


def outcomes_by_hand(truth, risk, threshold, *, units, times, lead, persistence=1):
    found = {}
    for unit in set(units.tolist()):
        rows = np.flatnonzero(units == unit)
        alarm = first_alarm_by_hand(risk, times, rows, threshold, persistence)
        if not np.isnan(truth[rows[0]]):
            ahead = None if alarm is None else times[rows[0]] + truth[rows[0]] - alarm
            if ahead is None:
                found[unit] = "missed"
            elif ahead > lead.longest:
                found[unit] = "false alarm"
            else:
                found[unit] = "detected" if ahead >= lead.needed else "late"
        elif alarm is None:
            found[unit] = "quiet"
        else:
            is_decided = lead.longest == math.inf or times[rows].max() - alarm >= lead.longest
            found[unit] = "false alarm" if is_decided else "undecided"
    return found


@pytest.mark.parametrize("persistence", [1, 2, 5])
@pytest.mark.parametrize("lead", [LeadTime(), LeadTime(4, 20), LeadTime(6, math.inf)])
@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.8, math.inf])
def test_outcomes_agree_with_the_loop_over_units(threshold, lead, persistence):
    truth, risk, watched = fleet()
    policy = AlarmPolicy(threshold, persistence=persistence)
    outcomes = alarm_outcomes(truth, risk, policy, **watched, lead=lead)
    expected = outcomes_by_hand(truth, risk, threshold, **watched, lead=lead, persistence=persistence)
    assert dict(zip(outcomes.units, outcomes.outcome, strict=True)) == expected


def test_each_outcome_by_hand():
    # failures at 10; needed 2, longest 6; censored units end at 10
    truth = np.array([9.0, 5.0, 9.0, 1.0, 9.0, 5.0, 9.0, 5.0] + [np.nan] * 6)
    units = list("aabbccdd") + list("eeffgg")
    times = np.array([1.0, 5.0, 1.0, 9.0, 1.0, 5.0, 1.0, 5.0, 1.0, 10.0, 5.0, 10.0, 2.0, 10.0])
    risk = np.array([0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1])
    outcomes = alarm_outcomes(truth, risk, AlarmPolicy(1), units=units, times=times, lead=LeadTime(2, 6))
    assert outcomes.outcome.tolist() == [
        "detected", "late", "missed", "false alarm", "quiet", "undecided", "false alarm"
    ]  # fmt: skip
    assert outcomes.counts() == {
        "detected": 1, "late": 1, "missed": 1, "false alarm": 2, "quiet": 1, "undecided": 1
    }  # fmt: skip
    assert alarm_recall(outcomes).value == 0.25
    assert alarm_precision(outcomes).value == 0.25
    assert median_lead_time(outcomes).value == 3.0
    assert outcomes.to_frame().loc["a"].tolist() == ["detected", 5.0, 5.0, 10.0]


def test_a_short_remaining_life_alarms_as_a_high_risk_does():
    truth, risk, watched = fleet()
    by_risk = alarm_outcomes(truth, risk, AlarmPolicy(0.6, persistence=2), **watched)
    by_life = alarm_outcomes(truth, -risk, AlarmPolicy(-0.6, on="remaining life", persistence=2), **watched)
    np.testing.assert_array_equal(by_risk.alarm_times, by_life.alarm_times)


def test_recall_leaves_out_failures_that_were_not_watched_so_long():
    truth, units, times = [8.0, 6.0, 1.0], [1, 1, 2], [0.0, 2.0, 0.0]
    curve = lead_time_curve(truth, [0.0, 1.0, 1.0], AlarmPolicy(1), units=units, times=times, lead_times=[0, 5, 7, 9])
    assert [estimate.value for estimate in curve.recall[:3]] == [1.0, 1.0, 0.0]
    assert [estimate.n for estimate in curve.recall[:3]] == [2, 1, 1]
    assert curve.recall[3].method == "undefined: no failure was watched so long"


def test_precision_counts_alarms_of_healthy_units_and_recall_does_not():
    truth, units, times = [5.0, np.nan, np.nan], ["a", "b", "c"], [0.0, 0.0, 0.0]
    curve = lead_time_curve(truth, [1.0, 1.0, 0.0], AlarmPolicy(1), units=units, times=times, lead_times=[0, 6])
    assert [estimate.value for estimate in curve.precision] == [0.5, 0.0]
    assert curve.recall[0].value == 1.0
    assert curve.to_frame().columns.tolist() == [
        "recall", "recall_low", "recall_high", "precision", "precision_low", "precision_high"
    ]  # fmt: skip


def test_figures_without_alarms_or_failures_are_undefined_and_say_why():
    outcomes = alarm_outcomes([np.nan, np.nan], [0.1, 0.2], AlarmPolicy(0.5), units=["a", "b"], times=[0, 0])
    assert alarm_recall(outcomes).method == "undefined: no failure was seen"
    assert alarm_precision(outcomes).method == "undefined: no decided alarm"
    assert median_lead_time(outcomes).method == "undefined: no failure had an alarm"
    assert alarms_per_month(outcomes, month=30).method == "undefined: no time in service"


def test_alarms_per_month_by_hand():
    # a: alarm after 10 days; b: none in 20 days
    outcomes = alarm_outcomes(
        [np.nan] * 4, [0.0, 1.0, 0.0, 0.0], AlarmPolicy(1), units=list("aabb"), times=[0.0, 10.0, 0.0, 20.0]
    )
    assert alarms_per_month(outcomes, month=30.0).value == 1.0


@pytest.mark.parametrize("on", ["risk", "remaining life"])
@pytest.mark.parametrize("budget", [0.0, 0.5, 1.0, 2.0, 100.0])
def test_policy_for_a_budget_is_the_most_sensitive_of_all_that_keep_it(budget, on):
    truth, risk, watched = fleet()
    output = risk if on == "risk" else -risk
    chosen = policy_for_budget(output, **watched, budget=budget, month=30.0, on=on, persistence=2)
    rates = {}
    for threshold in [math.inf, *sorted(set(risk))[::-1]]:
        outcomes = alarm_outcomes(truth, risk, AlarmPolicy(threshold, persistence=2), **watched)
        ends = np.where(outcomes.alarmed, outcomes.alarm_times, outcomes.last_times)
        rates[threshold] = outcomes.alarmed.sum() / ((ends - outcomes.first_times).sum() / 30.0)
    allowed = min(threshold for threshold, rate in rates.items() if rate <= budget)
    alarms = [
        alarm_outcomes(truth, values, policy, **watched).alarm_times
        for values, policy in [(output, chosen), (risk, AlarmPolicy(allowed, persistence=2))]
    ]
    np.testing.assert_array_equal(*alarms)


def cost_by_hand(outcome, ahead, lead):
    return {
        "detected": 2.0 * (ahead - lead.needed),
        "late": 100.0,
        "missed": 100.0,
        "false alarm": 30.0 + (0.0 if np.isnan(ahead) else 100.0),
        "quiet": 0.0,
        "undecided": 0.0,
    }[outcome]


@pytest.mark.parametrize("lead", [LeadTime(4), LeadTime(4, 15)])
@pytest.mark.parametrize("seed", range(4))
def test_cheapest_policy_is_the_best_of_all_thresholds(seed, lead):
    truth, risk, watched = fleet(seed=seed)
    chosen = cheapest_policy(truth, risk, COSTS, **watched, lead=lead, persistence=2)
    totals = {}
    for threshold in [math.inf, *sorted(set(risk))[::-1]]:
        outcomes = alarm_outcomes(truth, risk, AlarmPolicy(threshold, persistence=2), **watched, lead=lead)
        pairs = zip(outcomes.outcome, outcomes.lead_times, strict=True)
        totals[threshold] = sum(cost_by_hand(outcome, ahead, lead) for outcome, ahead in pairs)
    of_chosen = alarm_outcomes(truth, risk, chosen, **watched, lead=lead)
    assert costs_by_unit(of_chosen, COSTS, lead=lead).sum() == pytest.approx(min(totals.values()))


def test_cost_curve_agrees_with_the_outcomes_at_each_threshold():
    truth, risk, watched = fleet(n_units=40)
    lead = LeadTime(4, 25)
    curve = cost_curve(truth, risk, COSTS, **watched, lead=lead)
    for threshold, cost in zip(curve.thresholds, curve.cost, strict=True):
        outcomes = alarm_outcomes(truth, risk, AlarmPolicy(threshold), **watched, lead=lead)
        assert cost == cost_per_unit(outcomes, COSTS, lead=lead)
    np.testing.assert_allclose(curve.late + curve.early + curve.false_alarm, [cost.value for cost in curve.cost])
    assert curve.best == cheapest_policy(truth, risk, COSTS, **watched, lead=lead)
    assert curve.best_cost.value == min(cost.value for cost in curve.cost)


def test_cost_curve_starts_with_no_alarm_and_draws_as_many_points_as_asked():
    rng = np.random.default_rng(0)
    truth = np.tile(np.arange(50.0, 0.0, -1.0), 20)
    watched = {"units": np.repeat(np.arange(20), 50), "times": np.tile(np.arange(50.0), 20)}
    predicted = truth + rng.normal(scale=10.0, size=1000)
    curve = cost_curve(truth, predicted, COSTS, **watched, on="remaining life", n_points=12)
    frame = curve.to_frame()
    assert len(frame) == 12
    assert frame.index[0] == -math.inf
    assert frame["cost"].iloc[0] == frame["late"].iloc[0] == 100.0
    assert frame["late"].iloc[-1] == 0.0
    assert frame["low"].le(frame["high"]).all()


def test_late_failures_that_cost_more_lower_the_threshold():
    truth, risk, watched = fleet(n_units=60, seed=3)
    thresholds = [
        cheapest_policy(truth, risk, AlarmCosts(late=late, early_per_time=2.0), **watched, lead=LeadTime(4)).threshold
        for late in (1.0, 30.0, 3000.0)
    ]
    assert thresholds[0] > thresholds[1] > thresholds[2]


def test_alarms_that_cost_more_than_failures_are_not_given():
    truth, risk, watched = fleet()
    policy = cheapest_policy(truth, risk, AlarmCosts(late=1.0, early_per_time=9.0, false_alarm=9.0), **watched)
    assert cost_per_unit(alarm_outcomes(truth, risk, policy, **watched), AlarmCosts(late=1.0)).value <= 1.0
    never = cheapest_policy([np.nan], [0.5], AlarmCosts(late=1.0, false_alarm=1.0), units=["a"], times=[0])
    assert never.threshold == math.inf


def test_policies_are_worded():
    assert str(AlarmPolicy(20.0, on="remaining life")) == "remaining life of at most 20"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": ["a", "a", "b"], "times": [1.0, 1.0, 1.0]}, "rows 0 and 1 of unit a at 1"),
        ({"truth": [3.0, np.nan, 1.0]}, "one time of failure in all rows of a unit"),
        ({"truth": [3.0, -2.0, 1.0]}, "must not be negative, got -2 in row 1"),
        ({"truth": [3.0, 2.0]}, "truth must have one number for each of 3 rows, got 2"),
        ({"truth": [3.0, np.inf, 1.0]}, "truth must be finite, got inf in row 1"),
        ({"output": [0.1, np.nan, 0.2]}, "output must be finite, got nan in row 1"),
        ({"times": [1.0, 2.0]}, "times must have one number for each of 3 rows"),
        ({"units": []}, "at least one, got shape"),
    ],
)
def test_rows_that_make_no_sense_are_refused(changes, message):
    rows = {"truth": [3.0, 2.0, 1.0], "output": [0.1, 0.2, 0.3], "units": list("aab"), "times": [1.0, 2.0, 1.0]}
    rows |= changes
    with pytest.raises(ValueError, match=message):
        alarm_outcomes(rows["truth"], rows["output"], AlarmPolicy(0.5), units=rows["units"], times=rows["times"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AlarmPolicy(math.nan), "threshold must be a number"),
        (lambda: LeadTime(5, 3), "needed must lie between 0 and longest, got 5 and 3"),
        (lambda: AlarmCosts(late=-1), "late must be a finite cost that is not negative, got -1"),
        (lambda: alarm_outcomes([1.0], [1.0], AlarmPolicy(1, on="life"), units=[1], times=[1]), "on must be 'risk'"),
        (
            lambda: alarm_outcomes([1.0], [1.0], AlarmPolicy(1, persistence=0), units=[1], times=[1]),
            "persistence must be a positive number of readings, got 0",
        ),
        (lambda: policy_for_budget([1.0], units=[1], times=[1], budget=-1, month=30), "budget must be a number"),
        (lambda: policy_for_budget([1.0], units=[1], times=[1], budget=1, month=0), "month must be a positive length"),
        (lambda: policy_for_budget([1.0], units=[1], times=[1], budget=1, month=30), "no unit has two rows"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_lead_times_out_of_order_are_refused():
    with pytest.raises(ValueError, match="lead_times must be ascending numbers from 0 on"):
        lead_time_curve([1.0], [1.0], AlarmPolicy(1), units=[1], times=[1], lead_times=[5, 3])
