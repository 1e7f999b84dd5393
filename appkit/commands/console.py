"""How commands speak: results on standard output, all else on standard error, errors without traceback."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from appkit.exceptions import DataWarning

__all__ = ["ReadableGroup", "results", "tell"]

_PLAIN: dict[str, Any] = {"soft_wrap": True, "markup": False, "highlight": False}


def results() -> Console:
    """Return the console for what a command was asked for; a pipe gets it unwrapped and without colours."""
    return Console(**_PLAIN)


def tell(text: str) -> None:
    """Print a line about progress, a warning or an error, on standard error."""
    Console(stderr=True, **_PLAIN).print(text)


class ReadableGroup(TyperGroup):
    """Commands whose errors are told in words with exit code 1; ``--debug`` shows the traceback instead."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command named in ``ctx``."""
        try:
            with _told_warnings():
                return super().invoke(ctx)
        except Exception as err:
            is_usage = hasattr(err, "exit_code") or isinstance(err, typer.Abort)  # typer tells these itself
            if is_usage or ctx.params.get("debug"):
                raise
            tell(f"error: {_in_words(err)}")
            raise typer.Exit(1) from err


def _in_words(err: Exception) -> str:
    if isinstance(err, ValueError | TypeError | OSError | ImportError) and str(err):
        return str(err)
    return f"{type(err).__name__}: {err} (appkit --debug shows where)"


@contextmanager
def _told_warnings() -> Iterator[None]:
    """Tell warnings, and what appkit logs, as lines of their own."""
    handler = _Teller(logging.WARNING)
    logger = logging.getLogger("appkit")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", DataWarning)
            warnings.showwarning = lambda message, *_, **__: tell(f"warning: {message}")
            yield
    finally:
        logger.removeHandler(handler)


class _Teller(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell(f"note: {record.getMessage()}")
