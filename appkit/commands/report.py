"""``appkit report``: write down how good a saved model is on labelled rows, and why it says what it says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from appkit.commands.console import tell
from appkit.commands.models import open_model_and_table, without_columns
from appkit.commands.tables import check_columns, check_folder

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["report"]


def report(
    model: Annotated[Path, typer.Argument(exists=True, help="Saved model.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Labelled rows, .csv or .parquet.")],
    target: Annotated[str, typer.Option(help="Column that holds the truth.")],
    out: Annotated[Path, typer.Option(help="Page to write, .html; its facts go beside it as .json.")],
    title: Annotated[str | None, typer.Option(help="What the model predicts.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What the model is used for, in a sentence.")] = None,
    reference: Annotated[Path | None, typer.Option(exists=True, help="Training rows to hold drift against.")] = None,
    weight: Annotated[str | None, typer.Option(help="Column of row weights.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="Column that is no feature (an id). Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal pages.")] = 0,
) -> None:
    """Report on a model: metrics with intervals, calibration, and explanations that carry their proof.

    Examples:

      appkit report german.appkit holdout.csv --target credit_risk --out german.html
    """
    from appkit.reporting.content import report as report_on

    if out.suffix != ".html":
        raise ValueError(f"{out} must end in .html.")
    check_folder(out)
    loaded, table = open_model_and_table(model, file)
    check_columns(table, [target, weight], path=file)
    no_features = [name for name in (target, weight, *(keep or ())) if name is not None]
    X = without_columns(table, model, keep=no_features, file=file)
    tell(f"Reporting on {len(X):,} rows.")
    page, facts = report_on(
        loaded,
        X,
        table[target],
        sample_weight=None if weight is None else table[weight],
        title=title,
        purpose=purpose,
        data_name=file.name,
        reference=None if reference is None else _training_rows(model, reference, no_features=no_features),
        random_state=seed,
    ).save(out)
    tell(f"Wrote {page} and {facts}.")


def _training_rows(model: Path, file: Path, *, no_features: list[str]) -> "pd.DataFrame":
    _, table = open_model_and_table(model, file)
    return without_columns(table, model, keep=[name for name in no_features if name in table], file=file)
