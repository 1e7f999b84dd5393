"""Runs on disk, one JSON line each, so that a killed benchmark goes on where it stopped."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["Run", "RunStore"]


@dataclass(frozen=True)
class Run:
    """One method at one budget in one round: what it cost, how right it was, or why it failed.

    ``evaluations`` and ``seconds`` are per explained row; ``limit_before`` and ``limit_after`` are rows per second of
    the network alone. ``failure`` is empty where the method answered. ``top`` holds each row's five largest players.
    """

    problem: str
    problem_hash: str
    is_quick: bool
    method: str
    fingerprint: str
    question: str
    budget: int
    round: int
    device: str
    threads: int
    n_explained: int = 0
    evaluations: float = float("nan")
    seconds: float = float("nan")
    limit_before: float = float("nan")
    limit_after: float = float("nan")
    scores: Mapping[str, float] = field(default_factory=dict)
    truth: str = ""
    truth_error: float = float("nan")
    top: tuple[tuple[int, ...], ...] = ()
    failure: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    finished: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """What makes a second run unnecessary."""
        where = (self.problem, self.problem_hash, self.device, self.threads)
        return (*where, self.method, self.fingerprint, self.budget, self.round)

    @property
    def limit(self) -> float:
        """Rows per second of the network alone around the run."""
        return (self.limit_before + self.limit_after) / 2

    @property
    def passes(self) -> float:
        """Seconds in evaluations that the network alone would have made meanwhile: cost whatever else ran beside."""
        return self.seconds * self.limit


class RunStore:
    """Runs of a folder, one file per problem.

    Parameters
    ----------
    folder
        Created with the first run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def read(self, problem: str) -> list[Run]:
        """Return the runs of a problem in the order they were made."""
        path = self._path(problem)
        if not path.exists():
            return []
        parsed = (_parse(line) for line in path.read_text(encoding="utf-8").splitlines())
        return [run for run in parsed if run is not None]

    def add(self, run: Run) -> None:
        """Append one run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path(run.problem).open("a", encoding="utf-8") as file:
            # The line starts the write, so that one cut off by a kill does not swallow the next.
            file.write("\n" + json.dumps(asdict(run), sort_keys=True))

    def _path(self, problem: str) -> Path:
        return self.folder / f"{problem}.jsonl"


def _parse(line: str) -> Run | None:
    try:
        return Run(**json.loads(line))
    except json.JSONDecodeError:  # blank, or cut off
        return None
