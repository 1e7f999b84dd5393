import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from appkit.explanation import TensorGame, explain_game
from appkit.model.device import Placement
from appkit.model.training import TrainingSettings
from benchmarks.marks import told
from benchmarks.medical import __main__ as command
from benchmarks.medical import explaining_speed, phantoms
from benchmarks.medical.chest import chest_scores
from benchmarks.medical.explaining_speed import accuracy_of, images_per_second
from benchmarks.medical.ours import our_model, pixel_hash
from benchmarks.medical.peers import FrozenRegression, PlainResNet18
from benchmarks.medical.pointing import counts_by_patient, share_by_patient
from benchmarks.medical.training_speed import bare_loop
from domains.medical import make_phantoms


@pytest.fixture
def quick(tmp_path, capsys):
    """Run the command on tiny data; return what it printed and the lines it kept."""

    def run(*options: str) -> tuple[str, list[dict]]:
        command.main(["--quick", "--cache", str(tmp_path), *options])
        lines = [line for path in sorted(tmp_path.glob("*.jsonl")) for line in path.read_text().splitlines()]
        return capsys.readouterr().out, [json.loads(line) for line in lines if line]

    return run


@pytest.fixture
def spots():
    """Forty images, every second with a bright spot, and whose they are."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 100, (40, 12, 12)).astype(np.uint8)
    y = np.arange(40) % 2 == 1
    X[y, 4:8, 4:8] += 120
    return X, y, np.arange(40) // 2


# What is kept


def test_records_depend_on_the_settled_parameters():
    first, second = our_model("ours", {"width": 8}), our_model("ours", {"width": 16})
    assert first.fingerprint() != second.fingerprint()
    assert first.parameters["width"] == "8"
    assert first.parameters["dropout"] == repr(first.make(seed=0, threads=1).dropout)


def test_records_depend_on_how_much_is_asked():
    assert our_model(n_images=8).fingerprint() != our_model(n_images=9).fingerprint()


def test_hashes_tell_depth_apart():
    zeros = np.zeros((2, 2), dtype=np.uint8)
    assert pixel_hash(zeros) != pixel_hash(zeros.astype(np.uint16))


def test_a_mark_is_judged_before_rounding():
    assert told(0.97496, {"floor": 0.975}) == "0.975: floor 0.975 missed by 0.000"


# Chest


@pytest.fixture
def shifted():
    """Test probabilities that are lower throughout than those of validation, where events lie above .6."""
    y_val, p_val = np.array([0, 0, 1, 1], dtype=bool), np.array([0.2, 0.6, 0.7, 0.9])
    y, p = np.array([0, 0, 0, 0, 1, 1], dtype=bool), np.array([0.1, 0.2, 0.3, 0.65, 0.5, 0.8])
    return chest_scores(y, p, y_val=y_val, p_val=p_val)


def test_thresholds_come_from_validation_alone(shifted):
    assert shifted["threshold"] == 0.7
    assert shifted["accuracy"] == pytest.approx(5 / 6)  # the event at .5 is missed
    assert shifted["accuracy at .5"] == pytest.approx(5 / 6)  # the clear one at .65 is flagged


def test_sensitivity_is_told_with_the_specificity_it_came_with(shifted):
    assert (shifted["sensitivity"], shifted["specificity"]) == (0.5, 0.75)  # flagged from just above .6 on
    assert shifted["specificity low"] == pytest.approx(0.19412, abs=1e-5)  # published tables
    assert shifted["sensitivity on its own curve"] == 0.5


def test_the_area_has_its_interval(shifted):
    assert shifted["auc"] == pytest.approx(7 / 8)
    assert shifted["auc low"] < 7 / 8 < shifted["auc high"]


def test_a_second_run_measures_what_is_new_only(quick, tmp_path):
    _, first = quick("--what", "chest", "--seeds", "0")
    text, second = quick("--what", "chest", "--seeds", "0", "1", "--out", str(tmp_path / "tables.md"))
    assert [record["seed"] for record in first] == [0]
    assert [record["seed"] for record in second] == [0, 1]
    assert second[0] == first[0]
    assert text.strip() == (tmp_path / "tables.md").read_text().strip()
    assert "| mean, ours |  | 0." in text
    assert "| published ResNet-18, 28 px |  | 0.944 |" in text


# Breasts


def test_folds_compare_transfer_with_training_from_scratch(quick):
    text, kept = quick("--what", "busi", "--folds", "2")
    assert "2 of 5 folds of whole groups" in text
    areas = {(one["model"], one["fold"]): one["scores"]["auc"] for one in kept}
    gain = np.mean([areas["ours, transfer", fold] - areas["ours, from scratch", fold] for fold in (0, 1)])
    assert f"| {gain:+.4f} (" in text


# Peers


def test_the_plain_network_keeps_its_best_epoch(spots):
    X, y, _ = spots
    areas = []

    class Watched(PlainResNet18):
        def predict_proba(self, X):
            probability = super().predict_proba(X)
            areas.append(roc_auc_score(y[24:], probability[:, 1]))
            return probability

    Watched(epochs=3, batch_size=12).fit(X[:24], y[:24], X_val=X[24:], y_val=y[24:]).predict_proba(X[24:])
    assert areas[-1] == max(areas[:-1])


def test_frozen_features_are_read_by_a_regression_with_a_chosen_penalty(spots, monkeypatch):
    def moments(sides: tuple[int, ...]) -> torch.nn.Module:
        network = torch.nn.Module()
        network.features = lambda Z: torch.stack([Z.mean((1, 2, 3)), Z.amax((1, 2, 3))], dim=1)
        return network

    monkeypatch.setattr("benchmarks.medical.peers._last_features", moments)
    X, y, groups = spots
    peer = FrozenRegression().fit(X, y, groups)
    assert isinstance(peer.search.best_estimator_[-1], LogisticRegression)
    assert ((peer.predict_proba(X)[:, 1] > 0.5) == y).all()


# Phantoms


def test_counts_by_patient_add_up_to_the_clustered_interval():
    hits = np.array([True, True, False, True, False])
    first = counts_by_patient("map", hits, np.array(["a", "a", "b", "c", "c"]))
    assert first == {"map: 0 of 1": 1, "map: 1 of 2": 1, "map: 2 of 2": 1}
    share = share_by_patient("map", [first, {"map: 1 of 1": 5}])
    assert (share.value, share.n) == (0.8, 10)
    assert share.method == "Korn-Graubard, clustered by 8 groups"


def test_single_images_have_the_exact_interval():
    share = share_by_patient("map", [{"map: 1 of 1": 8, "map: 0 of 1": 2, "map x: 0 of 1": 9}])
    assert (share.low, share.high) == (pytest.approx(0.44390, abs=1e-5), pytest.approx(0.97479, abs=1e-5))


def test_maps_that_point_nowhere_do_not_count():
    among = np.array([[True, False], [True, False]])
    counted = counts_by_patient("map", np.array([[True, False], [False, False]]), np.array(["a", "b"]), among=among)
    assert counted == {"map: 1 of 2": 1}
    assert np.isnan(share_by_patient("other", [counted]).value)


def test_judged_phantoms_are_not_those_learnt_from():
    learnt, judged = make_phantoms(30, random_state=0), phantoms._judged(30, 0)
    assert not {pixel_hash(image) for image in learnt.X} & {pixel_hash(image) for image in judged.X}


def test_every_map_is_judged_with_learnt_and_with_random_weights(quick):
    text, kept = quick("--what", "phantoms", "--seeds", "0", "--players", "4", "--evaluations", "200", "--copies", "2")
    assert [record["model"] for record in kept] == list(phantoms.METHODS)
    for scores in (record["scores"] for record in kept):
        for at in ("peak", "player"):
            n = {name: share_by_patient(f"{at}: {name}", [scores]).n for name in ("learnt", "random")}
            assert n == {"learnt": 4, "random": 8}
    assert text.count("| Grad-CAM |") == 3
    assert "Patch Shapley values, peak, point to the lesion in 0." in text


# Speed


def test_the_bare_loop_trains_the_network_it_is_given():
    torch.manual_seed(0)
    images = torch.randn(400, 1, 2, 2)
    target = (images.mean((1, 2, 3)) > 0).float()
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 1))
    settings = TrainingSettings(0.1, 0.0, batch_size=50, max_epochs=30, patience=30, mixup=0.3, augment=lambda Z: 2 * Z)
    where = Placement("cpu", "float32")
    bare_loop(network, (images, target), (images, target), settings, placement=where, seed=0)
    assert ((network(images)[:, 0] > 0) == target.bool()).float().mean() > 0.97


def test_explanations_are_held_against_a_long_run():
    rows = torch.tensor([[1.0, 2.0]])
    names = {"players": torch.arange(2), "player_names": ["a", "b"]}
    truth = explain_game(TensorGame(lambda x: x.sum(1), rows, rows * 0, **names), "exact")
    found = explain_game(TensorGame(lambda x: x[:, 0] * 2 + x[:, 1], rows, rows * 0, **names), "exact")
    scores = accuracy_of([found], truth)  # values 2, 2 against 1, 2
    assert scores["true error"] == pytest.approx(1 / np.sqrt(5))
    assert scores["covered"] == 0.5
    assert scores["error of the truth"] == 0


def test_the_limit_is_that_of_the_best_batch(monkeypatch):
    batches = []

    class Network(torch.nn.Module):
        def forward(self, x):
            batches.append(len(x))
            return x

    monkeypatch.setattr(explaining_speed, "_IMAGES_TIMED", 64)
    assert images_per_second(Network(), torch.zeros(3, 1, 2, 2), in_bfloat16=False) > 0
    assert sorted(set(batches)) == list(explaining_speed._BATCHES)


def test_speed_tells_ratios_and_shares(quick, monkeypatch):
    monkeypatch.setattr(explaining_speed, "_BATCHES", (128,))
    monkeypatch.setattr(explaining_speed, "_BUDGETS", {"as it comes": {"max_evaluations": 2000}})
    text, kept = quick("--what", "speed", "--seeds", "0")
    assert "share of the bare loop" in text
    explained = next(record["scores"] for record in kept if record["table"] == "explaining_speed")
    assert (explained["players"], explained["evaluations"]) == (49, 1923)
    assert "ms for one image" in text
