"""DataFrames put together from rows and background keep what their columns are."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.explanation import game_from_callable
from tests.explanation.fakes import game_of, make_numbers


@pytest.fixture
def mixed():
    return pd.DataFrame(
        {
            "whole": pd.array([1, 2, 3], dtype="int32"),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "real": np.array([0.5, np.nan, 2.5], dtype=np.float32),
            "flag": [True, False, True],
            "word": ["a", None, "c"],
            "level": pd.Categorical(["low", "high", "low"], categories=["low", "mid", "high"], ordered=True),
            "day": pd.to_datetime(["2024-01-01", "2024-02-01", None]),
        }
    )


def test_every_column_keeps_its_dtype(mixed):
    seen = []

    def predict(frame):
        seen.append(frame)
        return np.zeros(len(frame))

    game = game_from_callable(predict, mixed[:1], mixed[1:], output_names=["zero"])
    game.values(torch.tensor([[True, False] * 3 + [True]]), references=torch.tensor([1]))
    assert (seen[-1].dtypes == mixed.dtypes).all()
    expected = [mixed[column].iloc[0 if i % 2 == 0 else 2] for i, column in enumerate(mixed)]
    assert seen[-1].iloc[0].tolist() == expected


def test_categories_are_joined_with_those_of_the_background_first():
    X = pd.DataFrame({"level": pd.Categorical(["new"]), "other": [1.0]})
    background = pd.DataFrame({"level": pd.Categorical(["old"]), "other": [2.0]})
    seen = []
    game = game_from_callable(lambda frame: seen.append(frame) or np.zeros(len(frame)), X, background, output_names="z")
    game.values(torch.tensor([[True, False]]))
    assert seen[0]["level"].dtype.categories.tolist() == ["old", "new"]


def test_whole_numbers_meet_real_ones_as_real():
    X, background = pd.DataFrame({"n": [1], "b": [True]}), pd.DataFrame({"n": [0.5], "b": [2]})
    seen = []
    game = game_from_callable(lambda frame: seen.append(frame) or np.zeros(len(frame)), X, background, output_names="z")
    game.values(torch.tensor([[True, False]]))
    assert seen[0].dtypes.tolist() == [np.float64, np.int64]


def test_text_against_numbers_is_refused_by_name():
    with pytest.raises(ValueError, match="Column 'n' must have one dtype in X and background, got str and int64"):
        game_of(len, pd.DataFrame({"n": ["1"]}), pd.DataFrame({"n": [1]}))


def test_a_model_of_another_shape_is_refused():
    X = make_numbers(3, n_columns=2)
    with pytest.raises(ValueError, match=r"shape \(64, 1\).*got shape \(64, 2\)"):
        game_of(lambda x: x, X, X).values(torch.ones(1, 2, dtype=torch.bool))


def test_members_are_refused():
    X = make_numbers(3, n_columns=2)
    with pytest.raises(ValueError, match="no members"):
        game_of(len, X, X).values(torch.ones(1, 2, dtype=torch.bool), members=torch.tensor([0]))


def test_the_control_of_a_column_is_its_number_or_whether_it_is_the_commonest(mixed):
    background = mixed[["whole", "real", "word"]].assign(word=["a", "c", "c"])
    features = game_of(len, background[:1], background).reference_features()
    np.testing.assert_allclose(features, [[1, 0.5, 0], [2, 1.5, 1], [3, 2.5, 1]])


def test_categories_keep_the_order_of_the_background():
    background = pd.DataFrame({"c": pd.Categorical(["u"] * 4 + ["v"], categories=["u", "v"])})
    X = pd.DataFrame({"c": pd.Categorical(["v"], categories=["v", "u"])})
    game = game_from_callable(lambda rows: rows["c"].cat.codes, X, background, output_names=["code"])
    assert game.values(torch.tensor([[False], [True]])).flatten().tolist() == pytest.approx([0.2, 1.0])


def test_ordered_categories_stay_ordered():
    background = pd.DataFrame({"c": pd.Categorical(["s", "m", "l"], categories=["s", "m", "l"], ordered=True)})
    X = pd.DataFrame({"c": pd.Categorical(["m"], categories=["s", "m"], ordered=True)})
    game = game_from_callable(lambda rows: rows["c"] > "s", X, background, output_names=["larger"])
    assert game.values(torch.tensor([[True]])).item() == 1.0


def test_a_level_without_a_place_in_the_order_is_refused():
    background = pd.DataFrame({"c": pd.Categorical(["s", "l"], categories=["s", "l"], ordered=True)})
    X = pd.DataFrame({"c": pd.Categorical(["m"], categories=["s", "m", "l"], ordered=True)})
    with pytest.raises(ValueError, match=r"got \['m'\] besides: their place in the order is not known"):
        game_from_callable(lambda rows: rows["c"] > "s", X, background, output_names=["larger"])
