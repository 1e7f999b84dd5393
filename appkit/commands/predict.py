"""``appkit predict``: ask a saved model about the rows of a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.console import tell
from appkit.commands.models import open_model_and_table, without_columns
from appkit.commands.tables import check_writable_table, write_table

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
) -> None:
    """Predict the rows of a table: a label and calibrated probabilities, or a value.

    Examples:

      appkit predict german.appkit applicants.csv --out predictions.csv

      appkit predict german.appkit applicants.parquet --keep application_id --out predictions.parquet
    """
    check_writable_table(out)
    loaded, table = open_model_and_table(model, file)
    X = without_columns(table, model, keep=keep or (), file=file)
    answers = _answers(loaded, X)
    write_table(answers.assign(**{name: table[name] for name in keep or ()})[[*(keep or ()), *answers.columns]], out)
    tell(f"Wrote {len(answers):,} rows to {out}.")


def _answers(model: Any, X: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    answers = pd.DataFrame({"prediction": model.predict(X)}, index=X.index)
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(X)
        for position, label in enumerate(model.classes_):
            answers[f"probability_{label}"] = probabilities[:, position]
    return answers
