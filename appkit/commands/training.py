"""What ``appkit fit`` learns from: a table of rows or readings, or images, with their target."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from appkit.commands.images import LABEL, ImageRows, digest_of, labelled_images, reads_images
from appkit.commands.roles import check_target
from appkit.commands.tables import check_columns, read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainingData", "read_training_data"]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Rows to learn from, or to stop and calibrate on.

    Parameters
    ----------
    source
        File or folder they come from.
    table
        Everything that is known of them, target included.
    target
        Column to learn.
    images
        The images they are; ``None`` for rows of a table.
    parameters
        What an estimator must be told to read the table: its columns of images and patients.
    files
        What says more about images than they do themselves.
    """

    source: Path
    table: "pd.DataFrame"
    target: str
    images: ImageRows | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        check_columns(self.table, [self.target], path=self.source)
        check_target(self.y, path=self.source)

    @property
    def name(self) -> str:
        """Name of the file or folder, without where it lies."""
        return self.source.absolute().name

    @property
    def y(self) -> "pd.Series":
        """The target."""
        return self.table[self.target]

    def column(self, name: str | None) -> "pd.Series | None":
        """Return the column of this name, or ``None`` where nobody named one."""
        return None if name is None else self.table[name]

    def without(self, names: Iterable[str]) -> "pd.DataFrame":
        """Return the table as an estimator takes it: without what is no feature."""
        return self.table.drop(columns=list(names), errors="ignore")

    def notes(self) -> dict[str, str]:
        """Return where the rows come from and the SHA-256 of every byte that was read."""
        if self.images is None:
            digest = hashlib.sha256(self.source.read_bytes()).hexdigest()
        else:
            digest = digest_of(self.images, *self.files)
        return {"data": self.name, "sha256": digest}


def read_training_data(
    source: Path,
    *,
    estimator: type,
    target: str | None,
    image: str | None = None,
    patient: str | None = None,
    texts: Collection[str] = (),
) -> TrainingData:
    """Return what ``estimator`` learns from: a table, or images for one that reads images.

    Parameters
    ----------
    source
        Table, or for images a folder.
    target
        Column to learn; of a folder the sub-folders by default.
    image, patient
        Of images, see :func:`~appkit.commands.images.labelled_images`.
    texts
        Columns of a table to read as text.

    Raises
    ------
    typer.BadParameter
        If nobody says what to learn.
    ValueError
        If a column is missing, or no row has a target.
    """
    if target is None and not (source.is_dir() and reads_images(estimator)):
        if source.is_dir():
            read_table(source)  # raises: a folder is no table
        raise typer.BadParameter("--target must name the column to learn; only folders of images go without.")
    if not reads_images(estimator):
        assert target is not None
        return TrainingData(source, read_table(source, texts=texts), target)
    rows = labelled_images(source, image=image, patient=patient)
    parameters = {"image": rows.image}
    if rows.patient is not None:
        parameters["patient"] = rows.patient
    return TrainingData(source, rows.table, target or LABEL, rows, parameters, _files(source, patient))


def _files(source: Path, patient: str | None) -> tuple[Path, ...]:
    """Return the tables that say what images show and whose they are."""
    if not source.is_dir():
        return (source,)
    return (Path(patient),) if patient is not None and Path(patient).is_file() else ()
