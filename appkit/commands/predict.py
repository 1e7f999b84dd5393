"""``appkit predict``: ask a saved model about the rows of a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.console import tell
from appkit.commands.models import open_model_and_table, without_columns
from appkit.commands.series import is_of_series, moments_of, newest_rows
from appkit.commands.tables import check_columns, check_writable_table, write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["predict"]


def predict(
    model: Annotated[Path, typer.Argument(exists=True, help="Saved model.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Rows, .csv or .parquet.")],
    out: Annotated[Path, typer.Option(help="Where to write: .csv, .parquet or .json.")],
    keep: Annotated[
        list[str] | None, typer.Option(help="Column (an id) to copy beside the answers. Repeatable.")
    ] = None,
    interval: Annotated[
        float | None, typer.Option(help="Add low and high that hold the truth with this probability, such as 0.9.")
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="Of series: one line per unit, at its newest reading.")] = False,
) -> None:
    """Predict the rows of a table: a label and calibrated probabilities, or a value; of series with unit and time.

    Examples:

      appkit predict german.appkit applicants.csv --out predictions.csv

      appkit predict german.appkit applicants.parquet --keep application_id --out predictions.parquet

      appkit predict engines.appkit sensors.csv --last --interval 0.9 --out remaining_life.csv
    """
    check_writable_table(out)
    if interval is not None and not 0 < interval < 1:
        raise typer.BadParameter(f"--interval must be a probability between 0 and 1, got {interval!r}.")
    loaded, table = open_model_and_table(model, file)
    if not is_of_series(loaded):
        if last:
            raise ValueError(f"--last needs a model of series; {type(loaded).__name__} judges each row by itself.")
        X = without_columns(table, model, keep=keep or (), file=file)
        lines = _lines(loaded, X, beside=table[keep or []], interval=interval)
    else:
        check_columns(table, keep or (), path=file)
        beside = moments_of(loaded, table, more=keep or ())
        lines = _lines(loaded, table, beside=beside, interval=interval)
        lines = lines.iloc[newest_rows(loaded, table)] if last else lines
    write_table(lines, out)
    tell(f"Wrote {len(lines):,} rows to {out}.")


def _lines(model: Any, X: "pd.DataFrame", *, beside: "pd.DataFrame", interval: float | None) -> "pd.DataFrame":
    """Return what a model says of each row, with columns beside it that say which row it is."""
    import pandas as pd

    from appkit.data.cells import text_of

    answers = pd.DataFrame({"prediction": model.predict(X)}, index=X.index)
    if interval is not None:
        if not hasattr(model, "predict_interval"):
            raise ValueError(f"--interval needs a model of values; {type(model).__name__} gives probabilities.")
        answers[["low", "high"]] = model.predict_interval(X, alpha=round(1 - interval, 12))  # 1 - 0.8 is not quite 0.2
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(X)
        for position, label in enumerate(model.classes_):
            answers[f"probability_{text_of(label)}"] = probabilities[:, position]
    return pd.concat([beside, answers], axis=1)
