"""Networks read the encoded matrix as the layout says."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data import Schema
from appkit.data.table_encoder import TableEncoder
from appkit.model.monotone import MonotoneTabM
from appkit.model.networks import MLP, MultiNetwork, TableEmbedding, TabM


def encoded(X, special_codes=None):
    schema = Schema.infer(X, special_codes=special_codes)
    arrays = schema.conform_arrays(X)
    encoder = TableEncoder(n_bins=4, min_category_count=1).fit(arrays, schema)
    return encoder.layout_, torch.from_numpy(encoder.transform(arrays))


@pytest.fixture
def mixed():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=30), "y": rng.normal(size=30), "job": rng.choice(["a", "b"], 30)})
    X.loc[:3, "x"] = np.nan
    return encoded(X)


def test_bins_fill_from_the_left():
    layout, Z = encoded(pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]}))
    bins = TableEmbedding(layout).bins(Z)
    assert bins[0].sum() == 0
    assert torch.all(bins[3] == 1)
    assert torch.all(bins.diff(dim=0) >= 0)


def test_bins_are_empty_under_a_flag(mixed):
    layout, Z = mixed
    embedding = TableEmbedding(layout)
    of_x = embedding.source == 0
    assert torch.all(embedding.bins(Z)[:4, of_x] == 0)
    assert torch.any(embedding.bins(Z)[:4, ~of_x] > 0)


def test_wide_categories_are_learnt_not_one_hot():
    layout, Z = encoded(pd.DataFrame({"c": [f"v{i}" for i in range(100)]}))
    embedding = TableEmbedding(layout)
    assert embedding.n_one_hot == 0
    assert embedding(Z).shape == (100, embedding.width)


@pytest.mark.parametrize("signs", [None, {"x": 1, "y": -1}])
def test_one_member_per_row_equals_that_member_of_all(mixed, signs):
    layout, Z = mixed
    options = {"n_members": 4, "width": 8}
    network = TabM(layout, 2, **options) if signs is None else MonotoneTabM(layout, 2, signs=signs, **options)
    members = torch.arange(len(Z)) % 4
    whole = network.eval()(Z)
    one = network(Z, members)
    assert one.shape == (30, 1, 2)
    assert torch.allclose(one[:, 0], whole[torch.arange(30), members], atol=1e-5)


def test_networks_side_by_side_count_members_through(mixed):
    layout, Z = mixed
    both = MultiNetwork([TabM(layout, 1, n_members=3, width=8) for _ in range(2)]).eval()
    members = torch.arange(len(Z)) % 6
    assert both(Z).shape == (30, 6, 1)
    assert torch.allclose(both(Z, members)[:, 0], both(Z)[torch.arange(30), members], atol=1e-5)


def test_plain_networks_are_one_member_each(mixed):
    layout, Z = mixed
    both = MultiNetwork([MLP(layout, 1, width=8) for _ in range(2)]).eval()
    assert both(Z).shape == (30, 2, 1)
    assert torch.allclose(both(Z, torch.ones(30, dtype=torch.int64))[:, 0], both(Z)[:, 1], atol=1e-6)
