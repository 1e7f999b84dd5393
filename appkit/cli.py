"""The command line: ``appkit demo | fit | predict | explain | report | datasets | doctor``."""

from importlib.metadata import version
from typing import Annotated

import typer

from appkit.commands.console import ReadableGroup, results
from appkit.commands.datasets import datasets
from appkit.commands.demo import demo
from appkit.commands.doctor import doctor
from appkit.commands.explain import explain
from appkit.commands.fit import fit
from appkit.commands.predict import predict
from appkit.commands.report import report

__all__ = ["app", "main"]

app = typer.Typer(
    name="appkit",
    cls=ReadableGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def main() -> None:
    """Run the command line: exit code 0 if all went well, 1 for an error of ours, 2 for wrong usage."""
    app()


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        results().print(f"appkit {version('industry-appkit')}")
        raise typer.Exit()


@app.callback()
def _appkit(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Neural estimators whose explanations carry their own proof.

    Start with: appkit demo
    """


for command in (demo, fit, predict, explain, report, datasets, doctor):
    app.command()(command)
