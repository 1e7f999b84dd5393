import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.model.training import TrainingSettings
from benchmarks.manufacturing import __main__ as command
from benchmarks.manufacturing import drivers, explaining_speed
from benchmarks.manufacturing.drivers import true_probability
from benchmarks.manufacturing.failures import best_f1_threshold
from benchmarks.manufacturing.fleets import random_moments, small_fleet
from benchmarks.manufacturing.intervals import constant_width, interval_scores, worth_over_cuts
from benchmarks.manufacturing.life import life_scores
from benchmarks.manufacturing.ours import our_model
from benchmarks.manufacturing.training_speed import bare_loop
from benchmarks.manufacturing.verdicts import Verdict, judge_drivers
from benchmarks.runs import Cost
from domains.manufacturing import make_milling_machines


@pytest.fixture
def quick(tmp_path, capsys):
    """Run the command on tiny data; return what it printed and the lines it kept."""

    def run(*options: str) -> tuple[str, list[dict]]:
        command.main(["--quick", "--cache", str(tmp_path), *options])
        lines = [line for path in sorted(tmp_path.glob("*.jsonl")) for line in path.read_text().splitlines()]
        return capsys.readouterr().out, [json.loads(line) for line in lines if line]

    return run


# Machines


def test_one_moment_of_each_unit_is_drawn_evenly():
    units = np.repeat(["a", "b"], [4, 8])
    drawn = np.array([random_moments(units, seed=seed) for seed in range(2000)])
    assert drawn.shape == (2000, 2)
    np.testing.assert_allclose(np.bincount(drawn[:, 0], minlength=4) / 2000, 0.25, atol=0.04)
    np.testing.assert_allclose(np.bincount(drawn[:, 1] - 4, minlength=8) / 2000, 0.125, atol=0.03)


def test_test_machines_are_others_and_stop_before_they_fail():
    fleet = small_fleet(9)
    assert not set(fleet.X["machine"]) & set(fleet.X_test["machine"])
    assert fleet.life_test.index.tolist() == [7, 8, 9]
    assert (fleet.life_test >= 0).all()


def test_held_out_rows_are_whole_machines():
    fleet = small_fleet(9)
    machines = fleet.X["machine"].to_numpy()
    assert not set(machines[fleet.held_out]) & set(machines[~fleet.held_out])


# Life


def test_truth_is_cut_for_the_one_error_and_not_for_the_other():
    scores = life_scores(pd.Series({"a": 135.0, "b": 20.0}), pd.Series({"b": 20.0, "a": 125.0}), cap=125)
    assert scores["rmse"] == 0
    assert scores["rmse uncut"] == pytest.approx(np.sqrt(50))
    assert scores["nasa uncut"] == pytest.approx(np.exp(10 / 13) - 1)


def test_every_rival_is_measured_once_by_each_seed(quick, monkeypatch):
    monkeypatch.setattr(command, "small_fleet", partial(small_fleet, 9))
    text, first = quick("--what", "life", "--seeds", "0")
    for name in ("ours", "mean life", "ridge, window 30", "xgboost, window 80", "xgboost_light, window 30"):
        assert f"| {name} |" in text
    text, second = quick("--what", "life", "--seeds", "0", "1")
    assert len(second) == 2 * len(first)
    assert "sd" in text


# Intervals


def test_constant_width_is_the_split_conformal_quantile():
    held = pd.DataFrame({"machine": range(19), "truth": 10.0, "predicted": 10.0 + np.arange(19.0)})
    assert constant_width(held, alpha=0.1, seed=0) == 17.0  # the ceil(0.9 * 20) = 18th of 19


def test_too_few_machines_for_a_width_are_refused():
    held = pd.DataFrame({"machine": range(8), "truth": 0.0, "predicted": 1.0})
    with pytest.raises(ValueError, match=r"alpha=0.1 needs at least 9 machines, got 8\."):
        constant_width(held, alpha=0.1, seed=0)


@pytest.fixture
def judged():
    """Nine of ten machines covered by both; ours half as wide."""
    table = pd.DataFrame({"machine": range(10), "is_capped": [True] * 4 + [False] * 6})
    table["covered"] = table["constant covered"] = [False] + [True] * 9
    table["width"], table["constant width"] = 10.0, 20.0
    table["score"], table["constant score"] = np.arange(1.0, 11.0), np.arange(2.0, 22.0, 2.0)
    return table


def test_coverage_has_its_exact_interval(judged):
    scores = interval_scores(judged)
    assert (scores["covered"], scores["late covered"], scores["late machines"]) == (9, 6, 6)
    assert (scores["low"], scores["high"]) == pytest.approx((0.55498, 0.99747), abs=1e-5)  # published tables


def test_the_ratio_of_scores_is_paired_by_machine(judged):
    worth = worth_over_cuts(judged)
    assert (worth["ratio"], worth["ratio low"], worth["ratio high"]) == pytest.approx((0.5, 0.5, 0.5))


def test_intervals_are_fitted_once_for_all_cuts(quick):
    text, kept = quick("--what", "intervals", "--seeds", "1", "2")
    assert len({record["fit_cpu"] for record in kept}) == 1
    assert text.count("| constant width |") == 2
    assert "of that of constant width" in text


# Failures


def test_the_threshold_gives_the_best_f1_of_the_rows_it_is_chosen_on():
    rng = np.random.default_rng(0)
    y = rng.random(200) < 0.3
    probability = np.round(rng.random(200) + 0.5 * y, 2)
    found = best_f1_threshold(y, probability)

    def f1(threshold: float) -> float:
        flagged = probability >= threshold
        return 2 * (flagged & y).sum() / (flagged.sum() + y.sum())

    assert f1(found) == max(map(f1, np.unique(probability)))


def test_failures_compare_ours_with_trees_on_the_same_folds(quick):
    text, kept = quick("--what", "failures", "--folds", "2", "--inner", "2")
    assert "2 of 5 stratified folds" in text
    assert sorted(record["model"] for record in kept) == sorted(2 * ["ours", "histgb", "xgboost", "xgboost_light"])


# Drivers


def test_a_failure_of_two_modes_is_right_by_a_driver_of_either():
    verdict = judge_drivers(
        np.array([3.0, -4.0, 1.0]),
        ["heat", "wear", "echo"],
        drivers={"HDF": ["heat"], "TWF": ["wear"]},
        decoys=["echo"],
    )
    assert (verdict.is_right, verdict.is_clear, verdict.decoy_rank, verdict.top) == (True, True, 3, "wear")


def test_a_decoy_between_the_drivers_is_not_clear():
    verdict = judge_drivers(np.array([3.0, 2.0, 1.0]), ["a", "echo", "b"], drivers={"m": ["a", "b"]}, decoys=["echo"])
    assert (verdict.is_right, verdict.is_clear, verdict.decoy_rank) == (True, False, 2)


def test_the_largest_effect_may_hold_the_failure_back():
    verdict = judge_drivers(np.array([3.0, -4.0, 1.0]), ["a", "b", "echo"], drivers={"m": ["a"]}, decoys=["echo"])
    assert (verdict.is_right, verdict.is_right_towards, verdict.top) == (False, True, "b")


def test_shares_are_counted_over_all_seeds(quick, monkeypatch):
    right, wrong = (Verdict(("HDF",), is_right, True, False, 2, "Echo", is_flagged=is_right) for is_right in (1, 0))

    def judged(seed: int, is_quick: bool):
        verdicts = [right] * (9 + seed) + [wrong] * (1 - seed)
        yield our_model(), lambda: (verdicts, 100, Cost(), Cost())

    monkeypatch.setattr(drivers, "GENERATED", {"milling": judged})
    text, _ = quick("--what", "drivers", "--data", "milling", "--seeds", "0", "1")
    assert "| ours | 20 | 19 (95.0%) | 75.1% to 99.9% | 90.0% 100.0% | 20 (100.0%) | 19 of 19 (100.0%) |" in text
    assert "no drivers of the mode: Echo 1." in text


def test_the_true_probability_is_the_share_that_fails():
    data = make_milling_machines(60_000, random_state=0)
    expected = true_probability(data.X)
    failed = data.modes.drop(columns="RNF").any(axis=1).to_numpy()
    assert failed[expected == 1].all()
    by_chance = (expected > 0) & (expected < 1)
    assert failed[by_chance].sum() == pytest.approx(expected[by_chance].sum(), rel=0.2)
    assert not failed[expected == 0].any()


def test_drivers_of_generated_machines_are_explained(quick):
    text, kept = quick("--what", "drivers", "--seeds", "0")
    failures = {(record["table"], record["model"]): record["scores"]["all: failures"] for record in kept}
    assert failures["drivers_degradation", "ours"] >= 4
    assert failures["drivers_milling", "true probability, conditional"] >= 4
    assert "| ours, bearing |" in text
    assert "| ours, interventional, OSF |" in text
    assert "| xgboost_light, interventional |" in text


# Speed


def test_the_bare_loop_trains_the_network_it_is_given():
    torch.manual_seed(0)
    windows = torch.randn(400, 3, 2)
    target = windows.sum((1, 2))
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 1))
    settings = TrainingSettings(0.02, 0.0, batch_size=32, max_epochs=40, patience=40)
    bare_loop(network, (windows, target), (windows, target), settings, seed=0)
    torch.testing.assert_close(network[1].weight, torch.ones(1, 6), atol=0.01, rtol=0)


def test_speed_tells_ratios_and_shares(quick, monkeypatch):
    monkeypatch.setattr(explaining_speed, "_BATCHES", (128,))
    monkeypatch.setattr(explaining_speed, "_TARGET_ERROR", 1.0)
    monkeypatch.setattr(command, "small_fleet", partial(small_fleet, 15))
    text, kept = quick("--what", "speed", "--seeds", "0")
    assert "share of the bare loop" in text
    explained = [record["scores"] for record in kept if record["table"] == "explaining_speed"]
    assert [(scores["steps"], scores["sensors"]) for scores in explained] == [(30, 14), (30, 14), (80, 15)]
    assert all(scores["evaluations"] > 20 * 2 * scores["players"] for scores in explained)  # 20 pairs at least
