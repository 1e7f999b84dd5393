"""Open a saved model and the rows it is asked about."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appkit.commands.series import is_of_series
from appkit.commands.tables import check_columns, read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["open_model_and_table", "without_columns"]


def open_model_and_table(model: Path, file: Path) -> "tuple[Any, pd.DataFrame]":
    """Return a saved model and a table whose category columns were read as text, as the model knows them."""
    from appkit.persistence import load

    loaded = load(model, device="auto")
    if is_of_series(loaded):
        table = read_table(file)
        check_columns(table, (loaded.unit, loaded.time), path=file)
        return loaded, table
    texts = [column.name for column in loaded.schema_ if column.kind == "category"]
    return loaded, read_table(file, texts=texts)


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
