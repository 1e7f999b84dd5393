"""``appkit report``: write down how good a saved model is on labelled rows, and why it says what it says."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.console import tell
from appkit.commands.limits import parse_limits
from appkit.commands.models import open_model_and_table, without_columns
from appkit.commands.series import is_of_series
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
    date: Annotated[
        datetime.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date to print; none is made up.")
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="'AUC>=0.75', 'PSI<=0.1', 'Calibration slope=0.7..1.3'. Repeatable.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(exists=True, help="Training rows to hold drift against.")] = None,
    challengers: Annotated[
        bool | None,
        typer.Option(help="Fit challengers on --reference; done if that has the target and the domain has any."),
    ] = None,
    incumbent: Annotated[str | None, typer.Option(help="Column of the score, or approvals, of the rule now.")] = None,
    dates: Annotated[str | None, typer.Option(help="Column of the date of each row.")] = None,
    weight: Annotated[str | None, typer.Option(help="Column of row weights.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="Column that is no feature (an id). Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal pages.")] = 0,
) -> None:
    """Report on a model: metrics with intervals, calibration, and explanations that carry their proof.

    Examples:

      appkit report german.appkit holdout.csv --target credit_risk --out german.html

      appkit report german.appkit holdout.csv --target credit_risk --reference train.csv --limit 'AUC>=0.75'
      --limit 'PSI<=0.1' --date 2026-01-15 --out german.html

      appkit report engines.appkit test_engines.csv --target rul --out maintenance.html
    """
    from appkit.reporting.content import report as report_on

    if out.suffix != ".html":
        raise ValueError(f"{out} must end in .html.")
    check_folder(out)
    limits = parse_limits(limit or ())
    if challengers and reference is None:
        raise typer.BadParameter("--challengers need training rows to fit on: give --reference.")
    loaded, table = open_model_and_table(model, file)
    check_columns(table, [target, weight, incumbent, dates], path=file)
    aside = _no_features(loaded, [target, weight, *(keep or ())], unless_used=[incumbent, dates])
    X = without_columns(table, model, keep=aside, file=file)
    seen, seen_y = (None, None) if reference is None else _training_rows(model, reference, aside=aside, target=target)
    tell(f"Reporting on {len(X):,} rows.")
    page, facts = report_on(
        loaded,
        X,
        table[target],
        sample_weight=None if weight is None else table[weight],
        title=title,
        purpose=purpose,
        data_name=file.name,
        report_date=None if date is None else date.date(),
        limits=limits or None,
        reference=seen if seen_y is None else (seen, seen_y),
        challengers=_challengers(loaded, challengers, seen_y, reference=reference, target=target),
        incumbent_score=None if incumbent is None else _score(table, incumbent, file),
        dates=None if dates is None else _dates(table, dates, file),
        random_state=seed,
    ).save(out)
    tell(f"Wrote {page} and {facts}.")


def _no_features(model: Any, names: list[str | None], *, unless_used: list[str | None]) -> list[str]:
    """Return the columns to set aside; a score or a date may be a feature besides, and then stays."""
    if is_of_series(model):
        moments, features = {model.unit, model.time}, {model.unit, model.time, *model.sensors_}
    else:
        moments, features = set(), {column.name for column in model.schema_}
    return [name for name in [*(set(names) - moments), *(set(unless_used) - features)] if name is not None]


def _training_rows(
    model: Path, file: Path, *, aside: list[str], target: str
) -> "tuple[pd.DataFrame, pd.Series | None]":
    """Return training rows, and their labels where they hold them."""
    _, table = open_model_and_table(model, file)
    X = without_columns(table, model, keep=[name for name in aside if name in table], file=file)
    return X, table.get(target)


def _challengers(model: Any, wanted: bool | None, y: "pd.Series | None", *, reference: Path | None, target: str) -> Any:
    """Return ``"auto"`` where challengers are asked for, or nobody said and there is all they need."""
    from appkit.domain import domain_of

    if wanted and y is None:
        raise ValueError(f"--challengers need labels to fit on, and {reference} has no column {target!r}.")
    is_possible = y is not None and domain_of(model) is not None
    return "auto" if wanted or (wanted is None and is_possible) else None


def _score(table: "pd.DataFrame", name: str, file: Path) -> "pd.Series":
    from pandas.api.types import is_numeric_dtype

    score = table[name]
    if not is_numeric_dtype(score) or score.isna().any():
        raise ValueError(
            f"--incumbent must name a column of numbers, or of true and false for approvals, without gaps; {name!r} of "
            f"{file} is {score.dtype} with {score.isna().sum()} missing."
        )
    return score


def _dates(table: "pd.DataFrame", name: str, file: Path) -> "pd.Series":
    import pandas as pd

    try:
        return pd.to_datetime(table[name])
    except (ValueError, TypeError) as err:
        raise ValueError(f"--dates must name a column of dates; {name!r} of {file} cannot be read: {err}") from err
