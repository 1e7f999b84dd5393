"""A model of ours as a game: raw columns are never split."""

import numpy as np
import pytest
import torch

from appkit.explanation import EncodedTableGame, exact_shapley, explain
from tests.explanation.fakes import FakeEnsemble, make_table


@pytest.mark.parametrize("units", ["probability", "log-odds", "value"])
def test_swapping_encoded_slices_equals_swapping_raw_columns(units):
    model, X, background = FakeEnsemble(n_outputs=2), make_table(3), make_table(8, seed=1)
    game = EncodedTableGame(model, X, background, units=units)
    values = game.values(torch.tensor([[False, True, False, True]]), references=torch.tensor([5]))
    mixed = background.iloc[[5, 5, 5]].reset_index(drop=True).assign(b=X["b"], d=X["d"])
    expected = model.encoded_outputs(model.encode(mixed), units=units)
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-5)


def test_rows_and_background_are_encoded_once():
    model, X = FakeEnsemble(), make_table(3)
    encoded = []
    encode = model.encode
    model.encode = lambda X: encoded.append(len(X)) or encode(X)
    exact_shapley(EncodedTableGame(model, X, model.background_, units="probability"))
    assert encoded == [3, 40]


def test_ours_and_the_frame_by_frame_way_agree():
    model, X = FakeEnsemble(), make_table(3)

    def slowly(rows):
        return model.encoded_outputs(model.encode(rows), units="probability")[:, 0]

    slow = explain(slowly, X, background=model.background_)
    np.testing.assert_allclose(explain(model, X).values, slow.values, atol=1e-6)


def test_the_control_is_the_most_spread_encoded_feature_of_each_player():
    model = FakeEnsemble()
    game = EncodedTableGame(model, make_table(2), model.background_, units="value")
    features = game.reference_features()
    assert features.shape == (40, 4)
    np.testing.assert_allclose(features[:, 0], model.background_["a"], rtol=1e-6)
    levels = (model.background_["b"] == model.background_["b"].value_counts().index[0]).to_numpy()
    assert set(features[:, 1].tolist()) == {0.0, 1.0}
    assert features[:, 1].var() >= np.var(levels)


def test_data_shows_the_raw_columns():
    X = make_table(3)
    data = EncodedTableGame(FakeEnsemble(), X, X, units="value").data()
    assert data.dtype == object
    assert data[1].tolist() == X.iloc[1].tolist()


def test_a_group_of_columns_is_one_player():
    model, X = FakeEnsemble(), make_table(3)
    explanation = explain(model, X, players={"letters": ["b", "d"]})
    assert explanation.player_names == ("a", "letters", "c")
    assert explanation.data[0, 1] == f"b={X['b'][0]}, d={X['d'][0]}"
    np.testing.assert_allclose(explanation.gap, 0, atol=1e-12)
    alone = explain(model, X)  # d is not read, so the group is worth what b is
    np.testing.assert_allclose(explanation.values[:, 1], alone.values[:, 1], atol=1e-12)
