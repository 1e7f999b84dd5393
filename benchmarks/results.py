"""Results on disk, one JSON line per fit, so that slow peers run once and a run can be continued."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["Record", "ResultStore"]


@dataclass(frozen=True)
class Record:
    """One fit of one model on one fold, with everything its numbers depend on.

    ``fingerprint`` stands for the model's versions, parameters and, for ours, sources; times are seconds.
    """

    table: str
    data_hash: str
    model: str
    fingerprint: str
    seed: int
    n_folds: int
    repeat: int
    fold: int
    threads: int
    scores: Mapping[str, float]
    fit_cpu: float
    fit_wall: float
    predict_cpu: float
    predict_wall: float
    n_train: int
    n_test: int
    versions: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    finished: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """What makes a second run of the same fit unnecessary."""
        return (self.data_hash, self.model, self.fingerprint, self.threads, *self.split)

    @property
    def split(self) -> tuple[int, int, int, int]:
        """The rows it was trained and tested on."""
        return (self.seed, self.n_folds, self.repeat, self.fold)


class ResultStore:
    """Records of a folder, one file per table; written line by line, so that a killed run loses one fit.

    Parameters
    ----------
    folder
        Created with the first record.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def read(self, table: str) -> list[Record]:
        """Return the records of a table in the order they were made."""
        path = self._path(table)
        if not path.exists():
            return []
        parsed = (_parse(line) for line in path.read_text(encoding="utf-8").splitlines())
        return [record for record in parsed if record is not None]

    def add(self, record: Record) -> None:
        """Append one record."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path(record.table).open("a", encoding="utf-8") as file:
            # The line starts the write, so that one cut off by a kill does not swallow the next.
            file.write("\n" + json.dumps(asdict(record), sort_keys=True))

    def _path(self, table: str) -> Path:
        return self.folder / f"{table}.jsonl"


def _parse(line: str) -> Record | None:
    try:
        return Record(**json.loads(line))
    except json.JSONDecodeError:  # blank, or cut off
        return None
