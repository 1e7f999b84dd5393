"""``appkit explain``: say what drove each answer of a saved model."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.console import tell
from appkit.commands.models import open_model_and_table, without_columns
from appkit.commands.tables import check_writable_table, write_table

if TYPE_CHECKING:
    import pandas as pd

    from appkit.explanation import Explanation

__all__ = ["explain"]


class _Shape(StrEnum):
    """One line per row and column of the table, or one line per row."""

    long = "long"
    wide = "wide"


def explain(
    model: Annotated[Path, typer.Argument(exists=True, help="Saved model.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Rows, .csv or .parquet.")],
    out: Annotated[Path, typer.Option(help="Where to write: .csv, .parquet or .json.")],
    method: Annotated[str, typer.Option(help="auto, exact, regression, permutation, lime, occlusion.")] = "auto",
    units: Annotated[str | None, typer.Option(help="probability, log-odds or value.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Explain the first ROWS only.")] = None,
    shape: Annotated[_Shape, typer.Option(help="long: a line per row and column; wide: a line per row.")] = _Shape.long,
    target_error: Annotated[float | None, typer.Option(help="Stop a row at this share of its values.")] = None,
    max_evaluations: Annotated[int | None, typer.Option(min=1, help="Model evaluations per row.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Start no further round after this time.")] = None,
    correlated: Annotated[str, typer.Option(help="interventional or conditional.")] = "interventional",
    keep: Annotated[list[str] | None, typer.Option(help="Column that is no feature (an id). Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal values.")] = 0,
) -> None:
    """Explain rows: the share of each column in each output, with the standard error of every number.

    Examples:

      appkit explain german.appkit applicants.csv --rows 20 --out why.csv

      appkit explain german.appkit applicants.csv --target-error 0.02 --out why.csv

      appkit explain german.appkit applicants.csv --method lime --units log-odds --shape wide --out why.parquet
    """
    from appkit.explanation import explain as explain_rows

    check_writable_table(out)
    loaded, table = open_model_and_table(model, file)
    X = without_columns(table, model, keep=keep or (), file=file)[:rows]
    tell(f"Explaining {len(X):,} rows.")
    explanation = explain_rows(
        loaded,
        X,
        method,
        units=units,
        correlated=correlated,
        target_error=target_error,
        max_evaluations=max_evaluations,
        max_seconds=max_seconds,
        random_state=seed,
        progress=sys.stderr.isatty(),
    )
    write_table(_long(explanation) if shape is _Shape.long else _wide(explanation), out)
    tell(f"Wrote {explanation.method} values in {explanation.units} to {out}. {explanation.note}".strip())


def _long(explanation: "Explanation") -> "pd.DataFrame":
    """Return one line per row, output and player."""
    lines = explanation.to_frame().rename(columns={"player": "column"})
    return lines.assign(shown=lines["shown"].map(str, na_action="ignore").astype("str"))


def _wide(explanation: "Explanation") -> "pd.DataFrame":
    """Return one line per row and output, two columns per player."""
    import pandas as pd

    parts = []
    for position, output in enumerate(explanation.output_names):
        part: dict[str, Any] = {"row": range(len(explanation.values)), "output": output}
        part |= {"base_value": explanation.base_value[:, position], "model_output": explanation.output[:, position]}
        for player, name in enumerate(explanation.player_names):
            part[name] = explanation.values[:, player, position]
            part[f"{name} (standard error)"] = explanation.standard_error[:, player, position]
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)
