"""``appkit explain``: say what drove each answer of a saved model."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.console import tell
from appkit.commands.models import open_model_and_table, without_columns
from appkit.commands.series import is_of_series, moments_of, rows_of
from appkit.commands.tables import check_columns, check_writable_table, write_table

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
    rows: Annotated[
        str | None, typer.Option(help="The first so many, all, or of series last: the newest of each unit.")
    ] = None,
    shape: Annotated[_Shape, typer.Option(help="long: a line per row and column; wide: a line per row.")] = _Shape.long,
    target_error: Annotated[float | None, typer.Option(help="Stop a row at this share of its values.")] = None,
    max_evaluations: Annotated[int | None, typer.Option(min=1, help="Model evaluations per row.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Start no further round after this time.")] = None,
    correlated: Annotated[str, typer.Option(help="interventional or conditional.")] = "interventional",
    keep: Annotated[list[str] | None, typer.Option(help="Column that is no feature (an id). Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal values.")] = 0,
) -> None:
    """Explain rows: the share of each column in each output, with the standard error of every number.

    Of series each unit's newest window is explained unless --rows says otherwise: the share of each sensor over each
    stretch of steps, counted from the oldest of the window.

    Examples:

      appkit explain german.appkit applicants.csv --rows 20 --out why.csv

      appkit explain german.appkit applicants.csv --target-error 0.02 --out why.csv

      appkit explain german.appkit applicants.csv --method lime --units log-odds --shape wide --out why.parquet

      appkit explain engines.appkit sensors.csv --rows last --out why.csv
    """
    from appkit.explanation import explain as explain_rows

    check_writable_table(out)
    which, n_first = _which_rows(rows)
    loaded, table = open_model_and_table(model, file)
    X, names = _asked(loaded, table, which, model=model, keep=keep or (), file=file)
    X, names = X[:n_first], names[:n_first]
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
    write_table((_long if shape is _Shape.long else _wide)(explanation, names), out)
    tell(f"Wrote {explanation.method} values in {explanation.units} to {out}. {explanation.note}".strip())


def _which_rows(text: str | None) -> tuple[str, int | None]:
    """Return which rows are asked for, ``""`` where nobody said, and how many of them."""
    if text is None or text in ("all", "last"):
        return text or "", None
    if not (text.isdecimal() and int(text)):
        raise typer.BadParameter(f"--rows must be a positive number, all or last, got {text!r}.")
    return "", int(text)


def _asked(
    loaded: Any, table: "pd.DataFrame", which: str, *, model: Path, keep: Sequence[str], file: Path
) -> "tuple[Any, pd.DataFrame]":
    """Return the rows, or windows of series, to explain, and the columns that name them in the answer."""
    import numpy as np

    places = np.arange(len(table))
    if is_of_series(loaded):
        check_columns(table, keep, path=file)
        windows = loaded.windows(table, rows=places if which == "all" else "last")
        return windows, moments_of(loaded, table).iloc[rows_of(windows)]
    if which == "last":
        raise ValueError(f"--rows last needs a model of series; {type(loaded).__name__} judges each row by itself.")
    return without_columns(table, model, keep=keep, file=file), table[[]].assign(row=places)


def _long(explanation: "Explanation", names: "pd.DataFrame") -> "pd.DataFrame":
    """Return one line per row, output and player."""
    import pandas as pd

    lines = explanation.to_frame()
    shown = lines["shown"].map(str, na_action="ignore").astype("str")
    named = names.iloc[lines["row"]].reset_index(drop=True).assign(output=lines["output"])
    players = _players(explanation).loc[lines["player"]].reset_index(drop=True)
    return pd.concat([named, players, lines.assign(shown=shown).loc[:, "shown":]], axis=1)


def _players(explanation: "Explanation") -> "pd.DataFrame":
    """Return what players are, by their names: columns of a table, or sensors over stretches of steps."""
    import pandas as pd

    from appkit.explanation.layouts import WindowLayout

    names, layout = list(explanation.player_names), explanation.layout
    if not isinstance(layout, WindowLayout):
        return pd.DataFrame({"column": names}, index=names)
    steps = [f"{start} to {end - 1}" for start, end in pairwise(layout.bounds.tolist())]
    places = pd.MultiIndex.from_product([layout.sensors, steps], names=["sensor", "steps"])
    return places.to_frame(index=False).set_axis(names)


def _wide(explanation: "Explanation", names: "pd.DataFrame") -> "pd.DataFrame":
    """Return one line per row and output, two columns per player."""
    import pandas as pd

    named = names.reset_index(drop=True)
    parts = []
    for position, output in enumerate(explanation.output_names):
        part: dict[str, Any] = {"output": output}
        part |= {"base_value": explanation.base_value[:, position], "model_output": explanation.output[:, position]}
        for player, name in enumerate(explanation.player_names):
            part[name] = explanation.values[:, player, position]
            part[f"{name} (standard error)"] = explanation.standard_error[:, player, position]
        parts.append(pd.concat([named, pd.DataFrame(part, index=named.index)], axis=1))
    return pd.concat(parts, ignore_index=True)
