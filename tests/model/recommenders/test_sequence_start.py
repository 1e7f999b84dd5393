"""Hold the start of the embeddings to the singular vectors of the taken items."""

import numpy as np
import pandas as pd
import torch

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.sequence_start import shared_taste_vectors
from appkit.model.recommenders.sequential import SequentialScorer


def events() -> Interactions:
    rng = np.random.default_rng(0)
    users, items = (np.arange(n).repeat(4) for n in (30, 30))
    items = (items // 10) * 5 + rng.integers(0, 5, size=120)  # three groups of users, five items each
    return read_interactions(pd.DataFrame({"user": users, "item": items}))


def test_vectors_span_what_the_leading_singular_vectors_do():
    torch.manual_seed(0)
    data = events()
    X = data.matrix().toarray().astype(float)
    scaled = X / np.sqrt(X.sum(axis=1, keepdims=True)) / np.sqrt(X.sum(axis=0))
    leading = np.linalg.svd(scaled)[2][:3].T
    leading /= np.linalg.norm(leading, axis=1, keepdims=True)
    vectors = shared_taste_vectors(data, 3).numpy()
    np.testing.assert_allclose(vectors @ vectors.T, leading @ leading.T, atol=1e-2)


def test_columns_beyond_the_smaller_side_stay_zero():
    data = read_interactions(pd.DataFrame({"user": [1, 1, 2], "item": ["a", "b", "c"]}))
    vectors = shared_taste_vectors(data, 8)
    assert vectors.shape == (3, 8)
    assert vectors[:, 2:].abs().max() == 0


def test_embeddings_start_in_these_directions_at_the_length_they_had():
    scorer = SequentialScorer(3, width=4)
    before = scorer.item_vectors().clone()
    scorer.start_from(torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.0] * 4, [0.0, 0.0, 0.6, 0.8]]))
    length = before.norm(dim=1).mean()
    torch.testing.assert_close(scorer.item_vectors()[0], torch.tensor([0.0, 1.0, 0.0, 0.0]) * length)
    torch.testing.assert_close(scorer.item_vectors()[1], before[1])
