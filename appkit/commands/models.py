"""Open a saved model and the rows it is asked about."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appkit.commands.images import is_of_images
from appkit.commands.series import is_of_series
from appkit.commands.tables import check_columns, read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["open_model", "read_rows", "without_columns"]


def open_model(model: Path, **of_images: Any) -> Any:
    """Return a saved model.

    Parameters
    ----------
    model
        What ``appkit fit`` saved.
    of_images
        What the user gave to the options that are there for models of images alone; ``None`` for nothing.

    Raises
    ------
    ValueError
        If such an option is given, and the model judges rows or series.
    """
    from appkit.persistence import load

    loaded = load(model, device="auto")
    given = [name for name, value in of_images.items() if value is not None]
    if given and not is_of_images(loaded):
        option = given[0].replace("_", "-")
        raise ValueError(f"--{option} is for models of images; {type(loaded).__name__} judges no images.")
    return loaded


def read_rows(model: Any, file: Path) -> "pd.DataFrame":
    """Return a table whose category columns were read as text, as a model of rows or series knows them."""
    if is_of_series(model):
        table = read_table(file)
        check_columns(table, (model.unit, model.time), path=file)
        return table
    texts = [column.name for column in model.schema_ if column.kind == "category"]
    return read_table(file, texts=texts)


def without_columns(table: "pd.DataFrame", model: Path, *, keep: Sequence[str], file: Path) -> "pd.DataFrame":
    """Return the rows as the model takes them: without ``keep``, and without what was no feature in ``appkit fit``."""
    from appkit.persistence import read_notes

    check_columns(table, keep, path=file)
    dropped = {*keep, *_set_aside(read_notes(model).get("columns"))}
    return table.drop(columns=[name for name in table.columns if name in dropped])


def _set_aside(columns: Any) -> Iterator[str]:
    """Yield the columns that notes of a model name by role, one or several; notes are not trusted."""
    for names in columns.values() if isinstance(columns, dict) else ():
        yield from (name for name in (names if isinstance(names, list) else [names]) if isinstance(name, str))
