import numpy as np
import pytest

from appkit.prediction import Evaluation
from appkit.prediction.survival import integrated_brier
from domains.manufacturing.prediction import remaining_life
from domains.manufacturing.prediction.alarm_costs import AlarmCosts
from domains.manufacturing.prediction.alarms import AlarmPolicy, LeadTime
from domains.manufacturing.prediction.evaluation import (
    compare_evaluations,
    evaluate_alarms,
    evaluate_remaining_life,
    evaluate_survival,
)


@pytest.fixture(scope="module")
def fleet():
    """Truth, prediction, unit and age of 30 units that run to failure."""
    rng = np.random.default_rng(0)
    lives = rng.integers(50, 250, size=30)
    units, ages = np.repeat(np.arange(30), lives), np.concatenate([np.arange(life, dtype=float) for life in lives])
    truth = np.repeat(lives, lives) - ages
    predicted = np.minimum(truth, 125) + np.repeat(rng.normal(scale=12.0, size=30), lives)
    return truth, predicted, units, ages


def test_remaining_life_is_measured_by_every_figure(fleet):
    truth, predicted, units, ages = fleet
    interval = np.column_stack([predicted - 20, predicted + 20])
    evaluation = evaluate_remaining_life(truth, predicted, units=units, ages=ages, interval=interval)
    assert evaluation.to_frame().index.tolist() == [
        "Root mean squared error",
        "Mean absolute error",
        "Bias",
        "NASA score",
        "Share within -13 and +10",
        "Alpha-lambda accuracy (0.2 at 0.5)",
        "Median prognostic horizon (0.1)",
        "Interval coverage",
        "Interval width",
        "Interval score",
    ]
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in evaluation)
    assert isinstance(evaluation, Evaluation)


def test_a_cap_cuts_the_truth_and_the_uncut_errors_are_told_too(fleet):
    truth, predicted, units, _ = fleet
    evaluation = evaluate_remaining_life(truth, predicted, units=units, cap=125)
    assert evaluation["Root mean squared error"] == remaining_life.rmse(np.minimum(truth, 125), predicted, units=units)
    uncut = evaluation["Root mean squared error, truth not cut"]
    assert uncut.value == remaining_life.rmse(truth, predicted, units=units).value
    assert str(evaluation).startswith(f"30 units, {len(truth)} rows, remaining life: in cycles, truth cut at 125\n")


def test_life_is_not_cut_by_the_cap(fleet):
    truth, predicted, units, ages = fleet
    with_cap = evaluate_remaining_life(truth, predicted, units=units, ages=ages, cap=125)
    without = evaluate_remaining_life(truth, predicted, units=units, ages=ages)
    name = "Median prognostic horizon (0.1)"
    assert with_cap[name] == without[name]


def test_equal_seeds_give_equal_evaluations_and_others_do_not(fleet):
    truth, predicted, units, _ = fleet
    first, second, third = (
        evaluate_remaining_life(truth, predicted, units=units, random_state=seed)["Bias"] for seed in (1, 1, 2)
    )
    assert first == second
    assert first.low != third.low


def test_intervals_of_the_rmse_cover_the_truth():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        errors = np.repeat(rng.normal(scale=3.0, size=40), 2) + rng.normal(scale=4.0, size=80)
        estimate = remaining_life.rmse(np.full(80, 50.0), 50.0 + errors, units=np.repeat(np.arange(40), 2))
        covered += estimate.low <= 5.0 <= estimate.high
    assert 0.90 <= covered / 200 <= 0.98


def test_a_paired_difference_is_narrower_than_two_intervals(fleet):
    truth, predicted, units, _ = fleet
    second = predicted + 3 * np.sign(predicted - np.minimum(truth, 125))
    difference = remaining_life.rmse_difference(truth, predicted, second, units=units)
    separate = remaining_life.rmse(truth, predicted, units=units)
    expected = separate.value - remaining_life.rmse(truth, second, units=units).value
    assert difference.value == pytest.approx(expected)
    assert difference.high - difference.low < separate.high - separate.low
    scores = remaining_life.nasa_score_difference(truth, predicted, second, units=units)
    assert scores.value == pytest.approx(
        remaining_life.nasa_score(truth, predicted).value - remaining_life.nasa_score(truth, second).value
    )


def test_survival_is_measured_beside_the_curve_that_knows_no_sensor():
    rng = np.random.default_rng(0)
    risk = rng.normal(size=300)
    life, end = rng.exponential(size=300) * np.exp(-risk), rng.exponential(2.0, size=300)
    event, duration, times = life <= end, np.minimum(life, end), np.linspace(0.1, 1.5, 15)
    survival = np.exp(-np.exp(risk)[:, None] * times)
    evaluation = evaluate_survival(event, duration, risk=risk, survival=survival, times=times)
    assert evaluation["Integrated Brier score"] == integrated_brier(event, duration, survival, times=times)
    assert evaluation["Integrated Brier score"].high < evaluation["Integrated Brier score, Kaplan-Meier"].low
    assert evaluation.conditions == f"{event.sum()} failures seen, {(~event).sum()} rows censored"
    assert [estimate.name for estimate in evaluation][:2] == ["Concordance (Uno)", "Concordance (Harrell)"]


def test_survival_without_a_failure_has_no_concordance_and_says_so():
    evaluation = evaluate_survival([0, 0], [3.0, 4.0], risk=[0.1, 0.2])
    assert evaluation["Concordance (Uno)"].method == "undefined: no event among 2 rows"
    assert "nan" in str(evaluation)


def test_alarms_are_measured_with_costs_and_budget(fleet):
    truth, predicted, units, ages = fleet
    evaluation = evaluate_alarms(
        truth,
        predicted,
        AlarmPolicy(30.0, on="remaining life", persistence=3),
        units=units,
        times=ages,
        lead=LeadTime(10, 80),
        costs=AlarmCosts(late=1000, early_per_time=5, false_alarm=100, currency="EUR"),
        month=120,
    )
    frame = evaluation.to_frame()
    assert frame.index.tolist() == [
        "Alarm recall", "Alarm precision", "Median lead time", "Alarms per machine-month", "Cost per unit"
    ]  # fmt: skip
    assert frame["value"].notna().all()
    assert (evaluation.currency, evaluation.threshold, evaluation.n_events) == ("EUR", 30.0, 30)
    assert "remaining life of at most 30 in 3 readings in a row; " in str(evaluation)


def test_evaluations_of_several_models_make_one_table(fleet):
    truth, predicted, units, _ = fleet
    table = compare_evaluations(
        {
            "ours": evaluate_remaining_life(truth, predicted, units=units),
            "mean": evaluate_remaining_life(truth, np.full(len(truth), truth.mean()), units=units),
        }
    )
    assert table.index.names == ["model", "metric"]
    assert table.loc[("mean", "Root mean squared error"), "value"] == pytest.approx(truth.std())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cap": 0}, "cap must be positive, got 0"),
        ({"ages": [1.0, 2.0]}, "ages need units"),
        ({"interval": [1.0, 2.0]}, r"interval must have shape \(2, 2\): low and high, got \(2,\)"),
        ({"units": [1]}, "one entry for each of 2 rows"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate_remaining_life([5.0, 6.0], [5.0, 6.0], **arguments)


def test_survival_without_its_times_is_refused():
    with pytest.raises(ValueError, match="survival and times must be given together"):
        evaluate_survival([1, 1], [3.0, 4.0], risk=[0.1, 0.2], survival=[[0.5], [0.5]])


def test_no_model_makes_no_table():
    with pytest.raises(ValueError, match="at least one model"):
        compare_evaluations({})
