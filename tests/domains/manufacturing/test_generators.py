"""Generated machines fail as their documented rules say, and nothing else in their tables plays a part."""

import numpy as np
import pandas as pd
import pytest

from domains.manufacturing.degradation import make_degradation
from domains.manufacturing.milling import MILLING_MODES, make_milling_machines, milling_rules

PUBLISHED = ["Type", "Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]"]
PUBLISHED += ["Torque [Nm]", "Tool wear [min]"]


@pytest.fixture(scope="module")
def milling():
    return make_milling_machines(20_000, random_state=1)


def test_milling_machines_repeat_with_their_seed_and_change_with_another():
    first, again, other = (make_milling_machines(300, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.X, again.X)
    pd.testing.assert_frame_equal(first.modes, again.modes)
    assert not first.X["Torque [Nm]"].equals(other.X["Torque [Nm]"])


def test_milling_machines_fail_in_each_mode_about_as_often_as_published(milling):
    published = {"TWF": 51, "HDF": 115, "PWF": 95, "OSF": 98, "RNF": 10}  # of 10,000; TWF and RNF as the rules say
    for mode, count in published.items():
        assert 0.5 * count < milling.modes[mode].sum() / 2 < 2 * count, mode
    assert milling.y.equals(milling.modes.any(axis=1).astype(int).rename("Machine failure"))


def test_milling_rules_are_the_documented_ones_row_by_row(milling):
    for row in milling.X.head(2_000).join(milling.modes).itertuples(index=False):
        kind, air, process, speed, torque, wear, *_, worn, hot, power_failed, strained, _ = row
        power = torque * speed * 2 * np.pi / 60
        assert hot == (process - air < 8.6 and speed < 1380)
        assert power_failed == (power < 3500 or power > 9000)
        assert strained == (wear * torque > {"L": 11_000, "M": 12_000, "H": 13_000}[kind])
        assert wear >= 200 or not worn


def test_tools_wear_by_product_and_end_between_200_and_240_minutes(milling):
    wear, minutes = milling.X["Tool wear [min]"], milling.X["Type"].map({"L": 2, "M": 3, "H": 5})
    last = wear.shift(-1) == 0
    assert wear[0] == 0
    assert ((wear + minutes)[~last].iloc[:-1] == wear.shift(-1)[~last].iloc[:-1]).all()
    assert wear[last].between(200, 245).all()
    assert not milling.modes.loc[~last, "TWF"].iloc[:-1].any()
    assert milling.modes.loc[last, "TWF"].mean() == pytest.approx(51 / 120, abs=0.12)


def test_milling_rules_read_only_the_drivers_they_name(milling):
    rng = np.random.default_rng(0)
    for mode in ("HDF", "PWF", "OSF"):
        others = [name for name in milling.X if name not in milling.mode_drivers[mode]]
        shuffled = milling.X.assign(**{name: rng.permutation(milling.X[name]) for name in others})
        assert milling_rules(shuffled)[mode].equals(milling.modes[mode])


def test_milling_decoys_go_with_one_driver_each_and_name_every_other_column(milling):
    assert [*milling.X] == [*PUBLISHED, *milling.decoys]
    assert [*milling.modes] == [*MILLING_MODES] == [*milling.mode_drivers]
    for decoy, driver in zip(milling.decoys, PUBLISHED[1:], strict=True):
        assert 0.9 < milling.X[decoy].corr(milling.X[driver]) < 0.97, decoy


def test_milling_machines_resemble_the_published_table(milling):
    X = milling.X
    assert X["Air temperature [K]"].agg(["mean", "std"]).tolist() == pytest.approx([300, 2], abs=0.5)
    assert X["Rotational speed [rpm]"].agg(["mean", "std"]).tolist() == pytest.approx([1539, 179], abs=12)
    assert X["Torque [Nm]"].corr(X["Rotational speed [rpm]"]) == pytest.approx(-0.875, abs=0.03)


def test_milling_machines_need_two_rows():
    with pytest.raises(ValueError, match="n_rows must be at least 2, got 1"):
        make_milling_machines(1)


@pytest.fixture(scope="module")
def pumps():
    return make_degradation(120, random_state=3)


def readings_of(pumps, sensor: str) -> pd.Series:
    """Readings in healthy standard deviations of their operating condition, taken straight from the settings."""
    load, speed = pumps.X["load_percent"].round(-1), pumps.X["speed_rpm"].round(-2)
    healthy = pumps.wear == 0
    groups = pumps.X.loc[healthy, sensor].groupby([load[healthy], speed[healthy]])
    keys = pd.MultiIndex.from_arrays([load, speed])
    return (pumps.X[sensor] - groups.mean().reindex(keys).to_numpy()) / groups.std().reindex(keys).to_numpy()


def test_pumps_repeat_with_their_seed_and_the_first_are_the_same_however_many_are_drawn():
    few, more, other = make_degradation(4), make_degradation(6), make_degradation(4, random_state=1)
    pd.testing.assert_frame_equal(few.X, more.X[more.X["machine"] <= 4])
    pd.testing.assert_series_equal(few.mode, more.mode.head(4))
    assert not few.X.equals(other.X)


def test_pumps_are_healthy_until_their_onset_and_fail_at_wear_one(pumps):
    onset = pumps.X["machine"].map(pumps.onset).fillna(np.inf)
    last = ~pumps.X["machine"].duplicated(keep="last")
    assert ((pumps.wear == 0) == (pumps.X["hour"] < onset)).all()
    assert ((pumps.wear == 1) == (last & pumps.X["machine"].map(pumps.failed))).all()
    assert pumps.failed.mean() == pytest.approx(0.8, abs=0.08)
    assert set(pumps.mode) == {"bearing", "seal", "impeller"}


def test_the_remaining_life_of_pumps_counts_hours_and_is_unknown_for_stopped_ones(pumps):
    last_hour = pumps.X.groupby("machine")["hour"].transform("max")
    by_hand = (last_hour - pumps.X["hour"]).where(pumps.X["machine"].map(pumps.failed))
    np.testing.assert_array_equal(pumps.y, by_hand)
    assert make_degradation(5, cap=60.0, random_state=3).y.max() == 60


def test_pump_wear_accelerates_between_services(pumps):
    machine, wear = pumps.X["machine"], pumps.wear
    steps = wear.groupby(machine).diff()[pumps.X["serviced"] == 0]
    assert steps[wear.between(0.6, 0.9)].mean() > 2 * steps[wear.between(0.01, 0.1)].mean()


def test_services_are_the_only_rows_where_wear_falls_and_take_20_to_50_percent(pumps):
    before = pumps.wear.groupby(pumps.X["machine"]).shift()
    serviced = (pumps.X["serviced"] == 1) & (before > 0.05)  # one hour of ageing goes on meanwhile
    assert (pumps.wear < before).sum() > 30
    assert (pumps.X.loc[pumps.wear < before, "serviced"] == 1).all()
    assert (pumps.wear / before)[serviced].between(0.5, 0.98).all()
    assert (pumps.wear / before)[serviced].mean() == pytest.approx(0.68, abs=0.06)
    assert make_degradation(20, service_every=None).X["serviced"].sum() == 0


def test_the_drivers_of_a_pumps_mode_move_as_published_and_other_sensors_do_not(pumps):
    machine = pumps.X["machine"]
    worn = pumps.wear > 0.8
    signs = {"flow_m3_h": -1, "discharge_pressure_bar": -1}
    for sensor in pumps.X.columns[5:]:
        rise = machine.map(pumps.rises[sensor]) if sensor in pumps.rises else 0.0 * machine
        moved = signs.get(sensor, 1) * readings_of(pumps, sensor)
        assert (moved - rise * pumps.wear)[worn].mean() == pytest.approx(0, abs=0.35), sensor


def test_each_failed_pumps_drivers_are_far_out_at_the_end_and_share_the_wear(pumps):
    for machine, rises in pumps.rises.iterrows():
        drivers = pumps.drivers_of(machine)
        assert tuple(rises[rises > 0].index) == drivers
        assert rises.mean() * len(rises) == pytest.approx(6 * len(drivers))
        assert rises[list(drivers)].min() > 2.5


def test_pump_decoys_go_with_healthy_drivers_or_with_the_load_but_not_with_wear(pumps):
    partner = {
        "casing_vibration_mm_s": "bearing_vibration_mm_s",
        "oil_temperature_c": "bearing_temperature_c",
        "ambient_temperature_c": "seal_temperature_c",
        "suction_pressure_bar": "flow_m3_h",
    }
    healthy = pumps.wear == 0
    assert {*partner, "motor_power_kw"} == {*pumps.decoys}
    for decoy, driver in partner.items():
        assert readings_of(pumps, decoy)[healthy].corr(readings_of(pumps, driver)[healthy]) > 0.45, decoy
    assert pumps.X["motor_power_kw"].corr(pumps.X["load_percent"]) > 0.7
    assert all(abs(readings_of(pumps, decoy).corr(pumps.wear)) < 0.1 for decoy in pumps.decoys)


@pytest.mark.parametrize("n_conditions", [1, 3, 6])
def test_pumps_run_in_as_many_conditions_as_asked_and_do_not_wear_by_them(n_conditions):
    pumps = make_degradation(60, n_conditions=n_conditions)
    load, speed = (pumps.X[name] for name in pumps.conditions)
    assert len(set(zip(load.round(-1), speed.round(-2), strict=True))) == n_conditions
    assert abs(load.corr(pumps.wear)) < 0.06
    assert abs(speed.corr(pumps.wear)) < 0.06


def test_pump_readings_are_lost_at_the_share_asked_and_settings_never():
    X = make_degradation(20, missing=0.1).X
    assert X.iloc[:, 5:].isna().mean().mean() == pytest.approx(0.1, abs=0.01)
    assert not X.iloc[:, :5].isna().any(axis=None)


def test_pumps_split_by_whole_machines(pumps):
    X_train, X_test, _, _ = pumps.split()
    assert not set(X_train["machine"]) & set(X_test["machine"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_units": 1}, "n_units must be at least 2, got 1"),
        ({"n_conditions": 7}, "n_conditions must be 1 to 6, got 7"),
        ({"censored": 1.0}, "censored must be a share, at least 0 and below 1, got 1.0"),
        ({"missing": -0.1}, "missing must be a share, at least 0 and below 1, got -0.1"),
        ({"service_every": 5}, "service_every must be at least 10 hours, or None for no services, got 5"),
        ({"cap": 0}, "cap must be a positive number in the units of time, got 0"),
    ],
)
def test_pumps_that_cannot_be_drawn_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_degradation(**{"n_units": 3, **options})
