"""The tables of the benchmark, as raw frames that every model gets alike."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from appkit.data import Source, find_file

__all__ = ["TABLES", "Table", "load_table", "table_hash"]


@dataclass(frozen=True)
class Table:
    """A classification table.

    Parameters
    ----------
    name
        Name on the command line.
    X
        Raw feature columns: numbers, strings, missing cells.
    y
        Class numbers, int (n_rows,); for two classes 1 is the event.
    headline
        Metric that ranks the models on this table.
    """

    name: str
    X: pd.DataFrame
    y: np.ndarray  # int (n_rows,)
    headline: str

    @property
    def n_classes(self) -> int:
        """Number of distinct classes."""
        return len(np.unique(self.y))


def load_table(name: str) -> Table:
    """Return the table called ``name``; where its file is looked for, see ``appkit.data.find_file``.

    Raises
    ------
    ValueError
        If no table has this name.
    DatasetNotFoundError
        If its file is not there.
    """
    if name not in _READERS:
        raise ValueError(f"data must be one of {', '.join(TABLES)}, got {name!r}.")
    X, y = _READERS[name]()
    return Table(name, X, y, headline=_HEADLINES.get(name, "auc"))


def table_hash(table: Table) -> str:
    """Return a hash of the values, the column order and the labels; column names and dtypes do not count."""
    digest = hashlib.sha256(np.asarray(table.y, dtype=np.int64).tobytes())
    for _, column in table.X.items():
        digest.update(_column_bytes(column))
    return digest.hexdigest()[:16]


def _column_bytes(column: pd.Series) -> bytes:
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan).tobytes()
    return "\x00".join(column.astype(object).where(column.notna(), "\x01").astype(str)).encode()


def _read_finance(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    from domains.finance import data as finance

    dataset = getattr(finance, f"load_{name}")()
    return dataset.X, (dataset.y == dataset.event).to_numpy(dtype=np.int64)


def _read_ai4i2020() -> tuple[pd.DataFrame, np.ndarray]:
    path = find_file(Source("manufacturing/ai4i2020/ai4i2020.csv", address=f"{_UCI}/601"))
    frame = pd.read_csv(path, encoding="utf-8-sig")
    # Failure modes are consequences of the target, UDI and Product ID number the rows.
    leaks = ["UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"]
    return _split_target(frame.drop(columns=leaks), "Machine failure", event=1)


def _read_steel_plates() -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.read_csv(find_file(Source("manufacturing/steel_plates/faults.csv", address=f"{_UCI}/198")))
    classes = frame["failure.type"].to_numpy(dtype=np.int64)
    return frame.drop(columns=["failure.type", "target"]), classes


def _split_target(frame: pd.DataFrame, target: str, *, event: object) -> tuple[pd.DataFrame, np.ndarray]:
    return frame.drop(columns=target), (frame[target] == event).to_numpy(dtype=np.int64)


_UCI = "https://archive.ics.uci.edu/dataset"
_FINANCE = ("german_credit", "heloc", "hmeq", "adult", "give_me_some_credit")
_READERS: dict[str, Callable[[], tuple[pd.DataFrame, np.ndarray]]] = {
    **{name: partial(_read_finance, name) for name in _FINANCE},
    "ai4i2020": _read_ai4i2020,
    "steel_plates": _read_steel_plates,
}
_HEADLINES = {"ai4i2020": "average_precision", "steel_plates": "macro_f1"}
TABLES = tuple(_READERS)
