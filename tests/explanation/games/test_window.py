"""Sensor windows: which readings a player owns, what fills them, and what a module may be given."""

import numpy as np
import pytest
import torch

from appkit.explanation import explain_game
from appkit.explanation.games import window_game
from tests.explanation.games.networks import CodeEmbedding, Gru, facts_of, seeded, shapley_by_orders, state_of

NAMES = ["heat", "speed", "noise"]


@pytest.fixture(scope="module")
def network():
    """Reads two sensors of three."""
    return seeded(lambda: Gru(3, n_used=2)).eval()


def make_windows(n_windows, n_times=8, n_sensors=3, *, seed=0):
    return np.random.default_rng(seed).normal(size=(n_windows, n_times, n_sensors)).astype(np.float32)


def answers(network, windows):
    with torch.no_grad():
        return network(torch.as_tensor(windows))[:, 0].numpy()


def test_two_sensors_over_two_stretches_match_all_orders():
    network = seeded(lambda: Gru(2, n_used=2)).eval()
    windows, healthy = make_windows(2, 5, 2), make_windows(3, 5, 2, seed=1)
    explanation = explain_game(window_game(network, windows, healthy, n_segments=2), "exact")
    for row in range(2):

        def value(present, row=row):
            shown = present.reshape(2, 2).T.repeat([2, 3], axis=0)  # (n_times, n_sensors)
            return answers(network, np.where(shown, windows[row], healthy)).mean()

        np.testing.assert_allclose(explanation.values[row, :, 0], shapley_by_orders(value, 4), atol=1e-5)


@pytest.mark.parametrize("method", ["exact", "permutation"])
def test_a_sensor_that_is_not_read_weighs_exactly_nothing(network, method):
    game = window_game(network, make_windows(3), make_windows(6, seed=1), n_segments=2, sensors=NAMES)
    explanation = explain_game(game, method, random_state=0)
    unused = [i for i, name in enumerate(explanation.player_names) if name.startswith("noise")]
    assert len(unused) == 2
    assert (explanation.values[:, unused] == 0).all()
    assert (explanation.values[:, :4] != 0).all()


@pytest.mark.parametrize("method", ["exact", "permutation"])
def test_values_sum_to_the_output_less_the_base(network, method):
    windows, healthy = make_windows(3), make_windows(10, seed=1)
    explanation = explain_game(window_game(network, windows, healthy, n_segments=3), method, random_state=0)
    np.testing.assert_allclose(explanation.output[:, 0], answers(network, windows), atol=1e-6)
    np.testing.assert_allclose(explanation.base_value[:, 0], answers(network, healthy).mean(), atol=1e-6)
    np.testing.assert_allclose(
        explanation.values.sum(1), explanation.output - explanation.base_value, rtol=1e-5, atol=1e-9
    )


@pytest.mark.parametrize("method", ["exact", "permutation", "lime"])
def test_the_same_bytes_whatever_the_batch_size_and_the_order_of_the_rows(network, method):
    windows, healthy = make_windows(5), make_windows(8, seed=1)
    order = np.array([3, 1, 4, 0, 2])

    def explained(rows, batch_size):
        game = window_game(network, rows, healthy, n_segments=2, batch_size=batch_size)
        return explain_game(game, method, random_state=2)

    straight = explained(windows, 64)
    assert facts_of(straight) == facts_of(explained(windows, 512))
    assert explained(windows[order], 128).values.tobytes() == straight.values[order].tobytes()


def test_players_are_named_and_laid_out_sensor_by_sensor():
    windows = np.arange(12.0).reshape(1, 4, 3)
    game = window_game(lambda x: x.sum((1, 2)), windows, windows * 0, segment_bounds=(0, 3, 4), sensors=NAMES)
    assert game.player_names[:3] == ("heat, steps 0-2", "heat, step 3", "speed, steps 0-2")
    layout = game.layout()
    assert layout.sensors == tuple(NAMES)
    assert layout.bounds.tolist() == [0, 3, 4]
    np.testing.assert_array_equal(layout.series, windows)
    assert game.data().tolist() == [[3, 9, 4, 10, 5, 11]]
    np.testing.assert_allclose(explain_game(game, "exact").values[0, :, 0], [9, 9, 12, 10, 15, 11])


def test_stretches_of_a_length_that_does_not_divide_differ_by_one_step():
    game = window_game(lambda x: x.sum((1, 2)), make_windows(1, 8, 1), make_windows(1, 8, 1), n_segments=3)
    assert game.layout().bounds.tolist() == [0, 2, 5, 8]


def test_a_short_window_has_a_stretch_for_each_step():
    game = window_game(lambda x: x.sum((1, 2)), make_windows(1, 2, 1), make_windows(1, 2, 1))
    assert game.player_names == ("sensor 0, step 0", "sensor 0, step 1")


def test_a_group_of_sensors_is_one_player_and_shows_its_mean():
    windows = np.arange(6.0).reshape(1, 2, 3)
    game = window_game(
        lambda x: x.sum((1, 2)), windows, windows * 0, n_segments=1, sensors=NAMES,
        sensor_groups={"machine": ["heat", "noise"]},
    )  # fmt: skip
    assert game.player_names == ("machine", "speed")
    assert game.layout().sensors == ("machine", "speed")
    assert game.layout().series.tolist() == [[[1, 1], [4, 4]]]
    assert game.data().tolist() == [[2.5, 2.5]]
    assert explain_game(game, "exact").values[0, :, 0].tolist() == [10, 5]


def test_padded_steps_never_change():
    windows = np.array([[9.0, 9, 1, 2], [1, 2, 3, 4]])[..., None]
    padding = np.array([[True, True, False, False], [False] * 4])
    seen = []
    game = window_game(
        lambda x: seen.append(x[..., 0]) or x.sum((1, 2)), windows, np.zeros((3, 4, 1)), n_segments=2, padding=padding
    )
    explanation = explain_game(game, "exact")
    first = np.concatenate(seen)
    assert (first[first[:, 0] == 9][:, 1] == 9).all()
    assert explanation.values[..., 0].tolist() == [[0, 3], [3, 7]]
    assert explanation.base_value[:, 0].tolist() == [18, 0]
    np.testing.assert_array_equal(explanation.data.astype(float), [[np.nan, 1.5], [1.5, 3.5]])


def test_padded_windows_keep_the_control_of_the_background(network):
    healthy = make_windows(5, seed=1)
    padded = window_game(network, make_windows(2), healthy, padding=np.arange(8)[None] < [[0], [3]])
    whole = window_game(network, make_windows(2), healthy)
    np.testing.assert_allclose(padded.reference_features(), whole.reference_features())
    np.testing.assert_allclose(whole.reference_features()[:, 1], healthy[:, 1, 0])


def test_a_function_sees_arrays_of_the_dtype_given():
    windows = np.arange(8, dtype=np.int16).reshape(1, 4, 2)
    seen = set()
    game = window_game(lambda x: seen.add((x.dtype, x.shape[1:])) or x.sum((1, 2)), windows, windows, n_segments=2)
    game.values(torch.ones(1, 4, dtype=torch.bool))
    assert seen == {(np.dtype(np.int16), (4, 2))}


def test_integer_codes_reach_an_embedding():
    rng = np.random.default_rng(0)
    codes, healthy = rng.integers(0, 10, (2, 4, 2)), rng.integers(0, 10, (5, 4, 2))
    network = seeded(CodeEmbedding).eval()
    game = window_game(network, codes, healthy, n_segments=2, to_tensor=torch.as_tensor)
    explanation = explain_game(game, "exact")
    np.testing.assert_allclose(explanation.output[:, 0], answers(network, codes), atol=1e-6)
    np.testing.assert_allclose(explanation.gap, 0, atol=1e-12)


def test_the_network_is_left_as_found():
    network = seeded(lambda: Gru(3, n_used=3)).train()
    before = state_of(network)
    game = window_game(network, make_windows(2), make_windows(3, seed=1), n_segments=2)
    first = explain_game(game, "permutation", random_state=0)
    assert state_of(network) == before
    assert facts_of(first) == facts_of(explain_game(game, "permutation", random_state=0))


def test_a_missing_reading_goes_to_a_function_as_it_is():
    windows, healthy = np.ones((1, 2, 1)), np.zeros((2, 2, 1))
    windows[0, 1], healthy[1, 0] = np.nan, np.nan
    game = window_game(lambda x: np.isnan(x).sum((1, 2)), windows, healthy, n_segments=2)
    explanation = explain_game(game, "exact")
    assert explanation.values[0, :, 0].tolist() == [-0.5, 1]
    np.testing.assert_array_equal(explanation.data.astype(float), [[1, np.nan]])
    assert explain_game(game, "permutation", random_state=0).values[0, :, 0].tolist() == [-0.5, 1]


def test_a_module_that_would_get_a_missing_reading_is_refused_by_place(network):
    windows = make_windows(3)
    windows[2, 4, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN in windows \(first: window 2, step 4, sensor 1\)"):
        window_game(network, windows, make_windows(2))
    with pytest.raises(ValueError, match=r"NaN in background \(first: window 2"):
        window_game(network, make_windows(2), windows)


def test_missing_readings_can_be_filled_in_on_the_way_to_a_module(network):
    windows = make_windows(3)
    windows[2, 4, 1] = np.nan
    game = window_game(
        network, windows, make_windows(2), n_segments=2, to_tensor=lambda x: torch.tensor(np.nan_to_num(x))
    )
    np.testing.assert_allclose(
        explain_game(game, "exact").output[:, 0], answers(network, np.nan_to_num(windows)), atol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_segments": 0}, "n_segments must be an integer from 1 to the 8 steps, got 0"),
        ({"n_segments": 9}, "from 1 to the 8 steps, got 9"),
        ({"segment_bounds": (0, 4)}, "must rise from 0 to the 8 steps"),
        ({"segment_bounds": (0, 4, 4, 8)}, "must rise"),
        ({"segment_bounds": (0, 8), "n_segments": 1}, "not both"),
        ({"sensors": ["heat", "speed"]}, "sensors must be 3 different names"),
        ({"sensors": ["heat", "speed", "heat"]}, "sensors must be 3 different names"),
        ({"sensor_groups": {"all": ["heat"]}}, "sensor_groups must group sensors among .*'heat', which"),
        ({"sensor_groups": {"all": ["sensor 0"], "some": ["sensor 0"]}}, "each in one group: .*'sensor 0'"),
        ({"padding": np.zeros((2, 7), dtype=bool)}, "padding must be bool of shape"),
        ({"padding": np.ones((2, 8), dtype=bool)}, "window 0 is padding only"),
        ({"to_tensor": torch.as_tensor}, "to_tensor is for modules"),
    ],
)
def test_a_wrong_parameter_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        window_game(lambda x: x.sum((1, 2)), make_windows(2), make_windows(2), **options)


@pytest.mark.parametrize(
    ("windows", "background", "message"),
    [
        (np.zeros((8, 3)), np.zeros((2, 8, 3)), "A single window needs a first axis"),
        (np.zeros((2, 8, 3)), np.zeros((2, 8, 4)), r"windows, \(8, 3\), got \(8, 4\)"),
        (np.zeros((2, 8, 3)), np.zeros((0, 8, 3)), "background must have shape"),
        (np.full((2, 8, 3), "x"), np.zeros((2, 8, 3)), "windows must hold numbers"),
    ],
)
def test_windows_that_do_not_fit_are_refused(windows, background, message):
    with pytest.raises(ValueError, match=message):
        window_game(lambda x: x.sum((1, 2)), windows, background)


def test_preprocessing_that_moves_readings_is_refused(network):
    with pytest.raises(ValueError, match=r"to_tensor must return the shape it is given, \(2, 8, 3\).*got \(2, 3, 8\)"):
        window_game(network, make_windows(2), make_windows(2), to_tensor=lambda x: torch.tensor(x).transpose(1, 2))
