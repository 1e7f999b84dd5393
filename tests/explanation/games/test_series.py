"""Windows of a fitted series model as a game."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit import explain
from appkit.explanation import explain_game
from appkit.explanation.games import series_game, window_game
from appkit.model import SequenceClassifier, SequenceRegressor

NAMED = {"unit": "pump", "time": "hour", "window": 6, "max_epochs": 3, "width": 8, "random_state": 0}


def pumps(n_units=16, n_hours=18):
    rng = np.random.default_rng(0)
    hour = np.tile(np.arange(n_hours), n_units)
    X = pd.DataFrame({"pump": np.repeat(np.arange(n_units), n_hours), "hour": hour})
    X["heat"] = hour + rng.normal(0, 0.5, len(X))
    X["noise"] = rng.normal(0, 1, len(X))
    return X, n_hours - 1.0 - hour


@pytest.fixture(scope="module")
def table():
    return pumps()


@pytest.fixture(scope="module")
def model(table):
    return SequenceRegressor(**NAMED, n_networks=3).fit(*table)


def coalitions(n, n_players, seed=0):
    return torch.rand(n, n_players, generator=torch.Generator().manual_seed(seed)) < 0.5


def test_players_are_sensors_and_the_age_over_stretches(model, table):
    game = series_game(model, table[0], n_segments=2)
    assert game.player_names == (
        *("heat, steps 0-2", "heat, steps 3-5"),
        *("noise, steps 0-2", "noise, steps 3-5"),
        *("age, steps 0-2", "age, steps 3-5"),
    )
    assert game.n_rows == 16
    assert game.n_members == 3


def test_one_stretch_makes_whole_sensors_the_players(model, table):
    assert series_game(model, table[0], n_segments=1).player_names == ("heat", "noise", "age")


def test_groups_of_sensors_are_one_player(model, table):
    game = series_game(model, table[0], n_segments=1, sensor_groups={"machine": ["heat", "noise"]})
    assert game.player_names == ("machine", "age")


def test_the_full_coalition_is_the_prediction(model, table):
    game = series_game(model, table[0])
    full = torch.ones(1, len(game.player_names), dtype=torch.bool)
    np.testing.assert_allclose(game.values(full)[:, 0, 0], model.predict_last(table[0]), rtol=1e-6)


def test_it_answers_as_windows_masked_by_hand(model, table):
    windows = model.windows(table[0])
    game = series_game(model, windows, n_segments=3)
    asked = coalitions(5, 9)
    references = torch.tensor([0, 3, 1, 2, 2])
    rows, fills = model.encode_windows(windows), torch.from_numpy(model.background_)
    owner = np.repeat(np.arange(3), 2)[:, None] + 3 * np.array([0, 1, 2])
    present = torch.cat([asked[:, owner], torch.ones(5, 6, 1, dtype=torch.bool)], dim=-1)
    mixed = torch.where(present, rows[4], fills[references])
    by_hand = model.encoded_outputs(mixed, units="value")
    torch.testing.assert_close(game.values(asked, references=references)[4], by_hand, rtol=1e-6, atol=1e-6)


def test_members_average_to_the_model(model, table):
    game = series_game(model, table[0], n_segments=1)
    asked, references = coalitions(4, 3, seed=2), torch.tensor([0, 1, 2, 3])
    each = [game.values(asked, references=references, members=torch.full((4,), m)) for m in range(3)]
    torch.testing.assert_close(sum(each) / 3, game.values(asked, references=references))


def test_only_the_newest_age_matters(model, table):
    explanation = explain(model, table[0], random_state=0, max_evaluations=3000)
    age = [i for i, name in enumerate(explanation.player_names) if name.startswith("age")]
    assert not explanation.values[:, age[:-1]].any()
    assert not explanation.standard_error[:, age[:-1]].any()


def test_padded_stretches_weigh_exactly_nothing(model, table):
    X, _ = table
    short = X[(X["pump"] == 2) & (X["hour"] < 3)]
    explanation = explain(model, short, random_state=0, max_evaluations=3000)
    empty = [i for i, name in enumerate(explanation.player_names) if name.endswith(("step 0", "step 1", "step 2"))]
    assert len(empty) == 9
    assert not explanation.values[0, empty].any()
    assert explanation.values[0].any()


def test_values_add_up_to_output_minus_base(model, table):
    explanation = explain(model, table[0], random_state=0, max_evaluations=3000)
    np.testing.assert_allclose(
        explanation.values.sum(axis=1), explanation.output - explanation.base_value, rtol=1e-9, atol=1e-9
    )


def test_it_shows_readings_in_physical_units(model, table):
    X, _ = table
    game = series_game(model, X, n_segments=3)
    newest = X[X["pump"] == 5].tail(2)
    assert game.data()[5, 2] == pytest.approx(newest["heat"].mean())
    assert game.data()[5, 8] == pytest.approx(newest["hour"].mean())
    assert game.layout().series[5, -1].tolist() == [*X[X["pump"] == 5].iloc[-1][["heat", "noise"]], 17]


def test_a_background_of_ones_own_is_taken(model, table):
    X, _ = table
    young = X[X["hour"] < 9]
    game = series_game(model, X, background=young)
    assert game.n_references == len(young)
    windows = model.windows(X, rows=np.array([20, 40]))
    assert series_game(model, X, background=windows).n_references == 2


def test_chosen_rows_are_explained_in_the_order_asked(model, table):
    X, _ = table
    windows = model.windows(X.sample(frac=1, random_state=1).sort_index(), rows=np.array([100, 50]))
    explanation = explain(model, windows, random_state=0, max_evaluations=2000)
    np.testing.assert_allclose(explanation.output[:, 0], model.predict(X)[[100, 50]], rtol=1e-6)


def test_probabilities_and_log_odds_of_classes(table):
    X, left = table
    model = SequenceClassifier(**NAMED, n_networks=2).fit(X, left < 5)
    game = series_game(model, X, units="log-odds", n_segments=1)
    assert (game.units, game.n_members, game.output_names) == ("log-odds", 1, ("True",))
    assert explain(model, X, max_evaluations=3000, random_state=0).units == "probability"


def test_gradients_agree_with_sampling(model, table):
    game = series_game(model, table[0], n_segments=1)
    by_gradients = explain_game(game, "expected_gradients", random_state=0, max_evaluations=4000)
    exact = explain_game(game, "exact")
    sizes = np.abs(exact.values).mean(axis=(0, 2))
    assert np.abs(by_gradients.values - exact.values).mean() < 0.2 * sizes.max()


def test_a_window_game_of_the_module_says_the_same(model, table):
    windows = model.windows(table[0])
    encoded = model.encode_windows(windows).numpy()
    plain = window_game(model.output_module("value"), encoded, model.background_, n_segments=1)
    own = series_game(model, windows, n_segments=1)
    asked, references = coalitions(4, 3, seed=1), torch.tensor([0, 1, 2, 3])
    padded = torch.cat([asked, torch.ones(4, 1, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(
        own.values(asked, references=references), plain.values(padded, references=references), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize(
    "options", [{"backend": "shap"}, {"backend": "lime"}, {"method": "tree"}, {"correlated": "conditional"}]
)
def test_what_explains_tables_alone_says_so(model, table, options):
    with pytest.raises(ValueError, match=r"explains (tables|XGBoost models of tables)"):
        explain(model, table[0], **options)


def test_wrong_units_are_refused(model, table):
    with pytest.raises(ValueError, match="units"):
        explain(model, table[0], units="probability")


@pytest.fixture(scope="module")
def linear(table):
    return SequenceRegressor(**NAMED | {"network": "statistics"}, n_networks=3).fit(*table)


def test_known_parts_give_the_answers_of_whole_windows(linear, table):
    X, _ = table
    windows = linear.windows(X, rows=np.arange(0, len(X), 5))  # some are padded, in several ways
    game = series_game(linear, windows, n_segments=3)
    asked, references, members = coalitions(6, 9), torch.tensor([0, 3, 1, 2, 2, 5]), torch.tensor([0, 1, 2, 2, 1, 0])
    known = [game.values(asked, references=references), game.values(asked, references=references, members=members)]
    assert game._parts is not None
    game._parts = None
    whole = [game.values(asked, references=references), game.values(asked, references=references, members=members)]
    torch.testing.assert_close(known, whole, rtol=1e-5, atol=1e-5)


def test_known_parts_know_groups_and_gaps(table):
    X, left = table
    X = X.assign(heat=X["heat"].where(np.arange(len(X)) % 5 > 0))
    model = SequenceRegressor(**NAMED | {"network": "statistics"}, n_networks=1).fit(X, left)
    game = series_game(model, X, n_segments=2, sensor_groups={"machine": ["noise", "heat"]})
    asked, references = coalitions(4, 4, seed=5), torch.tensor([0, 1, 2, 3])
    known = game.values(asked, references=references)
    game._parts = None
    torch.testing.assert_close(known, game.values(asked, references=references), rtol=1e-5, atol=1e-5)


def test_a_path_over_the_steps_is_asked_with_whole_windows(model, table):
    assert series_game(model, table[0])._parts is None


def test_answers_do_not_depend_on_the_batch(linear, table):
    asked, references = coalitions(30, 18), torch.arange(30)
    small, large = (
        series_game(linear, table[0], batch_size=size).values(asked, references=references) for size in (64, 1024)
    )
    assert torch.equal(small, large)
