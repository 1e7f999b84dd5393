"""Operating conditions are found where settings form them, and only there."""

import json

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from appkit.data.conditions import OperatingConditions

FLIGHT = ("altitude", "mach", "throttle")
REGIMES = np.array(  # of C-MAPSS FD002 and FD004: thousand feet, Mach number, throttle resolver angle
    [[0, 0.0, 100], [10, 0.25, 100], [20, 0.7, 100], [25, 0.62, 60], [35, 0.84, 100], [42, 0.84, 100]]
)


def flights(n_rows, *, noise=(0.004, 0.0006, 0.0), seed=0):
    """Return settings near the six regimes, and the regime of each row."""
    rng = np.random.default_rng(seed)
    regime = rng.choice(6, size=n_rows, p=[0.15, 0.15, 0.15, 0.15, 0.15, 0.25])
    return REGIMES[regime] + rng.normal(size=(n_rows, 3)) * noise, regime


def found(values, **options):
    return OperatingConditions([f"setting {i}" for i in range(values.shape[1])], **options).fit(values)


@pytest.mark.parametrize("seed", range(5))
def test_the_six_regimes_of_flights_are_found(seed):
    settings, regime = flights(5_000, seed=seed)
    conditions = OperatingConditions(FLIGHT).fit(settings)
    assert conditions.n_conditions_ == 6
    assert adjusted_rand_score(regime, conditions.codes(settings)) == 1.0


def test_regimes_blurred_beyond_levels_are_found_by_k_means():
    settings, regime = flights(5_000, noise=(0.3, 0.006, 0.3))
    conditions = found(settings)
    assert conditions.n_conditions_ == 6
    assert adjusted_rand_score(regime, conditions.codes(settings)) > 0.99


def test_the_most_common_condition_comes_first_with_its_mean_settings():
    settings, _ = flights(5_000)
    conditions = OperatingConditions(FLIGHT).fit(settings)
    np.testing.assert_allclose(conditions.centres_[0], REGIMES[5], atol=0.001)
    counts = np.bincount(conditions.codes(settings))
    assert (np.diff(counts) <= 0).all()


def test_levels_are_not_split_by_an_edge_of_a_grid():
    rng = np.random.default_rng(0)
    for offset in np.linspace(0, 1, 21):
        settings = rng.choice([0.0, 10.0], size=(500, 1)) + offset + rng.normal(0, 0.02, (500, 1))
        assert found(settings).n_conditions_ == 2


def test_a_glitch_does_not_hide_the_conditions():
    settings, regime = flights(5_000)
    settings[17] = [1e6, -1e6, 1e6]
    codes = OperatingConditions(FLIGHT).fit(settings).codes(settings)
    assert adjusted_rand_score(np.delete(regime, 17), np.delete(codes, 17)) == 1.0


@pytest.mark.parametrize(
    "settings",
    [
        np.random.default_rng(0).normal(0, [0.0022, 0.0003], (3_000, 2)),  # noise about 0, as in C-MAPSS FD001
        np.random.default_rng(1).normal(size=(3_000, 1)),
        np.random.default_rng(2).uniform(size=(3_000, 2)),
        np.random.default_rng(3).uniform(size=(3_000, 1)),
    ],
)
def test_settings_that_form_no_groups_are_one_condition(settings):
    assert found(settings).n_conditions_ == 1


def test_settings_that_hardly_vary_are_one_condition():
    settings = np.column_stack([np.full(100, 100.0), np.repeat([1500.0, 1500.5], 50), np.zeros(100)])
    conditions = found(settings)
    assert conditions.n_conditions_ == 1
    assert not conditions.codes(settings).any()


def test_few_levels_of_few_settings_are_counted_as_combinations():
    speed, load = np.meshgrid([1000.0, 1500.0, 3000.0], [0.0, 50.0])
    settings = np.repeat(np.column_stack([speed.ravel(), load.ravel()]), 10, axis=0)
    assert found(settings).n_conditions_ == 6


def test_settings_never_seen_get_the_nearest_condition():
    conditions = OperatingConditions(FLIGHT).fit(flights(2_000)[0])
    new = np.array([[41.0, 0.8, 99.0], [12.0, 0.3, 100.0], [1e9, 0.84, 100.0]])
    nearest = conditions.centres_[conditions.codes(new)]
    np.testing.assert_allclose(nearest, REGIMES[[5, 1, 5]], atol=0.01)


def test_missing_settings_are_left_out_of_the_distance():
    settings, regime = flights(3_000)
    settings[:5, 2] = np.nan
    conditions = OperatingConditions(FLIGHT).fit(settings)
    expected = REGIMES[regime[:5], 0]
    np.testing.assert_allclose(conditions.centres_[conditions.codes(settings[:5])][:, 0], expected, atol=0.01)
    assert conditions.codes(np.full((1, 3), np.nan)).tolist() == [0]


def test_settings_that_are_missing_throughout_are_one_condition():
    conditions = found(np.full((10, 2), np.nan))
    assert conditions.n_conditions_ == 1
    assert conditions.codes(np.array([[3.0, 4.0]])).tolist() == [0]


def test_a_given_number_of_conditions_is_what_is_found():
    settings = np.random.default_rng(0).uniform(size=(500, 2))
    assert found(settings, n_conditions=4).n_conditions_ == 4
    assert found(flights(500)[0], n_conditions=3).n_conditions_ == 3
    assert found(flights(500)[0], n_conditions=1).n_conditions_ == 1


def test_fitting_twice_finds_the_same():
    settings = flights(3_000, noise=(0.3, 0.006, 0.3))[0]
    np.testing.assert_array_equal(found(settings).centres_, found(settings).centres_)


def test_state_survives_json():
    settings, _ = flights(1_000)
    conditions = OperatingConditions(FLIGHT).fit(settings)
    again = OperatingConditions.from_dict(json.loads(json.dumps(conditions.to_dict())))
    np.testing.assert_array_equal(again.codes(settings), conditions.codes(settings))
    assert again.to_dict() == conditions.to_dict()


@pytest.mark.parametrize("n_conditions", [0, -2, 2.0, True, "many"])
def test_a_number_of_conditions_is_a_positive_integer(n_conditions):
    with pytest.raises(ValueError, match="n_conditions must be 'auto' or a positive integer"):
        found(np.zeros((3, 1)), n_conditions=n_conditions)


@pytest.mark.parametrize(("settings", "got"), [([[1.0], [1.0]], "one"), ([[1.0], [2.0], [2.0]], "2")])
def test_more_conditions_than_settings_are_refused(settings, got):
    with pytest.raises(ValueError, match=f"n_conditions=3 needs as many different settings, got {got}"):
        found(np.array(settings), n_conditions=3)
