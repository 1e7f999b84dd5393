"""The discrete-time likelihood by hand, and what training makes of censored rows."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from appkit.model.device import place
from appkit.model.ensemble import Recipe, fit_ensemble
from appkit.model.heads import HazardHead, hazard_edges, hazard_head
from appkit.model.training import TrainingData, TrainingSettings

EDGES = (10.0, 20.0, 40.0)
HAZARDS = (0.1, 0.2, 0.5)
LIKELIHOODS = {  # (event, duration): probability of what was seen
    (1, 4.0): 0.1,
    (1, 10.0): 0.1,
    (1, 10.5): 0.9 * 0.2,
    (1, 40.0): 0.9 * 0.8 * 0.5,
    (1, 41.0): 0.9 * 0.8 * 0.5,  # beyond the last edge: it survived them all
    (0, 4.9): 1.0,
    (0, 5.0): 0.9,
    (0, 14.9): 0.9,
    (0, 15.0): 0.9 * 0.8,
    (0, 99.0): 0.9 * 0.8 * 0.5,
}


@pytest.mark.parametrize(("seen", "likelihood"), LIKELIHOODS.items())
def test_loss_and_score_are_minus_log_of_the_probability_of_what_was_seen(seen, likelihood):
    head = HazardHead(EDGES)
    logits = torch.logit(torch.tensor(HAZARDS, dtype=torch.float64)).view(1, 1, 3)
    target = torch.tensor([seen], dtype=torch.float64)
    assert head.loss(logits, target).tolist() == [[pytest.approx(-math.log(likelihood))]]
    assert head.score(head.means(logits).mean(dim=1), target).item() == pytest.approx(-math.log(likelihood))


def test_members_say_survival_curves_and_their_average_is_one():
    logits = torch.logit(torch.tensor([[HAZARDS, (0.5, 0.5, 0.5)]], dtype=torch.float64))
    means = HazardHead(EDGES).means(logits)
    assert means[0, 0].tolist() == pytest.approx([0.9, 0.72, 0.36])
    score = HazardHead(EDGES).score(means.mean(dim=1), torch.tensor([[1.0, 12.0]], dtype=torch.float64))
    assert score.item() == pytest.approx(-math.log((0.9 * 0.2 + 0.5 * 0.5) / 2))


def test_logits_count_from_the_start():
    logits = torch.logit(torch.tensor(HAZARDS)).view(1, 1, 3)
    head = HazardHead(EDGES, start=tuple(logits.flatten().tolist()))
    assert head.means(torch.zeros(1, 1, 3)).flatten().tolist() == pytest.approx([0.9, 0.72, 0.36])


def test_zero_logits_are_the_life_table():
    duration = np.repeat([1.0, 2.0, 3.0, 4.0], 1000)
    event = np.repeat([1, 0, 1, 1], 1000)
    head = hazard_head(duration, event, n_intervals=3)
    survival = head.means(torch.zeros(1, 1, 3))
    assert head.edges == (1.0, 3.0, 4.0)  # those censored at 2 are seen for the first half of (1, 3]
    assert survival.flatten().tolist() == pytest.approx([3 / 4, 3 / 4 * 2 / 3, 0.0], abs=1e-3)


def test_a_heavier_row_moves_the_life_table_as_its_copies_would():
    duration, event = np.array([1.0, 2.0, 2.0]), np.array([1, 1, 0])
    weighted = hazard_head(duration, event, weight=np.array([2.0, 1.0, 1.0]))
    copied = hazard_head(np.append(duration, 1.0), np.append(event, 1))
    assert weighted.edges == copied.edges
    assert weighted.start == pytest.approx(copied.start, abs=0.2)  # half a row of smoothing, on 3 rows and on 4


def test_edges_hold_equally_many_events():
    rng = np.random.default_rng(0)
    duration, event = rng.weibull(2, size=1000) * 100, rng.random(1000) < 0.6
    edges = hazard_edges(duration, event, n_intervals=5)
    counts = np.histogram(duration[event], bins=[0, *np.nextafter(edges, np.inf)])[0]
    assert counts.sum() == event.sum()
    assert np.ptp(counts) <= 1


@pytest.mark.parametrize(
    ("duration", "event", "message"),
    [
        ([3.0, -1.0], [1, 1], r"got -1 in row 1"),
        ([3.0, np.nan], [1, 1], r"got nan in row 1"),
        ([3.0, 4.0], [0, 0], r"at least one event after time 0"),
        ([0.0, 4.0], [1, 0], r"at least one event after time 0"),
    ],
)
def test_durations_that_give_no_edges_say_why(duration, event, message):
    with pytest.raises(ValueError, match=message):
        hazard_edges(np.array(duration), np.array(event))


@pytest.mark.parametrize("edges", [(), (0.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, math.inf), (math.nan,)])
def test_edges_must_rise_from_above_zero(edges):
    with pytest.raises(ValueError, match="edges must be one or more rising positive finite times"):
        HazardHead(edges)


def test_start_must_fit_the_edges():
    with pytest.raises(ValueError, match="got 2 for 3 edges"):
        HazardHead(EDGES, start=(0.0, 0.0))


def test_ensemble_learns_hazards_from_events_and_censored_rows():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 800)
    life, limit = rng.exponential(np.where(x, 10.0, 40.0)), rng.uniform(0, 80, 800)
    duration, event = np.minimum(life, limit), life <= limit
    head = hazard_head(duration, event, n_intervals=6)
    target = torch.from_numpy(np.column_stack([event, duration]).astype(np.float64))
    data = TrainingData(torch.from_numpy(x[:, None].astype(np.float32)), target, torch.ones(800))
    recipe = Recipe(
        lambda: nn.Linear(1, 6), head, TrainingSettings(0.05, 0.0, 100, 20, 20), place("cpu"), seeds=(0, 1)
    )  # fmt: skip
    halves = np.arange(400), np.arange(400, 800)
    ensemble = fit_ensemble(recipe, data, [halves, halves[::-1]])
    survival = head.means(ensemble.module(torch.tensor([[0.0], [1.0]]))).mean(dim=1).detach().numpy()
    assert survival[0] == pytest.approx(np.exp(-np.array(head.edges) / 40), abs=0.08)
    assert survival[1] == pytest.approx(np.exp(-np.array(head.edges) / 10), abs=0.08)
