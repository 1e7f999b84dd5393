"""Read a folder of images sorted into sub-folders, one per class, as a table of paths, labels and patients."""

import re
import warnings
from os import PathLike
from pathlib import Path

import pandas as pd

from appkit.data.cells import shown
from appkit.data.dicom import is_dicom
from appkit.data.folders import files_below
from appkit.exceptions import DataWarning, SchemaError

__all__ = ["read_image_folder"]

SHOWN = 10  # problems, in one error
_ORDINARY = (".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".tga")
ENDINGS = frozenset([*_ORDINARY, ".jp2", ".j2k", ".ppm", ".pgm", ".pnm", ".dcm", ".dicom"])


def read_image_folder(folder: str | PathLike[str], *, patient: str | PathLike[str] | None = None) -> pd.DataFrame:
    """Return one row per image below a folder whose sub-folders are the classes.

    An image may lie deeper than its class: ``pneumonia/site a/4711/2.png``. Hidden files are left out; how many other
    files are no images is said in a :class:`~appkit.exceptions.DataWarning`. No image is opened.

    Parameters
    ----------
    folder
        Where the sub-folders are.
    patient
        Whose each image is. A regular expression with one group, searched for in the path below ``folder`` (with ``/``
        between its parts): ``r"/(p\\d+)_"``. Or the path of a ``.csv`` file with a row per image: columns ``path``
        (below ``folder``) and ``patient``, kept as text, and any others (sex, age, site), which are joined on.

    Returns
    -------
    pandas.DataFrame
        In natural order. Columns ``path`` (with ``folder`` in front), ``label`` (name of the sub-folder), ``patient``
        where it is known, and the others of the CSV file.

    Raises
    ------
    SchemaError
        For a folder that is absent or holds no image, an image beside the classes, a single class, an image without a
        patient or with several rows, or a CSV file without the two columns. Ten images at most are named.
    ValueError
        For a regular expression that is none, or has not exactly one group.
    """
    root = Path(folder)
    listing = None if patient is None or Path(patient).suffix.lower() != ".csv" else Path(patient)
    paths = _image_paths(root, listing=listing)
    table = pd.DataFrame({"path": [str(root / path) for path in paths], "label": [path.parts[0] for path in paths]})
    _check_classes(table["label"], root)
    if patient is None:
        return table
    below = pd.Series([path.as_posix() for path in paths])
    if listing is not None:
        return table.join(_joined(below, listing))
    return table.assign(patient=_patients(below, str(patient)))


def _image_paths(root: Path, *, listing: Path | None) -> list[Path]:
    """Return the images below a folder, relative to it; each must lie in a sub-folder."""
    files = [path for path in files_below(root) if listing is None or not _is_same(root / path, listing)]
    paths = [path for path in files if path.suffix.lower() in ENDINGS or is_dicom(root / path)]
    beside = [path for path in paths if len(path.parts) == 1]
    if not paths:
        raise SchemaError(f"folder must hold sub-folders of images, got no image in {str(root)!r}. Correct the path.")
    if beside:
        raise SchemaError(
            f"Every image must lie in the sub-folder of its class, got {len(beside)} directly in {str(root)!r} "
            f"(first: {shown(beside[0].name)}). Sort them, or give a table of paths and labels."
        )
    if len(files) > len(paths):
        kept = set(paths)
        first = next(path for path in files if path not in kept)
        warnings.warn(
            f"Left out {len(files) - len(paths)} of {len(files)} files in {str(root)!r} that are no images "
            f"(first: {shown(first.as_posix())}).",
            DataWarning,
            stacklevel=3,
        )
    return paths


def _is_same(path: Path, other: Path) -> bool:
    return path.name == other.name and other.is_file() and path.samefile(other)


def _check_classes(labels: pd.Series, root: Path) -> None:
    if labels.nunique() == 1:
        raise SchemaError(
            f"folder must hold at least two classes, got only {shown(labels.iloc[0])} with {len(labels)} images in "
            f"{str(root)!r}. Each class is a sub-folder of it."
        )


def _patients(below: pd.Series, pattern: str) -> pd.Series:
    """Return what the one group of a regular expression matches in each path."""
    try:
        expression = re.compile(pattern)
    except re.error as err:
        raise ValueError(f"patient must be a regular expression or a .csv file, got {pattern!r} ({err}).") from err
    if expression.groups != 1:
        raise ValueError(
            f"patient must be a regular expression with one group, got {expression.groups} in {pattern!r}."
        )
    matches = [expression.search(path) for path in below]
    found = pd.Series([match[1] if match else None for match in matches], dtype="str")
    missing = below[found.isna() | (found == "")]
    if len(missing):
        raise SchemaError(_listed(f"patient={pattern!r} must match every path, but does not", missing))
    return found


def _joined(below: pd.Series, file: Path) -> pd.DataFrame:
    """Return the columns of a CSV file for each image, without ``path``."""
    if not file.is_file():
        raise SchemaError(f"patient must be a .csv file that exists, got {str(file)!r}. Correct the path.")
    table = pd.read_csv(file, dtype={"path": "str", "patient": "str"})
    absent = [name for name in ("path", "patient") if name not in table]
    if absent:
        raise SchemaError(f"{file.name} must have the columns 'path' and 'patient', got {', '.join(table.columns)}.")
    if "label" in table:
        raise SchemaError(
            f"{file.name} must have no column 'label': the sub-folders are the labels. Drop or rename it."
        )
    table["path"] = table["path"].str.replace("\\", "/", regex=False).str.removeprefix("./")
    twice = table["path"][table["path"].duplicated()].drop_duplicates()
    if len(twice):
        raise SchemaError(_listed(f"{file.name} must have one row per image, but has several", twice))
    rows = table.set_index("path").reindex(below).reset_index(drop=True)
    unknown = below[rows["patient"].isna().to_numpy()]
    if len(unknown):
        raise SchemaError(_listed(f"{file.name} must say the patient of every image, but does not", unknown))
    return rows


def _listed(problem: str, paths: pd.Series) -> str:
    names = ", ".join(shown(path) for path in paths.head(SHOWN))
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"{problem} for {len(paths)} {'path' if len(paths) == 1 else 'paths'}: {names}{more}."
