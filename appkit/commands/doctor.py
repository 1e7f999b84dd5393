"""``appkit doctor``: what is installed, what is missing, and the line that installs it."""

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

import typer

from appkit.commands.console import results

__all__ = ["doctor"]

_DISTRIBUTION = "industry-appkit"
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?P<bound>[^;\[]*)(;.*extra == [\"'](?P<extra>[^\"']+)[\"'])?")


def doctor() -> None:
    """Say what is installed and what is missing; exit code 1 where something appkit cannot do without is.

    Examples:

      appkit doctor
    """
    console = results()
    needs = list(_needs())
    for need in needs:
        console.print(need.line())
    for line in _surroundings():
        console.print(line)
    missing = sorted({need.extra for need in needs if need.installed is None})
    for extra in missing:
        target = f"'{_DISTRIBUTION}[{extra}]'" if extra else _DISTRIBUTION
        console.print(f"To install what {extra or 'appkit'} lacks: pip install {target}")
    if "" in missing:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Need:
    name: str
    bound: str
    extra: str  # empty for what appkit cannot do without
    installed: str | None

    def line(self) -> str:
        wanted = f"{self.name}{self.bound}"
        where = f"  [{self.extra}]" if self.extra else ""
        return f"{'ok     ' if self.installed else 'missing'}  {wanted:<30}{self.installed or '':<12}{where}".rstrip()


def _needs() -> Iterator[_Need]:
    """Read the packages from appkit's own metadata, so that the list cannot go out of date."""
    for text in requires(_DISTRIBUTION) or ():
        found = _REQUIREMENT.match(text)
        if found and found["name"] != _DISTRIBUTION:
            yield _Need(found["name"], found["bound"].strip(), found["extra"] or "", _installed(found["name"]))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _surroundings() -> Iterator[str]:
    import torch

    from appkit.domain import discover_domains

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device, the CPU is used"
    yield f"appkit   {version(_DISTRIBUTION)} on Python {platform.python_version()}, {platform.platform()}"
    yield f"device   {device}; {torch.get_num_threads()} threads"
    yield f"domains  {', '.join(discover_domains())}"
    yield f"data     APPKIT_DATA is {os.environ.get('APPKIT_DATA', 'not set')}"
