"""Advice that is the same for everybody: by takers, or by recent events."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.interactions import read_interactions
from appkit.model.recommenders.popularity import fit_popularity, fit_recency
from appkit.model.recommenders.scorer import distinct_items
from appkit.model.recommenders.scorers import build_scorer, describe_scorer

EVENTS = pd.DataFrame({"user": [1, 1, 2, 3, 3], "item": ["old", "old", "old", "new", "new"], "day": [0, 1, 2, 9, 10]})


def test_an_item_taken_twice_by_a_user_counts_once():
    scorer = fit_popularity(read_interactions(EVENTS, time="day"))
    assert scorer.popularity.tolist() == pytest.approx([1 / 3, 2 / 3])


def test_old_events_count_half_after_each_half_life():
    scorer = fit_recency(read_interactions(EVENTS, time="day"), half_life=1.0)
    expected = [0.5**1 + 1, sum(0.5**age for age in (10, 9, 8))]
    np.testing.assert_allclose(scorer.popularity, expected, rtol=1e-6)


def test_recency_needs_times():
    with pytest.raises(ValueError, match="recency needs times"):
        fit_recency(read_interactions(EVENTS))


@pytest.mark.parametrize("half_life", [0.0, -1.0, float("nan")])
def test_a_half_life_is_a_length_of_time(half_life):
    with pytest.raises(ValueError, match="half_life must be above 0 or None"):
        fit_recency(read_interactions(EVENTS, time="day"), half_life=half_life)


def test_no_purchase_moves_a_score():
    scorer = fit_popularity(read_interactions(EVENTS))
    histories = torch.tensor([[2, 0], [2, 2]])
    assert scorer.contributions(histories, torch.tensor([1, 0])).abs().sum() == 0
    assert torch.equal(scorer(histories)[0], scorer(histories)[1])


def test_only_the_last_of_equal_items_is_kept():
    rng = np.random.default_rng(0)
    histories = rng.integers(0, 5, (50, 7))
    expected = [[item if item not in row[at + 1 :] else 9 for at, item in enumerate(row)] for row in histories.tolist()]
    assert distinct_items(torch.from_numpy(histories), pad=9).tolist() == expected


def test_descriptions_build_empty_scorers_of_the_same_shape():
    scorer = fit_popularity(read_interactions(EVENTS))
    built = build_scorer(describe_scorer(scorer), n_items=2)
    built.load_state_dict(scorer.state_dict())
    assert torch.equal(built.popularity, scorer.popularity)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"class": "Magic", "config": {"n_items": 2}}, "a scorer must be one of"),
        ({"class": "PopularityScorer", "config": {"n_items": 3}}, "is for 3 items, and 2 are known"),
        ({"class": "PopularityScorer", "config": {"n_items": 2, "x": 1}}, "cannot be built from its config"),
    ],
)
def test_strange_descriptions_are_refused(description, message):
    with pytest.raises(ValueError, match=message):
        build_scorer(description, n_items=2)
