"""``appkit explain``: say what drove each answer of a saved model."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.advising import because_table, explainable_advice, refuse
from appkit.commands.console import tell
from appkit.commands.explained import long_table, wide_table
from appkit.commands.images import is_of_images, unlabelled_images
from appkit.commands.interactions import is_of_interactions
from appkit.commands.models import open_model, read_rows, without_columns
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


class _Segments(StrEnum):
    """How images are cut into players."""

    patches = "patches"
    superpixels = "superpixels"


def explain(
    model: Annotated[Path, typer.Argument(exists=True, help="Saved model.")],
    file: Annotated[
        Path, typer.Argument(exists=True, help="Rows, .csv or .parquet; or images: a folder, a table of paths, a file.")
    ],
    out: Annotated[Path, typer.Option(help="Where to write: .csv, .parquet or .json.")],
    method: Annotated[
        str,
        typer.Option(
            help="auto, exact, regression, permutation, lime, occlusion; of images also expected_gradients, grad_cam."
        ),
    ] = "auto",
    units: Annotated[str | None, typer.Option(help="probability, log-odds or value.")] = None,
    rows: Annotated[
        str | None, typer.Option(help="The first so many, all, or of series last: the newest of each unit.")
    ] = None,
    players: Annotated[
        _Segments | None, typer.Option(help="Of images: squares of a grid, or regions of like colour.")
    ] = None,
    n_players: Annotated[int | None, typer.Option(min=2, help="Of images: how many segments to aim at.")] = None,
    image: Annotated[str | None, typer.Option(help="Column of paths of images; as in fit otherwise.")] = None,
    shape: Annotated[_Shape, typer.Option(help="long: a line per row and column; wide: a line per row.")] = _Shape.long,
    target_error: Annotated[float | None, typer.Option(help="Stop a row at this share of its values.")] = None,
    max_evaluations: Annotated[int | None, typer.Option(min=1, help="Model evaluations per row.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Start no further round after this time.")] = None,
    correlated: Annotated[str, typer.Option(help="interventional or conditional.")] = "interventional",
    keep: Annotated[list[str] | None, typer.Option(help="Column that is no feature (an id). Repeatable.")] = None,
    k: Annotated[int | None, typer.Option("--k", min=1, help="Of a recommender: items per list, 10.")] = None,
    filter_seen: Annotated[
        bool | None,
        typer.Option("--filter-seen/--rebuy", help="Of a recommender: as in predict."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal values.")] = 0,
) -> None:
    """Explain rows: the share of each column in each output, with the standard error of every number.

    Of series each unit's newest window is explained unless --rows says otherwise: the share of each sensor over each
    stretch of steps, counted from the oldest of the window. Of an image the share of each segment, with the pixels it
    spans in the image as the model sees it, counted from the top left. Of a recommender FILE holds users and the items
    advised to them, as predict writes them, or users alone: because of which items they took it is advised.

    Examples:

      appkit explain german.appkit applicants.csv --rows 20 --out why.csv

      appkit explain german.appkit applicants.csv --target-error 0.02 --out why.csv

      appkit explain german.appkit applicants.csv --method lime --units log-odds --shape wide --out why.parquet

      appkit explain engines.appkit sensors.csv --rows last --out why.csv

      appkit explain scans.appkit scan.dcm --players superpixels --out why.csv

      appkit explain shop.appkit advice.csv --rows 20 --out because.csv
    """
    from appkit.explanation import explain as explain_rows

    check_writable_table(out)
    which, n_first = _which_rows(rows)
    loaded = open_model(model, players=players, n_players=n_players, image=image)
    if is_of_interactions(loaded):
        refuse(loaded, keep=keep, **{"rows last": which == "last", "shape wide": shape is _Shape.wide})
    X, names = _asked(loaded, which, model=model, keep=keep or (), file=file, image=image)
    X, names = X[:n_first], names[:n_first]
    tell(f"Explaining {len(X):,} {'images' if is_of_images(loaded) else 'rows'}.")
    explanation = explain_rows(
        loaded,
        X,
        method,
        units=units,
        players=None if players is None else players.value,
        n_players=n_players,
        k=k,
        filter_seen=filter_seen,
        correlated=correlated,
        target_error=target_error,
        max_evaluations=max_evaluations,
        max_seconds=max_seconds,
        random_state=seed,
        progress=sys.stderr.isatty(),
    )
    write_table(_table(explanation, names, shape=shape, model=loaded), out)
    tell(f"Wrote {explanation.method} values in {explanation.units} to {out}. {explanation.note}".strip())


def _table(explanation: "Explanation", names: "pd.DataFrame", *, shape: _Shape, model: Any) -> "pd.DataFrame":
    if is_of_interactions(model):
        return because_table(model, explanation)
    return (long_table if shape is _Shape.long else wide_table)(explanation, names)


def _which_rows(text: str | None) -> tuple[str, int | None]:
    """Return which rows are asked for, ``""`` where nobody said, and how many of them."""
    if text is None or text in ("all", "last"):
        return text or "", None
    if not (text.isdecimal() and int(text)):
        raise typer.BadParameter(f"--rows must be a positive number, all or last, got {text!r}.")
    return "", int(text)


def _asked(
    loaded: Any, which: str, *, model: Path, keep: Sequence[str], file: Path, image: str | None
) -> "tuple[Any, pd.DataFrame]":
    """Return the rows, images or windows of series to explain, and the columns that name them in the answer."""
    import numpy as np

    if which == "last" and not is_of_series(loaded):
        raise ValueError(f"--rows last needs a model of series; {type(loaded).__name__} judges each row by itself.")
    if is_of_images(loaded):
        images = unlabelled_images(file, image=image, model=loaded)
        check_columns(images.table, keep, path=file)
        return images.table, images.named(keep)
    if is_of_interactions(loaded):
        advice = explainable_advice(loaded, file)
        return advice, advice
    table = read_rows(loaded, file)
    places = np.arange(len(table))
    if not is_of_series(loaded):
        return without_columns(table, model, keep=keep, file=file), table[[]].assign(row=places)
    check_columns(table, keep, path=file)
    windows = loaded.windows(table, rows=places if which == "all" else "last")
    return windows, moments_of(loaded, table).iloc[rows_of(windows)]
