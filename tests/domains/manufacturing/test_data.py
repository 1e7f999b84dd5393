"""The machine data sets are what their publishers describe, and say where to get what is not here."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import domains.manufacturing as manufacturing
from appkit.data import Dataset
from appkit.exceptions import DatasetNotFoundError, SchemaError
from domains.manufacturing.milling import milling_rules

ON_DISK = [manufacturing.load_cmapss, manufacturing.load_ai4i, manufacturing.load_steel_plates]
GENERATED = [manufacturing.make_milling_machines, manufacturing.make_degradation]


@pytest.fixture(scope="module")
def engines(data_dir) -> Dataset:
    return manufacturing.load_cmapss()


def test_fd001_has_the_published_counts(engines):
    X_train, X_test, _, _ = engines.split()
    assert (X_train.shape, X_test.shape) == ((20_631, 26), (13_096, 26))
    assert X_train["engine"].nunique() == X_test["engine"].nunique() == 100
    assert [*X_train.columns[5:]] == [*manufacturing.CMAPSS_SENSORS]
    assert not engines.X.isna().any(axis=None)


def test_fd001_training_engines_run_to_failure_and_test_engines_have_their_published_lives_left(engines, data_dir):
    X_train, X_test, y_train, y_test = engines.split()
    assert (y_train[X_train.groupby("engine")["cycle"].idxmax()] == 0).all()
    last = X_test.groupby("engine", sort=False)["cycle"].idxmax()
    published = Path(data_dir, "manufacturing/cmapss_fd001/RUL_FD001.txt").read_text().split()
    assert y_test[last].tolist() == [float(life) for life in published]


def test_fd001_life_falls_by_one_a_cycle_from_the_first_reading(engines):
    falls = engines.y.groupby(engines.X["engine"]).diff().dropna()
    assert (falls == -1).all()
    assert engines.y[engines.X["engine"] == "train 1"].iloc[0] == 191


def test_fd001_sensors_are_in_the_published_order(engines):
    first = engines.X.iloc[0]
    assert (first["engine"], first["cycle"], first["setting_3"]) == ("train 1", 1, 100.0)
    assert first[["T2", "T50", "Nf", "NRc", "htBleed", "W32"]].tolist() == [
        518.67,
        1400.6,
        2388.06,
        8138.62,
        392,
        23.419,
    ]


def test_a_cap_bounds_the_life_of_training_and_test_engines(engines, data_dir):
    capped = manufacturing.load_cmapss(cap=125)
    pd.testing.assert_series_equal(capped.y, engines.y.clip(upper=125.0))
    assert "cycles until failure, at most 125; 0 to 125" in capped.describe()


@pytest.mark.usefixtures("data_dir")
def test_ai4i_has_the_published_counts_and_no_leaking_column():
    data = manufacturing.load_ai4i()
    assert [*data.X] == [*manufacturing.make_milling_machines(2).X][:6]
    assert (data.X.shape, int(data.y.sum())) == ((10_000, 6), 339)
    assert data.modes.sum().to_dict() == {"TWF": 46, "HDF": 115, "PWF": 95, "OSF": 98, "RNF": 19}
    assert data.X["Type"].value_counts().to_dict() == {"L": 6_000, "M": 2_997, "H": 1_003}


@pytest.mark.usefixtures("data_dir")
def test_the_milling_rules_give_the_published_flags_of_ai4i_in_every_row():
    data = manufacturing.load_ai4i()
    pd.testing.assert_frame_equal(milling_rules(data.X), data.modes[["HDF", "PWF", "OSF"]])


@pytest.mark.usefixtures("data_dir")
def test_steel_plates_have_the_published_counts_and_neither_target_among_the_inputs():
    data = manufacturing.load_steel_plates()
    assert data.X.shape == (1_941, 27)
    assert data.y.value_counts().to_dict() == {
        "Other": 673,
        "Bumps": 402,
        "K_Scratch": 391,
        "Z_Scratch": 190,
        "Pastry": 158,
        "Stains": 72,
        "Dirtiness": 55,
    }
    assert repr(data) == "<Dataset steel_plates: 1,941 rows x 27 columns, 7 classes>"


@pytest.fixture(params=[*ON_DISK, *GENERATED])
def data(request) -> Dataset:
    """Each data set in turn; real ones need the data folder."""
    if request.param in ON_DISK:
        request.getfixturevalue("data_dir")
    return request.param()


def test_every_data_set_is_whole(data):
    assert data.X.index.equals(data.y.index)
    assert data.X.columns.is_unique
    assert all((data.description, data.target, data.licence, data.citation, data.source))
    assert data.name in repr(data)
    assert data.target in data.describe()


def test_every_data_set_splits_by_its_protocol(data):
    X_train, X_test, _, y_test = data.split()
    assert len(X_train) + len(X_test) == len(data.X)
    assert X_test.index.equals(y_test.index)
    if data.unit is not None:
        assert not set(X_train[data.unit]) & set(X_test[data.unit])


@pytest.mark.parametrize("load", ON_DISK)
def test_an_absent_data_set_says_where_to_get_it_and_where_to_put_it(load, tmp_path, monkeypatch):
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    with pytest.raises(DatasetNotFoundError, match=r"Get it from https?://.* and save it as .*manufacturing.*APPKIT"):
        load()


@pytest.fixture
def tiny_fd002(tmp_path, monkeypatch) -> Path:
    """Two training and two test engines in the publisher's layout, trailing spaces included."""
    folder = tmp_path / "manufacturing" / "cmapss_fd002"
    folder.mkdir(parents=True)

    def rows(*lives: int) -> str:
        readings = " ".join(str(sensor) for sensor in range(1, 22))
        moments = [(engine, cycle) for engine, life in enumerate(lives, 1) for cycle in range(1, life + 1)]
        return "".join(f"{engine} {cycle} 42.0 0.84 100.0 {readings}  \n" for engine, cycle in moments)

    (folder / "train_FD002.txt").write_text(rows(3, 2))
    (folder / "test_FD002.txt").write_text(rows(1, 2))
    (folder / "RUL_FD002.txt").write_text("10 \n20 \n")
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    return folder


@pytest.mark.usefixtures("tiny_fd002")
def test_other_subsets_are_read_where_the_user_has_them():
    data = manufacturing.load_cmapss("FD002")
    assert data.name == "cmapss_fd002"
    assert data.X["engine"].tolist() == ["train 1"] * 3 + ["train 2"] * 2 + ["test 1"] + ["test 2"] * 2
    assert data.y.tolist() == [2, 1, 0, 1, 0, 10, 21, 20]
    assert data.given_test.tolist() == [False] * 5 + [True] * 3
    assert data.X.loc[0, ["setting_1", "T2", "W32"]].tolist() == [42.0, 1.0, 21.0]
    assert (data.X.dtypes.iloc[2:] == np.float64).all()


def test_lives_that_do_not_fit_the_test_engines_are_refused(tiny_fd002):
    (tiny_fd002 / "RUL_FD002.txt").write_text("10\n")
    with pytest.raises(SchemaError, match=r"RUL_FD002.txt must have one life per test engine, 2 rows, got 1\."):
        manufacturing.load_cmapss("FD002")


def test_engine_files_of_another_layout_are_refused(tiny_fd002):
    (tiny_fd002 / "test_FD002.txt").write_text("1 1 0.5\n")
    with pytest.raises(SchemaError, match=r"test_FD002.txt must have 26 columns without a header, got 3\."):
        manufacturing.load_cmapss("FD002")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "FD005"}, "subset must be one of FD001, FD002, FD003, FD004, got 'FD005'"),
        ({"cap": 0}, "cap must be a positive number of cycles, or None for none, got 0"),
    ],
)
def test_engines_nobody_published_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        manufacturing.load_cmapss(**options)


def test_each_sensor_has_a_meaning():
    assert len(manufacturing.CMAPSS_SENSORS) == 21
    assert manufacturing.CMAPSS_SENSORS["T30"].meaning == "total temperature at high-pressure compressor outlet"
    assert manufacturing.CMAPSS_SENSORS["T30"].unit == "°R"
