"""A set of images written as files is read back the same, by class and by table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from appkit.data.image_dataset import ImageDataset
from appkit.data.image_export import write_image_folder
from appkit.data.image_folder import read_image_folder
from appkit.data.images import read_images
from appkit.exceptions import DataWarning

N_IMAGES = 24


@pytest.fixture
def scans() -> ImageDataset:
    rng = np.random.default_rng(0)
    patients = pd.Series([f"0{row // 2}" for row in range(N_IMAGES)], name="patient")
    return ImageDataset(
        name="scans",
        description="Noise.",
        X=rng.integers(0, 256, (N_IMAGES, 5, 7), dtype=np.uint8),
        y=pd.Series(["ill", "ill", "well", "well"] * (N_IMAGES // 4), name="finding"),
        target="nothing",
        event="ill",
        licence="none",
        citation="none",
        source="none",
        protocol="group",
        groups=patients,
        metadata=pd.DataFrame({"patient": patients, "sex": ["f", "m"] * (N_IMAGES // 2)}),
    )


def test_pixels_come_back_from_the_table(scans, tmp_path):
    write_image_folder(scans, tmp_path)
    table = pd.read_csv(tmp_path / "metadata.csv")
    read = read_images([tmp_path / path for path in table["path"]])
    assert np.array_equal(read.pixels[..., 0], scans.X)
    assert table["finding"].tolist() == scans.y.tolist()
    assert table.columns.tolist() == ["path", "finding", "patient", "sex", "part"]


def test_the_folder_is_one_of_images_by_class_and_patient(scans, tmp_path):
    write_image_folder(scans, tmp_path)
    with pytest.warns(DataWarning, match="no images"):
        table = read_image_folder(tmp_path, patient=tmp_path / "metadata.csv")
    assert table["label"].value_counts().to_dict() == {"ill": 12, "well": 12}
    assert (table["label"] == table["finding"]).all()
    assert set(table["patient"]) == set(scans.groups)


def test_parts_are_those_of_the_data_set_and_keep_patients_whole(scans, tmp_path):
    write_image_folder(scans, tmp_path)
    *_, y_train, y_validation, y_test = scans.split_three()
    parts = [pd.read_csv(tmp_path / f"{part}.csv", dtype="str") for part in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [len(y_train), len(y_validation), len(y_test)]
    assert sum(part["patient"].nunique() for part in parts) == 12


def test_sixteen_bits_stay_sixteen_bits(scans, tmp_path):
    deep = scans.X.astype(np.uint16) * 257
    write_image_folder(replace(scans, X=deep), tmp_path)
    with Image.open(tmp_path / "ill" / "0000.png") as image:
        assert np.array_equal(np.asarray(image), deep[0])


def test_colours_stay(scans, tmp_path):
    coloured = np.stack([scans.X, 255 - scans.X, scans.X // 2], axis=-1)
    write_image_folder(replace(scans, X=coloured), tmp_path)
    with Image.open(tmp_path / "ill" / "0001.png") as image:
        assert np.array_equal(np.asarray(image), coloured[1])


def test_files_are_copied_as_they_are(scans, tmp_path):
    sources = [tmp_path / f"source {row}.tif" for row in range(N_IMAGES)]
    for row, source in enumerate(sources):
        source.write_bytes(b"image %d" % row)
    write_image_folder(replace(scans, X=pd.DataFrame({"path": list(map(str, sources))})), tmp_path / "out")
    assert (tmp_path / "out" / "well" / "0002.tif").read_bytes() == b"image 2"


def test_columns_of_one_name_are_told_apart(scans, tmp_path):
    metadata = pd.DataFrame({"finding": ["benign"] * N_IMAGES, "part": 1})
    table = write_image_folder(replace(scans, metadata=metadata), tmp_path)
    assert table.columns.tolist() == ["path", "finding", "patient", "published_finding", "published_part", "part"]


def test_labels_become_names_that_any_file_system_allows(scans, tmp_path):
    write_image_folder(replace(scans, y=scans.y.map({"ill": "ill/acute?", "well": "well."})), tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"ill_acute_", "well"}


def test_labels_that_would_share_a_folder_are_refused(scans, tmp_path):
    with pytest.raises(ValueError, match="folders of different names"):
        write_image_folder(replace(scans, y=scans.y.map({"ill": "a/b", "well": "a:b"})), tmp_path)


def test_what_png_cannot_hold_is_refused_before_anything_is_written(scans, tmp_path):
    with pytest.raises(ValueError, match="got float32 of shape"):
        write_image_folder(replace(scans, X=scans.X.astype(np.float32)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_files_is_left_alone(scans, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="new or an empty folder"):
        write_image_folder(scans, Path(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
