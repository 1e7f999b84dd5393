"""Images on the command line: a folder, a table of paths or one file, as the table that models of images take."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appkit.commands.tables import check_columns, is_table, read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LABEL",
    "ImageRows",
    "digest_of",
    "is_of_images",
    "labelled_images",
    "reads_images",
    "unlabelled_images",
]

LABEL = "label"  # column of an image folder, as the next two
_PATH, _PATIENT = "path", "patient"


@dataclass(frozen=True, eq=False)
class ImageRows:
    """One row per image.

    Parameters
    ----------
    table
        What the model takes: paths that can be opened in the column ``image``, and whatever else is known.
    names
        The paths as they were given: below their folder, or as the table has them.
    image
        Column of the paths.
    patient
        Column that says whose each image is, where anybody knows.
    """

    table: "pd.DataFrame"
    names: "pd.Series"
    image: str
    patient: str | None = None

    def named(self, more: Iterable[str] = ()) -> "pd.DataFrame":
        """Return the columns that say which image a row is about, and more of them."""
        columns = [self.image, *(name for name in dict.fromkeys(more) if name != self.image)]
        return self.table.assign(**{self.image: self.names})[columns]


def reads_images(estimator: Any) -> bool:
    """Return whether an estimator takes images, fitted or not, class or instance."""
    return hasattr(estimator, "encode_images")


def is_of_images(model: Any) -> bool:
    """Return whether a fitted model judges images."""
    from appkit.explanation.games.model import is_of_images as is_explained_by_segments

    return is_explained_by_segments(model)


def labelled_images(
    source: Path, *, image: str | None = None, patient: str | None = None, model: Any = None
) -> ImageRows:
    """Return the images of a folder sorted by class, or of a table.

    Parameters
    ----------
    source
        Folder with a sub-folder per class, or a table with a column of paths, ``.csv`` or ``.parquet``.
    image
        Column of paths, of a table; that of ``model``, or ``"path"``, by default.
    patient
        Of a folder a regular expression over paths or a ``.csv`` file, see ``read_image_folder``; of a table a column.
    model
        Fitted model, whose names the columns of images and patients then have.

    Raises
    ------
    ValueError
        If ``source`` is neither, or a column is missing.
    """
    if source.is_dir():
        return _as_known(_by_class(source, patient), model)
    if not is_table(source):
        raise ValueError(
            f"{source} must be a folder of images with a sub-folder per class, or a table of paths and labels, .csv or "
            f".parquet."
        )
    rows = _of_table(source, image or _image_column(model), patient=patient or getattr(model, "patient", None))
    if patient is not None:
        check_columns(rows.table, [patient], path=source)
    return _as_known(rows, model)


def unlabelled_images(source: Path, *, image: str | None = None, model: Any) -> ImageRows:
    """Return the images of a folder, whatever their sub-folders mean, of a table, or the one of an image file."""
    if source.is_dir():
        rows = _any_below(source)
    elif is_table(source):
        rows = _of_table(source, image or _image_column(model), patient=model.patient)
    else:
        rows = _of_paths([str(source)], names=[source.name])
    return _as_known(rows, model)


def digest_of(rows: ImageRows, *files: Path) -> str:
    """Return the SHA-256 of all images, names and bytes, and of the files that say what they show."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(_digest_of_file(file))
    for name, path in zip(rows.names, rows.table[rows.image], strict=True):
        digest.update(str(name).encode() + b"\0" + _digest_of_file(Path(path)))
    return digest.hexdigest()


def _digest_of_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _by_class(folder: Path, patient: str | None) -> ImageRows:
    from appkit.data.image_folder import read_image_folder

    table = read_image_folder(folder, patient=patient)
    names = table[_PATH].map(lambda path: Path(path).relative_to(folder).as_posix())
    return ImageRows(table, names, _PATH, None if patient is None else _PATIENT)


def _any_below(folder: Path) -> ImageRows:
    from appkit.data.dicom import is_dicom
    from appkit.data.folders import files_below
    from appkit.data.image_folder import ENDINGS

    paths = [path for path in files_below(folder) if path.suffix.lower() in ENDINGS or is_dicom(folder / path)]
    if not paths:
        raise ValueError(f"{folder} must hold images, got none. Correct the path.")
    return _of_paths([str(folder / path) for path in paths], names=[path.as_posix() for path in paths])


def _of_paths(paths: list[str], *, names: list[str]) -> ImageRows:
    import pandas as pd

    return ImageRows(pd.DataFrame({_PATH: paths}), pd.Series(names, name=_PATH), _PATH)


def _of_table(file: Path, image: str, *, patient: str | None) -> ImageRows:
    """Return a table whose paths are below its own folder where they do not start at the root."""
    table = read_table(file, texts=[image] if patient is None else [image, patient])
    try:
        check_columns(table, [image], path=file)
    except ValueError as err:
        raise ValueError(
            f"{err} A model of images needs a column of paths: name it with --image, or give a folder of images."
        ) from err
    names = table[image]
    if names.isna().any():
        row = int(names.isna().to_numpy().argmax())
        raise ValueError(
            f"Column {image!r} of {file} must name an image in every row, and is empty in {names.isna().sum():,} "
            f"(first: row {row}). Fill it, or leave these rows out."
        )
    paths = [str(file.parent / str(name)) for name in names]  # a name from the root on stays as it is
    return ImageRows(table.assign(**{image: paths}), names, image, patient if patient in table else None)


def _image_column(model: Any) -> str:
    return getattr(model, "image", _PATH)


def _as_known(rows: ImageRows, model: Any) -> ImageRows:
    """Return rows whose columns of images and patients are called as ``model`` knows them."""
    if model is None:
        return rows
    table, patient = _renamed(rows.table, rows.image, model.image), rows.patient
    if patient is not None and model.patient is not None:
        table, patient = _renamed(table, patient, model.patient), model.patient
    return ImageRows(table, rows.names.rename(model.image), model.image, patient)


def _renamed(table: "pd.DataFrame", old: str, new: str) -> "pd.DataFrame":
    """Return a table with one column by another name; one that had this name before is gone."""
    return table if old == new else table.drop(columns=[new], errors="ignore").rename(columns={old: new})
