"""``appkit datasets``: list, describe and export the public data sets."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from appkit.commands.console import results, tell
from appkit.commands.tables import check_writable_table, write_table

if TYPE_CHECKING:
    from appkit.data import Dataset

__all__ = ["datasets"]


def datasets(
    name: Annotated[str | None, typer.Argument(help="Data set to describe; all are listed otherwise.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the table here: .csv, .parquet or .json.")] = None,
) -> None:
    """List the data sets, describe one, or write one as a table.

    Examples:

      appkit datasets

      appkit datasets german_credit

      appkit datasets german_credit --out german.csv
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
    check_writable_table(out)
    dataset = loaders[name]()
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


def _loaders() -> "Mapping[str, Callable[[], Dataset]]":
    from appkit.domain import discover_domains

    return {name: load for domain in discover_domains().values() for name, load in domain.datasets.items()}


def _list(loaders: "Mapping[str, Callable[[], Dataset]]") -> None:
    lines = [("name", "rows", "columns", "here", "licence"), *_lines(loaders)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for name, rows, columns, here, licence in lines:
        numbers = f"{rows:>{widths[1]}}  {columns:>{widths[2]}}"
        results().print(f"{name:<{widths[0]}}  {numbers}  {here:<{widths[3]}}  {licence}")


def _lines(loaders: "Mapping[str, Callable[[], Dataset]]") -> Iterator[tuple[str, ...]]:
    from appkit.exceptions import DatasetNotFoundError

    for name, load in loaders.items():
        try:
            dataset = load()
        except DatasetNotFoundError:
            yield name, "", "", "no", f"appkit datasets {name} says where to get it"
        else:
            yield name, f"{dataset.X.shape[0]:,}", str(dataset.X.shape[1]), "yes", dataset.licence
