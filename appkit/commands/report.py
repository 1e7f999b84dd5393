"""``appkit report``: write down how good a saved model is on labelled rows, and why it says what it says."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.advising import cleaner_of, later_events, refuse
from appkit.commands.console import tell
from appkit.commands.images import LABEL, is_of_images, labelled_images
from appkit.commands.interactions import is_of_interactions
from appkit.commands.limits import parse_limits
from appkit.commands.models import open_model, read_rows, without_columns
from appkit.commands.series import is_of_series
from appkit.commands.tables import check_columns, check_folder

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["report"]


def report(
    model: Annotated[Path, typer.Argument(exists=True, help="Saved model.")],
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, help="Labelled rows, .csv or .parquet; a folder of images by class; or later interactions."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Page to write, .html; its facts go beside it as .json.")],
    target: Annotated[
        str | None, typer.Option(help="Column that holds the truth; of a folder of images the sub-folder.")
    ] = None,
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
    image: Annotated[str | None, typer.Option(help="Column of paths of images; as in fit otherwise.")] = None,
    patient: Annotated[
        str | None, typer.Option(help="Whose images are whose, as in fit; intervals then go by patient.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(exists=True, help="Images, as FILE, that thresholds are chosen on.")
    ] = None,
    prevalence: Annotated[
        float | None, typer.Option(help="Share of events where a model of images is to be used, such as 0.1.")
    ] = None,
    subgroup: Annotated[
        list[str] | None, typer.Option(help="Column to tell subgroups of images by: sex, site. Repeatable.")
    ] = None,
    show_images: Annotated[
        bool, typer.Option("--show-images", help="Put images on the page; they may be of patients.")
    ] = False,
    k: Annotated[int | None, typer.Option("--k", min=1, help="Of a recommender: items per list, 10.")] = None,
    case: Annotated[str | None, typer.Option(help="Of a recommender: user to tell of.")] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal pages.")] = 0,
) -> None:
    """Report on a model: metrics with intervals, calibration, and explanations that carry their proof.

    No image stands on the page unless asked for.

    Examples:

      appkit report german.appkit holdout.csv --target credit_risk --out german.html

      appkit report german.appkit holdout.csv --target credit_risk --reference train.csv --limit 'AUC>=0.75'
      --limit 'PSI<=0.1' --date 2026-01-15 --out german.html

      appkit report engines.appkit test_engines.csv --target rul --out maintenance.html

      appkit report scans.appkit scans_test/ --patient '(P\\d+)' --validation scans_val/ --out study.html

      appkit report scans.appkit test.csv --target finding --subgroup sex --subgroup site --show-images --out study.html

      appkit report shop.appkit orders_since.parquet --k 10 --out shop.html
    """
    from appkit.reporting.content import report as report_on

    if out.suffix != ".html":
        raise ValueError(f"{out} must end in .html.")
    check_folder(out)
    limits = parse_limits(limit or ())
    if challengers and reference is None:
        raise typer.BadParameter("--challengers need training rows to fit on: give --reference.")
    of_images: dict[str, Any] = {"image": image, "patient": patient, "validation": validation, "prevalence": prevalence}
    loaded = open_model(model, **of_images, subgroup=subgroup or None, show_images=show_images or None)
    told: dict[str, Any] = {"title": title, "purpose": purpose, "data_name": file.absolute().name}
    told |= {"report_date": None if date is None else date.date(), "limits": limits or None, "random_state": seed}
    if is_of_interactions(loaded):
        refuse(loaded, target=target, reference=reference, challengers=challengers, incumbent=incumbent, dates=dates)
        refuse(loaded, weight=weight, keep=keep)
        _report_advice(loaded, file, model=model, out=out, k=k, case=case, **told)
        return
    if k is not None or case is not None:
        raise ValueError(f"--k and --case are for recommenders; {type(loaded).__name__} is none.")

    def read(source: Path) -> _Rows:
        if is_of_images(loaded):
            return _images(loaded, source, target=target, image=image, patient=patient)
        aside = [target, weight, *(keep or ())]
        return _table(loaded, source, target=target, model_file=model, aside=aside, unless_used=[incumbent, dates])

    judged = read(file)
    check_columns(judged.table, [judged.target, weight, incumbent, dates, *(keep or ()), *(subgroup or ())], path=file)
    seen = None if reference is None else read(reference)
    held_out = None if validation is None else read(validation)
    if held_out is not None:
        check_columns(held_out.table, [held_out.target], path=held_out.source)
    tell(f"Reporting on {len(judged.X):,} {'images' if is_of_images(loaded) else 'rows'}.")
    page, facts = report_on(
        loaded,
        judged.X,
        judged.table[judged.target],
        sample_weight=None if weight is None else judged.table[weight],
        groups=judged.patients,
        reference=None if seen is None else seen.pair(),
        challengers=_challengers(loaded, challengers, seen),
        incumbent_score=None if incumbent is None else _score(judged.table, incumbent, file),
        dates=None if dates is None else _dates(judged.table, dates, file),
        validation=None if held_out is None else held_out.pair(),
        prevalence=prevalence,
        subgroups=judged.table[subgroup] if subgroup else None,
        show_images=show_images,
        **told,
    ).save(out)
    tell(f"Wrote {page} and {facts}.")


def _report_advice(loaded: Any, file: Path, *, model: Path, out: Path, case: str | None, **told: Any) -> None:
    """Report on a recommender by later events, cleaned as those of its fit were."""
    from appkit.domain import domain_of
    from appkit.persistence import read_notes
    from appkit.reporting.content import report as report_on

    later = later_events(loaded, file, notes=read_notes(model).get("cleaning"), clean=cleaner_of(domain_of(loaded)))
    tell(f"Reporting on {len(later):,} later events.")
    user = case if case is None or loaded.users_.is_text or not case.isdecimal() else int(case)
    page, facts = report_on(loaded, later, case=user, **told).save(out)
    tell(f"Wrote {page} and {facts}.")


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows or images of a file: all that is known of them, what the model takes of it, and where the truth is."""

    source: Path
    table: "pd.DataFrame"
    X: "pd.DataFrame"
    target: str
    patients: "pd.Series | None" = None

    @property
    def y(self) -> "pd.Series | None":
        return self.table.get(self.target)

    def pair(self) -> Any:
        """Return rows and labels, or the rows alone where nobody labelled them."""
        return self.X if self.y is None else (self.X, self.y)


def _images(loaded: Any, source: Path, *, target: str | None, image: str | None, patient: str | None) -> _Rows:
    if target is None and not source.is_dir():
        raise typer.BadParameter(f"--target must name the column of {source} that holds the truth.")
    rows = labelled_images(source, image=image, patient=patient, model=loaded)
    named = LABEL if target is None else target
    X = rows.table.drop(columns=named, errors="ignore")
    return _Rows(source, rows.table, X, named, None if rows.patient is None else rows.table[rows.patient])


def _table(
    loaded: Any,
    source: Path,
    *,
    target: str | None,
    model_file: Path,
    aside: Sequence[str | None],
    unless_used: Sequence[str | None],
) -> _Rows:
    if target is None:
        raise typer.BadParameter(
            "--target must name the column that holds the truth; only folders of images go without."
        )
    table = read_rows(loaded, source)
    no_features = _no_features(loaded, aside, unless_used=unless_used)
    X = without_columns(table, model_file, keep=[name for name in no_features if name in table], file=source)
    return _Rows(source, table, X, target)


def _no_features(model: Any, names: Sequence[str | None], *, unless_used: Sequence[str | None]) -> list[str]:
    """Return the columns to set aside; a score or a date may be a feature besides, and then stays."""
    if is_of_series(model):
        moments, features = {model.unit, model.time}, {model.unit, model.time, *model.sensors_}
    else:
        moments, features = set(), {column.name for column in model.schema_}
    return [name for name in [*(set(names) - moments), *(set(unless_used) - features)] if name is not None]


def _challengers(model: Any, wanted: bool | None, seen: _Rows | None) -> Any:
    """Return ``"auto"`` where challengers are asked for, or nobody said and there is all they need."""
    from appkit.domain import domain_of

    has_labels = seen is not None and seen.y is not None
    if wanted and seen is not None and not has_labels:
        raise ValueError(f"--challengers need labels to fit on, and {seen.source} has no column {seen.target!r}.")
    is_possible = has_labels and domain_of(model) is not None
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
