import json

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.interactions import read_interactions
from appkit.model.recommenders.als import ALSScorer, fit_als
from appkit.model.recommenders.blend import BlendedScorer, standardised
from appkit.model.recommenders.popularity import PopularityScorer, fit_popularity

HISTORIES = torch.tensor([[6, 0, 2], [6, 6, 6]])


def parts() -> tuple[ALSScorer, PopularityScorer]:
    X = pd.DataFrame({"user": [0, 0, 0, 1, 1, 2, 2, 3, 3, 3], "item": [0, 1, 2, 1, 2, 3, 4, 3, 5, 4]})
    data = read_interactions(X)
    return fit_als(data, n_factors=3, random_state=0), fit_popularity(data)


def test_standardised_rows_equal_numpy_z_scores():
    scores = np.random.default_rng(0).normal(3.0, 20.0, size=(4, 50)).astype(np.float32)
    expected = (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)
    np.testing.assert_allclose(standardised(torch.from_numpy(scores)), expected, atol=1e-5)


def test_a_large_constant_row_is_not_blown_up_from_rounding():
    assert standardised(torch.full((1, 1_001), 12_345.678)).abs().max() == 0


def test_a_blend_is_the_weighted_sum_of_standardised_scores():
    als, popularity = parts()
    expected = 0.75 * standardised(als(HISTORIES)) + 0.25 * standardised(popularity(HISTORIES))
    torch.testing.assert_close(BlendedScorer(6, [als, popularity], weights=[3, 1])(HISTORIES), expected)


def test_a_scorer_that_says_nothing_leaves_the_say_to_the_others():
    als, popularity = parts()
    scores = BlendedScorer(6, [als, popularity], weights=[1, 1])(HISTORIES)  # ALS scores an empty history 0
    torch.testing.assert_close(scores[1], 0.5 * standardised(popularity(HISTORIES))[1])


def test_weights_count_by_their_ratio():
    als, popularity = parts()
    once, twice = (BlendedScorer(6, [als, popularity], weights=weights) for weights in ([1, 2], [2, 4]))
    assert torch.equal(once(HISTORIES), twice(HISTORIES))


def test_config_is_json_and_rebuilds_a_nested_blend():
    als, popularity = parts()
    blend = BlendedScorer(6, [BlendedScorer(6, [als, popularity], weights=[1, 1]), popularity], weights=[3, 1])
    rebuilt = BlendedScorer(**json.loads(json.dumps(blend.config())))
    rebuilt.load_state_dict(blend.state_dict())
    assert torch.equal(rebuilt(HISTORIES), blend(HISTORIES))


def test_the_cosine_of_two_items_is_the_weighted_mean_of_the_parts():
    als, popularity = parts()
    vectors = BlendedScorer(6, [als, popularity], weights=[3, 1]).item_vectors()
    ours = torch.cosine_similarity(vectors[0], vectors[3], dim=0)
    theirs = torch.cosine_similarity(als.item_vectors()[0], als.item_vectors()[3], dim=0)
    assert ours.item() == pytest.approx(0.75 * theirs.item() + 0.25, abs=1e-5)


def test_a_blend_does_not_claim_to_add_up():
    assert not BlendedScorer(6, [parts()[1]], weights=[1]).is_additive


@pytest.mark.parametrize(
    ("scorers", "weights", "match"),
    [
        ([], [], "one or more"),
        ([PopularityScorer(3), PopularityScorer(4)], [1, 1], "same 3 items, got a PopularityScorer of 4"),
        ([PopularityScorer(3)], [1, 1], "each of 1 scorers, got 2"),
        ([PopularityScorer(3)], [0], "above 0"),
        ([{"class": "Module", "config": {}}], [1], "ALSScorer.*got 'Module'"),
    ],
)
def test_what_cannot_be_blended_is_said(scorers, weights, match):
    with pytest.raises(ValueError, match=match):
        BlendedScorer(3, scorers, weights)
