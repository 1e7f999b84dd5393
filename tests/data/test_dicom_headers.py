"""The table of a folder of DICOM says whose each image is, and passes over what is none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from appkit.data.dicom_headers import dicom_table
from appkit.exceptions import SchemaError

pydicom = pytest.importorskip("pydicom")
from pydicom.data import data_manager  # noqa: E402  # after the skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images of one shipped file, ten before two by the alphabet, a report and a note."""
    shipped = Path(data_manager.DATA_ROOT) / "test_files"
    dataset = pydicom.dcmread(shipped / "CT_small.dcm")
    facts = {"2": ("p2", "F", "045Y"), "10": ("p10", "M", "018M"), "3": ("p2", "", "")}
    for number, (patient, sex, age) in facts.items():
        dataset.PatientID, dataset.PatientSex, dataset.PatientAge = patient, sex, age
        dataset.StationName, dataset.InstitutionName, dataset.StudyDate = "CT1", "North", "20240229"
        dataset.save_as(tmp_path / f"scan {number}")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "report.dcm").write_bytes((shipped / "test-SR.dcm").read_bytes())
    (tmp_path / "DICOMDIR").write_bytes((shipped / "dicomdirtests/DICOMDIR").read_bytes())
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def test_a_row_per_image_in_natural_order(folder):
    table = dicom_table(folder)
    assert [Path(path).name for path in table["path"]] == ["scan 2", "scan 3", "scan 10"]
    assert table["patient"].tolist() == ["p2", "p2", "p10"]
    assert table["study"].nunique() == 1
    assert (table["modality"] == "CT").all()
    assert table.loc[0, ["manufacturer", "model", "station", "site"]].tolist() == [
        "GE MEDICAL SYSTEMS",
        "RHAPSODE",
        "CT1",
        "North",
    ]


def test_ages_are_years_sexes_words_dates_dates_and_what_is_not_said_is_missing(folder):
    table = dicom_table(folder)
    np.testing.assert_allclose(table["age"], [45, np.nan, 1.5])
    assert table["sex"].isna().tolist() == [False, True, False]
    assert table["sex"].dropna().tolist() == ["female", "male"]
    assert (table["date"] == pd.Timestamp("2024-02-29")).all()


def test_a_column_that_no_file_fills_is_all_missing(folder):
    for path in folder.glob("scan *"):
        dataset = pydicom.dcmread(path)
        dataset.PatientSex = dataset.InstitutionName = dataset.StudyDate = dataset.PatientAge = ""
        dataset.save_as(path)
    assert dicom_table(folder)[["sex", "site", "date", "age"]].isna().all(axis=None)


def test_no_name_of_a_patient_is_read(folder):
    assert "name" not in " ".join(dicom_table(folder).columns).lower()
    assert not dicom_table(folder).astype(str).isin(["CompressedSamples^CT1"]).any(axis=None)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_the_folder_that_comes_with_pydicom_becomes_a_table():
    table = dicom_table(Path(data_manager.DATA_ROOT) / "test_files" / "dicomdirtests")
    assert table["modality"].value_counts()["MR"] > 10
    assert table["patient"].notna().all()


def test_a_folder_without_dicom_images_is_refused(folder, tmp_path):
    for path in folder.glob("scan *"):
        path.unlink()
    with pytest.raises(SchemaError, match=r"folder must hold at least one DICOM image, got none in"):
        dicom_table(folder)
    with pytest.raises(SchemaError, match=r"folder must be a folder that exists, got .*nowhere"):
        dicom_table(tmp_path / "nowhere")


def test_files_that_cannot_be_read_are_named_ten_at_most(folder):
    for number in range(12):
        (folder / f"broken {number}.dcm").write_bytes(bytes(20))
    with pytest.raises(SchemaError) as caught:
        dicom_table(folder)
    assert len(caught.value.problems) == 11
    assert "broken 0.dcm' is no DICOM file" in caught.value.problems[0]
    assert caught.value.problems[-1] == "... and 2 files more."
