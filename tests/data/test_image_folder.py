"""A folder of classes becomes a table of paths, labels and patients; what does not fit is named."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from appkit.data.image_folder import read_image_folder
from appkit.data.images import read_images
from appkit.exceptions import DataWarning, SchemaError

FILES = ("ill/p2_10.png", "ill/p2_9.png", "ill/deep/p3_1.JPG", "well/p1_1.png", "well/p1_2.png")
ORDER = ["ill/deep/p3_1.JPG", "ill/p2_9.png", "ill/p2_10.png", "well/p1_1.png", "well/p1_2.png"]
PATIENTS = ["p3", "p2", "p2", "p1", "p1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "scans"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), 9, dtype=np.uint8)).save(root / name)
    return root


def below(table: pd.DataFrame, folder: Path) -> list[str]:
    return [Path(path).relative_to(folder).as_posix() for path in table["path"]]


def test_each_image_has_the_label_of_its_sub_folder_in_natural_order(folder):
    table = read_image_folder(folder)
    assert below(table, folder) == ORDER
    assert table["label"].tolist() == ["ill", "ill", "ill", "well", "well"]
    assert list(table.columns) == ["path", "label"]


def test_the_paths_are_read_as_they_are(folder):
    assert read_images(read_image_folder(folder)).pixels.shape == (5, 4, 4, 1)


def test_hidden_files_are_left_out_silently_and_other_files_are_counted(folder):
    (folder / "ill" / ".DS_Store").touch()
    read_image_folder(folder)
    for name in ("notes.txt", "ill/Thumbs.db"):
        (folder / name).touch()
    with pytest.warns(
        DataWarning, match=r"Left out 2 of 7 files in '.*scans' that are no images \(first: 'ill/Thumbs.db'\)"
    ):
        assert len(read_image_folder(folder)) == 5


def test_dicom_without_an_ending_is_an_image(folder):
    (folder / "well" / "IM0001").write_bytes(bytes(128) + b"DICM")
    assert "well/IM0001" in below(read_image_folder(folder), folder)


def test_a_regular_expression_tells_the_patient(folder):
    table = read_image_folder(folder, patient=r"(p\d+)_")
    assert table["patient"].tolist() == PATIENTS


def test_a_regular_expression_that_misses_images_names_them(folder):
    message = "patient='(p[12])_' must match every path, but does not for 1 path: 'ill/deep/p3_1.JPG'."
    with pytest.raises(SchemaError, match=re.escape(message)):
        read_image_folder(folder, patient="(p[12])_")
    with pytest.raises(SchemaError, match="for 5 paths"):
        read_image_folder(folder, patient="(x*)")


@pytest.mark.parametrize(
    ("pattern", "problem"), [("p", "got 0 in"), ("(p)(_)", "got 2 in"), ("(p", "got '\\(p' \\(missing")]
)
def test_a_regular_expression_without_exactly_one_group_is_refused(folder, pattern, problem):
    with pytest.raises(ValueError, match=problem):
        read_image_folder(folder, patient=pattern)


@pytest.fixture
def listing(folder: Path) -> pd.DataFrame:
    """What a CSV file says of the images, in another order, with one image too many."""
    patients = dict(zip(ORDER, ["007", "012", "012", "001", "001"], strict=True)) | {"gone.png": "099"}
    rows = [{"path": path, "patient": patient, "age": 40 + at} for at, (path, patient) in enumerate(patients.items())]
    return pd.DataFrame(rows[::-1])


def test_a_csv_file_tells_the_patient_and_more(folder, listing):
    listing.to_csv(folder / "patients.csv", index=False)
    table = read_image_folder(folder, patient=folder / "patients.csv")
    assert below(table, folder) == ORDER
    assert table["patient"].tolist() == ["007", "012", "012", "001", "001"]
    assert table["age"].tolist() == [40, 41, 42, 43, 44]


def test_paths_written_on_windows_are_understood(folder, listing):
    listing["path"] = ".\\" + listing["path"].str.replace("/", "\\")
    listing.to_csv(folder / "patients.csv", index=False)
    assert read_image_folder(folder, patient=folder / "patients.csv")["age"].tolist() == [40, 41, 42, 43, 44]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows: rows.drop(columns="patient"),
            "patients.csv must have the columns 'path' and 'patient', got path, age",
        ),
        (lambda rows: rows.assign(label="ill"), "patients.csv must have no column 'label'"),
        (
            lambda rows: rows[rows["path"] != ORDER[1]],
            "must say the patient of every image, but does not for 1 path: 'ill/p2_9",
        ),
        (
            lambda rows: rows.assign(patient=rows["patient"].where(rows["path"] != ORDER[0])),
            "does not for 1 path: 'ill/deep/p3_1.JPG'",
        ),
        (
            lambda rows: pd.concat([rows, rows[:2]]),
            "one row per image, but has several for 2 paths: 'gone.png', 'well/p1_2.png'",
        ),
    ],
)
def test_a_csv_file_that_does_not_fit_is_refused(folder, listing, change, message):
    change(listing).to_csv(folder / "patients.csv", index=False)
    with pytest.raises(SchemaError, match=re.escape(message)):
        read_image_folder(folder, patient=folder / "patients.csv")


def test_an_absent_csv_file_is_refused(folder):
    with pytest.raises(SchemaError, match=r"patient must be a .csv file that exists, got '.*none.csv'"):
        read_image_folder(folder, patient=folder / "none.csv")


def test_an_image_beside_the_classes_is_named(folder):
    (folder / "ill" / "p2_9.png").rename(folder / "p2_9.png")
    with pytest.raises(SchemaError, match=r"got 1 directly in '.*scans' \(first: 'p2_9.png'\)"):
        read_image_folder(folder)


def test_a_single_class_is_refused(folder):
    for name in FILES[3:]:
        (folder / name).unlink()
    with pytest.raises(SchemaError, match=r"at least two classes, got only 'ill' with 3 images in '.*scans'"):
        read_image_folder(folder)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(SchemaError, match=r"folder must hold sub-folders of images, got no image in"):
        read_image_folder(tmp_path)
    with pytest.raises(SchemaError, match=r"folder must be a folder that exists, got '.*nowhere'"):
        read_image_folder(tmp_path / "nowhere")


def test_the_brain_scans_are_read_without_hand_work(data_dir):
    table = read_image_folder(data_dir / "medical" / "brain_mri")
    assert table["label"].value_counts().to_dict() == {"yes": 155, "no": 98}
    assert table["path"].str.endswith((".jpg", ".JPG", ".jpeg", ".png")).all()
