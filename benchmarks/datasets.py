"""The tables of the benchmark, as raw frames that every model gets alike."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from appkit.exceptions import DatasetNotFoundError

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
    """Return the table called ``name``, read from ``$APPKIT_DATA``.

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


def _read_german_credit() -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.read_csv(_path("finance/german_credit/german.data"), sep=" ", header=None)
    frame.columns = [f"column_{i}" for i in range(1, 22)]
    return _split_target(frame, "column_21", event=2)


def _read_heloc() -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.read_csv(_path("finance/heloc/heloc_dataset_v1.csv"))
    X, y = _split_target(frame, "RiskPerformance", event="Bad")
    has_record = (X != -9).any(axis=1).to_numpy()  # 588 applicants have no bureau record at all
    return X[has_record].reset_index(drop=True), y[has_record]


def _read_hmeq() -> tuple[pd.DataFrame, np.ndarray]:
    return _split_target(pd.read_csv(_path("finance/hmeq/hmeq.csv")), "BAD", event=1)


def _read_adult() -> tuple[pd.DataFrame, np.ndarray]:
    parts = [_path(f"finance/adult/adult.{part}.gz") for part in ("data", "test")]
    read = [pd.read_csv(part, header=None, na_values="?", skipinitialspace=True) for part in parts]
    frame = pd.concat(read, ignore_index=True)
    frame.columns = list(_ADULT_COLUMNS)
    frame["income"] = frame["income"].str.rstrip(".")
    return _split_target(frame, "income", event=">50K")


def _read_give_me_some_credit() -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.read_csv(_path("finance/give_me_some_credit/cs-training.csv.gz"), index_col=0)
    return _split_target(frame.reset_index(drop=True), "SeriousDlqin2yrs", event=1)


def _read_ai4i2020() -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.read_csv(_path("manufacturing/ai4i2020/ai4i2020.csv"), encoding="utf-8-sig")
    # Failure modes are consequences of the target, UDI and Product ID number the rows.
    leaks = ["UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"]
    return _split_target(frame.drop(columns=leaks), "Machine failure", event=1)


def _read_steel_plates() -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.read_csv(_path("manufacturing/steel_plates/faults.csv"))
    classes = frame["failure.type"].to_numpy(dtype=np.int64)
    return frame.drop(columns=["failure.type", "target"]), classes


def _split_target(frame: pd.DataFrame, target: str, *, event: object) -> tuple[pd.DataFrame, np.ndarray]:
    return frame.drop(columns=target), (frame[target] == event).to_numpy(dtype=np.int64)


def _path(relative: str) -> Path:
    folder = os.environ.get("APPKIT_DATA")
    if folder is None:
        raise DatasetNotFoundError("The benchmark reads its tables from $APPKIT_DATA: set it to the data folder.")
    path = Path(folder) / relative
    if not path.exists():
        raise DatasetNotFoundError(f"No file {path}: put {path.name} there or set APPKIT_DATA.")
    return path


_ADULT_COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship",
    "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip

_READERS: dict[str, Callable[[], tuple[pd.DataFrame, np.ndarray]]] = {
    "german_credit": _read_german_credit,
    "heloc": _read_heloc,
    "hmeq": _read_hmeq,
    "adult": _read_adult,
    "give_me_some_credit": _read_give_me_some_credit,
    "ai4i2020": _read_ai4i2020,
    "steel_plates": _read_steel_plates,
}
_HEADLINES = {"ai4i2020": "average_precision", "steel_plates": "macro_f1"}
TABLES = tuple(_READERS)
