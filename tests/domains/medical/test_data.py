"""The medical image sets are what their publishers describe, and say where to get what is not here."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from appkit.data.duplicates import check_images_apart, duplicate_groups, image_hashes
from appkit.data.image_dataset import ImageDataset
from appkit.data.images import read_images
from appkit.exceptions import DatasetNotFoundError, LeakageError, SchemaError
from domains.medical.data import (
    load_brain_mri,
    load_busi,
    load_chest_xray_test,
    load_image_folder,
    load_pneumoniamnist,
    make_phantoms,
)

ON_DISK = [load_pneumoniamnist, load_busi, load_brain_mri, load_chest_xray_test]


@pytest.fixture(scope="module")
def data_sets(data_dir) -> dict[str, ImageDataset]:
    return {load.__name__: load() for load in ON_DISK}


@pytest.fixture
def pneumonia(data_sets) -> ImageDataset:
    return data_sets["load_pneumoniamnist"]


@pytest.fixture
def brain(data_sets) -> ImageDataset:
    return data_sets["load_brain_mri"]


@pytest.fixture(scope="module")
def busi(data_dir) -> ImageDataset:
    return load_busi(positive=None)


@pytest.mark.usefixtures("data_dir")
def test_pneumoniamnist_has_the_published_counts():
    X_train, X_val, X_test, y_train, y_val, y_test = load_pneumoniamnist(drop_duplicates=False).split_three()
    assert [X.shape for X in (X_train, X_val, X_test)] == [(4_708, 28, 28), (524, 28, 28), (624, 28, 28)]
    counts = [(y == "normal").sum() for y in (y_train, y_val, y_test)]
    assert counts == [1_214, 135, 234]
    assert X_train.dtype == np.uint8


def test_pneumoniamnist_trains_on_no_image_of_another_part(pneumonia):
    X_train, X_val, X_test, *_ = pneumonia.split_three()
    assert (len(X_train), len(X_val), len(X_test)) == (4_698, 524, 624)
    train, val, test = (read_images(X) for X in (X_train, X_val, X_test))
    check_images_apart(train, val)
    check_images_apart(train, test)
    check_images_apart(val, test)


@pytest.mark.usefixtures("data_dir")
def test_the_published_training_part_shares_ten_images_with_the_validation_part():
    X_train, X_val, *_ = load_pneumoniamnist(drop_duplicates=False).split_three()
    assert np.isin(image_hashes(X_train), image_hashes(X_val)).sum() == 10
    with pytest.raises(LeakageError, match="got 8 on both"):
        check_images_apart(read_images(X_train), read_images(X_val))


def test_pneumoniamnist_pixels_and_labels_stay_together(pneumonia, data_dir):
    file = np.load(data_dir / "medical/pneumoniamnist/pneumoniamnist.npz")
    _, X_test, _, y_test = pneumonia.split()
    np.testing.assert_array_equal(X_test, file["test_images"])
    np.testing.assert_array_equal(y_test == "pneumonia", file["test_labels"].ravel() == 1)


def test_busi_asks_for_one_finding_against_the_rest(data_sets, busi):
    assert busi.y.value_counts().to_dict() == {"benign": 437, "malignant": 210, "normal": 133}
    against_the_rest = data_sets["load_busi"]
    assert against_the_rest.event == "malignant"
    np.testing.assert_array_equal(against_the_rest.y == "malignant", busi.y == "malignant")
    assert set(against_the_rest.y) == {"malignant", "not malignant"}


def test_busi_has_three_classes_and_no_picture_on_both_sides(busi):
    assert repr(busi) == "<ImageDataset busi_128: 780 images, 128 x 128 grey, 3 classes>"
    X_train, X_test, y_train, y_test = busi.split()
    check_images_apart(read_images(X_train), read_images(X_test), near=True)
    assert busi.groups.nunique() == 603
    assert (y_test == "malignant").mean() == pytest.approx((y_train == "malignant").mean(), abs=0.03)


def test_busi_has_eight_pictures_under_two_labels(busi):
    assert (busi.y.groupby(busi.groups).nunique() > 1).sum() == 8


def test_brain_mri_has_the_published_counts_and_groups_what_is_the_same(brain):
    assert brain.y.value_counts().to_dict() == {"tumour": 155, "no tumour": 98}
    contents = [Path(path).read_bytes() for path in brain.X["path"]]
    for content in set(contents):
        copies = [row for row, other in enumerate(contents) if other == content]
        assert brain.groups[copies].nunique() == 1
    assert len(contents) - len(set(contents)) == 25
    assert brain.groups.nunique() == 204


def test_brain_mri_is_read_by_its_paths(brain):
    X_train, X_test, _, y_test = brain.split()
    assert X_test.index.equals(y_test.index)
    assert read_images(X_test[:5]).pixels.shape == (5, 128, 128, 1)
    assert not set(brain.groups[X_train.index]) & set(brain.groups[X_test.index])


def test_the_chest_radiographs_have_the_published_counts_and_warn_of_their_twins(data_sets):
    chest = data_sets["load_chest_xray_test"]
    assert chest.y.value_counts().to_dict() == {"pneumonia": 390, "normal": 234}
    assert "test images of PneumoniaMNIST: never train on the one and test on the other" in chest.describe()


def standardised(pixels: np.ndarray) -> np.ndarray:
    flat = pixels.reshape(len(pixels), -1).astype(float)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def middles(path: str) -> np.ndarray:
    """Return the middle of a radiograph that was stretched to a square, for every width it may have had."""
    square = Image.open(path).convert("L")
    spans = [(150 - half, 0, 150 + half, 300) for half in range(90, 151, 3)]
    return np.stack([np.array(square.crop(span).resize((28, 28))) for span in spans])


def test_the_middles_of_the_chest_radiographs_are_pneumoniamnists_test_images(data_sets, pneumonia):
    X_train, X_test, *_ = pneumonia.split()
    looks = [standardised(middles(path)) for path in data_sets["load_chest_xray_test"].X["path"][::80]]
    in_test, in_training = (np.array([(look @ standardised(X).T).max() for look in looks]) for X in (X_test, X_train))
    assert (in_test > 0.97).mean() > 0.75  # the others were higher than wide
    assert (in_training < 0.95).all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "scans"
    rng = np.random.default_rng(0)
    for number in range(24):
        path = root / ("ill" if number % 2 else "well") / f"p{number // 4}_{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (6, 6)).astype(np.uint8)).save(path)
    return root


def test_a_folder_of_ones_own_splits_by_patient(folder):
    data = load_image_folder(folder, r"(p\d+)_", event="ill")
    assert repr(data) == "<ImageDataset scans: 24 images, as files, event 'ill'>"
    X_train, X_test, _, _ = data.split()
    assert not set(X_train["patient"]) & set(X_test["patient"])
    assert list(data.metadata.columns) == ["patient"]


def test_a_folder_without_patients_splits_by_label(folder):
    data = load_image_folder(folder)
    assert (data.protocol, data.groups, data.metadata, data.event) == ("stratified", None, None, None)
    assert data.split()[3].value_counts().to_dict() == {"ill": 3, "well": 3}


def test_an_event_that_is_no_sub_folder_is_refused(folder):
    with pytest.raises(ValueError, match="event must be one of the sub-folders ill, well, got 'dead'"):
        load_image_folder(folder, event="dead")


def test_a_finding_busi_does_not_know_is_refused():
    with pytest.raises(ValueError, match="positive must be one of normal, benign, malignant or None, got 'cyst'"):
        load_busi(positive="cyst")


@pytest.mark.parametrize("load", [load.__name__ for load in ON_DISK])
def test_every_data_set_is_whole(data_sets, load):
    data = data_sets[load]
    assert all((data.description, data.target, data.licence, data.citation, data.source))
    assert data.y.notna().all()
    assert data.event in set(data.y)
    assert len(data.split()[2]) + len(data.split()[3]) == len(data.y)


def test_phantoms_are_no_duplicates_of_each_other():
    assert duplicate_groups(make_phantoms(200).X, near=False).max() == 199


@pytest.mark.parametrize("load", [load_busi, load_brain_mri, load_chest_xray_test])
def test_an_absent_data_set_says_where_to_get_it_and_where_to_put_it(load, tmp_path, monkeypatch):
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    with pytest.raises(DatasetNotFoundError, match=r"Get it from https?://.* and save it as .*medical.*APPKIT"):
        load()


def test_pneumoniamnist_is_asked_of_its_publisher_by_checksum(tmp_path, monkeypatch):
    def refuse(url: str, known_hash: str, **_: object) -> str:
        raise OSError(f"{url} {known_hash}")

    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    monkeypatch.setattr("pooch.retrieve", refuse)
    with pytest.raises(
        DatasetNotFoundError, match=r"https://zenodo.org/.*pneumoniamnist.npz cannot be reached"
    ) as caught:
        load_pneumoniamnist()
    assert "md5:28209eda62fecd6e6a2d98b1501bb15f" in str(caught.value.__cause__)


def test_arrays_of_another_layout_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "medical/busi_128/busi_128.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, images=np.zeros((2, 4, 4)), labels=np.zeros(2))
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    with pytest.raises(SchemaError, match=r"busi_128.npz must hold the arrays .* but lacks names, classes\."):
        load_busi()
