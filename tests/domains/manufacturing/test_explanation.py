"""Whole sensors and failure modes from explanations whose answer is known, and from ones that are not settled."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit.explanation import (
    Explanation,
    exact_shapley,
    game_from_callable,
    lime_surrogate,
    permutation_shapley,
    window_game,
)
from domains.manufacturing.explanation import point_to_modes, sensor_effects

MODES = {"bearing": ["vibration", "heat"], "seal": ["leakage"]}


def of_table(values: dict[str, float], errors: dict[str, float] | None = None) -> Explanation:
    """Return the explanation of one row of a sum, whose effects are the values themselves."""
    X = pd.DataFrame({name: [value] for name, value in values.items()})
    game = game_from_callable(lambda rows: 100 - rows.sum(axis=1), X, 0 * X, output_names=["life"])
    exact = exact_shapley(game)
    if errors is None:
        return exact
    given = np.array([errors.get(name, 0.0) for name in exact.player_names])
    return replace(exact, standard_error=given[None, :, None])


def linear_game(windows: np.ndarray, background: np.ndarray, n_segments: int):
    weights = np.array([[1.0, -2.0, 0.0]])
    return window_game(
        lambda Z: (Z * weights).sum((1, 2)),
        windows,
        background,
        sensors=["vibration", "leakage", "flow"],
        n_segments=n_segments,
    )


@pytest.fixture
def windows():
    return np.random.default_rng(0).normal(size=(3, 6, 3))


@pytest.fixture
def background():
    return np.random.default_rng(1).normal(size=(40, 6, 3))


def test_effects_over_time_add_up_to_those_of_whole_sensors(windows, background):
    over_time = sensor_effects(permutation_shapley(linear_game(windows, background, 3), random_state=0))
    expected = (windows - background.mean(0)).sum(1) * [1.0, -2.0, 0.0]
    assert over_time.values == pytest.approx(expected, abs=1e-9)


def test_the_error_of_a_sum_is_never_below_that_of_the_whole_sensor(windows, background):
    bound = sensor_effects(exact_shapley(linear_game(windows, background, 3)))
    whole = sensor_effects(exact_shapley(linear_game(windows, background, 1)))
    assert (bound.is_bound, whole.is_bound) == (True, False)
    assert (bound.standard_error >= whole.standard_error - 1e-12).all()


def test_the_error_of_a_sum_is_exact_where_stretches_err_together():
    background = np.repeat(np.random.default_rng(0).normal(size=(40, 1, 3)), 6, axis=1)
    windows = np.zeros((1, 6, 3))
    bound, whole = (sensor_effects(exact_shapley(linear_game(windows, background, n))) for n in (3, 1))
    assert bound.standard_error == pytest.approx(whole.standard_error)


def test_columns_of_a_table_are_their_own_sensors():
    effects = sensor_effects(of_table({"vibration": 3.0, "leakage": -1.0}))
    assert effects.to_frame()["effect"].tolist() == [-3.0, 1.0]


def test_a_sign_is_settled_beyond_two_standard_errors():
    effects = sensor_effects(of_table({"vibration": 3.0, "leakage": 1.0}, {"vibration": 1.4, "leakage": 0.6}))
    assert effects.is_settled.tolist() == [[True, False]]


def test_effects_without_standard_errors_are_refused():
    X = pd.DataFrame({"vibration": [1.0, 2.0], "leakage": [0.0, 3.0]})
    game = game_from_callable(lambda rows: rows.sum(axis=1), X, X, output_names=["life"])
    with pytest.raises(ValueError, match=r"'lime' gives none. Explain with method='shapley'"):
        sensor_effects(lime_surrogate(game, random_state=0))


def test_one_output_of_several_must_be_named():
    X = pd.DataFrame({"vibration": [1.0]})
    game = game_from_callable(
        lambda rows: np.column_stack([rows["vibration"], -rows["vibration"]]), X, 0 * X, output_names=["fails", "runs"]
    )
    both = exact_shapley(game)
    assert sensor_effects(both, output="runs").values.tolist() == [[-1.0]]
    with pytest.raises(ValueError, match=r"output must be one of \('fails', 'runs'\)"):
        sensor_effects(both)


def test_the_mode_with_the_largest_share_of_the_harm_is_pointed_to():
    found = point_to_modes(
        of_table({"vibration": 4.0, "heat": 2.0, "leakage": 1.0, "age": 1.0}), MODES, direction="low"
    )
    assert found.pointed == ("bearing",)
    assert found.share.tolist() == [[0.75, 0.125]]
    assert (found.sensors_outside, found.outside.tolist(), found.harm.tolist()) == (("age",), [0.125], [8.0])


def test_what_speaks_for_health_is_left_aside():
    found = point_to_modes(of_table({"vibration": 4.0, "heat": -9.0, "leakage": 1.0}), MODES, direction="low")
    assert found.share.tolist() == [[0.8, 0.2]]


def test_the_other_end_of_the_output_turns_harm_around():
    found = point_to_modes(of_table({"vibration": 4.0, "heat": 0.0, "leakage": -1.0}), MODES, direction="high")
    assert (found.pointed, found.harm.tolist()) == (("seal",), [1.0])


def test_a_shared_sensor_counts_for_each_mode():
    shared = {"bearing": ["vibration", "heat"], "overload": ["heat"]}
    found = point_to_modes(of_table({"vibration": 1.0, "heat": 3.0}), shared, direction="low")
    assert found.share.tolist() == [[1.0, 0.75]]
    assert found.pointed == ("bearing",)


def test_errors_of_shares_are_the_sum_of_slopes_times_errors():
    errors = {"vibration": 0.1, "heat": 0.2, "leakage": 0.4}
    found = point_to_modes(of_table({"vibration": 4.0, "heat": 2.0, "leakage": 2.0}, errors), MODES, direction="low")
    # share of the bearing 6 of 8: slopes (1 - 0.75) / 8 for its own two sensors and 0.75 / 8 for the other
    assert found.share_error[0, 0] == pytest.approx((0.25 * 0.1 + 0.25 * 0.2 + 0.75 * 0.4) / 8)
    assert found.harm_error[0] == pytest.approx(0.7)


def test_modes_within_two_standard_errors_are_not_told_apart():
    values = {"vibration": 4.0, "heat": 0.0, "leakage": 3.0}
    close = point_to_modes(of_table(values, {"vibration": 0.5, "leakage": 0.5}), MODES, direction="low")
    apart = point_to_modes(of_table(values, {"vibration": 0.1, "leakage": 0.1}), MODES, direction="low")
    assert (close.pointed, close.reason) == ((None,), ("bearing and seal cannot be told apart",))
    assert (apart.pointed, apart.reason) == (("bearing",), ("",))


def test_harm_within_two_standard_errors_points_nowhere():
    found = point_to_modes(
        of_table({"vibration": 1.0, "heat": 0.0}, {"vibration": 0.6}), {"bearing": ["vibration"]}, direction="low"
    )
    assert found.pointed == (None,)
    assert found.reason == ("no effect towards failure can be told from zero",)


def test_a_healthy_machine_has_no_shares():
    found = point_to_modes(of_table({"vibration": -1.0, "heat": -2.0}), {"bearing": ["vibration"]}, direction="low")
    assert np.isnan(found.share).all()
    assert found.pointed == (None,)


def test_harm_by_sensors_of_no_mode_points_nowhere():
    found = point_to_modes(of_table({"vibration": -1.0, "age": 2.0}), {"bearing": ["vibration"]}, direction="low")
    assert (found.pointed, found.outside.tolist()) == ((None,), [1.0])
    assert found.reason == ("only sensors of no mode point towards failure",)


def test_rounding_of_a_network_is_no_harm():
    found = point_to_modes(of_table({"vibration": 1e-9, "heat": 0.0}), {"bearing": ["vibration"]}, direction="low")
    assert found.pointed == (None,)


def test_modes_are_read_from_windows_by_sensor(windows, background):
    explanation = permutation_shapley(linear_game(windows, background, 2), random_state=0)
    found = point_to_modes(explanation, {"bearing": ["vibration"], "seal": ["leakage"]}, direction="high")
    effects = (windows - background.mean(0)).sum(1) * [1.0, -2.0, 0.0]
    harm = np.maximum(effects, 0)
    assert found.share == pytest.approx((harm / harm.sum(1, keepdims=True))[:, :2], nan_ok=True)


def test_a_frame_has_a_line_per_row_and_mode():
    frame = point_to_modes(of_table({"vibration": 4.0, "heat": 0.0, "leakage": 1.0}), MODES, direction="low").to_frame()
    assert frame["mode"].tolist() == ["bearing", "seal"]
    assert frame["is_pointed_to"].tolist() == [True, False]


def test_a_mode_that_shows_in_nothing_is_never_pointed_to():
    found = point_to_modes(
        of_table({"vibration": 4.0, "heat": 1.0}), {"random": [], "bearing": ["heat"]}, direction="low"
    )
    assert found.pointed == ("bearing",)


def test_a_sensor_nobody_knows_is_named():
    with pytest.raises(ValueError, match="'bearing' names 'vibratoin' \\(is it 'vibration'\\?\\)"):
        point_to_modes(of_table({"vibration": 4.0}), {"bearing": ["vibratoin"]}, direction="low")


def test_modes_and_direction_must_be_given():
    with pytest.raises(ValueError, match="at least one failure mode"):
        point_to_modes(of_table({"vibration": 4.0}), {}, direction="low")
    with pytest.raises(ValueError, match="direction must be 'low' or 'high'"):
        point_to_modes(of_table({"vibration": 4.0}), {"bearing": ["vibration"]}, direction="up")


def test_one_sensor_given_as_text_is_refused():
    with pytest.raises(TypeError, match="must map each mode to a list of sensors"):
        point_to_modes(of_table({"vibration": 4.0}), {"bearing": "vibration"}, direction="low")
