"""``appkit predict``: ask a saved model about the rows of a table, or about images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.advising import lists_of, refuse
from appkit.commands.console import tell
from appkit.commands.images import is_of_images, unlabelled_images
from appkit.commands.interactions import is_of_interactions
from appkit.commands.models import open_model, read_rows, without_columns
from appkit.commands.series import is_of_series, moments_of, newest_rows
from appkit.commands.tables import check_columns, check_writable_table, write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["predict"]

_K = 10


def predict(
    model: Annotated[Path, typer.Argument(exists=True, help="Saved model.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            help="Rows, .csv or .parquet; or images: a folder, a table of paths, a file; of a recommender users, "
            "everybody it knows where none is given.",
            show_default=False,
        ),
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Where to write: .csv, .parquet or .json.")],
    keep: Annotated[
        list[str] | None, typer.Option(help="Column (an id) to copy beside the answers. Repeatable.")
    ] = None,
    interval: Annotated[
        float | None, typer.Option(help="Add low and high that hold the truth with this probability, such as 0.9.")
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="Of series: one line per unit, at its newest reading.")] = False,
    image: Annotated[str | None, typer.Option(help="Column of paths of images; as in fit otherwise.")] = None,
    k: Annotated[int | None, typer.Option("--k", min=1, help="Of a recommender: items per list, 10.")] = None,
    filter_seen: Annotated[
        bool | None,
        typer.Option("--filter-seen/--rebuy", help="Of a recommender: leave out what a user took, or not; as in fit."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(exists=True, help="Of a recommender: events to advise by, not those of the fit."),
    ] = None,
) -> None:
    """Predict rows or images: a label and calibrated probabilities, or a value; of series with unit and time.

    Images of a folder are all those below it; no sub-folders by class are needed. A recommender writes the best items
    of each user, with rank, score, and what they are based on: the user's history, or popularity.

    Examples:

      appkit predict german.appkit applicants.csv --out predictions.csv

      appkit predict german.appkit applicants.parquet --keep application_id --out predictions.parquet

      appkit predict engines.appkit sensors.csv --last --interval 0.9 --out remaining_life.csv

      appkit predict scans.appkit new_scans/ --out findings.csv

      appkit predict shop.appkit customers.csv --k 5 --out advice.csv
    """
    check_writable_table(out)
    if interval is not None and not 0 < interval < 1:
        raise typer.BadParameter(f"--interval must be a probability between 0 and 1, got {interval!r}.")
    loaded = open_model(model, image=image)
    if is_of_interactions(loaded):
        refuse(loaded, keep=keep, interval=interval, last=last)
        lists = lists_of(loaded, file, k=k or _K, filter_seen=filter_seen, history=history)
        write_table(lists, out)
        tell(f"Wrote {len(lists):,} items for {lists['user'].nunique():,} users to {out}.{_on_basis(lists)}")
        return
    _check_only_of_tables(loaded, k=k, filter_seen=filter_seen, history=history)
    if file is None:
        raise typer.BadParameter("FILE must name the rows to predict; only recommenders go without.")
    if last and not is_of_series(loaded):
        raise ValueError(f"--last needs a model of series; {type(loaded).__name__} judges each row by itself.")
    if is_of_images(loaded):
        rows = unlabelled_images(file, image=image, model=loaded)
        check_columns(rows.table, keep or (), path=file)
        lines = _lines(loaded, rows.table, beside=rows.named(keep or ()), interval=interval)
    elif is_of_series(loaded):
        table = read_rows(loaded, file)
        check_columns(table, keep or (), path=file)
        beside = moments_of(loaded, table, more=keep or ())
        lines = _lines(loaded, table, beside=beside, interval=interval)
        lines = lines.iloc[newest_rows(loaded, table)] if last else lines
    else:
        table = read_rows(loaded, file)
        X = without_columns(table, model, keep=keep or (), file=file)
        lines = _lines(loaded, X, beside=table[keep or []], interval=interval)
    write_table(lines, out)
    tell(f"Wrote {len(lines):,} rows to {out}.")


def _on_basis(lists: "pd.DataFrame") -> str:
    """Say how many users were advised without a history, if any were."""
    n_popular = lists.loc[lists["basis"] == "popularity", "user"].nunique()
    return f" {n_popular:,} of them have no history and get what is popular." if n_popular else ""


def _check_only_of_tables(model: Any, **options: Any) -> None:
    for option, given in options.items():
        if given is not None:
            raise ValueError(f"--{option.replace('_', '-')} is for recommenders; {type(model).__name__} is none.")


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
