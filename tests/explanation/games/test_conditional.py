"""The conditional game: what columns tell, by the rows that go with them."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from appkit.explanation import exact_shapley, game_for, lime_surrogate, permutation_shapley
from appkit.explanation.games.conditional import as_conditional, conditional_game
from appkit.model import TabularClassifier
from tests.explanation.fakes import FakeEnsemble, make_numbers, make_table, tangled


def make_copies(n_rows, *, correlation=0.995, seed=0):
    """Return a column, an unused near-copy of it, and an independent one."""
    rng = np.random.default_rng(seed)
    used, other, noise = rng.normal(size=(3, n_rows))
    copy = correlation * used + np.sqrt(1 - correlation**2) * noise
    return pd.DataFrame({"used": used, "copy": copy, "other": other})


def linear(X):
    return X["used"] + X["other"]


def test_an_unused_copy_gets_nothing_under_the_interventional_game_and_half_under_the_conditional():
    X, background = make_copies(100, seed=1), make_copies(2000)
    size = {}
    for name, game in (
        ("interventional", game_for(linear, X, background=background)),
        ("conditional", conditional_game(linear, X, background=background, random_state=0)),
    ):
        size[name] = np.abs(exact_shapley(game).values[..., 0]).mean(axis=0)
    used = size["interventional"][0]
    assert size["interventional"][1] == 0
    np.testing.assert_allclose(size["conditional"][:2], used / 2, rtol=0.06)
    np.testing.assert_allclose(size["conditional"][2], size["interventional"][2], rtol=0.06)


def test_conditional_values_of_correlated_normals_are_near_the_closed_form():
    correlation = 0.8
    X, background = make_copies(200, correlation=correlation, seed=1), make_copies(4000, correlation=correlation)
    values = exact_shapley(conditional_game(linear, X, background=background, random_state=0)).values[..., 0]
    copy = correlation * X["copy"] / 2  # what the copy says of the column that is read, in half of the orders
    assert np.corrcoef(values[:, 1], copy)[0, 1] > 0.97
    assert np.abs(values[:, 1] - copy).mean() < 0.1


@pytest.mark.parametrize("solver", [exact_shapley, permutation_shapley])
def test_values_sum_to_output_less_the_interventional_base(solver):
    X = make_table(6, seed=1)
    game = conditional_game(FakeEnsemble(), X, random_state=0)
    why = solver(game, random_state=0)
    plain = exact_shapley(game_for(FakeEnsemble(), X))
    np.testing.assert_allclose(why.base_value, plain.base_value, rtol=1e-12)
    np.testing.assert_allclose(why.output, plain.output, rtol=1e-6)
    assert np.abs(why.gap).max() < 1e-9


def test_a_coalition_answers_the_mean_over_its_nearest_rows():
    X, background = make_copies(4, seed=1), make_copies(300)
    game = conditional_game(linear, X, background=background, n_neighbours=6, random_state=0)
    said = game.values(torch.tensor([[False, True, False]]))[:, 0, 0]
    rank = background["copy"].rank().to_numpy()
    for i in range(len(X)):
        own = (background["copy"] < X["copy"][i]).sum() + 0.5
        nearest = np.argsort(np.abs(rank - own))[:6]
        assert said[i].item() == pytest.approx(linear(background.iloc[nearest]).mean())


def test_references_are_ranks_and_average_to_the_coalition():
    game = conditional_game(FakeEnsemble(), make_table(3, seed=1), n_neighbours=6, random_state=0)
    for coalition in ([False] * 4, [True, False, True, False]):
        asked = torch.tensor([coalition])
        by_rank = game.values(asked.repeat(6, 1), references=torch.arange(6))
        torch.testing.assert_close(by_rank.mean(1), game.values(asked)[:, 0])
        assert by_rank.std(1).min() > 0


def test_players_that_are_absent_do_not_count_for_nearness():
    X = make_table(5, seed=1)
    game = conditional_game(FakeEnsemble(), X, n_neighbours=3, random_state=0)
    other = conditional_game(FakeEnsemble(), X.assign(c=0.0, d=9.0), n_neighbours=3, random_state=0)
    rows, present = torch.arange(5), torch.tensor([[True, True, False, False]]).expand(5, -1)
    assert torch.equal(game.neighbours(rows, present), other.neighbours(rows, present))


def test_a_group_of_columns_is_near_in_all_of_them():
    X = make_table(8, seed=1)
    grouped = conditional_game(FakeEnsemble(), X, players={"both": ["a", "c"]}, n_neighbours=4, random_state=0)
    single = conditional_game(FakeEnsemble(), X, n_neighbours=4, random_state=0)
    assert grouped.player_names == ("both", "b", "d")
    rows = torch.arange(8)
    assert torch.equal(
        grouped.neighbours(rows, torch.tensor([[True, False, False]]).expand(8, -1)),
        single.neighbours(rows, torch.tensor([[True, False, True, False]]).expand(8, -1)),
    )


def test_words_are_near_only_to_themselves():
    X, background = make_table(9, seed=1), make_table(200)
    game = conditional_game(lambda rows: rows["a"], X, background=background, n_neighbours=10, random_state=0)
    nearest = game.neighbours(torch.arange(9), torch.tensor([[False, True, False, False]]).expand(9, -1))
    assert (background["b"].to_numpy()[nearest] == X["b"].to_numpy()[:, None]).all()


def test_a_row_is_no_neighbour_of_itself():
    background = make_table(50)
    game = conditional_game(lambda rows: rows["a"], background, background=background, n_neighbours=5, random_state=0)
    everyone = torch.arange(50)
    nearest = game.neighbours(everyone, torch.ones(50, 4, dtype=torch.bool))
    assert not (nearest == everyone[:, None]).any()


def test_bytes_do_not_depend_on_batches_or_the_order_of_rows():
    X = make_table(7, seed=1)
    whole, small, turned = (
        permutation_shapley(
            conditional_game(FakeEnsemble(), rows, batch_size=size, random_state=0), random_state=0, max_evaluations=400
        ).values
        for rows, size in ((X, 1024), (X, 64), (X[::-1], 1024))
    )
    np.testing.assert_allclose(small, whole, atol=1e-7)
    assert (turned[::-1] == whole).all()


def test_missing_values_are_near_to_missing_values():
    rng = np.random.default_rng(0)
    background = pd.DataFrame({"x": rng.normal(size=100), "z": rng.normal(size=100)})
    background.loc[::5, "x"] = np.nan
    row = pd.DataFrame({"x": [np.nan], "z": [0.0]})
    game = conditional_game(lambda X: X["z"], row, background=background, n_neighbours=20, random_state=0)
    nearest = game.neighbours(torch.tensor([0]), torch.tensor([[True, False]]))
    assert background["x"].isna().to_numpy()[nearest].all()


def test_sampled_values_agree_with_exact_ones_within_their_errors():
    X, background = make_numbers(20, n_columns=4, seed=1), make_numbers(400, n_columns=4)
    game = conditional_game(lambda rows: tangled(rows.to_numpy()), X, background=background, random_state=0)
    exact, sampled = exact_shapley(game), permutation_shapley(game, max_evaluations=4000, random_state=0)
    error = np.hypot(sampled.standard_error, exact.standard_error)
    assert np.mean(np.abs(sampled.values - exact.values) < 2 * error) > 0.9


def test_lime_and_a_pipeline_take_the_game_as_it_is():
    X = make_numbers(200, n_columns=3)
    model = LogisticRegression().fit(X, X["x0"] > 0)
    game = conditional_game(model, X[:3], background=X, units="log-odds", random_state=0)
    why = as_conditional(lime_surrogate(game, random_state=0))
    assert (why.units, why.method) == ("log-odds", "lime, conditional")
    assert "share their effect" in why.note


def test_a_model_of_ours_is_explained_against_its_own_background():
    X = make_table(160)
    y = np.where(X["a"] + (X["b"] == "x") > 0.5, "bad", "good")
    model = TabularClassifier(width=16, n_networks=1, max_epochs=5, random_state=0).fit(X, y)
    why = as_conditional(exact_shapley(conditional_game(model, X[:4], n_neighbours=8, random_state=0)))
    assert why.method == "shapley (exact), conditional"
    np.testing.assert_allclose(why.output[:, 0], model.predict_proba(X[:4])[:, 1], rtol=1e-6)
    np.testing.assert_allclose(why.base_value[:, 0], model.predict_proba(X)[:, 1].mean(), rtol=1e-6)


def test_rows_too_many_to_be_kept_at_hand_get_the_same_values(monkeypatch):
    X = make_table(160)
    y = np.where(X["a"] + (X["b"] == "x") > 0.5, "bad", "good")
    model = TabularClassifier(width=16, n_networks=1, max_epochs=2, random_state=0).fit(X, y)
    asked = torch.tensor([[True, False, True, False], [False, True, False, False]])
    whole = conditional_game(model, X[:9], random_state=0).values(asked)
    monkeypatch.setattr("appkit.model.table_estimator._MIXED_NUMBERS", 165 * 4 * 16)
    split = conditional_game(model, X[:9], random_state=0)
    assert split._game.rows_at_once < 9
    assert torch.equal(split.values(asked), whole)


def test_arrays_are_taken():
    X = make_numbers(100, n_columns=3).to_numpy()
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    game = conditional_game(model, X[:2], background=X, random_state=0)
    assert game.player_names == ("x0", "x1", "x2")
    assert exact_shapley(game).output[:, 0] == pytest.approx(model.predict_proba(X[:2])[:, 1])


@pytest.mark.parametrize("n_neighbours", [1, 40])
def test_neighbours_must_be_fewer_than_background_rows(n_neighbours):
    with pytest.raises(ValueError, match="n_neighbours must lie between 2 and 39"):
        conditional_game(FakeEnsemble(), make_table(2, seed=1), n_neighbours=n_neighbours)
