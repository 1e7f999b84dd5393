"""Generated machines fail as their documented rules say, and nothing else in their tables plays a part."""

import numpy as np
import pandas as pd
import pytest

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
