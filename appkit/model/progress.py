"""Show how far a fit is, on a terminal that can show it."""

import sys
from typing import Any, Literal

from appkit.model.training import Epoch

__all__ = ["FitProgress", "RecommenderProgress"]


class FitProgress:
    """Progress bar over networks and epochs; a context manager that does nothing when off.

    Parameters
    ----------
    shown
        ``"auto"`` shows it only where standard error is a terminal.
    n_networks, max_epochs
        What is ahead at most; early stopping ends a network sooner.
    """

    def __init__(self, shown: bool | Literal["auto"], *, n_networks: int, max_epochs: int) -> None:
        self.is_shown = sys.stderr.isatty() if shown == "auto" else bool(shown)
        self.n_networks, self.max_epochs = n_networks, max_epochs
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "FitProgress":
        if self.is_shown:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("fit", total=self.n_networks * self.max_epochs)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, network: int, line: Epoch) -> None:
        """Move on to ``line`` of the given network."""
        if self._bar is None:
            return
        text = f"network {network + 1}/{self.n_networks}  epoch {line.epoch}  held-out loss {line.validation_loss:.4f}"
        self._bar.update(self._task, completed=network * self.max_epochs + line.epoch, description=text)


class RecommenderProgress:
    """Progress bar over the epochs of whatever recommender is being tried; does nothing when off.

    Parameters
    ----------
    shown
        ``"auto"`` shows it only where standard error is a terminal.
    """

    def __init__(self, shown: bool | Literal["auto"]) -> None:
        self.is_shown = sys.stderr.isatty() if shown == "auto" else bool(shown)
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "RecommenderProgress":
        if self.is_shown:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("fit", total=None)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def epochs(self, family: str, done: int, most: int) -> None:
        """Move on to an epoch of a family."""
        if self._bar is not None:
            self._bar.update(self._task, description=family, completed=done, total=most)
