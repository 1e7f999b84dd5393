"""The encoder turns raw columns into numbers, column by column."""

import json

import numpy as np
import pandas as pd
import pytest

from appkit.data import Schema
from appkit.data.table_encoder import TableEncoder


def encode(X, *, later=None, kinds=None, special_codes=None, **options):
    schema = Schema.infer(X, kinds=kinds, special_codes=special_codes)
    encoder = TableEncoder(**options).fit(schema.conform_arrays(X), schema)
    return encoder, encoder.transform(schema.conform_arrays(X if later is None else later))


def test_missing_numbers_become_a_flag_and_a_neutral_number():
    _, Z = encode(pd.DataFrame({"x": [1.0, 2.0, 3.0, np.nan]}))
    assert Z[3].tolist() == [0.0, 1.0]
    assert Z[1].tolist() == [0.0, 0.0]  # the median scales to 0 as well: only the flag tells them apart


def test_special_codes_get_a_flag_each_and_leave_the_scale_alone():
    X = pd.DataFrame({"x": [-9.0, -8.0, 1.0, 2.0, 3.0]})
    _, Z = encode(X, special_codes={"x": (-9, -8)})
    assert Z[:, 2:].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    assert Z[3, 0] == 0.0


def test_unseen_and_rare_categories_share_a_code():
    X = pd.DataFrame({"job": ["a"] * 5 + ["b"] * 5 + ["rare"]})
    _, Z = encode(X, later=pd.DataFrame({"job": ["a", "b", "rare", "never", None]}))
    assert Z[:, 0].tolist() == [2, 3, 1, 1, 0]


def test_many_categories_keep_the_most_frequent():
    X = pd.DataFrame({"id": [f"c{i}" for i in range(300)] * 3 + ["c299"] * 5})
    encoder, Z = encode(X, max_categories=12)
    assert encoder.layout_.cardinalities == (12,)
    assert Z[299, 0] >= 2


def test_dates_become_days_and_points_on_two_circles():
    X = pd.DataFrame({"d": pd.to_datetime(["2020-01-01", "2020-07-01", "2021-01-01", None])})
    _, Z = encode(X)
    assert Z.shape == (4, 6)
    assert Z[0, 2:4] == pytest.approx([0.0, 1.0], abs=1e-6)  # the first of January starts the circle
    assert Z[3].tolist() == [0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("numeric", ["robust", "quantile"])
def test_scaling_keeps_the_order_of_numbers(numeric):
    x = np.sort(np.random.default_rng(0).lognormal(0, 3, 500))
    _, Z = encode(pd.DataFrame({"x": x}), numeric=numeric)
    assert np.all(np.diff(Z[:, 0]) >= 0)
    assert np.abs(Z[:, 0]).max() < 4


def test_knots_reach_the_rare_values_of_a_column_that_is_mostly_zero():
    x = np.concatenate([np.zeros(950), np.linspace(1, 50, 50)])
    encoder, _ = encode(pd.DataFrame({"x": x}), n_bins=16)
    assert len(encoder.layout_.knots[0]) > 6


def test_every_encoded_feature_comes_from_one_column():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["u", "v", "u"], "c": pd.to_datetime(["2020-01-01"] * 3)})
    encoder, Z = encode(X)
    changed = X.assign(b=["v", "u", "v"])
    schema = Schema.infer(X)
    moved = np.flatnonzero((encoder.transform(schema.conform_arrays(changed)) != Z).any(axis=0))
    assert set(encoder.layout_.column_of[moved]) <= {1}


def test_few_and_many_rows_encode_alike():
    X = pd.DataFrame({"job": ["a", None, "b", "new"] * 50, "x": np.arange(200.0)})
    schema = Schema.infer(X)
    encoder = TableEncoder(min_category_count=1).fit(schema.conform_arrays(X), schema)
    whole = encoder.transform(schema.conform_arrays(X))
    one_by_one = np.vstack([encoder.transform(schema.conform_arrays(X.iloc[[i]])) for i in range(8)])
    assert np.array_equal(whole[:8], one_by_one)


def test_state_survives_json():
    X = pd.DataFrame({"x": [1.0, -9.0, None], "j": ["a", "b", "a"], "d": pd.to_datetime(["2020-01-01"] * 3)})
    schema = Schema.infer(X, special_codes={"x": (-9,)})
    encoder = TableEncoder(numeric="quantile").fit(schema.conform_arrays(X), schema)
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    arrays = schema.conform_arrays(X)
    assert np.array_equal(again.transform(arrays), encoder.transform(arrays))


def test_numbers_too_large_to_square_stay_at_the_far_end():
    X = pd.DataFrame({"x": np.linspace(-1, 1, 50)})
    _, Z = encode(X, later=pd.DataFrame({"x": [-1e308, -1e200, 0.5, 1e200, 1e308]}))
    assert Z[:, 0] == pytest.approx([-3, -3, 0.49, 3, 3], abs=0.02)
