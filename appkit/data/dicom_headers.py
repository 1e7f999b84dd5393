"""A table of the DICOM images below a folder: whose they are, and which machine made them where and when."""

import math
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.dicom import is_dicom, open_dicom
from appkit.data.folders import files_below
from appkit.exceptions import SchemaError

__all__ = ["dicom_table"]

SHOWN = 10  # problems, in one error

_TAGS: Mapping[str, str] = {
    "patient": "PatientID",
    "study": "StudyInstanceUID",
    "sex": "PatientSex",
    "age": "PatientAge",
    "modality": "Modality",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "station": "StationName",
    "site": "InstitutionName",
    "date": "StudyDate",
}
_SEXES = {"F": "female", "M": "male", "O": "other"}
_AGE_UNITS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}  # in years


def dicom_table(folder: str | PathLike[str]) -> pd.DataFrame:
    """Return one row per DICOM image below a folder, with what its header says; no pixel is read.

    Other files are passed over, and so are DICOM files without a picture (reports, plans, the DICOMDIR). Names of
    patients are left where they are.

    Parameters
    ----------
    folder
        Where to look, sub-folders included.

    Returns
    -------
    pandas.DataFrame
        In natural order of the paths. Columns ``path``, ``patient`` and ``study`` (their identifiers), ``sex``
        (``"female"``, ``"male"``, ``"other"``), ``age`` (years), ``modality``, ``manufacturer``, ``model``,
        ``station``, ``site`` (the institution) and ``date`` (of the study). Missing where the header says nothing.

    Raises
    ------
    SchemaError
        Where no file is a DICOM image, or some cannot be read: they are named, ten at most.
    MissingDependencyError
        If pydicom is absent.
    """
    root = Path(folder)
    rows: list[dict[str, str | None]] = []
    problems: list[str] = []
    for path in (root / below for below in files_below(root)):
        if not is_dicom(path):
            continue
        try:
            header = open_dicom(path, only=[*_TAGS.values(), "Rows"])
        except SchemaError as err:
            problems.append(str(err))
            continue
        if "Rows" in header:  # what is no picture has none
            rows.append({"path": str(path), **{name: _text(header, tag) for name, tag in _TAGS.items()}})
    if problems:
        more = [f"... and {len(problems) - SHOWN} files more."] if len(problems) > SHOWN else []
        raise SchemaError([*problems[:SHOWN], *more])
    if not rows:
        raise SchemaError(f"folder must hold at least one DICOM image, got none in {str(folder)!r}.")
    return _typed(pd.DataFrame(rows, dtype="str"))


def _text(header: Any, tag: str) -> str | None:
    value = header.get(tag)
    return None if value is None or not str(value).strip() else str(value).strip()


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    dates = pd.to_datetime(table["date"].str.replace(".", "", regex=False), format="%Y%m%d", errors="coerce")
    ages = pd.Series([_years(age) for age in table["age"]], dtype=np.float64, index=table.index)
    return table.assign(sex=table["sex"].map(_SEXES).astype("str"), age=ages, date=dates)


def _years(age: Any) -> float:
    """Return DICOM's ``"018M"`` in years."""
    match = re.fullmatch(r"(\d{1,3})([DWMY])", str(age))
    return int(match[1]) * _AGE_UNITS[match[2]] if match else math.nan
