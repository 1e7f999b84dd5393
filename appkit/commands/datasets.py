"""``appkit datasets``: list, describe and write the public data sets."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.archive import unfinished
from appkit.commands.console import results, tell
from appkit.commands.tables import check_folder, check_writable_table, write_table

if TYPE_CHECKING:
    from appkit.data import Dataset
    from appkit.data.image_dataset import ImageDataset
    from appkit.data.interaction_dataset import InteractionDataset

__all__ = ["datasets"]


def datasets(
    name: Annotated[str | None, typer.Argument(help="Data set to describe; all are listed otherwise.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the table here, .csv, .parquet or .json; images into this folder.")
    ] = None,
) -> None:
    """List the data sets, describe one, or write one: a table as a table, images as files in a folder per class.

    Examples:

      appkit datasets

      appkit datasets german_credit

      appkit datasets german_credit --out german.csv

      appkit datasets make_phantoms --out phantoms/
    """
    loaders = _loaders()
    if name is None:
        if out is not None:
            raise typer.BadParameter("--out needs the name of a data set.")
        _list(loaders)
        return
    if name not in loaders:
        raise typer.BadParameter(f"NAME must be one of {', '.join(loaders)}, got {name!r}.")
    if out is None:
        results().print(loaders[name]().describe())
        return
    dataset: Any = loaders[name]()
    if _holds_images(dataset):
        _write_images(dataset, out)
    elif _holds_interactions(dataset):
        _write_interactions(dataset, out)
    else:
        _write_table(dataset, out)


def _holds_images(dataset: "Dataset | ImageDataset") -> bool:
    from appkit.data.image_dataset import ImageDataset

    return isinstance(dataset, ImageDataset)


def _holds_interactions(dataset: Any) -> bool:
    from appkit.data.interaction_dataset import InteractionDataset

    return isinstance(dataset, InteractionDataset)


def _write_images(dataset: Any, out: Path) -> None:
    """Write images into a folder, which is there when all of them are."""
    from appkit.data.image_export import write_image_folder

    if out.suffix:
        raise ValueError(f"{out} must be a folder, for {dataset.name} holds images. Name one without an ending.")
    check_folder(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise FileExistsError(f"{out} must be a new or an empty folder. Name another.")
    with unfinished(out) as partial:
        table = write_image_folder(dataset, partial)
        if out.exists():
            out.rmdir()
        partial.replace(out)
    said = [f"{len(table):,} images of {table.iloc[:, 1].nunique()} classes to {out}"]
    said += [f"{name}.csv has {n:,}" for name, n in table["part"].value_counts(sort=False).items()]
    tell(f"Wrote {', '.join(said)}; the target is {table.columns[1]}{_event_and_patient(dataset)}.")


def _event_and_patient(dataset: "ImageDataset") -> str:
    event = "" if dataset.event is None else f", the event {dataset.event!r}"
    return event if dataset.groups is None else f"{event}, patients are in patient"


def _write_interactions(dataset: "InteractionDataset", out: Path) -> None:
    check_writable_table(out)
    write_table(dataset.X, out)
    roles = ", ".join(f"the {role} {column}" for role, column in dataset.columns.items() if column is not None)
    tell(f"Wrote {len(dataset.X):,} rows to {out}; {roles}.")


def _write_table(dataset: "Dataset", out: Path) -> None:
    check_writable_table(out)
    target = str(dataset.y.name or "target")
    write_table(dataset.X.assign(**{target: dataset.y}), out)
    tell(f"Wrote {len(dataset.X):,} rows to {out}; {_roles(dataset, target)}.")


def _roles(dataset: "Dataset", target: str) -> str:
    """Say which options of ``appkit fit`` the columns are."""
    said = [f"the target is {target}"]
    if dataset.event is not None:
        said.append(f"the event {dataset.event!r}")
    if dataset.unit is not None:
        said.append(f"the unit {dataset.unit}, the time {dataset.time_column}")
    return ", ".join(said)


def _loaders() -> "Mapping[str, Callable[[], Dataset | ImageDataset]]":
    from appkit.domain import discover_domains

    return {name: load for domain in discover_domains().values() for name, load in domain.datasets.items()}


def _list(loaders: "Mapping[str, Callable[[], Dataset | ImageDataset]]") -> None:
    lines = [("name", "rows", "columns or pixels", "here", "licence"), *_lines(loaders)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for name, rows, columns, here, licence in lines:
        numbers = f"{rows:>{widths[1]}}  {columns:>{widths[2]}}"
        results().print(f"{name:<{widths[0]}}  {numbers}  {here:<{widths[3]}}  {licence}")


def _lines(loaders: "Mapping[str, Callable[[], Dataset | ImageDataset]]") -> Iterator[tuple[str, ...]]:
    from appkit.exceptions import DatasetNotFoundError

    for name, load in loaders.items():
        try:
            dataset = load()
        except DatasetNotFoundError:
            yield name, "", "", "no", f"appkit datasets {name} says where to get it"
        else:
            yield name, f"{len(dataset.X):,}", _width(dataset), "yes", dataset.licence


def _width(dataset: Any) -> str:
    """Return the number of columns of a table, the pixels of an image where all have as many."""
    if not _holds_images(dataset):
        return str(dataset.X.shape[1])
    return "files" if dataset.X.ndim == 2 else " x ".join(map(str, dataset.X.shape[1:]))
