"""Readings become channels: scaled by condition, gaps carried forward and marked, nothing from other units."""

import json

import numpy as np
import pytest

from appkit.data.series import read_series
from appkit.data.series_encoder import SeriesEncoder
from appkit.exceptions import DataWarning, SchemaError


def series_of(*units, sensors=None):
    return read_series([np.asarray(unit, dtype=float) for unit in units], unit=None, time=None, sensors=sensors)


def two_speeds(n_rows=400, seed=0):
    """Return a speed of 1 or 2, and a heat that stands at 10 or 1000 and spreads by 1 or 50 with it."""
    rng = np.random.default_rng(seed)
    speed = rng.choice([1.0, 2.0], size=n_rows)
    heat = np.where(speed == 1, 10.0, 1000.0) + rng.normal(size=n_rows) * np.where(speed == 1, 1.0, 50.0)
    return series_of(np.column_stack([speed, heat]), sensors=["speed", "heat"])


def encode(series, **options):
    encoder = SeriesEncoder(**options).fit(series)
    return encoder, encoder.transform(series)


def carried_by_hand(series, sensor):
    """Return the last known reading of each row's unit, row by row; NaN where there is none."""
    carried, last = [], {}
    for row, unit in enumerate(series.unit_of_row):
        reading = series.values[row, sensor]
        last[unit] = last.get(unit, np.nan) if np.isnan(reading) else reading
        carried.append(last[unit])
    return np.array(carried)


def test_readings_are_centred_and_scaled_like_a_normal():
    readings = np.random.default_rng(0).normal(50, 3, size=(20_000, 1))
    _, Z = encode(series_of(readings), use_age=False)
    z = (readings - 50) / 3
    near = np.abs(z) < 2
    np.testing.assert_allclose(Z[near[:, 0]], z[near[:, 0]], atol=0.06)


def test_scaled_readings_follow_the_formula():
    encoder, _ = encode(series_of([[0.0], [1.0], [2.0], [3.0], [4.0]]), use_age=False)
    Z = encoder.transform(series_of([[2.0], [4.0], [-100.0]]))
    z = np.array([0.0, 2.0, -102.0]) / (2 / 1.349)  # the interquartile range is 2
    np.testing.assert_allclose(Z[:, 0], z / (1 + (z / 12) ** 4) ** 0.25, rtol=1e-6)


def test_far_readings_approach_five_and_keep_their_order():
    encoder, _ = encode(series_of(np.random.default_rng(0).normal(size=(500, 1))), use_age=False)
    Z = encoder.transform(series_of(np.array([-1e300, -1e9, -8, -6, -4, 0, 4, 6, 8, 1e9, 1e300])[:, None]))[:, 0]
    assert (np.diff(Z) >= 0).all()
    assert (np.diff(Z[2:9]) > 0).all()
    assert Z[[0, -1]] == pytest.approx([-12, 12], abs=1e-6)


def test_one_glitch_leaves_the_scale_alone():
    readings = np.random.default_rng(0).normal(size=(1000, 1))
    with_glitch = np.vstack([readings, [[1e12]]])
    _, clean = encode(series_of(readings), use_age=False)
    _, Z = encode(series_of(with_glitch), use_age=False)
    np.testing.assert_allclose(Z[:-1], clean, atol=0.02)


def test_a_sensor_that_rarely_moves_is_scaled_by_its_mean_deviation():
    readings = np.zeros((1000, 1))
    readings[::100] = 1.0
    _, Z = encode(series_of(readings), use_age=False)
    assert Z[1, 0] == 0.0
    assert 11.9 < Z[0, 0] <= 12.0


def test_readings_are_scaled_within_their_operating_condition():
    series = two_speeds()
    encoder, Z = encode(series, conditions=["speed"], use_age=False)
    heat, codes = Z[:, 1], encoder.condition_codes(series)
    for code in (0, 1):
        raw = series.values[codes == code, 1]
        z = (raw - np.median(raw)) / (np.subtract(*np.quantile(raw, [0.75, 0.25])) / 1.349)
        np.testing.assert_allclose(heat[codes == code], z / (1 + (z / 12) ** 4) ** 0.25, atol=1e-5)


def test_settings_keep_telling_conditions_apart():
    series = two_speeds()
    _, Z = encode(series, conditions=["speed"])
    assert np.ptp(Z[series.values[:, 0] == 1, 0]) == 0
    assert Z[series.values[:, 0] == 2, 0].min() - Z[series.values[:, 0] == 1, 0].max() > 0.5


def test_an_unseen_condition_is_taken_for_the_nearest():
    encoder, _ = encode(two_speeds(), conditions=["speed"], use_age=False)
    Z = encoder.transform(series_of([[2.3, 1000.0], [0.2, 10.0]], sensors=["speed", "heat"]))
    assert np.abs(Z[:, 1]).max() < 0.3


def test_a_condition_with_few_rows_is_scaled_like_all_rows():
    rng = np.random.default_rng(0)
    speed = np.repeat([1.0, 2.0], [1000, 5])
    series = series_of(np.column_stack([speed, rng.normal(7, 2, size=1005)]), sensors=["speed", "heat"])
    encoder, _ = encode(series, conditions=["speed"])
    heat = encoder.scales_[1]
    values = series.values[:, 1]
    assert heat.centres[1] == np.median(values)
    assert heat.scales[1] == pytest.approx(np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.349)


def test_a_sensor_that_stands_still_in_one_condition_borrows_a_scale():
    rng = np.random.default_rng(0)
    speed = np.repeat([1.0, 2.0], 100)
    heat = np.where(speed == 1, 30.0, 60.0 + rng.normal(size=200))
    encoder, Z = encode(series_of(np.column_stack([speed, heat]), sensors=["speed", "heat"]), conditions=["speed"])
    assert (Z[:100, 1] == 0).all()
    assert np.isfinite(Z).all()
    assert min(encoder.scales_[1].scales) > 0


def test_missing_readings_are_carried_forward_within_the_unit_as_by_hand():
    rng = np.random.default_rng(0)
    units = [np.where(rng.random((n, 2)) < 0.5, np.nan, rng.normal(size=(n, 2))) for n in (1, 7, 30, 1, 12)]
    series = series_of(*units)
    encoder, Z = encode(series, use_age=False)
    for sensor in (0, 1):
        by_hand = encoder.scales_[sensor](carried_by_hand(series, sensor), np.zeros(series.n_rows, dtype=int))
        np.testing.assert_allclose(Z[:, sensor], np.nan_to_num(by_hand), atol=1e-6)
        np.testing.assert_array_equal(Z[:, 2 + sensor], np.isnan(series.values[:, sensor]))


def test_a_reading_carried_into_another_condition_stays_as_it_was_scaled():
    series = two_speeds()
    encoder, _ = encode(series, conditions=["speed"], use_age=False)
    Z = encoder.transform(series_of([[1.0, 12.0], [2.0, np.nan]], sensors=["speed", "heat"]))
    assert Z[1, 1] == Z[0, 1]


def test_a_missing_setting_is_carried_forward_too():
    series = two_speeds()
    encoder, _ = encode(series, conditions=["speed"])
    later = series_of([[2.0, 990.0], [np.nan, 1010.0]], [[1.0, 9.0], [np.nan, 11.0]], sensors=["speed", "heat"])
    codes = encoder.condition_codes(later)
    assert codes[0] == codes[1] != codes[2]
    assert codes[2] == codes[3]


def test_only_sensors_with_gaps_in_training_have_an_indicator():
    series = series_of([[1.0, np.nan, 3.0], [2.0, 5.0, 4.0], [4.0, 6.0, 9.0]], sensors=["a", "b", "c"])
    encoder, Z = encode(series)
    layout = encoder.layout(30)
    assert layout.sensors == ("a", "b", "c", "age")
    assert layout.sensor_of == (0, 1, 2, 1, 3, -1)
    assert (layout.readings, layout.indicators, layout.age) == ((0, 1, 2), (3,), 4)
    assert (layout.n_times, layout.n_channels) == (30, 6)
    assert Z.shape == (3, 5)
    assert Z[:, 3].tolist() == [1.0, 0.0, 0.0]


def test_a_gap_never_seen_in_training_is_filled_without_an_indicator():
    encoder, _ = encode(series_of([[1.0], [2.0], [4.0]]))
    Z = encoder.transform(series_of([[np.nan], [2.0], [np.nan]]))
    assert Z[:, 0].tolist() == [0.0, 0.0, 0.0]  # the median, and 2.0 is the median


def test_the_age_counts_from_the_first_row_of_the_unit():
    series = series_of([[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]])
    encoder, Z = encode(series)
    assert Z[:3, -1].tolist() == Z[3:, -1].tolist()
    assert Z[1, -1] == 0.0  # the median age
    assert encoder.layout(5).age == 1


def test_the_age_is_left_out_where_unused_or_constant():
    assert SeriesEncoder(use_age=False).fit(series_of([[1.0], [2.0]])).layout(1).age is None
    assert SeriesEncoder().fit(series_of([[1.0]], [[2.0]])).layout(1).age is None


def test_the_age_does_not_take_the_name_of_a_sensor():
    series = series_of([[1.0], [2.0]], sensors=["age"])
    assert SeriesEncoder().fit(series).layout(1).sensors == ("age", "age of the unit")


def test_sensors_that_say_nothing_are_left_out_with_a_warning():
    still = [[1.0, 5.0, np.nan, 0.1 + 0.2], [2.0, 5.0, np.nan, 0.3], [3.0, np.nan, np.nan, 0.3]]
    series = series_of(still, sensors=["heat", "valve", "dead", "rounded"])
    with pytest.warns(DataWarning, match="constant: 'valve', 'rounded'; missing in every row: 'dead'"):
        encoder = SeriesEncoder().fit(series)
    assert encoder.layout(1).sensors == ("heat", "age")


def test_a_sensor_that_only_repeats_the_condition_is_left_out():
    speed = np.repeat([1.0, 2.0], 50)
    readings = np.column_stack([speed, 7 * speed, np.arange(100.0)])
    with pytest.warns(DataWarning, match="constant in each operating condition: 'inlet'"):
        encoder = SeriesEncoder(conditions=["speed"]).fit(series_of(readings, sensors=["speed", "inlet", "heat"]))
    assert encoder.layout(1).sensors == ("speed", "heat", "age")


def test_no_sensor_that_varies_is_an_error():
    with pytest.raises(SchemaError, match=r"At least one sensor must vary, got none \(constant: 'sensor 0'\)"):
        SeriesEncoder().fit(series_of([[1.0], [1.0]]))


def test_scales_are_learnt_from_the_training_rows_alone():
    rng = np.random.default_rng(0)
    training, other = rng.normal(size=(50, 2)), rng.normal(100, 9, size=(50, 2))
    both = SeriesEncoder().fit(series_of(training, other), rows=np.repeat([True, False], 50))
    alone = SeriesEncoder().fit(series_of(training))
    assert both.to_dict() == alone.to_dict()


def test_sensors_are_found_by_name_in_any_order_among_others():
    series = two_speeds()
    encoder, Z = encode(series, conditions=["speed"])
    shuffled = series_of(series.values[:, [1, 0, 0]], sensors=["heat", "more", "speed"])
    np.testing.assert_array_equal(encoder.transform(shuffled), Z)


def test_missing_sensors_are_named_with_their_near_match():
    encoder, _ = encode(two_speeds())
    with pytest.raises(SchemaError) as caught:
        encoder.transform(series_of([[1.0]], sensors=["heats"]))
    assert caught.value.problems == (
        "Sensor 'speed' is missing. Add it.",
        "Sensor 'heat' is missing (is it 'heats'?). Add it.",
    )


def test_settings_must_be_sensors():
    with pytest.raises(SchemaError, match=r"Sensor 'sped' is missing \(is it 'speed'\?\)"):
        SeriesEncoder(conditions=["sped"]).fit(two_speeds())
    with pytest.raises(TypeError, match="conditions must be a list of sensors, got the text 'speed'"):
        SeriesEncoder(conditions="speed").fit(two_speeds())


@pytest.mark.parametrize("rows", [[0, 1], [True], [False, False]])
def test_rows_to_learn_from_are_a_mask(rows):
    with pytest.raises(ValueError, match="rows must be a bool mask of 2 rows, some of them true"):
        SeriesEncoder().fit(series_of([[1.0], [2.0]]), rows=np.array(rows))


def test_rows_encode_alike_alone_and_among_others():
    series = two_speeds()
    both = series_of(series.values[:200], series.values[200:], sensors=series.sensors)
    encoder, Z = encode(both, conditions=["speed"])
    np.testing.assert_array_equal(encoder.transform(both.take_units(np.array([1]))), Z[200:])


def test_the_series_is_left_as_it_was_and_the_channels_are_finite_single_precision():
    series = series_of([[1.0, np.nan], [2.0, 3.0], [5.0, 4.0]])
    before = series.values.copy()
    _, Z = encode(series)
    np.testing.assert_array_equal(series.values, before)
    assert Z.dtype == np.float32
    assert np.isfinite(Z).all()


@pytest.mark.parametrize("options", [{}, {"conditions": ["speed"]}, {"conditions": ("speed",), "use_age": False}])
def test_state_survives_json(options):
    series = two_speeds()
    series.values[::7, 1] = np.nan
    encoder, Z = encode(series, **options)
    again = SeriesEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    np.testing.assert_array_equal(again.transform(series), Z)
    assert again.layout(30) == encoder.layout(30)


def test_fitting_twice_equals_fitting_once():
    encoder = SeriesEncoder(conditions=["speed"])
    first = encoder.fit(two_speeds(seed=1)).fit(two_speeds()).to_dict()
    assert first == SeriesEncoder(conditions=["speed"]).fit(two_speeds()).to_dict()
