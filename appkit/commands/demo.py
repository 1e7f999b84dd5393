"""``appkit demo``: the whole way of a domain on data that come with it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from appkit.commands.console import tell

__all__ = ["demo"]


def demo(
    domain: Annotated[str | None, typer.Argument(help="Domain to show; the first one otherwise.")] = None,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder to write into.")] = Path(),
) -> None:
    """Fit, explain and report on data that come with a domain; no network needed.

    Examples:

      appkit demo

      appkit demo manufacturing --out demo
    """
    from appkit.domain import discover_domains

    shown = {name: found.demo for name, found in discover_domains().items() if found.demo is not None}
    if domain is not None and domain not in shown:
        raise typer.BadParameter(f"DOMAIN must be one of {', '.join(shown) or 'none yet'}, got {domain!r}.")
    if not shown:
        raise ValueError("No installed domain has a demo.")
    out.mkdir(parents=True, exist_ok=True)
    chosen = domain or next(iter(shown))
    shown[chosen](out, progress=sys.stderr.isatty())
    others = [name for name in shown if name != chosen]
    if domain is None and others:
        tell(f"There is more: {', '.join(f'appkit demo {name}' for name in others)}.")
